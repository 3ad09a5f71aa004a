//! Reads a growing resource box by box: asks for the bytes it has to see, skips the rest.
use crate::time::{MediaTime, Timescale, WallTime};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// One fact about a resource, in the order of its bytes. Offsets count from the resource's start
/// (from the range's start for a request with a range).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A `moov` was read.
    Init(Init),
    /// A `moof` was read; its `mdat` follows.
    Fragment(Fragment),
    /// The `mdat` of the last fragment ends at this offset, and has arrived whole.
    FragmentEnd {
        /// Offset of the first byte after it.
        offset: u64,
    },
    /// A `prft` box (14496-12 8.16.5): media time `media` was at the encoder at `wall`.
    ProducerTime {
        /// UTC.
        wall: WallTime,
        /// In ticks of the track that the next fragment belongs to.
        media_ticks: i64,
    },
    /// A `sidx` box (14496-12 8.16.3).
    Index(Index),
    /// An `emsg` box (23009-1 5.10.3.3).
    Message(Message),
    /// The bytes are not ISO BMFF from this offset on; nothing further is read.
    Damaged {
        /// Where.
        offset: u64,
        /// What was expected.
        why: &'static str,
    },
}

/// What a `moov` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Init {
    /// Its tracks.
    pub tracks: Vec<InitTrack>,
}

/// One `trak`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitTrack {
    /// `track_ID`.
    pub id: u32,
    /// Of `mdhd`.
    pub timescale: Timescale,
    /// RFC 6381 name of its first sample entry, such as `avc1.64001f`.
    pub codec: String,
    /// `vide`, `soun`, ...
    pub handler: [u8; 4],
    /// `default_sample_duration` of `trex`, in ticks.
    pub default_sample_duration: u32,
}

/// What a `moof` says of its first track fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Offset of its first byte (of `styp` or `prft` directly before it, if there is one).
    pub offset: u64,
    /// `track_ID`.
    pub track: u32,
    /// `baseMediaDecodeTime`, plus the first sample's composition offset.
    pub start: MediaTime,
    /// Sum of the samples' durations.
    pub duration: Duration,
    /// Number of samples.
    pub samples: u32,
    /// Its first sample is a sync sample.
    pub sync: bool,
    /// Size of the fragment in bytes, `mdat` included, as far as its boxes tell.
    pub size: u64,
}

/// A `sidx`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Offset of the first byte after the box, which the references count from.
    pub anchor: u64,
    /// `timescale`.
    pub timescale: Timescale,
    /// `earliest_presentation_time`.
    pub start_ticks: i64,
    /// `first_offset`.
    pub first_offset: u64,
    /// The references.
    pub entries: Vec<IndexEntry>,
}

/// One reference of a `sidx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// It names another `sidx`, not media.
    pub is_index: bool,
    /// Bytes.
    pub size: u32,
    /// Ticks.
    pub duration_ticks: u32,
}

/// An `emsg`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `scheme_id_uri`.
    pub scheme: String,
    /// `value`.
    pub value: String,
    /// `message_data`.
    pub data: Vec<u8>,
}

/// What the scanner wants of the resource next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// The next `n` bytes: give them to [`Scanner::take`].
    Need(usize),
    /// The next `n` bytes have no interest: tell [`Scanner::skip`] as they arrive.
    Skip(u64),
    /// Nothing more will be read.
    Nothing,
}

/// The state of a reading. The driver loops: look at [`want`](Self::want); when the bytes asked for
/// have arrived, copy just them; skip as many as have arrived.
#[derive(Debug, Default)]
pub struct Scanner {}

impl Scanner {
    /// A scanner at the start of a resource. `known` are the tracks of the initialization segment,
    /// whose timescales give fragments their times; without them a scanner uses those of a `moov`
    /// it meets.
    pub fn new(known: &[InitTrack]) -> Self {
        let _ = known;
        Self::default()
    }

    /// What it wants next.
    pub fn want(&self) -> Want {
        todo!()
    }

    /// Takes the bytes that [`Want::Need`] asked for. A slice of another length is an error of the
    /// driver and ends the reading.
    pub fn take(&mut self, bytes: &[u8], out: &mut Vec<Fact>) {
        let _ = (bytes, out);
        todo!()
    }

    /// `n` bytes (at most those of [`Want::Skip`]) went by.
    pub fn skip(&mut self, n: u64, out: &mut Vec<Fact>) {
        let _ = (n, out);
        todo!()
    }

    /// Convenience for bytes in memory: buffers what is not yet enough, reads all that is.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<Fact>) {
        let _ = (bytes, out);
        todo!()
    }
}
