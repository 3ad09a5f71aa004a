//! Segments: asking for the next one, taking what comes, and what to do when it does not come.

use super::cx::Cx;
use super::error::{Code, Error};
use super::io::{BlobId, Body, FetchId, Reason};
use super::opening::{place_in, rep_of, track_of};
use super::requests::{Patience, Purpose, Sent};
use super::rungs::BACKLOG;
use super::session::Session;
use super::stream::{InitData, News, Place, Wrapping};
use crate::buffer::plan::{self, Cursor, Plan};
use crate::media::isobmff::scan::{Fact, Scanner};
use crate::net::Failure;
use crate::net::retry::{Policy, Verdict, verdict};
use crate::presentation::{
    Container, Mapping, Presentation, Representation, Resource, Segment, SegmentList, TrackKind,
};
use crate::time::Instant;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

/// A segment that is not there yet is asked for again after this long, twice as long each time.
const MISS_WAIT: Duration = Duration::from_millis(40);
/// After so many misses the segment is taken for lost.
const MISSES: u32 = 6;
/// After so many settled refusals in a row nothing is expected any more.
const REFUSALS: u32 = 4;

/// What came of looking at a stream.
enum Step {
    /// A request was made: look again.
    Again,
    /// Nothing to do now.
    Rest,
}

impl Session {
    pub(super) fn advance_streams(&mut self, cx: &mut Cx<'_>) {
        let Some(presentation) = self.presentation.clone() else { return };
        for i in 0..self.streams.len() {
            // A stream makes at most a few requests in one go; the bound is for a manifest that
            // lists nothing but gaps.
            for _ in 0..64 {
                if matches!(self.advance_stream(cx, &presentation, i), Step::Rest) {
                    break;
                }
            }
        }
    }

    fn advance_stream(&mut self, cx: &mut Cx<'_>, p: &Rc<Presentation>, i: usize) -> Step {
        let Some(stream) = self.streams.get(i) else { return Step::Rest };
        if stream.ended || stream.fetching.is_some() {
            return Step::Rest;
        }
        if let Some(until) = stream.trouble.until
            && until > cx.now
        {
            cx.wake_at(until, Reason::Retry);
            return Step::Rest;
        }
        if stream.downloads.len() >= 2 || (stream.downloads.len() == 1 && !self.is_live()) {
            return Step::Rest;
        }
        let Some(stream) = self.streams.get(i) else { return Step::Rest };
        let Some(rep) = rep_of(p, stream.place) else { return Step::Rest };
        if let Some(init) = &rep.init
            && stream.init(init).is_none()
        {
            return self.fetch_init(cx, i, init.clone());
        }
        if let SegmentList::Indexed { index } = &rep.segments
            && !self.indexes.iter().any(|(r, _)| r == index)
        {
            return self.fetch_index(cx, i, rep, index.clone());
        }
        if self.start_at.is_none() {
            return Step::Rest;
        }
        let plan = self.plan(cx.now, p, i, rep);
        match plan {
            Plan::Fetch(segment) => match self.decide_rung(cx, p, i) {
                Some(place) => self.change_place(i, place),
                None => self.fetch(cx, i, rep, segment),
            },
            Plan::Later(wall) => {
                let at = self.instant_of(cx.now, wall);
                // A millisecond of grace for the origin's rounding.
                cx.wake_at(at + Duration::from_millis(1), Reason::Availability);
                Step::Rest
            }
            Plan::Room(media) => {
                let rate = self.playback.snap.rate.permille().max(500);
                // Less than the clock's grain would wake at this moment, for ever.
                let wait = (media * 1000 / rate).max(Duration::from_millis(5));
                cx.wake_at(cx.now + wait, Reason::BufferRoom);
                Step::Rest
            }
            Plan::Reload => {
                self.want_newer(cx, p, i, rep);
                Step::Rest
            }
            Plan::PeriodEnd => self.next_period(cx, p, i),
        }
    }

    /// From here on another representation is fetched.
    fn change_place(&mut self, i: usize, place: Place) -> Step {
        let Some(stream) = self.streams.get_mut(i) else { return Step::Rest };
        stream.place = place;
        Step::Again
    }

