//! Finds the live edge by asking for segments, where the clock cannot be right.
//!
//! With SegmentTemplate@duration the newest segment's number follows from the clock. That segment
//! does not exist if the viewer's clock or the manifest's `availabilityStartTime` is off, or if the
//! origin is later than its manifest says. Then older and newer segments are asked for, one after
//! the other, until one exists. Bisection between that one and the oldest refused newer one leads
//! to the edge.
//!
//! Segments are named by their *age*: the time since they were due by the clock, microseconds;
//! negative before. Ages are tried in this order, which hits the window that the origin keeps
//! soonest:
//! 1. older ones, doubling, up to [`NEAR`]: the origin is late;
//! 2. both ways, in steps shorter than the window: a clock is minutes off;
//! 3. both ways, whole and half hours: local time was written as UTC;
//! 4. both ways, doubling: finds origins that keep everything.
//!
//! ```text
//! refused --next()--> Ask(age) --answer()--> ... --> Found { between two ages } | Nowhere
//! ```

use crate::time::{Duration, micros};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// An origin may be late by up to this; more means that a clock is off. Microseconds.
pub const NEAR: i64 = 40 * SECOND;
const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3600 * SECOND;
/// How far the steps of step 2 reach, microseconds.
const STEPS: i64 = 300 * SECOND;
/// The window is taken to be at least this long, microseconds.
const LEAST_WINDOW: i64 = 8 * SECOND;
/// The window if the manifest names none, microseconds: few origins keep everything, and short
/// steps cost little.
const USUAL_WINDOW: i64 = 60 * SECOND;
/// No clock is off by more than this, microseconds.
const FARTHEST: i64 = 100 * 365 * 24 * HOUR;
/// The most requests of one search.
const MOST: u32 = 250;

/// The limits of a search. Ages are in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The length of a segment.
    pub length: Duration,
    /// The age of the oldest segment that can exist: the Period's first.
    pub oldest: i64,
    /// The age of the newest that can exist.
    pub newest: i64,
    /// How long the origin keeps segments, if the manifest says so.
    pub window: Option<Duration>,
    /// A clock may be off. If not, the origin can only be late: only step 1 is tried.
    pub far: bool,
    /// By how much a clock has just jumped: this age is tried first.
    pub hint: Option<i64>,
}

/// What the search does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask for the newest segment of this age or older.
    Ask(i64),
    /// The edge lies between these two ages.
    Found {
        /// The age of the newest segment that exists.
        exists: i64,
        /// The age of the next one that does not.
        refused: i64,
    },
    /// None of the segments tried exists.
    Nowhere,
}

/// The origin's answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The segment exists.
    Exists,
    /// It does not exist.
    Refused,
    /// It does not exist any more (410).
    Gone,
}

/// A search for the live edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    bounds: Bounds,
    candidates: VecDeque<i64>,
    refused: Vec<i64>,
    exists: Option<i64>,
    asked: u32,
    /// The age that was refused at first.
    first: i64,
    /// It was asked for again after something was found.
    verified: bool,
}

impl Search {
    /// Starts a search after a segment of age `refused` was refused.
    pub fn new(refused: i64, bounds: Bounds) -> Self {
        let mut candidates: Vec<i64> = Vec::new();
        let length = micros(bounds.length).max(1);
        // From the newest that is due by the clock to older ones.
        let from = refused.max(0);
        candidates.extend(bounds.hint.map(|hint| hint.saturating_add(from)));
        candidates
            .extend(doubled(length).map(|d| from.saturating_add(d)).take_while(|a| *a < NEAR));
        candidates.extend(Some(NEAR).filter(|near| *near > from));
        if bounds.far {
            let window = bounds.window.map_or(USUAL_WINDOW, |w| micros(w).max(LEAST_WINDOW));
            let step = (window * 3 / 4).max(length);
            let both =
                |candidates: &mut Vec<i64>, off: i64| candidates.extend([from + off, from - off]);
            // One step more than the reach: each finds edges that are up to a step nearer.
            for i in 1..=(STEPS / step + 1) {
                both(&mut candidates, i * step);
            }
            // Well inside the window, so that a little lateness does not miss it.
            let inside = (window / 2).min(length * 2);
            for half_hours in 1..=28 {
                candidates.extend([half_hours, -half_hours].map(|h| h * HOUR / 2 + inside));
            }
            for off in doubled(STEPS).take_while(|off| *off < FARTHEST) {
                both(&mut candidates, off);
            }
        }
        let (oldest, newest) = (bounds.oldest, bounds.newest);
        candidates.retain(|age| (newest..=oldest).contains(age));
        if candidates.iter().all(|age| *age < oldest) {
            candidates.push(oldest);
        }
        let candidates = candidates.into();
        let first = refused;
        let refused = alloc::vec![refused];
        Self { bounds, candidates, refused, exists: None, asked: 0, first, verified: false }
    }

