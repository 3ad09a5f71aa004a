//! What the playhead may read of the other parts, and what it asks of the tracks.

use crate::player::camera::Camera;
use crate::player::edge::{self, Edge};
use crate::player::retries::Retries;
use crate::player::track::way::Ways;
use crate::presentation::Presentation;
use crate::time::{Instant, Position};

/// What the playhead may read of the other parts. Its methods compute on demand, because a scene is
/// made at every input, also at every read of a download.
#[derive(Clone, Copy, Debug)]
pub(in crate::player) struct Scene<'a> {
    pub(in crate::player) now: Instant,
    pub(in crate::player) ways: Ways<'a>,
    pub(in crate::player) camera: &'a Camera,
    pub(in crate::player) edge: &'a Edge,
    pub(in crate::player) view: edge::View<'a>,
    pub(in crate::player) retries: &'a Retries,
}

impl<'a> Scene<'a> {
    pub(super) const fn presentation(&self) -> &'a Presentation {
        self.view.presentation
    }

    /// The live edge.
    pub(super) fn edge(&self) -> Option<Position> {
        self.edge.at(&self.view, self.now)
    }

    /// The range that can be played: from the oldest position that the origin keeps to the edge.
    pub(super) fn window(&self) -> Option<(Position, Position)> {
        self.edge.window(&self.view, self.now)
    }

    /// The end of the newest complete segment that the origin offers.
    pub(super) fn newest_end(&self) -> Option<Position> {
        self.edge.newest_end(&self.view, self.now)
    }
}

/// What the tracks have to do after a step of the playhead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::player) enum Move {
    /// Nothing.
    Stay,
    /// Fetch from this position on, unless its media is there already.
    FetchFrom(Position),
    /// Start again at the live edge.
    EnterAtEdge,
}
