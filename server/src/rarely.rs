//! PURE: one line in a while where every one would flood the log.

use std::time::Duration;

use nearlive::time::Instant;

/// Lets one event through in each stretch of time, and counts the others.
#[derive(Debug)]
pub struct Rarely {
    every: Duration,
    last: Option<Instant>,
    unsaid: u64,
}

impl Rarely {
    /// At most one in `every`.
    pub const fn new(every: Duration) -> Self {
        Self { every, last: None, unsaid: 0 }
    }

    /// Something happened: how many since the last line are to be told, this one included; `None`
    /// while it is to be kept.
    pub fn happened(&mut self, now: Instant) -> Option<u64> {
        self.unsaid += 1;
        // A clock that was set back must not make it silent for long.
        if self.last.is_some_and(|last| now >= last && now.since(last) < self.every) {
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_said_at_once_and_the_others_with_the_next_in_time() {
        let mut rarely = Rarely::new(Duration::from_secs(60));
        let at = |s: u64| Instant::from_micros(s * 1_000_000);
        let said = [5, 6, 64, 65, 66, 200].map(|s| rarely.happened(at(s)));
        assert_eq!(said, [Some(1), None, None, Some(3), None, Some(2)]);
        assert_eq!(rarely.happened(at(3)), Some(1));
    }
}
