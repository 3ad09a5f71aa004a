//! How late an origin is: how long after the time that the manifest names a segment exists.
//!
//! The manifest says when a segment is *due*. An origin that is slower than its manifest refuses it
//! then. The *age* of a segment is the time since it was due, in microseconds; negative before.
//!
//! ```text
//!  due      refused           arrived
//!   |----------x------x---------o--------> age        the lateness is between the last x and the o
//! ```
//! A refused segment is asked for again, soon at first and then in growing steps. The age at which
//! it arrived is the age at which the next one is asked for. That age may be too high, or the
//! origin may become punctual: so now and then a *trial* asks for a segment one step earlier. If
//! the trial succeeds, the next step is twice as long; if it is refused, the next step is half as
//! long and comes after twice as many segments. So an origin that is steadily late costs one
//! refusal in [`MOST_PATIENCE`] segments, and a single accident is forgotten within a few.

use crate::time::{Duration, Position, micros};

/// The most segments that arrive as expected between two trials.
pub const MOST_PATIENCE: u32 = 64;
/// The smallest step, microseconds: smaller differences come from the link and not from the origin.
const FINEST_STEP: i64 = 60_000;
/// The least time between two requests for the same segment, microseconds.
const LEAST_WAIT: i64 = 20_000;
/// The first wait after a refusal, for segments that are read while they grow.
const FIRST_WAIT: Duration = Duration::from_millis(40);

/// The lateness of one track's segments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lateness {
    /// The age at which segments exist; `None`: none was refused so far.
    late: Option<i64>,
    /// The segment that was refused and has not arrived yet.
    refused: Option<Refused>,
    /// How much earlier the next trial asks, microseconds.
    step: i64,
    /// How many segments in a row arrived as expected.
    on_time: u32,
    /// The next trial comes after this many.
    patience: u32,
    /// The least age at which a segment arrived, before any was refused.
    arrived_at: Option<i64>,
}

/// A segment that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refused {
    /// The start of the segment.
    start: Position,
    /// How often in a row it was refused.
    times: u32,
    /// The age at which it is asked for again.
    again: i64,
}

/// What the wait after a refusal depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentKind {
    /// The length of a segment.
    pub length: Duration,
    /// Segments are read while they grow.
    pub growing: bool,
}

impl Lateness {
    /// Segments exist when the manifest says.
    pub const PUNCTUAL: Self =
        Self { late: None, refused: None, step: 0, on_time: 0, patience: 0, arrived_at: None };

    /// The age at which to ask for the segment that begins at `start`; `None`: when the manifest
    /// says, or before.
    pub fn ask_at(&self, start: Position) -> Option<i64> {
        match self.refused {
            Some(refused) if refused.start == start => Some(refused.again),
            _ => {
                let trial = if self.on_time >= self.patience { self.step } else { 0 };
                self.late.map(|late| late.saturating_sub(trial))
            }
        }
    }

    /// How late segments are: the expected lateness, or more if a refused segment shows more.
    pub fn late(&self) -> Duration {
        // Segments that arrived earlier were not later than this.
        let most = self.arrived_at.filter(|_| self.late.is_none()).unwrap_or(0);
        let refused = self.refused.map_or(0, |r| r.again.max(most));
        let late = self.late.unwrap_or(0).max(refused);
        Duration::from_micros(u64::try_from(late).unwrap_or(0))
    }

    /// The expected lateness; the segment that is refused at present does not count.
    pub fn known(&self) -> Duration {
        Duration::from_micros(self.late.and_then(|late| u64::try_from(late).ok()).unwrap_or(0))
    }

    /// How often in a row the segment that begins at `start` was refused.
    pub fn refusals(&self, start: Position) -> u32 {
        self.refused.filter(|r| r.start == start).map_or(0, |r| r.times)
    }

