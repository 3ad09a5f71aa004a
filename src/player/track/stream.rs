//! One track that is fetched and appended. Picture and sound differ in data only.
//!
//! ```text
//! cursor --plan--> Download --read--> [init, mapping] --Append--> SourceBuffer --Updated--> ranges
//!                  (at most two: the next may be asked for while the last one ends)
//! ```
//! Reads of the first download go to the buffer as they come; those of the second wait for the
//! first to be whole. A segment that was cut off leaves half a box in the browser's parser, so the
//! buffer is aborted before anything else goes in.

use super::buffer::Buffer;
use super::download::{Download, News, Source, learn, middle, release, take_fact};
use super::silence;
use super::sniff::Sniff;
use super::transport::{Piece, Transport};
use super::wrapping::{InitData, Wrapping};
use crate::buffer::offsets::Offsets;
use crate::buffer::plan::Cursor;
use crate::live::lateness::Lateness;
use crate::media::isobmff::scan::Fact;
use crate::player::cx::Cx;
use crate::player::error::Error;
use crate::player::io::{BlobId, Body, FetchId, Output, TrackId};
use crate::player::place::{Place, place_in, rep_of, track_of};
use crate::player::requests::{Patience, Purpose, Requests};
use crate::player::select::{Types, unplayable};
use crate::presentation::{Presentation, Resource, Segment, Track, TrackKind};
use crate::time::{Instant, Position, Span};
use crate::units::Bitrate;
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// Initialization segments that are kept: three rungs over two Periods, and to spare.
const INITS: usize = 8;

#[derive(Debug)]
pub(in crate::player) struct Stream {
    pub(in crate::player) id: TrackId,
    pub(in crate::player) kind: TrackKind,
    /// What is fetched.
    pub(in crate::player) place: Place,
    /// The track that was chosen first: a Period that lacks it does not change what is wanted.
    pub(in crate::player) wanted: Option<Rc<Track>>,
    pub(in crate::player) cursor: Cursor,
    /// What was asked for without going elsewhere: from where, and how far.
    pub(in crate::player) run: Span,
    pub(in crate::player) downloads: VecDeque<Download>,
    /// The last segment asked for has arrived.
    pub(in crate::player) last_done: bool,
    /// Nothing more will come.
    pub(in crate::player) ended: bool,
    pub(in crate::player) buffer: Buffer,
    pub(in crate::player) trouble: Trouble,
    /// How much later than the manifest says its segments are there.
    pub(in crate::player) lateness: Lateness,
    /// The duration of its last fragment. Media this close to the live edge is still being made, so it is not
    /// late.
    pub(in crate::player) grain: Duration,
    /// The length of the last segment asked for.
    pub(in crate::player) segment: Duration,
    /// An index or an initialization segment on its way.
    pub(in crate::player) fetching: Option<(FetchId, Resource)>,
    /// Where the fragment ends that was appended last, if the next one follows it.
    pub(super) reached: Option<Position>,
    inits: VecDeque<(Resource, Rc<InitData>)>,
    /// What was asked for last, as the player numbers qualities.
    pub(in crate::player) quality: Option<u32>,
    /// Its media is transmuxed here.
    pub(in crate::player) transport: Option<Transport>,
    /// Another stream's requests feed it.
    pub(in crate::player) passive: bool,
    /// Segments of a transport stream that were looked into before their turn.
    pub(super) sniff: Option<Sniff>,
}

/// A live segment that was refused.
#[derive(Clone, Copy, Debug)]
pub(in crate::player) struct Missing {
    pub(in crate::player) start: Position,
    /// A place well inside it.
    pub(in crate::player) middle: Position,
    /// Up to here newer ones were asked for in its place.
    pub(in crate::player) tried: Position,
    /// When one was refused last.
    pub(in crate::player) tried_at: Instant,
}

/// What went wrong with its segments, until one comes.
#[derive(Clone, Debug, Default)]
pub(in crate::player) struct Trouble {
    /// How many were left out before the one at the cursor.
    pub(in crate::player) left_out: u32,
    /// A segment that is not there.
    pub(in crate::player) missing: Option<Missing>,
    /// Segments in a row that fell silent.
    pub(in crate::player) silent: u32,
}

