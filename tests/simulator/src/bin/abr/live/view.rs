//! What the rules of dash.js see before a request, and how they read a ladder.

/// What a rule sees before it chooses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    /// Kilobits a second of each rung, lowest first.
    pub(crate) kbps: &'a [f64],
    /// The rung that was fetched last.
    pub(crate) current: usize,
    /// Media ahead of the position, seconds.
    pub(crate) buffer: f64,
    /// Behind the camera, seconds.
    pub(crate) latency: f64,
    /// The playback rate, 1.0 being normal.
    pub(crate) speed: f64,
    /// Length of a segment, seconds.
    pub(crate) segment: f64,
    /// The mean throughput with its margin, and that of the last segment alone, kilobits a second; `None` before
    /// the first segment.
    pub(crate) safe: Option<f64>,
    pub(crate) last: Option<f64>,
}

/// The highest rung that needs at most this much, else the lowest: `getOptimalRepresentationForBitrate`.
pub(crate) fn fitting(kbps: &[f64], most: f64) -> usize {
    kbps.iter().rposition(|k| *k <= most).unwrap_or(0)
}
