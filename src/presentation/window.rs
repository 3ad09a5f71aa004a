//! Which part of the timeline can be played at a given origin time.

use super::Presentation;
use crate::time::{Position, WallTime};

/// The live edge at origin time `now`: the last position that exists anywhere in the world, capture
/// included. By the clock (now minus anchor) where the presentation has one, else the end of what is
/// listed. `None` when nothing is known yet.
pub fn edge(presentation: &Presentation, now: WallTime) -> Option<Position> {
    let _ = (presentation, now);
    todo!()
}

/// The span that can be played at origin time `now`: from the oldest position kept to the edge; on
/// demand, from the start to the end.
pub fn window(presentation: &Presentation, now: WallTime) -> Option<(Position, Position)> {
    let _ = (presentation, now);
    todo!()
}
