//! What the first segments of a transport stream say of its tracks.

use crate::media::codec::Codec;
use crate::media::es::aac::AacConfig;
use crate::media::transmux::{Kind, Output as Made, Transmuxer};
use crate::media::ts::{Demuxer, Event, StreamKind};
use crate::player::reads::Hls;
use crate::presentation::{Representation, Resource, TrackKind};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What was read of one stream before its turn.
#[derive(Debug)]
pub(super) struct Sniff {
    pub(super) reads: Hls,
    pub(super) found: Found,
    /// Segments looked at, and the number of the last one.
    pub(super) looked: u32,
    pub(super) number: u64,
    /// Segments that were read whole.
    pub(super) bodies: Vec<Whole>,
}

impl Sniff {
    /// Nothing was looked at; segment `number` is to be.
    pub(super) fn new(reads: Hls, number: u64) -> Self {
        Self { reads, found: Found::default(), looked: 0, number, bodies: Vec::new() }
    }
}

/// A segment of which all was read before its turn.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) number: u64,
    pub(super) resource: Resource,
    pub(super) bytes: Vec<u8>,
}

/// The tracks of a transport stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) video: Option<String>,
    pub(super) audio: Option<String>,
    pub(super) sound: Option<AacConfig>,
    /// The name of something that cannot be transmuxed.
    pub(super) other: Option<String>,
}

impl Found {
    /// Looks at a whole segment.
    pub(super) fn look(&mut self, bytes: &[u8]) {
        let mut made = Vec::new();
        let mut muxer = Transmuxer::new();
        muxer.push(bytes, &mut made);
        muxer.end_segment(&mut made);
        for output in made {
            match output {
                Made::Init { kind: Kind::Video, codec, .. } => {
                    self.video.get_or_insert(codec);
                }
                Made::Init { kind: Kind::Audio, codec, .. } => {
                    self.audio.get_or_insert(codec);
                }
                Made::Unsupported { kind } => self.other = Some(format!("{kind:?}")),
                Made::Fragment { .. } => {}
            }
        }
        if self.sound.is_none() {
            self.sound = muxer.sound().cloned();
        }
    }

    /// A segment that begins like this may have what is missing; `None`: not known yet.
    pub(super) fn promises_more(&self, beginning: &[u8]) -> Option<bool> {
        let mut events = Vec::new();
        Demuxer::new().push(beginning, &mut events);
        let mut kinds = events.iter().filter_map(|event| match event {
            Event::Stream { kind, .. } => Some(*kind),
            _ => None,
        });
        let first = kinds.next()?;
        let missing = |kind| match kind {
            StreamKind::H264 => self.video.is_none(),
            StreamKind::Aac => self.audio.is_none(),
            _ => false,
        };
        Some(missing(first) || kinds.any(missing))
    }
}

/// What a stream has to have, as far as the manifest says it.
pub(super) fn complete(
    found: &Found,
    kind: TrackKind,
    rep: &Representation,
    separate: bool,
) -> bool {
    let silent =
        separate || (!rep.codecs.is_empty() && !Codec::list(&rep.codecs).any(Codec::is_audio));
    match kind {
        TrackKind::Video => found.video.is_some() && (silent || found.audio.is_some()),
        _ => found.audio.is_some(),
    }
}
