//! What stands before the clusters of a file, and its index.

use super::ebml::{child, children, number, whole_float};
use super::id;
use super::track::track;
use crate::media::isobmff::scan::InitTrack;
use crate::time::{Duration, MediaTime, Timescale};
use alloc::vec::Vec;

/// Nanoseconds a tick where a file does not say it (RFC 9559 5.1.2.8).
pub(super) const TICK_NS: u32 = 1_000_000;

/// The part of a file up to its `Tracks`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Offset of the first byte inside the `Segment`: positions in the index count from it.
    pub inside: u64,
    /// Nanoseconds a tick.
    pub tick_ns: u32,
    /// The length of the file; `None` where it is not known, as in a live stream.
    pub duration: Option<Duration>,
}

impl Head {
    /// A `Segment` begins, whose first byte is at `inside`.
    pub(super) const fn begin(&mut self, inside: u64) {
        (self.inside, self.tick_ns) = (inside, TICK_NS);
    }

    /// Takes what the body of an `Info` says.
    pub(super) fn info(&mut self, info: &[u8]) {
        self.tick_ns = tick_ns(info);
        let ticks = child(info, id::DURATION).and_then(whole_float);
        self.duration = ticks.map(|ticks| time(ticks, self.tick_ns).to_duration());
    }

    /// A time of the file, in microseconds.
    pub fn micros(&self, ticks: u64) -> i64 {
        time(ticks, self.tick_ns).as_micros()
    }
}

/// The tracks in the body of a `Tracks`. Those that cannot be read are left out.
pub(super) fn tracks(body: &[u8], tick_ns: u32) -> Vec<InitTrack> {
    let entries = children(body).filter(|it| it.0 == id::TRACK_ENTRY);
    entries.filter_map(|(_, entry)| track(entry, tick_ns)).collect()
}

/// Nanoseconds a tick, from the body of an `Info`.
pub(super) fn tick_ns(info: &[u8]) -> u32 {
    let scale = number(info, id::TIMESTAMP_SCALE).filter(|scale| *scale > 0);
    scale.map_or(TICK_NS, |scale| u32::try_from(scale).unwrap_or(u32::MAX))
}

/// Ticks of a file as a time.
pub(super) fn time(ticks: u64, tick_ns: u32) -> MediaTime {
    let ns = i64::try_from(ticks).unwrap_or(i64::MAX).saturating_mul(tick_ns.into());
    MediaTime::new(ns, Timescale::NANOS)
}

/// An entry of the index: a cluster that begins with a key frame, or holds one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cue {
    /// The time of the frame, in ticks.
    pub ticks: u64,
    /// Where the cluster begins, from the first byte inside the `Segment`.
    pub cluster: u64,
}

/// The index, in the file's order. `bytes` begin with a `Cues`. `None` if they do not, or if no entry is usable. An
/// entry that goes back, in the file or in time, or names the same cluster again is left out.
pub fn cues(bytes: &[u8]) -> Option<Vec<Cue>> {
    let body = child(bytes, id::CUES)?;
    let mut cues: Vec<Cue> = Vec::new();
    for (_, point) in children(body).filter(|it| it.0 == id::CUE_POINT) {
        let position = child(point, id::CUE_TRACK_POSITIONS).unwrap_or_default();
        let cluster = number(position, id::CUE_CLUSTER_POSITION);
        if let Some((ticks, cluster)) = number(point, id::CUE_TIME).zip(cluster)
            && cues.last().is_none_or(|last| last.ticks < ticks && last.cluster < cluster)
        {
            cues.push(Cue { ticks, cluster });
        }
    }
    (!cues.is_empty()).then_some(cues)
}
