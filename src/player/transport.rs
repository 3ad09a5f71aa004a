//! Transport streams: transmuxed here, appended as bytes of the core; one request feeds the buffers
//! of picture and sound.
//!
//! Which tracks there are, and of which codecs, is known only from the bytes, and a MediaSource wants
//! to know it before anything is appended: so the first segment is read once before the buffers are
//! added, and kept for its turn.

use super::cx::Cx;
use super::error::{Code, Error, shown};
use super::io::{Append, Body, FetchId, Output};
use super::requests::{Patience, Purpose, Sent};
use super::session::Session;
use super::stream::Stream;
use crate::media::transmux::{Kind, Output as Made, Transmuxer};
use crate::presentation::{Resource, Segment, TrackKind};
use crate::time::{Position, Span};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

/// The transmuxer of one stream, and what it was fed last.
#[derive(Debug, Default)]
pub(super) struct Transport {
    muxer: Transmuxer,
    last: Option<(u64, u64)>,
}

/// The first segment, read before its turn.
#[derive(Debug)]
pub(super) struct Sniffed {
    pub(super) resource: Resource,
    pub(super) bytes: Vec<u8>,
}

/// The codecs in a transport stream.
#[derive(Debug, Default, PartialEq, Eq)]
struct Codecs {
    video: Option<String>,
    audio: Option<String>,
    /// The name of something that cannot be transmuxed.
    other: Option<String>,
}

fn codecs(bytes: &[u8]) -> Codecs {
    let mut made = Vec::new();
    let mut muxer = Transmuxer::new();
    muxer.push(bytes, &mut made);
    muxer.end_segment(&mut made);
    let mut found = Codecs::default();
    for output in made {
        match output {
            Made::Init { kind: Kind::Video, codec, .. } => found.video = Some(codec),
            Made::Init { kind: Kind::Audio, codec, .. } => found.audio = Some(codec),
            Made::Unsupported { kind } => found.other = Some(format!("{kind:?}")),
            Made::Fragment { .. } => {}
        }
    }
    found
}

impl Session {
    /// Reads the first segment of a transport stream to learn what is in it.
    pub(super) fn sniff(&mut self, cx: &mut Cx<'_>, kind: TrackKind, segment: &Segment) {
        let patience = Patience::even(cx.config.request_timeout);
        let resource = &segment.resource;
        let id = self.requests.send(cx, Purpose::Sniff(kind), resource, Body::Bytes, patience);
        if let Some(stream) = self.stream_mut(kind) {
            stream.fetching = Some((id, resource.clone()));
        }
    }

    pub(super) fn on_sniffed(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        sent: &Sent,
        bytes: Vec<u8>,
    ) {
        if sent.is_page(&bytes) {
            if let Some(stream) = self.stream_mut(kind) {
                stream.fetching = None;
            }
            return self.unreadable(cx, kind, sent, &bytes, "the start of the media");
        }
        let found = codecs(&bytes);
        let separate = self.streams.iter().any(|s| s.kind == TrackKind::Audio);
        let Some(stream) = self.stream_mut(kind) else { return };
        stream.fetching = None;
        let place = stream.place;
        let at = stream.cursor.position();
        let video = found.video.as_ref().map(|c| format!("video/mp4; codecs=\"{c}\""));
        let audio = found.audio.as_ref().map(|c| format!("audio/mp4; codecs=\"{c}\""));
        let own = if kind == TrackKind::Video { video } else { audio.clone() };
        // A variant with sound alone looks like one with a picture until it is read.
        let (own, kind) = match (own, &audio) {
            (Some(own), _) => (own, kind),
            (None, Some(audio)) if !separate => (audio.clone(), TrackKind::Audio),
            _ => {
                let what = found.other.unwrap_or_else(|| "nothing that is known".to_string());
                let error = Error {
                    code: Code::NotYet,
                    fatal: true,
                    message: format!(
                        "The transport stream carries {what}, which cannot be played yet; encode \
                         it as H.264 with AAC."
                    ),
                    url: Some(shown(&sent.resource.url)),
                    detail: format!("{} bytes", bytes.len()),
                };
                return self.trouble(cx, error);
            }
        };
        stream.kind = kind;
        stream.set_mime(own);
        stream.transport = Some(Transport::default());
        if let (TrackKind::Video, Some(audio), false) = (kind, audio, separate) {
            let mut sound = Stream::new(TrackKind::Audio, place, audio, at);
            sound.passive = true;
            self.streams.push(sound);
        }
        self.sniffed = Some(Sniffed { resource: sent.resource.clone(), bytes });
    }

