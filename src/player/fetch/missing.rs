//! A live segment that the origin does not have. It was requested too early, or will never exist, or the
//! clock is wrong, or a new Period has begun; soon it shows which.

use super::{Fetch, Wish};
use crate::player::cx::Cx;
use crate::player::io::{Reason, TrackId};
use crate::presentation::{Representation, Segment};
use crate::time::Instant;

impl Fetch<'_> {
    /// A live segment is not there: it is asked for again, and the clock and the manifest are asked.
    pub(super) fn missing(
        &mut self,
        now: Instant,
        track: TrackId,
        sent_at: Instant,
        segment: &Segment,
    ) {
        let Some(p) = self.rest.manifest.presentation() else { return };
        let age = self.rest.age(self.tracks, sent_at, segment);
        if let Some(refusal) = self.tracks.refused(now, p, track, segment, age) {
            self.wish(Wish::Refused { count: refusal.count, lost: refusal.lost });
        }
    }

    /// A newer segment to request in place of one that stays away, or that the origin has thrown away by
    /// now. If it comes, the other one is lost.
    pub(super) fn in_place_of_missing(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        rep: &Representation,
    ) -> Option<Segment> {
        let age = |segment: &Segment| self.rest.age(self.tracks, cx.now, segment);
        let stream = self.tracks.get(track)?;
        let oldest = self.rest.oldest(self.tracks, cx.now).unwrap_or_default();
        let (newer, due) = stream.newer_than_missing(cx.now, &rep.segments, oldest, age)?;
        if due > cx.now {
            cx.wake_at(due, Reason::Availability);
            return None;
        }
        self.tracks.get_mut(track)?.tries(&newer, cx.now);
        Some(newer)
    }
}
