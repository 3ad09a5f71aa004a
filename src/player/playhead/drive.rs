//! Runs the playhead's steps, and makes the tracks do what a step asks for.
//!
//! [`Drive::begin`] chooses where playing starts, and again after the player started over. On demand that is
//! the start of the presentation, live `Playhead::entry` (`start.rs`: the place near the edge). A live start
//! elsewhere must also clear `LivePlayback::following`, as `viewer_seeks` in `viewer.rs` does: otherwise
//! `follow.rs` goes back to the edge.

use super::{Changes, Move, Playhead, Scene};
use crate::player::camera::Camera;
use crate::player::clock::Clock;
use crate::player::cx::Cx;
use crate::player::edge::{self, Edge};
use crate::player::io::{Reason, TrackId};
use crate::player::manifest::Manifest;
use crate::player::open::Resume;
use crate::player::requests::Requests;
use crate::player::select::Types;
use crate::player::track::Tracks;
use crate::player::track::download::News;
use crate::player::track::way::Ways;
use crate::time::{Duration, Instant, Position};
use crate::units::Bitrate;

/// When a hidden page is shown again and playback is behind by this much more than wanted, it goes
/// on at the live edge.
const BACK_TOO_LATE: Duration = Duration::from_millis(500);

/// The parts that a step of the playhead changes (`&mut`) or reads (`&`). Made for one step.
#[derive(Debug)]
pub(in crate::player) struct Drive<'a> {
    pub(in crate::player) head: &'a mut Playhead,
    pub(in crate::player) tracks: &'a mut Tracks,
    pub(in crate::player) requests: &'a mut Requests,
    pub(in crate::player) manifest: &'a Manifest,
    pub(in crate::player) types: &'a Types,
    pub(in crate::player) clock: &'a Clock,
    pub(in crate::player) edge: &'a Edge,
    pub(in crate::player) camera: &'a mut Camera,
    /// The address that was loaded.
    pub(in crate::player) url: &'a str,
}

