//! Where to play: the start, the distance to the edge, stalls, holes, the viewer's seeks.
//!
//! ```text
//! start_at --media there--> placed (Seek, Play) --runs--> steered by rate
//!    ^                         |  stall: seek to edge - wanted once media is there again
//!    +------- far behind ------+  hole: seek over it
//! ```
//! A jump is a new start: the old picture stays until media at the new place is there.

use super::cx::Cx;
use super::io::{Output, Reason};
use super::opening::rep_of;
use super::playback::{Change, Stalls};
use super::session::Session;
use crate::buffer::gaps::Way;
use crate::time::{Instant, Position, Span};
use core::time::Duration;

/// Media that arrived this far behind the edge is the newest there is.
pub(super) const CAUGHT_UP: Duration = Duration::from_millis(250);
/// A backlog that has not been worked off by then is not waited for.
const BACKLOG_PATIENCE: Duration = Duration::from_millis(300);
/// A stall longer than this is an outage: a wider buffer would not have bridged it.
const OUTAGE: Duration = Duration::from_millis(1500);
/// Who stood so long goes on at the edge, if what it missed comes within [`RETURN`].
const STOOD: Duration = Duration::from_millis(500);
const RETURN: Duration = Duration::from_secs(3);

impl Session {
    pub(super) fn set_start(&mut self, cx: &mut Cx<'_>, at: Position) {
        self.start_at = Some(at);
        let Some(p) = self.manifest.shared() else { return };
        let period = p.periods.iter().rposition(|period| period.start <= at);
        for stream in self.streams.iter_mut() {
            if let Some(period) = period
                && period != stream.place.period
                && let (Some(track), Some(rep)) =
                    (super::opening::track_of(&p, stream.place), rep_of(&p, stream.place))
                && let Some(place) =
                    super::opening::place_in(&p, &self.types, period, stream.kind, track, rep)
            {
                stream.place = place;
            }
            if !stream.covers(at) {
                stream.retarget(cx, &mut self.requests, at);
            }
        }
    }

    pub(super) fn advance_start(&mut self, cx: &mut Cx<'_>) {
        if self.start_at.is_some() {
            return;
        }
        let Some(p) = self.manifest.shared() else { return };
        self.note_lists(cx.now);
        if !self.is_live() {
            let start = p.periods.first().map(|p| p.start).unwrap_or_default();
            return self.set_start(cx, start);
        }
        if !self.clock.ready(cx.now) {
            return cx.wake_at(cx.now + Duration::from_millis(100), Reason::Timeout);
        }
        if self.edge.is_sought() {
            return;
        }
        match self.live_entry(cx.now) {
            Some(at) => self.set_start(cx, at),
            None => {
                if let Some((edge, _, view)) = self.edge_parts() {
                    edge.seek_beginning(cx, &view);
                }
            }
        }
    }

    /// Puts the element where the start is to be, once media is there.
    pub(super) fn advance_place(&mut self, cx: &mut Cx<'_>) {
        let Some(at) = self.start_at.filter(|_| !self.playback.placed) else { return };
        let common = self.streams.common();
        let growing = self.live.as_ref().is_some_and(|l| l.growing && l.following);
        let to = if growing {
            let Some(span) = common.last().filter(|s| s.end > at) else { return };
            self.live_place(cx, span)
        } else if common.holds(at) {
            Some(at)
        } else {
            // The first segment may begin a little later than the manifest says, or be left out.
            match self.way(at) {
                Way::To(to) if common.holds(to) => Some(to),
                Way::To(to) => return self.set_start(cx, to),
                _ => None,
            }
        };
        let Some(to) = to else { return };
        let there = self.playback.snap.position == to && !self.is_live();
        if there {
            self.playback.place(cx.now, to);
        } else {
            self.playback.seek(cx.now, to);
            cx.push(Output::Seek(to));
        }
        if let Some(live) = &mut self.live {
            live.waiting_since = None;
            live.control.moved(cx.now);
        }
        let again = core::mem::take(&mut self.play_again);
        if again || (cx.config.autoplay && self.playback.moved.is_none()) {
            cx.push(Output::Play);
        }
    }

    fn live_place(&mut self, cx: &mut Cx<'_>, span: Span) -> Option<Position> {
        let edge = self.edge(cx.now)?;
        let shows = self.playback.runs() || self.playback.moved.is_none();
        let live = self.live.as_mut()?;
        let since = *live.waiting_since.get_or_insert(cx.now);
        let floor = live.control.floor(cx.now);
        let caught_up = edge.since(span.end) <= CAUGHT_UP;
        if span.end.since(span.start) < floor
            || (!caught_up && shows && cx.now.since(since) < BACKLOG_PATIENCE)
        {
            cx.wake_at(cx.now + BACKLOG_PATIENCE, Reason::LiveControl);
            return None;
        }
        Some(live.control.entry(cx.now, edge, Some(span.end)).max(span.start))
    }

    pub(super) fn on_change(&mut self, cx: &mut Cx<'_>, change: Change, shown_again: bool) {
        let now = cx.now;
        if change.started && self.figures.startup.is_none() {
            self.figures.startup = Some(now.since(self.began));
        }
        if change.stalled && self.camera.away() {
            let own = self.playback.stalls;
            let before = Stalls { count: own.count.saturating_sub(1), ..own };
            self.playback.blame_source(before);
            self.source_changed(now);
        } else if change.stalled
            && let Some(live) = &mut self.live
            && live.following
        {
            live.control.underflow(now);
        }
        if let Some(lasted) = change.resumed {
            if lasted > OUTAGE {
                self.source_changed(now);
            }
            if let Some(live) = self.live.as_mut().filter(|_| lasted > STOOD) {
                live.returning = Some(now + RETURN);
            }
            cx.emit(super::event::Event::StallEnded { lasted });
        }
        if let Some(at) = change.viewer_seek {
            self.on_viewer_seek(cx, at);
        }
        if shown_again {
            self.reenter_if_late(cx, Duration::from_millis(500));
        }
    }

    fn on_viewer_seek(&mut self, cx: &mut Cx<'_>, at: Position) {
        let edge = self.edge(cx.now);
        let oldest = self.oldest(cx.now);
        let mut to = at;
        if let (Some(live), Some(edge)) = (&mut self.live, edge) {
            let near = live.control.wanted(cx.now) + Duration::from_secs(1);
            live.following = at >= edge - near;
            live.control.moved(cx.now);
            if at > edge {
                return self.reenter(cx);
            }
            to = at.max(oldest.unwrap_or(at));
        }
        to = match self.way(to) {
            Way::To(behind) => behind,
            Way::Over => self.last_look().filter(|last| *last < to).unwrap_or(to),
            Way::Here | Way::Wait | Way::Ask => to,
        };
        self.playback.placed = true;
        self.set_start(cx, to);
        if to != at {
            self.jump(cx, to);
        }
    }

    /// The oldest place that can still be fetched when its turn comes.
    fn oldest(&self, now: Instant) -> Option<Position> {
        let p = self.manifest.presentation()?;
        let (oldest, edge) = self.window(now)?;
        let length = self.streams.segment_length(p);
        Some((oldest + length.max(Duration::from_secs(2))).min(edge))
    }

    /// The origin's clock was taken for later than it is: what is aimed at lies in the future.
    pub(super) fn on_clock_set_back(&mut self, cx: &mut Cx<'_>) {
        if self.start_at.is_some() && self.live.as_ref().is_some_and(|l| l.following) {
            self.reenter(cx);
        }
    }
}
