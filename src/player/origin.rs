//! What follows from where the edge is and from how late the origin is: [`super::edge`] says it, here
//! playing is moved by it.

use super::cx::Cx;
use super::edge::{self, Edge, Found};
use super::io::FetchId;
use super::requests::Requests;
use super::session::Session;
use crate::presentation::{Presentation, Segment};
use crate::time::{Instant, Position, WallTime};
use core::time::Duration;

/// What the first part of a late segment takes on its way.
const BACKLOG: Duration = Duration::from_millis(200);

impl Session {
    fn edge_view<'a>(&'a self, presentation: &'a Presentation) -> edge::View<'a> {
        edge::View {
            presentation,
            tracks: &self.streams,
            clock: &self.clock,
            url: &self.url,
            whole: self.head.is_whole(),
        }
    }

    /// The edge with what it is computed from.
    pub(super) fn edge_parts(&mut self) -> Option<(&mut Edge, &mut Requests, edge::View<'_>)> {
        let view = edge::View {
            presentation: self.manifest.presentation()?,
            tracks: &self.streams,
            clock: &self.clock,
            url: &self.url,
            whole: self.head.is_whole(),
        };
        Some((&mut self.edge, &mut self.requests, view))
    }

    /// The live edge on the manifest's clock.
    pub(super) fn edge(&self, now: Instant) -> Option<Position> {
        self.edge.at(&self.edge_view(self.manifest.presentation()?), now)
    }

    /// The wall-clock time by which segments become available.
    pub(super) fn served(&self, now: Instant) -> WallTime {
        let p = self.manifest.presentation();
        let own = || self.clock.origin(now);
        p.map_or_else(own, |p| self.edge.served(&self.edge_view(p), now))
    }

    /// The instant at which that clock shows `wall`.
    pub(super) fn instant_of(&self, now: Instant, wall: WallTime) -> Instant {
        now + wall.since(self.served(now))
    }

    /// What can be played now: from the oldest position that is kept to the edge.
    pub(super) fn window(&self, now: Instant) -> Option<(Position, Position)> {
        self.edge.window(&self.edge_view(self.manifest.presentation()?), now)
    }

    /// The age of a segment at `then`, microseconds; negative before it is due.
    pub(super) fn age(&self, then: Instant, segment: &Segment) -> i64 {
        let p = self.manifest.presentation();
        p.map_or(0, |p| self.edge.age(&self.edge_view(p), then, segment))
    }

    /// The end of the newest whole segment that can be had, least over the tracks.
    pub(super) fn newest_end(&self, now: Instant) -> Option<Position> {
        self.edge.newest_end(&self.edge_view(self.manifest.presentation()?), now)
    }

    /// Where segments have no time of their own: what is due now, by the list.
    pub(super) fn listed_due(&self, now: Instant) -> Option<(Position, WallTime)> {
        self.edge.listed_due(&self.edge_view(self.manifest.presentation()?), now)
    }

    /// The origin's clock is that of its segments, as far as is known.
    pub(super) fn clock_fits(&self, now: Instant) -> bool {
        let p = self.manifest.presentation();
        p.is_none_or(|p| self.edge.fits_clock(&self.edge_view(p), now))
    }

    /// The lists may have grown.
    pub(super) fn note_lists(&mut self, now: Instant) {
        if let Some((edge, _, view)) = self.edge_parts() {
            edge.note_list(&view, now);
        }
    }

    pub(super) fn advance_edge(&mut self, cx: &mut Cx<'_>) {
        if self.edge.take_went_back() && self.is_live() {
            // Another timeline: everything begins anew at its edge.
            self.start_over(cx, None);
        }
        let Some((edge, requests, view)) = self.edge_parts() else { return };
        for found in edge.step(cx, requests, &view) {
            match found {
                Found::Said(error) => self.trouble(cx, error),
                Found::Edge { late_us } => {
                    for stream in self.streams.iter_mut() {
                        stream.lateness.found(late_us);
                    }
                    self.note_late(cx);
                    if !self.is_live() || self.head.follows() {
                        self.reenter(cx);
                    }
                }
            }
        }
    }

    /// A segment of a track came, or begins to.
    pub(super) fn note_had(&mut self, cx: &mut Cx<'_>, id: FetchId, sent_at: Instant) {
        let found = self.streams.iter().find_map(|s| {
            let d = s.downloads.iter().find(|d| d.id == id)?;
            Some((s.kind, d.segment.clone()))
        });
        let Some((kind, segment)) = found.filter(|_| self.is_live()) else { return };
        let age = self.age(sent_at, &segment);
        let Some(stream) = self.streams.of_mut(kind) else { return };
        match stream.trouble.missing.take() {
            // A newer one is there: the other is lost and says nothing.
            Some(missing) if segment.start > missing.start => stream.lateness.lost(),
            _ => stream.lateness.came(segment.start, age),
        }
        if let Some((edge, _, view)) = self.edge_parts() {
            edge.had(&view, cx.now, &segment, age);
        }
        self.note_late(cx);
    }

    /// What follows from how late the origin is.
    pub(super) fn note_late(&mut self, cx: &mut Cx<'_>) {
        self.head.origin_is_late(self.streams.late(), BACKLOG);
        let known = self.streams.known_late();
        if let Some(error) = self.edge.note_late(cx.now, known, &self.url) {
            self.trouble(cx, error);
        }
    }
}
