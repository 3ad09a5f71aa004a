//! Where the live edge is by a list of whole segments: the list needs no clock, and a timeline that
//! strays from the wall clock is followed.
//!
//! Each growth of the list is seen some time after it was made, so the earliest one seen tells the
//! rest. An encoder that stops and goes on leaves its timeline behind that: after a pause the list is
//! believed anew.

use crate::time::{Instant, Position};
use core::time::Duration;

/// A list is late by this much besides its segments.
const LATE: Duration = Duration::from_secs(1);

/// How far a list goes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListEnd {
    /// The end that was seen earliest for its place, and when.
    mark: Option<(Position, Instant)>,
    /// The end that was seen last, and since when.
    last: Option<(Position, Instant)>,
}

impl ListEnd {
    /// The list ends at `end`; its segments are `segment` long. Answers whether it is of another
    /// timeline than before: what is behind is no older copy.
    pub fn note(&mut self, now: Instant, end: Position, segment: Duration) -> bool {
        if self.last.is_some_and(|(known, _)| known == end) {
            return false;
        }
        let last = self.last.replace((end, now));
        let paused = last.is_some_and(|(_, seen)| now.since(seen) > segment * 2 + LATE);
        let better = self.mark.is_none_or(|(mark, at)| {
            let step = end.since(mark).max(segment) + LATE;
            let expected = mark + now.since(at);
            // Seen earlier than the mark, or of another timeline.
            end > expected || expected.since(end) > step * 3
        });
        if paused || better {
            self.mark = Some((end, now));
        }
        better && last.is_some_and(|(known, _)| end + (segment + LATE) * 3 < known)
    }

    /// The live edge.
    pub fn edge(&self, now: Instant) -> Option<Position> {
        self.mark.map(|(end, at)| end + now.since(at))
    }

    /// When the list went, or will go, on behind `end`, as far as can be told.
    pub fn passes(&self, end: Position) -> Option<Instant> {
        let (mark, at) = self.mark?;
        Some(if mark <= end { at + end.since(mark) } else { at - mark.since(end) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: Duration = Duration::from_secs(2);

    const fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    const fn pos(ms: i64) -> Position {
        Position::from_millis(ms)
    }

    #[test]
    fn the_earliest_sight_of_a_growth_is_the_clock() {
        let mut n = ListEnd::default();
        assert_eq!(n.edge(at(0)), None);
        n.note(at(900), pos(10_000), SEGMENT);
        n.note(at(2_300), pos(12_000), SEGMENT);
        n.note(at(4_900), pos(14_000), SEGMENT);
        assert_eq!(n.edge(at(5_000)), Some(pos(14_700)));
        assert_eq!(n.passes(pos(16_000)), Some(at(6_300)));
        assert_eq!(n.passes(pos(10_000)), Some(at(300)));
    }

    #[test]
    fn after_a_pause_the_list_is_believed_anew() {
        let mut n = ListEnd::default();
        n.note(at(1_000), pos(10_000), SEGMENT);
        for ms in [3_000, 4_000, 5_000, 6_500] {
            n.note(at(ms), pos(12_000), SEGMENT);
        }
        assert_eq!(n.edge(at(6_500)), Some(pos(15_500)));
        // It stood for four seconds.
        n.note(at(9_000), pos(14_000), SEGMENT);
        assert_eq!(n.edge(at(9_000)), Some(pos(14_000)));
        // What was only seen late is soon seen earlier.
        n.note(at(10_400), pos(16_000), SEGMENT);
        assert_eq!(n.edge(at(11_000)), Some(pos(16_600)));
    }

    #[test]
    fn another_timeline_is_turned_to_at_once() {
        let mut n = ListEnd::default();
        assert!(!n.note(at(0), pos(90_000), SEGMENT));
        assert!(n.note(at(2_000), pos(4_000), SEGMENT));
        assert!(!n.note(at(4_000), pos(6_000), SEGMENT));
        assert_eq!(n.edge(at(2_000)), Some(pos(4_000)));
    }
}
