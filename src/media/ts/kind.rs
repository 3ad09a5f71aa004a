//! The content of an elementary stream, from the program map.

/// The content of an elementary stream, from its `stream_type` (ISO/IEC 13818-1 table
/// 2-34).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StreamKind {
    /// H.264, stream type 0x1b.
    H264,
    /// H.265, stream type 0x24 (or private data registered as `HEVC`).
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

/// `stream_type` of PES packets with private data; a descriptor says what it is.
const PRIVATE: u8 = 0x06;
/// `registration_descriptor` (2.6.8).
const REGISTRATION: u8 = 0x05;

impl StreamKind {
    /// From the `stream_type` and the descriptors that the program map has for the stream.
    pub(super) fn read(stream_type: u8, descriptors: &[u8]) -> Self {
        match stream_type {
            0x1b => Self::H264,
            0x24 => Self::H265,
            0x0f => Self::Aac,
            0x03 | 0x04 => Self::Mp3,
            0x15 => Self::Id3,
            PRIVATE if registered(descriptors, b"HEVC") => Self::H265,
            other => Self::Other(other),
        }
    }
}

fn registered(mut descriptors: &[u8], format: &[u8]) -> bool {
    while let [tag, length, rest @ ..] = descriptors {
        let Some((content, next)) = rest.split_at_checked(usize::from(*length)) else {
            return false;
        };
        if *tag == REGISTRATION && content.starts_with(format) {
            return true;
        }
        descriptors = next;
    }
    false
}
