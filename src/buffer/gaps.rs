//! Where playback goes on when not every track has media at a position: a pure decision.
//!
//! A seek ends, and the clock runs, only where every buffer has data (MSE 3.12.4). Media that is
//! missing may be on its way, or may have to be fetched, or will never come: at a cut between two
//! Periods, before a track that begins later, for a segment that is lost. Only holes of the last
//! kind are crossed.
//!
//! ```text
//!            asked (one run of requests, in order)       the manifest's list
//!        |----------------------------------------|  . . [listed] . . . [listed] . .
//!  held  |######      #############               |
//!               hole: will never come   on its way
//! ```

use super::ranges::Ranges;
use crate::time::{Duration, Position, Span};

/// Positions nearer than this count as one: browsers play over such holes.
const SAME: Duration = Duration::from_millis(60);
/// A decision crosses at most this many holes: a manifest may list nothing but holes.
const MOST_STEPS: u32 = 64;

/// What the manifest lists of a track from a position on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Media begins here: at that position, or later.
    From(Position),
    /// Nothing yet, but the list may grow.
    Unknown,
    /// The list itself is still to come.
    Unread,
    /// Nothing: the list has ended.
    Never,
}

/// The state of one track.
pub struct Track<'a> {
    /// What is buffered.
    pub held: &'a Ranges,
    /// All of this was fetched in one run: what of it is not held will never come.
    pub settled: Span,
    /// What the manifest lists from a position on.
    pub listed: &'a dyn Fn(Position) -> Listed,
    /// Holes that are longer than this get filled (with silence); `None`: none does.
    pub filled: Option<Duration>,
}

/// Where playback goes on from a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Here: every track has media, except those that have ended.
    Here,
    /// Here: the missing media is on its way.
    Wait,
    /// Here: the missing media was not asked for.
    Ask,
    /// At this later position: in between, a track has a hole that will never be filled.
    To(Position),
    /// Nowhere: no track has any media from here on.
    Over,
}

/// Where a track next has media, or will have some.
enum Next {
    At(Position),
    Unknown,
    Never,
}

impl Track<'_> {
    fn next(&self, at: Position) -> Next {
        match (self.filled, self.own_next(at)) {
            (Some(_), Next::Never) => Next::At(at),
            (Some(least), Next::At(next)) if next.since(at) > least => Next::At(at),
            (_, next) => next,
        }
    }

    fn own_next(&self, from: Position) -> Next {
        let end = self.held.end_from(from);
        if !self.held.holds(from) {
            return self.next_unheld(from);
        }
        if end.since(from) >= SAME {
            return Next::At(from);
        }
        // A rest shorter than [`SAME`] does not count, unless more follows.
        match self.next_unheld(end) {
            Next::At(next) if next.since(end) <= SAME => Next::At(from),
            next => next,
        }
    }

    fn next_unheld(&self, mut at: Position) -> Next {
        let Span { start, end } = self.settled;
        for _ in 0..2 {
            if self.held.holds(at) {
                return Next::At(at);
            }
            let held = self.held.next_start(at);
            if let Some(held) = held.filter(|held| held.since(at) <= SAME) {
                return Next::At(held);
            }
            if start <= at && at < end {
                if let Some(held) = held.filter(|&held| held <= end) {
                    return Next::At(held);
                }
                at = end;
            }
            let listed = match (self.listed)(at) {
                Listed::From(from) => from.max(at),
                Listed::Unknown => return held.map_or(Next::Unknown, Next::At),
                Listed::Never => return held.map_or(Next::Never, Next::At),
                Listed::Unread => return Next::Unknown,
            };
            let first = held.map_or(listed, |held| held.min(listed));
            if start <= first && first < end && !self.held.holds(first) {
                // It was fetched, and did not bring the media.
                at = first;
                continue;
            }
            return Next::At(first);
        }
        Next::At(at)
    }
}