    fn plan(&self, now: Instant, p: &Presentation, i: usize, rep: &Representation) -> Plan {
        let Some(stream) = self.streams.get(i) else { return Plan::PeriodEnd };
        let list = match &rep.segments {
            SegmentList::Indexed { index } => {
                self.indexes.iter().find(|(r, _)| r == index).map_or(&rep.segments, |(_, l)| l)
            }
            list => list,
        };
        let position = match self.start_at {
            Some(at) if !self.playback.placed => at,
            _ => self.playback.position(now),
        };
        // Each time the browser had no room a quarter less is fetched ahead.
        let goal = self.goal * 3u32.pow(stream.squeezed.min(6)) / 4u32.pow(stream.squeezed.min(6));
        plan::next(&plan::View {
            list,
            period_end: p.periods.get(stream.place.period).and_then(|p| p.end),
            cursor: stream.cursor,
            position,
            goal,
            origin: self.is_live().then(|| self.origin(now)),
            growing: rep.growing,
            last_done: stream.last_done,
        })
    }

    fn fetch(&mut self, cx: &mut Cx<'_>, i: usize, rep: &Representation, s: Segment) -> Step {
        let late = self.late(cx.now) > BACKLOG;
        let Some(stream) = self.streams.get_mut(i) else { return Step::Rest };
        if s.gap {
            stream.cursor = Cursor::After { number: s.number, end: s.end };
            return Step::Again;
        }
        // Two at a time only where the second is held until the first has ended, and not where it
        // would take from a first that is late.
        let flows = stream.downloads.front().is_none_or(|d| d.got > 0);
        if !stream.downloads.is_empty() && (!rep.growing || late || !flows) {
            return Step::Rest;
        }
        let init = s.init.clone().or_else(|| rep.init.clone());
        let data = match &init {
            None => Rc::default(),
            Some(resource) => match stream.init(resource) {
                Some(data) => data,
                None => return self.fetch_init(cx, i, resource.clone()),
            },
        };
        let edge = self.edge(cx.now).unwrap_or_default();
        let Some(stream) = self.streams.get(i) else { return Step::Rest };
        let Mapping::Offset(offset_us) = rep.mapping else { return Step::Rest };
        let kind = stream.kind;
        let Some(mime) = rep.mime(kind) else { return Step::Rest };
        let length = s.end.since(s.start);
        let silent = u64::from(stream.trouble.silent.min(4));
        let patience = if rep.growing {
            // The origin may hold the request for up to two segments. In the middle of one it
            // sends a chunk a frame, or one at the slot's end while the camera is away.
            let held = length * 2 + Duration::from_secs(2);
            Patience { answer: held, flow: length + Duration::from_millis(700 + 800 * silent) }
        } else {
            Patience::even(cx.config.request_timeout)
        };
        let body = Body::Media(data.tracks.clone());
        let purpose = Purpose::Segment(kind);
        let id = self.requests.send(cx, purpose, &s.resource, body, patience);
        let quality = self.know(rep);
        let wrapping = Wrapping { init, data, mime, offset_us };
        if let Some(stream) = self.streams.get_mut(i) {
            stream.asked(id, s, wrapping, quality, cx.now, edge);
        }
        Step::Again
    }

    fn fetch_init(&mut self, cx: &mut Cx<'_>, i: usize, resource: Resource) -> Step {
        let Some(kind) = self.streams.get(i).map(|s| s.kind) else { return Step::Rest };
        let patience = Patience::even(cx.config.request_timeout);
        let id = self.requests.send(cx, Purpose::Init(kind), &resource, Body::Bytes, patience);
        if let Some(stream) = self.streams.get_mut(i) {
            stream.fetching = Some((id, resource));
        }
        Step::Rest
    }

