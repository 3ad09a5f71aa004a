//! Reacts to what snapshots of the element show: the viewer's seeks, stalls that begin and end.

use super::element::{Changes, Stalls};
use super::head::Playhead;
use super::scene::{Move, Scene};
use crate::buffer::gaps::Way;
use crate::player::cx::Cx;
use crate::player::event::Event;
use crate::player::io::Snapshot;
use crate::time::{Duration, Instant, Position};

/// A stall longer than this is an outage: a larger buffer would not have bridged it.
const OUTAGE: Duration = Duration::from_millis(1500);
/// After a stall longer than this, playback jumps to the edge if the newest media arrives within
/// [`RETURN_WITHIN`].
const LONG_STALL: Duration = Duration::from_millis(500);
const RETURN_WITHIN: Duration = Duration::from_secs(3);
/// A seek keeps at least this distance from the oldest end of the window: nearer media leaves the
/// window before it could be fetched.
const LEAST_LEFT: Duration = Duration::from_secs(2);
/// A seek that ends less than this behind the wanted position means the live edge.
const NEAR_THE_EDGE: Duration = Duration::from_secs(1);

impl Playhead {
    /// Takes a snapshot of the element; answers what has changed.
    pub(in crate::player) fn observe(&mut self, now: Instant, snap: Snapshot) -> Changes {
        self.element.observe(now, snap)
    }

    /// Counts a stall that has begun or ended. `away`: the camera is away.
    pub(in crate::player) fn note_stalls(&mut self, cx: &mut Cx<'_>, change: Changes, away: bool) {
        let now = cx.now;
        if change.stalled && away {
            let own = self.element.stalls;
            let before = Stalls { count: own.count.saturating_sub(1), ..own };
            self.element.blame_source(before);
            self.camera_changed(now, away);
        } else if change.stalled
            && let Some(live) = &mut self.live
            && live.following
        {
            live.control.underflow(now);
        }
        let Some(lasted) = change.resumed else { return };
        if lasted > OUTAGE {
            self.camera_changed(now, away);
        }
        if let Some(live) = self.live.as_mut().filter(|_| lasted > LONG_STALL) {
            live.returning = Some(now + RETURN_WITHIN);
        }
        cx.emit(Event::StallEnded { lasted });
    }

    /// The viewer has sought to `at`. Answers what is to be fetched for that.
    pub(in crate::player) fn viewer_seeks(
        &mut self,
        cx: &mut Cx<'_>,
        s: &Scene<'_>,
        at: Position,
    ) -> Move {
        let mut to = at;
        if let (Some(live), Some(edge)) = (&mut self.live, s.edge()) {
            let near = live.control.wanted(cx.now) + NEAR_THE_EDGE;
            live.following = at >= edge - near;
            live.control.position_moved(cx.now);
            if at > edge {
                return Move::EnterAtEdge;
            }
            to = at.max(oldest(s).unwrap_or(at));
        }
        to = match s.ways.way(to) {
            Way::To(behind) => behind,
            Way::Over => s.ways.last_look(to).unwrap_or(to),
            Way::Here | Way::Wait | Way::Ask => to,
        };
        self.element.placed = true;
        self.start_at = Some(to);
        if to != at {
            self.jump(cx, to);
        }
        Move::FetchFrom(to)
    }
}

/// The oldest position that will still be in the window once it is fetched.
fn oldest(s: &Scene<'_>) -> Option<Position> {
    let (oldest, edge) = s.window()?;
    let length = s.ways.tracks.segment_length(s.presentation());
    Some((oldest + length.max(LEAST_LEFT)).min(edge))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::io::Output;
    use crate::player::testing::{World, at, film, now, span};
    use alloc::vec;

    #[test]
    fn a_seek_is_fetched_there_or_behind_a_hole_that_will_stay() {
        let seek = |out: i64| vec![Output::Seek(at(out))];
        let cases = [(2000, 2000, vec![]), (5000, 6000, seek(6000)), (30_000, 30_000, vec![])];
        for (to, fetched, out) in cases {
            let mut world = World::new(film());
            world.holds(&[span(0, 4000), span(6000, 10_000)], at(10_000));
            let step = world.step(now(0), |head, cx, scene| head.viewer_seeks(cx, scene, at(to)));
            assert_eq!(step, (Move::FetchFrom(at(fetched)), out), "to {to} ms");
        }
    }

    #[test]
    fn a_seek_behind_the_end_shows_the_end() {
        let mut world = World::new(film());
        let step = world.step(now(0), |head, cx, scene| head.viewer_seeks(cx, scene, at(99_000)));
        assert_eq!(step, (Move::FetchFrom(at(59_700)), vec![Output::Seek(at(59_700))]));
    }

    #[test]
    fn live_a_seek_back_leaves_the_edge_and_one_near_it_holds_to_it() {
        for (to, follows) in [(80_000, false), (99_500, true)] {
            let mut world = World::live(at(100_000));
            let (step, _) =
                world.step(now(0), |head, cx, scene| head.viewer_seeks(cx, scene, at(to)));
            assert_eq!((step, world.head.follows()), (Move::FetchFrom(at(to)), follows));
        }
        let mut world = World::live(at(100_000));
        let (step, _) =
            world.step(now(0), |head, cx, scene| head.viewer_seeks(cx, scene, at(100_500)));
        assert_eq!(step, Move::EnterAtEdge, "beyond the edge");
        let (step, _) = world.step(now(0), |head, cx, scene| head.viewer_seeks(cx, scene, at(100)));
        assert_eq!(step, Move::FetchFrom(at(2000)), "what is about to leave the window");
    }

    #[test]
    fn a_stall_while_the_camera_is_away_is_not_the_links() {
        let change = Changes { stalled: true, ..Changes::default() };
        for away in [true, false] {
            let mut world = World::live(at(100_000));
            let wanted = |w: &World| w.head.control().map(|c| c.wanted(now(60_000)));
            let before = wanted(&world);
            world.step(now(60_000), |head, cx, _| head.note_stalls(cx, change, away));
            assert_eq!(wanted(&world) == before, away, "away: {away}");
        }
    }
}
