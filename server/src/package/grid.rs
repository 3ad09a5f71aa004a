//! Where segments and Periods begin: pure decisions from the times of frames.
//!
//! ```text
//! Period start P   P+d        P+2d       P+3d          slots: number = first + k
//! |K---------------|K---------|--K-------|---K---      a key frame begins the slot that is nearest
//!                   <-d/4 d/2->                        as far off as this it stands well
//! ```
//! A segment may begin up to d/2 off its nominal start (ISO/IEC 23009-1 5.3.9.5.3, 7.2.1). A late
//! start costs viewers nothing: their request is held. An early start costs players that go by the
//! clock the same time as delay. So a key frame more than d/4 early begins a new Period, in which
//! it is on time again; but not soon after the last new Period, because each costs all players a
//! manifest and a new start.
//!
//! A slot without a key frame is cut at any frame when it is d/2 late: players go on undisturbed,
//! only a player that enters exactly there waits for the next key frame. `d` is assumed at the
//! first key frame, so that viewers need not wait for a second one, learnt from the camera's first
//! GOP, and remembered over reconnections. While it is assumed, nothing is cut without a key frame:
//! the first segment just gets longer. It is learnt again when several equal GOPs have another
//! length, or when too many slots had no key frame (a camera that skips frames for lack of light or
//! computing power still counts its GOP in frames): then it is the longest GOP. If even that does
//! not work, Periods are *listed*: each key frame begins a segment, and so does any frame when none
//! has come for the longest slot, because a segment is held in memory while it grows.
//! none has come for the longest slot, because a segment is held in memory as long as it grows.

use std::collections::VecDeque;

/// The shortest slot, microseconds.
const SHORTEST_US: i64 = 1_000_000;
/// The slot assumed before the first GOP has been seen.
const ASSUMED_US: i64 = 2_000_000;
/// The longest slot.
const LONGEST_US: i64 = 20_000_000;
/// This many slots without a key frame within [`UNSTEADY_WITHIN_US`] require longer slots.
const UNSTEADY_SLOTS: usize = 5;
const UNSTEADY_WITHIN_US: i64 = 60_000_000;
/// The least length of a Period before key frames off their slots begin another.
const SETTLED_US: i64 = 30_000_000;
/// This many equal GOPs show another length.
const RECENT_GOPS: usize = 3;
/// A camera whose last GOPs, this many, were equal is steady again.
const STEADY_GOPS: usize = 8;

/// The result of a key frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// It is inside a segment.
    Inside,
    /// It begins the segment of this number.
    Segment(u64),
    /// It begins a new Period, with its first segment.
    Period(Period),
}

/// Why a Period began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Why {
    /// It is the first.
    #[default]
    First,
    /// It was requested.
    Afresh,
    /// The first GOP has shown the length of slots.
    Learnt,
    /// Slots have another length.
    Length,
    /// Slots do not work: segments are listed.
    Listed,
    /// Key frames were too far off their slots.
    Strayed,
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
    /// Its segments have different lengths.
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
    /// The length is assumed.
    is_assumed: bool,
    period: Option<Period>,
    /// The newest segment begun, and the time of its first frame.
    current: Option<(u64, i64)>,
    last_key_us: Option<i64>,
    /// The newest GOPs, microseconds.
    gops: VecDeque<i64>,
    /// The times at which slots were cut without a key frame.
    misses: VecDeque<i64>,
    listed: bool,
    why: Why,
}

impl Grid {
    /// Whether the length of slots is known.
    pub(super) const fn is_learnt(&self) -> bool {
        self.slot_us.is_some()
    }

    /// Assumes a length of slots before the camera's GOP is known.
    pub(super) fn assume(&mut self) {
        self.slot_us = Some(ASSUMED_US);
        self.is_assumed = true;
    }

    /// Whether a key frame should have come by `us` if the assumed length were right: until then,
    /// only the growing segment exists.
    pub(super) fn is_overdue(&self, us: i64) -> bool {
        let (Some(period), Some((current, _))) = (self.period, self.current) else { return false };
        self.is_assumed && us >= period.slot_start_us(current + 1) + period.slot_us / 2
    }

    /// The Period being written.
    pub(super) const fn period(&self) -> Option<Period> {
        self.period
    }

    /// Why that Period began.
    pub(super) const fn why(&self) -> Why {
        self.why
    }

    /// The number of the newest segment.
    pub(super) fn current(&self) -> Option<u64> {
        self.current.map(|(n, _)| n)
    }

    /// A replacement for the picture begins the segment of `number`.
    pub(super) fn filled(&mut self, number: u64, start_us: i64) {
        self.current = Some((number, start_us));
    }

