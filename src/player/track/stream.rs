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
use super::download::{Download, News, Source, learn, release, take_fact};
use super::replacement::Replacement;
use super::sniff::Sniff;
use super::transport::{Piece, Transport};
use super::trouble::Trouble;
use super::wrapping::{InitData, Wrapping, mime_of};
use crate::buffer::clip;
use crate::buffer::offsets::Offsets;
use crate::buffer::plan::Cursor;
use crate::live::lateness::Lateness;
use crate::media::scan::Fact;
use crate::player::cx::Cx;
use crate::player::io::{BlobId, Body, FetchId, Output, TrackId};
use crate::player::place::{Place, rep_of};
use crate::player::requests::{Patience, Purpose, Requests};
use crate::presentation::{
    Mapping, Presentation, Representation, Resource, Segment, SegmentList, Track, TrackKind,
};
use crate::time::{Duration, Instant, Position, Span};
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Initialization segments that are kept: three rungs over two Periods, and to spare.
const INITS: usize = 8;
/// Gaps between neighbouring segments up to this are rounding errors.
pub(super) const SEAM: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(in crate::player) struct Stream {
    pub(super) id: TrackId,
    pub(super) kind: TrackKind,
    /// What is fetched.
    pub(super) place: Place,
    /// The track that was chosen first: a Period that lacks it does not change what is wanted.
    pub(super) wanted: Option<Track>,
    pub(super) cursor: Cursor,
    /// What was asked for without going elsewhere: from where, and how far.
    pub(super) run: Span,
    pub(super) downloads: VecDeque<Download>,
    /// The last segment asked for has arrived.
    pub(super) last_done: bool,
    /// Nothing more will come.
    pub(super) ended: bool,
    pub(super) buffer: Buffer,
    pub(super) trouble: Trouble,
    /// What is fetched again.
    pub(super) replacement: Replacement,
    /// How much later than the manifest says its segments are there.
    pub(super) lateness: Lateness,
    /// The duration of its last fragment. Media this close to the live edge is still being made, so it is not
    /// late.
    pub(super) grain: Duration,
    /// The length of the last segment asked for.
    pub(super) segment: Duration,
    /// An index or an initialization segment on its way.
    pub(super) fetching: Option<(FetchId, Resource)>,
    /// Where the fragment ends that was appended last, if the next one follows it.
    pub(super) reached: Option<Position>,
    inits: VecDeque<(Resource, Rc<InitData>)>,
    /// What was asked for last, as the player numbers qualities.
    pub(super) quality: Option<u32>,
    /// Its media is transmuxed here.
    pub(super) transport: Option<Transport>,
    /// Another stream's requests feed it.
    pub(super) passive: bool,
    /// Segments of a transport stream that were looked into before their turn.
    pub(super) sniff: Option<Sniff>,
}

