//! The settings, each with its unit and its default. Defaults are defined here alone.

use crate::abr::Limits;
use crate::time::Duration;

/// How a player behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The latency to keep behind the live edge. `None` (default): the manifest's, else the least
    /// that the measured jitter allows.
    pub latency: Option<Duration>,
    /// The same in thousandths of a segment's length, where `latency` is `None`. Default 0: not said.
    pub latency_segments: u32,
    /// How far behind the target playback may be before it jumps instead of catching up.
    /// Default 3 s.
    pub max_drift: Duration,
    /// The same in thousandths of a segment's length, in place of `max_drift`. Default 0: not said.
    pub max_drift_segments: u32,
    /// The slowest rate that keeps to the live edge, in thousandths; 1000 at most. One below 950, the
    /// default, is not made use of.
    pub slowest: u32,
    /// The fastest; 1000 at least. One above 1100, the default, is not made use of.
    pub fastest: u32,
    /// Media to hold ahead of the position on demand, and live when far from the edge.
    /// Default 30 s.
    pub buffer_ahead: Duration,
    /// Media to keep behind the position. Default 20 s.
    pub buffer_behind: Duration,
    /// How long a request may go without a byte before it is given up. Default 8 s.
    pub request_timeout: Duration,
    /// Start without waiting for a play command. Default true.
    pub autoplay: bool,
    /// Request media, and newer lists of live media. Where it is false, what is buffered is played.
    /// Default true.
    pub fetching: bool,
    /// What automatic quality may choose.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            latency: None,
            latency_segments: 0,
            max_drift: Duration::from_secs(3),
            max_drift_segments: 0,
            slowest: 950,
            fastest: 1100,
            buffer_ahead: Duration::from_secs(30),
            buffer_behind: Duration::from_secs(20),
            request_timeout: Duration::from_secs(8),
            autoplay: true,
            fetching: true,
            limits: Limits::default(),
        }
    }
}
