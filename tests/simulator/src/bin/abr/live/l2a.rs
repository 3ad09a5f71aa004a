//! L2A-LL (Karagkioules, Mekuria, Griffioen, Wagenaar, MMSys 2020) with the constants and the units of dash.js 5.2
//! (`L2ARule`): online learning of a probability for each rung, whose buffer constraint is weighted by a multiplier.

use super::view::{View, fitting};

const HORIZON: f64 = 4.0;
/// How much more careful it is after it chose a rung over the throughput.
const REACT: f64 = 2.0;
/// The buffer with which it begins to learn, seconds.
const PRIMED: f64 = 1.5;

/// The cautiousness of the paper: `HORIZON^0.99`.
fn caution() -> f64 {
    HORIZON.powf(0.99)
}

/// What it has learned.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    /// The probability of each rung; empty before the buffer is primed.
    weights: Vec<f64>,
    /// The multiplier of the buffer's constraint.
    multiplier: f64,
}

/// The nearest point of the probability simplex (Duchi et al., ICML 2008).
fn project(point: &[f64]) -> Vec<f64> {
    let mut sorted = point.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let (mut sum, mut shift) = (0.0, 0.0);
    for (i, it) in sorted.iter().enumerate() {
        sum += it;
        shift = (sum - 1.0) / (i + 1) as f64;
        if sorted.get(i + 1).is_none_or(|next| shift >= *next) {
            break;
        }
    }
    point.iter().map(|it| (it - shift).max(0.0)).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Before the buffer is primed: by the throughput.
fn begin(state: &mut State, view: &View<'_>) -> usize {
    let Some(safe) = view.safe else { return view.current };
    let to = fitting(view.kbps, safe);
    if view.buffer >= PRIMED {
        state.multiplier = caution();
        state.weights = (0..view.kbps.len()).map(|i| f64::from(u8::from(i == to))).collect();
    }
    to
}

/// The rung to fetch.
pub(crate) fn choose(state: &mut State, view: &View<'_>) -> usize {
    if state.weights.is_empty() {
        return begin(state, view);
    }
    let throughput = view.last.unwrap_or(1.0).max(1.0);
    let (v, caution) = (view.segment, caution());
    let alpha = HORIZON.max(caution * HORIZON.sqrt());
    let step = |(w, kbps): (&f64, &f64)| {
        let load = view.speed * kbps / throughput;
        let sign = if load > 1.0 { -1.0 } else { 1.0 };
        w + sign * v / (2.0 * alpha) * (state.multiplier + caution) * load
    };
    let moved: Vec<f64> = state.weights.iter().zip(view.kbps).map(step).collect();
    let weights = project(&moved);
    let change: Vec<f64> = weights.iter().zip(&state.weights).map(|(a, b)| a - b).collect();
    // Bits over kilobits, as in dash.js: the multiplier grows a thousand times faster than in the paper.
    let bits: Vec<f64> = view.kbps.iter().map(|k| k * 1000.0).collect();
    let load = view.speed * (dot(&bits, &weights) + dot(&bits, &change)) / throughput;
    state.multiplier = (state.multiplier - v + v * load).max(0.0);
    let wanted = dot(view.kbps, &weights);
    let off = |i: &usize| (view.kbps[*i] - wanted).abs();
    let mut to = (0..view.kbps.len()).min_by(|a, b| off(a).total_cmp(&off(b))).unwrap_or(0);
    if to > view.current && view.kbps[view.current + 1] <= throughput {
        to = view.current + 1;
    }
    if view.kbps[to] >= throughput {
        state.multiplier = REACT * caution.max(state.multiplier);
    }
    state.weights = weights;
    to
}

#[cfg(test)]
mod tests {
    use super::*;

    const KBPS: [f64; 3] = [200.0, 600.0, 1000.0];

    fn view(current: usize, kbps: f64, buffer: f64) -> View<'static> {
        let safe = Some(kbps * 0.9);
        let (latency, speed, segment) = (1.0, 1.0, 0.5);
        View { kbps: &KBPS, current, buffer, latency, speed, segment, safe, last: Some(kbps) }
    }

    fn primed(rung: usize) -> State {
        let weights = (0..3).map(|i| f64::from(u8::from(i == rung))).collect();
        State { weights, multiplier: caution() }
    }

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 0.01, "{a} {b}");
    }

    /// By `euclideanProjection`, by hand: (1.1875, 0.0625, -0.3125) moves by 0.1875 on one place; (1.075, 0.125, 0.025)
    /// by (1.2 - 1) / 2 on two; three equal ones by a third of what they are over.
    #[test]
    fn the_projection_is_a_distribution() {
        for (point, to) in [
            ([0.0625, 1.1875, -0.3125], [0.0, 1.0, 0.0]),
            ([0.025, 1.075, 0.125], [0.0, 0.975, 0.025]),
            ([0.5, 0.5, 0.5], [1.0 / 3.0; 3]),
        ] {
            for (a, b) in project(&point).iter().zip(to) {
                assert!((a - b).abs() < 1e-9, "{point:?}");
            }
        }
    }

    #[test]
    fn before_1500_ms_are_buffered_it_goes_by_the_throughput() {
        let mut it = State::default();
        assert_eq!(choose(&mut it, &view(2, 800.0, 1.49)), 1);
        assert_eq!(it, State::default());
        assert_eq!(choose(&mut it, &view(2, 800.0, 1.5)), 1);
        assert_eq!(it, primed(1));
    }

    /// By hand from `_handleSteadyState`, with VL = 4^0.99 = 3.9449, alpha = 2 VL, so that with Q = VL a step is V / 2
    /// times the load.
    /// 800 kb/s: steps 0.0625, 0.1875, -0.3125; the distribution stays (0, 1, 0);
    /// Q = 3.9449 - 0.5 + 0.5 * 600,000 / 800 = 378.44.
    /// 2000 kb/s: steps 0.025, 0.075, 0.125; (0, 0.975, 0.025); Q = 3.4449 + 0.5 * (610,000 + 10,000) / 2000 = 158.44.
    /// 500 kb/s, from rung 1: steps 0.1, -0.3, -0.5; (0.1, 0.7, -0.5) moves by (0.8 - 1) / 2 to (0.2, 0.8, 0), 520 kb/s:
    /// rung 1, which is over the throughput, so Q = 2 * (3.4449 + 0.5 * (520,000 - 80,000) / 500) = 886.89.
    #[test]
    fn a_step_of_learning_is_the_papers() {
        for (kbps, weights, multiplier, to) in [
            (800.0, [0.0, 1.0, 0.0], 378.44, 1),
            (2000.0, [0.0, 0.975, 0.025], 158.44, 1),
            (500.0, [0.2, 0.8, 0.0], 886.89, 1),
        ] {
            let mut it = primed(1);
            assert_eq!(choose(&mut it, &view(1, kbps, 1.0)), to, "{kbps}");
            near(it.multiplier, multiplier);
            it.weights.iter().zip(weights).for_each(|(a, b)| near(*a, b));
        }
    }

    /// The second step at 500 kb/s: half a second over twice alpha, 0.031687, times (886.89 + 3.94) is 28.228; times
    /// the loads 0.4, -1.2, -2: the lowest rung has all of it.
    #[test]
    fn over_the_throughput_it_is_twice_as_careful() {
        let mut it = primed(1);
        choose(&mut it, &view(1, 500.0, 1.0));
        assert_eq!(choose(&mut it, &view(1, 500.0, 1.0)), 0);
        it.weights.iter().zip([1.0, 0.0, 0.0]).for_each(|(a, b)| near(*a, b));
    }

    /// From the lowest rung at 3000 kb/s with a large multiplier all goes to the top; one rung is taken.
    #[test]
    fn it_goes_up_a_rung_at_a_time() {
        let mut it = State { multiplier: 400.0, ..primed(0) };
        assert_eq!(choose(&mut it, &view(0, 3000.0, 1.0)), 1);
        near(it.weights[2], 1.0);
    }
}
