//! PURE: whether a reader takes the bytes that are ready for it.
//!
//! A reader may be slow: a page on a bad link needs a minute for the player. It may not stand
//! still, nor read so slowly that it only holds memory. It is behind from the first byte that the
//! socket did not take until it has everything. Bytes count when the socket takes them, so the
//! socket's own buffer is kept small.

use std::time::Duration;

use nearlive::time::Instant;

/// A reader below this many bytes a second, after [`super::limits::Limits::stalled`], is not watching.
const SLOWEST: u64 = 1024;

/// How a reader keeps up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Pace {
    /// It has everything.
    #[default]
    Level,
    /// It has not taken all bytes yet.
    Behind {
        /// Since when.
        since: Instant,
        /// When it last took some.
        last: Instant,
        /// How many it has taken since.
        taken: u64,
    },
}

impl Pace {
    /// Notes that some bytes cannot be written now.
    pub(super) fn waits(&mut self, now: Instant) {
        if *self == Self::Level {
            *self = Self::Behind { since: now, last: now, taken: 0 };
        }
    }

    /// Notes that `some` of `all` bytes could be written.
    pub(super) fn took(&mut self, some: usize, all: usize, now: Instant) {
        match self {
            _ if some == all => *self = Self::Level,
            Self::Level => *self = Self::Behind { since: now, last: now, taken: 0 },
            Self::Behind { last, taken, .. } if some > 0 => {
                *last = now;
                *taken += some as u64;
            }
            Self::Behind { .. } => {}
        }
    }

    /// The time by which it must take more, given how long it may take nothing.
    pub(super) fn deadline(&self, stalled: Duration) -> Option<Instant> {
        let Self::Behind { since, last, taken } = *self else { return None };
        let earned = Duration::from_millis(taken.saturating_mul(1000) / SLOWEST);
        Some((last + stalled).min(since + stalled + earned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STALLED: Duration = Duration::from_secs(20);

    fn at(s: u64) -> Instant {
        Instant::from_micros(s * 1_000_000)
    }

    /// The second by which a reader is given up that takes `some` bytes each `every` seconds.
    fn given_up(some: usize, every: u64) -> Option<u64> {
        let mut pace = Pace::Level;
        pace.waits(at(0));
        for s in 0..3600 {
            if pace.deadline(STALLED).is_some_and(|until| until <= at(s)) {
                return Some(s);
            }
            if s % every == 0 && s > 0 {
                pace.took(some, 1 << 30, at(s));
            }
        }
        None
    }

    #[test]
    fn a_slow_reader_stays_and_one_that_takes_next_to_nothing_goes() {
        for (some, every, end) in [
            (0, 1, Some(20)),
            (40, 1, Some(21)),
            (1, 19, Some(20)),
            (1 << 20, 21, Some(20)),
            (900, 1, Some(158)),
            (1024, 1, None),
            (16 << 10, 15, None),
        ] {
            assert_eq!(given_up(some, every), end, "{some} bytes each {every} s");
        }
    }

    #[test]
    fn who_has_everything_has_all_the_time() {
        let mut pace = Pace::Level;
        pace.took(9, 9, at(1));
        assert_eq!(pace.deadline(STALLED), None);
        pace.took(5, 9, at(2));
        assert_eq!(pace.deadline(STALLED), Some(at(22)));
        pace.took(4, 4, at(10));
        assert_eq!(pace.deadline(STALLED), None);
        pace.waits(at(30));
        pace.waits(at(40));
        assert_eq!(pace.deadline(STALLED), Some(at(50)), "from the first one on");
    }
}
