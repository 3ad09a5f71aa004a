//! How LoL+ finds the weights of its distance (`LoLpWeightSelector`, `LoLpQoEEvaluator` of dash.js 5.2): of all vectors
//! of five values for each of the four weights, the first of the best quality of experience that keeps media buffered.

use super::view::View;

/// Of throughput, latency, time without media, switches.
pub(crate) type Weights = [f64; 4];

/// Media that has to stay buffered, seconds (`DWS_BUFFER_MIN`).
pub(crate) const LEAST_BUFFER: f64 = 0.3;
const VALUES: [f64; 5] = [0.2, 0.4, 0.6, 0.8, 1.0];
/// Time without media is at least this, seconds, so that its weight counts.
const LEAST_WITHOUT: f64 = 0.000_01;
/// Above this latency, seconds, a second of it costs a tenth of the top rung; up to it a twentieth of the lowest.
const NEAR: f64 = 1.1;

/// What is buffered after a segment that takes so long, all in seconds.
pub(crate) fn next_buffer(buffer: f64, takes: f64, segment: f64) -> f64 {
    if takes > segment { buffer - segment } else { buffer + segment - takes }
}

/// The quality of a segment. As in dash.js the rung counts in bits a second, the rest in kilobits: so rungs decide, and
/// weights only among equals.
fn quality(view: &View<'_>, rung: usize, without: f64, latency: f64) -> f64 {
    let (low, top) = (view.kbps[0], view.kbps[view.kbps.len() - 1]);
    let price = if latency <= NEAR { 0.05 * low } else { 0.1 * top };
    let speed = low * (1.0 - view.speed).abs();
    view.segment * view.kbps[rung] * 1000.0 - top * without - price * latency - speed
}

/// The weights, where any rung keeps enough buffered. `latencies`: of the neurons. dash.js has a bound of the latency as
/// well, which always holds, for it begins anew at each choice.
pub(crate) fn find(view: &View<'_>, throughput: f64, latencies: &[f64]) -> Option<Weights> {
    let mut best: Option<(f64, Weights)> = None;
    for (rung, neuron) in latencies.iter().enumerate() {
        let takes = view.kbps[rung] * view.segment / throughput;
        let next = next_buffer(view.buffer, takes, view.segment);
        if next < LEAST_BUFFER {
            continue;
        }
        let without = (takes - next).max(LEAST_WITHOUT);
        for i in 0..VALUES.len().pow(4) {
            let value = |place: u32| VALUES[i / VALUES.len().pow(3 - place) % VALUES.len()];
            let weights = [value(0), value(1), value(2), value(3)];
            let it = quality(view, rung, without / weights[2], neuron / weights[1]);
            if best.is_none_or(|best| it > best.0) {
                best = Some((it, weights));
            }
        }
    }
    best.map(|it| it.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KBPS: [f64; 3] = [200.0, 600.0, 1000.0];

    fn view(buffer: f64) -> View<'static> {
        let (current, latency, speed, segment) = (1, 1.0, 1.1, 0.5);
        View { kbps: &KBPS, current, buffer, latency, speed, segment, safe: None, last: None }
    }

    /// By `getNextBuffer`.
    #[test]
    fn a_slow_segment_costs_its_length_and_a_fast_one_gains_the_rest() {
        assert!((next_buffer(1.0, 0.3, 0.5) - 1.2).abs() < 1e-9);
        assert!((next_buffer(1.0, 0.6, 0.5) - 0.5).abs() < 1e-9);
    }

    /// By `calculateSingleUseQoe`: 0.5 * 600,000 - 1000 * 0.2 - 10 * 1 - 200 * 0.1 = 299,770; at 2 s of latency
    /// 100 * 2 takes the place of 10 * 1.
    #[test]
    fn the_quality_counts_the_rung_in_bits() {
        assert!((quality(&view(1.0), 1, 0.2, 1.0) - 299_770.0).abs() < 1e-6);
        assert!((quality(&view(1.0), 1, 0.2, 2.0) - 299_580.0).abs() < 1e-6);
    }

    /// By `findWeightVector`: the top rung has the best quality; of its vectors those with the largest weight of time
    /// without media, and where its neuron knows a latency, of latency; of these the first.
    #[test]
    fn the_first_of_the_best_vectors_is_taken() {
        assert_eq!(find(&view(0.9), 1100.0, &[0.0; 3]), Some([0.2, 0.2, 1.0, 0.2]));
        assert_eq!(find(&view(0.9), 1100.0, &[0.0, 0.0, 0.01]), Some([0.2, 1.0, 1.0, 0.2]));
    }

    /// At 100 kb/s every rung takes longer than its segment: 0.7 - 0.5 s are left, too little.
    #[test]
    fn where_no_rung_keeps_enough_there_are_none() {
        assert_eq!(find(&view(0.7), 100.0, &[0.0; 3]), None);
        assert!(find(&view(0.9), 100.0, &[0.0; 3]).is_some());
    }
}
