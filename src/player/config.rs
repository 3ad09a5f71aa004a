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
    /// How far behind the target playback may be before it jumps instead of catching up.
    /// Default 3 s.
    pub max_drift: Duration,
    /// Media to hold ahead of the position on demand, and live when far from the edge.
    /// Default 30 s.
    pub buffer_ahead: Duration,
    /// Media to keep behind the position. Default 20 s.
    pub buffer_behind: Duration,
    /// How long a request may go without a byte before it is given up. Default 8 s.
    pub request_timeout: Duration,
    /// Start without waiting for a play command. Default true.
    pub autoplay: bool,
    /// What automatic quality may choose.
    pub limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            latency: None,
            max_drift: Duration::from_secs(3),
            buffer_ahead: Duration::from_secs(30),
            buffer_behind: Duration::from_secs(20),
            request_timeout: Duration::from_secs(8),
            autoplay: true,
            limits: Limits::default(),
        }
    }
}
