//! The estimate of the throughput.
//!
//! A growing segment arrives at the camera's pace: bytes per second would measure the encoder. The
//! link sets the pace only while media is *behind*: when a start fetches what already exists, or
//! when the link is too slow. Only then are reads samples; the caller passes no others. There are
//! two means with different half-lives, weighted by the time spent receiving (not by wall time:
//! silence says nothing). The smaller one is the estimate, so that it falls at once and rises
//! slowly.

use crate::time::{Duration, Instant};
use crate::units::Bitrate;

/// Reads are gathered into samples of this length: the timing of single reads is the browser's.
const SAMPLE_TIME: Duration = Duration::from_millis(60);
/// A burst of at least this many bytes is a sample even if it was shorter.
const BURST_BYTES: u64 = 12_000;
/// A burst is taken to have lasted at least this long: a shorter time would measure the browser's
/// own buffering.
const BURST_TIME: Duration = Duration::from_millis(10);
/// A longer pause within a growing segment comes from the camera or the server, not from the link.
const PAUSE: Duration = Duration::from_millis(180);
/// The time over which [`Estimate::recent`] measures: at most, and at least.
const RECENT_TIME: Duration = Duration::from_millis(500);
const LEAST_RECENT_TIME: Duration = Duration::from_millis(120);
/// After a silence of this length, earlier samples count for a quarter: the link may have changed,
/// and a player that fetches little has to notice soon that it has become faster. Microseconds.
const SILENCE_US: u64 = 4_000_000;

/// A mean in which the weight of a sample halves with each half-life of receiving time.
#[derive(Clone, Copy, Debug)]
struct Mean {
    half_life_us: u64,
    /// Bits a second.
    value: u64,
    /// The receiving time that the value stands for.
    weight_us: u64,
}

impl Mean {
    const fn new(half_life_ms: u64) -> Self {
        Self { half_life_us: half_life_ms * 1000, value: 0, weight_us: 0 }
    }

    fn fade(&mut self, silence: Duration) {
        let silence_us = silence.as_micros();
        let mut weight = self.weight_us.min(self.half_life_us);
        for _ in 0..2 {
            weight = weight * SILENCE_US / SILENCE_US.saturating_add(silence_us);
        }
        self.weight_us = weight;
    }

    /// Adds a sample. The old value is weighted by `half / (half + time)`: near enough to
    /// 2^-(time/half) for times up to one half-life, and without a logarithm.
    fn add(&mut self, rate: Bitrate, time: Duration) {
        let time_us = time.as_micros().min(60_000_000);
        let keep = self.weight_us.min(self.half_life_us);
        let old = self.value.saturating_mul(keep);
        let sum = old.saturating_add(rate.as_bps().saturating_mul(time_us));
        let Some(value) = sum.checked_div(keep.saturating_add(time_us)) else { return };
        self.value = value;
        self.weight_us = self.weight_us.saturating_add(time_us);
    }
}

/// The estimate, and the samples that it is made from.
#[derive(Clone, Debug)]
pub struct Estimate {
    fast: Mean,
    slow: Mean,
    /// Bytes of the sample that is being gathered, and the time that they took.
    gathered: u64,
    gathered_time: Duration,
    /// When the last sample was taken.
    known_at: Option<Instant>,
    /// Bytes and time since the link became the bottleneck, up to about [`RECENT_TIME`].
    window: (u64, Duration),
}

impl Default for Estimate {
    fn default() -> Self {
        Self {
            fast: Mean::new(500),
            slow: Mean::new(4_000),
            gathered: 0,
            gathered_time: Duration::ZERO,
            known_at: None,
            window: (0, Duration::ZERO),
        }
    }
}

impl Estimate {
    /// `bytes` arrived `after` the read before, and the link had held them back. `paced`: they
    /// belong to a growing segment, in which a long pause does not come from the link.
    pub fn read(&mut self, now: Instant, bytes: u64, after: Duration, paced: bool) {
        if paced && after > PAUSE {
            self.gathered = 0;
            self.gathered_time = Duration::ZERO;
            self.window = (0, Duration::ZERO);
            return;
        }
        self.window.0 += bytes;
        self.window.1 += after;
        if self.window.1 > RECENT_TIME {
            self.window = (self.window.0 / 2, self.window.1 / 2);
        }
        self.gathered += bytes;
        self.gathered_time += after;
        if self.gathered_time >= SAMPLE_TIME {
            self.take_sample(now);
        }
    }

