//! Ceilings that no throughput lifts: the machine drops frames, or a decoder failed.

use crate::time::{Duration, Instant};

/// Dropped frames are judged over this span.
const JUDGED_TIME: Duration = Duration::from_secs(8);
/// If more than this share of the frames is dropped, the machine cannot keep up. Half a second of a
/// busy machine is only a few per cent of the span.
const TOO_MANY_PERCENT: u32 = 35;
/// How long a ceiling lasts before the higher rung is tried again.
const CEILING_LASTS: Duration = Duration::from_secs(120);

/// The ceilings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Guard {
    /// The highest representation allowed for good, after a decoder failure.
    forbidden_above: Option<usize>,
    /// The highest representation allowed for now, and until when.
    ceiling: Option<(usize, Instant)>,
    /// When the present span began, and the totals of shown and dropped frames then.
    base: Option<(Instant, u32, u32)>,
}

impl Guard {
    /// No representation above `rep` is allowed any more.
    pub fn forbid_above(&mut self, rep: usize) {
        self.forbidden_above = Some(self.forbidden_above.map_or(rep, |c| c.min(rep)));
    }

    /// Takes the browser's totals of shown and dropped frames while `rep` plays visibly. Answers
    /// whether a ceiling was set below `rep`.
    pub fn frames(&mut self, now: Instant, rep: usize, frames: u32, dropped: u32) -> bool {
        let Some((since, f0, d0)) = self.base.filter(|b| frames >= b.1 && dropped >= b.2) else {
            self.base = Some((now, frames, dropped));
            return false;
        };
        if now.since(since) < JUDGED_TIME {
            return false;
        }
        self.base = Some((now, frames, dropped));
        let (shown, lost) = (frames - f0, dropped - d0);
        let weak = lost >= 30 && lost.saturating_mul(100) > shown.saturating_mul(TOO_MANY_PERCENT);
        if weak && let Some(below) = rep.checked_sub(1) {
            self.ceiling = Some((below, now + CEILING_LASTS));
        }
        weak && rep > 0
    }

    /// Dropped frames say nothing now: the page is hidden, or playback is paused, seeking or
    /// switching.
    pub const fn disturbed(&mut self) {
        self.base = None;
    }

    /// The highest representation allowed.
    pub fn highest(&self, now: Instant) -> usize {
        let for_now = self.ceiling.filter(|(_, until)| now < *until).map(|(rep, _)| rep);
        for_now.unwrap_or(usize::MAX).min(self.forbidden_above.unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(s: u64) -> Instant {
        Instant::from_micros(s * 1_000_000)
    }

    #[test]
    fn a_machine_that_drops_every_second_frame_gets_a_ceiling_for_a_while() {
        let mut g = Guard::default();
        assert!(!g.frames(at(0), 2, 0, 0));
        assert!(!g.frames(at(4), 2, 100, 50));
        assert!(g.frames(at(8), 2, 200, 100));
        assert_eq!(g.highest(at(8)), 1);
        assert_eq!(g.highest(at(200)), usize::MAX);
    }

    #[test]
    fn a_few_dropped_frames_are_nothing() {
        let mut g = Guard::default();
        g.frames(at(0), 2, 0, 0);
        assert!(!g.frames(at(10), 2, 250, 20));
        assert_eq!(g.highest(at(10)), usize::MAX);
    }

    #[test]
    fn what_a_decoder_refused_stays_refused() {
        let mut g = Guard::default();
        g.forbid_above(1);
        g.forbid_above(2);
        assert_eq!(g.highest(at(9999)), 1);
    }
}
