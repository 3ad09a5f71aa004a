//! What the link is like: a belief over levels of its throughput.
//!
//! A link has a level, which mostly stays, sometimes drifts, and seldom jumps; what a download shows is that level with
//! noise. How wide the noise is and how often it jumps differ between links, so eight such models are carried side by
//! side and weighted by how well each foretold what came (a bank of hidden Markov models; the weights are shared out as by
//! Herbster and Warmuth, "Tracking the best expert", 1998). Jumps go where the link has been before: an outage is
//! remembered.

use crate::units::Bitrate;

/// Levels: from 25 kb/s in steps of 1.4 to 57 Mb/s, fine enough for ladders, whose steps are wider.
pub const LEVELS: usize = 24;
const KBPS: [u32; LEVELS] = [
    25, 35, 49, 69, 96, 134, 188, 264, 369, 517, 723, 1012, 1417, 1984, 2778, 3889, 5445, 7622,
    10_671, 14_940, 20_916, 29_282, 40_995, 57_393,
];
/// One, as a probability.
pub const ONE: u32 = 1 << 24;
/// A rate may lie this many levels from the link's own.
pub const REACH: usize = 10;
/// How likely a rate is by its distance from the level, for four widths of noise (normal distributions of 0.4, 0.9, 1.7
/// and 3 levels), in millionths of the most likely.
const NOISE: [[u32; REACH + 1]; 4] = [
    [1_000_000, 43_937, 4, 0, 0, 0, 0, 0, 0, 0, 0],
    [1_000_000, 539_408, 84_658, 3_866, 51, 0, 0, 0, 0, 0, 0],
    [1_000_000, 841_131, 500_546, 210_733, 62_768, 13_226, 1_972, 208, 15, 1, 0],
    [
        1_000_000, 945_959, 800_737, 606_531, 411_112, 249_352, 135_335, 65_729, 28_566, 11_109,
        3_866,
    ],
];
/// Single downloads can be slow without the link's level being lower: added below the level.
const MISHAP: [u32; REACH + 1] = [0, 2336, 1820, 1417, 1104, 860, 669, 521, 406, 316, 246];
/// How likely a jump is at each step, thousandths: a steady link and a restless one. Three and eighteen percent a minute
/// of segments of three seconds.
const JUMPS: [u32; 2] = [5, 30];
/// The share of the neighbours on each side at each step, thousandths.
const DRIFT: u32 = 100;
/// The share of the weights that is given out evenly at each step, thousandths: what fits can change within twenty steps.
const SHARED: u64 = 50;
/// Ten visits count as much as all that is thought possible beforehand.
const VISIT: u32 = 10;

/// Probabilities of the levels; their sum is [`ONE`].
pub type Belief = [u32; LEVELS];

/// The throughput of a level, kilobits a second.
pub fn kbps(level: usize) -> u32 {
    KBPS.get(level).copied().unwrap_or(0)
}

/// The level below a rate, and how far the rate is on the way to the next one, thousandths.
fn place(rate: Bitrate) -> (usize, u32) {
    let rate = u32::try_from(rate.as_bps() / 1000).unwrap_or(u32::MAX);
    let above = KBPS.partition_point(|&k| k <= rate).clamp(1, LEVELS - 1);
    let (low, high) = (kbps(above - 1), kbps(above));
    let part = rate.clamp(low, high) - low;
    (above - 1, part.saturating_mul(1000) / (high - low))
}

/// The level that is nearest to a rate.
pub fn nearest(rate: Bitrate) -> usize {
    let (low, part) = place(rate);
    low + usize::from(part >= 500)
}

/// The likelihood of a rate `distance` levels above (below: negative) the link's level.
fn likelihood(noise: usize, distance: isize) -> u32 {
    let by = |row: &[u32; REACH + 1]| row.get(distance.unsigned_abs()).copied().unwrap_or(0);
    let mishap = if distance < 0 { by(&MISHAP) } else { 0 };
    // Nothing is impossible.
    NOISE.get(noise).map_or(0, by) + mishap + 1
}

/// A model of the link, with its own belief.
#[derive(Clone, Copy, Debug)]
struct Model {
    belief: Belief,
    /// How well it foretold: a share of [`ONE`].
    weight: u32,
}

/// The belief.
#[derive(Clone, Debug)]
pub struct Levels {
    /// Four noises with each of two jumps.
    models: [Model; 8],
    /// How often each level was seen.
    visits: Belief,
    known: bool,
}