    /// The result of a key frame at `us`. `afresh`: a new Period regardless of the grid (new
    /// parameter sets, or pictures after a gap).
    pub(super) fn key_frame(&mut self, us: i64, afresh: bool) -> Cut {
        let Some(slot) = self.slot_us else { return Cut::Inside };
        let gop = self.last_key_us.map(|last| us - last);
        self.last_key_us = Some(us);
        let (Some(period), Some((current, began))) = (self.period, self.current) else {
            return self.begin(us, Why::First);
        };
        if afresh {
            self.gops.clear();
            return self.begin(us, Why::Afresh);
        }
        if let Some(gop) = gop.filter(|_| self.is_assumed)
            && self.has_learnt(gop)
        {
            return self.begin(us, Why::Learnt);
        }
        self.gops.extend(gop);
        if self.gops.len() > STEADY_GOPS {
            self.gops.pop_front();
        }
        if self.learn_anew(us) {
            return self.begin(us, if self.listed { Why::Listed } else { Why::Length });
        }
        if period.listed {
            if us - began < slot * 3 / 4 {
                return Cut::Inside;
            }
            return self.segment(current + 1, us);
        }
        let early = period.slot_start_us(current + 1) - us;
        if -early <= slot / 2 && early <= slot / 4 {
            return self.segment(current + 1, us);
        }
        // If a slot has several key frames, another one of them is nearer.
        if early > slot / 2 || early > 0 && self.recent_gop() * 4 <= slot * 3 {
            return Cut::Inside;
        }
        if us - period.start_us() >= SETTLED_US {
            return self.begin(us, Why::Strayed);
        }
        self.segment(current + 1, us)
    }

    /// The result of a frame at `us` that is not a key frame.
    pub(super) fn frame(&mut self, us: i64) -> Cut {
        let (Some(period), Some((current, began))) = (self.period, self.current) else {
            return Cut::Inside;
        };
        if period.listed || self.is_assumed {
            return if us - began < LONGEST_US {
                Cut::Inside
            } else {
                self.segment(current + 1, us)
            };
        }
        if us < period.slot_start_us(current + 1) + period.slot_us / 2 {
            return Cut::Inside;
        }
        self.misses.push_back(us);
        self.segment(current + 1, us)
    }

    /// Learns from the first GOPs whether the assumed length was wrong. A camera may lose frames
    /// while it starts, so an odd GOP has to be seen twice, unless its slot has passed anyway.
    fn has_learnt(&mut self, gop_us: i64) -> bool {
        let assumed = self.slot_us.unwrap_or(ASSUMED_US);
        if !is_whole(gop_us) && self.gops.is_empty() && gop_us <= assumed * 3 / 2 {
            return false;
        }
        self.is_assumed = false;
        let slot = slot_for(gop_us);
        self.slot_us = Some(slot);
        slot != assumed
    }

    /// Whether slots need another length, or must be listed, from this key frame on.
    fn learn_anew(&mut self, us: i64) -> bool {
        let slot = self.slot_us.unwrap_or(SHORTEST_US);
        let alike = slot_for(self.recent_gop());
        // Shorter slots are worth a new Period only if they will last.
        let gops = if alike > slot && !self.listed { RECENT_GOPS } else { STEADY_GOPS };
        if self.are_alike(gops) {
            if (alike - slot).abs() * 20 <= slot && !self.listed {
                return false;
            }
            self.slot_us = Some(alike);
            self.listed = false;
            self.misses.clear();
            return true;
        }
        while self.misses.front().is_some_and(|t| *t < us - UNSTEADY_WITHIN_US) {
            self.misses.pop_front();
        }
        if self.listed || self.misses.len() < UNSTEADY_SLOTS {
            return false;
        }
        self.misses.clear();
        let longest = self.gops.iter().copied().max().unwrap_or(SHORTEST_US);
        let whole = (longest + SHORTEST_US - 1) / SHORTEST_US * SHORTEST_US;
        if whole > slot && whole <= LONGEST_US {
            self.slot_us = Some(whole);
        } else {
            self.listed = true;
        }
        true
    }

    /// The median of the newest GOPs.
    fn recent_gop(&self) -> i64 {
        let mut gops: Vec<_> = self.gops.iter().rev().take(RECENT_GOPS).copied().collect();
        gops.sort_unstable();
        gops.get(gops.len() / 2).copied().unwrap_or(SHORTEST_US)
    }

