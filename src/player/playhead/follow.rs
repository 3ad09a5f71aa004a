//! Staying near the live edge: when to change the rate, and when to jump.

use super::head::Playhead;
use super::live::{CAUGHT_UP, LivePlayback, aim};
use super::scene::{Move, Scene};
use crate::live::control::{Control, Sound, Steer, View};
use crate::player::cx::Cx;
use crate::player::io::{Output, Reason, TrackId};
use crate::player::track::Tracks;
use crate::player::track::stream::Stream;
use crate::presentation::{Presentation, SegmentList};
use crate::time::{Duration, Instant, Position, Span};
use crate::units::Rate;

/// How often the rate is reconsidered.
const STEER_EVERY: Duration = Duration::from_millis(200);
/// After a stall, playback that is behind by this much more than wanted jumps to the edge.
const LATE_RETURN: Duration = Duration::from_millis(500);
/// When the camera is back, the rest of the still picture is skipped if it is longer than this: a
/// seek takes the browser about 100 ms.
const LEAST_SKIP: Duration = Duration::from_millis(150);
/// A jump has to bring playback at least this much nearer to the edge.
const LEAST_GAIN: Duration = Duration::from_secs(1);

/// Media that ends so little before the end of a list is of its newest segment.
const NEWEST: Duration = Duration::from_millis(250);
/// How long the first part of a late segment takes to arrive.
const FIRST_PART: Duration = Duration::from_millis(200);

impl Playhead {
    /// Playback is live from now on.
    pub(in crate::player) fn goes_live(&mut self, live: LivePlayback) {
        self.live = Some(live);
    }

    /// Playback is not live any more; answers whether it was.
    pub(in crate::player) fn live_ends(&mut self, cx: &mut Cx<'_>) -> bool {
        let was = self.live.take().is_some();
        if was {
            cx.push(Output::Rate(Rate::NORMAL));
        }
        was
    }

