//! MPEG-2 transport stream (ISO/IEC 13818-1): packets, program tables and PES, to access units.
use alloc::vec::Vec;

/// What an elementary stream carries, from its `stream_type` (ISO/IEC 13818-1 table 2-34).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamKind {
    /// H.264, stream type 0x1b.
    H264,
    /// H.265, stream type 0x24.
    H265,
    /// AAC in ADTS, stream type 0x0f.
    Aac,
    /// MPEG-1 or MPEG-2 audio, stream types 0x03 and 0x04.
    Mp3,
    /// ID3 metadata, stream type 0x15.
    Id3,
    /// Anything else.
    Other(u8),
}

/// What the demuxer finds, in the order of the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The program map names this stream (once a change, not once a table).
    Stream {
        /// Packet identifier.
        pid: u16,
        /// What it carries.
        kind: StreamKind,
    },
    /// One whole PES packet.
    Unit(Unit),
    /// Packets of this stream are missing (continuity counter) or damaged.
    Lost {
        /// Packet identifier.
        pid: u16,
    },
}

/// The payload of one PES packet: an access unit of video, or one or more frames of audio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Packet identifier.
    pub pid: u16,
    /// What it carries.
    pub kind: StreamKind,
    /// Presentation time in 90 kHz ticks, unwrapped over 33 bits; `None` when the PES has none.
    pub pts: Option<i64>,
    /// Decoding time, likewise; equal to `pts` where the PES has none of its own.
    pub dts: Option<i64>,
    /// The elementary stream's bytes.
    pub data: Vec<u8>,
    /// The adaptation field says that decoding can start here.
    pub random_access: bool,
}

/// An incremental demuxer: bytes in any pieces, events as soon as they are known.
#[derive(Debug, Default)]
pub struct Demuxer {}

impl Demuxer {
    /// A demuxer that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads `bytes`, appending what they complete to `out`. A PES whose length is given comes out
    /// with its last byte; one of length 0 when the next begins.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        let _ = (bytes, out);
        todo!()
    }

    /// The end of the stream: lets out what is held.
    pub fn flush(&mut self, out: &mut Vec<Event>) {
        let _ = out;
        todo!()
    }
}