impl Drive<'_> {
    /// The playhead, and its view of the other parts; `None` before there is a manifest.
    fn parts(&mut self, now: Instant) -> Option<(&mut Playhead, Scene<'_>)> {
        let head = &mut *self.head;
        let (live, at_edge) = (head.is_live(), head.is_at_edge());
        let whole = head.is_whole();
        let scene = Scene {
            now,
            ways: Ways::new(self.tracks, self.manifest, self.types, live, at_edge),
            camera: self.camera,
            edge: self.edge,
            view: edge::View::new(
                (self.manifest, self.url),
                self.tracks,
                self.clock,
                self.camera,
                whole,
            )?,
            retries: &self.requests.retries,
        };
        Some((head, scene))
    }

    /// The position at which live playback would start now.
    fn entry(&mut self, now: Instant) -> Option<Position> {
        let (head, scene) = self.parts(now)?;
        head.entry(&scene)
    }

    /// Makes the tracks do what a step of the playhead asks for.
    fn apply(&mut self, cx: &mut Cx<'_>, step: Move) {
        match step {
            Move::Stay => {}
            Move::FetchFrom(at) => self.set_start(cx, at),
            Move::EnterAtEdge => self.reenter(cx),
        }
    }

    /// Playing starts or goes on at `at`: the tracks fetch what is missing from there on.
    fn set_start(&mut self, cx: &mut Cx<'_>, at: Position) {
        self.head.start(at);
        if let Some(p) = self.manifest.presentation() {
            self.tracks.aim(cx, self.requests, (p, self.types), at);
        }
    }

    /// Starts again at the live edge. The picture stays until media there has arrived.
    pub(in crate::player) fn reenter(&mut self, cx: &mut Cx<'_>) {
        if let Some(at) = self.entry(cx.now) {
            self.head.leave();
            self.set_start(cx, at);
        }
    }

    /// Drops what the tracks have fetched; the start position is to be chosen anew.
    pub(in crate::player) fn start_over(&mut self, cx: &mut Cx<'_>) {
        self.head.leave_for_unknown();
        self.camera.new_timeline();
        self.tracks.start_over(cx, self.requests);
    }

    /// Fetches everything again for a new MediaSource.
    pub(in crate::player) fn resume(&mut self, cx: &mut Cx<'_>, resume: Resume) {
        self.start_over(cx);
        match resume {
            // `begin` chooses a position at the edge.
            Resume::Near(_) if self.head.follows() => {}
            Resume::Near(at) | Resume::At(at) => self.set_start(cx, at),
        }
    }

    /// Goes to the live edge at once.
    pub(in crate::player) fn go_live(&mut self, cx: &mut Cx<'_>) {
        let step = self.head.go_live();
        self.apply(cx, step);
    }

    /// Chooses the start position. Answers false if by the clock the presentation has not begun.
    pub(in crate::player) fn begin(&mut self, cx: &mut Cx<'_>) -> bool {
        let Some(p) = self.manifest.presentation() else { return true };
        if !self.head.is_live() {
            let start = p.periods.first().map(|p| p.start).unwrap_or_default();
            self.set_start(cx, start);
            return true;
        }
        if !self.clock.ready(cx.now) {
            cx.wake_at(cx.now + Duration::from_millis(100), Reason::Timeout);
            return true;
        }
        if self.edge.is_sought() {
            return true;
        }
        let entry = self.entry(cx.now);
        if let Some(at) = entry {
            self.set_start(cx, at);
        }
        entry.is_some()
    }

    /// Runs all steps: places the element at the start, withholds media until the reserve suffices,
    /// ends stalls, stays near the edge. `rate`: the link's throughput.
    pub(in crate::player) fn advance(&mut self, cx: &mut Cx<'_>, rate: Option<Bitrate>) {
        let goal = self.head.goal(cx.config.buffer_ahead);
        self.step(cx, Playhead::place_element);
        if let Some((head, scene)) = self.parts(cx.now) {
            head.reserve(cx, &scene, rate, |stream| stream.goal(goal));
        }
        self.step(cx, Playhead::unstall);
        self.step(cx, Playhead::follow);
    }

    fn step(
        &mut self,
        cx: &mut Cx<'_>,
        step: impl FnOnce(&mut Playhead, &mut Cx<'_>, &Scene<'_>) -> Move,
    ) {
        if let Some((head, scene)) = self.parts(cx.now) {
            let step = step(head, cx, &scene);
            self.apply(cx, step);
        }
    }

    /// A snapshot of the element brought `change`. `shown_again`: a hidden page is shown again.
    pub(in crate::player) fn changed(
        &mut self,
        cx: &mut Cx<'_>,
        change: Changes,
        shown_again: bool,
    ) {
        let away = self.camera.away() || self.is_gone();
        self.head.note_stalls(cx, change, away);
        if let Some(at) = change.viewer_seek {
            self.step(cx, |head, cx, scene| head.viewer_seeks(cx, scene, at));
        }
        if shown_again
            && let Some((head, scene)) = self.parts(cx.now)
            && head.lags(&scene, BACK_TOO_LATE)
        {
            self.reenter(cx);
        }
    }

    /// The live stream has been taken away, and nothing of it is on its way. It is still looked for.
    pub(in crate::player) fn is_gone(&self) -> bool {
        let idle = self.tracks.leading().is_none_or(|stream| stream.coming().is_none());
        idle && self.head.is_live() && self.requests.retries.list_is_gone()
    }

    /// Takes a fact that was read from arriving media of `track`.
    pub(in crate::player) fn news(&mut self, now: Instant, track: TrackId, news: News) {
        let picture = self.tracks.is_picture(track);
        let changed = match news {
            News::Fragment { span, fresh } => {
                if (fresh || self.head.is_whole())
                    && let Some((head, scene)) = self.parts(now)
                {
                    head.note_arrival(now, &scene, (track, span.end), fresh);
                }
                picture && self.camera.picture(span)
            }
            News::Captured { at, wall } if picture => {
                let found = self.camera.captured(at, wall);
                if found.changed {
                    self.camera_changed(now);
                }
                if found.new {
                    self.head.mark_new_picture();
                }
                false
            }
            News::Message { at, until, scheme, data } => {
                self.camera.message(at, until, &scheme, &data)
            }
            News::Captured { .. } | News::Damaged { .. } => false,
        };
        if changed {
            self.camera_changed(now);
        }
    }

    /// The camera went away or came back: the link is not blamed for the stalls that this caused.
    pub(in crate::player) fn camera_changed(&mut self, now: Instant) {
        self.head.camera_changed(now, self.camera.away());
    }

    /// The settings or the lists changed, or the sound was muted or unmuted.
    pub(in crate::player) fn configured(&mut self, cx: &Cx<'_>) {
        let Some(p) = self.manifest.presentation() else { return };
        let sound = self.tracks.sound(self.head.snap().muted);
        self.head.configured(cx, p, sound, self.tracks.segment_length(p));
    }

    /// The origin refuses live segments: the start position may be too near the edge.
    pub(in crate::player) fn refused(&mut self, cx: &mut Cx<'_>) {
        if let Some((head, scene)) = self.parts(cx.now)
            && head.entered_too_near(&scene)
        {
            self.reenter(cx);
        }
    }

    /// The estimate of the origin's clock was corrected backwards: the start position may lie in
    /// the future.
    pub(in crate::player) fn clock_set_back(&mut self, cx: &mut Cx<'_>) {
        if self.head.has_start() && self.head.follows() {
            self.reenter(cx);
        }
    }

    /// A search found the live edge elsewhere.
    pub(in crate::player) fn edge_found(&mut self, cx: &mut Cx<'_>) {
        if !self.head.is_live() || self.head.follows() {
            self.reenter(cx);
        }
    }
}