    fn fetch_index(
        &mut self,
        cx: &mut Cx<'_>,
        i: usize,
        rep: &Representation,
        index: Resource,
    ) -> Step {
        if rep.container != Container::Mp4 {
            let error = Error {
                code: Code::NotYet,
                fatal: true,
                message: "WebM files with an index (SegmentBase) cannot be played yet; offer the \
                          film as fragmented MP4 instead."
                    .to_string(),
                url: Some(index.url),
                detail: rep.id.clone(),
            };
            self.trouble(cx, error);
            return Step::Rest;
        }
        let Some(kind) = self.streams.get(i).map(|s| s.kind) else { return Step::Rest };
        let patience = Patience::even(cx.config.request_timeout);
        let id = self.requests.send(cx, Purpose::Index(kind), &index, Body::Bytes, patience);
        if let Some(stream) = self.streams.get_mut(i) {
            stream.fetching = Some((id, index));
        }
        Step::Rest
    }

    pub(super) fn on_init(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        sent: &Sent,
        bytes: Vec<u8>,
    ) {
        let mut facts = Vec::new();
        Scanner::new(&[]).feed(&bytes, &mut facts);
        let init = facts.into_iter().find_map(|f| match f {
            Fact::Init(init) => Some(init),
            _ => None,
        });
        let webm = bytes.starts_with(&[0x1a, 0x45, 0xdf, 0xa3]);
        let Some(stream) = self.stream_mut(kind) else { return };
        stream.fetching = None;
        match init {
            Some(init) => {
                stream.trouble.failed = 0;
                let data = InitData { bytes, tracks: init.tracks };
                stream.keep_init(sent.resource.clone(), data);
            }
            None if webm => {
                stream.keep_init(sent.resource.clone(), InitData { bytes, tracks: Vec::new() });
            }
            None => {
                let error = Error {
                    code: Code::BadSegment,
                    fatal: false,
                    message: "An initialization segment has no moov box; it is asked for again."
                        .to_string(),
                    url: Some(super::error::shown(&sent.resource.url)),
                    detail: format!("{} bytes", bytes.len()),
                };
                self.refused(cx, kind, error, &Failure::Timeout);
            }
        }
    }

    pub(super) fn on_index(&mut self, cx: &mut Cx<'_>, kind: TrackKind, sent: &Sent, body: &[u8]) {
        let place = match self.stream_mut(kind) {
            Some(stream) => {
                stream.fetching = None;
                stream.place
            }
            None => return,
        };
        let rep = self.presentation.as_ref().and_then(|p| {
            let period_start = p.periods.get(place.period)?.start;
            Some((rep_of(p, place)?.clone(), period_start))
        });
        let Some((rep, period_start)) = rep else { return };
        match super::index::read(body, &sent.resource, &rep, period_start) {
            Some(list) => self.indexes.push((sent.resource.clone(), list)),
            None => {
                let error = Error {
                    code: Code::BadSegment,
                    fatal: true,
                    message: "The segment index (sidx) of this file cannot be read; check its \
                              indexRange."
                        .to_string(),
                    url: Some(super::error::shown(&sent.resource.url)),
                    detail: rep.id,
                };
                self.trouble(cx, error);
            }
        }
    }

    /// An initialization segment or an index did not come.
    pub(super) fn on_preliminary_failed(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        sent: &Sent,
        failure: Failure,
    ) {
        if let Some(stream) = self.stream_mut(kind) {
            stream.fetching = None;
        }
        let error = Error::of_request(&failure, &sent.resource.url, "the start of the media");
        if self.is_live() {
            // A new Period's or a restarted server's: the manifest knows.
            self.loader.want(cx.now);
        }
        self.refused(cx, kind, error, &failure);
    }

    /// Something of a stream failed: wait and try again, or end it when that will not help.
    fn refused(&mut self, cx: &mut Cx<'_>, kind: TrackKind, mut error: Error, failure: &Failure) {
        let live = self.is_live();
        let policy = if live { Policy::LIVE } else { Policy::ON_DEMAND };
        let Some(stream) = self.streams.iter_mut().find(|s| s.kind == kind) else { return };
        stream.trouble.failed = stream.trouble.failed.saturating_add(1);
        let failed = stream.trouble.failed;
        let told = failed > 1;
        let wait = match verdict(policy, failure, failed, cx.prng) {
            Verdict::Again(wait) => Some(wait),
            // A live server may just be starting again: only a refusal that lasts is the end.
            Verdict::Settled if live && failed < 20 => Some(policy.cap),
            Verdict::Settled => None,
        };
        match wait {
            Some(wait) => stream.trouble.until = Some(cx.now + wait),
            None => error.fatal = true,
        }
        if error.fatal || !told {
            self.trouble(cx, error);
        }
    }

