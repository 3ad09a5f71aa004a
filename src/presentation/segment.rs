//! One media segment, as a manifest describes it.

use super::{Resource, Template};
use crate::time::{Position, WallTime};

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

impl Segment {
    /// The segment of a `template` with this number and `$Time$`. `clock`: it is available at
    /// `anchor + end - early`.
    pub(super) fn of(
        template: &Template,
        (number, time): (u64, u64),
        start: Position,
        end: Position,
        clock: Option<(WallTime, i64)>,
    ) -> Self {
        Self {
            number,
            start,
            end,
            resource: template.resource(number, time),
            init: None,
            timeline: 0,
            gap: false,
            available: clock
                .map(|(anchor, early)| anchor.offset(end.as_micros().saturating_sub(early))),
        }
    }
}