    pub(in crate::player) const fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// Playback is live, and segments are read while they grow.
    pub(in crate::player) fn is_growing(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.growing)
    }

    /// Playback is live, segments are read while they grow, and the edge is followed.
    pub(in crate::player) fn is_at_edge(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.growing && live.following)
    }

    /// Playback is live, and segments are fetched whole.
    pub(in crate::player) fn is_whole(&self) -> bool {
        self.live.as_ref().is_some_and(|live| !live.growing)
    }

    /// Playback is live and follows the edge: the viewer has not gone elsewhere in the window.
    pub(in crate::player) fn follows(&self) -> bool {
        self.live.as_ref().is_some_and(|live| live.following)
    }

    /// The live control; `None` unless playback is live.
    pub(in crate::player) fn control(&self) -> Option<&Control> {
        self.live.as_ref().map(|live| &live.control)
    }

    /// Goes to the live edge at once.
    pub(in crate::player) const fn go_live(&mut self) -> Move {
        match &mut self.live {
            Some(live) => {
                live.following = true;
                Move::EnterAtEdge
            }
            None => Move::Stay,
        }
    }

    /// The settings changed, or the sound was muted or unmuted.
    pub(in crate::player) fn configured(
        &mut self,
        cx: &Cx<'_>,
        p: &Presentation,
        sound: Sound,
        segment: Duration,
    ) {
        if let Some(live) = &mut self.live {
            live.control.aim = aim(cx, p, live.growing, sound, segment);
        }
    }

    /// The origin publishes segments `late` after the manifest's time for them.
    pub(in crate::player) fn origin_is_late(&mut self, late: Duration) {
        if let Some(live) = &mut self.live {
            // A growing segment that is asked for late arrives as one large piece.
            let margin = if live.growing && !late.is_zero() { FIRST_PART } else { Duration::ZERO };
            live.control.origin_late = late + margin;
        }
    }

    /// The manifest's list ends `late` before the edge.
    pub(in crate::player) fn list_is_late(&mut self, late: Duration) {
        if let Some(live) = &mut self.live {
            live.control.list_late = late;
        }
    }

    /// Media of another encoder arrives from now on: its usual lateness is measured anew.
    pub(in crate::player) fn relearn(&mut self, now: Instant) {
        if let Some(live) = &mut self.live {
            live.control.relearn(now);
        }
    }

    /// A lower rung is fetched from now on: its usual lateness is measured anew, and the link is
    /// not blamed if the buffer runs dry during the switch. Answers whether playback goes on at the
    /// edge; `None` unless it is live.
    pub(in crate::player) fn slowed(&mut self, now: Instant) -> Option<bool> {
        let live = self.live.as_mut()?;
        live.control.slowed(now);
        Some(self.element.moved.is_some() && live.following)
    }

    /// Playback is behind the edge by more than the latency wanted and `late` together.
    pub(in crate::player) fn lags(&self, s: &Scene<'_>, late: Duration) -> bool {
        let live = self.live.as_ref().filter(|l| l.following && self.element.placed);
        live.zip(s.edge()).is_some_and(|(live, edge)| {
            edge.since(self.position(s.now)) > live.control.wanted(s.now) + late
        })
    }

    /// Stays near the edge: sets the rate, or asks to enter at the edge anew.
    pub(in crate::player) fn follow(&mut self, cx: &mut Cx<'_>, s: &Scene<'_>) -> Move {
        let Some(edge) = s.edge() else { return Move::Stay };
        let position = self.position(cx.now);
        let buffered_to = s.ways.tracks.buffered_to(position);
        self.tell_window(cx, s);
        let plays = self.plays();
        let (paused, placed) = (self.element.snap.paused, self.element.placed);
        // While the camera is away there is no new picture to catch up with.
        let away = s.camera.away() || s.camera.repeats_at(position);
        let Some(live) = &mut self.live else { return Move::Stay };
        if (away || !live.following) && live.rate != Rate::NORMAL {
            live.rate = Rate::NORMAL;
            cx.push(Output::Rate(Rate::NORMAL));
        }
        if !live.following || paused {
            return Move::Stay;
        }
        cx.wake_at(cx.now + STEER_EVERY, Reason::LiveControl);
        let wanted = live.control.wanted(cx.now);
        // After a stall, playback went on with the first media that arrived; the newer media came
        // right after that.
        if live.returning.is_some_and(|until| cx.now < until)
            && plays
            && live.growing
            && edge.since(buffered_to) <= CAUGHT_UP
            && edge.since(position) > wanted + LATE_RETURN
        {
            live.returning = None;
            return Move::EnterAtEdge;
        }
        let far = wanted + live.control.aim.max_drift;
        let view = View { position, edge, buffered_to, rate: live.rate };
        if self.far_behind(s, (position, edge), placed && !plays, far) {
            return Move::EnterAtEdge;
        }
        if placed && plays && away {
            self.leave_filler(cx, s, position, edge);
        }
        let Some(live) = self.live.as_mut().filter(|_| placed && plays) else { return Move::Stay };
        match live.control.steer(cx.now, &view) {
            Steer::Rate(rate) if !away => {
                live.rate = rate;
                cx.push(Output::Rate(rate));
            }
            Steer::Jump(_) if self.entry(s) > Some(position) => return Move::EnterAtEdge,
            Steer::Keep | Steer::Rate(_) | Steer::Jump(_) => {}
        }
        Move::Stay
    }

    /// The position that is played, or the one that is fetched, is more than `far` behind the edge,
    /// and there is newer media to go to. (A playlist that does not grow has none.)
    fn far_behind(
        &self,
        s: &Scene<'_>,
        (position, edge): (Position, Position),
        stands: bool,
        far: Duration,
    ) -> bool {
        let behind = |at: Position| at + far < edge && self.entry(s) > Some(at + LEAST_GAIN);
        // The tracks fetch media that is too old to be played.
        let fetching_at = s.ways.tracks.feeds().map(Stream::fetching_at).min();
        // Or the element stands still, and newer media is buffered.
        let newer = || s.ways.tracks.common().last().is_some_and(|s| s.end > position + LEAST_GAIN);
        fetching_at.is_some_and(behind) || (stands && behind(position) && newer())
    }

    /// Once the camera is back, skips the rest of the still picture.
    fn leave_filler(&mut self, cx: &mut Cx<'_>, s: &Scene<'_>, position: Position, edge: Position) {
        if s.camera.away() {
            return;
        }
        let new = s.camera.next_new(position).zip(s.ways.tracks.common().last());
        let Some((new, last)) = new else { return };
        let Some(live) = self.live.as_ref().filter(|l| l.growing) else { return };
        let to = live.control.entry(cx.now, edge, Some(last.end));
        if to >= new.max(last.start) && to > position + LEAST_SKIP {
            self.jump(cx, to);
        }
    }

    /// Notes the buffer level just before an append.
    pub(in crate::player) fn note_level(&mut self, now: Instant, tracks: &Tracks) {
        if !self.plays() {
            return;
        }
        let position = self.position(now);
        let buffered_to = tracks.buffered_to(position);
        if let Some(live) = self.live.as_mut().filter(|l| l.following) {
            live.control.note_level(now, position, buffered_to);
        }
    }

    /// Notes when a fragment arrived that ends at `end`. `fresh`: it was made after its request was sent. Of whole
    /// segments the newest listed one counts.
    pub(in crate::player) fn note_arrival(
        &mut self,
        now: Instant,
        s: &Scene<'_>,
        (track, end): (TrackId, Position),
        fresh: bool,
    ) {
        let newest = || {
            let list = s.ways.tracks.get(track).and_then(|stream| stream.list(s.presentation()));
            list.and_then(SegmentList::last).is_some_and(|it| it.end <= end + NEWEST)
        };
        let Some(live) = self.live.as_mut().filter(|_| !s.camera.away()) else { return };
        let (counts, edge) = if live.growing {
            (fresh, s.edge())
        } else {
            // What the list is late by counts elsewhere.
            (live.following && newest(), s.edge.listed(now))
        };
        if counts && let Some(edge) = edge {
            live.control.arrived(now, end, edge);
        }
    }

    /// Tells the driver the seekable window, each time it has moved by a second.
    fn tell_window(&mut self, cx: &mut Cx<'_>, s: &Scene<'_>) {
        let Some(live) = &mut self.live else { return };
        let Some((start, end)) = s.window() else { return };
        let moved = |told: Span| end.since(told.end) >= Duration::from_secs(1) || told.end > end;
        if live.told_window.is_none_or(moved) {
            let span = Span { start, end };
            live.told_window = Some(span);
            cx.push(Output::Seekable(span));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::io::Cue;
    use crate::player::testing::{World, at, now, span};

    /// Live playback at `position`, with media buffered up to the edge.
    fn playing(position: i64, edge: i64) -> World {
        let mut world = World::live(at(edge));
        world.holds(&[span(0, edge)], at(edge));
        world.head.start(at(position));
        world.step(now(0), |head, cx, _| head.jump(cx, at(position)));
        world.observe(now(1), Cue::Seeked, at(position));
        world.observe(now(2), Cue::Playing, at(position));
        world
    }

    #[test]
    fn near_the_edge_it_is_steered_and_far_from_it_it_enters_anew() {
        for (position, enters) in [(99_700, false), (90_000, true)] {
            let mut world = playing(position, 100_000);
            let (step, out) = world.step(now(3000), Playhead::follow);
            let rate = out.iter().any(|it| matches!(it, Output::Rate(_)));
            assert_eq!((step == Move::EnterAtEdge, rate && enters), (enters, false), "{out:?}");
        }
    }

    #[test]
    fn the_window_is_told_when_it_has_moved_by_a_second() {
        let mut world = playing(99_700, 100_000);
        let told = |world: &mut World, ms, edge| {
            world.edge = Some(at(edge));
            let (_, out) = world.step(now(ms), Playhead::follow);
            out.iter().any(|it| matches!(it, Output::Seekable(_)))
        };
        let cases =
            [(10, 100_000, true), (20, 100_500, false), (30, 101_000, true), (40, 90_000, true)];
        for (ms, edge, expected) in cases {
            assert_eq!(told(&mut world, ms, edge), expected, "the edge at {edge} ms");
        }
    }

    #[test]
    fn a_viewer_who_went_elsewhere_is_left_there() {
        let mut world = playing(99_700, 100_000);
        world.step(now(10), |head, cx, scene| head.viewer_seeks(cx, scene, at(50_000)));
        let (step, _) = world.step(now(3000), Playhead::follow);
        assert_eq!(step, Move::Stay);
        assert_eq!(world.head.go_live(), Move::EnterAtEdge);
        assert!(world.head.follows());
    }
}