    /// The link holds nothing back any more: the burst is over.
    pub fn end_burst(&mut self, now: Instant) {
        if self.gathered >= BURST_BYTES {
            self.take_sample(now);
        }
        self.gathered = 0;
        self.gathered_time = Duration::ZERO;
        self.window = (0, Duration::ZERO);
    }

    fn take_sample(&mut self, now: Instant) {
        let time = self.gathered_time.max(BURST_TIME);
        if let Some(rate) = Bitrate::of(self.gathered, time) {
            let silence = self.known_at.map_or(Duration::ZERO, |at| now.since(at));
            let silence = silence.saturating_sub(self.gathered_time);
            self.fast.fade(silence);
            self.slow.fade(silence);
            self.fast.add(rate, time);
            self.slow.add(rate, time);
            self.known_at = Some(now);
        }
        self.gathered = 0;
        self.gathered_time = Duration::ZERO;
    }

    /// Lowers the estimate to [`Self::recent`] after the link proved too slow: older samples would
    /// lead to a higher rung again at once.
    pub fn lower_to_recent(&mut self) {
        let Some(rate) = self.recent() else { return };
        for mean in [&mut self.fast, &mut self.slow] {
            mean.value = mean.value.min(rate.as_bps());
        }
    }

    /// Raises the estimate to at least `rate`, which a probe or the server has shown.
    pub fn raise_to(&mut self, now: Instant, rate: Bitrate) {
        for mean in [&mut self.fast, &mut self.slow] {
            if mean.value < rate.as_bps() {
                mean.value = rate.as_bps();
                mean.weight_us = 300_000;
            }
        }
        self.known_at = Some(now);
    }

    /// The estimate, if anything was ever measured.
    pub fn rate(&self) -> Option<Bitrate> {
        self.known_at?;
        Some(Bitrate::from_bps(self.fast.value.min(self.slow.value)))
    }

    /// The estimate, if something was measured within `age`.
    pub fn fresh(&self, now: Instant, age: Duration) -> Option<Bitrate> {
        (now.since(self.known_at?) <= age).then(|| self.rate())?
    }

    /// The throughput since the link became the bottleneck, over half a second at most: for
    /// decisions about a segment under way.
    pub fn recent(&self) -> Option<Bitrate> {
        let (bytes, time) = self.window;
        if time < LEAST_RECENT_TIME {
            return None;
        }
        Bitrate::of(bytes, time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    /// Receives at `kbps` in packets for `ms`.
    fn receive(e: &mut Estimate, from_ms: u64, kbps: u64, ms: u64) {
        for t in (0..ms).step_by(10) {
            e.read(at(from_ms + t), kbps * 10 / 8, Duration::from_millis(10), true);
        }
    }

    fn near(rate: Option<Bitrate>, kbps: u64) -> bool {
        rate.is_some_and(|r| r.as_bps().abs_diff(kbps * 1000) < kbps * 100)
    }

    #[test]
    fn a_drop_is_seen_within_a_second_and_a_rise_with_more_care() {
        let mut e = Estimate::default();
        receive(&mut e, 0, 4000, 3000);
        assert!(near(e.rate(), 4000), "{:?}", e.rate());
        e.end_burst(at(3000));
        receive(&mut e, 3000, 700, 1000);
        assert!(near(e.recent(), 700));
        receive(&mut e, 4000, 4000, 600);
        assert!(e.rate().unwrap() < Bitrate::from_kbps(3900));
    }

    #[test]
    fn a_pause_of_the_camera_is_no_measurement() {
        let mut e = Estimate::default();
        receive(&mut e, 0, 4000, 1000);
        e.read(at(4000), 2000, Duration::from_secs(3), true);
        assert!(near(e.rate(), 4000));
    }

    #[test]
    fn a_quick_burst_counts_and_a_single_small_read_does_not() {
        let mut e = Estimate::default();
        e.read(at(0), 900, Duration::ZERO, true);
        e.end_burst(at(1));
        assert_eq!(e.rate(), None);
        e.read(at(2), 40_000, Duration::from_millis(2), true);
        e.end_burst(at(3));
        assert!(e.rate().unwrap() >= Bitrate::from_kbps(30_000));
    }

    #[test]
    fn a_proof_overrules_a_lower_memory_and_never_a_higher() {
        let mut e = Estimate::default();
        receive(&mut e, 0, 600, 5000);
        e.raise_to(at(5000), Bitrate::from_kbps(3500));
        assert_eq!(e.rate(), Some(Bitrate::from_kbps(3500)));
        e.raise_to(at(5001), Bitrate::from_kbps(100));
        assert_eq!(e.rate(), Some(Bitrate::from_kbps(3500)));
    }
}
