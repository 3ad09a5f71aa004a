//! A small seeded generator: SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
//!
//! Good enough to vary a simulation, and the same on every machine and version.

/// Chance, from a seed.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator that always gives the same numbers for the same seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A separate generator for one purpose, so that using one does not shift another.
    pub fn fork(&self, purpose: u64) -> Self {
        Self(mix(self.0 ^ mix(purpose)))
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `n`; 0 when `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        u64::try_from((u128::from(self.draw()) * u128::from(n)) >> 64).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True `permille` times in a thousand.
    pub fn chance(&mut self, permille: u32) -> bool {
        permille > 0 && self.below(1000) < u64::from(permille)
    }
}

/// SplitMix64's finalizer: also a hash of a number.
pub const fn mix(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_forks_differ() {
        let (mut a, mut b) = (Rng::new(7), Rng::new(7));
        assert_eq!((a.draw(), a.draw()), (b.draw(), b.draw()));
        assert_ne!(a.fork(1).draw(), a.fork(2).draw());
    }

    #[test]
    fn numbers_stay_within_their_bounds_and_reach_both() {
        let mut r = Rng::new(1);
        let all: Vec<u64> = (0..1000).map(|_| r.between(3, 6)).collect();
        assert!((3..=6).all(|n| all.contains(&n)) && all.iter().all(|n| (3..=6).contains(n)));
    }
}
