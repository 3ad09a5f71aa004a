//! What a transmuxer puts out.

use crate::media::isobmff::write::{self, Chunk, Sample, SampleEntry, Track};
use crate::media::ts::StreamKind;
use crate::time::{MediaTime, Timescale};
use alloc::string::String;
use alloc::vec::Vec;

/// One of the two output tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// H.264.
    Video,
    /// AAC.
    Audio,
}

/// The transmuxer's output, in the order in which a SourceBuffer of the kind must get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// An initialization segment: before the first fragment of a kind, and when its codec's
    /// configuration changes.
    Init {
        /// The track.
        kind: Kind,
        /// RFC 6381 name.
        codec: String,
        /// The bytes to append.
        bytes: Vec<u8>,
    },
    /// Media.
    Fragment {
        /// The track.
        kind: Kind,
        /// The earliest presentation time in it, on the stream's own clock.
        start: MediaTime,
        /// The latest end of a presentation in it.
        end: MediaTime,
        /// Its first sample is a sync sample.
        sync: bool,
        /// The bytes to append.
        bytes: Vec<u8>,
    },
    /// The program has a stream of a type that is not converted to CMAF.
    Unsupported {
        /// What it carries.
        kind: StreamKind,
    },
}

/// `track_ID` of both: each has its own SourceBuffer.
const TRACK: u32 = 1;

/// An initialization segment.
pub(super) fn init(kind: Kind, timescale: Timescale, entry: SampleEntry) -> Output {
    let codec = entry.codec_string();
    Output::Init { kind, codec, bytes: write::init_segment(&Track { id: TRACK, timescale, entry }) }
}

/// The bytes of a fragment.
pub(super) fn fragment(sequence: u32, decode_time: i64, samples: &[Sample<'_>]) -> Vec<u8> {
    let decode_time = u64::try_from(decode_time).unwrap_or(0);
    let mut bytes = Vec::new();
    write::chunk(
        &Chunk { track: TRACK, sequence, decode_time, samples, producer: None },
        &mut bytes,
    );
    bytes
}
