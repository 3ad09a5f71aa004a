//! What follows from where the edge is and from how late the origin is: [`super::edge`] says it, here
//! playing is moved by it.

use super::clock::Clock;
use super::cx::Cx;
use super::edge::{self, Edge, Found};
use super::io::FetchId;
use super::manifest::Manifest;
use super::playhead::Playhead;
use super::requests::Requests;
use super::session::Session;
use super::track::Tracks;
use crate::presentation::Segment;
use crate::time::{Instant, Position, WallTime};
use core::time::Duration;

/// What the first part of a late segment takes on its way.
const BACKLOG: Duration = Duration::from_millis(200);

impl Session {
    fn edge_view(&self) -> Option<edge::View<'_>> {
        edge_view(&self.manifest, &self.streams, &self.clock, &self.url, &self.head)
    }

    /// The edge with what it is computed from.
    pub(super) fn edge_parts(&mut self) -> Option<(&mut Edge, &mut Requests, edge::View<'_>)> {
        let view = edge_view(&self.manifest, &self.streams, &self.clock, &self.url, &self.head)?;
        Some((&mut self.edge, &mut self.requests, view))
    }

    /// The live edge on the manifest's clock.
    pub(super) fn edge(&self, now: Instant) -> Option<Position> {
        self.edge.at(&self.edge_view()?, now)
    }

    /// The wall-clock time by which segments become available.
    pub(super) fn served(&self, now: Instant) -> WallTime {
        let own = || self.clock.origin(now);
        self.edge_view().map_or_else(own, |view| self.edge.served(&view, now))
    }

    /// The instant at which that clock shows `wall`.
    pub(super) fn instant_of(&self, now: Instant, wall: WallTime) -> Instant {
        now + wall.since(self.served(now))
    }

    /// The age of a segment at `then`, microseconds; negative before it is due.
    pub(super) fn age(&self, then: Instant, segment: &Segment) -> i64 {
        self.edge_view().map_or(0, |view| self.edge.age(&view, then, segment))
    }

    /// Where segments have no time of their own: what is due now, by the list.
    pub(super) fn listed_due(&self, now: Instant) -> Option<(Position, WallTime)> {
        self.edge.listed_due(&self.edge_view()?, now)
    }

    /// The origin's clock is that of its segments, as far as is known.
    pub(super) fn clock_fits(&self, now: Instant) -> bool {
        self.edge_view().is_none_or(|view| self.edge.fits_clock(&view, now))
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

/// What the edge is computed from; `None` before there is a manifest.
pub(super) fn edge_view<'a>(
    manifest: &'a Manifest,
    tracks: &'a Tracks,
    clock: &'a Clock,
    url: &'a str,
    head: &Playhead,
) -> Option<edge::View<'a>> {
    let (presentation, whole) = (manifest.presentation()?, head.is_whole());
    Some(edge::View { presentation, tracks, clock, url, whole })
}
