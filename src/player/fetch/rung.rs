//! Going to another representation: [`super::quality`] decides, here it is done.
//!
//! At a segment's border the place of the track changes and the next segment is of the new rung. In
//! mid-segment the request is given up, and the new rung is entered at its segment that holds the end of
//! what is buffered; live, playing then goes on at the edge.

use super::cx::Cx;
use super::io::FetchId;
use super::place::{Place, rep_of, track_of};
use super::playhead::ENTRY;
use super::quality::{self, Adaptation, BACKLOG, Read};
use super::requests::{Requests, Sent};
use super::session::Session;
use crate::abr::Choice;
use crate::presentation::{TrackKind, edge as edge_at};
use crate::time::Instant;
use core::time::Duration;

/// A choice of the viewer is seen after this long at the earliest.
const SOON: Duration = Duration::from_secs(1);

impl Session {
    /// The choice of representations with what it is made from.
    pub(super) fn quality_parts(
        &mut self,
        now: Instant,
    ) -> Option<(&mut Adaptation, &mut Requests, quality::View<'_>)> {
        let growing = self.head.is_growing();
        // Each rule asks for one of them.
        let late = if growing { self.late(now) } else { Duration::ZERO };
        let ahead = if growing { Duration::ZERO } else { self.ahead(now) };
        // Live segments that are fetched whole: more than this is not to be had.
        let live_goal = self.head.control().map(|control| control.wanted(now));
        let view = quality::View {
            presentation: self.manifest.presentation()?,
            tracks: &self.streams,
            types: &self.types,
            growing,
            late,
            ahead,
            goal: live_goal.unwrap_or(self.goal),
        };
        Some((&mut self.quality, &mut self.requests, view))
    }

    /// Before a segment is asked for: the place that stream `i` is to be on, when that changes.
    pub(super) fn decide_rung(&mut self, now: Instant, i: usize) -> Option<Place> {
        let (quality, _, view) = self.quality_parts(now)?;
        quality.decide(now, &view, view.tracks.get(i)?)
    }

    /// What is buffered far ahead is fetched anew in the quality that the viewer chose, from the
    /// next segment's border on: a choice that shows in half a minute looks like none.
    pub(super) fn replace_ahead(&mut self, cx: &mut Cx<'_>) {
        let Some(p) = self.manifest.shared() else { return };
        let soon = self.head.position(cx.now) + SOON;
        let Some(stream) = self.streams.of(TrackKind::Video) else { return };
        let (Some(track), Some(rep)) = (track_of(&p, stream.place), rep_of(&p, stream.place))
        else {
            return;
        };
        let chosen = self.quality.chosen(&self.types, track);
        let same = chosen.is_none_or(|chosen| chosen == stream.place.rep);
        let border = self.manifest.list(rep).at(soon).map(|s| s.end);
        let Some(border) = border.filter(|b| !same && *b < stream.cursor.position()) else {
            return;
        };
        if let Some(stream) = self.streams.of_mut(TrackKind::Video) {
            stream.retarget(cx, &mut self.requests, border);
        }
    }

    /// How much later than usual the picture arrives; what the origin says of itself that it was late
    /// is not counted: no rung mends that.
    pub(super) fn late(&self, now: Instant) -> Duration {
        let (Some(control), Some(edge)) = (self.head.control(), self.edge(now)) else {
            return Duration::ZERO;
        };
        let Some(stream) = self.streams.leading() else { return Duration::ZERO };
        let Some(d) = stream.downloads.front().filter(|_| self.head.is_growing()) else {
            return Duration::ZERO;
        };
        let reached = d.reached.unwrap_or(d.segment.start);
        if reached >= d.edge_at_ask && !control.knows_lateness(now) {
            // It comes as it is made, and what is usual here is not known.
            return Duration::ZERO;
        }
        let made = d.finished.zip(self.manifest.presentation());
        let made = made.and_then(|((at, end), p)| Some(edge_at(p, at)?.since(end)));
        let usual = control.usual_lateness(now).max(stream.lateness.known());
        let expected = usual.max(made.unwrap_or_default());
        edge.since(reached).saturating_sub(expected + stream.grain)
    }

    /// `CMSD-Dynamic` of an answer.
    pub(super) fn note_cmsd(&mut self, now: Instant, header: Option<&str>) {
        if let Some(header) = header
            && let Some((quality, _, view)) = self.quality_parts(now)
        {
            quality.note_cmsd(now, &view, header);
        }
    }

