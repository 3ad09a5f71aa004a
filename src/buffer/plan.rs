//! What one track fetches next, or what it waits for: a pure decision.

use crate::live::lateness::Lateness;
use crate::presentation::{Segment, SegmentList};
use crate::time::{Duration, Position, WallTime};

/// How far fetching has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// Next is the segment at this position: after a seek or a change of representation.
    At(Position),
    /// Next is the segment after the one with this number.
    After {
        /// Number of the last segment asked for.
        number: u64,
        /// Its end, as the manifest says.
        end: Position,
    },
}

impl Cursor {
    /// Where the next segment starts, nearly.
    pub const fn position(self) -> Position {
        match self {
            Self::At(at) => at,
            Self::After { end, .. } => end,
        }
    }
}

/// The state of one track.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The segments of the representation that is fetched.
    pub list: &'a SegmentList,
    /// The end of the Period, if it is known.
    pub period_end: Option<Position>,
    /// How far fetching has got.
    pub cursor: Cursor,
    /// The end of the media asked for so far: between it and the next segment there is a hole.
    pub reached: Position,
    /// The position of the element, or the start position.
    pub position: Position,
    /// How much media is fetched ahead of `position`.
    pub goal: Duration,
    /// The origin's time; `None`: all segments exist already.
    pub origin: Option<WallTime>,
    /// Segments are read while they grow.
    pub growing: bool,
    /// The segment asked for last has arrived whole.
    pub last_done: bool,
    /// How late the origin is.
    pub lateness: &'a Lateness,
    /// For segments without an availability time: the end of the list, and the time now.
    pub listed: Option<(Position, WallTime)>,
}

/// What the track does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Fetch this segment.
    Fetch(Segment),
    /// Wait until this time: the next segment does not exist before.
    Later(WallTime),
    /// Wait until the position has moved on by this much: enough is buffered.
    Room(Duration),
    /// Reload the manifest: it does not list the next segment yet.
    Reload,
    /// The Period has no more segments.
    PeriodEnd,
}

/// Differences up to this at a segment's or Period's border come from rounding.
pub const SEAM: Duration = Duration::from_millis(50);

/// What to fetch next.
pub fn next(view: &View<'_>) -> Plan {
    let found = match view.cursor {
        Cursor::At(at) => view.list.at(at),
        Cursor::After { number, end } => match view.list.numbered(number.saturating_add(1)) {
            // The numbers were assigned anew, or another representation counts differently, so that
            // the number names other media: go by time.
            Some(s) if s.start.micros_from(end).unsigned_abs() > half_us(&s) => {
                view.list.at(end + SEAM)
            }
            Some(s) => Some(s),
            // The number has left the window: go on with the segment that follows in time.
            None => view.list.at(end + SEAM).filter(|s| s.start >= end - SEAM),
        },
    };
    let from = view.cursor.position();
    if view.period_end.is_some_and(|end| from + SEAM >= end) {
        return Plan::PeriodEnd;
    }
    let Some(segment) = found else {
        let more = view.list.grows_by_reload() || view.list.is_pending();
        return if more { Plan::Reload } else { Plan::PeriodEnd };
    };
    // A hole takes no room, however long it is.
    let ahead = segment.start.min(view.reached).since(view.position);
    if ahead > view.goal {
        return Plan::Room(ahead - view.goal);
    }
    match (view.origin, ready_at(view, &segment)) {
        (Some(now), Some(ready)) if now < ready => Plan::Later(ready),
        _ => Plan::Fetch(segment),
    }
}

fn half_us(segment: &Segment) -> u64 {
    segment.end.micros_from(segment.start).unsigned_abs() / 2
}

