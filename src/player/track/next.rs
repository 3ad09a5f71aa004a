//! What a track asks for next: from where it is and what is on its way. [`crate::buffer::plan`] decides; this
//! file gathers its inputs.

use super::Tracks;
use super::buffer::AT_THE_END;
use super::stream::Stream;
use crate::buffer::plan::{self, Plan};
use crate::player::io::TrackId;
use crate::presentation::{Presentation, Representation, SegmentList};
use crate::time::{Duration, Position, WallTime};

/// What the plan is made from besides the tracks; [`plan::View`] says what each is.
#[derive(Clone, Copy, Debug)]
pub(in crate::player) struct Around<'a> {
    pub(in crate::player) list: &'a SegmentList,
    pub(in crate::player) position: Position,
    pub(in crate::player) goal: Duration,
    pub(in crate::player) origin: Option<WallTime>,
    pub(in crate::player) listed: Option<(Position, WallTime)>,
}

impl Tracks {
    /// What a track fetches next of `rep`, a representation of `p`.
    pub(in crate::player) fn plan(
        &self,
        track: TrackId,
        p: &Presentation,
        rep: &Representation,
        around: Around<'_>,
    ) -> Plan {
        let Some(stream) = self.get(track) else { return Plan::PeriodEnd };
        let Around { list, position, goal, origin, listed } = around;
        // Playback waits at a hole that is longer than the goal: measured from the element, no segment
        // behind the hole would be requested.
        let position =
            if stream.is_dry(position) { position.max(stream.fetching_at()) } else { position };
        let mut goal = stream.goal(goal);
        let ended = self.iter().any(|s| s.ended && !s.buffer.ranges().is_empty());
        if stream.left_out() > 0 || (ended && stream.buffer.squeezed() == 0) {
            // A hole does not fill the buffer, so the media after it is needed at once. And when one track
            // has ended, the browser plays the others on only after it knows where they end.
            goal = Duration::MAX;
        }
        plan::next(&plan::View {
            list,
            period_end: p.periods.get(stream.place.period).and_then(|p| p.end),
            cursor: stream.cursor,
            reached: stream.asked_to(),
            position,
            goal,
            origin,
            growing: rep.growing,
            last_done: stream.last_done,
            lateness: &stream.lateness,
            listed,
        })
    }
}

impl Stream {
    /// Nothing is on its way, and the element at `position` has played what there is.
    fn is_dry(&self, position: Position) -> bool {
        self.downloads.is_empty()
            && self.buffer.is_idle()
            && self.buffer.ranges().last().is_none_or(|span| span.end <= position + AT_THE_END)
    }

    /// It asks for nothing now: it is over, another track's requests feed it, or it waits for what has to be
    /// known before media.
    pub(in crate::player) const fn asks_nothing(&self) -> bool {
        self.ended || self.passive || self.fetching.is_some()
    }

    /// As many requests for segments are open as may be: two live, else one.
    pub(in crate::player) fn has_asked_enough(&self, live: bool) -> bool {
        self.replacement.coming().is_some() || self.downloads.len() >= if live { 2 } else { 1 }
    }

    /// A buffered segment may be fetched again: nothing is on its way, and the browser has room.
    pub(in crate::player) fn may_replace(&self) -> bool {
        let calm = self.downloads.is_empty() && self.buffer.squeezed() == 0;
        calm && self.transport.is_none() && self.replacement.may_begin()
    }

    /// A request for a segment may be made now. `beside`: also while another one is open, once media of that
    /// comes.
    pub(in crate::player) fn takes_another(&self, beside: bool) -> bool {
        self.downloads.front().is_none_or(|d| beside && d.got > 0)
    }
}
