//! From an index in the media (`sidx`, 14496-12 8.16.3; WebM's `Cues`, RFC 9559 5.1.5) to a list of
//! segments. Where the manifest names no index of a WebM file, the file is searched for it, or for its clusters.

use crate::media::scan::{Fact, Scanner};
use crate::media::webm::search::Search;
use crate::media::webm::{self, Head, Reads};
use crate::presentation::{Listed, Mapping, Representation, Resource, Segment, SegmentList};
use crate::time::{Position, micros};
use crate::units::ByteRange;
use alloc::vec::Vec;

/// How long the last cluster is where nothing says it, microseconds.
const LAST_US: i64 = 5_000_000;

/// A segment index that was read, or is being read.
#[derive(Debug)]
pub(in crate::player) struct Index {
    /// Where it is, as the manifest says.
    pub(super) at: Resource,
    /// The segments that are known.
    pub(super) list: SegmentList,
    /// The search for more of them in a WebM file.
    search: Option<(Reads, Search, Frame)>,
}

/// Where the media's times are on the timeline.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Added to them, microseconds.
    offset_us: i64,
    end: Option<Position>,
}

impl Index {
    /// From `bytes`, read from `at`. `None` when there is no usable index in them. `init`: the beginning of the file.
    pub(in crate::player) fn read(
        bytes: &[u8],
        at: &Resource,
        rep: &Representation,
        (start, end): (Position, Option<Position>),
        init: &[u8],
    ) -> Option<Self> {
        let offset_us = match rep.mapping {
            Mapping::Offset(us) => us,
            Mapping::Learn => start.as_micros(),
        };
        let frame = Frame { offset_us, end };
        let reads = Reads::token();
        if let Some((reads, search)) = reads.and_then(|reads| Some((reads, Search::begin(bytes)?)))
        {
            let list = searched(&search, at, frame);
            return Some(Self { at: at.clone(), list, search: Some((reads, search, frame)) });
        }
        let parts = match reads.and_then(|_| webm::cues(bytes)) {
            Some(cues) => {
                let index_at = at.range.map_or(0, |range| range.first);
                by_cues(&cues, &Search::begin(init)?.head, index_at, frame)?
            }
            None => by_sidx(bytes, at)?,
        };
        let list = listed(parts, at, None, frame, true);
        Some(Self { at: at.clone(), list, search: None })
    }

    /// The part of the file that tells more; `None`: all is known.
    pub(in crate::player) fn next(&self) -> Option<Resource> {
        let (_, search, _) = self.search.as_ref()?;
        search.wants().map(|range| self.at.part(Some(range)))
    }

    /// If `part` is of the file that is searched: its bytes came; none: the file ends before it.
    pub(super) fn read_on(&mut self, part: &Resource, bytes: &[u8]) -> bool {
        let this = self.next().as_ref() == Some(part);
        let Some((_, search, frame)) = &mut self.search else { return false };
        if this {
            search.read(part.range.map_or(0, |range| range.first), bytes);
            self.list = searched(search, &self.at, *frame);
        }
        this
    }
}

/// The segments that a search has found.
fn searched(search: &Search, at: &Resource, frame: Frame) -> SegmentList {
    let over = search.wants().is_none();
    let mut parts = by_cues(&search.found, &search.head, search.at, frame).unwrap_or_default();
    if !over {
        // Where the last one ends is not known yet.
        parts.pop();
    }
    let before = ByteRange { first: 0, last: search.media_at().and_then(|at| at.checked_sub(1)) };
    listed(parts, at, Some(at.part(Some(before))), frame, over)
}

fn listed(
    parts: Vec<Part>,
    at: &Resource,
    init: Option<Resource>,
    frame: Frame,
    complete: bool,
) -> SegmentList {
    let place = |us: i64| Position::from_micros(us).offset(frame.offset_us);
    let segments: Vec<Segment> = (0..)
        .zip(parts)
        .map(|(number, part)| Segment {
            number,
            start: place(part.start_us),
            end: place(part.end_us),
            resource: at.part(Some(part.range)),
            init: init.clone(),
            timeline: 0,
            gap: false,
            available: None,
        })
        .collect();
    SegmentList::Listed(Listed { segments, complete })
}