    /// The segment that begins at `start` was refused when it was asked for at `age`. `other` is
    /// another track's lateness: the best guess while this track's is not known.
    pub fn refused(&mut self, start: Position, age: i64, kind: SegmentKind, other: Duration) {
        let times = self.refusals(start).saturating_add(1);
        let expected = self.late.unwrap_or_else(|| micros(other));
        let again = if age < expected {
            expected.max(age + LEAST_WAIT)
        } else {
            age + wait(times, age, kind)
        };
        self.refused = Some(Refused { start, times, again });
    }

    /// The segment that begins at `start` arrived; it had been asked for at `age`.
    pub fn arrived(&mut self, start: Position, age: i64) {
        let refused = self.refused.take().is_some_and(|r| r.start == start);
        match (refused, self.late) {
            (true, Some(late)) if age <= late + FINEST_STEP => {
                // A trial was refused: the known lateness is right.
                self.step = (self.step / 2).max(FINEST_STEP);
                self.patience = (self.patience * 2).clamp(1, MOST_PATIENCE);
                self.on_time = 0;
            }
            (true, before) => self.raise(before.unwrap_or(0), age),
            // It was asked for later than necessary: this says nothing new.
            (false, Some(late)) if age > late => self.on_time = self.on_time.saturating_add(1),
            (false, Some(late)) if self.on_time >= self.patience && age < late => {
                self.step = self.step.saturating_mul(2);
                self.patience /= 2;
                self.on_time = 0;
                // A lateness of zero or less means punctual.
                self.late = (age > 0).then_some(age);
            }
            (false, Some(_)) => self.on_time = self.on_time.saturating_add(1),
            (false, None) => self.arrived_at = Some(self.arrived_at.map_or(age, |at| at.min(age))),
        }
    }

    /// The origin is later than was known. By much: an accident, so the next trial comes soon. By
    /// little: its lateness varies, so the next trial waits longer.
    fn raise(&mut self, before: i64, age: i64) {
        let more = age.saturating_sub(before.max(0));
        let accident = self.late.is_none() || more > self.step.max(FINEST_STEP).saturating_mul(4);
        if accident {
            self.patience = 0;
            self.step = (more / 2).max(FINEST_STEP);
        } else {
            self.patience = (self.patience * 2).clamp(1, MOST_PATIENCE);
            self.step = self.step.max(more).max(FINEST_STEP);
        }
        self.on_time = 0;
        self.late = Some(age);
    }

    /// A search found that segments exist at `age` and not much earlier.
    pub fn found(&mut self, age: i64) {
        self.refused = None;
        if age > 0 && self.late.is_none_or(|late| late < age) {
            self.raise(0, age);
        }
    }

    /// The refused segment will never exist: it says nothing about the others.
    pub const fn forget_refusal(&mut self) {
        self.refused = None;
    }
}

