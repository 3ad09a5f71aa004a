//! The rule for segments that are read while they grow, with a buffer of a tenth of a second.
//!
//! That buffer is too small to be a signal: what counts is whether media arrives as it is made. The
//! rule goes down when a recent throughput is below the rung. It goes up when the throughput
//! exceeds the higher rung by a margin and the last failed attempt is long enough ago. Every
//! failure doubles that wait, so that a link between two rungs comes to rest on the lower one.
//!
//! Where a longer latency was asked for, media is held that pays for dips and for attempts: a rung
//! is kept while what is held outlasts the next segment, and attempts come sooner.

use super::{Choice, Mbps, Rung};
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
    /// Media held ahead of the position; zero unless a latency was asked for.
    pub held: Duration,
    /// How long the next segment is.
    pub length: Duration,
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

/// With a latency that was asked for, what is held is an insurance. So much of it is not risked.
const RESERVE: Duration = Duration::from_millis(150);
/// With so much held, a failed attempt at a higher rung costs no stall.
const CUSHION: Duration = Duration::from_millis(500);
/// A higher rung may need this share of the throughput then.
const BOLD_PERMILLE: u32 = 880;
/// The hold is shorter and bounded then, and each rung has its own.
const SHORT_HOLD: Duration = Duration::from_millis(500);
const BOUNDED_HOLD: Duration = Duration::from_secs(16);
/// A rung kept for this long was worth the change.
const WORTH: Duration = Duration::from_secs(3);
/// A rung above the throughput is landed on if what is held outlasts so much of it.
const LANDING: Duration = Duration::from_millis(500);
/// Rungs whose failures are remembered apart; those above the last count as that one.
const RUNGS: usize = 8;

/// What the rule remembers.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rule {
    went_up: Option<Instant>,
    went_down: Option<Instant>,
    /// How many attempts to go up failed in a row.
    failures: u32,
    /// When each rung was left, and how many attempts at it failed in a row.
    left: [Option<(Instant, u32)>; RUNGS],
}

impl Rule {
    /// The rule does not go up to `rep` before this time.
    pub fn held_until(&self, rep: usize, held: Duration) -> Option<Instant> {
        if is_cushion(held) {
            let left = self.left.iter().take(rep + 1).flatten();
            return left
                .map(|(at, n)| *at + (SHORT_HOLD * (1 << n.min(&5))).min(BOUNDED_HOLD))
                .max();
        }
        let hold = (HOLD * (1 << self.failures.min(5))).min(LONGEST_HOLD);
        self.went_down.map(|at| at + hold)
    }

    /// The rung `from` was left for a lower one at `now`.
    pub fn note_down(&mut self, now: Instant, from: usize) {
        // Going down soon after going up: the attempt has failed.
        let failed = self.went_up.is_some_and(|up| now.since(up) < PROVEN);
        self.failures = if failed { self.failures.saturating_add(1) } else { 0 };
        if let Some(it) = self.left.get_mut(from.min(RUNGS - 1)) {
            let brief = self.went_up.is_some_and(|up| now.since(up) < WORTH);
            *it = Some((now, if brief { it.map_or(0, |it| it.1) + 1 } else { 0 }));
        }
        self.went_down = Some(now);
        self.went_up = None;
    }

    /// The rung to change to; `None`: no change.
    pub fn decide(&mut self, now: Instant, view: &View<'_>) -> Option<Choice> {
        let link = view.link?;
        let current = view.rungs.iter().find(|r| r.rep == view.current)?;
        let supply = Supply { link, others: view.others, held: view.held };
        if current.bandwidth > supply.room(DOWN_PERMILLE) {
            // Media that arrives in time shows that the link carries the rung, whatever was measured.
            if view.in_time || supply.lasts(view.length, current.bandwidth) {
                return None;
            }
            let to = supply.land(view.rungs, current)?;
            if to.bandwidth >= current.bandwidth {
                return None;
            }
            self.note_down(now, view.current);
            return Some(Choice { rep: to.rep, why: down_words(link, current.bandwidth) });
        }
        let most = supply.room(up_permille(view.held));
        let to = view.rungs.iter().rev().find(|to| {
            let held = || self.held_until(to.rep, view.held).is_some_and(|t| now < t);
            to.bandwidth <= most && to.bandwidth > current.bandwidth && !held()
        })?;
        self.went_up = Some(now);
        let why = format!("the link carries {}, enough for {}", Mbps(link), Mbps(to.bandwidth));
        Some(Choice { rep: to.rep, why })
    }
}

