//! Segments of a SegmentTimeline (23009-1 5.3.9.6), kept as runs of equal durations.
//!
//! A run stands for any number of segments. So a day of window, or a hostile `@r`, needs no
//! memory, and a lookup is a binary search over the runs.

use super::numbered::steps;
use super::{Segment, Template};
use crate::time::{Duration, MediaTime, Position, Timescale, WallTime};
use alloc::vec::Vec;

/// Segments whose times are given by runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// Their URL.
    pub template: Template,
    /// The clock of the runs.
    pub scale: Timescale,
    /// Where media time zero lies: Period start minus `presentationTimeOffset`, in microseconds.
    pub offset: i64,
    /// In order of time, with starts that do not overlap; numbers rise by one over gaps too.
    pub runs: Vec<Run>,
    /// The Period's end, where known.
    pub end: Option<Position>,
    /// No more will come.
    pub complete: bool,
    /// Wall-clock time of position zero and how early a segment may be asked for, microseconds;
    /// `None` when all that is listed exists.
    pub clock: Option<(WallTime, i64)>,
}

/// Consecutive segments of equal duration: one `S` element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// Number of the first.
    pub number: u64,
    /// Time of the first, ticks.
    pub time: u64,
    /// Duration of each, ticks; never zero.
    pub duration: u64,
    /// How many; [`Run::OPEN`]: until further notice.
    pub count: u64,
}

impl Run {
    /// The count of a run that goes on (`@r` negative in an open Period).
    pub const OPEN: u64 = u64::MAX;

    /// Time of the first tick after it, saturating.
    pub const fn end(&self) -> u64 {
        self.time.saturating_add(self.count.saturating_mul(self.duration))
    }

    fn time(&self, k: u64) -> i64 {
        let ticks = self.time.saturating_add(k.saturating_mul(self.duration));
        i64::try_from(ticks).unwrap_or(i64::MAX)
    }
}

impl Timeline {
    /// The longest of the last four segments.
    pub fn longest(&self) -> Duration {
        let mut left = 4_u64;
        let last = self.runs.iter().rev().take_while(|run| {
            let asked = left > 0;
            left = left.saturating_sub(run.count);
            asked
        });
        let ticks = last.map(|run| run.duration).max().unwrap_or(0);
        let ticks = i64::try_from(ticks).unwrap_or(i64::MAX);
        MediaTime::new(ticks, self.scale).to_duration()
    }

    pub(super) fn at(&self, at: Position) -> Option<Segment> {
        if self.end.is_some_and(|end| end <= at) {
            return None;
        }
        let next = self.runs.partition_point(|run| self.position(run.time(0)) <= at);
        if let Some(run) = next.checked_sub(1).and_then(|i| self.runs.get(i)) {
            let into = at.micros_from(self.position(run.time(0)));
            let k = self.steps(into, run);
            if k < run.count {
                return self.nth(run, k);
            }
        }
        self.nth(self.runs.get(next)?, 0)
    }

    pub(super) fn numbered(&self, number: u64) -> Option<Segment> {
        let next = self.runs.partition_point(|run| run.number <= number);
        let run = self.runs.get(next.checked_sub(1)?)?;
        self.nth(run, number.checked_sub(run.number)?)
    }

    pub(super) fn newest(&self, now: WallTime) -> Option<Segment> {
        let Some((anchor, early)) = self.clock else { return self.last() };
        let limit = Position::from_micros(now.micros_from(anchor).saturating_add(early));
        if self.end.is_some_and(|end| end <= limit) {
            return self.last();
        }
        let next = self.runs.partition_point(|run| self.position(run.time(1)) <= limit);
        let run = self.runs.get(next.checked_sub(1)?)?;
        let whole = self.steps(limit.micros_from(self.position(run.time(0))), run);
        self.nth(run, whole.checked_sub(1)?.min(run.count.checked_sub(1)?))
    }

    /// The last one listed; `None` while the last run is open.
    pub(super) fn last(&self) -> Option<Segment> {
        // Runs after the Period's end do not count, so search from the back.
        for run in self.runs.iter().rev() {
            let Some(mut k) = run.count.checked_sub(1) else { continue };
            if let Some(end) = self.end {
                let into = end.micros_from(self.position(run.time(0))).saturating_sub(1);
                if into < 0 {
                    continue;
                }
                k = k.min(self.steps(into, run));
            } else if run.count == Run::OPEN {
                return None;
            }
            return self.nth(run, k);
        }
        None
    }

    fn nth(&self, run: &Run, k: u64) -> Option<Segment> {
        if k >= run.count {
            return None;
        }
        let start = self.position(run.time(k));
        let mut end = self.position(run.time(k.saturating_add(1)));
        if let Some(period) = self.end {
            if start >= period {
                return None;
            }
            end = end.min(period);
        }
        let number = run.number.saturating_add(k);
        let time = run.time.saturating_add(k.saturating_mul(run.duration));
        Some(Segment::of(&self.template, (number, time), start, end, self.clock))
    }

    fn position(&self, ticks: i64) -> Position {
        Position::from_micros(self.scale.to_micros(ticks)).offset(self.offset)
    }

    /// The segment of the run that holds the time `into` microseconds after its start. Rounding of
    /// the run's start can put that one microsecond off, so the neighbour is looked at as well.
    fn steps(&self, into: i64, run: &Run) -> u64 {
        let ticks = i64::try_from(run.duration).unwrap_or(i64::MAX);
        let k = steps(into.max(0), MediaTime::new(ticks, self.scale)).unwrap_or(u64::MAX);
        let target = self.position(run.time(0)).offset(into);
        if self.position(run.time(k.saturating_add(1))) <= target {
            k.saturating_add(1)
        } else if k > 0 && self.position(run.time(k)) > target {
            k - 1
        } else {
            k
        }
    }
}
