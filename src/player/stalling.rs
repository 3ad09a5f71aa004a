//! Standing still though it should not: holes, a browser that waits for more than it needs, an edge
//! that has moved on.

use super::cx::Cx;
use super::following::Live;
use super::io::{Output, Reason};
use super::opening::rep_of;
use super::session::Session;
use crate::buffer::gaps::Way;
use crate::buffer::reserve;
use crate::time::{Instant, Position};
use core::time::Duration;

/// Two seeks of ours are at least this far apart: a seek costs the browser about 100 ms.
const BETWEEN_SEEKS: Duration = Duration::from_millis(400);
/// Who stands so near before a hole stands at it.
const AT_A_HOLE: Duration = Duration::from_millis(250);
/// The driver looks at the element every 250 ms: in between, the way to a hole is computed.
const NEAR_A_HOLE: Duration = Duration::from_millis(400);
/// The clock is surely in the hole by then.
const BEHIND_THE_EDGE: Duration = Duration::from_millis(5);
/// Live, holes that are simply skipped: lost packets, rounding at a Period's edge.
const SMALL_HOLE: Duration = Duration::from_secs(1);

impl Session {
    /// After a stall on demand, or far from the edge, the picture goes on when what was received lasts
    /// for a while. The browser has nothing until then, so it goes on waiting by itself: neither
    /// `paused` nor `playbackRate` says what is not so, and the viewer may pause and seek.
    pub(super) fn advance_reserve(&mut self, cx: &mut Cx<'_>) {
        let holds = self.awaits_reserve(cx.now);
        if holds != self.holds {
            self.holds = holds;
            cx.push(Output::Hold(holds));
        }
    }

    fn awaits_reserve(&self, now: Instant) -> bool {
        let pb = &self.playback;
        let stands = pb.stalled.is_some() && pb.placed && !pb.snap.seeking;
        let Some(p) = self.manifest.presentation().filter(|_| stands && pb.seeking_to.is_none())
        else {
            return false;
        };
        let at = pb.position(now);
        let wanted = reserve::wanted(self.abr.estimate.rate(), self.rate_of_all(p));
        // Near the edge no more is to be had.
        let far = wanted + self.streams.segment_length(p) * 2;
        let near =
            |live: &Live| live.following || self.edge(now).is_none_or(|edge| edge.since(at) < far);
        if self.live.as_ref().is_some_and(near) {
            return false;
        }
        let tracks = self.streams.feeds().map(|s| reserve::View {
            ahead: s.received(at, rep_of(p, s.place).map(|r| r.bandwidth)).since(at),
            goal: self.goal_of(s),
            // Silence, for one, is made only once what came before it is read.
            over: s.ended || s.buffer.is_full() || s.rests(),
        });
        !reserve::enough(tracks, wanted)
    }

    /// It stands still though it should not: over a hole, to the edge, or a nudge.
    pub(super) fn advance_stall(&mut self, cx: &mut Cx<'_>) {
        let pb = &self.playback;
        let seeks = pb.seeking_to.is_some() || pb.snap.seeking;
        if self.holds || !pb.placed || pb.snap.ended || (pb.snap.paused && !seeks) {
            return;
        }
        let stuck = pb.stuck();
        let at = pb.position(cx.now);
        let ahead = self.streams.common().end_from(at).since(at);
        if let Some(at) = self.playback.feed(cx.now, ahead) {
            cx.wake_at(at, Reason::LiveControl);
        }
        let pb = &self.playback;
        if !stuck && !seeks && pb.stalled.is_none() {
            return self.over_hole(cx);
        }
        let since_seek = cx.now.since(pb.seek_asked);
        if since_seek < BETWEEN_SEEKS {
            return cx.wake_at(pb.seek_asked + BETWEEN_SEEKS, Reason::LiveControl);
        }
        if seeks {
            return self.finish_seek(cx);
        }
        let at = pb.snap.position;
        if let Some(to) = self.way_out(cx.now, at, stuck) {
            self.go_to(cx, to);
        }
    }

    /// Chromium's clock runs on with the sound over a hole in the picture, and the decoder never goes
    /// on behind it by itself: after three seconds of a still picture it stalls. So a hole is jumped
    /// over, or sought out of once it has been passed.
    pub(super) fn over_hole(&mut self, cx: &mut Cx<'_>) {
        let pb = &self.playback;
        if !pb.runs() || pb.seeking_to.is_some() || cx.now.since(pb.seek_asked) < BETWEEN_SEEKS {
            return;
        }
        let at = pb.position(cx.now);
        let passed = self.streams.iter().any(|s| s.buffer.ranges().hole_between(pb.entered, at));
        let common = self.streams.common();
        let enough =
            self.live.as_ref().map_or(Duration::from_millis(300), |l| l.control.floor(cx.now));
        let to = if passed {
            Some(at).filter(|_| common.holds(at))
        } else if common.holds(at) {
            return self.look_at_hole(cx, at, common.end_from(at));
        } else {
            // In it: to its end, if what is there lasts.
            let next = match self.way(at) {
                Way::To(to) => Some(to),
                _ => common.next_start(at).filter(|n| self.is_live() && n.since(at) <= SMALL_HOLE),
            };
            next.filter(|n| common.end_from(*n).since(*n) >= enough)
        };
        if let Some(to) = to {
            self.jump(cx, to);
        }
    }

    /// Near a hole that will stay, it looks again when the clock gets there.
    fn look_at_hole(&self, cx: &mut Cx<'_>, at: Position, end: Position) {
        let ahead = end.since(at);
        if ahead < NEAR_A_HOLE && matches!(self.way(end), Way::To(_)) {
            let rate = self.playback.snap.rate.permille().max(500);
            cx.wake_at(cx.now + ahead * 1000 / rate + BEHIND_THE_EDGE, Reason::LiveControl);
        }
    }

    pub(super) fn way_out(&self, now: Instant, at: Position, stuck: bool) -> Option<Position> {
        let common = self.streams.common();
        let ahead = common.end_from(at).since(at);
        if let (Some(live), Some(edge), Some(last)) = (&self.live, self.edge(now), common.last())
            && live.following
            && live.growing
        {
            let floor = live.control.floor(now);
            let to = live.control.entry(now, edge, Some(last.end)).max(last.start);
            let enough = last.end.since(to) + Duration::from_millis(20) >= floor;
            if enough && to > at + Duration::from_millis(60) {
                return Some(to);
            }
            // Media is there and the browser waits for more than it needs.
            return (stuck && ahead >= floor).then(|| to.max(at + Duration::from_millis(10)));
        }
        // A decoder stops some frames before the end of what it has.
        if ahead < AT_A_HOLE
            && let Way::To(to) = self.way(at + ahead)
        {
            return Some(to);
        }
        if stuck && ahead < AT_A_HOLE && self.missed_silence(at + ahead) {
            return common.next_start(at + ahead);
        }
        (stuck && self.playback.fed(now)).then(|| at + Duration::from_millis(100))
    }
}
