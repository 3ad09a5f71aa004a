//! What the first segments of a transport stream say of its tracks.

use crate::media::codec::Codec;
use crate::media::es::aac::AacConfig;
use crate::media::transmux::{Kind, Output as Made, Transmuxer};
use crate::media::ts::{Demuxer, Event, StreamKind};
use crate::player::io::FetchId;
use crate::presentation::reads::Hls;
use crate::presentation::{Representation, Resource, TrackKind};
use crate::time::Instant;
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
    /// The stream has no sound of its own, or its sound is not used.
    pub(super) silent: bool,
    /// Segments that were read whole.
    pub(super) bodies: Vec<Whole>,
    /// The first segment, if its beginning showed all tracks that its tables name: the rest is still coming.
    pub(super) begun: Option<Begun>,
    /// Reads the segment that is looked at, and has read so many bytes of it.
    muxer: Transmuxer,
    read: usize,
}

impl Sniff {
    /// Nothing was looked at; segment `number` is to be.
    pub(super) fn new(reads: Hls, number: u64) -> Self {
        Self {
            reads,
            found: Found::default(),
            looked: 0,
            number,
            silent: false,
            bodies: Vec::new(),
            begun: None,
            muxer: Transmuxer::new(),
            read: 0,
        }
    }

    /// A segment is looked at from its beginning.
    pub(super) fn begin(&mut self) {
        self.muxer = Transmuxer::new();
        self.read = 0;
    }

    /// Looks at what has come of a segment; `whole`: that is all of it.
    pub(super) fn look(&mut self, body: &[u8], whole: bool) {
        let mut made = Vec::new();
        self.muxer.push(body.get(self.read..).unwrap_or_default(), &mut made);
        self.read = body.len();
        if whole {
            self.muxer.end_segment(&mut made);
        }
        self.found.note(made);
        if self.found.sound.is_none() {
            self.found.sound = self.muxer.sound().cloned();
        }
    }

    /// Its beginning was read by this request, which goes on.
    pub(super) fn has_begun(&self, id: FetchId) -> bool {
        self.begun.as_ref().is_some_and(|begun| begun.id == id)
    }

    /// All that a track of this kind has to have was found.
    pub(super) const fn is_complete(&self, kind: TrackKind) -> bool {
        match kind {
            TrackKind::Video => {
                self.found.video.is_some() && (self.silent || self.found.audio.is_some())
            }
            _ => self.found.audio.is_some(),
        }
    }
}

/// A segment of which the beginning was read before its turn.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) number: u64,
    pub(super) resource: Resource,
    pub(super) id: FetchId,
}

/// What has come of a segment before its turn.
#[derive(Debug)]
pub(in crate::player) enum Sniffed {
    /// All of it.
    Whole(Vec<u8>),
    /// Its beginning, since when that came, and the request that goes on.
    Begun { id: FetchId, bytes: Vec<u8>, since: Option<Instant> },
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
    fn note(&mut self, made: Vec<Made>) {
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

/// A representation has no sound of its own, as far as the manifest says it.
pub(super) fn is_silent(rep: &Representation) -> bool {
    !rep.codecs.is_empty() && !Codec::list(&rep.codecs).any(Codec::is_audio)
}
