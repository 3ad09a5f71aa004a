//! From a segment index in the media (`sidx`, 14496-12 8.16.3) to a list of segments.

use crate::media::isobmff::scan::{Fact, Scanner};
use crate::presentation::{Listed, Mapping, Representation, Resource, Segment, SegmentList};
use crate::time::Position;
use crate::units::ByteRange;
use alloc::vec::Vec;

/// The segments that `bytes`, read from `index`, name. `None` when there is no usable index in them.
pub(in crate::player) fn read(
    bytes: &[u8],
    index: &Resource,
    rep: &Representation,
    period_start: Position,
) -> Option<SegmentList> {
    let mut facts = Vec::new();
    Scanner::new(&[]).feed(bytes, &mut facts);
    let found = facts.into_iter().find_map(|f| match f {
        Fact::Index(index) => Some(index),
        _ => None,
    })?;
    let base = index.range.map_or(0, |r| r.first);
    let offset_us = match rep.mapping {
        Mapping::Offset(us) => us,
        Mapping::Learn => period_start.as_micros(),
    };
    let mut at = base.checked_add(found.anchor)?.checked_add(found.first_offset)?;
    let mut ticks = found.start_ticks;
    let mut segments = Vec::new();
    for entry in &found.entries {
        if entry.is_index {
            // An index of indexes: no producer of a single film is known to write one.
            return None;
        }
        let end_ticks = ticks.saturating_add(i64::from(entry.duration_ticks));
        let position =
            |t: i64| Position::from_micros(found.timescale.to_micros(t)).offset(offset_us);
        let next = at.checked_add(u64::from(entry.size))?;
        segments.push(Segment {
            number: segments.len() as u64,
            start: position(ticks),
            end: position(end_ticks),
            resource: index.part(Some(ByteRange { first: at, last: Some(next.checked_sub(1)?) })),
            init: None,
            timeline: 0,
            gap: false,
            available: None,
        });
        (at, ticks) = (next, end_ticks);
    }
    (!segments.is_empty()).then_some(SegmentList::Listed(Listed { segments, complete: true }))
}
