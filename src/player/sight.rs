//! A read-only view of the parts that fetching and the report do not change, and what follows from
//! several of them together: where the edge is, how late the picture is.

use super::camera::Camera;
use super::clock::Clock;
use super::edge::{self, Edge};
use super::manifest::Manifest;
use super::playhead::Playhead;
use super::quality;
use super::select::Types;
use super::track::Tracks;
use super::track::way::Ways;
use crate::presentation::Segment;
use crate::time::{Duration, Instant, Position, WallTime};

/// The parts that are only read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) clock: &'a Clock,
    pub(super) edge: &'a Edge,
    pub(super) head: &'a Playhead,
    pub(super) camera: &'a Camera,
    /// The address that was loaded.
    pub(super) url: &'a str,
}

impl<'a> Sight<'a> {
    /// What the edge is computed from; `None` before there is a manifest.
    pub(super) fn edge_view(self, tracks: &'a Tracks) -> Option<edge::View<'a>> {
        let whole = self.head.is_whole();
        edge::View::new((self.manifest, self.url), tracks, self.clock, self.camera, whole)
    }

    /// The live edge on the manifest's timeline.
    pub(super) fn edge(self, tracks: &Tracks, now: Instant) -> Option<Position> {
        self.edge.at(&self.edge_view(tracks)?, now)
    }

    /// The oldest position that the origin keeps.
    pub(super) fn oldest(self, tracks: &Tracks, now: Instant) -> Option<Position> {
        Some(self.edge.window(&self.edge_view(tracks)?, now)?.0)
    }

    /// The wall-clock time by which segments become available.
    pub(super) fn served(self, tracks: &Tracks, now: Instant) -> WallTime {
        let own = || self.clock.origin(now);
        self.edge_view(tracks).map_or_else(own, |view| self.edge.served(&view, now))
    }

    /// The age of a segment at `then`, microseconds; negative before it is due.
    pub(super) fn age(self, tracks: &Tracks, then: Instant, segment: &Segment) -> i64 {
        self.edge_view(tracks).map_or(0, |view| self.edge.age(&view, then, segment))
    }

    /// For segments without an availability time: the end of the list now, and the wall-clock time
    /// now.
    pub(super) fn listed_due(self, tracks: &Tracks, now: Instant) -> Option<(Position, WallTime)> {
        self.edge.listed_due(&self.edge_view(tracks)?, now)
    }

    /// The origin's clock is good enough to be compared with capture times.
    pub(super) fn clock_tells(self, tracks: &Tracks, now: Instant) -> bool {
        self.edge_view(tracks).is_some_and(|view| self.edge.clock_tells(&view, now))
    }

    /// Decides where to go on at a hole in the buffer.
    pub(super) fn ways(self, tracks: &'a Tracks, types: &'a Types) -> Ways<'a> {
        Ways::new(tracks, self.manifest, types, self.head.is_live(), self.head.is_at_edge())
    }

    /// How much media is buffered ahead of the position.
    pub(super) fn ahead(self, tracks: &Tracks, now: Instant) -> Duration {
        let at = self.head.position(now);
        tracks.buffered_to(at).since(at)
    }

    /// How much later than usual the picture arrives. Time by which the origin itself was late is
    /// not counted: a lower rung would not help.
    pub(super) fn late(self, tracks: &Tracks, now: Instant) -> Duration {
        let (Some(control), Some(edge)) = (self.head.control(), self.edge(tracks, now)) else {
            return Duration::ZERO;
        };
        let Some(stream) = tracks.leading().filter(|_| self.head.is_growing()) else {
            return Duration::ZERO;
        };
        if stream.comes_as_made() && !control.knows_lateness(now) {
            // It arrives while it is made, and the usual lateness was not measured yet.
            return Duration::ZERO;
        }
        stream.late(self.manifest.presentation(), edge, control.usual_lateness(now))
    }

    /// What the choice of representations is made from; `goal`: how much media is fetched ahead.
    pub(super) fn quality_view(
        self,
        tracks: &'a Tracks,
        types: &'a Types,
        goal: Duration,
        now: Instant,
    ) -> Option<quality::View<'a>> {
        let growing = self.head.is_growing();
        // Live, no more media exists ahead of the position than this.
        let live_goal = self.head.control().map(|control| control.wanted(now));
        Some(quality::View {
            presentation: self.manifest.presentation()?,
            tracks,
            types,
            growing,
            late: if growing { self.late(tracks, now) } else { Duration::ZERO },
            ahead: if growing && self.head.control().is_none_or(|it| it.aim.target.is_none()) {
                // At the latency that the player finds, what is held is no insurance.
                Duration::ZERO
            } else {
                self.ahead(tracks, now)
            },
            goal: live_goal.unwrap_or(goal),
        })
    }
}
