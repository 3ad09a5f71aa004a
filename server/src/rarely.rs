//! PURE: limits lines that would flood the log: one per stretch of time, or a number per second.

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

    /// Notes an event. Returns how many to report since the last line, this one included; `None`
    /// if it must be suppressed.
    pub fn happened(&mut self, now: Instant) -> Option<u64> {
        self.unsaid += 1;
        // A clock that was set back must not silence it for long.
        if self.last.is_some_and(|last| now >= last && now.since(last) < self.every) {
            return None;
        }
        self.last = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

/// Lets a number of events through at once, then a number per second, and counts the others.
#[derive(Debug)]
pub struct Ration {
    most: u32,
    a_second: u32,
    left: u32,
    filled: Option<Instant>,
    unsaid: u64,
}

impl Ration {
    /// `most` at once, then `a_second` (1 to 1000).
    pub const fn new(most: u32, a_second: u32) -> Self {
        Self { most, a_second, left: most, filled: None, unsaid: 0 }
    }

    /// Notes an event. `None` if it must be suppressed, else how many were suppressed before it.
    pub fn take(&mut self, now: Instant) -> Option<u64> {
        let filled = *self.filled.get_or_insert(now);
        let each = Duration::from_secs(1) / self.a_second.clamp(1, 1000);
        let new = Duration::from(now.since(filled)).as_micros() / each.as_micros();
        if let Ok(new @ 1..) = u32::try_from(new) {
            self.left = self.left.saturating_add(new).min(self.most);
            self.filled = Some(now);
        }
        if self.left == 0 {
            self.unsaid += 1;
            return None;
        }
        self.left -= 1;
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

    #[test]
    fn a_ration_is_used_up_and_comes_again_with_time() {
        let mut ration = Ration::new(3, 2);
        let at = |ms: u64| Instant::from_micros(ms * 1000);
        let taken =
            [0, 0, 1, 2, 300, 501, 502, 5000, 5000, 5000, 5000].map(|ms| ration.take(at(ms)));
        let none = None;
        assert_eq!(
            taken,
            [Some(0), Some(0), Some(0), none, none, Some(2), none, Some(1), Some(0), Some(0), none]
        );
    }
}
