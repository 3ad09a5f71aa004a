//! Probes: a finished segment of the next rung is fetched and thrown away, to measure the link.
//!
//! Media of a low rung that arrives at the camera's pace does not show whether the link carries a
//! higher one. A probe takes throughput from the picture: so it is bounded in bytes and time, is
//! not made while the buffer falls, and becomes rarer after failures.

use super::Rung;
use super::live::is_cushion;
use crate::time::{Duration, Instant};
use crate::units::Bitrate;

/// A probe ends after this many bytes.
pub const MOST_BYTES: u64 = 256 * 1024;
/// A probe ends after this time: a longer one shows no more, and takes from the picture.
pub const LONGEST_PROBE: Duration = Duration::from_millis(250);
/// After this time a probe can show that the link is much too slow.
pub const LEAST_PROBE: Duration = Duration::from_millis(80);
/// No probe is made for this time after the link was too slow.
const QUIET: Duration = Duration::from_millis(2500);
/// The wait between probes; it doubles at each failure up to [`LONGEST`]. A link that has recovered
/// is then noticed within ten seconds, and a probe that fails is short.
const BETWEEN: Duration = Duration::from_secs(3);
const LONGEST: Duration = Duration::from_secs(5);
/// The same with a cushion, which pays for a probe.
const SHORT_QUIET: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_secs(1);
const SOON_LONGEST: Duration = Duration::from_millis(1500);
/// A probe of fewer bytes shows nothing.
const LEAST_BYTES: u64 = 8_000;

/// When probes are made, and how many failed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Prober {
    last: Option<Instant>,
    /// Probes in a row that did not suffice.
    failures: u32,
    /// When the link was last too slow.
    weak_at: Option<Instant>,
}

impl Prober {
    /// The link was too slow at `now`.
    pub const fn note_weak(&mut self, now: Instant) {
        self.weak_at = Some(now);
    }

    /// When the next probe may be made; so much media is `held`.
    pub fn due(&self, held: Duration) -> Option<Instant> {
        let (between, longest, quiet) = match is_cushion(held) {
            true => (SOON, SOON_LONGEST, SHORT_QUIET),
            false => (BETWEEN, LONGEST, QUIET),
        };
        let wait = (between * (1 << self.failures.min(4))).min(longest);
        let after_last = self.last.map(|at| at + wait);
        let after_weak = self.weak_at.map(|at| at + quiet);
        after_last.max(after_weak)
    }

    /// A probe was started.
    pub const fn begun(&mut self, now: Instant) {
        self.last = Some(now);
    }

    /// The throughput that a probe shows: it brought `bytes` in `time`, while the player's other
    /// requests received `beside`. `None`: it was too short to show anything.
    pub fn throughput(&mut self, bytes: u64, time: Duration, beside: Bitrate) -> Option<Bitrate> {
        if bytes < LEAST_BYTES {
            return None;
        }
        let alone = Bitrate::of(bytes, time.max(Duration::from_millis(10)))?;
        Some(Bitrate::from_bps(alone.as_bps().saturating_add(beside.as_bps())))
    }

    /// Notes whether the throughput sufficed for the next rung.
    pub const fn note_result(&mut self, sufficed: bool) {
        self.failures = if sufficed { 0 } else { self.failures.saturating_add(1) };
    }
}

/// The rung above `current`.
pub fn next_rung(rungs: &[Rung], current: usize) -> Option<Rung> {
    let at = rungs.iter().position(|r| r.rep == current)?;
    rungs.get(at + 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    #[test]
    fn after_a_weakness_there_is_quiet_and_failures_space_probes_out() {
        let mut p = Prober::default();
        assert_eq!(p.due(Duration::ZERO), None);
        p.note_weak(at(1000));
        assert_eq!(p.due(Duration::ZERO), Some(at(3500)));
        p.begun(at(3500));
        p.note_result(false);
        assert_eq!(p.due(Duration::ZERO), Some(at(8500)));
        p.begun(at(8500));
        p.note_result(true);
        assert_eq!(p.due(Duration::ZERO), Some(at(11_500)));
        assert_eq!(p.due(Duration::from_secs(1)), Some(at(9500)), "a cushion pays for it");
    }

    #[test]
    fn the_players_own_media_counts_with_the_probe() {
        let mut p = Prober::default();
        let rate =
            p.throughput(100_000, Duration::from_millis(250), Bitrate::from_kbps(300)).unwrap();
        assert_eq!(rate, Bitrate::from_kbps(3500));
        assert_eq!(p.throughput(500, Duration::ZERO, Bitrate::default()), None);
    }
}
