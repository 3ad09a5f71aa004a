//! A small seeded generator for jitter: a run can be repeated exactly.
//!
//! `xorshift64*` (Vigna, "An experimental exploration of Marsaglia's xorshift generators", 2016).

/// The generator.
#[derive(Clone, Debug)]
pub struct Prng(u64);

impl Prng {
    /// A generator that gives the same numbers for the same seed.
    pub const fn new(seed: u64) -> Self {
        // The all-zero state is a fixed point.
        Self(seed ^ 0x9e37_79b9_7f4a_7c15 | 1)
    }

    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub const fn below(&mut self, bound: u32) -> u32 {
        // The upper half has the better bits; the bias of `%` is below 2^-31 here.
        let n = self.next() >> 32;
        match n.checked_rem(bound as u64) {
            Some(n) => n as u32,
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_within_the_bound() {
        let (mut a, mut b) = (Prng::new(7), Prng::new(7));
        for _ in 0..1000 {
            let n = a.below(10);
            assert_eq!(n, b.below(10));
            assert!(n < 10);
        }
    }

    #[test]
    fn a_seed_of_zero_does_not_stand_still() {
        let mut p = Prng::new(0);
        assert_ne!(p.next(), p.next());
    }
}
