//! Requesting segments, and the initialization segments and indexes before them.

use super::{Fetch, Step};
use crate::buffer::clip;
use crate::buffer::plan::{self, Cursor, Plan};
use crate::player::cx::Cx;
use crate::player::io::{Body, Reason, TrackId};
use crate::player::place::{Place, place_in, rep_of, track_of};
use crate::player::quality::LATE_BY_LINK;
use crate::player::requests::{Patience, Purpose};
use crate::player::retries::Need;
use crate::player::track::wrapping::{InitData, Wrapping, mime_of};
use crate::presentation::{Mapping, Presentation, Representation, Resource, Segment, SegmentList};
use crate::time::{Instant, WallTime};
use alloc::rc::Rc;
use alloc::string::ToString;
use core::time::Duration;

/// While a new segment is due, the manifest is loaded again after this long at most, however long its
/// segments are.
const LONGEST_SILENCE: Duration = Duration::from_millis(3600);

/// A decoder may stop this long before the end of the buffered media.
const AT_THE_END: Duration = Duration::from_millis(250);

/// The timeouts of a growing segment, after `silent` requests in a row that timed out. The origin may hold
/// the request for up to two segments. After that it sends a chunk for each frame, or one at the end of the
/// slot while the camera is away.
fn growing_patience(length: Duration, silent: u32) -> Patience {
    let longer = 800 * u64::from(silent.min(4));
    Patience {
        answer: length * 2 + Duration::from_secs(2),
        flow: length + Duration::from_millis(700 + longer),
    }
}

