//! What the parsers of a SourceBuffer find.

/// A frame, in the track's own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Decoding time on the media's own timeline, microseconds.
    pub decode: i64,
    /// Presentation time, microseconds.
    pub start: i64,
    /// Microseconds.
    pub end: i64,
    /// A random access point.
    pub sync: bool,
    /// Its size.
    pub bytes: u64,
}

/// The content of an initialization segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Init {
    /// Four letters of the sample entry, such as `avc1`.
    pub codec: String,
    /// It states no duration: a live stream, which Chromium plays with low delay.
    pub unbounded: bool,
    /// Its number.
    pub(super) track: u32,
    /// Ticks in a second.
    pub(super) timescale: u32,
    /// Duration, size and flags of a sample that does not say them.
    pub(super) defaults: [u32; 3],
}

/// The parser's results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// An initialization segment.
    Init(Init),
    /// A frame whose bytes are all there.
    Frame(Frame),
}