/// How long to wait after the `times`-th refusal in a row of one segment, the last at `age`.
fn wait(times: u32, age: i64, kind: SegmentKind) -> i64 {
    let first = if kind.growing {
        FIRST_WAIT
    } else {
        (kind.length / 16).clamp(Duration::from_millis(60), Duration::from_millis(300))
    };
    // Waits grow by 2.5 up to a segment's length: a small lateness is found quickly, and an origin
    // that is very late gets few requests. After that, a quarter of the age.
    let grown = (1..times.min(12)).fold(micros(first), |wait, _| wait.saturating_mul(5) / 2);
    grown.min(micros(kind.length).max(age / 4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec::Vec;

    const WHOLE: SegmentKind = SegmentKind { length: Duration::from_secs(2), growing: false };
    const GROWING: SegmentKind = SegmentKind { length: Duration::from_secs(1), growing: true };

    /// An origin that has segment `n` so long after it is due, and how it was asked.
    struct Run {
        lateness: Lateness,
        /// Refusals, by segment.
        refused: Vec<u32>,
        /// Ages at which they came.
        came: Vec<i64>,
    }

    fn run(kind: SegmentKind, segments: u32, late: impl Fn(u32) -> i64) -> Run {
        let mut run = Run { lateness: Lateness::default(), refused: Vec::new(), came: Vec::new() };
        for n in 0..segments {
            let start = Position::default() + kind.length * n;
            let mut refused = 0;
            let age = loop {
                let age = run.lateness.ask_at(start).unwrap_or(0).max(0);
                if age >= late(n) {
                    break age;
                }
                run.lateness.refused(start, age, kind, Duration::ZERO);
                refused += 1;
                assert!(refused < 20, "{n}: {age}");
            };
            run.lateness.arrived(start, age);
            run.refused.push(refused);
            run.came.push(age);
        }
        run
    }

    const MS: i64 = 1000;

    #[test]
    fn a_steady_lateness_is_learnt_in_a_few_segments_and_then_asked_for_in_time() {
        for kind in [WHOLE, GROWING] {
            for late_ms in [300, 700, 1200, 3500, 8000, 20_000] {
                let run = run(kind, 200, |_| late_ms * MS);
                let what = format!("{kind:?} {late_ms}: {:?}", run.refused);
                assert!(run.refused[0] <= 15, "{what}");
                assert!(run.refused[1..].iter().all(|n| *n <= 1), "{what}");
                assert!(run.refused[1..40].iter().sum::<u32>() <= 8, "{what}");
                assert!(run.refused[100..].iter().sum::<u32>() <= 3, "{what}");
                // Not much later than need be.
                let slack = (late_ms / 8).max(150) * MS;
                assert!(run.came[40..].iter().all(|a| *a <= late_ms * MS + slack), "{what}");
            }
        }
    }

    #[test]
    fn a_lateness_that_varies_is_met_at_its_upper_end() {
        for spread_ms in [100, 300, 600] {
            let vary = |n: u32| i64::from(n.wrapping_mul(2_654_435_761) >> 16) % spread_ms;
            let run = run(WHOLE, 300, |n| (1500 + vary(n)) * MS);
            let refused: u32 = run.refused[30..].iter().sum();
            assert!(refused <= 27, "{spread_ms}: {refused} {:?}", run.refused);
            let most = run.came[30..].iter().max();
            assert!(most <= Some(&((1900 + 2 * spread_ms) * MS)), "{spread_ms}: {:?}", run.came);
        }
    }

    #[test]
    fn a_lateness_that_grows_is_followed() {
        let run = run(WHOLE, 200, |n| (500 + 20 * i64::from(n)) * MS);
        assert!(run.refused[10..].iter().all(|n| *n <= 2), "{:?}", run.refused);
        let refused: u32 = run.refused[10..].iter().sum();
        assert!(refused <= 80, "{refused}: {:?}", run.refused);
    }

    #[test]
    fn an_accident_is_forgotten_in_a_few_segments_and_a_habit_slowly() {
        for kind in [WHOLE, GROWING] {
            let accident = run(kind, 30, |n| if n == 5 { 4000 * MS } else { 0 });
            assert_eq!(accident.came[12..], [0; 18], "{:?}", accident.came);
            let habit = run(kind, 400, |n| if n < 100 { 3500 * MS } else { 0 });
            assert_eq!(habit.came[399], 0, "{:?}", habit.came);
            assert!(habit.came[102] > 2000 * MS, "{:?}", habit.came);
        }
    }

    #[test]
    fn a_punctual_origin_is_asked_as_the_manifest_says() {
        let lateness = run(WHOLE, 20, |_| 0).lateness;
        assert_eq!((lateness.ask_at(Position::default()), lateness.late()), (None, Duration::ZERO));
    }

    #[test]
    fn one_tracks_lateness_is_the_best_guess_for_another() {
        let mut lateness = Lateness::default();
        let start = Position::from_millis(4000);
        lateness.refused(start, 0, WHOLE, Duration::from_millis(3600));
        assert_eq!(lateness.ask_at(start), Some(3_600_000));
        assert_eq!(lateness.ask_at(Position::from_millis(6000)), None);
    }
}