/// Where playback goes on from `at`, the position of the element or of a seek.
pub fn way(tracks: &[Track<'_>], at: Position) -> Way {
    let mut to = at;
    for _ in 0..MOST_STEPS {
        let mut farthest = None;
        for track in tracks {
            match track.next(to) {
                Next::At(next) => farthest = farthest.max(Some(next)),
                Next::Unknown => return Way::Wait,
                // The track has ended: the others do not wait for it.
                Next::Never => {}
            }
        }
        match farthest {
            None => return Way::Over,
            Some(next) if next == to => break,
            Some(next) => to = next,
        }
    }
    let lacks =
        |track: &&Track<'_>| !track.held.holds(at) && !matches!(track.next(at), Next::Never);
    let mut lacking = tracks.iter().filter(lacks).peekable();
    if to > at {
        Way::To(to)
    } else if lacking.peek().is_none() {
        Way::Here
    } else if lacking.all(|track| at >= track.settled.start) {
        Way::Wait
    } else {
        Way::Ask
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const fn pos(s: i64) -> Position {
        Position::from_millis(s * 1000)
    }

    fn spans(of: &[(i64, i64)]) -> Vec<Span> {
        of.iter().map(|&(start, end)| Span { start: pos(start), end: pos(end) }).collect()
    }

    const FILLED: Option<Duration> = Some(Duration::from_millis(300));

    /// Held, settled, listed; seconds.
    type Stand<'a> = (&'a [(i64, i64)], (i64, i64), &'a [(i64, i64)]);

    fn decide(at: i64, stands: &[Stand<'_>]) -> Way {
        let held: Vec<Ranges> = stands.iter().map(|s| Ranges::new(spans(s.0))).collect();
        let lists: Vec<_> = stands
            .iter()
            .map(|s| {
                let list = spans(s.2);
                move |at: Position| match list.iter().find(|s| s.end > at) {
                    Some(s) => Listed::From(s.start.max(at)),
                    None => Listed::Never,
                }
            })
            .collect();
        let tracks: Vec<Track<'_>> = stands
            .iter()
            .zip(&held)
            .zip(&lists)
            .map(|((s, held), listed)| Track {
                held,
                settled: Span { start: pos(s.1.0), end: pos(s.1.1) },
                listed,
                filled: None,
            })
            .collect();
        way(&tracks, pos(at))
    }

    const FILM: &[(i64, i64)] = &[(0, 100)];

    #[test]
    fn where_all_is_there_nothing_is_done() {
        assert_eq!(
            decide(5, &[(&[(0, 10)], (0, 10), FILM), (&[(0, 12)], (0, 12), FILM)]),
            Way::Here
        );
    }

    #[test]
    fn what_is_on_its_way_is_waited_for_however_much_is_there_behind_it() {
        assert_eq!(decide(10, &[(&[(0, 10)], (0, 10), FILM)]), Way::Wait);
        assert_eq!(decide(10, &[(&[(0, 10), (20, 40)], (0, 10), FILM)]), Way::Wait);
        let sound: Stand<'_> = (&[(0, 30)], (0, 30), FILM);
        assert_eq!(decide(10, &[(&[(0, 10)], (0, 10), FILM), sound]), Way::Wait);
    }

    #[test]
    fn what_came_to_nothing_is_passed_over() {
        let lost: Stand<'_> = (&[(0, 10), (12, 20)], (0, 20), FILM);
        assert_eq!(decide(10, &[lost]), Way::To(pos(12)));
        assert_eq!(decide(11, &[lost, (&[(0, 20)], (0, 20), FILM)]), Way::To(pos(12)));
        // The next one is still to come.
        let lost: Stand<'_> = (&[(0, 10)], (0, 12), FILM);
        assert_eq!(decide(10, &[lost]), Way::To(pos(12)));
    }

    #[test]
    fn what_the_manifest_does_not_have_is_passed_over_before_anything_comes() {
        let cut: &[(i64, i64)] = &[(0, 8), (68, 80)];
        assert_eq!(decide(8, &[(&[(0, 8)], (0, 8), cut)]), Way::To(pos(68)));
        assert_eq!(decide(30, &[(&[], (30, 30), cut)]), Way::To(pos(68)));
        let late: Stand<'_> = (&[(4, 20)], (0, 20), &[(4, 100)]);
        assert_eq!(decide(2, &[(&[(0, 20)], (0, 20), FILM), late]), Way::To(pos(4)));
    }

    #[test]
    fn holes_of_several_tracks_in_a_row_are_passed_over_at_once() {
        let a: Stand<'_> = (&[(0, 10)], (0, 10), &[(0, 10), (14, 20), (26, 40)]);
        let b: Stand<'_> = (&[(0, 10)], (0, 10), &[(0, 12), (20, 24), (25, 40)]);
        assert_eq!(decide(10, &[a, b]), Way::To(pos(26)));
    }

    #[test]
    fn the_last_frame_before_a_hole_is_no_place_to_go_to() {
        let held = |of: &[(i64, i64)]| {
            let at = Position::from_millis;
            Ranges::new(of.iter().map(|&(s, e)| Span { start: at(s), end: at(e) }).collect())
        };
        let (picture, sound) =
            (held(&[(0, 10_000), (14_000, 30_000)]), held(&[(0, 14_016), (18_000, 30_000)]));
        let listed = Listed::From;
        let settled = Span { start: pos(0), end: pos(30) };
        let track = |held| Track { held, settled, listed: &listed, filled: None };
        assert_eq!(way(&[track(&picture), track(&sound)], pos(10)), Way::To(pos(18)));
    }

    #[test]
    fn what_was_not_asked_for_in_this_run_is_asked_for() {
        // The viewer went back before what is held, to where it was removed long ago.
        assert_eq!(decide(5, &[(&[(80, 130)], (80, 130), FILM)]), Way::Ask);
        // And to where it never was.
        assert_eq!(decide(2, &[(&[(80, 130)], (80, 130), &[(4, 200)])]), Way::To(pos(4)));
    }

    #[test]
    fn a_track_that_is_over_holds_nobody_up() {
        let ended: Stand<'_> = (&[(0, 50)], (0, 50), &[(0, 50)]);
        assert_eq!(decide(60, &[ended, (&[(0, 70)], (0, 70), FILM)]), Way::Here);
        assert_eq!(decide(70, &[ended, (&[(0, 70)], (0, 70), FILM)]), Way::Wait);
        assert_eq!(decide(70, &[ended, (&[(0, 70)], (0, 72), FILM)]), Way::To(pos(72)));
    }

    #[test]
    fn behind_the_last_of_all_tracks_all_is_over() {
        assert_eq!(decide(100, &[(&[(90, 100)], (0, 100), FILM)]), Way::Over);
        assert_eq!(decide(110, &[(&[], (110, 110), FILM)]), Way::Over);
    }

    #[test]
    fn a_list_that_may_go_on_is_waited_for() {
        let unknown = |_: Position| Listed::Unknown;
        let held = Ranges::new(spans(&[(0, 10)]));
        let settled = Span { start: pos(0), end: pos(10) };
        let track = Track { held: &held, settled, listed: &unknown, filled: None };
        assert_eq!(way(&[track], pos(10)), Way::Wait);
    }

    #[test]
    fn over_a_hole_of_which_the_list_is_still_to_come_nothing_is_passed() {
        let unread = |_: Position| Listed::Unread;
        let held = Ranges::new(spans(&[(20, 30)]));
        let settled = Span { start: pos(0), end: pos(0) };
        let track = Track { held: &held, settled, listed: &unread, filled: None };
        assert_eq!(way(&[track], pos(10)), Way::Wait);
    }

    #[test]
    fn a_hole_that_is_filled_is_waited_for_unless_it_is_too_small() {
        let never = |_: Position| Listed::Never;
        let settled = Span { start: pos(0), end: pos(20) };
        for (behind_ms, expected) in
            [(4_000, Way::Wait), (200, Way::To(Position::from_millis(10_200)))]
        {
            let mut held = spans(&[(0, 10), (0, 20)]);
            held[1].start = Position::from_millis(10_000 + behind_ms);
            let held = Ranges::new(held);
            let track = Track { held: &held, settled, listed: &never, filled: FILLED };
            assert_eq!(way(&[track], pos(10)), expected, "{behind_ms}");
        }
    }
}