impl Stream {
    pub(in crate::player) fn new(
        id: TrackId,
        kind: TrackKind,
        place: Place,
        mime: String,
        at: Position,
    ) -> Self {
        Self {
            id,
            kind,
            place,
            wanted: None,
            cursor: Cursor::At(at),
            run: Span { start: at, end: at },
            downloads: VecDeque::new(),
            last_done: true,
            ended: false,
            buffer: Buffer::new(id, mime),
            trouble: Trouble::default(),
            lateness: Lateness::default(),
            grain: Duration::ZERO,
            segment: Duration::ZERO,
            fetching: None,
            reached: None,
            inits: VecDeque::new(),
            quality: None,
            transport: None,
            passive: false,
            sniff: None,
        }
    }

    /// Asks for what has to be known before media can be appended.
    pub(in crate::player) fn ask_before(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        purpose: Purpose,
        resource: Resource,
    ) {
        let patience = Patience::even(cx.config.request_timeout);
        let id = requests.send(cx, purpose, &resource, Body::Bytes, patience);
        self.fetching = Some((id, resource));
    }

    /// Asks for an initialization segment.
    pub(in crate::player) fn ask_init(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        resource: Resource,
    ) {
        self.ask_before(cx, requests, Purpose::Init(self.id), resource);
    }

    /// If the container of its representation cannot be played, it takes another representation or track of
    /// its kind. Answers whether it did. `url`: of the manifest.
    ///
    /// # Errors
    /// The reason, for the page, if there is no other to take.
    pub(in crate::player) fn replace_unplayable(
        &mut self,
        p: &Presentation,
        types: &Types,
        url: &str,
    ) -> Result<bool, Error> {
        let (Some(track), Some(rep)) = (track_of(p, self.place), rep_of(p, self.place)) else {
            return Ok(false);
        };
        let list = rep.playlist.as_ref().map(Resource::preferred);
        let Some(error) = unplayable(rep, list.as_deref().unwrap_or(url)) else { return Ok(false) };
        let place = place_in(p, types, self.place.period, self.kind, track, rep);
        self.place = place.ok_or(error)?;
        Ok(true)
    }

    /// The initialization segment, if it has been loaded.
    pub(in crate::player) fn init(&self, resource: &Resource) -> Option<Rc<InitData>> {
        self.inits.iter().find(|(r, _)| r == resource).map(|(_, data)| Rc::clone(data))
    }

    pub(in crate::player) fn keep_init(&mut self, resource: Resource, data: InitData) {
        if self.inits.len() >= INITS {
            self.inits.pop_front();
        }
        self.inits.push_back((resource, Rc::new(data)));
    }

    /// A segment has been asked for.
    pub(in crate::player) fn asked(
        &mut self,
        id: FetchId,
        segment: Segment,
        wrapping: Wrapping,
        quality: u32,
        now: Instant,
        edge: Position,
    ) {
        self.cursor = Cursor::After { number: segment.number, end: segment.end };
        self.run.end = segment.end;
        self.segment = segment.end.since(segment.start);
        self.last_done = false;
        self.downloads.push_back(Download {
            id,
            segment,
            place: self.place,
            wrapping,
            quality,
            sent_at: now,
            edge_at_ask: edge,
            waiting: Vec::new(),
            done: false,
            begun: false,
            open: None,
            finished: None,
            next_finished: None,
            reached: None,
            got: 0,
        });
    }

    /// A read of download `id` came.
    pub(in crate::player) fn read(
        &mut self,
        cx: &mut Cx<'_>,
        offsets: &mut Offsets,
        id: FetchId,
        (blob, len): (BlobId, u32),
        facts: Vec<Fact>,
    ) -> Vec<News> {
        let mut news = Vec::new();
        if let Some(d) = self.downloads.iter_mut().find(|d| d.id == id) {
            d.got += u64::from(len);
        }
        match self.downloads.iter().position(|d| d.id == id) {
            Some(0) => self.append(cx, offsets, blob, facts, &mut news),
            Some(i) => {
                if let Some(d) = self.downloads.get_mut(i) {
                    d.waiting.push((blob, facts));
                }
            }
            None => cx.push(Output::Release(blob)),
        }
        news
    }

    /// All media of download `id` has come, even if the answer did not end well.
    pub(in crate::player) fn has_all_of(&self, id: FetchId) -> bool {
        let mut front = self.downloads.front().into_iter();
        // The last picture of a transport stream is let out when its segment ends.
        let near = if self.transport.is_some() { SEAM } else { SEAM / 2 };
        front.any(|d| {
            let reached = d.reached.filter(|_| d.open.is_none());
            d.id == id && reached.is_some_and(|at| at + near >= d.segment.end)
        })
    }

