//! How late an origin is: how long after the time that the manifest names a segment can really be had.
//!
//! The manifest says when a segment is *due*. An origin that is slower than its manifest refuses it
//! then; an *age* is the time since it was due, microseconds, negative before.
//!
//! ```text
//!  due      refused            came
//!   |----------x------x---------o--------> age        the lateness is between the last x and the o
//! ```
//! A refusal says "later than this", so the same segment is asked for again, soon at first and in
//! growing steps; the age at which it came is when the next one is asked for. That age may be too
//! much, or the origin may become punctual: so now and then one is asked for a step earlier. If that
//! works the next step is twice as long; if it is refused the next is half as long and is tried
//! after twice as many segments: an origin that is steadily late costs a refusal in
//! [`MOST_PATIENCE`] segments, and a single accident is forgotten within a few.

use crate::time::{Position, micros};
use core::time::Duration;

/// The most segments that come as expected before one is asked for earlier.
pub const MOST_PATIENCE: u32 = 64;
/// No step is finer, microseconds: a link's own unevenness is not the origin's.
const GRAIN: i64 = 60_000;
/// No question follows on another sooner, microseconds.
const HURRY: i64 = 20_000;
/// The first wait after a refusal where a segment is read while it grows.
const SOON: Duration = Duration::from_millis(40);

/// What is known of one track's lateness.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lateness {
    /// At this age a segment can be had; `None`: none was ever refused.
    late: Option<i64>,
    /// The segment that is refused at present.
    refused: Option<Refused>,
    /// How much earlier the next trial is.
    step: i64,
    /// Segments in a row that came when they were expected.
    calm: u32,
    /// So many of them make the next one a trial.
    patience: u32,
    /// The least age at which one came before any was refused.
    came_at: Option<i64>,
}

/// A segment that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refused {
    /// Its start names it.
    start: Position,
    /// How often.
    times: u32,
    /// The age at which it is asked for again.
    again: i64,
}

/// Of which kind the segments are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The length of one.
    pub length: Duration,
    /// They are read while they grow.
    pub growing: bool,
}

impl Lateness {
    /// As the manifest says.
    pub const PUNCTUAL: Self =
        Self { late: None, refused: None, step: 0, calm: 0, patience: 0, came_at: None };

    /// The age at which the segment that begins at `start` is to be asked for; `None`: as the manifest
    /// says, or before.
    pub fn ask_at(&self, start: Position) -> Option<i64> {
        match self.refused {
            Some(refused) if refused.start == start => Some(refused.again),
            _ => {
                let trial = if self.calm >= self.patience { self.step } else { 0 };
                self.late.map(|late| late.saturating_sub(trial))
            }
        }
    }

    /// How late segments are: what is expected, or what those that were refused lately show.
    pub fn late(&self) -> Duration {
        // It is less than what the first that came were old.
        let most = self.came_at.filter(|_| self.late.is_none()).unwrap_or(0);
        let refused = self.refused.map_or(0, |r| r.again.max(most));
        let late = self.late.unwrap_or(0).max(refused);
        Duration::from_micros(u64::try_from(late).unwrap_or(0))
    }

    /// The same without the segment that is refused at present.
    pub fn known(&self) -> Duration {
        Duration::from_micros(self.late.and_then(|late| u64::try_from(late).ok()).unwrap_or(0))
    }

    /// How often in a row the segment that begins at `start` was refused.
    pub fn refusals(&self, start: Position) -> u32 {
        self.refused.filter(|r| r.start == start).map_or(0, |r| r.times)
    }

    /// The segment that begins at `start` was refused when it was asked for at `age`. Another track's
    /// lateness is the best guess where this one's is not known.
    pub fn refused(&mut self, start: Position, age: i64, kind: Kind, other: Duration) {
        let times = self.refusals(start).saturating_add(1);
        let expected = self.late.unwrap_or_else(|| micros(other));
        let again =
            if age < expected { expected.max(age + HURRY) } else { age + wait(times, age, kind) };
        self.refused = Some(Refused { start, times, again });
    }

    /// The segment that begins at `start` came when it was asked for at `age`.
    pub fn came(&mut self, start: Position, age: i64) {
        let refused = self.refused.take().is_some_and(|r| r.start == start);
        match (refused, self.late) {
            (true, Some(late)) if age <= late + GRAIN => {
                // A trial was refused; what was known is right.
                self.step = (self.step / 2).max(GRAIN);
                self.patience = (self.patience * 2).clamp(1, MOST_PATIENCE);
                self.calm = 0;
            }
            (true, before) => self.raise(before.unwrap_or(0), age),
            // It was asked for later than need be: nothing follows.
            (false, Some(late)) if age > late => self.calm = self.calm.saturating_add(1),
            (false, Some(late)) if self.calm >= self.patience && age < late => {
                self.step = self.step.saturating_mul(2);
                self.patience /= 2;
                self.calm = 0;
                // One that is punctual is not late by less than nothing.
                self.late = (age > 0).then_some(age);
            }
            (false, Some(_)) => self.calm = self.calm.saturating_add(1),
            (false, None) => self.came_at = Some(self.came_at.map_or(age, |at| at.min(age))),
        }
    }

    /// It is later than was known: by much after an accident, which need not happen again; by little
    /// where it varies.
    fn raise(&mut self, before: i64, age: i64) {
        let more = age.saturating_sub(before.max(0));
        let accident = self.late.is_none() || more > self.step.max(GRAIN).saturating_mul(4);
        if accident {
            self.patience = 0;
            self.step = (more / 2).max(GRAIN);
        } else {
            self.patience = (self.patience * 2).clamp(1, MOST_PATIENCE);
            self.step = self.step.max(more).max(GRAIN);
        }
        self.calm = 0;
        self.late = Some(age);
    }

    /// Segments were found to be there at `age` and not much earlier.
    pub fn found(&mut self, age: i64) {
        self.refused = None;
        if age > 0 && self.late.is_none_or(|late| late < age) {
            self.raise(0, age);
        }
    }

    /// The segment that was refused will never come: it says nothing of the others.
    pub const fn lost(&mut self) {
        self.refused = None;
    }
}

/// How long to wait after the `times`-th refusal in a row of one segment, the last at `age`.
fn wait(times: u32, age: i64, kind: Kind) -> i64 {
    let first = if kind.growing {
        SOON
    } else {
        (kind.length / 16).clamp(Duration::from_millis(60), Duration::from_millis(300))
    };
    // 1, 2.5, 6.25 ... up to a segment: who is late by little is found quickly, who is late by much
    // is not asked often. Then by a quarter each time.
    let grown = (1..times.min(12)).fold(micros(first), |wait, _| wait.saturating_mul(5) / 2);
    grown.min(micros(kind.length).max(age / 4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec::Vec;

    const WHOLE: Kind = Kind { length: Duration::from_secs(2), growing: false };
    const GROWING: Kind = Kind { length: Duration::from_secs(1), growing: true };

    /// An origin that has segment `n` so long after it is due, and how it was asked.
    struct Run {
        lateness: Lateness,
        /// Refusals, by segment.
        refused: Vec<u32>,
        /// Ages at which they came.
        came: Vec<i64>,
    }

    fn run(kind: Kind, segments: u32, late: impl Fn(u32) -> i64) -> Run {
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
            run.lateness.came(start, age);
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
