//! The rule for segments that are read while they grow, with a tenth of a second of buffer.
//!
//! The buffer is too small to be a signal: what counts is whether media arrives as it is made. Down:
//! when the link was measured, just now, to carry less than the rung. Up: when it was shown to carry
//! the higher rung with a margin, and the last failed attempt is long enough ago; every failure
//! doubles that, so that a link at the border of two rungs comes to rest on the lower.

use super::{Choice, Mbps, Rung, highest};
use crate::time::Instant;
use crate::units::Bitrate;
use alloc::format;
use core::time::Duration;

/// How things stand at a segment's border.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Lowest first.
    pub rungs: &'a [Rung],
    /// What is fetched now: index among the track's representations.
    pub current: usize,
    /// Media arrives as it is made.
    pub in_time: bool,
    /// A recent measurement.
    pub link: Option<Bitrate>,
    /// What the other tracks need.
    pub others: Bitrate,
}

/// A rung is taken when the link carries it with this margin.
const UP_PERMILLE: u32 = 750;
/// A rung is left when the link carries less than it with this margin.
const DOWN_PERMILLE: u32 = 950;
/// And then for the highest that fits with this one: the backlog has to be worked off as well.
const LAND_PERMILLE: u32 = 800;
/// After going down, up again at the earliest after this, doubled at each failure.
const HOLD: Duration = Duration::from_secs(3);
const LONGEST_HOLD: Duration = Duration::from_secs(60);

/// An attempt that holds for so long has not failed.
const PROVEN: Duration = Duration::from_secs(30);

/// Memory of the rule.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rule {
    went_up: Option<Instant>,
    went_down: Option<Instant>,
    failures: u32,
}

impl Rule {
    /// Going up is not to be tried before this.
    pub fn held_until(&self) -> Option<Instant> {
        let hold = HOLD.saturating_mul(1 << self.failures.min(5)).min(LONGEST_HOLD);
        self.went_down.map(|at| at + hold)
    }

    /// A rung was left for a lower one at `now`.
    pub fn note_down(&mut self, now: Instant) {
        // Down soon after up: the attempt failed.
        let failed = self.went_up.is_some_and(|up| now.since(up) < PROVEN);
        self.failures = if failed { self.failures.saturating_add(1) } else { 0 };
        self.went_down = Some(now);
        self.went_up = None;
    }

    /// What to fetch from here on; `None`: what is fetched now.
    pub fn decide(&mut self, now: Instant, view: &View<'_>) -> Option<Choice> {
        let link = view.link?;
        let current = view.rungs.iter().find(|r| r.rep == view.current)?;
        let room = |permille: u32| {
            Bitrate::from_bps(link.scaled(permille).as_bps().saturating_sub(view.others.as_bps()))
        };
        if current.bandwidth > room(DOWN_PERMILLE) {
            if view.in_time {
                // Whatever was measured, the rung is being carried.
                return None;
            }
            let to =
                highest(view.rungs, room(LAND_PERMILLE)).or_else(|| view.rungs.first().copied())?;
            if to.bandwidth >= current.bandwidth {
                return None;
            }
            self.note_down(now);
            return Some(Choice { rep: to.rep, why: down_words(link, current.bandwidth) });
        }
        let to = highest(view.rungs, room(UP_PERMILLE))?;
        if to.bandwidth <= current.bandwidth || self.held_until().is_some_and(|t| now < t) {
            return None;
        }
        self.went_up = Some(now);
        let why = format!("the link carries {}, enough for {}", Mbps(link), Mbps(to.bandwidth));
        Some(Choice { rep: to.rep, why })
    }
}

/// The words for leaving a rung.
pub fn down_words(link: Bitrate, bandwidth: Bitrate) -> alloc::string::String {
    format!("the link carries {}, too little for {}", Mbps(link), Mbps(bandwidth))
}

#[cfg(test)]
mod tests {
    use super::super::ladder;
    use super::*;

    const fn at(s: u64) -> Instant {
        Instant::from_micros(s * 1_000_000)
    }

    fn decide(rule: &mut Rule, s: u64, current: usize, kbps: u64) -> Option<usize> {
        let rungs = ladder(&[250, 800, 2000]);
        let view = View {
            rungs: &rungs,
            current,
            in_time: false,
            link: Some(Bitrate::from_kbps(kbps)),
            others: Bitrate::from_kbps(64),
        };
        rule.decide(at(s), &view).map(|c| c.rep)
    }

    #[test]
    fn goes_down_to_what_fits_and_up_only_with_a_margin() {
        let mut r = Rule::default();
        assert_eq!(decide(&mut r, 0, 2, 700), Some(0));
        let mut r = Rule::default();
        assert_eq!(decide(&mut r, 0, 1, 2200), None);
        assert_eq!(decide(&mut r, 0, 1, 3000), Some(2));
        assert_eq!(decide(&mut r, 1, 2, 2300), None);
    }

    #[test]
    fn nothing_measured_changes_nothing() {
        let rungs = ladder(&[250, 800]);
        let others = Bitrate::default();
        let view = View { rungs: &rungs, current: 0, in_time: false, link: None, others };
        assert_eq!(Rule::default().decide(at(0), &view), None);
    }

    #[test]
    fn a_rung_that_arrives_in_time_is_kept_whatever_was_measured() {
        let rungs = ladder(&[250, 2000]);
        let link = Some(Bitrate::from_kbps(1900));
        let others = Bitrate::default();
        let view = View { rungs: &rungs, current: 1, in_time: true, link, others };
        assert_eq!(Rule::default().decide(at(0), &view), None);
    }

    #[test]
    fn every_failed_attempt_doubles_the_wait() {
        let mut r = Rule::default();
        let mut waits = alloc::vec::Vec::new();
        let mut t = 100;
        for _ in 0..4 {
            assert_eq!(decide(&mut r, t, 2, 700), Some(0));
            let down = t;
            while decide(&mut r, t, 0, 4000).is_none() {
                t += 1;
            }
            waits.push(t - down);
            t += 2;
        }
        assert_eq!(waits, [3, 6, 12, 24]);
    }
}
