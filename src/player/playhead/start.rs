//! Places the element at the start position once media has arrived, and chooses where a live stream is
//! entered. The first start is chosen in `Drive::begin`; `entry` is the live edge's, and serves each later
//! entry as well (going live, a refused edge).

use super::head::Playhead;
use super::live::{CAUGHT_UP, ENTRY, LivePlayback};
use super::scene::{Move, Scene};
use crate::buffer::gaps::Way;
use crate::media::webm::Reads;
use crate::player::cx::Cx;
use crate::player::io::{Output, Reason};
use crate::player::track::stream::Stream;
use crate::presentation::reads::Dash;
use crate::time::{Duration, Position, Span};

/// How long the first picture waits for the newest media while older media is arriving.
const BACKLOG_PATIENCE: Duration = Duration::from_millis(300);
/// On demand, media that begins this little behind the element's position is played from there. Browsers do
/// that by themselves (WebKit up to 83 ms, Firefox 250, Chromium 1000), and a seek while the decoders are
/// being set up makes WebKitGTK hang: its seek waits for their thread, and that for the seek.
const NO_SEEK_US: i64 = 80_000;
/// Where the start lies this little before the newest segment, the segment before it is not
/// fetched: on a slow link that takes longer than waiting for as much of the newest one.
const LONGEST_DETOUR: Duration = Duration::from_millis(300);
/// So long after it is expected, the next segment is found and fetched at the latest.
const FOUND_LATE: Duration = Duration::from_millis(250);
/// Within this time after the first picture, a start position that proves wrong is still corrected.
const FIRST_MOMENTS: Duration = Duration::from_millis(1500);

impl Playhead {
    /// The position at which live playback would start now.
    pub(in crate::player) fn entry(&self, s: &Scene<'_>) -> Option<Position> {
        let live = self.live.as_ref()?;
        let edge = s.edge()?;
        let at = if live.growing {
            without_detour(s, edge, edge - live.control.wanted(s.now).max(ENTRY))
        } else {
            let mut sure = s.newest_end()?;
            if Dash::token().is_some() && s.edge.listed(s.now).is_none() {
                // By the clock it may not be there yet: one and a half segments are ahead then.
                sure = sure - live.control.aim.unit * 5 / 4;
            }
            live.control.entry(s.now, edge, Some(sure))
        };
        // `None` before the presentation begins: there is no window yet.
        let (oldest, _) = s.window()?;
        Some(at.max(oldest))
    }

    /// In the first moments the start position turns out to be too near to the edge. Moving it is
    /// allowed, because the viewer has seen little yet.
    pub(in crate::player) fn entered_too_near(&self, s: &Scene<'_>) -> bool {
        let young = self.element.moved.is_none_or(|moved| s.now.since(moved) < FIRST_MOMENTS);
        let Some(live) = self.follows_whole().filter(|_| young && self.start_at.is_some()) else {
            return false;
        };
        let most = live.control.aim.unit / 2;
        self.entry(s).is_some_and(|entry| entry + most < self.position_or_start(s.now))
    }

    /// Live playback that follows the edge of segments that are fetched whole.
    fn follows_whole(&self) -> Option<&LivePlayback> {
        self.live.as_ref().filter(|live| live.following && !live.growing)
    }

    /// Places the element at the start position, once media is buffered there, and tells it to play.
    pub(in crate::player) fn place_element(&mut self, cx: &mut Cx<'_>, s: &Scene<'_>) -> Move {
        let Some(at) = self.start_at.filter(|_| !self.element.placed) else {
            self.play_when_it_lasts(cx, s);
            return Move::Stay;
        };
        let common = s.ways.tracks.common();
        let growing = self.live.as_ref().is_some_and(|l| l.growing && l.following);
        let to = if growing {
            let span = common.last().filter(|s| s.end > at);
            span.and_then(|span| self.live_position(cx, s, span))
        } else if common.holds(at) {
            Some(at)
        } else {
            // The first segment may begin a little later than the manifest says, or be missing.
            match s.ways.way(at) {
                Way::To(to) if common.holds(to) => Some(to),
                Way::To(to) => return Move::FetchFrom(to),
                // ffmpeg's chunks of sound in WebM last a little longer than it says: in time they begin seconds
                // later than their numbers do, and that hole is not filled.
                _ => Reads::token()
                    .and_then(|_| s.ways.behind_missed_silence(at))
                    .filter(|to| common.holds(*to)),
            }
        };
        let Some(to) = to else { return Move::Stay };
        if let Some(rest) = self.lacks(s, to) {
            cx.wake_at(cx.now + rest, Reason::LiveControl);
            return Move::Stay;
        }
        let ahead_us = to.micros_from(self.element.snap.position);
        if (0..=NO_SEEK_US).contains(&ahead_us) && self.live.is_none() {
            self.element.begin_at(cx.now, to);
        } else {
            self.jump(cx, to);
        }
        if let Some(live) = &mut self.live {
            live.waiting_since = None;
        }
        let again = core::mem::take(&mut self.play_again);
        self.starts = again || (cx.config.autoplay && self.element.moved.is_none());
        self.play_when_it_lasts(cx, s);
        Move::Stay
    }

