//! From an index in the media (`sidx`, 14496-12 8.16.3; WebM's `Cues`, RFC 9559 5.1.5) to a list of
//! segments. Where the manifest names no index of a WebM file, the file is searched for it, or for its clusters.

use crate::media::scan::{Fact, Scanner};
use crate::media::webm::search::{self, Search};
use crate::media::webm::{self, Head, Reads};
use crate::presentation::{
    Listed, Mapping, Period, Representation, Resource, Segment, SegmentList,
};
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

impl Frame {
    const fn place(self, us: i64) -> Position {
        Position::from_micros(us).offset(self.offset_us)
    }
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
        let mut list = Listed::default();
        let reads = Reads::token();
        if let Some((reads, search)) = reads.and_then(|reads| Some((reads, Search::begin(bytes)?)))
        {
            add_found(&mut list, &search, at, frame);
            let (at, list) = (at.clone(), SegmentList::Listed(list));
            return Some(Self { at, list, search: Some((reads, search, frame)) });
        }
        match reads.and_then(|_| webm::cues(bytes)) {
            Some(cues) => {
                let index_at = at.range.map_or(0, |range| range.first);
                add_cues(&mut list, &cues, &search::head(init)?, index_at, at, None, frame)?;
            }
            None => add_sidx(&mut list, bytes, at, frame)?,
        }
        Some(Self::all(list, at))
    }

    /// The whole file as one segment, if `at` is the beginning of the file of `rep`.
    pub(super) fn whole(at: &Resource, rep: &Representation, period: &Period) -> Option<Self> {
        let here = matches!(&rep.segments, SegmentList::Indexed { index, .. } if index == at);
        let first = at.range.is_some_and(|range| range.first == 0);
        if !here || !first {
            return None;
        }
        let end = period.end.unwrap_or(Position::from_micros(i64::MAX));
        let mut list = Listed::default();
        // A server that knows no ranges may answer this one (RFC 9110 14.2).
        add(&mut list, at, None, (period.start, end), ByteRange { first: 0, last: None });
        Some(Self::all(list, at))
    }

    /// Of which nothing more is to be read.
    fn all(list: Listed, at: &Resource) -> Self {
        let list = SegmentList::Listed(Listed { complete: true, ..list });
        Self { at: at.clone(), list, search: None }
    }

    /// The part of the file that tells more; `None`: all is known.
    pub(in crate::player) fn next(&self) -> Option<Resource> {
        let (_, search, _) = self.search.as_ref()?;
        search.wants().map(|range| self.at.part(Some(range)))
    }

    /// The media of files like this is read for the search, and once more to be played.
    pub(super) fn is_read_twice(&self) -> bool {
        self.search.as_ref().is_some_and(|(_, search, _)| search.walks())
    }

    /// If `part` is of the file that is searched: its bytes came; none: the file ends before it.
    pub(super) fn read_on(&mut self, part: &Resource, bytes: &[u8]) -> bool {
        let this = self.next().as_ref() == Some(part);
        let Some((_, search, frame)) = &mut self.search else { return false };
        if this {
            search.read(part.range.map_or(0, |range| range.first), bytes);
            if let SegmentList::Listed(list) = &mut self.list {
                add_found(list, search, &self.at, *frame);
            }
        }
        this
    }
}

/// Adds what a search has found since: a segment for each cluster.
fn add_found(list: &mut Listed, search: &Search, at: &Resource, frame: Frame) {
    let new = search.found.get(list.segments.len()..).unwrap_or_default();
    let before = ByteRange { first: 0, last: search.media_at().and_then(|at| at.checked_sub(1)) };
    let init = at.part(Some(before));
    // What lies beyond any position ends the list.
    let _ = add_cues(list, new, &search.head, search.at, at, Some(&init), frame);
    list.complete = search.wants().is_none();
    if !list.complete {
        // Where the last one ends is not known yet.
        list.segments.pop();
    }
}

/// Adds a part of the file `at` as a segment.
fn add(
    list: &mut Listed,
    at: &Resource,
    init: Option<&Resource>,
    (start, end): (Position, Position),
    range: ByteRange,
) {
    list.segments.push(Segment {
        number: list.segments.len() as u64,
        start,
        end,
        resource: at.part(Some(range)),
        init: init.cloned(),
        timeline: 0,
        gap: false,
        available: None,
    });
}

fn add_sidx(list: &mut Listed, bytes: &[u8], index: &Resource, frame: Frame) -> Option<()> {
    let mut facts = Vec::new();
    Scanner::new(&[]).feed(bytes, &mut facts);
    let found = facts.into_iter().find_map(|f| match f {
        Fact::Index(index) => Some(index),
        _ => None,
    })?;
    let base = index.range.map_or(0, |r| r.first);
    let mut at = base.checked_add(found.anchor)?.checked_add(found.first_offset)?;
    let mut ticks = found.start_ticks;
    let place = |ticks| frame.place(found.timescale.to_micros(ticks));
    for entry in &found.entries {
        if entry.is_index {
            // An index of indexes: no producer of a single film is known to write one.
            return None;
        }
        let end = ticks.saturating_add(i64::from(entry.duration_ticks));
        let next = at.checked_add(u64::from(entry.size))?;
        let range = ByteRange { first: at, last: Some(next.saturating_sub(1)) };
        add(list, index, None, (place(ticks), place(end)), range);
        (at, ticks) = (next, end);
    }
    (!list.segments.is_empty()).then_some(())
}

/// Adds each cluster of the index up to the next one. The last one ends where the index begins, if that stands behind
/// the media, else with the file; its time ends with the film's, which the manifest says where the file does not.
fn add_cues(
    list: &mut Listed,
    cues: &[webm::Cue],
    head: &Head,
    index_at: u64,
    at: &Resource,
    init: Option<&Resource>,
    frame: Frame,
) -> Option<()> {
    let film = head.duration.map(|it| frame.place(micros(it))).or(frame.end);
    for cue in cues {
        let first = head.inside.checked_add(cue.cluster)?;
        let start = frame.place(head.micros(cue.ticks));
        if let Some(before) = list.segments.last_mut() {
            before.end = start;
            before.resource.range.as_mut()?.last = Some(first.saturating_sub(1));
        }
        let end = match film {
            Some(end) if end > start => end,
            _ => start.offset(LAST_US),
        };
        let last = (index_at > first).then(|| index_at - 1);
        add(list, at, init, (start, end), ByteRange { first, last });
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::webm::Cue;
    use crate::presentation::Base;
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
        let film = Resource::new(Base::new("http://x/".into()), "film.webm".into(), None);
        let cases = [
            // Where the index begins, the file's length, the Period's; the last cluster's end.
            (2000, Some(7500), end, (7_500_000, Some(1999))),
            (2000, None, end, (8_000_000, Some(1999))),
            (300, Some(7500), end, (7_500_000, None)),
            // A length that cannot be.
            (300, Some(5000), None, (11_000_000, None)),
        ];
        for (at, ms, end, (end_us, last)) in cases {
            let (mut list, frame) = (Listed::default(), Frame { offset_us: 0, end });
            add_cues(&mut list, &cues, &head(ms), at, &film, None, frame).unwrap();
            let [first, second] = list.segments.as_slice() else { panic!("two segments") };
            let times = |it: &Segment| (it.start.as_micros(), it.end.as_micros());
            assert_eq!(times(first), (0, 6_000_000));
            assert_eq!(first.resource.range, Some(ByteRange { first: 540, last: Some(939) }));
            assert_eq!(times(second), (6_000_000, end_us));
            assert_eq!(second.resource.range, Some(ByteRange { first: 940, last }));
        }
    }
}