impl Stream {
    pub(super) fn new(
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
            replacement: Replacement::default(),
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

    pub(in crate::player) const fn id(&self) -> TrackId {
        self.id
    }

    pub(in crate::player) const fn kind(&self) -> TrackKind {
        self.kind
    }

    /// What is fetched.
    pub(in crate::player) const fn place(&self) -> Place {
        self.place
    }

    /// The list of what is fetched.
    pub(in crate::player) fn list<'p>(&self, p: &'p Presentation) -> Option<&'p SegmentList> {
        Some(&rep_of(p, self.place)?.segments)
    }

    /// Nothing more will come.
    pub(in crate::player) const fn is_ended(&self) -> bool {
        self.ended
    }

    /// Its buffer.
    pub(in crate::player) const fn buffer(&self) -> &Buffer {
        &self.buffer
    }

    /// The segment on its way that was asked for first.
    pub(in crate::player) fn coming(&self) -> Option<&Download> {
        self.downloads.front()
    }

    /// What is fetched again.
    pub(in crate::player) const fn replacement(&self) -> &Replacement {
        &self.replacement
    }

    /// The same, to change it.
    pub(in crate::player) const fn replacement_mut(&mut self) -> &mut Replacement {
        &mut self.replacement
    }

    /// The segment on its way that was asked for first, or what is fetched again, if `id` brings it.
    pub(in crate::player) fn download(&self, id: FetchId) -> Option<&Download> {
        self.coming().into_iter().chain(self.replacement.coming()).find(|d| d.id == id)
    }

    /// The segment that download `id` brings.
    pub(in crate::player) fn segment_of(&self, id: FetchId) -> Option<&Segment> {
        self.downloads.iter().find(|d| d.id == id).map(Download::segment)
    }

    /// An index or an initialization segment is on its way.
    pub(in crate::player) const fn is_preparing(&self) -> bool {
        self.fetching.is_some()
    }

    /// The request for it.
    pub(in crate::player) fn fetching(&self) -> Option<FetchId> {
        self.fetching.as_ref().map(|it| it.0)
    }

    /// Its media is transmuxed here.
    pub(in crate::player) const fn is_transmuxed(&self) -> bool {
        self.transport.is_some()
    }

    /// Another track's requests feed it.
    pub(in crate::player) const fn is_passive(&self) -> bool {
        self.passive
    }

    /// A track like this is wanted in every Period.
    pub(in crate::player) fn wants(&mut self, track: Track) {
        self.wanted = Some(track);
    }

    /// The type of its media was found: its buffer is added with it.
    pub(in crate::player) fn found_type(&mut self, mime: String) {
        self.buffer.is_to_be(mime);
    }

    /// Asks for what has to be known before media can be appended.
    pub(in crate::player) fn ask_before(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        purpose: Purpose,
        resource: Resource,
    ) {
        let patience = cx.config.request_timeout;
        self.ask_patiently(cx, requests, purpose, resource, patience);
    }

    /// The same, for what may be silent for so long.
    pub(in crate::player) fn ask_patiently(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        purpose: Purpose,
        resource: Resource,
        patience: Duration,
    ) {
        let patience = Patience::even(patience);
        let id = requests.send(cx, purpose, &resource, Body::Bytes, patience);
        self.fetching = Some((id, resource));
    }

    /// What was asked for before media has come, or will not come.
    pub(in crate::player) fn preliminary_over(&mut self) {
        self.fetching = None;
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

    /// A segment has been asked for. Answers whether the one before it was of another quality.
    pub(in crate::player) fn asked(
        &mut self,
        id: FetchId,
        segment: Segment,
        wrapping: Wrapping,
        quality: u32,
        now: Instant,
        edge: Position,
    ) -> bool {
        self.cursor = Cursor::After { number: segment.number, end: segment.end };
        self.run.end = segment.end;
        self.segment = segment.end.since(segment.start);
        self.last_done = false;
        let place = self.place;
        let download = Download::new((id, now), segment, place, wrapping, quality, edge);
        self.downloads.push_back(download);
        self.quality.replace(quality) != Some(quality)
    }

    /// What a segment of `rep`, which it fetches, needs around it in the buffer.
    pub(in crate::player) fn wrapping(
        &self,
        p: Option<&Presentation>,
        rep: &Representation,
        init: Option<Resource>,
        data: Rc<InitData>,
    ) -> Option<Wrapping> {
        let offset_us = match rep.mapping {
            Mapping::Offset(us) => Some(us),
            Mapping::Learn => None,
        };
        let period = p.and_then(|p| p.periods.get(self.place.period));
        let window = period.map(|p| clip::window(p, rep.mapping)).unwrap_or_default();
        // The transmuxer says the type.
        let mime = match self.transport {
            Some(_) => self.buffer.mime().to_string(),
            None => mime_of(rep, self.kind, &data)?,
        };
        Some(Wrapping { init, data, mime, offset_us, window })
    }

    /// A read of download `id` came.
    pub(super) fn read(
        &mut self,
        cx: &mut Cx<'_>,
        offsets: &mut Offsets,
        id: FetchId,
        (blob, len): (BlobId, u32),
        facts: Vec<Fact>,
    ) -> Vec<News> {
        let mut news = Vec::new();
        let Some(facts) = self.replacement.read(id, (blob, len), facts) else { return news };
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
    pub(super) fn has_all_of(&self, id: FetchId) -> bool {
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
    pub(super) fn done(
        &mut self,
        cx: &mut Cx<'_>,
        offsets: &mut Offsets,
        id: FetchId,
    ) -> Vec<News> {
        let mut news = Vec::new();
        if self.replacement.done(cx, offsets, &mut self.buffer, id) {
            return news;
        }
        self.replacement.segment_came();
        self.trouble = Trouble::default();
        if let Some(d) = self.downloads.iter_mut().find(|d| d.id == id) {
            d.done = true;
        }
        while self.downloads.front().is_some_and(|d| d.done) {
            if let Some(d) = self.downloads.pop_front() {
                // What could not be placed.
                release(cx, d.waiting);
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

    /// Lets go of everything that is kept for it.
    pub(super) fn stop(self, cx: &mut Cx<'_>) {
        self.replacement.stop(cx);
        for d in self.downloads {
            release(cx, d.waiting);
        }
    }
}
