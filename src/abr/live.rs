//! The rule for segments that are read while they grow, with a buffer of a tenth of a second.
//!
//! That buffer is too small to be a signal: what counts is whether media arrives as it is made. The
//! rule goes down when a recent throughput is below the rung. It goes up when the throughput
//! exceeds the higher rung by a margin and the last failed attempt is long enough ago. Every
//! failure doubles that wait, so that a link between two rungs comes to rest on the lower one.

use super::{Choice, Mbps, Rung, highest};
use crate::time::{Duration, Instant};
use crate::units::Bitrate;
use alloc::format;

/// The state at a segment's border.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Lowest first.
    pub rungs: &'a [Rung],
    /// The rung that is fetched: its index among the track's representations.
    pub current: usize,
    /// Media arrives as it is made.
    pub in_time: bool,
    /// A recent measurement of the throughput.
    pub link: Option<Bitrate>,
    /// The bandwidth of the other tracks.
    pub others: Bitrate,
}

/// A higher rung may need this share of the throughput, thousandths.
const UP_PERMILLE: u32 = 750;
/// A rung that needs more than this share is left.
const DOWN_PERMILLE: u32 = 950;
/// The rung that is taken instead may need this share: late media has to be caught up with as well.
const LAND_PERMILLE: u32 = 800;
/// The least time between going down and going up again; it doubles at each failure.
const HOLD: Duration = Duration::from_secs(3);
const LONGEST_HOLD: Duration = Duration::from_secs(60);
/// A higher rung that was kept for this long has not failed.
const PROVEN: Duration = Duration::from_secs(30);

/// What the rule remembers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rule {
    went_up: Option<Instant>,
    went_down: Option<Instant>,
    /// How many attempts to go up failed in a row.
    failures: u32,
}

impl Rule {
    /// The rule does not go up before this time.
    pub fn held_until(&self) -> Option<Instant> {
        let hold = (HOLD * (1 << self.failures.min(5))).min(LONGEST_HOLD);
        self.went_down.map(|at| at + hold)
    }

    /// A rung was left for a lower one at `now`.
    pub fn note_down(&mut self, now: Instant) {
        // Going down soon after going up: the attempt has failed.
        let failed = self.went_up.is_some_and(|up| now.since(up) < PROVEN);
        self.failures = if failed { self.failures.saturating_add(1) } else { 0 };
        self.went_down = Some(now);
        self.went_up = None;
    }

    /// The rung to change to; `None`: no change.
    pub fn decide(&mut self, now: Instant, view: &View<'_>) -> Option<Choice> {
        let link = view.link?;
        let current = view.rungs.iter().find(|r| r.rep == view.current)?;
        let room = |permille: u32| {
            Bitrate::from_bps(link.scaled(permille).as_bps().saturating_sub(view.others.as_bps()))
        };
        if current.bandwidth > room(DOWN_PERMILLE) {
            if view.in_time {
                // Media arrives in time, so the link carries the rung, whatever was measured.
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

/// The reason for leaving a rung, in words.
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
