//! The segments of a Representation, computed or listed, behind one set of questions.

use super::Resource;
use crate::time::{MediaTime, Position, WallTime};
use alloc::string::String;
use alloc::vec::Vec;

/// One media segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its number: `$Number$` of DASH, media sequence number of HLS. Rises by one from a segment to
    /// the next within a Period.
    pub number: u64,
    /// First position, as the manifest says.
    pub start: Position,
    /// First position after it.
    pub end: Position,
    /// Where it is.
    pub resource: Resource,
    /// The initialization segment it needs, where it differs from the Representation's (EXT-X-MAP).
    pub init: Option<Resource>,
    /// Discontinuity sequence; 0 for DASH.
    pub timeline: u64,
    /// EXT-X-GAP: it is missing, do not ask for it.
    pub gap: bool,
    /// The earliest origin time at which it may be asked for; `None`: it exists.
    pub available: Option<WallTime>,
}

/// All segments of a Representation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SegmentList {
    /// Numbers and times follow from a duration (SegmentTemplate@duration).
    Numbered(Numbered),
    /// Each is listed (SegmentTimeline, SegmentList, a media playlist).
    Listed(Listed),
    /// An index inside the media has to be read first (SegmentBase): `sidx` or WebM Cues.
    Indexed {
        /// Where the index is.
        index: Resource,
    },
    /// A playlist has to be loaded first (HLS).
    Playlist {
        /// Absolute.
        url: String,
    },
}

/// A URL with `$Number$`, `$Time$`, ... left in it (23009-1 5.3.9.4.4); `$RepresentationID$`,
/// `$Bandwidth$` and `$$` are already replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(pub String);

impl Template {
    /// The URL of the segment with this number and this `$Time$`.
    pub fn expand(&self, number: u64, time: u64) -> String {
        let _ = (number, time);
        todo!()
    }
}

/// Segments of one nominal duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Their URL.
    pub template: Template,
    /// The number of the Period's first segment.
    pub first: u64,
    /// The last number, where the manifest says so.
    pub last: Option<u64>,
    /// Nominal duration of each.
    pub duration: MediaTime,
    /// The Period's start: where the first segment starts.
    pub origin: Position,
    /// The Period's end, where known.
    pub end: Option<Position>,
    /// Wall-clock time of position zero and how early a segment may be asked for, microseconds;
    /// `None` when all exist. A segment is available at `anchor + end - early`.
    pub clock: Option<(WallTime, i64)>,
}

/// Segments one by one, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Oldest first, numbers without holes.
    pub segments: Vec<Segment>,
    /// No more will come.
    pub complete: bool,
}

impl SegmentList {
    /// The segment that holds `at`; between two, the later one; before the first, the first. `None`
    /// after the last, and where the list is not loaded.
    pub fn at(&self, at: Position) -> Option<Segment> {
        let _ = at;
        todo!()
    }

    /// The segment of this number.
    pub fn numbered(&self, number: u64) -> Option<Segment> {
        let _ = number;
        todo!()
    }

    /// The first segment that can still be had at origin time `now` with a window that begins at
    /// `window`.
    pub fn first(&self, window: Position) -> Option<Segment> {
        let _ = window;
        todo!()
    }

    /// The newest segment that may be asked for at origin time `now`.
    pub fn newest(&self, now: WallTime) -> Option<Segment> {
        let _ = now;
        todo!()
    }

    /// It still has to be loaded.
    pub const fn is_pending(&self) -> bool {
        matches!(self, Self::Indexed { .. } | Self::Playlist { .. })
    }
}