impl Fetch<'_> {
    /// Asks for what comes next of a track.
    pub(in crate::player) fn step(
        &mut self,
        cx: &mut Cx<'_>,
        p: &Presentation,
        track: TrackId,
    ) -> Step {
        let Some(stream) = self.tracks.get(track) else { return Step::Rest };
        if stream.ended || stream.passive || stream.fetching.is_some() {
            return Step::Rest;
        }
        if self.requests.retries.holds_back(cx, Need::Track(track)) {
            return Step::Rest;
        }
        if stream.downloads.len() >= 2 || (stream.downloads.len() == 1 && !self.is_live()) {
            return Step::Rest;
        }
        let (types, url) = (&*self.types, self.rest.url);
        let Some(stream) = self.tracks.get_mut(track) else { return Step::Rest };
        match stream.replace_unplayable(p, types, url) {
            Ok(true) => return Step::Again,
            Err(error) => return Step::Unplayable(error),
            Ok(false) => {}
        }
        let Some(rep) = rep_of(p, stream.place) else { return Step::Rest };
        if let Some(step) = self.fetch_preliminaries(cx, track, rep) {
            return step;
        }
        if !self.rest.head.has_start() || self.rest.edge.is_sought() {
            return Step::Rest;
        }
        let plan = self.plan(cx.now, p, track, rep);
        if let Plan::Fetch(segment) = &plan
            && let Some(step) = self.fill(cx, track, segment.start)
        {
            return step;
        }
        match plan {
            Plan::Fetch(segment) => match self.decide_rung(cx.now, track) {
                Some(place) => self.change_place(track, place),
                None => self.fetch(cx, track, rep, segment),
            },
            Plan::Later(wall) => self.later(cx, track, rep, wall),
            Plan::Room(media) => {
                let rate = self.rest.head.snap().rate.permille().max(500);
                // A wait shorter than the timer's resolution would wake again and again at this moment.
                let wait = (media * 1000 / rate).max(Duration::from_millis(5));
                cx.wake_at(cx.now + wait, Reason::BufferRoom);
                Step::Rest
            }
            Plan::Reload => self.newer(cx.now, track, rep),
            Plan::PeriodEnd => self.next_period(cx, p, track),
        }
    }

    /// The next segment is due at `wall`, on the clock of the segments.
    fn later(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        rep: &Representation,
        wall: WallTime,
    ) -> Step {
        if let Some(newer) = self.in_place_of_missing(cx, track, rep) {
            return self.fetch(cx, track, rep, newer);
        }
        let at = cx.now + wall.since(self.rest.served(self.tracks, cx.now));
        // A millisecond of grace for the origin's rounding.
        cx.wake_at(at + Duration::from_millis(1), Reason::Availability);
        Step::Rest
    }

    /// What has to be known before the segments of a representation: its initialization segment, its
    /// index. `None`: all of it is.
    fn fetch_preliminaries(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        rep: &Representation,
    ) -> Option<Step> {
        let stream = self.tracks.get_mut(track)?;
        if let Some(init) = rep.init.as_ref().filter(|init| stream.init(init).is_none()) {
            stream.ask_init(cx, self.requests, init.clone());
            return Some(Step::Rest);
        }
        match &rep.segments {
            SegmentList::Indexed { index } if !self.rest.manifest.has_index(index) => {
                let purpose = Purpose::Index(track);
                stream.ask_before(cx, self.requests, purpose, index.clone());
                Some(Step::Rest)
            }
            _ => None,
        }
    }

    /// From here on another representation is fetched.
    fn change_place(&mut self, track: TrackId, place: Place) -> Step {
        let Some(stream) = self.tracks.get_mut(track) else { return Step::Rest };
        stream.place = place;
        Step::Again
    }

    fn plan(&self, now: Instant, p: &Presentation, track: TrackId, rep: &Representation) -> Plan {
        let Some(stream) = self.tracks.get(track) else { return Plan::PeriodEnd };
        let list = self.rest.manifest.list(rep);
        let position = self.rest.head.position_or_start(now);
        // Playback waits at a hole that is longer than the goal: measured from the element, no segment
        // behind the hole would be requested.
        let dry = stream.downloads.is_empty()
            && stream.buffer.is_idle()
            && stream.buffer.ranges().last().is_none_or(|span| span.end <= position + AT_THE_END);
        let position = if dry { position.max(stream.cursor.position()) } else { position };
        let mut goal = stream.goal(self.goal);
        let ended = self.tracks.iter().any(|s| s.ended && !s.buffer.ranges().is_empty());
        if stream.trouble.left_out > 0 || (ended && stream.buffer.squeezed() == 0) {
            // A hole does not fill the buffer, so the media after it is needed at once. And when one track
            // has ended, the browser plays the others on only after it knows where they end.
            goal = Duration::MAX;
        }
        plan::next(&plan::View {
            list,
            period_end: p.periods.get(stream.place.period).and_then(|p| p.end),
            cursor: stream.cursor,
            reached: stream.run.end,
            position,
            goal,
            origin: self.is_live().then(|| self.rest.served(self.tracks, now)),
            growing: rep.growing,
            last_done: stream.last_done,
            lateness: &stream.lateness,
            listed: self.rest.listed_due(self.tracks, now),
        })
    }

    fn fetch(&mut self, cx: &mut Cx<'_>, track: TrackId, rep: &Representation, s: Segment) -> Step {
        let late = self.rest.late(self.tracks, cx.now) > LATE_BY_LINK;
        let Some(stream) = self.tracks.get_mut(track) else { return Step::Rest };
        if s.gap {
            stream.cursor = Cursor::After { number: s.number, end: s.end };
            return Step::Again;
        }
        // A second request only where the origin holds it until the first has ended, and not while the
        // first is late: it would take bandwidth from it.
        let flows = stream.downloads.front().is_none_or(|d| d.got > 0);
        if !stream.downloads.is_empty() && (!rep.growing || late || !flows) {
            return Step::Rest;
        }
        let init = s.init.clone().or_else(|| rep.init.clone());
        let data = match &init {
            None => Rc::default(),
            Some(resource) => match stream.init(resource) {
                Some(data) => data,
                None => {
                    stream.ask_init(cx, self.requests, resource.clone());
                    return Step::Rest;
                }
            },
        };
        let Some(wrapping) = self.wrapping(track, rep, init, data) else { return Step::Rest };
        self.ask_for(cx, track, rep, s, wrapping);
        Step::Again
    }

    /// What a segment of `rep` needs around it in the buffer.
    fn wrapping(
        &self,
        track: TrackId,
        rep: &Representation,
        init: Option<Resource>,
        data: Rc<InitData>,
    ) -> Option<Wrapping> {
        let stream = self.tracks.get(track)?;
        let offset_us = match rep.mapping {
            Mapping::Offset(us) => Some(us),
            Mapping::Learn => None,
        };
        let period =
            self.rest.manifest.presentation().and_then(|p| p.periods.get(stream.place.period));
        let window = period.map(|p| clip::window(p, rep.mapping)).unwrap_or_default();
        // The transmuxer says the type.
        let mime = match stream.transport {
            Some(_) => stream.buffer.mime().to_string(),
            None => mime_of(rep, stream.kind, &data)?,
        };
        Some(Wrapping { init, data, mime, offset_us, window })
    }

    fn ask_for(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        rep: &Representation,
        mut s: Segment,
        wrapping: Wrapping,
    ) {
        if let SegmentList::Indexed { index } = &rep.segments {
            // The index was read when the file may have been elsewhere.
            s.resource = index.part(s.resource.range);
        }
        let edge = self.rest.edge(self.tracks, cx.now).unwrap_or_default();
        let Some(stream) = self.tracks.get(track) else { return };
        let transport = stream.transport.is_some();
        let patience = if rep.growing {
            growing_patience(s.end.since(s.start), stream.trouble.silent)
        } else {
            Patience::even(cx.config.request_timeout)
        };
        let body = if transport { Body::Bytes } else { Body::Media(wrapping.data.tracks.clone()) };
        let known = if transport { self.tracks.take_sniffed(track, &s) } else { None };
        let id = match known {
            Some(_) => cx.new_id(),
            None => self.requests.send(cx, Purpose::Segment(track), &s.resource, body, patience),
        };
        let quality = self.quality.index_of(rep);
        let before = self.tracks.get_mut(track).and_then(|s| s.quality.replace(quality));
        if before != Some(quality) {
            self.quality.turned_to(quality);
        }
        if let Some(stream) = self.tracks.get_mut(track) {
            stream.asked(id, s, wrapping, quality, cx.now, edge);
        }
        if let Some(bytes) = known {
            self.tracks.bytes_at_once(cx, track, id, &bytes);
            self.requests.retries.had_media(track);
        }
    }

    /// The list has ended: says when to load a newer manifest.
    fn newer(&self, now: Instant, track: TrackId, rep: &Representation) -> Step {
        if rep.playlist.is_some() {
            // Playlists are loaded as they say.
            return Step::Rest;
        }
        match self.tracks.get(track) {
            Some(stream) if stream.downloads.is_empty() => {
                let next = |last: &Segment| self.next_listed(now, last);
                Step::Newer(rep.segments.last().as_ref().map_or(now, next))
            }
            _ => Step::Rest,
        }
    }

    /// When a list is worth loading that goes on after `last`.
    fn next_listed(&self, now: Instant, last: &Segment) -> Instant {
        // The next segment is listed one segment length after the last one was. To ask much earlier is of
        // little use; when the last one was listed is not known at first.
        let length = last.end.since(last.start);
        let last_seen = self.rest.edge.list_passes(last.end).unwrap_or(now);
        let expected = (last_seen + length * 15 / 16).min(now + LONGEST_SILENCE);
        if expected > now { expected } else { now + length / 8 }
    }

    fn next_period(&mut self, cx: &mut Cx<'_>, p: &Presentation, track: TrackId) -> Step {
        let Some(stream) = self.tracks.get(track) else { return Step::Rest };
        let (kind, place) = (stream.kind, stream.place);
        let wanted = stream.wanted.clone();
        let like = wanted.as_deref().or_else(|| track_of(p, place));
        let (Some(like), Some(rep)) = (like, rep_of(p, place)) else { return Step::Rest };
        for period in place.period + 1..p.periods.len() {
            let found = place_in(p, self.types, period, kind, like, rep);
            let start = p.periods.get(period).map(|p| p.start);
            if let (Some(place), Some(start), Some(stream)) =
                (found, start, self.tracks.get_mut(track))
            {
                stream.place = place;
                // A segment that was refused beyond the end of the Period belongs to the next Period: it is
                // not late.
                let from = stream.cursor.position().min(stream.run.end);
                stream.lateness.forget_refusal();
                stream.trouble.missing = None;
                stream.cursor = Cursor::At(start.max(from));
                return Step::Again;
            }
        }
        let open = place.period + 1 < p.periods.len() || !self.is_live();
        if open && let Some(step) = self.fill_beside_picture(cx, track) {
            return step;
        }
        if self.is_live() {
            // The Period has ended and the next is not known yet.
            return Step::Newer(cx.now);
        }
        if let Some(stream) = self.tracks.get_mut(track)
            && stream.downloads.is_empty()
        {
            stream.ended = true;
        }
        Step::Rest
    }
}
