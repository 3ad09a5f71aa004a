//! The only place of the server that reads a clock.
//!
//! Everything else is given the time, so that it can be tested without waiting. (Timers are
//! tokio's, which tests can pause.)
#![allow(clippy::disallowed_types, reason = "the clocks are read here")]

use std::time::{SystemTime, UNIX_EPOCH};

use nearlive::time::{Instant, WallTime};

/// The machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: std::time::Instant,
}

impl Clock {
    /// A clock whose monotonic reading starts at zero now.
    pub fn start() -> Self {
        Self { origin: std::time::Instant::now() }
    }

    /// Monotonic time since the clock was started.
    pub fn now(&self) -> Instant {
        let us = self.origin.elapsed().as_micros();
        Instant::from_micros(u64::try_from(us).unwrap_or(u64::MAX))
    }

    /// UTC. It may step when the machine's clock is set; see the packager for how media time copes.
    pub fn wall(&self) -> WallTime {
        let us = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(d) => i64::try_from(d.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |us| -us),
        };
        WallTime::from_micros(us)
    }
}
