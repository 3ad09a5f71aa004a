//! Transport streams of one camera to chunks and segments in the store.
//!
//! The engine hands over what it reads from each track's pipe, with the time at which it came; out
//! come Periods, segments and chunks on one UTC timeline (see the design's "Time").

use crate::store::{Camera, SourceStatus};
use nearlive::time::WallTime;
use std::sync::Arc;

/// One camera's packager. It outlives the engine's runs.
#[derive(Debug)]
pub struct Packager {
    camera: Arc<Camera>,
}

impl Packager {
    /// A packager that writes into `camera`, one track for each of its renditions.
    pub fn new(camera: Arc<Camera>) -> Self {
        Self { camera }
    }

    /// A new engine process begins: its timestamps have nothing to do with those before.
    pub fn begin_run(&mut self, now: WallTime) {
        let _ = now;
    }

    /// Bytes that came from the pipe of `track` at `arrived`. Returns whether a frame of picture
    /// was completed (the supervisor's sign of life).
    pub fn push(&mut self, track: usize, bytes: &[u8], arrived: WallTime) -> bool {
        let _ = (track, bytes, arrived);
        false
    }

    /// The source is well or not: goes to viewers with the pictures that stand in for it.
    pub fn status(&mut self, status: SourceStatus) {
        self.camera.set_status(status);
    }

    /// To be called about ten times a second: fills the timeline while nothing comes, and drops
    /// what is too old.
    pub fn tick(&mut self, now: WallTime) {
        self.camera.evict(now);
    }
}
