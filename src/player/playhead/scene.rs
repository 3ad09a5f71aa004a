//! What the playhead sees, and what it asks of the tracks.

use crate::player::camera::Camera;
use crate::player::track::way::Ways;
use crate::presentation::Presentation;
use crate::time::Position;

/// What the playhead sees of the rest.
#[derive(Clone, Copy, Debug)]
pub(in crate::player) struct Scene<'a> {
    pub(in crate::player) presentation: &'a Presentation,
    pub(in crate::player) ways: Ways<'a>,
    pub(in crate::player) camera: &'a Camera,
    /// The live edge, the window that can be played, and the end of the newest whole segment.
    pub(in crate::player) edge: Option<Position>,
    pub(in crate::player) window: Option<(Position, Position)>,
    pub(in crate::player) newest_end: Option<Position>,
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