/// So much is held that an attempt at a higher rung, if it fails, costs no stall.
pub fn is_cushion(held: Duration) -> bool {
    held >= CUSHION
}

/// A higher rung may need this share of the throughput, thousandths.
pub fn up_permille(held: Duration) -> u32 {
    if is_cushion(held) { BOLD_PERMILLE } else { UP_PERMILLE }
}

/// What media comes from: a link that others use too, and what is held.
#[derive(Clone, Copy, Debug)]
pub struct Supply {
    /// The throughput.
    pub link: Bitrate,
    /// The bandwidth of the other tracks.
    pub others: Bitrate,
    /// Media held ahead of the position; zero unless a latency was asked for.
    pub held: Duration,
}

impl Supply {
    /// This share of the throughput, without the other tracks.
    fn room(&self, permille: u32) -> Bitrate {
        let share = self.link.scaled(permille).as_bps();
        Bitrate::from_bps(share.saturating_sub(self.others.as_bps()))
    }

    /// The rung to leave `current` for: the highest that fits, or that what is held outlasts for a while.
    pub fn land(&self, rungs: &[Rung], current: &Rung) -> Option<Rung> {
        let room = self.room(LAND_PERMILLE);
        let fits = |r: &&Rung| {
            r.bandwidth <= room
                || r.bandwidth < current.bandwidth && self.lasts(LANDING, r.bandwidth)
        };
        rungs.iter().rev().find(fits).or_else(|| rungs.first()).copied()
    }

    /// What is held outlasts the download of so much `media` of a rung.
    pub fn lasts(&self, media: Duration, rung: Bitrate) -> bool {
        let time = self.room(1000).time_for(rung.bytes_in(media));
        time.is_some_and(|time| self.held >= RESERVE + time.saturating_sub(media))
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
            held: Duration::ZERO,
            length: Duration::from_millis(500),
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
        let view = View {
            rungs: &rungs,
            current: 0,
            in_time: false,
            link: None,
            others,
            held: Duration::ZERO,
            length: HOLD,
        };
        assert_eq!(Rule::default().decide(at(0), &view), None);
    }

    #[test]
    fn a_rung_that_arrives_in_time_is_kept_whatever_was_measured() {
        let rungs = ladder(&[250, 2000]);
        let link = Some(Bitrate::from_kbps(1900));
        let others = Bitrate::default();
        let view = View {
            rungs: &rungs,
            current: 1,
            in_time: true,
            link,
            others,
            held: Duration::ZERO,
            length: HOLD,
        };
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

    #[test]
    fn what_is_held_pays_for_dips_and_for_attempts() {
        let rungs = ladder(&[200, 600, 1000]);
        // (held ms, rung, link kb/s, the rung after)
        let cases = [
            (0, 2, 500, Some(0)),
            (900, 2, 500, None),
            (600, 2, 500, Some(1)),
            (200, 2, 500, Some(0)),
            (0, 1, 1150, None),
            (900, 1, 1150, Some(2)),
            (900, 1, 1100, None),
        ];
        for (held, current, kbps, to) in cases {
            let view = View {
                rungs: &rungs,
                current,
                in_time: false,
                link: Some(Bitrate::from_kbps(kbps)),
                others: Bitrate::default(),
                held: Duration::from_millis(held),
                length: Duration::from_millis(500),
            };
            let turned = Rule::default().decide(at(0), &view).map(|it| it.rep);
            assert_eq!(turned, to, "{held} ms held on {current} at {kbps} kb/s");
        }
    }

    #[test]
    fn with_a_cushion_a_rung_that_failed_holds_back_only_itself_and_not_for_long() {
        let mut rule = Rule::default();
        for _ in 0..9 {
            rule.went_up = Some(at(99));
            rule.note_down(at(100), 2);
        }
        assert_eq!(rule.held_until(1, CUSHION), None);
        assert_eq!(rule.held_until(2, CUSHION), Some(at(116)));
        rule.went_up = Some(at(120));
        rule.note_down(at(124), 2);
        assert_eq!(rule.held_until(2, CUSHION), Some(at(124) + SHORT_HOLD), "it was worth it");
        rule.note_down(at(130), 11);
        assert_eq!(rule.held_until(11, CUSHION), Some(at(130) + SHORT_HOLD), "a long ladder");
    }
}
