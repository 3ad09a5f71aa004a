//! Live segments that are not there, and how late a track's segments are.

use super::Tracks;
use super::download::middle;
use super::stream::Stream;
use super::trouble::Missing;
use crate::buffer::plan::{Cursor, SEAM};
use crate::live::lateness::SegmentKind;
use crate::player::io::TrackId;
use crate::player::place::rep_of;
use crate::presentation::{self, Presentation, Segment, SegmentList};
use crate::time::{Duration, Instant, Position, micros};

/// After this many refusals a segment is taken for missing.
const SURE_MISSES: u32 = 2;

/// What the refusal of a live segment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::player) struct Refusal {
    /// How often in a row the segment was refused.
    pub(in crate::player) count: u32,
    /// Its age in microseconds, if the origin should have it by now.
    pub(in crate::player) lost: Option<i64>,
}

impl Tracks {
    /// The origin does not have a live segment, which was asked for at this age (microseconds; negative
    /// before it is due): it is asked for again.
    pub(in crate::player) fn refused(
        &mut self,
        now: Instant,
        p: &Presentation,
        track: TrackId,
        segment: &Segment,
        age: i64,
    ) -> Option<Refusal> {
        let others = self.iter().filter(|s| s.id != track).map(|s| s.lateness.known()).max();
        let length = self.segment_length(p);
        let stream = self.get_mut(track)?;
        let rep = rep_of(p, stream.place);
        let kind = SegmentKind { length, growing: rep.is_some_and(|r| r.growing) };
        if !stream.waits_for_older(segment, rep.map(|rep| &rep.segments)) {
            stream.lateness.refused(segment.start, age, kind, others.unwrap_or_default());
            let (start, middle) = (segment.start, middle(segment));
            let (tried, tried_at) = (segment.end, now);
            stream.trouble.misses(Missing { start, middle, tried, tried_at });
        }
        let count = stream.lateness.refusals(segment.start);
        let enough = if kind.growing { SURE_MISSES + 1 } else { 1 };
        Some(Refusal { count, lost: (age >= 0 && count >= enough).then_some(age) })
    }
}

impl Stream {
    /// A segment before this refused one is missing, and is still listed: neither is there, so all are late.
    /// Fetching goes back to the older one.
    fn waits_for_older(&mut self, segment: &Segment, list: Option<&SegmentList>) -> bool {
        let listed =
            |m: &Missing| list.and_then(|l| l.at(m.middle)).is_some_and(|s| s.start == m.start);
        let older = self.trouble.missing().filter(|m| m.start < segment.start && listed(m));
        if let Some(missing) = older {
            self.cursor = Cursor::At(missing.middle);
        }
        older.is_some()
    }

    /// A newer segment to ask for in place of one that stays away, and when: if it comes, the other one is
    /// lost. `age`: of a segment now, microseconds.
    pub(in crate::player) fn newer_than_missing(
        &self,
        now: Instant,
        list: &SegmentList,
        oldest: Position,
        age: impl Fn(&Segment) -> i64,
    ) -> Option<(Segment, Instant)> {
        let missing = self.trouble.missing()?;
        if self.lateness.refusals(missing.start) < SURE_MISSES {
            return None;
        }
        let late = micros(self.lateness.known());
        let mut newer = list.at(missing.tried + SEAM)?;
        if newer.start < oldest {
            // The one at the very end of the window would be thrown away meanwhile.
            newer = list.at(oldest + (newer.end.since(newer.start) * 2))?;
        }
        let due = late.saturating_sub(age(&newer));
        let due = now + Duration::from_micros(u64::try_from(due).unwrap_or(0));
        // Where several newer ones are listed, they are not tried in quick succession.
        let due = due.max(missing.tried_at + newer.end.since(newer.start) / 2);
        Some((newer, due))
    }

    /// This segment is asked for in place of the missing one.
    pub(in crate::player) const fn tries(&mut self, newer: &Segment, now: Instant) {
        self.trouble.tries(newer.end, now);
    }

    /// A live segment is there, or begins to come; it was asked for at this age, microseconds.
    pub(in crate::player) fn segment_exists(&mut self, segment: &Segment, age: i64) {
        match self.trouble.no_longer_missing() {
            // A newer one exists, so the missing one is lost: it says nothing about lateness.
            Some(missing) if segment.start > missing.start => self.lateness.forget_refusal(),
            _ => self.lateness.arrived(segment.start, age),
        }
    }

    /// The segment that comes begins to arrive while it is made.
    pub(in crate::player) fn comes_as_made(&self) -> bool {
        self.downloads.front().is_some_and(|d| d.arrived_to() >= d.edge_at_ask)
    }

    /// How much later than usual the segment arrives that comes, with the live edge at `edge`. `usual`: the
    /// usual lateness. Time by which the origin was late with it is not counted.
    pub(in crate::player) fn late(
        &self,
        p: Option<&Presentation>,
        edge: Position,
        usual: Duration,
    ) -> Duration {
        let Some(d) = self.downloads.front() else { return Duration::ZERO };
        let made = d.finished.zip(p);
        let made = made.and_then(|((at, end), p)| Some(presentation::edge(p, at)?.since(end)));
        let expected = usual.max(self.lateness.known()).max(made.unwrap_or_default());
        edge.since(d.arrived_to()).saturating_sub(expected + self.grain)
    }

    /// One more of its segments fell silent.
    pub(in crate::player) const fn fell_silent(&mut self) {
        self.trouble.fell_silent();
    }

    /// Segments in a row that fell silent.
    pub(in crate::player) const fn silences(&self) -> u32 {
        self.trouble.count_silent()
    }

    /// How many segments in a row were left out.
    pub(in crate::player) const fn left_out(&self) -> u32 {
        self.trouble.count_left_out()
    }
}
