//! What the link carries.
//!
//! A growing segment comes at the camera's pace: bytes over seconds would measure the encoder. Only
//! while media is *behind* (a join's backlog, a link too slow) does the link set the pace, and only
//! then are reads samples; the caller says which they are. Two averages with different memories are
//! kept, by time spent receiving (not by wall time: silence says nothing); the smaller one is the
//! estimate, so that it falls at once and rises with care.

use crate::time::{Instant, whole_micros};
use crate::units::Bitrate;
use core::time::Duration;

/// Samples are gathered to this length: single reads are the browser's packets, not the link's.
const GRAIN: Duration = Duration::from_millis(60);
/// A gathered burst with at least so many bytes counts even when it was over sooner.
const BURST_BYTES: u64 = 12_000;
/// The shortest time a burst is taken to have lasted: below it the browser's own buffering is what
/// was measured.
const BURST_TIME: Duration = Duration::from_millis(10);
/// A pause longer than this within a growing segment is the camera's or the server's.
const PAUSE: Duration = Duration::from_millis(180);

/// What is judged on while a segment is under way.
const WINDOW: Duration = Duration::from_millis(500);
const LEAST_WINDOW: Duration = Duration::from_millis(120);
/// After so long a silence what was measured before it counts for a quarter: the link may be another
/// one by now, and who fetches little must still find out that it is quick again.
const SILENCE_US: u64 = 4_000_000;

/// A mean whose memory halves in a span of receiving time.
#[derive(Clone, Copy, Debug)]
struct Mean {
    half_life_us: u64,
    /// Bits a second.
    value: u64,
    weight_us: u64,
}

impl Mean {
    const fn new(half_life_ms: u64) -> Self {
        Self { half_life_us: half_life_ms * 1000, value: 0, weight_us: 0 }
    }

    fn age(&mut self, silence: Duration) {
        let silence_us = whole_micros(silence);
        let mut weight = self.weight_us.min(self.half_life_us);
        for _ in 0..2 {
            weight = weight * SILENCE_US / SILENCE_US.saturating_add(silence_us);
        }
        self.weight_us = weight;
    }

    /// Weighs the old by `half / (half + time)`, which is 2^-(time/half) near enough up to one half
    /// life, and needs no logarithm.
    fn add(&mut self, rate: Bitrate, time: Duration) {
        let time_us = whole_micros(time).min(60_000_000);
        let keep = self.weight_us.min(self.half_life_us);
        let old = self.value.saturating_mul(keep);
        let sum = old.saturating_add(rate.as_bps().saturating_mul(time_us));
        let Some(value) = sum.checked_div(keep.saturating_add(time_us)) else { return };
        self.value = value;
        self.weight_us = self.weight_us.saturating_add(time_us);
    }
}

/// The estimate and what it is made of.
#[derive(Clone, Debug)]
pub struct Estimate {
    fast: Mean,
    slow: Mean,
    gathered: u64,
    gathered_time: Duration,
    known_at: Option<Instant>,
    /// All that came since the link became the bottleneck.
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
    /// `bytes` came `after` the read before, and the link was what held them back. `paced`: in a
    /// growing segment, where a long pause is not the link's.
    pub fn read(&mut self, now: Instant, bytes: u64, after: Duration, paced: bool) {
        if paced && after > PAUSE {
            self.gathered = 0;
            self.gathered_time = Duration::ZERO;
            self.window = (0, Duration::ZERO);
            return;
        }
        self.window.0 += bytes;
        self.window.1 += after;
        if self.window.1 > WINDOW {
            self.window = (self.window.0 / 2, self.window.1 / 2);
        }
        self.gathered += bytes;
        self.gathered_time += after;
        if self.gathered_time >= GRAIN {
            self.settle(now);
        }
    }

    /// The link holds nothing back any more: a burst is over.
    pub fn end_burst(&mut self, now: Instant) {
        if self.gathered >= BURST_BYTES {
            self.settle(now);
        }
        self.gathered = 0;
        self.gathered_time = Duration::ZERO;
        self.window = (0, Duration::ZERO);
    }

    fn settle(&mut self, now: Instant) {
        let time = self.gathered_time.max(BURST_TIME);
        if let Some(rate) = Bitrate::of(self.gathered, time) {
            let silence = self.known_at.map_or(Duration::ZERO, |at| now.since(at));
            let silence = silence.saturating_sub(self.gathered_time);
            self.fast.age(silence);
            self.slow.age(silence);
            self.fast.add(rate, time);
            self.slow.add(rate, time);
            self.known_at = Some(now);
        }
        self.gathered = 0;
        self.gathered_time = Duration::ZERO;
    }

    /// It was seen to carry no more than [`Self::recent`]: the memory of better times would lead up again
    /// at once.
    pub fn lower_to_recent(&mut self) {
        let Some(rate) = self.recent() else { return };
        for mean in [&mut self.fast, &mut self.slow] {
            mean.value = mean.value.min(rate.as_bps());
        }
    }

    /// It is known to carry at least this, by a probe or the server's word: what was thought before
    /// is void if it was less.
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

    /// What has been received since the link became the bottleneck, up to half a second: for
    /// deciding on a segment that is under way.
    pub fn recent(&self) -> Option<Bitrate> {
        let (bytes, time) = self.window;
        if time < LEAST_WINDOW {
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
