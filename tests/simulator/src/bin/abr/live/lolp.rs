//! LoL+ (Bentaleb, Akcay, Lim, Begen, Zimmermann, IEEE Transactions on Multimedia 2022) with the constants and the
//! units of dash.js 5.2 (`LoLpRule`, `LearningAbrController`): a self-organising map whose neurons are the rungs. The
//! neuron nearest to what is wanted wins; the weights of the distance come from `weights`.

use super::view::View;
use super::weights::{self, LEAST_BUFFER, Weights, next_buffer};

/// Latency counts in hundreds of seconds.
const LATENCY_UNIT: f64 = 100.0;
/// A rung has to be this much below the throughput, kilobits a second; else its throughput weighs this much.
const MARGIN: f64 = 10.0;
const HEAVY: f64 = 100.0;
/// The width of a neighbourhood, and how far a neuron moves.
const SIGMA: f64 = 0.1;
const LEARNING: f64 = 0.01;
/// The weights before any are found. dash.js draws them; a run here has to repeat.
const FIRST: Weights = [0.5; 4];

/// A neuron or a point: throughput, latency, time without media, size of the switch, each in its own unit.
type Point = [f64; 4];

/// What it has learned.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// One for each rung.
    neurons: Vec<Point>,
    /// Kilobits a second that count as 1: the magnitude of all rungs.
    unit: f64,
    weights: Weights,
}

impl State {
    pub(crate) fn new(kbps: &[f64]) -> Self {
        let unit = kbps.iter().map(|k| k * k).sum::<f64>().sqrt();
        let neurons = kbps.iter().map(|k| [k / unit, 0.0, 0.0, 0.0]).collect();
        Self { neurons, unit, weights: FIRST }
    }

    /// Moves all neurons toward a point, those near to the winner most.
    fn learn(&mut self, winner: usize, to: &Point) {
        for i in 0..self.neurons.len() {
            // The winner itself moves when its turn comes, as in dash.js.
            let far = distance(&self.neurons[i], &self.neurons[winner], &[1.0; 4]);
            let near = (-far * far / (2.0 * SIGMA * SIGMA)).exp();
            for (value, to) in self.neurons[i].iter_mut().zip(to) {
                *value += (to - *value) * LEARNING * near;
            }
        }
    }
}

fn distance(a: &Point, b: &Point, weights: &Weights) -> f64 {
    let square = |i: usize| weights[i] * (a[i] - b[i]) * (a[i] - b[i]);
    (0..4).map(square).sum::<f64>().sqrt()
}

/// The highest rung below the present one that the throughput carries, else the present one.
fn lower(view: &View<'_>, throughput: f64) -> usize {
    let carried = view.kbps[..view.current].iter().rposition(|k| *k < throughput);
    carried.unwrap_or(view.current)
}

/// The nearest neuron to a throughput without latency, stalls and switches.
fn nearest(state: &State, view: &View<'_>, throughput: f64, wanted: &Point) -> usize {
    let far = |(i, neuron): (usize, &Point)| {
        let mut weights = state.weights;
        let next = next_buffer(view.buffer, view.kbps[i] * view.segment / throughput, view.segment);
        if i > 0 && (view.kbps[i] > throughput - MARGIN || next < LEAST_BUFFER) {
            weights[0] = HEAVY;
        }
        distance(neuron, wanted, &weights)
    };
    let all = state.neurons.iter().enumerate().map(far);
    all.enumerate().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |it| it.0)
}

/// The rung to fetch.
pub(crate) fn choose(state: &mut State, view: &View<'_>) -> usize {
    let Some(throughput) = view.safe else { return view.current };
    let mut share = throughput / state.unit;
    if share > 1.0 {
        share = state.neurons.iter().map(|n| n[0]).fold(0.0, f64::max);
    }
    let takes = view.kbps[view.current] * view.segment / throughput;
    if view.buffer - takes < LEAST_BUFFER {
        return lower(view, throughput);
    }
    let latencies: Vec<f64> = state.neurons.iter().map(|n| n[1]).collect();
    if let Some(found) = weights::find(view, throughput, &latencies) {
        state.weights = found;
    }
    let to = nearest(state, view, throughput, &[share, 0.0, 0.0, 0.0]);
    let switch = (view.kbps[view.current] - view.kbps[to]).abs() / state.unit;
    let without = (takes - view.buffer).max(0.0);
    state.learn(view.current, &[share, view.latency / LATENCY_UNIT, without, switch]);
    state.learn(to, &[share, 0.0, 0.0, switch]);
    to
}