    pub(super) fn on_segment_answered(&mut self, cx: &mut Cx<'_>, kind: TrackKind, id: FetchId) {
        let cmsd = self.requests.get(id).and_then(|s| s.head.cmsd.clone());
        self.note_cmsd(cx, kind, cmsd.as_deref());
        self.note_answer(cx);
    }

    pub(super) fn on_read(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        id: FetchId,
        blob: BlobId,
        len: u32,
        facts: Vec<Fact>,
    ) {
        self.note_level(cx.now);
        let Some(stream) = self.streams.iter_mut().find(|s| s.kind == kind) else { return };
        let news = stream.read(cx, id, blob, len, facts);
        let changed = core::mem::take(&mut stream.changed) && kind == TrackKind::Video;
        if let Some(live) = self.live.as_mut().filter(|_| changed) {
            live.control.relearn(cx.now);
        }
        self.on_news(cx, kind, id, news);
        self.note_read(cx, kind, id, len);
    }

    pub(super) fn on_segment_done(&mut self, cx: &mut Cx<'_>, kind: TrackKind, sent: &Sent) {
        self.note_segment(cx, kind, sent);
        self.loader.calm();
        let Some(stream) = self.streams.iter_mut().find(|s| s.kind == kind) else { return };
        let news = stream.done(cx, sent.id);
        self.on_news(cx, kind, sent.id, news);
    }

    fn on_news(&mut self, cx: &mut Cx<'_>, kind: TrackKind, id: FetchId, news: Vec<News>) {
        for item in news {
            match item {
                News::Fragment { span, fresh } => self.note_arrival(cx.now, span, fresh),
                News::Captured { at, wall } if kind == TrackKind::Video => {
                    self.note_capture(cx.now, at, wall);
                }
                News::Captured { .. } => {}
                News::Message { at, scheme, data } => {
                    self.note_message(cx.now, at, &scheme, &data);
                }
                News::Damaged { why, url } => self.on_damaged(cx, kind, id, why, &url),
            }
        }
    }

    /// The bytes are no media: an error page with status 200, a truncated file.
    fn on_damaged(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        id: FetchId,
        why: &'static str,
        url: &str,
    ) {
        let requests = &mut self.requests;
        let Some(stream) = self.streams.iter_mut().find(|s| s.kind == kind) else { return };
        let lost = stream.lost(cx, requests, id);
        requests.cancel(cx, id);
        let Some(lost) = lost else { return };
        let error = Error {
            code: Code::BadSegment,
            fatal: false,
            message: "A segment is not what it should be and is left out; check the encoder or \
                      the cache before it."
                .to_string(),
            url: Some(super::error::shown(url)),
            detail: why.to_string(),
        };
        self.skip(kind, &lost.segment);
        self.refused(cx, kind, error, &Failure::Timeout);
    }

    fn skip(&mut self, kind: TrackKind, segment: &Segment) {
        if let Some(stream) = self.stream_mut(kind) {
            stream.cursor = Cursor::After { number: segment.number, end: segment.end };
        }
    }

    pub(super) fn on_segment_failed(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        sent: &Sent,
        failure: Failure,
    ) {
        let requests = &mut self.requests;
        let Some(stream) = self.streams.iter_mut().find(|s| s.kind == kind) else { return };
        let Some(lost) = stream.lost(cx, requests, sent.id) else { return };
        if failure == Failure::Timeout {
            stream.trouble.silent = stream.trouble.silent.saturating_add(1);
        }
        if matches!(failure, Failure::Status(404 | 410)) && self.live.is_some() {
            return self.on_missing(cx, kind, &lost.segment);
        }
        if let Some(live) = &mut self.live {
            self.loader.want(cx.now);
            live.control.excuse(cx.now);
        }
        let error = Error::of_request(&failure, &sent.resource.url, "a segment");
        let settled = !crate::net::retry::passes(&failure);
        if settled && self.live.is_none() {
            return self.on_refused_segment(cx, kind, error, &lost.segment);
        }
        self.refused(cx, kind, error, &failure);
    }