/// What is to be expected of the link.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// The level that the next download meets.
    pub next: Belief,
    /// Where jumps go.
    pub jumps_to: Belief,
    /// How likely a jump is, thousandths.
    pub jump: u32,
    /// How likely a rate is by its distance from the level: [`REACH`] below it first; their sum is [`ONE`].
    pub noise: [u32; 2 * REACH + 1],
}

impl Default for Levels {
    fn default() -> Self {
        let even = [ONE / LEVELS as u32; LEVELS];
        let model = Model { belief: even, weight: ONE / 8 };
        Self { models: [model; 8], visits: even, known: false }
    }
}

/// Makes the sum [`ONE`] again.
fn even_out(raw: &[u64; LEVELS]) -> Belief {
    let sum: u64 = raw.iter().sum::<u64>().max(1);
    let mut out = [0; LEVELS];
    for (to, from) in out.iter_mut().zip(raw) {
        *to = share(*from, sum);
    }
    out
}

/// A part as a share of [`ONE`].
fn share(part: u64, whole: u64) -> u32 {
    // No product is greater than 63 bits.
    let shift = 25_u32.saturating_sub(whole.leading_zeros());
    u32::try_from((part >> shift) * u64::from(ONE) / (whole >> shift).max(1)).unwrap_or(ONE)
}

/// One step of the level: it stays, drifts or jumps.
pub fn step(from: &Belief, jump: u32, jumps_to: &Belief) -> Belief {
    let mut raw = [0_u64; LEVELS];
    for (level, share) in from.iter().enumerate() {
        let keep = u64::from(*share) * u64::from(1000 - jump) / 1000;
        let side = keep * u64::from(DRIFT) / 1000;
        let beside = [(level, keep - 2 * side), (level.saturating_sub(1), side), (level + 1, side)];
        for (to, part) in beside {
            if let Some(sum) = raw.get_mut(to.min(LEVELS - 1)) {
                *sum += part;
            }
        }
    }
    for (sum, to) in raw.iter_mut().zip(jumps_to) {
        *sum += u64::from(*to) * u64::from(jump) / 1000;
    }
    even_out(&raw)
}

impl Levels {
    /// Whether anything was seen.
    pub const fn known(&self) -> bool {
        self.known
    }

    fn jumps_to(&self) -> Belief {
        even_out(&self.visits.map(u64::from))
    }

    /// A download ran at this rate.
    pub fn observe(&mut self, rate: Bitrate) {
        let (low, part) = place(rate);
        let jumps_to = self.jumps_to();
        let mut fits = [0_u64; 8];
        for (i, (model, fit)) in self.models.iter_mut().zip(&mut fits).enumerate() {
            let jump = JUMPS.get(i % 2).copied().unwrap_or(0);
            let prior =
                if self.known { step(&model.belief, jump, &jumps_to) } else { model.belief };
            let mut raw = [0_u64; LEVELS];
            for (level, (to, prior)) in raw.iter_mut().zip(&prior).enumerate() {
                let distance = low.cast_signed() - level.cast_signed();
                let (a, b) = (likelihood(i / 2, distance), likelihood(i / 2, distance + 1));
                let like =
                    (u64::from(a) * u64::from(1000 - part) + u64::from(b) * u64::from(part)) / 1000;
                *to = u64::from((*prior).max(1)) * like.max(1);
            }
            // Noises that are wide are likely everywhere a little: by their sums they compare.
            *fit =
                raw.iter().sum::<u64>() / width(i / 2) * u64::from(model.weight) / u64::from(ONE);
            model.belief = even_out(&raw);
        }
        self.weigh(&fits);
        self.known = true;
        let now = self.now();
        for (visits, now) in self.visits.iter_mut().zip(now) {
            *visits = visits.saturating_add(now / VISIT);
        }
    }

    fn weigh(&mut self, fits: &[u64; 8]) {
        let sum = fits.iter().sum::<u64>().max(1);
        for (model, fit) in self.models.iter_mut().zip(fits) {
            let own = u64::from(share(*fit, sum));
            let weight = (own * (1000 - SHARED) + u64::from(ONE) / 8 * SHARED) / 1000;
            model.weight = u32::try_from(weight).unwrap_or(ONE);
        }
    }

    /// The link has this rate now, whatever was thought before: it may be a little lower.
    pub fn settle(&mut self, rate: Bitrate) {
        let at = nearest(rate);
        let mut belief = [0; LEVELS];
        for (below, share) in [(0, 700), (1, 200), (2, 100)] {
            if let Some(to) = belief.get_mut(at.saturating_sub(below)) {
                *to += ONE / 1000 * share;
            }
        }
        for model in &mut self.models {
            model.belief = belief;
        }
        self.known = true;
    }