/// When to ask for a segment; `None`: at once. A growing segment is asked for up to half a segment
/// before it is due, as soon as the one before has ended: its key frame may come early, and the
/// origin holds the request until it does. An origin that refuses instead is asked when its
/// lateness says.
fn ready_at(view: &View<'_>, segment: &Segment) -> Option<WallTime> {
    let late = view.lateness.ask_at(segment.start);
    let by_list = || {
        let (end, seen) = view.listed.filter(|_| late.is_some())?;
        Some(seen.offset(segment.end.micros_from(end)))
    };
    let due = segment.available.or_else(by_list)?;
    let follows = view.growing && view.last_done && matches!(view.cursor, Cursor::After { .. });
    let early = if follows { -i64::try_from(half_us(segment)).unwrap_or(0) } else { 0 };
    Some(due.offset(late.map_or(early, |late| late.max(early))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presentation::{Listed, Resource};
    use alloc::vec::Vec;

    const fn pos(s: i64) -> Position {
        Position::from_millis(s * 1000)
    }

    /// Segments of 2 s from `first`, the last one complete at its end.
    fn list(first: u64, count: u64, complete: bool) -> SegmentList {
        let segment = |number: u64| Segment {
            number,
            start: pos(number as i64 * 2),
            end: pos(number as i64 * 2 + 2),
            resource: Resource::at("s"),
            init: None,
            timeline: 0,
            gap: false,
            available: Some(WallTime::from_millis(number as i64 * 2000 + 2000)),
        };
        let segments: Vec<_> = (first..first + count).map(segment).collect();
        SegmentList::Listed(Listed { segments, complete })
    }

    fn view(list: &SegmentList, cursor: Cursor) -> View<'_> {
        View {
            list,
            period_end: None,
            cursor,
            reached: cursor.position(),
            position: pos(0),
            goal: Duration::from_secs(30),
            origin: None,
            growing: false,
            last_done: true,
            lateness: &Lateness::PUNCTUAL,
            listed: None,
        }
    }

    fn number(plan: Plan) -> u64 {
        let Plan::Fetch(segment) = plan else { panic!("{plan:?}") };
        segment.number
    }

    #[test]
    fn segments_follow_each_other_and_a_seek_starts_anew() {
        let l = list(0, 10, true);
        assert_eq!(number(next(&view(&l, Cursor::At(pos(5))))), 2);
        assert_eq!(number(next(&view(&l, Cursor::After { number: 2, end: pos(6) }))), 3);
    }

    #[test]
    fn a_full_buffer_waits_for_room() {
        let l = list(0, 100, true);
        let v = view(&l, Cursor::After { number: 20, end: pos(42) });
        assert_eq!(next(&v), Plan::Room(Duration::from_secs(12)));
    }

    #[test]
    fn a_gap_is_not_taken_for_media_ahead() {
        let l = list(40, 5, true);
        let v = View { reached: pos(8), ..view(&l, Cursor::At(pos(80))) };
        assert_eq!(number(next(&v)), 40);
    }

    #[test]
    fn the_end_of_a_list_is_the_end_only_when_it_is_complete() {
        let c = Cursor::After { number: 9, end: pos(20) };
        assert_eq!(next(&view(&list(0, 10, false), c)), Plan::Reload);
        assert_eq!(next(&view(&list(0, 10, true), c)), Plan::PeriodEnd);
    }

    #[test]
    fn a_segment_is_asked_for_when_it_is_available() {
        let l = list(0, 10, false);
        let mut v = view(&l, Cursor::After { number: 2, end: pos(6) });
        v.origin = Some(WallTime::from_millis(7_000));
        assert_eq!(next(&v), Plan::Later(WallTime::from_millis(8_000)));
        v.origin = Some(WallTime::from_millis(8_000));
        assert_eq!(number(next(&v)), 3);
    }

    #[test]
    fn a_growing_segment_is_asked_for_as_soon_as_the_one_before_it_ended() {
        let l = list(0, 10, false);
        let mut v = view(&l, Cursor::After { number: 2, end: pos(6) });
        (v.growing, v.origin) = (true, Some(WallTime::from_millis(7_100)));
        assert_eq!(number(next(&v)), 3);
        v.last_done = false;
        assert_eq!(next(&v), Plan::Later(WallTime::from_millis(8_000)));
    }

    #[test]
    fn an_origin_that_is_late_is_asked_later() {
        let mut late = Lateness::PUNCTUAL;
        late.found(3_000_000);
        late.arrived(pos(0), 3_000_000);
        let asked = late.ask_at(pos(6)).unwrap();
        let mut l = list(0, 10, false);
        let mut v = view(&l, Cursor::After { number: 2, end: pos(6) });
        (v.growing, v.origin) = (true, Some(WallTime::from_millis(8_000)));
        v.lateness = &late;
        assert_eq!(next(&v), Plan::Later(WallTime::from_millis(8_000).offset(asked)));
        // Where a list alone says that it is there: by when it was listed.
        let SegmentList::Listed(listed) = &mut l else { panic!() };
        listed.segments.iter_mut().for_each(|s| s.available = None);
        let mut v = view(&l, Cursor::After { number: 2, end: pos(6) });
        v.origin = Some(WallTime::from_millis(50_000));
        v.listed = Some((pos(10), WallTime::from_millis(49_900)));
        assert_eq!(number(next(&v)), 3);
        v.lateness = &late;
        v.origin = Some(WallTime::from_millis(48_000));
        assert_eq!(next(&v), Plan::Later(WallTime::from_millis(47_900).offset(asked)));
    }

    #[test]
    fn a_number_that_left_the_window_is_skipped_to_the_oldest_there_is() {
        let l = list(50, 5, false);
        let v = View { position: pos(90), ..view(&l, Cursor::After { number: 2, end: pos(6) }) };
        assert_eq!(number(next(&v)), 50);
    }

    #[test]
    fn numbers_dealt_anew_do_not_repeat_what_was_fetched() {
        // The origin restarted its count: number 3 is now at 6 s, but fetching has reached 12 s.
        let l = list(0, 10, false);
        let v = view(&l, Cursor::After { number: 2, end: pos(12) });
        assert_eq!(number(next(&v)), 6);
    }
}
