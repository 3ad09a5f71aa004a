//! Switching to another representation: [`crate::player::quality`] decides, this file carries it out.
//!
//! At a segment's border the place of the track changes and the next segment is of the new rung. In
//! mid-segment the request is given up, and the new rung is entered at its segment that holds the end of
//! what is buffered; live, playing then goes on at the edge.

use super::{Fetch, Wish};
use crate::abr::Choice;
use crate::player::cx::Cx;
use crate::player::io::{FetchId, TrackId};
use crate::player::place::{Place, rep_of, track_of};
use crate::player::playhead::ENTRY;
use crate::player::quality::{LATE_BY_LINK, Next, Read};
use crate::player::retries::Need;
use crate::player::track::download::middle;
use crate::presentation::{Representation, Segment, TrackKind};
use crate::time::{Duration, Instant};

/// Media nearer than this to the element is not replaced when the viewer chooses a quality.
const SOON: Duration = Duration::from_secs(1);

impl Fetch<'_> {
    /// Before this segment of `rep` is asked for: the place that a track is to be on, when that changes.
    pub(super) fn decide_rung(
        &mut self,
        now: Instant,
        track: TrackId,
        rep: &Representation,
        segment: &Segment,
    ) -> Option<Place> {
        let (length, weight) = self.rest.manifest.list(rep).usual(segment);
        let next = Next { length, weight, reads: self.rest.manifest.reads(rep) };
        let (quality, _, view) = self.quality_parts(now)?;
        quality.decide(now, &view, view.tracks.get(track)?, next)
    }

    /// Fetches buffered media anew in the quality that the viewer chose, from the next segment's border on: a
    /// choice that takes half a minute to show looks as if it had no effect.
    pub(in crate::player) fn replace_ahead(&mut self, cx: &mut Cx<'_>) {
        let Some(p) = self.rest.manifest.presentation() else { return };
        let soon = self.rest.head.position(cx.now) + SOON;
        let Some(stream) = self.tracks.of(TrackKind::Video) else { return };
        let place = stream.place();
        let (Some(track), Some(rep)) = (track_of(p, place), rep_of(p, place)) else { return };
        let Some(chosen) = self.quality.chosen(self.types, track) else { return };
        let other = |s: &Segment| {
            let held = stream.buffer().quality_at(middle(s));
            held.and_then(|it| self.quality.rep_of(track, it)).unwrap_or(place.rep) != chosen
        };
        let list = self.rest.manifest.list(rep);
        let after = |s: &Segment| s.number.checked_add(1).and_then(|it| list.numbered(it));
        let mut next = list.at(soon).as_ref().and_then(after);
        while let Some(s) = next.as_ref().filter(|s| s.start < stream.fetching_at() && !other(s)) {
            next = after(s);
        }
        let border = next.map(|s| s.start).filter(|border| *border < stream.fetching_at());
        let Some(border) = border else { return };
        if let Some(stream) = self.tracks.of_mut(TrackKind::Video) {
            stream.retarget(cx, self.requests, border);
        }
    }

    /// A read of a segment came: measures the link, and leaves a segment that it is too slow for.
    pub(in crate::player) fn read(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        id: FetchId,
        len: u32,
    ) {
        let (away, moved) = (self.rest.camera.away(), self.rest.head.moved().is_some());
        let read = Read { track, id, len, away, moved };
        let Some((quality, requests, view)) = self.quality_parts(cx.now) else { return };
        let growing = view.growing;
        let Some(choice) = quality.read(cx.now, &view, requests, &read) else {
            return self.replacement_read(cx, track, id);
        };
        if growing {
            return self.drop_to(cx, track, choice);
        }
        let Some(stream) = self.tracks.get_mut(track) else { return };
        if stream.give_up_for(cx, self.requests, id, choice.rep) {
            self.quality.because(&choice.why);
        }
    }

    /// Leaves a growing segment for a lower rung.
    fn drop_to(&mut self, cx: &mut Cx<'_>, track: TrackId, choice: Choice) {
        let Some(edge) = self.rest.edge(self.tracks, cx.now) else { return };
        let position = self.rest.head.position(cx.now);
        let Some(stream) = self.tracks.get(track) else { return };
        let place = Place { rep: choice.rep, ..stream.place() };
        let end = stream.buffer().ranges().end_from(position);
        let parts = self.quality_parts(cx.now);
        let entry = parts.and_then(|(quality, _, view)| quality.entry(&view, place, (edge, end)));
        let Some(stream) = self.tracks.get_mut(track).filter(|_| self.rest.head.is_live()) else {
            return;
        };
        // From the end of the buffer, but not media that playback would skip.
        let at = end.max(entry.unwrap_or(edge - ENTRY));
        stream.drop_to_rung(cx, self.requests, choice.rep, at);
        self.quality.because(&choice.why);
        self.wish(Wish::GoOn(at));
    }

    /// Fetches the initialization segments of the other rungs while the link is good: when it breaks down there
    /// is no time for them.
    fn advance_inits(&mut self, cx: &mut Cx<'_>) {
        let Some(p) = self.rest.manifest.presentation() else { return };
        let stream = self.tracks.of_mut(TrackKind::Video).filter(|s| !s.is_preparing());
        let Some(stream) = stream else { return };
        let Some(track) = track_of(p, stream.place()) else { return };
        let playable = self.types.playable(track).into_iter();
        let mut inits = playable.filter_map(|rep| track.representations.get(rep)?.init.as_ref());
        if self.requests.retries.count(Need::Track(stream.id())) == 0
            && let Some(init) = inits.find(|init| stream.init(init).is_none())
        {
            stream.ask_init(cx, self.requests, init.clone());
        }
    }

    /// Probes for the next rung when that may be of use.
    pub(in crate::player) fn advance_probe(&mut self, cx: &mut Cx<'_>) {
        let (head, away) = (self.rest.head, self.rest.camera.away());
        let calm = || {
            let control = head.control().filter(|_| head.plays() && head.follows());
            control.is_some_and(|control| control.calm(cx.now)) && !away
        };
        if !head.is_growing() || !cx.config.fetching || !(self.quality.is_probing() || calm()) {
            return;
        }
        let Some((quality, requests, view)) = self.quality_parts(cx.now) else { return };
        if quality.is_probing() {
            return quality.probe_unless_late(cx, requests, &view);
        }
        if view.late <= LATE_BY_LINK {
            self.advance_inits(cx);
            if let Some((quality, requests, view)) = self.quality_parts(cx.now) {
                quality.probe(cx, requests, &view);
            }
        }
    }

    /// A read of the probe.
    pub(in crate::player) fn probe_read(&mut self, cx: &mut Cx<'_>, id: FetchId, len: u32) {
        if let Some((quality, requests, view)) = self.quality_parts(cx.now) {
            quality.probe_read(cx, requests, &view, id, len);
        }
    }

    /// The probe ended.
    pub(in crate::player) fn probe_over(&mut self, now: Instant, id: FetchId) {
        if let Some((quality, _, view)) = self.quality_parts(now) {
            quality.probe_over(now, &view, id);
        }
    }

    /// Frames shown and dropped, and how large.
    pub(in crate::player) fn frames(&mut self, now: Instant) {
        let head = self.rest.head;
        let s = head.snap();
        let seen = !s.hidden && head.runs();
        let Some(picture) = self.tracks.of(TrackKind::Video) else { return };
        self.quality.frames(now, picture.place().rep, (s.frames, s.dropped), seen);
        if let Some(index) = picture.buffer().quality_at(head.position(now)) {
            self.quality.shows(index, s.height_px);
        }
    }
}
