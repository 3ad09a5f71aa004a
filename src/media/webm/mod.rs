//! WebM, the subset of Matroska (RFC 9559, in EBML, RFC 8794) that browsers play.
//!
//! [`scan`] finds the clusters of a growing resource; [`Head`] is what stands before them, [`cues`] reads
//! the index, [`search`] finds it, or does without. A position in a file's index counts from the first byte
//! inside its `Segment`.

mod ebml;
mod head;
pub mod scan;
pub mod search;
mod track;

pub use ebml::Header;
pub use head::{Cue, Head, cues};

/// The element that `bytes` begin with; `None` if they are none, or too few (12 are enough).
pub fn element(bytes: &[u8]) -> Option<Header> {
    match ebml::header(bytes) {
        ebml::First::Header(header) => Some(header),
        ebml::First::Short(_) | ebml::First::Bad => None,
    }
}

/// The identifier of an index.
pub const CUES: u32 = id::CUES;

/// This build reads WebM (Cargo's feature `webm`). Whatever exists for WebM alone needs it, so that the compiler leaves
/// that out of the other builds.
#[derive(Clone, Copy, Debug)]
pub struct Reads(#[cfg(not(feature = "webm"))] core::convert::Infallible);

impl Reads {
    /// `None`: this build reads no WebM.
    #[cfg(feature = "webm")]
    pub const fn token() -> Option<Self> {
        Some(Self())
    }

    /// `None`: this build reads no WebM.
    #[cfg(not(feature = "webm"))]
    pub const fn token() -> Option<Self> {
        None
    }
}

/// The elements that are read, by identifier (RFC 9559 5.1).
mod id {
    pub(super) const EBML: u32 = 0x1A45_DFA3;
    pub(super) const SEGMENT: u32 = 0x1853_8067;
    pub(super) const SEEK_HEAD: u32 = 0x114D_9B74;
    pub(super) const SEEK_POSITION: u32 = 0x53AC;
    pub(super) const INFO: u32 = 0x1549_A966;
    pub(super) const TIMESTAMP_SCALE: u32 = 0x2A_D7B1;
    pub(super) const DURATION: u32 = 0x4489;
    pub(super) const TRACKS: u32 = 0x1654_AE6B;
    pub(super) const TRACK_ENTRY: u32 = 0xAE;
    pub(super) const TRACK_NUMBER: u32 = 0xD7;
    pub(super) const TRACK_TYPE: u32 = 0x83;
    pub(super) const CODEC_ID: u32 = 0x86;
    pub(super) const CODEC_PRIVATE: u32 = 0x63A2;
    pub(super) const DEFAULT_DURATION: u32 = 0x23_E383;
    pub(super) const VIDEO: u32 = 0xE0;
    pub(super) const PIXEL_WIDTH: u32 = 0xB0;
    pub(super) const PIXEL_HEIGHT: u32 = 0xBA;
    pub(super) const CLUSTER: u32 = 0x1F43_B675;
    pub(super) const TIMESTAMP: u32 = 0xE7;
    pub(super) const SIMPLE_BLOCK: u32 = 0xA3;
    pub(super) const BLOCK_GROUP: u32 = 0xA0;
    pub(super) const BLOCK: u32 = 0xA1;
    pub(super) const BLOCK_DURATION: u32 = 0x9B;
    pub(super) const REFERENCE_BLOCK: u32 = 0xFB;
    pub(super) const CUES: u32 = 0x1C53_BB6B;
    pub(super) const CUE_POINT: u32 = 0xBB;
    pub(super) const CUE_TIME: u32 = 0xB3;
    pub(super) const CUE_TRACK_POSITIONS: u32 = 0xB7;
    pub(super) const CUE_CLUSTER_POSITION: u32 = 0xF1;
    pub(super) const CHAPTERS: u32 = 0x1043_A770;
    pub(super) const TAGS: u32 = 0x1254_C367;
    pub(super) const ATTACHMENTS: u32 = 0x1941_A469;

    /// It stands directly in the `Segment`: where one begins, a cluster of unknown size ends.
    pub(super) const fn is_top_level(id: u32) -> bool {
        matches!(
            id,
            SEEK_HEAD
                | INFO
                | TRACKS
                | CLUSTER
                | CUES
                | CHAPTERS
                | TAGS
                | ATTACHMENTS
                | SEGMENT
                | EBML
        )
    }
}
