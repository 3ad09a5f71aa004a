//! A segment that is being fetched: what is known of it, and what its reads tell.

use super::buffer::Buffer;
use super::wrapping::Wrapping;
use crate::buffer::offsets::Offsets;
use crate::media::scan::Fact;
use crate::player::cx::Cx;
use crate::player::io::{BlobId, FetchId, Output};
use crate::player::place::Place;
use crate::presentation::Segment;
use crate::time::{Duration, Instant, Position, Span, WallTime};
use alloc::string::String;
use alloc::vec::Vec;

/// A segment on its way.
#[derive(Debug)]
pub(in crate::player) struct Download {
    pub(super) id: FetchId,
    pub(super) segment: Segment,
    pub(super) place: Place,
    pub(super) wrapping: Wrapping,
    /// Which of the player's qualities it is.
    pub(super) quality: u32,
    pub(super) sent_at: Instant,
    /// The live edge at the time of the request: media after it was made later.
    pub(super) edge_at_ask: Position,
    pub(super) waiting: Vec<(BlobId, Vec<Fact>)>,
    pub(super) done: bool,
    /// Something of it is in the buffer's parser.
    pub(super) begun: bool,
    /// The fragment being received.
    pub(super) open: Option<Span>,
    /// When the origin finished the last fragment that began, and where that fragment ends. The origin says
    /// it only when it was late.
    pub(super) finished: Option<(WallTime, Position)>,
    /// When the origin finished the fragment that comes next.
    pub(super) next_finished: Option<WallTime>,
    /// The end of the last whole fragment.
    pub(super) reached: Option<Position>,
    /// Bytes of it that have come.
    pub(super) got: u64,
}

impl Download {
    /// Asked for just now.
    pub(in crate::player) const fn new(
        (id, sent_at): (FetchId, Instant),
        segment: Segment,
        place: Place,
        wrapping: Wrapping,
        quality: u32,
        edge_at_ask: Position,
    ) -> Self {
        Self {
            id,
            segment,
            place,
            wrapping,
            quality,
            sent_at,
            edge_at_ask,
            waiting: Vec::new(),
            done: false,
            begun: false,
            open: None,
            finished: None,
            next_finished: None,
            reached: None,
            got: 0,
        }
    }

    pub(in crate::player) const fn id(&self) -> FetchId {
        self.id
    }

    pub(in crate::player) const fn segment(&self) -> &Segment {
        &self.segment
    }

    /// Which representation it is of.
    pub(in crate::player) const fn place(&self) -> Place {
        self.place
    }

    pub(in crate::player) const fn sent_at(&self) -> Instant {
        self.sent_at
    }

    /// Bytes of it that have come.
    pub(in crate::player) const fn got(&self) -> u64 {
        self.got
    }

    /// The end of its last whole fragment, else its start.
    pub(in crate::player) fn arrived_to(&self) -> Position {
        self.reached.unwrap_or(self.segment.start)
    }

    /// Where the fragment begins that is being received, else the end of the last whole one, else its start.
    pub(super) fn whole_to(&self) -> Position {
        self.open.map_or_else(|| self.arrived_to(), |open| open.start)
    }
}

/// What a piece of a segment was made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    pub(super) span: Span,
    pub(super) timeline: u64,
    /// Which of the player's qualities it is.
    pub(super) quality: u32,
}

impl Source {
    pub(super) const fn of(d: &Download) -> Self {
        let span = Span { start: d.segment.start, end: d.segment.end };
        Self { span, timeline: d.segment.timeline, quality: d.quality }
    }
}

/// What appending a read told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::player) enum News {
    /// A fragment is whole; `fresh` when it was made after the segment was asked for.
    Fragment { span: Span, fresh: bool },
    /// A capture time.
    Captured { at: Position, wall: WallTime },
    /// A message, with the position it belongs to, and how far it holds where it says so.
    Message { at: Position, until: Option<Position>, scheme: String, data: Vec<u8> },
    /// The bytes are not what they should be.
    Damaged { why: &'static str },
}

/// The middle of a segment. Its edges may be rounded otherwise in another representation, so they do not
/// name it safely.
pub(in crate::player) fn middle(segment: &Segment) -> Position {
    segment.start + segment.end.since(segment.start) / 2
}

/// Frees the bytes of a download that still wait.
pub(super) fn release(cx: &mut Cx<'_>, waiting: Vec<(BlobId, Vec<Fact>)>) {
    for (blob, _) in waiting {
        cx.push(Output::Release(blob));
    }
}

/// The offset of a download's timeline, by its first fragment; the one before it ended at `after`.
pub(super) fn learn(
    d: &Download,
    offsets: &mut Offsets,
    after: Option<Position>,
    facts: &[Fact],
) -> Option<i64> {
    let segment = Span { start: d.segment.start, end: d.segment.end };
    facts.iter().find_map(|fact| match fact {
        Fact::Fragment(f) => {
            Some(offsets.of(d.segment.timeline, segment, after, f.start.as_micros()))
        }
        _ => None,
    })
}

/// Notes a fact that a read brought. Facts are noted in their order in the stream.
pub(super) fn take_fact(
    d: &mut Download,
    buffer: &mut Buffer,
    grain: &mut Duration,
    fact: Fact,
    news: &mut Vec<News>,
) {
    let offset = d.wrapping.offset_us.unwrap_or_default();
    let here = d.whole_to();
    match fact {
        Fact::Fragment(f) => {
            let start = Position::from_micros(f.start.as_micros()).offset(offset);
            let end = start + f.duration;
            d.open = Some(Span { start, end });
            d.finished = d.next_finished.take().map(|wall| (wall, end));
            *grain = f.duration;
        }
        Fact::FragmentEnd { .. } => {
            if let Some(span) = d.open.take() {
                d.reached = Some(span.end);
                buffer.note(span, d.quality);
                news.push(News::Fragment { span, fresh: span.start >= d.edge_at_ask });
            }
        }
        Fact::ProducerTime { wall, finalized: true, .. } => d.next_finished = Some(wall),
        Fact::ProducerTime { wall, media_ticks, .. } => {
            if let Some(track) = d.wrapping.data.tracks.first() {
                let us = track.timescale.to_micros(media_ticks);
                let at = Position::from_micros(us).offset(offset);
                news.push(News::Captured { at, wall });
            }
        }
        Fact::Message(m) => {
            let lasts = m.duration_ticks.map(|ticks| m.timescale.to_micros(ticks.into()));
            let until = lasts.map(|us| here.offset(us));
            news.push(News::Message { at: here, until, scheme: m.scheme, data: m.data });
        }
        Fact::Damaged { .. } | Fact::Init(_) | Fact::Index(_) => {}
    }
}
