//! Where segments and Periods begin: pure decisions from the times of key frames.
//!
//! ```text
//! Period start P   P+d        P+2d       P+3d          slots: number = first + k
//! |K---------------|K---------|--K-------|-K-----      a key frame within d/4 of a slot begins it
//!                                        ------------- no key frame for a slot: a new Period
//! ```
//! `d` is learnt from the camera's GOP and remembered over reconnections. Where key frames miss the
//! grid all the time, Periods are *listed* instead: each key frame begins a segment.

use std::collections::VecDeque;

/// The shortest slot, microseconds.
const SHORTEST_US: i64 = 1_000_000;
/// The longest slot.
const LONGEST_US: i64 = 20_000_000;
/// This many new Periods within [`UNSTEADY_WITHIN_US`] turn the camera to listed segments.
const UNSTEADY_PERIODS: usize = 4;
const UNSTEADY_WITHIN_US: i64 = 60_000_000;
/// GOPs looked at when the length of a slot is learnt again.
const RECENT_GOPS: usize = 3;
/// A camera whose last so many GOPs were alike is steady again.
const STEADY_GOPS: usize = 8;

/// What begins at a key frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Nothing: it stands inside a segment.
    Inside,
    /// The segment of this number.
    Segment(u64),
    /// A new Period, with its first segment.
    Period(Period),
}

/// A Period's place on the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    /// Its start, Unix milliseconds: the key frame's time rounded down.
    pub(super) ms: i64,
    /// The number of its first segment.
    pub(super) first: u64,
    /// Length of a slot, microseconds.
    pub(super) slot_us: i64,
    /// Its segments are uneven.
    pub(super) listed: bool,
}

impl Period {
    /// Start, microseconds.
    pub(super) const fn start_us(&self) -> i64 {
        self.ms * 1000
    }

    /// The slot that holds `us`, as a number.
    pub(super) fn number_at(&self, us: i64) -> u64 {
        let k = (us - self.start_us()).div_euclid(self.slot_us);
        self.first.saturating_add(u64::try_from(k).unwrap_or(0))
    }

    /// Where the slot of `number` begins, microseconds.
    pub(super) fn slot_start_us(&self, number: u64) -> i64 {
        let k = i64::try_from(number.saturating_sub(self.first)).unwrap_or(i64::MAX);
        self.start_us().saturating_add(k.saturating_mul(self.slot_us))
    }
}

/// The grid of one camera.
#[derive(Debug, Default)]
pub(super) struct Grid {
    slot_us: Option<i64>,
    period: Option<Period>,
    /// The newest segment begun, and when its key frame was.
    current: Option<(u64, i64)>,
    last_key_us: Option<i64>,
    /// The newest GOPs, microseconds.
    gops: VecDeque<i64>,
    restarts: VecDeque<i64>,
    listed: bool,
}

impl Grid {
    /// The length of a slot is known.
    pub(super) const fn is_learnt(&self) -> bool {
        self.slot_us.is_some()
    }

    /// Learns the length of a slot from the camera's GOP (time between two key frames).
    pub(super) fn learn(&mut self, gop_us: i64) {
        self.slot_us = Some(slot_for(gop_us));
    }

    /// The Period that is being written.
    pub(super) const fn period(&self) -> Option<Period> {
        self.period
    }

    /// The number of the newest segment.
    pub(super) fn current(&self) -> Option<u64> {
        self.current.map(|(n, _)| n)
    }

    /// A stand-in for the picture begins the segment of `number`.
    pub(super) fn filled(&mut self, number: u64, start_us: i64) {
        self.current = Some((number, start_us));
    }

    /// What a key frame at `us` begins. `afresh`: a new Period whatever the grid says (new parameter
    /// sets, or pictures after a gap).
    pub(super) fn key_frame(&mut self, us: i64, afresh: bool) -> Cut {
        let Some(slot) = self.slot_us else { return Cut::Inside };
        let gop = self.last_key_us.map(|last| us - last);
        self.last_key_us = Some(us);
        let (Some(period), Some((current, began))) = (self.period, self.current) else {
            return self.begin(us);
        };
        if afresh {
            self.gops.clear();
            return self.begin(us);
        }
        self.gops.extend(gop);
        if self.gops.len() > STEADY_GOPS {
            self.gops.pop_front();
        }
        if period.listed && self.is_steady() {
            self.listed = false;
            self.restarts.clear();
            self.slot_us = Some(slot_for(self.recent_gop()));
            return self.begin(us);
        }
        if period.listed {
            if us - began < slot * 3 / 4 {
                return Cut::Inside;
            }
            return self.segment(current + 1, us);
        }
        let next = period.slot_start_us(current + 1);
        if us < next - slot / 4 {
            return Cut::Inside;
        }
        if us <= next + slot / 4 {
            return self.segment(current + 1, us);
        }
        // The slot went by without a key frame: the GOP is another one, or has drifted off the grid.
        let learnt = slot_for(self.recent_gop());
        if (learnt - slot).abs() * 20 > slot {
            self.slot_us = Some(learnt);
        }
        self.restarts.push_back(us);
        while self.restarts.front().is_some_and(|t| *t < us - UNSTEADY_WITHIN_US) {
            self.restarts.pop_front();
        }
        self.listed = self.restarts.len() >= UNSTEADY_PERIODS;
        self.begin(us)
    }

    /// The median of the newest GOPs.
    fn recent_gop(&self) -> i64 {
        let mut gops: Vec<_> = self.gops.iter().rev().take(RECENT_GOPS).copied().collect();
        gops.sort_unstable();
        gops.get(gops.len() / 2).copied().unwrap_or(SHORTEST_US)
    }

