//! Transport streams: transmuxed here, appended as bytes of the core; one request feeds the buffers
//! of picture and sound.

use super::Tracks;
use super::stream::Stream;
use crate::media::es::aac::AacConfig;
use crate::media::transmux::{Kind, Output as Made, Transmuxer};
use crate::player::cx::Cx;
use crate::player::io::FetchId;
use crate::presentation::TrackKind;
use crate::time::{Position, Span};
use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

/// The transmuxer of one stream, and what it was fed last.
#[derive(Debug)]
pub(in crate::player) struct Transport {
    muxer: Transmuxer,
    /// The sound that is muxed into it.
    sound: Option<AacConfig>,
    last: Option<Fed>,
    /// All of that was fed.
    whole: bool,
    /// It had picture or sound.
    media: bool,
}

/// A segment: its request, number and timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fed {
    id: FetchId,
    number: u64,
    timeline: u64,
}

impl Transport {
    /// One that has been fed nothing; with `sound`, where there is to be some throughout.
    pub(in crate::player) fn new(sound: Option<AacConfig>) -> Self {
        let mut muxer = Transmuxer::new();
        if let Some(sound) = &sound {
            muxer.expect_sound(sound.clone());
        }
        Self { muxer, sound, last: None, whole: false, media: false }
    }

    /// One for new buffers, which have not had an initialization segment.
    pub(in crate::player) fn renewed(&self) -> Self {
        Self::new(self.sound.clone())
    }

    /// What comes next is of this segment; answers whether it follows on what came last.
    fn turn_to(&mut self, fed: Fed) -> bool {
        let last = self.last.replace(fed);
        if last == Some(fed) {
            return true;
        }
        let whole = core::mem::take(&mut self.whole);
        self.media = false;
        match last {
            Some(last) if last.timeline != fed.timeline => {
                self.muxer.discontinuity();
                true
            }
            Some(last) if whole && last.number.checked_add(1) == Some(fed.number) => true,
            // Another part, the same again, or the rest is missing: what was cut off is not wanted.
            Some(_) => {
                self.muxer.seek();
                false
            }
            None => false,
        }
    }
}

impl Tracks {
    /// Bytes of a transport stream came.
    pub(in crate::player) fn bytes(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        id: FetchId,
        bytes: &[u8],
    ) {
        self.transmux(cx, kind, id, Some(bytes));
    }

    /// A segment of a transport stream is whole. Answers whether there was anything in it.
    pub(in crate::player) fn bytes_end(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        id: FetchId,
    ) -> bool {
        self.transmux(cx, kind, id, None);
        let transport = self.of(kind).and_then(|s| s.transport.as_ref());
        transport.is_none_or(|t| t.media || t.last.is_none_or(|last| last.id != id))
    }

    /// A segment that was read whole before its turn.
    pub(in crate::player) fn bytes_at_once(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        id: FetchId,
        bytes: &[u8],
    ) {
        self.bytes(cx, kind, id, bytes);
        let _ = self.bytes_end(cx, kind, id);
        self.done(cx, kind, id);
    }

    fn transmux(&mut self, cx: &mut Cx<'_>, kind: TrackKind, id: FetchId, bytes: Option<&[u8]>) {
        let Some(stream) = self.list.iter_mut().find(|s| s.kind == kind) else { return };
        let Some(d) = stream.downloads.iter_mut().find(|d| d.id == id) else { return };
        let Some(transport) = &mut stream.transport else { return };
        d.got += bytes.map_or(0, |b| b.len() as u64);
        let timeline = d.segment.timeline;
        let segment = Span { start: d.segment.start, end: d.segment.end };
        let quality = d.quality;
        let mut made = Vec::new();
        let follows = transport.turn_to(Fed { id, number: d.segment.number, timeline });
        match bytes {
            Some(bytes) => transport.muxer.push(bytes, &mut made),
            None => {
                transport.whole = true;
                transport.muxer.end_segment(&mut made);
            }
        }
        transport.media |= made.iter().any(|it| matches!(it, Made::Fragment { .. }));
        if !follows {
            for stream in self.list.iter_mut().filter(|s| s.kind == kind || s.passive) {
                stream.reached = None;
            }
        }
        for output in made {
            self.append_made(cx, kind, output, (segment, timeline, quality));
        }
    }

    fn append_made(
        &mut self,
        cx: &mut Cx<'_>,
        from: TrackKind,
        made: Made,
        (segment, timeline, quality): (Span, u64, u32),
    ) {
        let (kind, bytes, times, codec) = match made {
            Made::Init { kind, codec, bytes } => (kind, bytes, None, Some(codec)),
            Made::Fragment { kind, start, end, bytes, .. } => {
                (kind, bytes, Some((start.as_micros(), end.as_micros())), None)
            }
            Made::Unsupported { .. } => return,
        };
        let to = match kind {
            Kind::Video => TrackKind::Video,
            Kind::Audio => TrackKind::Audio,
        };
        // Sound beside a rendition of its own is not wanted.
        let fits = |s: &&mut Stream| s.kind == to && (s.kind == from || s.passive);
        let Some(stream) = self.list.iter_mut().find(fits) else { return };
        let after = stream.reached;
        let offset = times.map(|(start, _)| self.offsets.of(timeline, segment, after, start));
        if let Some(codec) = codec {
            let top = if to == TrackKind::Video { "video" } else { "audio" };
            stream.buffer.turn_to(cx, &format!("{top}/mp4; codecs=\"{codec}\""));
        }
        if let Some(offset) = offset {
            stream.buffer.shift(cx, offset);
        }
        stream.buffer.put(cx, bytes);
        if let (Some((start, end)), Some(offset)) = (times, offset) {
            let at = |us: i64| Position::from_micros(us).offset(offset);
            let span = Span { start: at(start), end: at(end) };
            stream.buffer.note(span, quality);
            stream.grain = Duration::ZERO;
            stream.reached = Some(span.end);
            if let Some(d) = stream.downloads.front_mut() {
                d.reached = Some(span.end);
            }
        }
    }
}
