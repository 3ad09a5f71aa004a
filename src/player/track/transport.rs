//! Transport streams: transmuxed here, appended as bytes of the core; one request feeds the buffers
//! of picture and sound.

use crate::media::es::aac::AacConfig;
use crate::media::transmux::{Kind, Output as Made, Transmuxer};
use crate::player::io::FetchId;
use crate::presentation::reads::Hls;
use crate::presentation::{Segment, TrackKind};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The transmuxer of one stream, and what it was fed last.
#[derive(Debug)]
pub(super) struct Transport {
    muxer: Transmuxer,
    /// The sound that is muxed into it.
    sound: Option<AacConfig>,
    last: Option<Fed>,
    /// All of that was fed.
    whole: bool,
    /// It had picture or sound.
    media: bool,
    reads: Hls,
}

/// A piece for the buffer of picture or sound: an initialization segment or a fragment.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) kind: TrackKind,
    pub(super) bytes: Vec<u8>,
    /// Of an initialization segment: the type of what follows.
    pub(super) mime: Option<String>,
    /// Of a fragment: its start and end in the stream's own times, microseconds.
    pub(super) times: Option<(i64, i64)>,
}

/// What is known of a track that appears after the others were settled.
#[derive(Clone, Debug)]
pub(in crate::player) struct Late {
    pub(in crate::player) kind: TrackKind,
    /// MIME type with codecs.
    pub(in crate::player) mime: String,
    pub(super) reads: Hls,
}

impl Piece {
    fn of(made: Made) -> Option<Self> {
        let of = |kind| match kind {
            Kind::Video => (TrackKind::Video, "video"),
            Kind::Audio => (TrackKind::Audio, "audio"),
        };
        match made {
            Made::Init { kind, codec, bytes } => {
                let (kind, top) = of(kind);
                let mime = Some(format!("{top}/mp4; codecs=\"{codec}\""));
                Some(Self { kind, bytes, mime, times: None })
            }
            Made::Fragment { kind, start, end, bytes, .. } => {
                let times = Some((start.as_micros(), end.as_micros()));
                Some(Self { kind: of(kind).0, bytes, mime: None, times })
            }
            Made::Unsupported { .. } => None,
        }
    }
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
    pub(super) fn new(reads: Hls, sound: Option<AacConfig>) -> Self {
        let mut muxer = Transmuxer::new();
        if let Some(sound) = &sound {
            muxer.expect_sound(sound.clone());
        }
        Self { muxer, sound, last: None, whole: false, media: false, reads }
    }

    /// One for new buffers, which have not had an initialization segment.
    pub(super) fn renewed(&self) -> Self {
        Self::new(self.reads, self.sound.clone())
    }

    /// Bytes of a segment, or its end. Answers what is made of them, and whether it follows on what came
    /// last.
    pub(super) fn feed(
        &mut self,
        id: FetchId,
        segment: &Segment,
        bytes: Option<&[u8]>,
    ) -> (Vec<Piece>, bool) {
        let mut made = Vec::new();
        let (number, timeline) = (segment.number, segment.timeline);
        let follows = self.turn_to(Fed { id, number, timeline });
        match bytes {
            Some(bytes) => self.muxer.push(bytes, &mut made),
            None => {
                self.whole = true;
                self.muxer.end_segment(&mut made);
            }
        }
        self.media |= made.iter().any(|it| matches!(it, Made::Fragment { .. }));
        (made.into_iter().filter_map(Piece::of).collect(), follows)
    }

    /// What it takes to read it.
    pub(super) const fn reads(&self) -> Hls {
        self.reads
    }

    /// What its sound is like, where there was some.
    pub(super) fn sound(&self) -> Option<AacConfig> {
        self.muxer.sound().cloned()
    }

    /// Segment `id` was fed last, and it had neither picture nor sound.
    pub(super) fn found_nothing(&self, id: FetchId) -> bool {
        !self.media && self.last.is_some_and(|last| last.id == id)
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
            // It does not follow the last one, which may be incomplete: what the muxer still holds is dropped.
            Some(_) => {
                self.muxer.seek();
                false
            }
            None => false,
        }
    }
}