    /// Starts a search for newer segments than one of age `exists`, which exists: the clock may be
    /// behind.
    pub fn forward(exists: i64, bounds: Bounds) -> Self {
        let (candidates, refused, first) = (VecDeque::new(), Vec::new(), exists);
        let exists = Some(exists);
        Self { bounds, candidates, refused, exists, asked: 0, first, verified: true }
    }

    /// The segment that was refused at first is asked for again: the origin may have been
    /// restarted, or may just have begun. This happens between other requests, and before a find
    /// that is far off is believed.
    fn asks_first_again(&self) -> bool {
        match self.exists {
            None => self.asked >= 8 && self.asked.is_multiple_of(4),
            Some(exists) => !self.verified && !(0..=NEAR).contains(&exists),
        }
    }

    /// What to do next.
    pub fn next(&self) -> Next {
        if self.asks_first_again() {
            return Next::Ask(self.first);
        }
        let Some(exists) = self.exists else {
            return match self.candidates.front().filter(|_| self.asked < MOST) {
                Some(age) => Next::Ask(*age),
                None => Next::Nowhere,
            };
        };
        let length = micros(self.bounds.length).max(1);
        let newer = self.refused.iter().copied().filter(|r| *r < exists).max();
        match newer {
            Some(refused) if exists - refused <= length + length / 2 || self.asked >= MOST => {
                Next::Found { exists, refused }
            }
            Some(refused) => Next::Ask(refused + (exists - refused) / 2),
            None if exists <= self.bounds.newest || self.asked >= MOST => {
                Next::Found { exists, refused: exists.saturating_sub(length) }
            }
            // Nothing newer was refused: double the distance, and move by a segment at least.
            None => {
                let step = exists.min(0).saturating_neg().max(length);
                Next::Ask((exists.saturating_sub(step)).max(self.bounds.newest))
            }
        }
    }

    /// Takes the origin's answer to the request for a segment of this age.
    pub fn answer(&mut self, age: i64, answer: Answer) {
        let again = self.asks_first_again();
        self.asked = self.asked.saturating_add(1);
        self.verified |= again && self.exists.is_some();
        match answer {
            Answer::Exists if again => {
                self.exists = Some(self.first);
                self.refused.retain(|refused| *refused < age);
                return;
            }
            _ if again => return,
            _ => _ = self.candidates.pop_front(),
        }
        match answer {
            Answer::Exists => {
                self.exists = Some(self.exists.map_or(age, |known| known.min(age)));
            }
            Answer::Refused => self.refused.push(age),
            // Older ones are gone as well.
            Answer::Gone if self.exists.is_none() => self.candidates.retain(|other| *other < age),
            Answer::Gone => {}
        }
    }

    /// The number of answers so far.
    pub const fn asked(&self) -> u32 {
        self.asked
    }
}

