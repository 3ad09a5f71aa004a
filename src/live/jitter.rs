//! The least and the most of a measure over the last seconds: of the lateness of media, or of the
//! buffer level.
//!
//! The window is kept in buckets, so that ten thousand samples cost as much as a dozen.

use crate::time::{Duration, Instant};

/// Buckets in a window.
const BUCKETS: usize = 16;

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Number of the bucket since the clock's origin.
    index: u64,
    least: i64,
    most: i64,
}

/// The least and the most sample of the last span of time, in the caller's unit.
#[derive(Clone, Debug)]
pub struct SlidingWindow {
    bucket_us: u64,
    buckets: [Option<Bucket>; BUCKETS],
    /// When the window was last emptied.
    since: Instant,
}

impl SlidingWindow {
    /// A window of `span`, empty at `now`.
    pub fn new(span: Duration, now: Instant) -> Self {
        let span_us = span.as_micros();
        let bucket_us = (span_us / BUCKETS as u64).max(1);
        Self { bucket_us, buckets: [None; BUCKETS], since: now }
    }

    /// Empties the window at `now`.
    pub const fn clear(&mut self, now: Instant) {
        self.buckets = [None; BUCKETS];
        self.since = now;
    }

    /// Takes a sample.
    pub fn note(&mut self, now: Instant, value: i64) {
        let index = now.as_micros() / self.bucket_us;
        let Some(slot) = self.buckets.get_mut((index % BUCKETS as u64) as usize) else { return };
        match slot {
            Some(b) if b.index == index => {
                b.least = b.least.min(value);
                b.most = b.most.max(value);
            }
            _ => *slot = Some(Bucket { index, least: value, most: value }),
        }
    }

    fn live(&self, now: Instant) -> impl Iterator<Item = &Bucket> {
        let index = now.as_micros() / self.bucket_us;
        self.buckets.iter().flatten().filter(move |b| b.index + (BUCKETS as u64) > index)
    }

    /// The least sample in the window.
    pub fn least(&self, now: Instant) -> Option<i64> {
        self.live(now).map(|b| b.least).min()
    }

    /// The most in the window: the largest sample.
    pub fn most(&self, now: Instant) -> Option<i64> {
        self.live(now).map(|b| b.most).max()
    }

    /// The time since the window was last emptied.
    pub const fn age(&self, now: Instant) -> Duration {
        now.since(self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    #[test]
    fn extremes_leave_the_window_with_time() {
        let mut w = SlidingWindow::new(Duration::from_secs(2), at(0));
        w.note(at(0), 50);
        w.note(at(1000), 10);
        w.note(at(1500), 20);
        assert_eq!((w.least(at(1500)), w.most(at(1500))), (Some(10), Some(50)));
        assert_eq!(w.most(at(2500)), Some(20));
        assert_eq!(w.least(at(9000)), None);
    }

    #[test]
    fn a_cleared_window_is_young_and_empty() {
        let mut w = SlidingWindow::new(Duration::from_secs(2), at(0));
        w.note(at(100), 1);
        w.clear(at(200));
        assert_eq!((w.least(at(300)), w.age(at(300))), (None, Duration::from_millis(100)));
    }
}
