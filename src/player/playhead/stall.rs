//! Ends stalls: by a seek over a hole, to a live edge that has moved on, or a little forward where
//! the browser waits without need. Also waits on purpose, until a reserve is there.

use super::head::Playhead;
use super::scene::{Move, Scene};
use crate::buffer::gaps::Way;
use crate::buffer::reserve;
use crate::player::cx::Cx;
use crate::player::io::{Output, Reason};
use crate::player::place::rep_of;
use crate::player::retries::Need;
use crate::player::track::stream::Stream;
use crate::time::{Duration, Instant, Position};
use crate::units::Bitrate;

/// The player's seeks are at least this far apart: a seek takes the browser about 100 ms.
const BETWEEN_SEEKS: Duration = Duration::from_millis(400);
/// An element that stalls this near before a hole has stalled at the hole: decoders stop some
/// frames before the end of their data.
const AT_A_HOLE: Duration = Duration::from_millis(250);
/// So much is too little for some browsers to go on after a seek, where a hole follows: Chromium waits for four frames.
const A_FEW_FRAMES: Duration = Duration::from_secs(1);
/// Nearer than this to a hole, the time of reaching it is computed: the driver takes snapshots only
/// every 250 ms.
const NEAR_A_HOLE: Duration = Duration::from_millis(400);
/// Added to that time, so that the clock is surely inside the hole.
const INSIDE_THE_HOLE: Duration = Duration::from_millis(5);
/// Live, a hole up to this long is skipped at once: lost packets, or rounding at a Period's edge.
const SMALL_HOLE: Duration = Duration::from_secs(1);
/// On demand, this much media has to be buffered behind a hole before the seek over it.
const ENOUGH: Duration = Duration::from_millis(300);

impl Playhead {
    /// After a stall on demand, or far from the edge, media is withheld from the browser until
    /// enough was received to play for a while. The browser waits by itself until then, so `paused`
    /// and `playbackRate` stay true, and the viewer may pause and seek. `goal`: how much media of a
    /// track is fetched ahead.
    pub(in crate::player) fn reserve(
        &mut self,
        cx: &mut Cx<'_>,
        s: &Scene<'_>,
        rate: Option<Bitrate>,
        goal: impl Fn(&Stream) -> Duration,
    ) {
        let holds = self.awaits_reserve(cx.now, s, rate, goal);
        if holds != self.withholds {
            self.withholds = holds;
            cx.push(Output::Hold(holds));
        }
    }

    fn awaits_reserve(
        &self,
        now: Instant,
        s: &Scene<'_>,
        rate: Option<Bitrate>,
        goal: impl Fn(&Stream) -> Duration,
    ) -> bool {
        let element = &self.element;
        let stands = element.stalled.is_some() && element.placed && !element.snap.seeking;
        if !stands || element.seeking_to.is_some() {
            return false;
        }
        let (p, tracks) = (s.presentation(), s.ways.tracks);
        let waits = |stream: &Stream| s.retries.is_set(Need::Track(stream.id()));
        let at = element.position(now);
        let wanted = reserve::wanted(rate, tracks.rate(p, |_| true));
        // Near the edge there is not enough media for a reserve.
        let far = wanted + tracks.segment_length(p) * 2;
        let near = || s.edge().is_none_or(|edge| edge.since(at) < far);
        if self.live.as_ref().is_some_and(|live| live.following || near()) {
            return false;
        }
        let tracks = tracks.feeds().map(|s| reserve::View {
            ahead: s.received(at, rep_of(p, s.place()).map(|r| r.bandwidth)).since(at),
            goal: goal(s),
            // A resting track gets no more now: silence, for one, is made only behind media already
            // read.
            over: s.is_ended() || s.buffer().is_full() || (s.rests() && !waits(s)),
        });
        !reserve::enough(tracks, wanted)
    }

