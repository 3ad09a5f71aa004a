//! What follows from a step of the playhead: [`super::playhead`] decides, here the tracks follow.

use super::cx::Cx;
use super::io::Reason;
use super::manifest::Manifest;
use super::origin::edge_view;
use super::playhead::{Change, Move, Playhead, Scene};
use super::select::Types;
use super::session::Session;
use super::track::Tracks;
use super::track::way::Ways;
use crate::time::{Instant, Position};
use core::time::Duration;

/// Who comes back to a page and is this much farther behind than wanted goes on at the edge.
const LATE_BACK: Duration = Duration::from_millis(500);

impl Session {
    /// What the ways to go on are found by.
    pub(super) fn ways(&self) -> Ways<'_> {
        ways(&self.streams, &self.manifest, &self.types, &self.head)
    }

    /// The playhead, and what it sees of the rest.
    pub(super) fn head_parts(&mut self, now: Instant) -> Option<(&mut Playhead, Scene<'_>)> {
        let scene = Scene {
            now,
            ways: ways(&self.streams, &self.manifest, &self.types, &self.head),
            camera: &self.camera,
            edge: &self.edge,
            view: edge_view(&self.manifest, &self.streams, &self.clock, &self.url, &self.head)?,
        };
        Some((&mut self.head, scene))
    }

    /// Where the live edge is to be entered.
    fn entry(&mut self, now: Instant) -> Option<Position> {
        let (head, scene) = self.head_parts(now)?;
        head.entry(&scene)
    }

    /// The tracks do what a step of the playhead asks for.
    fn make(&mut self, cx: &mut Cx<'_>, step: Move) {
        match step {
            Move::Stay => {}
            Move::Fetch(at) => self.set_start(cx, at),
            Move::Enter => self.reenter(cx),
        }
    }

    /// Playing is to start at `at`, or goes on there: what is not there is fetched.
    pub(super) fn set_start(&mut self, cx: &mut Cx<'_>, at: Position) {
        self.head.start(at);
        if let Some(p) = self.manifest.presentation() {
            self.streams.aim(cx, &mut self.requests, (p, &self.types), at);
        }
    }

    /// Starts again at the edge; what is shown stays until media there has come.
    pub(super) fn reenter(&mut self, cx: &mut Cx<'_>) {
        if let Some(at) = self.entry(cx.now) {
            self.head.leave();
            self.set_start(cx, at);
        }
    }

    /// To the live edge, at once.
    pub(super) fn go_live(&mut self, cx: &mut Cx<'_>) {
        let step = self.head.go_live();
        self.make(cx, step);
    }

    pub(super) fn advance_start(&mut self, cx: &mut Cx<'_>) {
        if self.head.has_start() {
            return;
        }
        let Some(p) = self.manifest.shared() else { return };
        self.note_lists(cx.now);
        if !self.is_live() {
            let start = p.periods.first().map(|p| p.start).unwrap_or_default();
            return self.set_start(cx, start);
        }
        if !self.clock.ready(cx.now) {
            return cx.wake_at(cx.now + Duration::from_millis(100), Reason::Timeout);
        }
        if self.edge.is_sought() {
            return;
        }
        match self.entry(cx.now) {
            Some(at) => self.set_start(cx, at),
            None => {
                if let Some((edge, _, view)) = self.edge_parts() {
                    edge.seek_beginning(cx, &view);
                }
            }
        }
    }

    /// Puts the element where it is to start; waits for a reserve; gets it out of where it stands; holds
    /// it to the edge.
    pub(super) fn advance_head(&mut self, cx: &mut Cx<'_>) {
        self.step(cx, Playhead::place);
        let (rate, goal) = (self.quality.rate(), self.goal);
        if let Some((head, scene)) = self.head_parts(cx.now) {
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
        if let Some((head, scene)) = self.head_parts(cx.now) {
            let step = step(head, cx, &scene);
            self.make(cx, step);
        }
    }

    /// The element was looked at, and this is new. `shown_again`: the page is.
    pub(super) fn on_change(&mut self, cx: &mut Cx<'_>, change: Change, shown_again: bool) {
        if change.started {
            self.figures.startup.get_or_insert_with(|| cx.now.since(self.began));
        }
        self.head.stalled(cx, change, self.camera.away());
        if let Some(at) = change.viewer_seek
            && let Some((head, scene)) = self.head_parts(cx.now)
        {
            let step = head.sought(cx, &scene, at);
            self.make(cx, step);
        }
        if shown_again
            && let Some((head, scene)) = self.head_parts(cx.now)
            && head.lags(&scene, LATE_BACK)
        {
            self.reenter(cx);
        }
    }

    /// The settings changed, or the sound was turned off or on.
    pub(super) fn on_configured(&mut self, cx: &Cx<'_>) {
        self.goal = cx.config.buffer_ahead;
        let Some(p) = self.manifest.presentation() else { return };
        let sound = self.streams.sound(self.head.snap().muted);
        self.head.configured(cx, p, sound, self.streams.segment_length(p));
    }

    /// The buffer just before an append.
    pub(super) fn note_level(&mut self, now: Instant) {
        self.head.note_level(now, &self.streams);
    }

    /// The camera went away or came back: what stood still for it is not the link's doing.
    pub(super) fn camera_changed(&mut self, now: Instant) {
        self.head.camera_changed(now, self.camera.away());
    }

    /// The origin's clock was taken for later than it is: what is aimed at lies in the future.
    pub(super) fn on_clock_set_back(&mut self, cx: &mut Cx<'_>) {
        if self.head.has_start() && self.head.follows() {
            self.reenter(cx);
        }
    }
}

fn ways<'a>(
    tracks: &'a Tracks,
    manifest: &'a Manifest,
    types: &'a Types,
    head: &Playhead,
) -> Ways<'a> {
    let at_edge = head.is_growing() && head.follows();
    Ways { tracks, manifest, types, live: head.is_live(), at_edge }
}
