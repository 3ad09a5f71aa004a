//! What the playhead sees, and what it asks of the tracks.

use crate::player::camera::Camera;
use crate::player::edge::{self, Edge};
use crate::player::track::way::Ways;
use crate::presentation::Presentation;
use crate::time::{Instant, Position};

/// What the playhead sees of the rest. Nothing is computed before it is asked for: it is looked at with
/// every read.
#[derive(Clone, Copy, Debug)]
pub(in crate::player) struct Scene<'a> {
    pub(in crate::player) now: Instant,
    pub(in crate::player) ways: Ways<'a>,
    pub(in crate::player) camera: &'a Camera,
    pub(in crate::player) edge: &'a Edge,
    pub(in crate::player) view: edge::View<'a>,
}

impl<'a> Scene<'a> {
    pub(super) const fn presentation(&self) -> &'a Presentation {
        self.view.presentation
    }

    /// The live edge.
    pub(super) fn edge(&self) -> Option<Position> {
        self.edge.at(&self.view, self.now)
    }

    /// What can be played: from the oldest position that is kept to the edge.
    pub(super) fn window(&self) -> Option<(Position, Position)> {
        self.edge.window(&self.view, self.now)
    }

    /// The end of the newest whole segment that can be had.
    pub(super) fn newest_end(&self) -> Option<Position> {
        self.edge.newest_end(&self.view, self.now)
    }
}

/// What the tracks are to do for a step of the playhead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::player) enum Move {
    /// Nothing.
    Stay,
    /// To be fetched from here on, if it is not there.
    Fetch(Position),
    /// To enter at the live edge anew.
    Enter,
}