    /// Download `id` is whole and has not half of what was expected: the next would not be asked for
    /// before its time.
    pub(in crate::player) fn breaks_off(&self, id: FetchId) -> bool {
        let d = self.downloads.iter().find(|d| d.id == id);
        d.is_some_and(|d| {
            let (start, end) = (d.segment.start, d.segment.end);
            d.reached.is_some_and(|at| end.since(at) > end.since(start) / 2)
        })
    }

    /// Download `id` is whole.
    pub(in crate::player) fn done(
        &mut self,
        cx: &mut Cx<'_>,
        offsets: &mut Offsets,
        id: FetchId,
    ) -> Vec<News> {
        let mut news = Vec::new();
        self.trouble = Trouble::default();
        if let Some(d) = self.downloads.iter_mut().find(|d| d.id == id) {
            d.done = true;
        }
        while self.downloads.front().is_some_and(|d| d.done) {
            if let Some(d) = self.downloads.pop_front() {
                // What could not be placed.
                release(cx, d);
            }
            self.buffer.segment_done();
            self.last_done = self.downloads.is_empty();
            let waiting = self.downloads.front_mut().map(|d| core::mem::take(&mut d.waiting));
            for (blob, facts) in waiting.unwrap_or_default() {
                self.append(cx, offsets, blob, facts, &mut news);
            }
        }
        news
    }

    fn append(
        &mut self,
        cx: &mut Cx<'_>,
        offsets: &mut Offsets,
        blob: BlobId,
        facts: Vec<Fact>,
        news: &mut Vec<News>,
    ) {
        let Some(d) = self.downloads.front_mut() else { return };
        let damage = facts.iter().find_map(|fact| match fact {
            Fact::Damaged { why, .. } => Some(*why),
            _ => None,
        });
        if let Some(why) = damage {
            // The browser would end the whole MediaSource over it.
            news.push(News::Damaged { why });
            return cx.push(Output::Release(blob));
        }
        if d.wrapping.offset_us.is_none() {
            d.wrapping.offset_us = learn(d, offsets, self.reached, &facts);
            if d.wrapping.offset_us.is_none() {
                // Nothing can be appended before its place is known.
                return d.waiting.push((blob, facts));
            }
            for (blob, facts) in core::mem::take(&mut d.waiting) {
                self.append(cx, offsets, blob, facts, news);
            }
        }
        let Some(d) = self.downloads.front_mut() else { return };
        if !d.begun {
            d.begun = true;
            self.buffer.prepare(cx, &d.wrapping);
        }
        self.buffer.put_part(cx, blob);
        for fact in facts {
            take_fact(d, &mut self.buffer, &mut self.grain, fact, news);
        }
        self.reached = d.reached.or(self.reached);
    }

    /// Appends a piece that was made of a segment of a transport stream.
    pub(super) fn put(
        &mut self,
        cx: &mut Cx<'_>,
        offsets: &mut Offsets,
        piece: Piece,
        source: Source,
    ) {
        let placed = piece.times.map(|(start, end)| {
            let offset = offsets.of(source.timeline, source.span, self.reached, start);
            let at = |us: i64| Position::from_micros(us).offset(offset);
            (offset, Span { start: at(start), end: at(end) })
        });
        if let Some(mime) = &piece.mime {
            return self.buffer.put_init(cx, mime, piece.bytes);
        }
        if let Some((offset, _)) = placed {
            self.buffer.shift(cx, offset);
        }
        self.buffer.put(cx, piece.bytes);
        if let Some((_, span)) = placed {
            self.buffer.note(span, source.quality);
            self.grain = Duration::ZERO;
            self.reached = Some(span.end);
            if let Some(d) = self.downloads.front_mut() {
                d.reached = Some(span.end);
            }
        }
    }

    /// Lets go of a download that failed, and of those after it; fetching goes back to it.
    pub(in crate::player) fn lost(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        id: FetchId,
    ) -> Option<Download> {
        let i = self.downloads.iter().position(|d| d.id == id)?;
        while self.downloads.len() > i + 1 {
            if let Some(later) = self.downloads.pop_back() {
                requests.cancel(cx, later.id);
                release(cx, later);
            }
        }
        let mut lost = self.downloads.pop_back()?;
        for (blob, _) in core::mem::take(&mut lost.waiting) {
            cx.push(Output::Release(blob));
        }
        self.last_done = self.downloads.is_empty();
        self.run.end = lost.segment.start;
        self.cursor = Cursor::At(middle(&lost.segment));
        Some(lost)
    }