    /// Whether the newest `n` GOPs exist and have one length.
    fn are_alike(&self, n: usize) -> bool {
        let newest = || self.gops.iter().rev().take(n);
        self.gops.len() >= n
            && newest()
                .min()
                .zip(newest().max())
                .is_some_and(|(least, most)| (most - least) * 20 < *least)
    }

    fn segment(&mut self, number: u64, us: i64) -> Cut {
        self.current = Some((number, us));
        Cut::Segment(number)
    }

    fn begin(&mut self, us: i64, why: Why) -> Cut {
        self.why = why;
        let slot_us = self.slot_us.unwrap_or(SHORTEST_US);
        let first = u64::try_from(us.div_euclid(slot_us)).unwrap_or(0);
        let ms = us.div_euclid(1000);
        let period = Period { ms, first, slot_us, listed: self.listed };
        self.period = Some(period);
        self.current = Some((first, us));
        Cut::Period(period)
    }
}

/// The slot for a GOP: the GOP itself if it is near whole seconds and at least one; else its least
/// multiple that is, or its least multiple of at least a second, in steps of 10 ms.
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
        let mut grid = Grid { slot_us: Some(slot_for(gop)), ..Grid::default() };
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

    /// All frames of GOPs of these lengths (frames of 40 ms), as a camera counts them; says what the
    /// frames began, with their times.
    fn feed(grid: &mut Grid, start: i64, gops: impl IntoIterator<Item = i64>) -> Vec<(i64, Cut)> {
        let mut t = start;
        let mut cuts = Vec::new();
        for gop in gops {
            cuts.push((t, grid.key_frame(t, false)));
            for at in (t..t + gop).step_by(40_000).skip(1) {
                cuts.push((at, grid.frame(at)));
            }
            t += gop;
        }
        cuts.retain(|(_, cut)| *cut != Cut::Inside);
        cuts
    }

    fn periods(cuts: &[(i64, Cut)]) -> Vec<i64> {
        let begun = cuts.iter().filter(|(_, cut)| matches!(cut, Cut::Period(_)));
        begun.map(|(t, _)| (t - T) / S).collect()
    }

    /// No number is left out within a Period, and no segment is further than this off its slot.
    fn check(cuts: &[(i64, Cut)], most_late: i64, most_early: i64) {
        let mut place: Option<(Period, u64)> = None;
        for (t, cut) in cuts {
            place = match (*cut, place) {
                (Cut::Period(p), _) => Some((p, p.first)),
                (Cut::Segment(n), Some((p, last))) => {
                    assert_eq!(n, last + 1, "at {t}");
                    let off = t - p.slot_start_us(n);
                    assert!((-most_early..=most_late).contains(&off), "{off} us off at {t}");
                    Some((p, n))
                }
                (_, place) => place,
            };
        }
    }

    #[test]
    fn the_first_key_frame_begins_a_period_and_the_second_one_another_where_the_guess_was_wrong() {
        for (gop, slot) in
            [(S, S), (2 * S, 2 * S), (4 * S, 4 * S), (10 * S, 10 * S), (3 * S + S / 3, 3_330_000)]
        {
            let mut grid = Grid::default();
            grid.assume();
            let cuts = feed(&mut grid, T, [gop; 6]);
            let at: Vec<_> = cuts.iter().map(|(t, _)| (t - T) / 10_000).collect();
            assert_eq!(at, (0..6).map(|k| k * gop / 10_000).collect::<Vec<_>>(), "GOP {gop}");
            let begun = if slot == 2 * S { &[0][..] } else { &[0, gop / S] };
            assert_eq!(periods(&cuts), begun, "GOP {gop}");
            assert_eq!(grid.period().map(|p| p.slot_us), Some(slot));
        }
    }

    #[test]
    fn an_odd_first_gop_is_no_measure_of_the_camera() {
        let mut grid = Grid::default();
        grid.assume();
        let cuts = feed(&mut grid, T, [1_280_000, S, S, S, S, S]);
        assert_eq!(periods(&cuts), [0, 2]);
        assert_eq!(grid.period().map(|p| p.slot_us), Some(S));
    }

    #[test]
    fn while_the_first_key_frame_has_no_second_all_is_one_segment() {
        let mut grid = Grid::default();
        grid.assume();
        let cuts = feed(&mut grid, T, [15 * S]);
        assert_eq!(cuts.len(), 1);
        assert!(!grid.is_overdue(T + 2_900_000) && grid.is_overdue(T + 3 * S));
        grid.key_frame(T + 15 * S, false);
        assert!(!grid.is_overdue(T + 60 * S));
    }

    #[test]
    fn a_gop_that_drifts_half_a_slot_late_or_a_quarter_early_begins_a_period() {
        for (gop, first) in [(S + 100, 5000), (S - 100, 2500)] {
            let (mut grid, _) = grid(S);
            let keys = 1..first * 3 / 2;
            let cuts: Vec<_> =
                keys.map(|k| (T + k * gop, grid.key_frame(T + k * gop, false))).collect();
            let at = periods(&cuts);
            assert_eq!(at.len(), 1, "{at:?}");
            assert!((at[0] - first).abs() <= 3, "{at:?}");
            assert_eq!(grid.why(), Why::Strayed);
            check(&cuts, S / 2, S / 4);
        }
    }

    #[test]
    fn one_key_frame_that_is_lost_begins_nothing_new() {
        let (mut grid, _) = grid(S);
        let cuts = feed(&mut grid, T + S, [S, S, S, 2 * S, S, S, S, S]);
        assert!(periods(&cuts).is_empty());
        check(&cuts, S / 2 + 40_000, 0);
        assert_eq!(cuts.len(), 9);
    }

    #[test]
    fn a_camera_that_skips_frames_stays_on_the_grid_with_few_periods() {
        // It counts its GOP in frames: each one that is skipped shifts all key frames to come.
        let (mut grid, _) = grid(S);
        let gops = (0..300).map(|i| S + (i * i * 7919 % 5) * 40_000);
        let cuts = feed(&mut grid, T + S, gops);
        let at = periods(&cuts);
        assert!(at.len() <= 5, "{at:?}");
        assert!(!grid.listed);
        check(&cuts, grid.slot_us.unwrap() / 2 + 40_000, grid.slot_us.unwrap() / 2);
    }

    #[test]
    fn a_longer_gop_begins_a_period_with_longer_slots_once_it_lasts() {
        let (mut grid, _) = grid(S);
        let cuts = feed(&mut grid, T + S, [4 * S; 8]);
        let at = periods(&cuts);
        assert!(at.len() == 1 && at[0] <= 13, "{at:?}");
        assert_eq!(grid.period().map(|p| p.slot_us), Some(4 * S));
        assert_eq!(grid.why(), Why::Length);
        check(&cuts, S / 2 + 40_000, S / 2);
    }

    #[test]
    fn where_segments_are_listed_one_ends_without_a_key_frame_as_well() {
        let mut grid = Grid { listed: true, slot_us: Some(S), ..Grid::default() };
        assert!(matches!(grid.key_frame(T, false), Cut::Period(p) if p.listed));
        let cuts = feed(&mut grid, T + S, [65 * S]);
        let at: Vec<_> = cuts.iter().map(|(t, _)| (t - T) / S).collect();
        assert_eq!(at, [1, 21, 41, 61]);
    }

    #[test]
    fn key_frames_anywhere_turn_to_slots_as_long_as_the_longest_gop() {
        let (mut grid, _) = grid(S);
        let cuts = feed(&mut grid, T + S, (0..60).map(|i| S + (i * 7919 % 13) * 160_000));
        assert!(periods(&cuts).len() <= 4, "{:?}", periods(&cuts));
        assert!(!grid.listed);
        let slot = grid.slot_us.unwrap();
        assert!((2 * S..=3 * S).contains(&slot), "{slot}");
        // A camera that becomes steady is given short slots again.
        let steady = cuts.last().unwrap().0 + 2 * S;
        feed(&mut grid, steady, [S; 20]);
        assert_eq!(grid.period().map(|p| (p.slot_us, p.listed)), Some((S, false)));
    }

    #[test]
    fn key_frames_rarer_than_the_longest_slot_turn_to_listed_segments() {
        let (mut grid, _) = grid(S);
        feed(&mut grid, T + S, (0..8).map(|i| 21 * S + i * 3 * S));
        assert!(grid.listed && grid.why() == Why::Listed);
        let n = grid.current().unwrap();
        let t = grid.last_key_us.unwrap();
        assert_eq!(grid.key_frame(t + 42 * S, false), Cut::Segment(n + 1));
        feed(&mut grid, t + 43 * S, [S; 20]);
        assert_eq!(grid.period().map(|p| (p.slot_us, p.listed)), Some((S, false)));
    }

    #[test]
    fn a_first_gop_that_was_not_like_the_others_is_soon_forgotten() {
        // A camera that lost frames while it started.
        let (mut grid, _) = grid(1_280_000);
        let cuts = feed(&mut grid, T + S, [S; 30]);
        assert_eq!(periods(&cuts).len(), 1);
        assert_eq!(grid.period().map(|p| (p.slot_us, p.listed)), Some((S, false)));
    }
}
