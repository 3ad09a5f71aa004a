//! A live segment that the origin does not have. It was requested too early, or will never exist, or the
//! clock is wrong, or a new Period has begun; soon it shows which.

use super::{Fetch, Wish};
use crate::buffer::plan::Cursor;
use crate::live::lateness;
use crate::player::cx::Cx;
use crate::player::io::{Reason, TrackId};
use crate::player::place::rep_of;
use crate::player::track::download::middle;
use crate::player::track::stream::Missing;
use crate::presentation::{Representation, Segment};
use crate::time::Instant;
use core::time::Duration;

/// After this many refusals a segment is taken for missing.
const SURE_MISSES: u32 = 2;
/// Gaps between neighbouring segments up to this are rounding errors.
const SEAM: Duration = Duration::from_millis(50);

impl Fetch<'_> {
    /// A live segment is not there: it is asked for again, and the clock and the manifest are asked.
    pub(super) fn missing(
        &mut self,
        cx: &Cx<'_>,
        track: TrackId,
        sent_at: Instant,
        segment: &Segment,
    ) {
        let Some(p) = self.rest.manifest.presentation() else { return };
        let age = self.rest.age(self.tracks, sent_at, segment);
        let other = self.tracks.iter().filter(|s| s.id != track).map(|s| s.lateness.known()).max();
        let growing =
            self.tracks.get(track).and_then(|s| rep_of(p, s.place)).is_some_and(|r| r.growing);
        let of_kind = lateness::SegmentKind { length: self.tracks.segment_length(p), growing };
        let Some(stream) = self.tracks.get_mut(track) else { return };
        // A segment that has left the list is not waited for.
        let list = rep_of(p, stream.place).map(|rep| &rep.segments);
        let listed =
            |m: &Missing| list.and_then(|l| l.at(m.middle)).is_some_and(|s| s.start == m.start);
        let newer = stream.trouble.missing.filter(|m| m.start < segment.start && listed(m));
        if let Some(missing) = newer {
            // Nor is the one after it: all are late.
            stream.cursor = Cursor::At(missing.middle);
        } else {
            stream.lateness.refused(segment.start, age, of_kind, other.unwrap_or_default());
            let (start, middle) = (segment.start, middle(segment));
            let same = stream.trouble.missing.filter(|missing| missing.start == start);
            let (tried, tried_at) = (segment.end, cx.now);
            stream.trouble.missing = same.or(Some(Missing { start, middle, tried, tried_at }));
        }
        let refusals = stream.lateness.refusals(segment.start);
        let enough = if of_kind.growing { SURE_MISSES + 1 } else { 1 };
        let lost = (age >= 0 && refusals >= enough).then_some(age);
        self.wish(Wish::Refused { count: refusals, lost });
    }

    /// A newer segment to request in place of one that stays away. If it comes, the other one is lost.
    pub(super) fn in_place_of_missing(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        rep: &Representation,
    ) -> Option<Segment> {
        let stream = self.tracks.get(track)?;
        let missing = stream.trouble.missing?;
        if stream.lateness.refusals(missing.start) < SURE_MISSES {
            return None;
        }
        let late = i64::try_from(stream.lateness.known().as_micros()).unwrap_or(i64::MAX);
        let newer = rep.segments.at(missing.tried + SEAM)?;
        let due = late.saturating_sub(self.rest.age(self.tracks, cx.now, &newer));
        let due = cx.now + Duration::from_micros(u64::try_from(due).unwrap_or(0));
        // Where several newer ones are listed, they are not tried in quick succession.
        let due = due.max(missing.tried_at + newer.end.since(newer.start) / 2);
        if due > cx.now {
            cx.wake_at(due, Reason::Availability);
            return None;
        }
        let missing = self.tracks.get_mut(track)?.trouble.missing.as_mut()?;
        (missing.tried, missing.tried_at) = (newer.end, cx.now);
        Some(newer)
    }
}
