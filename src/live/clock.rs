//! An estimate of the origin's wall clock.
//!
//! If an answer that took `rtt` says `t`, the origin's time was `t` in the middle of it, give or
//! take `rtt / 2` (Cristian, "Probabilistic clock synchronization", 1989). So the quickest answer
//! is best.

use crate::time::{Duration, Instant, WallTime};

/// How well the time is known, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trust {
    /// The viewer's own clock, possibly minutes off.
    Local,
    /// A `Date` header: whole seconds, perhaps from a cache.
    Coarse,
    /// A time source of the manifest (23009-1 5.8.4.11).
    Synced,
}

/// A quicker answer replaces the last one at once, a slower one only when the last is this old: a
/// drift of 50 ppm is 15 ms by then.
const STALE: Duration = Duration::from_secs(300);

/// The origin's clock.
#[derive(Clone, Copy, Debug)]
pub struct OriginClock {
    /// `wall` was the origin's time at this instant.
    at: Instant,
    wall: WallTime,
    trust: Trust,
    rtt: Duration,
}

impl OriginClock {
    /// Starts with the local clock.
    pub const fn local(now: Instant, wall: WallTime) -> Self {
        Self { at: now, wall, trust: Trust::Local, rtt: Duration::MAX }
    }

    /// The origin's time at `now`.
    pub fn origin(&self, now: Instant) -> WallTime {
        if now >= self.at { self.wall + now.since(self.at) } else { self.wall - self.at.since(now) }
    }

    /// How well it is known.
    pub const fn trust(&self) -> Trust {
        self.trust
    }

    /// An answer to a request sent at `sent`, received at `received`, said that the origin's time
    /// was `wall`. Answers whether it was taken.
    pub fn learn(&mut self, sent: Instant, received: Instant, wall: WallTime) -> bool {
        let rtt = received.since(sent);
        let better = self.trust < Trust::Synced
            || rtt <= self.rtt * 3 / 2
            || received.since(self.at) > STALE;
        if better {
            *self = Self { at: sent + rtt / 2, wall, trust: Trust::Synced, rtt };
        }
        better
    }

    /// A `Date` header (RFC 9110 6.6.1) came at `received`. It is used only if no time source has
    /// answered, and if it contradicts the local clock by more than its own coarseness.
    pub fn learn_date(&mut self, received: Instant, date: WallTime) {
        // The header is cut to whole seconds: on average the time is half a second later.
        let date = date.offset(500_000);
        let off = self.origin(received).micros_from(date);
        if self.trust < Trust::Synced && off.abs() > 1_500_000 {
            *self = Self { at: received, wall: date, trust: Trust::Coarse, rtt: Duration::MAX };
        }
        self.trust = self.trust.max(Trust::Coarse);
    }

    /// The monotonic clock stood still for `slept` because the machine slept; or the local wall
    /// clock was set, which looks the same. So the next answer is taken, however slow.
    pub fn slept(&mut self, slept: Duration) {
        *self = Self {
            at: self.at,
            wall: self.wall + slept,
            trust: self.trust.min(Trust::Coarse),
            rtt: Duration::MAX,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    fn clock() -> OriginClock {
        OriginClock::local(at(0), WallTime::from_millis(1_000_000))
    }

    #[test]
    fn an_answer_is_taken_as_of_the_middle_of_its_round_trip() {
        let mut c = clock();
        assert!(c.learn(at(100), at(140), WallTime::from_millis(5_000)));
        assert_eq!(c.origin(at(120)), WallTime::from_millis(5_000));
        assert_eq!(c.origin(at(1_120)), WallTime::from_millis(6_000));
    }

    #[test]
    fn a_slow_answer_does_not_replace_a_quick_one_until_that_is_old() {
        let mut c = clock();
        c.learn(at(0), at(10), WallTime::from_millis(0));
        assert!(!c.learn(at(1000), at(2000), WallTime::from_millis(9_000)));
        assert!(c.learn(at(400_000), at(401_000), WallTime::from_millis(400_400)));
    }

    #[test]
    fn a_date_header_mends_a_clock_that_is_minutes_off_and_leaves_one_that_is_not() {
        let mut c = clock();
        c.learn_date(at(0), WallTime::from_millis(1_000_000));
        assert_eq!((c.trust(), c.origin(at(0))), (Trust::Coarse, WallTime::from_millis(1_000_000)));
        c.learn_date(at(0), WallTime::from_millis(1_120_000));
        assert_eq!(c.trust(), Trust::Coarse);
        assert_eq!(c.origin(at(0)), WallTime::from_millis(1_120_500));
    }

    #[test]
    fn sleep_moves_the_origins_time_on() {
        let mut c = clock();
        c.learn(at(0), at(0), WallTime::from_millis(0));
        c.slept(Duration::from_secs(60));
        assert_eq!(c.origin(at(10)), WallTime::from_millis(60_010));
    }

    #[test]
    fn what_looked_like_sleep_is_mended_by_the_next_answer_even_a_slow_one() {
        let mut c = clock();
        c.learn(at(0), at(10), WallTime::from_millis(5_000));
        c.slept(Duration::from_secs(120));
        assert!(c.learn(at(1_000), at(2_000), WallTime::from_millis(6_500)));
        assert_eq!(c.origin(at(2_000)), WallTime::from_millis(7_000));
    }
}