    /// Sends `Play` where it is due; to a film when the rest of its first segment comes in time.
    fn play_when_it_lasts(&mut self, cx: &mut Cx<'_>, s: &Scene<'_>) {
        if !self.starts {
            return;
        }
        let (at, live) = (self.position_or_start(s.now), self.live.is_some());
        let short = |it: &Stream| it.runs_short(s.presentation(), s.now, at);
        match s.ways.tracks.feeds().filter_map(short).max().filter(|_| !live) {
            Some(rest) => cx.wake_at(cx.now + rest, Reason::BufferRoom),
            None => {
                self.starts = false;
                cx.push(Output::Play);
            }
        }
    }

    /// How long to wait before whole segments are played from `at`: all that there is would run out before the
    /// next one is expected.
    fn lacks(&self, s: &Scene<'_>, at: Position) -> Option<Duration> {
        let length = self.follows_whole()?.control.aim.unit;
        let (edge, newest) = (s.edge()?, s.newest_end()?);
        let due = newest + length + FOUND_LATE;
        let lacking = due.micros_from(edge) - newest.micros_from(at);
        let lacking = u64::try_from(lacking).ok().filter(|us| *us > 0 && due > edge)?;
        Some(Duration::from_micros(lacking).min(length))
    }

    /// The position to place the element at where segments grow; `None`: wait for more media.
    fn live_position(&mut self, cx: &mut Cx<'_>, s: &Scene<'_>, span: Span) -> Option<Position> {
        let edge = s.edge()?;
        let shows = self.element.runs() || self.element.moved.is_none();
        let live = self.live.as_mut()?;
        let since = *live.waiting_since.get_or_insert(cx.now);
        let floor = live.control.floor(cx.now);
        let caught_up = edge.since(span.end) <= CAUGHT_UP;
        if span.end.since(span.start) < floor
            || (!caught_up && shows && cx.now.since(since) < BACKLOG_PATIENCE)
        {
            cx.wake_at(cx.now + BACKLOG_PATIENCE, Reason::LiveControl);
            return None;
        }
        Some(live.control.entry(cx.now, edge, Some(span.end)).max(span.start))
    }
}

/// `at`, or the start of the newest segment if `at` lies only a little before it
/// ([`LONGEST_DETOUR`]).
fn without_detour(s: &Scene<'_>, edge: Position, at: Position) -> Position {
    let lists = s.ways.tracks.lists(s.presentation());
    match lists.filter_map(|list| Some(list.at(edge)?.start)).min() {
        Some(start) if start > at && start.since(at) <= LONGEST_DETOUR => start,
        _ => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::io::Cue;
    use crate::player::playhead::head::Playhead;
    use crate::player::testing::{World, at, film, now, span};
    use alloc::vec;

    #[test]
    fn the_element_is_placed_once_media_is_there() {
        let cases = [
            (0, vec![], vec![]),
            (0, vec![span(0, 4000)], vec![Output::Play]),
            (0, vec![span(60, 4000)], vec![Output::Play]),
            (10_000, vec![span(0, 4000)], vec![]),
            (10_000, vec![span(8000, 14_000)], vec![Output::Seek(at(10_000)), Output::Play]),
        ];
        for (start, held, expected) in cases {
            let mut world = World::new(film());
            world.head.start(at(start));
            world.holds(&held, at(start));
            let placed = expected.contains(&Output::Play);
            assert_eq!(world.step(now(0), Playhead::place_element), (Move::Stay, expected));
            assert_eq!(world.head.is_placed(), placed, "{held:?}");
        }
    }

    #[test]
    fn an_element_that_stands_behind_the_start_is_sought_to_it() {
        let mut world = World::new(film());
        world.observe(now(0), Cue::Ready, at(10_000));
        world.head.start(at(5000));
        world.holds(&[span(0, 14_000)], at(14_000));
        let (_, out) = world.step(now(1), Playhead::place_element);
        assert_eq!(out, [Output::Seek(at(5000)), Output::Play]);
    }

    #[test]
    fn a_first_segment_that_will_never_come_is_passed_over() {
        let mut world = World::new(film());
        world.head.start(at(0));
        world.holds(&[span(4000, 8000)], at(8000));
        let (step, out) = world.step(now(0), Playhead::place_element);
        assert_eq!((step, out), (Move::Stay, vec![Output::Seek(at(4000)), Output::Play]));
    }

    #[test]
    fn live_it_is_entered_near_the_edge_and_no_segment_is_fetched_for_tenths_of_it() {
        // Segments begin every 2 s, and so much is wanted between the edge and the picture at
        // first.
        const WANTED: i64 = 180;
        for (edge, expected) in
            [(9_900, 9_900 - WANTED), (10_050, 10_000), (11_000, 11_000 - WANTED)]
        {
            let mut world = World::live(at(edge));
            let wanted = world.head.control().map(|control| control.wanted(now(0)));
            assert_eq!(wanted, Some(Duration::from_millis(WANTED.unsigned_abs())));
            let (entry, _) = world.step(now(0), |head, _, scene| head.entry(scene));
            assert_eq!(entry, Some(at(expected)), "with the edge at {edge} ms");
        }
    }

    #[test]
    fn what_is_left_is_placed_anew() {
        let mut world = World::new(film());
        world.around.config.autoplay = false;
        world.head.start(at(0));
        world.holds(&[span(0, 4000)], at(4000));
        world.step(now(0), Playhead::place_element);
        world.head.leave();
        world.head.start(at(2000));
        assert_eq!(world.head.position_or_start(now(0)), at(2000));
        let (_, out) = world.step(now(10), Playhead::place_element);
        assert_eq!(out, [Output::Seek(at(2000))]);
    }
}
