//! Time stamps of 33 bits, unwrapped.
//!
//! ISO/IEC 13818-1 2.4.3.7: PTS and DTS count 90 kHz modulo 2^33, so they start again every 26.5
//! hours. The next value is taken to be the one nearest to the last.

const MODULUS: i64 = 1 << 33;

/// Unwraps the stamps of one program: its streams share the clock, so they share this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unwrap {
    last: Option<i64>,
}

impl Unwrap {
    /// Unwraps as if `ticks` had been seen last.
    pub const fn near(ticks: i64) -> Self {
        Self { last: Some(ticks) }
    }

    /// The last value returned.
    pub const fn last(&self) -> Option<i64> {
        self.last
    }

    /// The value nearest to the last one that equals `stamp` modulo 2^33; the first stays as it is.
    pub fn unwrap(&mut self, stamp: u64) -> i64 {
        let raw = i64::try_from(stamp).unwrap_or(0).rem_euclid(MODULUS);
        let value = match self.last {
            None => raw,
            Some(last) => {
                let ahead = raw.wrapping_sub(last).rem_euclid(MODULUS);
                let delta = if ahead >= MODULUS / 2 { ahead - MODULUS } else { ahead };
                last.saturating_add(delta)
            }
        };
        self.last = Some(value);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_go_on_over_the_wrap_in_both_directions() {
        let mut u = Unwrap::default();
        let top = (1u64 << 33) - 10;
        assert_eq!(u.unwrap(top), (1 << 33) - 10);
        assert_eq!(u.unwrap(5), (1 << 33) + 5);
        assert_eq!(u.unwrap(top + 2), (1 << 33) - 8);
        let mut fresh = Unwrap::default();
        assert_eq!(fresh.unwrap(5), 5);
        assert_eq!(fresh.unwrap(top), -10);
    }
}
