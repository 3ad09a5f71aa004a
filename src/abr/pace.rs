//! The pace of one download: over all of it, and lately.

use crate::time::{Duration, Instant};
use crate::units::Bitrate;
use alloc::collections::VecDeque;

/// The present rate is that of the last three seconds: long enough for the holes of a mobile link, short enough to see
/// that it broke down. 2 to 4 s score alike.
const LATELY: Duration = Duration::from_secs(3);
/// Before this time the rate of a download is not known well enough.
const SOON: Duration = Duration::from_millis(500);
/// Marks lie this far apart, at least.
const MARK: Duration = Duration::from_millis(100);
/// A shorter time would measure the browser's own buffering.
const LEAST: Duration = Duration::from_millis(10);
/// Fewer bytes show nothing of the link.
const FEWEST: u64 = 12_000;

/// Bytes over time, since the answer began.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    began: Instant,
    at: Instant,
    got: u64,
    /// Moments, with the bytes until then: the oldest lies [`LATELY`] back.
    marks: VecDeque<(Instant, u64)>,
}

impl Pace {
    /// An answer began at this moment.
    pub fn new(began: Instant) -> Self {
        Self { began, at: began, got: 0, marks: VecDeque::from([(began, 0)]) }
    }

    /// So much came.
    pub fn read(&mut self, now: Instant, bytes: u64) {
        self.at = now;
        self.got += bytes;
        while self.marks.get(1).is_some_and(|mark| now.since(mark.0) >= LATELY) {
            self.marks.pop_front();
        }
        if self.marks.back().is_some_and(|mark| now.since(mark.0) >= MARK) {
            self.marks.push_back((now, self.got));
        }
    }

    /// The rate of the whole; `None`: it is too small to show any.
    pub fn whole(&self) -> Option<Bitrate> {
        Bitrate::of(self.got, self.at.since(self.began).max(LEAST)).filter(|_| self.got >= FEWEST)
    }

    /// The rate of the last seconds; `None` before it can be known.
    pub fn lately(&self) -> Option<Bitrate> {
        let (from, before) = *self.marks.front()?;
        let known = self.at.since(self.began) >= SOON;
        Bitrate::of(self.got - before, self.at.since(from)).filter(|_| known)
    }

    /// The rate of the last seconds, if it is another one than that of the whole: half as much again, or two thirds.
    pub fn turned_to(&self) -> Option<Bitrate> {
        let (whole, lately) = (self.whole()?.as_bps(), self.lately()?.as_bps());
        let other = lately > whole.saturating_mul(3) / 2 || lately.saturating_mul(3) / 2 < whole;
        other.then(|| Bitrate::from_bps(lately))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads every 50 ms, at these rates for a second each.
    fn paced(kbps: &[u64]) -> Pace {
        let mut pace = Pace::new(Instant::from_micros(0));
        for (second, kbps) in (0..).zip(kbps) {
            for i in 1..=20 {
                pace.read(
                    Instant::from_micros(second * 1_000_000 + i * 50_000),
                    kbps * 1000 / 8 / 20,
                );
            }
        }
        pace
    }

    fn kbps(rate: Option<Bitrate>) -> Option<u64> {
        rate.map(|it| it.as_bps() / 1000)
    }

    #[test]
    fn a_download_that_breaks_down_shows_its_present_rate() {
        let pace = paced(&[9000, 9000, 9000, 300, 300, 300]);
        assert_eq!((kbps(pace.whole()), kbps(pace.lately())), (Some(4650), Some(300)));
        assert_eq!(kbps(pace.turned_to()), Some(300));
    }

    #[test]
    fn an_even_download_turns_to_nothing() {
        assert_eq!(paced(&[2000, 2400, 2000, 1800]).turned_to(), None);
    }

    #[test]
    fn the_first_moments_and_a_few_bytes_show_nothing() {
        let mut pace = Pace::new(Instant::from_micros(0));
        pace.read(Instant::from_micros(100_000), 8000);
        assert_eq!((pace.whole(), pace.lately()), (None, None));
    }
}
