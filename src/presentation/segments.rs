//! The segments of a Representation, computed or listed, behind one set of questions.

use super::reads::Dash;
use super::{Numbered, Resource, Segment, Timeline};
use crate::time::{Duration, Position, WallTime};
use alloc::vec::Vec;

/// The weight of the longest segment, if it has the list's mean rate.
const WHOLE: u32 = 1000;

/// All segments of a Representation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SegmentList {
    /// Numbers and times follow from a duration (SegmentTemplate@duration).
    Numbered(Numbered),
    /// Numbers follow from times (SegmentTimeline).
    Timeline(Timeline),
    /// Each is listed (SegmentList, a media playlist, an index that was read).
    Listed(Listed),
    /// An index inside the media has to be read first (SegmentBase): `sidx` or WebM Cues.
    Indexed {
        /// Where the index is.
        index: Resource,
        /// Only MPDs name one.
        reads: Dash,
    },
    /// A playlist has to be loaded first (HLS): [`Representation::playlist`](super::Representation).
    Playlist,
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
    /// What the index there will list; nothing where no MPDs are read.
    pub fn indexed(index: Resource) -> Self {
        match Dash::token() {
            Some(reads) => Self::Indexed { index, reads },
            None => Self::Listed(Listed::default()),
        }
    }

    /// The segment that holds `at`; between two segments, the later one; before the first, the
    /// first. `None` after the last, or while the list is not loaded.
    pub fn at(&self, at: Position) -> Option<Segment> {
        match self {
            Self::Numbered(numbered) => numbered.at(at),
            Self::Timeline(timeline) => timeline.at(at),
            Self::Listed(listed) => {
                let i = listed.segments.partition_point(|s| s.end <= at);
                listed.segments.get(i).cloned()
            }
            Self::Indexed { .. } | Self::Playlist => None,
        }
    }

    /// The segment of this number.
    pub fn numbered(&self, number: u64) -> Option<Segment> {
        match self {
            Self::Numbered(numbered) => numbered.numbered(number),
            Self::Timeline(timeline) => timeline.numbered(number),
            Self::Listed(listed) => {
                let i = listed.segments.partition_point(|s| s.number < number);
                listed.segments.get(i).filter(|s| s.number == number).cloned()
            }
            Self::Indexed { .. } | Self::Playlist => None,
        }
    }

    /// The newest segment that may be asked for at origin time `now`.
    pub fn newest(&self, now: WallTime) -> Option<Segment> {
        match self {
            Self::Numbered(numbered) => numbered.newest(now),
            Self::Timeline(timeline) => timeline.newest(now),
            Self::Listed(listed) => {
                let by_now = |s: &Segment| s.available.is_none_or(|available| available <= now);
                let i = listed.segments.partition_point(by_now);
                listed.segments.get(i.checked_sub(1)?).cloned()
            }
            Self::Indexed { .. } | Self::Playlist => None,
        }
    }

    /// The last segment in the manifest, available or not; `None` where segments go on without end,
    /// or while the list is not loaded.
    pub fn last(&self) -> Option<Segment> {
        match self {
            Self::Numbered(numbered) => numbered.last(),
            Self::Timeline(timeline) => timeline.last(),
            Self::Listed(listed) => listed.segments.last().cloned(),
            Self::Indexed { .. } | Self::Playlist => None,
        }
    }

    /// How long the longest listed segment is, and the size of one against what that has at the list's mean rate,
    /// thousandths. Where sizes are not listed, its length counts; where segments are not listed, all are alike.
    pub fn usual(&self, of: &Segment) -> (Duration, u32) {
        let length = |s: &Segment| s.end.since(s.start);
        let size = |s: &Segment| s.resource.range?.len();
        let Self::Listed(listed) = self else { return (length(of), WHOLE) };
        let (mut longest, mut bytes, mut ms) = (length(of), 0_u64, 0_u64);
        for segment in &listed.segments {
            longest = longest.max(length(segment));
            if let Some(size) = size(segment) {
                bytes = bytes.saturating_add(size);
                ms = ms.saturating_add(length(segment).as_millis());
            }
        }
        // What it would last at the mean rate.
        let lasts = match size(of) {
            Some(size) => size.saturating_mul(ms) / bytes.max(1),
            None => length(of).as_millis(),
        };
        let weight = lasts.saturating_mul(WHOLE.into()) / longest.as_millis().max(1);
        let weight = u32::try_from(weight).unwrap_or(u32::MAX);
        (longest, weight.clamp(WHOLE / 10, WHOLE * 10))
    }

    /// How long its segments are: the longest of the last four, for the last may be short, and one long ago very long.
    /// Zero if none is known.
    pub fn longest(&self) -> Duration {
        match self {
            Self::Numbered(numbered) => numbered.duration.to_duration(),
            Self::Timeline(timeline) => timeline.longest(),
            Self::Listed(listed) => {
                let last = listed.segments.iter().rev().take(4);
                let lengths = last.map(|s| s.end.since(s.start));
                lengths.max().unwrap_or_default()
            }
            Self::Indexed { .. } | Self::Playlist => Duration::ZERO,
        }
    }

    /// Whether it still has to be loaded.
    pub const fn is_pending(&self) -> bool {
        matches!(self, Self::Indexed { .. } | Self::Playlist)
    }

    /// Whether more segments come only with a newer manifest or playlist: the last one listed is
    /// not the Period's last.
    pub const fn grows_by_reload(&self) -> bool {
        match self {
            Self::Timeline(timeline) => !timeline.complete,
            Self::Listed(listed) => !listed.complete,
            Self::Numbered(_) | Self::Indexed { .. } | Self::Playlist => false,
        }
    }
}

#[cfg(test)]
#[path = "segments_tests.rs"]
mod tests;
