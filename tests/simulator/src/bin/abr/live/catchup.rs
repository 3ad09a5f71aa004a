//! How dash.js 5.2 sets the playback rate live (`CatchupController`): its default, and the one made for LoL+.

/// How much slower and faster the manifest lets it play: `PlaybackRate` of the ServiceDescription, which the
/// model's server writes as 0.95 to 1.1.
pub(crate) const SLOWER: f64 = 0.05;
pub(crate) const FASTER: f64 = 0.1;
/// A buffer of up to this much counts as empty, seconds (`lowLatencyStallThreshold`).
const EMPTY: f64 = 0.3;
/// Of LoL+: with less buffered it plays slower, seconds (`playbackBufferMin`).
const LEAST_BUFFER: f64 = 0.5;
/// Of LoL+: so little of the target does not count.
const NEAR: f64 = 0.02;

/// The state that a rate depends on. Times in seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    pub(crate) latency: f64,
    pub(crate) target: f64,
    pub(crate) buffer: f64,
}

fn sigmoid(range: f64, off: f64) -> f64 {
    1.0 - range + 2.0 * range / (1.0 + (-5.0 * off).exp())
}

fn toward(it: &State) -> f64 {
    let off = it.latency - it.target;
    sigmoid(if off < 0.0 { SLOWER } else { FASTER }, off)
}

/// The default. What it does otherwise about an empty buffer says the same.
pub(crate) fn usual(it: &State) -> f64 {
    if it.buffer <= EMPTY { 1.0 } else { toward(it) }
}

/// That of LoL+.
pub(crate) fn lolp(it: &State) -> f64 {
    if it.buffer < LEAST_BUFFER {
        sigmoid(SLOWER, it.buffer - LEAST_BUFFER)
    } else if (it.latency - it.target).abs() <= NEAR * it.target {
        1.0
    } else {
        toward(it)
    }
}

/// The least change that is made.
const LEAST_CHANGE: f64 = 0.02 / (0.5 / FASTER);

/// The rate to set, if the wanted one is not the present one already.
pub(crate) fn change(present: f64, wanted: f64) -> Option<f64> {
    let counts = (present - wanted).abs() >= LEAST_CHANGE || wanted == 1.0;
    (counts && present != wanted).then_some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_REST: State = State { latency: 1.0, target: 1.0, buffer: 0.8 };

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }

    /// By `_calculateNewPlaybackRateDefault`: 0.2 s late, s = 0.2 / (1 + e^-1) = 0.14621, 0.9 + s; 0.2 s early,
    /// s = 0.1 / (1 + e) = 0.02689, 0.95 + s.
    #[test]
    fn the_default_goes_toward_the_target_along_a_sigmoid() {
        near(usual(&AT_REST), 1.0);
        near(usual(&State { latency: 1.2, ..AT_REST }), 1.046_21);
        near(usual(&State { latency: 0.8, ..AT_REST }), 0.976_89);
        near(usual(&State { latency: 1.2, buffer: 0.3, ..AT_REST }), 1.0);
        near(usual(&State { latency: 1.2, buffer: 0.31, ..AT_REST }), 1.046_21);
    }

    /// By `_calculateNewPlaybackRateLolP`: 0.1 s less than 0.5 s buffered, s = 0.1 / (1 + e^0.5) = 0.03775, 0.95 + s,
    /// however late it is; within 2 % of the target, 1.
    #[test]
    fn lolp_looks_at_the_buffer_first() {
        near(lolp(&State { latency: 1.2, buffer: 0.4, ..AT_REST }), 0.987_75);
        near(lolp(&State { latency: 1.019, ..AT_REST }), 1.0);
        near(lolp(&State { latency: 1.2, ..AT_REST }), 1.046_21);
    }

    #[test]
    fn small_changes_are_not_made_except_to_one() {
        assert_eq!(change(1.0, 1.0), None);
        assert_eq!(change(1.05, 1.053), None);
        assert_eq!(change(1.05, 1.06), Some(1.06));
        assert_eq!(change(1.001, 1.0), Some(1.0));
    }
}