    fn is_steady(&self) -> bool {
        let (least, most) = (self.gops.iter().min(), self.gops.iter().max());
        self.gops.len() >= STEADY_GOPS
            && least.zip(most).is_some_and(|(least, most)| (most - least) * 20 < *least)
    }

    fn segment(&mut self, number: u64, us: i64) -> Cut {
        self.current = Some((number, us));
        Cut::Segment(number)
    }

    fn begin(&mut self, us: i64) -> Cut {
        let slot_us = self.slot_us.unwrap_or(SHORTEST_US);
        let first = u64::try_from(us.div_euclid(slot_us)).unwrap_or(0);
        let ms = us.div_euclid(1000);
        let period = Period { ms, first, slot_us, listed: self.listed };
        self.period = Some(period);
        self.current = Some((first, us));
        Cut::Period(period)
    }
}

/// The slot for a GOP: the GOP itself when it is near whole seconds and at least one; else the least
/// multiple of it that is, or the least multiple of at least a second, in steps of 10 ms.
fn slot_for(gop_us: i64) -> i64 {
    let gop = gop_us.clamp(20_000, LONGEST_US);
    // Timestamps that were rounded down must not count as too short.
    let times = (SHORTEST_US - SHORTEST_US / 50 + gop - 1) / gop;
    let slot = gop * times;
    if is_whole(slot) {
        return nearest_second(slot).max(SHORTEST_US);
    }
    (slot + 5_000) / 10_000 * 10_000
}

/// Near enough to whole seconds.
pub(super) const fn is_whole(us: i64) -> bool {
    (us - nearest_second(us)).abs() * 50 <= us
}

const fn nearest_second(us: i64) -> i64 {
    (us + 500_000) / 1_000_000 * 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: i64 = 1_795_000_000_370_000;
    const S: i64 = 1_000_000;

    fn grid(gop: i64) -> (Grid, Period) {
        let mut grid = Grid::default();
        grid.learn(gop);
        let Cut::Period(p) = grid.key_frame(T, false) else { panic!("no Period at the first key") };
        (grid, p)
    }

    #[test]
    fn a_slot_is_the_gop_in_whole_seconds_where_that_fits() {
        for (gop, slot) in [
            (S, S),
            (S / 2, S),
            (2 * S, 2 * S),
            (1_001_000, S),
            (1_200_000, 1_200_000),
            (900_000, 1_800_000),
            (333_333, S),
            (1_333_333, 1_330_000),
        ] {
            assert_eq!(slot_for(gop), slot, "GOP {gop}");
        }
    }

    #[test]
    fn numbers_come_from_the_clock_and_rise_by_one() {
        let (mut grid, p) = grid(S);
        assert_eq!(p.first, 1_795_000_000);
        for k in 1..5 {
            assert_eq!(grid.key_frame(T + k * S, false), Cut::Segment(p.first + k as u64));
        }
    }

    #[test]
    fn key_frames_between_slots_begin_nothing() {
        let (mut grid, p) = grid(S / 2);
        assert_eq!(grid.key_frame(T + S / 2, false), Cut::Inside);
        assert_eq!(grid.key_frame(T + S, false), Cut::Segment(p.first + 1));
    }

    #[test]
    fn a_gop_that_drifts_a_quarter_off_its_slot_begins_a_period() {
        let (mut grid, _) = grid(S);
        let mut periods = 0;
        for k in 1..4000 {
            // 100 ppm slow
            if let Cut::Period(p) = grid.key_frame(T + k * (S + 100), false) {
                periods += 1;
                assert!(k > 2000, "key {k}");
                assert_eq!(p.start_us(), (T + k * (S + 100)) / 1000 * 1000);
            }
        }
        assert_eq!(periods, 1);
        assert!(!grid.listed);
    }

    #[test]
    fn a_longer_gop_begins_a_period_with_longer_slots() {
        let (mut grid, _) = grid(S);
        let Cut::Period(p) = grid.key_frame(T + 4 * S, false) else { panic!() };
        assert_eq!(p.slot_us, 4 * S);
        assert_eq!(grid.key_frame(T + 8 * S, false), Cut::Segment(p.first + 1));
    }

    #[test]
    fn key_frames_anywhere_turn_to_listed_segments() {
        let (mut grid, _) = grid(S);
        let mut t = T;
        for i in 0..40 {
            t += S + (i * 7919 % 13) * 100_000;
            grid.key_frame(t, false);
        }
        assert!(grid.listed);
        let n = grid.current().unwrap();
        assert_eq!(grid.key_frame(t + 3 * S, false), Cut::Segment(n + 1));
        assert_eq!(grid.key_frame(t + 3 * S + S / 2, false), Cut::Inside);
        let steady = t + 4 * S;
        let cuts: Vec<_> = (0..20).map(|k| grid.key_frame(steady + k * S, false)).collect();
        assert!(!grid.listed, "a camera that has become steady is on the grid again");
        assert!(matches!(cuts[19], Cut::Segment(_)));
        assert_eq!(cuts.iter().filter(|c| matches!(c, Cut::Period(_))).count(), 1);
    }

    #[test]
    fn a_first_gop_that_was_not_like_the_others_is_soon_forgotten() {
        // A camera that lost frames while it started.
        let (mut grid, _) = grid(1_280_000);
        let mut restarts = 0;
        for k in 1..30 {
            restarts += usize::from(matches!(grid.key_frame(T + k * S, false), Cut::Period(_)));
        }
        assert_eq!(restarts, 1);
        assert_eq!(grid.period().map(|p| (p.slot_us, p.listed)), Some((S, false)));
    }
}