    fn now(&self) -> Belief {
        let mut raw = [0_u64; LEVELS];
        for model in &self.models {
            for (to, share) in raw.iter_mut().zip(model.belief) {
                *to += u64::from(share) * u64::from(model.weight) / u64::from(ONE);
            }
        }
        even_out(&raw)
    }

    /// What is to be expected.
    pub fn outlook(&self) -> Outlook {
        let jumps_to = self.jumps_to();
        let (mut jump, mut noise) = (0_u64, [0_u32; 2 * REACH + 1]);
        for (i, model) in self.models.iter().enumerate() {
            let weight = u64::from(model.weight);
            jump += u64::from(JUMPS.get(i % 2).copied().unwrap_or(0)) * weight;
            for (at, to) in noise.iter_mut().enumerate() {
                let like = likelihood(i / 2, at.cast_signed() - REACH.cast_signed());
                *to += u32::try_from(u64::from(like) * weight / width(i / 2)).unwrap_or(0);
            }
        }
        let jump = u32::try_from(jump / u64::from(ONE)).unwrap_or(0);
        Outlook { next: step(&self.now(), jump, &jumps_to), jumps_to, jump, noise }
    }
}

/// The sum of a noise's likelihoods.
fn width(noise: usize) -> u64 {
    let side = |row: &[u32; REACH + 1]| row.iter().map(|&it| u64::from(it)).sum::<u64>();
    let sum = NOISE.get(noise).map_or(0, side);
    2 * sum - 1_000_000 + side(&MISHAP) + (2 * REACH as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn rate(kbps: u64) -> Bitrate {
        Bitrate::from_kbps(kbps)
    }

    /// The level that is most likely next.
    fn likeliest(levels: &Levels) -> usize {
        let next = levels.outlook().next;
        (0..LEVELS).max_by_key(|&i| next[i]).unwrap()
    }

    /// The probability that the next level is below `kbps`.
    fn below(levels: &Levels, limit: u32) -> u32 {
        let next = levels.outlook().next;
        (0..LEVELS).filter(|&i| kbps(i) < limit).map(|i| next[i] / (ONE / 1000)).sum()
    }

    #[test]
    fn probabilities_add_up() {
        let mut levels = Levels::default();
        for kbps in [1, 40, 900, 1000, 1_000_000, 0, 3000] {
            levels.observe(rate(kbps));
            let outlook = levels.outlook();
            for sum in [outlook.next.iter().sum::<u32>(), outlook.jumps_to.iter().sum()] {
                assert!(sum <= ONE && sum > ONE - 200, "{sum}");
            }
            let sum: u32 = outlook.noise.iter().sum();
            assert!(sum <= ONE && sum > ONE - 200, "{sum}");
        }
    }

    #[test]
    fn a_steady_link_that_changes_is_believed_at_once() {
        let mut levels = Levels::default();
        (0..20).for_each(|_| levels.observe(rate(1000)));
        assert_eq!(likeliest(&levels), nearest(rate(1000)));
        levels.observe(rate(25_000));
        assert_eq!(likeliest(&levels), nearest(rate(25_000)));
        levels.observe(rate(25_000));
        levels.observe(rate(1000));
        assert_eq!(likeliest(&levels), nearest(rate(1000)));
    }

    #[test]
    fn on_a_rough_link_one_slow_download_is_no_new_level() {
        let mut levels = Levels::default();
        for i in 0..40 {
            levels.observe(rate([9000, 4000, 16_000, 6000, 12_000][i % 5]));
        }
        levels.observe(rate(3000));
        assert!(below(&levels, 4000) < 500, "{}", below(&levels, 4000));
    }

    #[test]
    fn an_outage_is_remembered() {
        let (mut calm, mut met) = (Levels::default(), Levels::default());
        for i in 0..60 {
            calm.observe(rate(5000));
            met.observe(rate(if i % 20 > 16 { 60 } else { 5000 }));
        }
        assert!(
            below(&met, 200) > below(&calm, 200) + 3,
            "{}, {}",
            below(&met, 200),
            below(&calm, 200)
        );
    }

    #[test]
    fn what_is_certain_counts_more_than_all_before() {
        let mut levels = Levels::default();
        (0..50).for_each(|_| levels.observe(rate(9000)));
        levels.settle(rate(300));
        assert!(below(&levels, 500) > 900);
    }
}
