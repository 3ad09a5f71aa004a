//! Segments of one nominal duration: numbers, times and availability by arithmetic (23009-1
//! 5.3.9.5.3 and A.3.2).
//!
//! ```text
//! start(k) = origin + k * duration     number = first + k     k = 0, 1, ...
//! ```
//! Start and end of a segment are each rounded down to the microsecond from exact ticks, so
//! neighbours meet exactly and nothing drifts over years of Unix time.

use super::{Segment, Template};
use crate::time::{MediaTime, Position, WallTime};

/// Segments of one nominal duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Their URL.
    pub template: Template,
    /// The number of the Period's first segment.
    pub first: u64,
    /// The last number, where the manifest says so.
    pub last: Option<u64>,
    /// Nominal duration of each.
    pub duration: MediaTime,
    /// `$Time$` of the first segment, in ticks of `duration` (`presentationTimeOffset`).
    pub first_time: u64,
    /// The Period's start: where the first segment starts.
    pub origin: Position,
    /// The Period's end, where known.
    pub end: Option<Position>,
    /// Wall-clock time of position zero and how early a segment may be asked for, microseconds;
    /// `None` when all exist. A segment is available at `anchor + end - early`.
    pub clock: Option<(WallTime, i64)>,
}

/// A last segment shorter than this is a rounding error of the manifest (Period ends are written
/// with few decimals), not a segment: no frame is so short.
const SLIVER_US: i64 = 1000;

impl Numbered {
    pub(super) fn at(&self, at: Position) -> Option<Segment> {
        if self.end.is_some_and(|end| end <= at) {
            return None;
        }
        let from_origin = at.micros_from(self.origin).max(0);
        let k = steps(from_origin, self.duration)?;
        match (self.last, self.end) {
            // After the last whole segment, only a sliver of the Period may be left.
            (None, Some(_)) => self.nth(k.min(self.last_index()?)),
            _ => self.nth(k),
        }
    }

    pub(super) fn numbered(&self, number: u64) -> Option<Segment> {
        self.nth(number.checked_sub(self.first)?)
    }

    pub(super) fn newest(&self, now: WallTime) -> Option<Segment> {
        let Some((anchor, early)) = self.clock else { return self.last() };
        let limit = now.micros_from(anchor).saturating_add(early);
        if self.end.is_some_and(|end| end.as_micros() <= limit) {
            return self.last();
        }
        let from_origin = limit.saturating_sub(self.origin.as_micros());
        if from_origin < 0 {
            return None;
        }
        let complete = steps(from_origin, self.duration)?.checked_sub(1)?;
        self.nth(complete.min(self.last_index()?))
    }

    /// The last segment of the Period; `None` while the Period is open.
    pub(super) fn last(&self) -> Option<Segment> {
        self.nth(self.last_index().filter(|&k| k != u64::MAX)?)
    }

    /// `u64::MAX` while the Period is open; `None` when there is no segment.
    fn last_index(&self) -> Option<u64> {
        let by_number = match self.last {
            Some(last) => last.checked_sub(self.first)?,
            None => u64::MAX,
        };
        let by_end = match self.end {
            Some(end) => {
                let inside = end.micros_from(self.origin).checked_sub(SLIVER_US)?;
                if inside < 0 {
                    return None;
                }
                steps(inside, self.duration)?
            }
            None => u64::MAX,
        };
        Some(by_number.min(by_end))
    }

    fn nth(&self, k: u64) -> Option<Segment> {
        if k > self.last_index()? {
            return None;
        }
        let start = self.boundary(k);
        let end = match self.end {
            Some(end) if k == self.last_index()? && self.last.is_none() => end,
            Some(end) => self.boundary(k.saturating_add(1)).min(end),
            None => self.boundary(k.saturating_add(1)),
        };
        let number = self.first.saturating_add(k);
        let ticks = u64::try_from(self.duration.ticks).unwrap_or(0);
        let time = self.first_time.saturating_add(k.saturating_mul(ticks));
        Some(Segment::of(&self.template, (number, time), start, end, self.clock))
    }

    fn boundary(&self, k: u64) -> Position {
        let ticks = i64::try_from(k).unwrap_or(i64::MAX).saturating_mul(self.duration.ticks);
        self.origin.offset(self.duration.scale.to_micros(ticks))
    }
}

/// The number of whole `duration`s in `us` microseconds; `None` without a duration.
pub(super) fn steps(us: i64, duration: MediaTime) -> Option<u64> {
    if duration.ticks <= 0 || us < 0 {
        return None;
    }
    u64::try_from(duration.scale.tick_at(us) / duration.ticks).ok()
}
