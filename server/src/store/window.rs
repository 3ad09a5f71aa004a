//! A camera's window at one moment, as plain facts for manifests and status pages.

use super::{PeriodMs, RenditionSpec};
use std::time::Duration;

/// The whole window.
#[derive(Clone, Debug)]
pub struct Window {
    /// By track number.
    pub renditions: Vec<RenditionSpec>,
    /// How far back it reaches.
    pub window: Duration,
    /// The state of the source.
    pub status: SourceStatus,
    /// Oldest first.
    pub periods: Vec<PeriodInfo>,
    /// By track number: the HLS media sequence number of the oldest segment. It rises by one with
    /// each segment that leaves the window; it starts from the clock.
    pub media_sequences: Vec<u64>,
}

impl Window {
    /// Whether `rendition` is one of the camera's and has no finished segment yet.
    pub fn lists_nothing(&self, rendition: &str) -> bool {
        let Some(track) = self.renditions.iter().position(|r| r.id == rendition) else {
            return false;
        };
        let tracks = self.periods.iter().flat_map(|p| &p.tracks).filter(|t| t.track == track);
        !tracks.flat_map(|t| &t.segments).any(|s| s.complete)
    }
}

/// The state of a camera, as shown to viewers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceStatus {
    /// `connecting`, `live`, `offline`, ...
    pub state: &'static str,
    /// A plain sentence; empty while all is well.
    pub cause: String,
}

/// A Period.
#[derive(Clone, Debug)]
pub struct PeriodInfo {
    /// Its start, Unix milliseconds.
    pub ms: PeriodMs,
    /// The number of its first slot.
    pub first_number: u64,
    /// Nominal length of a slot, microseconds.
    pub duration_us: u64,
    /// Its segments have different lengths: list them.
    pub listed: bool,
    /// The HLS discontinuity sequence: rises by one with each Period, likewise from the clock.
    pub sequence: u64,
    /// Those that have an initialization segment.
    pub tracks: Vec<RenditionInfo>,
}

/// A rendition in a Period.
#[derive(Clone, Debug)]
pub struct RenditionInfo {
    /// Index into [`Window::renditions`].
    pub track: usize,
    /// RFC 6381.
    pub codec: String,
    /// Width and height of a picture.
    pub size: Option<(u32, u32)>,
    /// Channels of sound.
    pub channels: Option<u8>,
    /// Ticks in a second.
    pub timescale: u32,
    /// The highest rate of a segment, bits a second; 0 before the first is finished.
    pub peak_bps: u64,
    /// Oldest first; the last may be growing.
    pub segments: Vec<SegmentInfo>,
}

/// A segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its number.
    pub number: u64,
    /// Its first decode time, ticks.
    pub start_ticks: u64,
    /// Its length, ticks; while it grows, the length so far.
    pub duration_ticks: u64,
    /// It is finished.
    pub complete: bool,
    /// The type of stream access point that it begins with (ISO/IEC 14496-12 annex I); 0 for none.
    pub sap_type: u8,
}
