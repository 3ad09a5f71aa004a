//! The live edge, where the manifest lists whole segments: the end of the list, moved on by the
//! time since it came. This needs no wall clock, and follows a timeline that drifts away from it.
//!
//! Each growth of the list is seen some time after it happened, unless the manifest says when that was. The growth
//! that came earliest, compared with its position, is the *mark* from which the edge is computed. When an encoder
//! has paused, its timeline is behind the mark: then the mark is set anew.
//!
//! Each track has its own list, and its own mark: ffmpeg ends the segments of picture and sound at different times, so
//! that one list may end seconds before the other and nothing is late. The edge is that of the track that is behind.

use crate::time::{Duration, Instant, Position, micros};

/// A list may grow later than its segments' length by this much.
const LATE: Duration = Duration::from_secs(1);
/// An encoder's clock may be slower than this one by a part in so many.
const DRIFT: i64 = 1000;

/// How long a list has ended where it ends, as far as is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Age {
    /// It was written so long ago.
    pub written: Duration,
    /// Another track's list ends so much later: if neither track is late, this one's end is so much older than what was
    /// written last.
    pub behind: Duration,
}

/// A list that ends so much earlier than another one is of another timeline.
pub fn another_timeline(segment: Duration) -> Duration {
    (segment + LATE) * 3
}

/// The end of a list, over time.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListEnd {
    /// The mark: the live edge minus the clock, microseconds.
    mark: Option<i64>,
    /// The mark stands on [`Age::behind`]: the next growth tells.
    guessed: bool,
    /// It has been seen to grow: nothing is guessed from then on.
    grown: bool,
    /// The newest end, and when it was first seen.
    last: Option<(Position, Instant)>,
}

impl ListEnd {
    /// The list ends at `end`, for `age` already; its segments are `segment` long. Answers whether the end went back so
    /// far that this is another timeline, and not an older copy of the list.
    pub fn note(&mut self, now: Instant, end: Position, age: Age, segment: Duration) -> bool {
        let edge = (end + age.written).micros_from(Position::default());
        let edge = edge.saturating_sub(micros(now.since(Instant::default())));
        let guess = if self.grown { edge } else { edge.saturating_add(micros(age.behind)) };
        let last = self.last.filter(|(known, _)| *known != end);
        let Some((known, seen)) = last else {
            // The same end again tells something only if its age is known now.
            if self.mark < Some(guess) && (self.last.is_none() || !age.written.is_zero()) {
                self.mark = Some(guess);
                self.guessed = guess > edge;
            }
            self.last = self.last.or(Some((end, now)));
            return false;
        };
        self.last = Some((end, now));
        let (since, most) = (now.since(seen), another_timeline(segment));
        // It did not come earlier than the mark promised, nor after a pause, nor so much later that the timeline is
        // another one.
        let kept =
            self.mark.map(|mark| mark.saturating_sub(micros(since) / DRIFT)).filter(|mark| {
                let behind = mark.saturating_sub(edge);
                !self.guessed && (0..=micros(most)).contains(&behind) && since <= segment * 2 + LATE
            });
        self.mark = kept.or(Some(edge));
        (self.guessed, self.grown) = (false, true);
        kept.is_none() && end + most < known
    }

    /// The live edge.
    pub fn edge(&self, now: Instant) -> Option<Position> {
        self.mark.map(|mark| Position::from_micros(mark) + now.since(Instant::default()))
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
        n.note(at(900), pos(10_000), Age::default(), SEGMENT);
        n.note(at(2_300), pos(12_000), Age::default(), SEGMENT);
        n.note(at(4_900), pos(14_000), Age::default(), SEGMENT);
        // A thousandth of the time since the last growth is left to an encoder whose clock is slow.
        assert_eq!(n.edge(at(5_000)), Some(Position::from_micros(14_697_400)));
    }

    #[test]
    fn after_a_pause_the_list_is_believed_anew() {
        let mut n = ListEnd::default();
        n.note(at(1_000), pos(10_000), Age::default(), SEGMENT);
        for ms in [3_000, 4_000, 5_000, 6_500] {
            n.note(at(ms), pos(12_000), Age::default(), SEGMENT);
        }
        assert_eq!(n.edge(at(6_500)), Some(pos(15_500)));
        // It stood for four seconds.
        n.note(at(9_000), pos(14_000), Age::default(), SEGMENT);
        assert_eq!(n.edge(at(9_000)), Some(pos(14_000)));
        // What was only seen late is soon seen earlier.
        n.note(at(10_400), pos(16_000), Age::default(), SEGMENT);
        assert_eq!(n.edge(at(11_000)), Some(pos(16_600)));
    }

    const fn written(ms: u64) -> Age {
        Age { written: Duration::from_millis(ms), behind: Duration::ZERO }
    }

    #[test]
    fn that_no_track_is_late_is_believed_until_the_list_grows() {
        let behind = |ms| Age { behind: Duration::from_millis(ms), ..written(100) };
        // The other track's list ends 1.5 s later, and was written just now.
        for grows in [500, 2000] {
            let mut n = ListEnd::default();
            n.note(at(1000), pos(10_000), behind(1500), SEGMENT);
            assert_eq!(n.edge(at(1000)), Some(pos(11_600)));
            n.note(at(1000 + grows), pos(12_000), behind(0), SEGMENT);
            let edge = Some(pos(12_100));
            assert_eq!(n.edge(at(1000 + grows)), edge, "after {grows} ms");
            // The other list is longer still: now it is known that this one is late.
            let again = Age { behind: Duration::from_millis(1500), ..written(600) };
            n.note(at(1500 + grows), pos(12_000), again, SEGMENT);
            assert_eq!(n.edge(at(1000 + grows)), edge, "after {grows} ms");
        }
    }

    #[test]
    fn the_age_of_an_end_may_become_known_later() {
        let mut n = ListEnd::default();
        n.note(at(100), pos(10_000), Age::default(), SEGMENT);
        assert_eq!(n.edge(at(400)), Some(pos(10_300)));
        n.note(at(400), pos(10_000), written(1500), SEGMENT);
        assert_eq!(n.edge(at(500)), Some(pos(11_600)));
        // One that is less than the mark promises is no news.
        n.note(at(1000), pos(10_000), written(1900), SEGMENT);
        assert_eq!(n.edge(at(1000)), Some(pos(12_100)));
    }

    #[test]
    fn a_timeline_slower_than_the_clock_is_followed() {
        let mut n = ListEnd::default();
        // A day of segments, each a millisecond late against the last one.
        let mut lag = 0;
        for i in 0..43_200_u64 {
            lag = i64::try_from(i).unwrap();
            let now = i64::try_from(i).unwrap() * 2000 + lag;
            n.note(at(now as u64), pos(now - lag), Age::default(), SEGMENT);
        }
        let now = 43_199 * 2000 + lag;
        let ahead = n.edge(at(now as u64)).unwrap().micros_from(pos(now - lag));
        assert!((0..100_000).contains(&ahead), "{ahead}");
    }

    #[test]
    fn another_timeline_is_turned_to_at_once() {
        let mut n = ListEnd::default();
        assert!(!n.note(at(0), pos(90_000), Age::default(), SEGMENT));
        assert!(n.note(at(2_000), pos(4_000), Age::default(), SEGMENT));
        assert!(!n.note(at(4_000), pos(6_000), Age::default(), SEGMENT));
        assert_eq!(n.edge(at(2_000)), Some(pos(4_000)));
    }
}
