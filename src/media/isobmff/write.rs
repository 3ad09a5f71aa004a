//! Writes CMAF initialization segments and chunks (ISO/IEC 23000-19 7.3).
//!
//! Live initialization segments have every duration 0 and no `mehd`: that is what puts Chromium's
//! pipeline into its low-delay mode.
use crate::media::es::{aac::AacConfig, h264::AvcConfig};
use crate::time::{Timescale, WallTime};
use alloc::vec::Vec;

/// What a track's samples are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SampleEntry {
    /// `avc1` with its `avcC`.
    Avc(AvcConfig),
    /// `mp4a` with its `esds`.
    Aac(AacConfig),
}

/// One track of an initialization segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// `track_ID`, from 1.
    pub id: u32,
    /// Of `mdhd`.
    pub timescale: Timescale,
    /// Its samples.
    pub entry: SampleEntry,
}

/// `ftyp` and `moov` of a live CMAF track.
pub fn init_segment(track: &Track) -> Vec<u8> {
    let _ = track;
    todo!()
}

/// One sample of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample<'a> {
    /// Its bytes.
    pub data: &'a [u8],
    /// Ticks to the next sample's decode time.
    pub duration: u32,
    /// Presentation minus decode time, ticks.
    pub composition_offset: i32,
    /// A sync sample.
    pub sync: bool,
}

/// When a chunk's first sample was captured, for its `prft`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerTime {
    /// UTC.
    pub wall: WallTime,
    /// The media time that `wall` belongs to, in ticks of the track.
    pub media_ticks: u64,
}

/// One chunk: `prft`? `moof` `mdat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// `track_ID`.
    pub track: u32,
    /// `sequence_number` of `mfhd`.
    pub sequence: u32,
    /// `baseMediaDecodeTime`, ticks.
    pub decode_time: u64,
    /// At least one.
    pub samples: &'a [Sample<'a>],
    /// Written before the `moof` when given.
    pub producer: Option<ProducerTime>,
}

/// Appends the chunk's bytes to `out`.
pub fn chunk(chunk: &Chunk<'_>, out: &mut Vec<u8>) {
    let _ = (chunk, out);
    todo!()
}