    /// On demand a segment that is refused for good is left out: a hole is better than the end.
    fn on_refused_segment(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        mut error: Error,
        segment: &Segment,
    ) {
        let Some(stream) = self.stream_mut(kind) else { return };
        stream.trouble.failed = stream.trouble.failed.saturating_add(1);
        error.fatal = stream.trouble.failed >= REFUSALS;
        self.skip(kind, segment);
        self.trouble(cx, error);
    }

    /// A live segment is not there: too early, or never, or the clock is wrong, or a new Period has
    /// begun. All of these show soon: ask again, ask the clock and the manifest.
    fn on_missing(&mut self, cx: &mut Cx<'_>, kind: TrackKind, segment: &Segment) {
        let edge = self.edge(cx.now);
        let Some(stream) = self.stream_mut(kind) else { return };
        stream.trouble.missed = stream.trouble.missed.saturating_add(1);
        let missed = stream.trouble.missed;
        let wait = MISS_WAIT.saturating_mul(1 << missed.min(4).saturating_sub(1));
        stream.trouble.until = Some(cx.now + wait);
        let length = segment.end.since(segment.start);
        // What is not there after its end is lost, unless the clock is wrong.
        let over = |grace: Duration| edge.is_some_and(|edge| segment.end + grace < edge);
        if (missed >= 2 && over(length / 2)) || (missed >= MISSES && over(Duration::ZERO)) {
            stream.trouble.missed = 0;
            self.skip(kind, segment);
        }
        if missed == 1 || missed.is_multiple_of(8) {
            self.clock.doubt(cx.now);
        }
        self.loader.want(cx.now);
    }

    /// The list has no more: a newer manifest has. When depends on when the next segment is due.
    fn want_newer(&mut self, cx: &mut Cx<'_>, p: &Presentation, i: usize, rep: &Representation) {
        let _ = p;
        let Some(last) = rep.segments.last() else { return self.loader.want(cx.now) };
        let Some(stream) = self.streams.get(i) else { return };
        if !stream.downloads.is_empty() {
            return;
        }
        // It is complete one length after the last: not much use in asking much earlier.
        let length = last.end.since(last.start).min(Duration::from_secs(4));
        let since =
            self.newest_seen.filter(|(end, _)| *end >= last.end).map_or(cx.now, |(_, at)| at);
        let expected = since + length * 9 / 10;
        let at = if expected > cx.now { expected } else { cx.now + length / 8 };
        self.loader.want(at);
        if let Some(due) = self.loader.due() {
            cx.wake_at(due, Reason::ManifestRefresh);
        }
    }

    fn next_period(&mut self, cx: &mut Cx<'_>, p: &Rc<Presentation>, i: usize) -> Step {
        let Some(stream) = self.streams.get(i) else { return Step::Rest };
        let (kind, place) = (stream.kind, stream.place);
        let (Some(track), Some(rep)) = (track_of(p, place), rep_of(p, place)) else {
            return Step::Rest;
        };
        for period in place.period + 1..p.periods.len() {
            let found = place_in(p, &self.types, period, kind, track, rep);
            let start = p.periods.get(period).map(|p| p.start);
            if let (Some(place), Some(start), Some(stream)) =
                (found, start, self.streams.get_mut(i))
            {
                stream.place = place;
                stream.cursor = Cursor::At(start.max(stream.cursor.position()));
                return Step::Again;
            }
        }
        if self.is_live() {
            // The Period has ended and the next is not known yet.
            self.loader.want(cx.now);
            if let Some(due) = self.loader.due() {
                cx.wake_at(due, Reason::ManifestRefresh);
            }
        } else if let Some(stream) = self.streams.get_mut(i)
            && stream.downloads.is_empty()
        {
            stream.ended = true;
        }
        Step::Rest
    }
}