    /// Ends a stall: by a seek over a hole, to the live edge, or a little forward.
    pub(in crate::player) fn unstall(&mut self, cx: &mut Cx<'_>, s: &Scene<'_>) -> Move {
        let element = &self.element;
        let seeks = element.seeking_to.is_some() || element.snap.seeking;
        let rests = element.snap.ended || (element.snap.paused && !seeks);
        if self.withholds || !element.placed || rests {
            return Move::Stay;
        }
        let stuck = element.stuck();
        let at = element.position(cx.now);
        let ahead = s.ways.tracks.common().end_from(at).since(at);
        if let Some(at) = self.element.note_ahead(cx.now, ahead) {
            cx.wake_at(at, Reason::LiveControl);
        }
        if !stuck && !seeks && self.element.stalled.is_none() {
            self.cross_hole(cx, s);
            return Move::Stay;
        }
        let asked = self.element.seek_asked;
        if cx.now.since(asked) < BETWEEN_SEEKS {
            cx.wake_at(asked + BETWEEN_SEEKS, Reason::LiveControl);
            return Move::Stay;
        }
        if seeks {
            return self.finish_seek(cx, s);
        }
        if s.camera.away() && self.follows() {
            // There is no newer picture to go to. Chromium plays one that lasts; Firefox waits for the next, and
            // WebKit takes it for a short one: after a seek they would wait again.
            return Move::Stay;
        }
        let to = self.way_out_of_stall(cx.now, s, self.element.snap.position, stuck);
        self.go_to(cx, to)
    }

    /// Seeks there, if anywhere. What is not buffered there is fetched.
    fn go_to(&mut self, cx: &mut Cx<'_>, to: Option<Position>) -> Move {
        let Some(to) = to else { return Move::Stay };
        self.start_at = Some(to);
        self.jump(cx, to);
        Move::FetchFrom(to)
    }

    /// Chromium's clock runs on with the sound over a hole in the picture, but its decoder never
    /// continues behind the hole: after three seconds of a still picture it stalls. So the player
    /// seeks over the hole, or, once the clock has passed it, to where the clock is.
    fn cross_hole(&mut self, cx: &mut Cx<'_>, s: &Scene<'_>) {
        let element = &self.element;
        let sought = cx.now.since(element.seek_asked) < BETWEEN_SEEKS;
        if !element.runs() || element.seeking_to.is_some() || sought {
            return;
        }
        let at = element.position(cx.now);
        let hole = |s: &Stream| s.buffer().ranges().hole_between(element.entered, at);
        let passed = s.ways.tracks.iter().any(hole);
        let common = s.ways.tracks.common();
        let enough = self.live.as_ref().map_or(ENOUGH, |l| l.control.floor(cx.now));
        let to = if passed {
            Some(at).filter(|_| common.holds(at))
        } else if common.holds(at) {
            return self.wake_at_hole(cx, s, at, common.end_from(at));
        } else {
            // Inside the hole: to its end, if enough is buffered there.
            let small = |n: &Position| self.live.is_some() && n.since(at) <= SMALL_HOLE;
            let next = match s.ways.way(at) {
                Way::To(to) => Some(to),
                _ => common.next_start(at).filter(small),
            };
            next.filter(|n| common.end_from(*n).since(*n) >= enough)
        };
        if let Some(to) = to {
            self.jump(cx, to);
        }
    }

    /// Near a hole that will not be filled, wakes up when the clock reaches it.
    fn wake_at_hole(&self, cx: &mut Cx<'_>, s: &Scene<'_>, at: Position, end: Position) {
        let ahead = end.since(at);
        if ahead < NEAR_A_HOLE && matches!(s.ways.way(end), Way::To(_)) {
            let rate = self.element.snap.rate.permille().max(500);
            cx.wake_at(cx.now + ahead * 1000 / rate + INSIDE_THE_HOLE, Reason::LiveControl);
        }
    }

    /// A seek into a hole that will not be filled goes on to the media behind it.
    fn finish_seek(&mut self, cx: &mut Cx<'_>, s: &Scene<'_>) -> Move {
        let at = self.element.seeking_to.unwrap_or(self.element.snap.position);
        let to = match s.ways.way(at) {
            Way::Here | Way::Wait if self.element.stuck() || !s.ways.tracks.common().holds(at) => {
                self.behind_hole(s, at, true)
            }
            Way::Here | Way::Wait => None,
            Way::Ask => {
                self.start_at = Some(at);
                return Move::FetchFrom(at);
            }
            Way::To(to) => Some(to),
            Way::Over => s.ways.last_look(at),
        };
        self.go_to(cx, to)
    }

    /// Where to seek to end a stall; `None`: wait for media.
    fn way_out_of_stall(
        &self,
        now: Instant,
        s: &Scene<'_>,
        at: Position,
        stuck: bool,
    ) -> Option<Position> {
        let common = s.ways.tracks.common();
        let ahead = common.end_from(at).since(at);
        if let (Some(live), Some(edge), Some(last)) = (&self.live, s.edge(), common.last())
            && live.following
            && live.growing
        {
            let floor = live.control.floor(now);
            let to = live.control.entry(now, edge, Some(last.end)).max(last.start);
            let enough = last.end.since(to) + Duration::from_millis(20) >= floor;
            if enough && to > at + Duration::from_millis(60) {
                return Some(to);
            }
            // Enough is buffered, and the browser does not play it: a little forward.
            return (stuck && ahead >= floor).then(|| to.max(at + Duration::from_millis(10)));
        }
        let little = || at + Duration::from_millis(100);
        let enough = stuck && self.element.has_had_enough(now);
        self.behind_hole(s, at, stuck).or_else(|| enough.then(little))
    }