/// A part of the file that is a segment. Times are the file's own, microseconds.
#[derive(Debug)]
struct Part {
    start_us: i64,
    end_us: i64,
    range: ByteRange,
}

fn by_sidx(bytes: &[u8], index: &Resource) -> Option<Vec<Part>> {
    let mut facts = Vec::new();
    Scanner::new(&[]).feed(bytes, &mut facts);
    let found = facts.into_iter().find_map(|f| match f {
        Fact::Index(index) => Some(index),
        _ => None,
    })?;
    let base = index.range.map_or(0, |r| r.first);
    let mut at = base.checked_add(found.anchor)?.checked_add(found.first_offset)?;
    let mut ticks = found.start_ticks;
    let mut parts = Vec::new();
    for entry in &found.entries {
        if entry.is_index {
            // An index of indexes: no producer of a single film is known to write one.
            return None;
        }
        let end_ticks = ticks.saturating_add(i64::from(entry.duration_ticks));
        let next = at.checked_add(u64::from(entry.size))?;
        parts.push(Part {
            start_us: found.timescale.to_micros(ticks),
            end_us: found.timescale.to_micros(end_ticks),
            range: ByteRange { first: at, last: Some(next.checked_sub(1)?) },
        });
        (at, ticks) = (next, end_ticks);
    }
    (!parts.is_empty()).then_some(parts)
}

/// Each cluster of the index up to the next one. The last one ends where the index begins, if that stands behind
/// the media, else with the file; its time ends with the film's, which the manifest says where the file does not.
fn by_cues(cues: &[webm::Cue], head: &Head, index_at: u64, frame: Frame) -> Option<Vec<Part>> {
    let end = frame.end.map(|end| end.offset(-frame.offset_us));
    let film_us = head.duration.map(micros).or_else(|| end.map(Position::as_micros));
    let mut parts: Vec<Part> = Vec::new();
    for cue in cues {
        let (first, start_us) = (head.inside.checked_add(cue.cluster)?, head.micros(cue.ticks));
        if let Some(before) = parts.last_mut() {
            before.end_us = start_us;
            before.range.last = Some(first.checked_sub(1)?);
        }
        let end_us = film_us.filter(|end| *end > start_us).unwrap_or(start_us + LAST_US);
        let last = (index_at > first).then(|| index_at - 1);
        parts.push(Part { start_us, end_us, range: ByteRange { first, last } });
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::webm::Cue;
    use crate::time::Duration;

    #[test]
    fn clusters_go_up_to_the_next_one_and_the_last_to_the_index_or_the_files_end() {
        let cues = [Cue { ticks: 0, cluster: 500 }, Cue { ticks: 6000, cluster: 900 }];
        let head = |ms: Option<u64>| Head {
            inside: 40,
            tick_ns: 1_000_000,
            duration: ms.map(Duration::from_millis),
        };
        let end = Some(Position::from_millis(8000));
        let cases = [
            // Where the index begins, the file's length, the Period's; the last cluster's end.
            (2000, Some(7500), end, (7_500_000, Some(1999))),
            (2000, None, end, (8_000_000, Some(1999))),
            (300, Some(7500), end, (7_500_000, None)),
            // A length that cannot be.
            (300, Some(5000), None, (11_000_000, None)),
        ];
        for (at, ms, end, (end_us, last)) in cases {
            let frame = Frame { offset_us: 0, end };
            let parts = by_cues(&cues, &head(ms), at, frame).unwrap_or_default();
            let [first, second] = parts.as_slice() else { panic!("two parts") };
            assert_eq!((first.start_us, first.end_us), (0, 6_000_000));
            assert_eq!(first.range, ByteRange { first: 540, last: Some(939) });
            assert_eq!((second.start_us, second.end_us), (6_000_000, end_us));
            assert_eq!(second.range, ByteRange { first: 940, last });
        }
    }
}
