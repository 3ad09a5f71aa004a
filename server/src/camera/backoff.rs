//! PURE: how long to wait before the next try.
//!
//! The wait follows the outage: an eighth of it, from 1 s to 30 s. So a camera that was away for
//! half a minute is back within five seconds of its return, and one that was unplugged for the
//! winter is asked twice a minute. The outage begins with the first failure and ends when the
//! picture has run for [`STABLE`]: a camera that comes and goes every second does not count as
//! back. A refused login waits the longest from the start, for cameras lock out; what costs a core to find
//! out is not tried every second; after an engine that
//! was killed, and after a leap of its clock, the camera is well, so the first wait is short.

use std::time::Duration;

use crate::engine::stderr::Cause;

/// The shortest wait.
pub const SHORTEST: Duration = Duration::from_secs(1);
/// The shortest after an engine that somebody killed, and after a leap of the camera's clock.
pub const AFTER_KILL: Duration = Duration::from_millis(250);
/// The shortest after a try that cost much.
pub const AFTER_COSTLY: Duration = Duration::from_secs(10);
/// The longest wait.
pub const LONGEST: Duration = Duration::from_secs(30);
/// A run of this length ends an outage.
pub const STABLE: Duration = Duration::from_secs(10);

/// The wait after a run that ended by `cause`, `outage` after the outage began. `jitter` is
/// 0..=999: it takes up to a fifth off, so that cameras behind one switch do not all come at once.
pub fn wait(cause: &Cause, outage: Duration, jitter: u32) -> Duration {
    let base = match cause {
        // Known at once and cured by the next run itself.
        Cause::PicturesReordered => return Duration::ZERO,
        cause if cause.is_refused_login() => LONGEST,
        Cause::EngineKilled(..) | Cause::ClockLeapt => (outage / 8).clamp(AFTER_KILL, LONGEST),
        cause if cause.is_costly() => (outage / 8).clamp(AFTER_COSTLY, LONGEST),
        _ => (outage / 8).clamp(SHORTEST, LONGEST),
    };
    base - base * jitter.min(999) / 5000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::kind::Kind;

    fn secs(outage: u64) -> f64 {
        wait(&Cause::HungUp, Duration::from_secs(outage), 0).as_secs_f64()
    }

    #[test]
    fn the_wait_grows_with_the_outage_between_its_bounds() {
        assert_eq!([0, 8, 30, 120, 3600].map(secs), [1.0, 1.0, 3.75, 15.0, 30.0]);
    }

    #[test]
    fn an_engine_that_was_killed_is_started_again_soon_but_not_in_a_circle() {
        let after = |s| wait(&Cause::EngineKilled(Kind::Ffmpeg, 9), Duration::from_secs(s), 0);
        assert_eq!([0, 2, 40].map(after), [250, 250, 5000].map(Duration::from_millis));
    }

    #[test]
    fn a_refused_password_is_tried_slowly_from_the_start() {
        assert_eq!(wait(&Cause::PasswordRefused, Duration::ZERO, 0), LONGEST);
        assert!(wait(&Cause::PasswordRefused, Duration::ZERO, 999) >= Duration::from_secs(24));
    }

    #[test]
    fn what_costs_much_is_not_tried_every_second() {
        let after = |s| wait(&Cause::PictureTooBig(1, 1), Duration::from_secs(s), 0).as_secs();
        assert_eq!([0, 60, 160, 900].map(after), [10, 10, 20, 30]);
    }

    #[test]
    fn jitter_takes_at_most_a_fifth() {
        let waits = [0, 500, 999, u32::MAX].map(|j| wait(&Cause::NoRoute, LONGEST * 8, j));
        assert!(waits.iter().all(|w| *w <= LONGEST && *w > LONGEST * 4 / 5 - SHORTEST));
        assert!(waits[0] > waits[1] && waits[1] > waits[2]);
    }

    #[test]
    fn a_camera_with_b_pictures_is_asked_again_at_once() {
        assert_eq!(wait(&Cause::PicturesReordered, Duration::ZERO, 0), Duration::ZERO);
    }
}