    /// Behind a hole that will not be filled, which the element stands in or before. `sure`: it is not about to go on.
    fn behind_hole(&self, s: &Scene<'_>, at: Position, sure: bool) -> Option<Position> {
        let near = if self.element.stuck() { A_FEW_FRAMES } else { AT_A_HOLE };
        let end = s.ways.tracks.common().end_from(at);
        if end.since(at) >= near {
            return None;
        }
        match s.ways.way(end) {
            Way::To(to) => Some(to),
            _ if sure => s.ways.behind_missed_silence(end),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::io::Cue;
    use crate::player::testing::{World, at, film, now, span};
    use alloc::vec;

    /// Playback from the start has reached `ms`.
    fn playing(mut world: World, ms: i64) -> World {
        world.head.start(at(0));
        world.step(now(0), Playhead::place_element);
        world.observe(now(10), Cue::Playing, at(0));
        world.observe(now(5000), Cue::Timer, at(ms));
        world
    }

    fn hole() -> World {
        let mut world = World::new(film());
        world.holds(&[span(0, 4000), span(6000, 10_000)], at(10_000));
        world
    }

    #[test]
    fn it_stands_before_a_hole_that_will_stay_and_goes_on_behind_it() {
        let mut world = playing(hole(), 3900);
        world.observe(now(5100), Cue::Waiting, at(3900));
        let (step, out) = world.step(now(5200), Playhead::unstall);
        assert_eq!((step, out), (Move::FetchFrom(at(6000)), vec![Output::Seek(at(6000))]));
        let (step, out) = world.step(now(5300), Playhead::unstall);
        assert_eq!((step, out), (Move::Stay, vec![]), "two seeks are not made in a row");
    }

    #[test]
    fn while_the_camera_is_away_a_browser_that_waits_is_not_moved() {
        for away in [false, true] {
            let mut world = World::live(at(20_000));
            world.holds(&[span(0, 10_000), span(10_500, 20_000)], at(20_000));
            world.head.start(at(9000));
            world.step(now(0), |head, cx, _| head.jump(cx, at(9000)));
            world.observe(now(1), Cue::Seeked, at(9000));
            world.observe(now(2), Cue::Playing, at(9000));
            if away {
                world.camera.message(at(9000), None, "urn:nearlive:source:2026", b"no power");
            }
            world.observe(now(1000), Cue::Waiting, at(9990));
            let (_, out) = world.step(now(1200), Playhead::unstall);
            assert_eq!(out.is_empty(), away, "{out:?}");
        }
    }

    #[test]
    fn it_waits_where_what_is_missing_is_on_its_way() {
        let mut world = World::new(film());
        world.holds(&[span(0, 4000)], at(4000));
        let mut world = playing(world, 3900);
        world.observe(now(5100), Cue::Waiting, at(3900));
        assert_eq!(world.step(now(5200), Playhead::unstall), (Move::Stay, vec![]));
    }

    #[test]
    fn a_clock_that_runs_into_a_hole_is_taken_over_it() {
        let mut world = playing(hole(), 4100);
        let (step, out) = world.step(now(5010), Playhead::unstall);
        assert_eq!((step, out), (Move::Stay, vec![Output::Seek(at(6000))]));
    }

    #[test]
    fn after_a_stall_the_browser_is_given_nothing_before_it_lasts() {
        let mut world = World::new(film());
        world.holds(&[span(0, 4000)], at(4000));
        let mut world = playing(world, 3990);
        world.observe(now(5100), Cue::Waiting, at(3990));
        let reserve = |world: &mut World| {
            let goal = Duration::from_secs(30);
            let rate = Some(Bitrate::from_bps(250_000));
            world.step(now(5200), |head, cx, scene| head.reserve(cx, scene, rate, |_| goal)).1
        };
        let track = Need::Track(world.tracks.ids()[0]);
        world.retries.wait(now(5000), track, Duration::from_secs(4));
        assert_eq!(reserve(&mut world), [Output::Hold(true)]);
        assert_eq!(reserve(&mut world), [], "it is said once");
        world.holds(&[span(0, 20_000)], at(20_000));
        assert_eq!(reserve(&mut world), [Output::Hold(false)]);
    }
}
