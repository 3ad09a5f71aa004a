//! The spans that a buffer holds, as `SourceBuffer.buffered` reports them.

use crate::time::{Duration, Position, Span};
use alloc::vec::Vec;

/// Spans nearer than this count as one: frames do not touch exactly, and browsers play over holes
/// of about two frames (a frame at 10 fps lasts 100 ms).
const TOUCHING: Duration = Duration::from_millis(60);

/// Sorted spans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<Span>);

impl Ranges {
    /// Spans in ascending order, as browsers give them.
    pub fn new(spans: Vec<Span>) -> Self {
        Self(spans)
    }

    /// All spans.
    pub fn spans(&self) -> &[Span] {
        &self.0
    }

    /// There are no spans.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How far one can play without a hole from `at`; `at` itself if nothing is there.
    pub fn end_from(&self, at: Position) -> Position {
        let mut end = at;
        for span in &self.0 {
            if span.start <= end + TOUCHING && span.end > end {
                end = span.end;
            }
        }
        end
    }

    /// There is media at `at`.
    pub fn holds(&self, at: Position) -> bool {
        self.0.iter().any(|s| s.start <= at && at < s.end)
    }

    /// The first start of a span after `at`.
    pub fn next_start(&self, at: Position) -> Option<Position> {
        self.0.iter().map(|s| s.start).find(|&start| start > at)
    }

    /// There is a hole between `from` and `to`, and there is media at `to`.
    pub fn hole_between(&self, from: Position, to: Position) -> bool {
        let pairs = self.0.iter().zip(self.0.iter().skip(1));
        let mut holes = pairs.map(|(a, b)| (a.end, b.start));
        holes.any(|(end, start)| end > from && start <= to && start.since(end) > TOUCHING)
            && self.holds(to)
    }

    /// The last span.
    pub fn last(&self) -> Option<Span> {
        self.0.last().copied()
    }

    /// The spans that both hold.
    pub fn intersection(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        for a in &self.0 {
            for b in &other.0 {
                let (start, end) = (a.start.max(b.start), a.end.min(b.end));
                if start < end {
                    out.push(Span { start, end });
                }
            }
        }
        Self(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn ms(start: i64, end: i64) -> Span {
        Span { start: Position::from_millis(start), end: Position::from_millis(end) }
    }

    #[test]
    fn small_holes_are_bridged_large_ones_are_not() {
        let r = Ranges::new(vec![ms(0, 1000), ms(1040, 2000), ms(3000, 4000)]);
        assert_eq!(r.end_from(Position::from_millis(500)), Position::from_millis(2000));
        assert_eq!(r.end_from(Position::from_millis(2500)), Position::from_millis(2500));
        assert_eq!(r.next_start(Position::from_millis(2500)), Some(Position::from_millis(3000)));
    }

    #[test]
    fn a_hole_that_was_played_over_is_seen() {
        let r = Ranges::new(vec![ms(0, 1000), ms(1040, 2000), ms(3000, 4000)]);
        let hole =
            |from, to| r.hole_between(Position::from_millis(from), Position::from_millis(to));
        assert!(hole(500, 3100));
        assert!(!hole(500, 1500), "bridged");
        assert!(!hole(500, 2500), "still in it");
        assert!(!hole(2000, 3100), "begun behind it");
    }

    #[test]
    fn what_two_tracks_hold_together() {
        let a = Ranges::new(vec![ms(0, 1000), ms(2000, 3000)]);
        let b = Ranges::new(vec![ms(500, 2500)]);
        assert_eq!(a.intersection(&b), Ranges::new(vec![ms(500, 1000), ms(2000, 2500)]));
    }
}