fn doubled(first: i64) -> impl Iterator<Item = i64> {
    core::iter::successors(Some(first), |d| d.checked_mul(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    const BOUNDS: Bounds = Bounds {
        length: Duration::from_secs(2),
        oldest: i64::MAX,
        newest: i64::MIN,
        window: None,
        far: true,
        hint: None,
    };

    /// Searches where segments are there from `edge` on (an age), as far back as `kept`; answers
    /// what was found, and how many questions it took.
    fn search(mut search: Search, edge: i64, kept: i64, tells: bool) -> (Next, u32) {
        loop {
            match search.next() {
                Next::Ask(age) => {
                    // Segments have ages of their own: every 2 s.
                    let age = (age.saturating_add(1_999_999)).div_euclid(2_000_000) * 2_000_000;
                    let answer = if age < edge {
                        Answer::Refused
                    } else if age > edge.saturating_add(kept) {
                        if tells { Answer::Gone } else { Answer::Refused }
                    } else {
                        Answer::Exists
                    };
                    search.answer(age, answer);
                }
                next => return (next, search.asked()),
            }
        }
    }

    fn found(next: Next, edge: i64) -> bool {
        let Next::Found { exists, refused } = next else { return false };
        exists >= edge && refused < edge && exists - refused <= 3_000_000
    }

    #[test]
    fn an_origin_that_is_late_is_found_with_a_few_questions() {
        for (late_ms, most) in [(1200, 2), (3500, 3), (8000, 5), (20_000, 8), (35_000, 9)] {
            let edge = late_ms * 1000;
            let bounds = Bounds { far: false, ..BOUNDS };
            let (next, asked) = search(Search::new(1_000_000, bounds), edge, i64::MAX / 2, false);
            assert!(found(next, edge) && asked <= most, "{late_ms}: {asked} {next:?}");
        }
    }

    #[test]
    fn a_clock_that_is_off_is_found_in_the_window_that_the_origin_keeps() {
        // (how far the clock is ahead in seconds, the window in seconds, whether it is said,
        // questions at most)
        let cases = [
            (120, 16, true, 50),
            (-120, 16, true, 50),
            (90, 16, true, 50),
            (-45, 16, true, 20),
            (250, 30, true, 50),
            (-290, 30, true, 50),
            (3600, 20, true, 150),
            (-7200, 20, true, 150),
            (5 * 3600 + 1800, 60, true, 150),
            (-12 * 3600, 60, true, 150),
            (150, 3600, true, 20),
            (2 * 3600, 7200, true, 40),
            (40_000, 1_000_000_000, false, 120),
            (3 * 365 * 86_400, 1_000_000_000, false, 200),
        ];
        for (ahead, kept, said, most) in cases {
            for tells in [false, true] {
                let window = said.then(|| Duration::from_secs(u64::try_from(kept).unwrap_or(0)));
                let bounds = Bounds { window, ..BOUNDS };
                let (edge, kept) = (ahead * SECOND, (kept + 4) * SECOND);
                let (next, asked) = search(Search::new(1_000_000, bounds), edge, kept, tells);
                let what = format!("{ahead} s, {kept} us kept, tells {tells}: {asked} {next:?}");
                assert!(found(next, edge) && asked <= most, "{what}");
            }
        }
    }

    #[test]
    fn a_clock_that_is_behind_is_found_from_what_exists() {
        for (behind, most) in [(0, 1), (1, 1), (7, 4), (120, 12), (86_400, 34)] {
            let edge = -behind * SECOND;
            let forward = Search::forward(0, BOUNDS);
            let (next, asked) = search(forward, edge, i64::MAX / 2, false);
            assert!(found(next, edge) && asked <= most, "{behind}: {asked} {next:?}");
        }
    }

    #[test]
    fn a_jump_that_is_known_is_tried_first() {
        let bounds = Bounds { hint: Some(500 * SECOND), ..BOUNDS };
        let search = Search::new(3_000_000, bounds);
        assert_eq!(search.next(), Next::Ask(503 * SECOND));
    }

    #[test]
    fn it_stays_in_the_period_and_ends() {
        let bounds = Bounds { oldest: 9_000_000, newest: -5_000_000, ..BOUNDS };
        let (next, asked) = search(Search::new(1_000_000, bounds), i64::MAX, 0, false);
        assert_eq!(next, Next::Nowhere);
        assert!(asked <= 4, "{asked}");
        let (next, asked) = search(Search::new(1_000_000, BOUNDS), i64::MAX, 0, false);
        assert_eq!(next, Next::Nowhere);
        assert!(asked <= MOST, "{asked}");
    }
}
