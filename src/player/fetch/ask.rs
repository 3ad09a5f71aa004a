//! Requesting segments, and the initialization segments and indexes before them.

use super::{Fetch, Step};
use crate::buffer::plan::Plan;
use crate::player::cx::Cx;
use crate::player::io::{Body, Reason, TrackId};
use crate::player::place::{Place, rep_of};
use crate::player::quality::LATE_BY_LINK;
use crate::player::requests::{Patience, Purpose};
use crate::player::retries::Need;
use crate::player::track::next::Around;
use crate::player::track::sniff::Sniffed;
use crate::player::track::stream::Stream;
use crate::player::track::wrapping::Wrapping;
use crate::presentation::{Presentation, Representation, Segment, SegmentList, TrackKind};
use crate::time::{Duration, Instant, WallTime};
use alloc::rc::Rc;

/// While a new segment is due, the manifest is loaded again after this long at most, however long its
/// segments are.
const LONGEST_SILENCE: Duration = Duration::from_millis(3600);

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
        self.look_at_preparation(cx, track);
        let Some(stream) = self.tracks.get(track) else { return Step::Rest };
        if !cx.config.fetching || stream.asks_nothing() {
            return Step::Rest;
        }
        self.look_at_replacement(cx, track);
        if self.requests.retries.holds_back(cx, Need::Track(track)) {
            return Step::Rest;
        }
        if self.tracks.get(track).is_none_or(|s| s.has_asked_enough(self.is_live())) {
            return Step::Rest;
        }
        let (types, url) = (&*self.types, self.rest.url);
        let Some(stream) = self.tracks.get_mut(track) else { return Step::Rest };
        match stream.replace_unplayable(p, types, url) {
            Ok(true) => return Step::Again,
            Err(error) => return Step::Unplayable(error),
            Ok(false) => {}
        }
        let Some(rep) = rep_of(p, stream.place()) else { return Step::Rest };
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
            Plan::Fetch(segment) if self.waits(track, rep, &segment) => Step::Rest,
            Plan::Fetch(segment) => match self.decide_rung(cx.now, track, rep, &segment) {
                Some(place) => self.change_place(track, place),
                None => self
                    .replace(cx, p, track)
                    .unwrap_or_else(|| self.fetch(cx, track, rep, segment)),
            },
            Plan::Later(wall) => self.later(cx, track, rep, wall),
            Plan::Room(media) => {
                self.replace(cx, p, track).unwrap_or_else(|| self.wait_for_room(cx, media))
            }
            Plan::Reload => {
                self.read_on(cx, track, rep).unwrap_or_else(|| self.newer(cx.now, track, rep))
            }
            Plan::PeriodEnd => self.next_period(cx, p, track),
        }
    }

    /// A segment is not asked for yet, though there is room for it.
    fn waits(&self, track: TrackId, rep: &Representation, segment: &Segment) -> bool {
        let comes = |s: Option<&Stream>| s.is_some_and(|s| s.coming().is_some());
        if comes(self.tracks.get(track)) {
            // A whole segment is on its way: what follows it is decided then, by what is known then.
            return !rep.growing && !segment.gap;
        }
        // Sound is not fetched further than the picture while that is on its way: on a slow link it would take
        // half of it until all that may be held of sound is there. Not where a file is searched for its segments:
        // that takes long enough as it is.
        let picture = self.tracks.of(TrackKind::Video);
        comes(picture.filter(|s| s.asked_to() <= segment.start))
            && !self.is_live()
            && !self.rest.manifest.is_searched(rep)
    }

    /// Enough is buffered until so much of it is played.
    fn wait_for_room(&self, cx: &mut Cx<'_>, media: Duration) -> Step {
        let rate = self.rest.head.snap().rate.permille().max(500);
        // A wait shorter than the timer's resolution would wake again and again at this moment.
        let wait = (media * 1000 / rate).max(Duration::from_millis(5));
        cx.wake_at(cx.now + wait, Reason::BufferRoom);
        Step::Rest
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

    fn fetch_preliminaries(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        rep: &Representation,
    ) -> Option<Step> {
        let (purpose, resource) = self.unknown(track, rep)?;
        let stream = self.tracks.get_mut(track)?;
        stream.ask_before(cx, self.requests, purpose, resource);
        Some(Step::Rest)
    }

    /// From here on another representation is fetched.
    fn change_place(&mut self, track: TrackId, place: Place) -> Step {
        let Some(stream) = self.tracks.get_mut(track) else { return Step::Rest };
        stream.switch_to(place);
        Step::Again
    }

    fn plan(&self, now: Instant, p: &Presentation, track: TrackId, rep: &Representation) -> Plan {
        let around = Around {
            list: self.rest.manifest.list(rep),
            position: self.rest.head.position_or_start(now),
            goal: self.goal,
            origin: self.is_live().then(|| self.rest.served(self.tracks, now)),
            listed: self.rest.listed_due(self.tracks, now),
        };
        self.tracks.plan(track, p, rep, around)
    }

    fn fetch(&mut self, cx: &mut Cx<'_>, track: TrackId, rep: &Representation, s: Segment) -> Step {
        let late = self.rest.late(self.tracks, cx.now) > LATE_BY_LINK;
        let Some(stream) = self.tracks.get_mut(track) else { return Step::Rest };
        if s.gap {
            stream.skip(&s);
            return Step::Again;
        }
        // A second request only where the origin holds it until the first has ended, and not while the
        // first is late: it would take bandwidth from it.
        if !stream.takes_another(rep.growing && !late) {
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
        let p = self.rest.manifest.presentation();
        let Some(wrapping) = stream.wrapping(p, rep, init, data) else { return Step::Rest };
        self.ask_for(cx, track, rep, s, wrapping);
        Step::Again
    }

    fn ask_for(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        rep: &Representation,
        mut s: Segment,
        wrapping: Wrapping,
    ) {
        if let SegmentList::Indexed { index, .. } = &rep.segments {
            // The index was read when the file may have been elsewhere.
            s.resource = index.part(s.resource.range);
        }
        let edge = self.rest.edge(self.tracks, cx.now).unwrap_or_default();
        let Some(stream) = self.tracks.get(track) else { return };
        let transport = stream.is_transmuxed();
        let patience = if rep.growing {
            growing_patience(s.end.since(s.start), stream.silences())
        } else {
            Patience::even(cx.config.request_timeout)
        };
        let body = if transport {
            Body::Bytes
        } else if rep.growing {
            Body::Growing(wrapping.tracks().to_vec())
        } else {
            Body::Media(wrapping.tracks().to_vec())
        };
        let sniffed = self.tracks.take_sniffed(cx, self.requests, track, &s, patience);
        let id = match &sniffed {
            Some(Sniffed::Whole(_)) => cx.new_id(),
            Some(Sniffed::Begun { id, .. }) => *id,
            None => self.requests.send(cx, Purpose::Segment(track), &s.resource, body, patience),
        };
        let quality = self.quality.index_of(rep);
        if let Some(stream) = self.tracks.get_mut(track)
            && stream.asked(id, s, wrapping, quality, cx.now, edge)
        {
            self.quality.turned_to(quality);
        }
        match sniffed {
            Some(Sniffed::Whole(bytes)) => {
                self.tracks.bytes_at_once(cx, track, id, &bytes);
                self.requests.retries.had_media(track);
            }
            Some(Sniffed::Begun { bytes, since, .. }) => {
                self.quality.answer_begins(since.unwrap_or(cx.now), rep.growing);
                self.tracks.bytes(cx, track, id, &bytes);
                self.read(cx, track, id, u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            }
            None => {}
        }
    }

    /// The list has ended: asks for more of the index, where there may be more.
    fn read_on(&mut self, cx: &mut Cx<'_>, track: TrackId, rep: &Representation) -> Option<Step> {
        let SegmentList::Indexed { index, .. } = &rep.segments else { return None };
        let next = self.rest.manifest.index(index)?.next()?;
        let stream = self.tracks.get_mut(track)?;
        stream.ask_before(cx, self.requests, Purpose::Index(track), next);
        Some(Step::Rest)
    }

    /// The list has ended: says when to load a newer manifest.
    fn newer(&self, now: Instant, track: TrackId, rep: &Representation) -> Step {
        if rep.playlist.is_some() {
            // Playlists are loaded as they say.
            return Step::Rest;
        }
        match self.tracks.get(track) {
            Some(stream) if stream.coming().is_none() => {
                let next = |last: &Segment| self.next_listed(now, last);
                Step::Newer(rep.segments.last().as_ref().map_or(now, next))
            }
            _ => Step::Rest,
        }
    }

    /// When a list is worth loading that goes on after `last`.
    fn next_listed(&self, now: Instant, last: &Segment) -> Instant {
        // The next segment is listed one segment length after the last one was. To ask much earlier is of
        // little use; when the last one was listed is not known at first. What is overdue is asked for the less often
        // the longer it is.
        let length = last.end.since(last.start);
        let next = last.end + length * 15 / 16;
        let edge = self.rest.edge.listed(now).unwrap_or(last.end);
        let wait = match next.since(edge) {
            Duration::ZERO => (length / 16).max(edge.since(next) / 2),
            wait => wait,
        };
        now + wait.min(LONGEST_SILENCE)
    }

    fn next_period(&mut self, cx: &mut Cx<'_>, p: &Presentation, track: TrackId) -> Step {
        let Some(stream) = self.tracks.get_mut(track) else { return Step::Rest };
        if stream.enter_next_period(p, self.types) {
            return Step::Again;
        }
        let open = stream.place().period + 1 < p.periods.len() || !self.is_live();
        if open && let Some(step) = self.fill_beside_picture(cx, track) {
            return step;
        }
        if self.is_live() {
            // The Period has ended and the next is not known yet.
            return Step::Newer(cx.now);
        }
        if let Some(stream) = self.tracks.get_mut(track) {
            stream.ends_here();
        }
        Step::Rest
    }
}
