//! The live edge, where the manifest lists whole segments: the end of the list, moved on by the
//! time since it came. This needs no wall clock, and follows a timeline that drifts away from it.
//!
//! Each growth of the list is seen some time after it happened, unless the manifest says when that was. The growth
//! that came earliest, compared with its position, is the *mark* from which the edge is computed. When an encoder
//! has paused, its timeline is behind the mark: then the mark is set anew.

use crate::time::{Duration, Instant, Position};

/// A list may grow later than its segments' length by this much.
const LATE: Duration = Duration::from_secs(1);

/// The end of a list, over time.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListEnd {
    /// The mark: an end of the list, and when it was seen.
    mark: Option<(Position, Instant)>,
    /// The newest end, and when it was first seen.
    last: Option<(Position, Instant)>,
}

impl ListEnd {
    /// The list has ended at `end` since `now`, as far as is known; its segments are `segment` long. Answers whether the end went back
    /// so far that this is another timeline, and not an older copy of the list.
    pub fn note(&mut self, now: Instant, end: Position, segment: Duration) -> bool {
        if self.last.is_some_and(|(known, _)| known == end) {
            return false;
        }
        let last = self.last.replace((end, now));
        let paused = last.is_some_and(|(_, seen)| now.since(seen) > segment * 2 + LATE);
        let better = self.mark.is_none_or(|(mark, at)| {
            let step = end.since(mark).max(segment) + LATE;
            let expected = mark + now.since(at);
            // Earlier than the mark promised, or so much behind it that the timeline is another
            // one.
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

    /// When the edge passed `end`, or will pass it, by the mark.
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
