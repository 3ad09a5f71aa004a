//! What is remembered between reads, and the running probe.

use crate::abr::Rung;
use crate::abr::probe::Prober;
use crate::player::io::FetchId;
use crate::time::Instant;

/// The reads of all tracks, which share one link.
#[derive(Debug, Default)]
pub(super) struct Reads {
    /// Bytes of all tracks since the last read of the leading track (the picture, else the only
    /// one).
    pub(super) bytes_since: u64,
    /// When the last read of the leading track came, or the answer began.
    pub(super) last: Option<Instant>,
}

/// When to probe, and the probe that is running.
#[derive(Debug, Default)]
pub(super) struct Probe {
    pub(super) prober: Prober,
    pub(super) run: Option<RunningProbe>,
}

impl Probe {
    /// The link was too slow at `now`: no probe for a while.
    pub(super) const fn note_weak(&mut self, now: Instant) {
        self.prober.note_weak(now);
    }
}

/// A running probe.
#[derive(Debug)]
pub(super) struct RunningProbe {
    pub(super) id: FetchId,
    pub(super) target: Rung,
    /// Bytes of it so far.
    pub(super) bytes: u64,
    /// When its first read came, and the bytes of that.
    pub(super) first: Option<(Instant, u64)>,
    /// Bytes that all requests together had brought before it.
    pub(super) media_before: u64,
}