    /// Gives up all that is on its way and goes on at `at`.
    pub(in crate::player) fn retarget(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        at: Position,
    ) {
        self.leave(cx, requests, at, false);
    }

    fn leave(&mut self, cx: &mut Cx<'_>, requests: &mut Requests, at: Position, all: bool) {
        let settled = self.settled();
        let goes_on = settled.start <= at && at <= settled.end;
        self.run = Span { start: if goes_on { settled.start } else { at }, end: at };
        while let Some(d) = self.downloads.pop_front() {
            requests.cancel(cx, d.id);
            release(cx, d);
        }
        self.buffer.leave(cx, all);
        self.reached = None;
        self.cursor = Cursor::At(at);
        self.last_done = true;
        self.ended = false;
        self.trouble = Trouble::default();
        requests.retries.had_media(self.id);
    }

    /// There is no room for what lies after `at`: what waits for room goes as well, for it would
    /// land beyond a hole, and all of it is fetched again when its time comes.
    pub(in crate::player) fn give_back(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        at: Position,
    ) {
        self.leave(cx, requests, at, true);
    }

    /// What was asked for in this run and has arrived; what is not buffered of it never will be.
    pub(in crate::player) fn settled(&self) -> Span {
        let start = self.buffer.evicted_to().map_or(self.run.start, |to| to.max(self.run.start));
        let passed = match self.cursor {
            // One that was left out is passed as well.
            Cursor::After { end, .. } => end.max(self.run.end),
            Cursor::At(_) => self.run.end,
        };
        let end = match self.downloads.front() {
            // Fragments come in order.
            Some(d) => d.open.map(|s| s.start).or(d.reached).unwrap_or(d.segment.start).min(passed),
            None => passed,
        };
        // One that is refused may still come, although a newer one is asked for.
        let end = self.trouble.missing.map_or(end, |missing| end.min(missing.start));
        Span { start, end: end.max(start) }
    }

    /// Media to fetch ahead of `goal`: each time the browser had no room a quarter less.
    pub(in crate::player) fn goal(&self, goal: Duration) -> Duration {
        let squeezed = self.buffer.squeezed().min(6);
        goal * 3u32.pow(squeezed) / 4u32.pow(squeezed)
    }

    /// It is silent over `span`.
    pub(in crate::player) fn silence(&mut self, cx: &mut Cx<'_>, span: Span) {
        silence::put(&mut self.buffer, cx, span);
        self.run.end = span.end;
    }

    /// Nothing of it is on its way.
    pub(in crate::player) fn rests(&self) -> bool {
        self.downloads.is_empty() && self.fetching.is_none()
    }

    /// The place up to which media was received, in the buffer or on the way to it; of the segment that
    /// comes, as much as its bytes say at this rate.
    pub(in crate::player) fn received(&self, at: Position, rate: Option<Bitrate>) -> Position {
        let Some(d) = self.downloads.front() else {
            return match self.cursor {
                Cursor::After { end, .. } => end,
                // It was sought, or what came is asked for again.
                Cursor::At(_) => self.buffer.ranges().end_from(at),
            };
        };
        let length = d.segment.end.since(d.segment.start);
        let bytes = rate.map_or(0, |rate| rate.bytes_in(length)).max(1);
        // The last of it is not counted before it is there: sizes differ.
        let permille =
            u32::try_from(d.got.saturating_mul(1000) / bytes).unwrap_or(u32::MAX).min(900);
        d.reached.unwrap_or(d.segment.start + length * permille / 1000)
    }

    /// The place up to which media is there or on its way, from `at` on without a hole.
    pub(in crate::player) fn covers(&self, at: Position) -> bool {
        if self.passive {
            return true;
        }
        let end = self.buffer.ranges().end_from(at);
        match self.downloads.front() {
            Some(d) => {
                let start = d.segment.start.min(d.reached.unwrap_or(d.segment.start));
                (end > at && end >= start) || (d.segment.start <= at && at < d.segment.end)
            }
            None => end > at && end + SEAM >= self.cursor.position(),
        }
    }

    /// Lets go of everything that is kept for it.
    pub(super) fn stop(self, cx: &mut Cx<'_>) {
        for d in self.downloads {
            release(cx, d);
        }
    }
}

/// Gaps between neighbouring segments up to this are rounding errors.
const SEAM: Duration = Duration::from_millis(100);
