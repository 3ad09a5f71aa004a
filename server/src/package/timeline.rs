//! The state that all tracks of a camera share: the store that they write into, the clock, and
//! where Periods and segments begin.

use super::clock::MediaClock;
use super::grid::{Grid, Period};
use crate::store::Camera;
use nearlive::time::Timescale;
use std::collections::VecDeque;
use std::sync::Arc;

/// The step between frames, before it is known.
pub(super) const FRAME_US: i64 = 40_000;

#[derive(Debug)]
pub(super) struct Timeline {
    pub(super) camera: Arc<Camera>,
    pub(super) clock: MediaClock,
    pub(super) grid: Grid,
    /// The newest Periods, oldest first.
    pub(super) periods: VecDeque<Period>,
}

impl Timeline {
    pub(super) fn new(camera: Arc<Camera>) -> Self {
        let (clock, grid) = (MediaClock::default(), Grid::default());
        Self { camera, clock, grid, periods: VecDeque::new() }
    }

    /// Whether clock and segment length are known, so that frames can be written.
    pub(super) fn is_running(&self) -> bool {
        self.clock.utc_us(0).is_some() && self.grid.is_learnt()
    }

    /// The Period that contains this time, Unix microseconds.
    pub(super) fn period_at(&self, us: i64) -> Option<Period> {
        self.periods.iter().rev().find(|p| p.start_us() <= us).copied()
    }
}

/// 90 kHz ticks in microseconds.
pub(super) fn to_us(ticks: i64) -> i64 {
    Timescale::NINETY_KHZ.to_micros(ticks)
}