    /// The segment that was read before its turn, if this is it.
    pub(super) fn take_sniffed(&mut self, resource: &Resource) -> Option<Vec<u8>> {
        self.sniffed.take_if(|s| s.resource == *resource).map(|s| s.bytes)
    }

    /// Bytes of a transport stream came.
    pub(super) fn on_transport(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        id: FetchId,
        bytes: &[u8],
    ) {
        self.transmux(cx, kind, id, Some(bytes));
    }

    /// A segment of a transport stream is whole.
    pub(super) fn on_transport_end(&mut self, cx: &mut Cx<'_>, kind: TrackKind, id: FetchId) {
        self.transmux(cx, kind, id, None);
    }

    fn transmux(&mut self, cx: &mut Cx<'_>, kind: TrackKind, id: FetchId, bytes: Option<&[u8]>) {
        let Some(stream) = self.streams.iter_mut().find(|s| s.kind == kind) else { return };
        let Some(d) = stream.downloads.iter_mut().find(|d| d.id == id) else { return };
        let Some(transport) = &mut stream.transport else { return };
        d.got += bytes.map_or(0, |b| b.len() as u64);
        let (number, timeline) = (d.segment.number, d.segment.timeline);
        let (start, quality) = (d.segment.start, d.quality);
        let mut made = Vec::new();
        if transport.last != Some((number, timeline)) {
            match transport.last {
                Some((before, same)) if same == timeline && before + 1 == number => {}
                Some((_, same)) if same == timeline => transport.muxer.seek(),
                _ => transport.muxer.discontinuity(),
            }
            transport.last = Some((number, timeline));
        }
        match bytes {
            Some(bytes) => transport.muxer.push(bytes, &mut made),
            None => transport.muxer.end_segment(&mut made),
        }
        for output in made {
            self.append_made(cx, kind, output, (start, timeline, quality));
        }
    }

    fn append_made(
        &mut self,
        cx: &mut Cx<'_>,
        from: TrackKind,
        made: Made,
        (segment, timeline, quality): (Position, u64, u32),
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
        let offset = times.map(|(start, _)| self.offsets.of(timeline, segment, start));
        // Sound beside a rendition of its own is not wanted.
        let fits = |s: &&mut Stream| s.kind == to && (s.kind == from || s.passive);
        let Some(stream) = self.streams.iter_mut().find(fits) else { return };
        if let Some(codec) = codec {
            let top = if to == TrackKind::Video { "video" } else { "audio" };
            stream.turn_to(cx, &format!("{top}/mp4; codecs=\"{codec}\""));
        }
        if let Some(offset) = offset {
            stream.shift(cx, offset);
        }
        stream.appending = stream.appending.saturating_add(1);
        cx.push(Output::Append { buffer: to, data: Append::Bytes(bytes) });
        if let (Some((start, end)), Some(offset)) = (times, offset) {
            let at = |us: i64| Position::from_micros(us).offset(offset);
            let span = Span { start: at(start), end: at(end) };
            stream.inventory.appended(span, quality);
            stream.grain = Duration::ZERO;
            if let Some(d) = stream.downloads.front_mut() {
                d.reached = Some(span.end);
            }
        }
    }
}

impl Session {
    /// Hands a segment that was read before its turn to its stream.
    pub(super) fn feed_sniffed(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        id: FetchId,
        bytes: &[u8],
    ) {
        self.on_transport(cx, kind, id, bytes);
        self.on_transport_end(cx, kind, id);
        if let Some(stream) = self.streams.iter_mut().find(|s| s.kind == kind) {
            stream.done(cx, &mut self.offsets, id, true);
        }
    }

    /// The rest of what a passive stream shows is what its source does.
    pub(super) fn follow_sources(&mut self) {
        let ended = self.streams.iter().any(|s| !s.passive && s.ended && s.transport.is_some());
        for stream in self.streams.iter_mut().filter(|s| s.passive) {
            stream.ended = ended;
        }
    }
}