#[cfg(test)]
mod tests {
    use super::*;

    const KBPS: [f64; 3] = [200.0, 600.0, 1000.0];

    fn view(current: usize, safe: f64, buffer: f64) -> View<'static> {
        let (latency, speed, segment) = (1.0, 1.0, 0.5);
        View { kbps: &KBPS, current, buffer, latency, speed, segment, safe: Some(safe), last: None }
    }

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }

    /// `sqrt(200^2 + 600^2 + 1000^2)` is 1183.216.
    #[test]
    fn the_map_begins_with_the_rungs() {
        let it = State::new(&KBPS);
        near(it.unit, 1_183.215_957);
        near(it.neurons[2][0], 0.845_154);
    }

    /// By hand from `getNextQuality`, throughput weighing 0.2 (the vector found, see `weights`):
    /// 1100 kb/s is 0.92967: rung 2 is 0.2^0.5 * 0.08452 away, the nearest, and below 1090.
    /// 1005 kb/s: rung 2 is over 995, so 10 * 0.00423 = 0.0423 away; rung 1 is 0.2^0.5 * 0.34228 = 0.1531 away: still 2.
    /// 900 kb/s: rung 2 is 10 * 0.08452 = 0.845 away; rung 1 0.2^0.5 * 0.25355 = 0.1134: 1.
    /// 250 kb/s: rung 1, 10 * 0.29580; rung 0, 0.2^0.5 * 0.04226: 0.
    /// 3000 kb/s count as the top.
    #[test]
    fn the_nearest_neuron_wins() {
        for (safe, to) in [(1100.0, 2), (1005.0, 2), (900.0, 1), (250.0, 0), (3000.0, 2)] {
            assert_eq!(choose(&mut State::new(&KBPS), &view(0, safe, 0.9)), to, "{safe}");
        }
    }

    /// At 1000 kb/s, rung 2 takes 0.5 s: of 0.79 s buffered less than 0.3 s would be left. At 600 kb/s rung 1 is not
    /// below the throughput, at 601 it is. The lowest rung stays.
    #[test]
    fn where_the_buffer_would_run_low_it_goes_down_at_once() {
        for (current, safe, to) in [(2, 1000.0, 1), (2, 600.0, 0), (2, 601.0, 1), (0, 100.0, 0)] {
            assert_eq!(choose(&mut State::new(&KBPS), &view(current, safe, 0.79)), to, "{safe}");
        }
    }

    /// From rung 1 to rung 2 at 1100 kb/s and 1 s of latency. The first lesson is (0.92967, 0.01, 0, 0.33806) about rung
    /// 1: its own neuron moves by a hundredth of the way, to (0.51132, 0.0001, 0, 0.00338); rung 2, 0.33806 away by
    /// then less 0.00423, in the share exp(-(0.33386^2) / 0.02) = 0.00380 of it. The second lesson is about rung 2: its
    /// neuron moves by a hundredth of 0.08451.
    #[test]
    fn neurons_move_by_a_hundredth_of_the_way() {
        let mut it = State::new(&KBPS);
        assert_eq!(choose(&mut it, &view(1, 1100.0, 0.9)), 2);
        assert!((it.neurons[1][0] - 0.511_34).abs() < 3e-5, "{:?}", it.neurons);
        assert!((it.neurons[1][3] - 0.003_39).abs() < 2e-5, "{:?}", it.neurons);
        assert!((it.neurons[2][0] - 0.846_00).abs() < 1e-5, "{:?}", it.neurons);
        assert!((it.neurons[1][1] - 0.000_1).abs() < 1e-6, "{:?}", it.neurons);
    }
}