    /// A read of a segment came.
    pub(super) fn note_read(&mut self, cx: &mut Cx<'_>, kind: TrackKind, id: FetchId, len: u32) {
        let (away, moved) = (self.camera.away(), self.head.moved().is_some());
        let read = Read { kind, id, len, away, moved };
        let Some((quality, requests, view)) = self.quality_parts(cx.now) else { return };
        let growing = view.growing;
        let Some(choice) = quality.read(cx.now, &view, requests, &read) else { return };
        if growing {
            return self.drop_to(cx, kind, choice);
        }
        let Some(stream) = self.streams.of_mut(kind) else { return };
        if stream.lost(cx, &mut self.requests, id).is_none() {
            return;
        }
        self.requests.cancel(cx, id);
        stream.place.rep = choice.rep;
        self.quality.because(&choice.why);
    }

    /// Leaves a growing segment for a lower rung.
    fn drop_to(&mut self, cx: &mut Cx<'_>, kind: TrackKind, choice: Choice) {
        let Some(edge) = self.edge(cx.now) else { return };
        let position = self.head.position(cx.now);
        let place = self.streams.of(kind).map(|s| Place { rep: choice.rep, ..s.place });
        let entry = self
            .quality_parts(cx.now)
            .zip(place)
            .and_then(|((quality, _, view), place)| quality.entry(&view, place, edge));
        let Some(follows) = self.head.slowed(cx.now) else { return };
        let Some(stream) = self.streams.of_mut(kind) else { return };
        // From where there is nothing yet, but not what would only be fetched to be skipped.
        let at = stream.buffer.ranges().end_from(position).max(entry.unwrap_or(edge - ENTRY));
        stream.place.rep = choice.rep;
        stream.retarget(cx, &mut self.requests, at);
        self.quality.because(&choice.why);
        if follows {
            // Playing goes on there or later, as soon as media is there; until then as it is.
            self.head.start(at);
            self.head.leave();
        }
    }

    /// When all is well: the initialization segments of the other rungs, for a link that breaks in
    /// has no time for them.
    fn advance_inits(&mut self, cx: &mut Cx<'_>) {
        let Some(p) = self.manifest.shared() else { return };
        let Some(i) = self.streams.index(TrackKind::Video) else { return };
        let Some(stream) = self.streams.get(i).filter(|s| s.fetching.is_none()) else { return };
        let Some(track) = track_of(&p, stream.place) else { return };
        let playable = self.types.playable(track).into_iter();
        let mut inits = playable.filter_map(|rep| track.representations.get(rep)?.init.as_ref());
        if stream.trouble.failed.count() == 0
            && let Some(init) = inits.find(|init| stream.init(init).is_none())
        {
            self.fetch_init(cx, i, init.clone());
        }
    }

    /// Probes for the next rung when that may be of use.
    pub(super) fn advance_probe(&mut self, cx: &mut Cx<'_>) {
        let calm = |s: &Self| {
            let control = s.head.control().filter(|_| s.head.plays() && s.head.follows());
            control.is_some_and(|control| control.calm(cx.now)) && !s.camera.away()
        };
        if !self.head.is_growing() || !(self.quality.is_probing() || calm(self)) {
            return;
        }
        let Some((quality, requests, view)) = self.quality_parts(cx.now) else { return };
        if quality.is_probing() {
            return quality.probe_unless_late(cx, requests, &view);
        }
        if view.late <= BACKLOG {
            self.advance_inits(cx);
            if let Some((quality, requests, view)) = self.quality_parts(cx.now) {
                quality.probe(cx, requests, &view);
            }
        }
    }

    /// A read of the probe.
    pub(super) fn on_probe_read(&mut self, cx: &mut Cx<'_>, id: FetchId, len: u32) {
        if let Some((quality, requests, view)) = self.quality_parts(cx.now) {
            quality.probe_read(cx, requests, &view, id, len);
        }
    }

    /// The probe ended.
    pub(super) fn on_probe_over(&mut self, now: Instant, sent: &Sent) {
        if let Some((quality, requests, view)) = self.quality_parts(now) {
            quality.probe_over(now, requests, &view, sent.id);
        }
    }

    /// Frames shown and dropped, and how large.
    pub(super) fn note_frames(&mut self, now: Instant) {
        let s = self.head.snap();
        let seen = !s.hidden && self.head.runs();
        let Some(picture) = self.streams.of(TrackKind::Video) else { return };
        self.quality.frames(now, picture.place.rep, (s.frames, s.dropped), seen);
        if let Some(index) = picture.buffer.quality_at(self.head.position(now)) {
            self.quality.shows(index, s.height_px);
        }
    }
}
