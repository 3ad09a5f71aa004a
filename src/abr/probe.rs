//! Proof for going up: a finished segment of the next rung, fetched and thrown away.
//!
//! At the camera's pace chunks from a small rung say nothing about a bigger one. A probe costs a
//! moment of the link, so it is bounded in bytes, is never made while the buffer falls, and after a
//! failure is made less often.

use super::Rung;
use crate::time::Instant;
use crate::units::Bitrate;
use core::time::Duration;

/// No probe is longer than this.
pub const MOST_BYTES: u64 = 256 * 1024;
/// It has shown enough after this: more would only take from the picture.
pub const LONGEST_PROBE: Duration = Duration::from_millis(250);
/// It can show by then that it will not suffice.
pub const LEAST_PROBE: Duration = Duration::from_millis(80);
/// The first comes this long after the link last showed a weakness.
const QUIET: Duration = Duration::from_millis(2500);
/// Waits between probes double from here on failure, up to the longest: a link that is back is to be
/// found within ten seconds, and a probe that fails is short.
const BETWEEN: Duration = Duration::from_secs(3);
const LONGEST: Duration = Duration::from_secs(5);
/// A probe shorter than this many bytes proves nothing.
const LEAST_BYTES: u64 = 8_000;

/// When probes are made, and what the last one showed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Prober {
    last: Option<Instant>,
    failures: u32,
    weak_at: Option<Instant>,
}

impl Prober {
    /// The link was too slow at `now`.
    pub const fn note_weak(&mut self, now: Instant) {
        self.weak_at = Some(now);
    }

    /// When the next probe may be made.
    pub fn due(&self) -> Option<Instant> {
        let wait = BETWEEN.saturating_mul(1 << self.failures.min(4)).min(LONGEST);
        let after_last = self.last.map(|at| at + wait);
        let after_weak = self.weak_at.map(|at| at + QUIET);
        after_last.max(after_weak)
    }

    /// A probe was begun.
    pub const fn begun(&mut self, now: Instant) {
        self.last = Some(now);
    }

    /// A probe brought `bytes`, the last of them `time` after the first read, while the player's own
    /// media flowed at `beside`. Answers what the link carries, if it proves anything.
    pub fn throughput(&mut self, bytes: u64, time: Duration, beside: Bitrate) -> Option<Bitrate> {
        if bytes < LEAST_BYTES {
            return None;
        }
        let alone = Bitrate::of(bytes, time.max(Duration::from_millis(10)))?;
        Some(Bitrate::from_bps(alone.as_bps().saturating_add(beside.as_bps())))
    }

    /// What the probe showed did not suffice for the next rung, or it did.
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
        assert_eq!(p.due(), None);
        p.note_weak(at(1000));
        assert_eq!(p.due(), Some(at(3500)));
        p.begun(at(3500));
        p.note_result(false);
        assert_eq!(p.due(), Some(at(8500)));
        p.begun(at(8500));
        p.note_result(true);
        assert_eq!(p.due(), Some(at(11_500)));
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
