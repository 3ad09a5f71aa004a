//! Virtual time, and the clocks of the page, which may be wrong.
//!
//! [`Time`] is the true time, in microseconds since the run began. The page has two clocks made
//! from it: a monotonic one that stops while the machine sleeps, and a wall clock that does not
//! stop, may be set wrong, and may be stepped. Both drift equally: they use one crystal.

use nearlive::time::{Instant, WallTime};

/// True time since the run began, in microseconds.
pub type Time = u64;

/// "Never".
pub const NEVER: Time = Time::MAX;

/// `s` seconds.
pub const fn secs(s: u64) -> Time {
    s * 1_000_000
}

/// `ms` milliseconds.
pub const fn millis(ms: u64) -> Time {
    ms * 1000
}

/// 2026-03-01T00:00:00Z: when every run begins.
const BEGIN_US: i64 = 1_772_323_200_000_000;

/// The monotonic clock at the start of a run: the page is 3 s old.
const PAGE_AGE_US: u64 = 3_000_000;

/// The clocks of one page.
#[derive(Clone, Debug)]
pub struct Clock {
    slept: Time,
    wall_error_us: i64,
    drift_ppm: i64,
}

impl Clock {
    /// `wall_error_us`: how far the wall clock is ahead of the true time; `drift_ppm`: how much too
    /// fast both clocks run.
    pub const fn new(wall_error_us: i64, drift_ppm: i64) -> Self {
        Self { slept: 0, wall_error_us, drift_ppm }
    }

    /// The true wall-clock time, which origins use.
    pub fn truth(now: Time) -> WallTime {
        WallTime::from_micros(BEGIN_US + i64::try_from(now).unwrap_or(i64::MAX / 2))
    }

    /// The true time at which it is `wall`; 0 when that was before the run.
    pub fn time_of(wall: WallTime) -> Time {
        u64::try_from(wall.as_micros() - BEGIN_US).unwrap_or(0)
    }

    /// The page's monotonic clock.
    pub fn monotonic(&self, now: Time) -> Instant {
        let awake = now - self.slept;
        let drift = i128::from(awake) * i128::from(self.drift_ppm) / 1_000_000;
        let us = i128::from(awake) + drift + i128::from(PAGE_AGE_US);
        Instant::from_micros(u64::try_from(us).unwrap_or(0))
    }

    /// The first true time at which the monotonic clock shows `at` or more.
    pub fn when(&self, at: Instant) -> Time {
        let local = i128::from(at.as_micros()) - i128::from(PAGE_AGE_US);
        let awake = local * 1_000_000 / (1_000_000 + i128::from(self.drift_ppm));
        let mut t = u64::try_from(awake).map_or(self.slept, |a| self.slept.saturating_add(a));
        while self.monotonic(t) < at && t < NEVER {
            t += 1;
        }
        t
    }

    /// The page's wall clock.
    pub fn wall(&self, now: Time) -> WallTime {
        let drift = i128::from(now) * i128::from(self.drift_ppm) / 1_000_000;
        Self::truth(now).offset(self.wall_error_us + i64::try_from(drift).unwrap_or(0))
    }

    /// Sets the wall clock: it is now ahead of the true time by this much.
    pub fn set_wall_error(&mut self, us: i64) {
        self.wall_error_us = us;
    }

    /// The machine slept for this long.
    pub fn sleep(&mut self, time: Time) {
        self.slept += time;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_moves_the_wall_clock_and_not_the_monotonic_one() {
        let mut c = Clock::new(-2_000_000, 0);
        let (mono, wall) = (c.monotonic(secs(10)), c.wall(secs(10)));
        c.sleep(secs(60));
        assert_eq!(c.monotonic(secs(70)), mono);
        assert_eq!(c.wall(secs(70)).micros_from(wall), 60_000_000);
    }

    #[test]
    fn a_wait_ends_when_the_drifting_clock_has_reached_its_time() {
        for ppm in [-300, 0, 200] {
            let c = Clock::new(0, ppm);
            let at = Instant::from_micros(3_600_000_001);
            let t = c.when(at);
            assert!(c.monotonic(t) >= at && c.monotonic(t - 1) < at, "{ppm}");
        }
    }
}
