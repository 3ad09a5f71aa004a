//! What is remembered from read to read, and of the probe under way.

use crate::abr::Rung;
use crate::abr::probe::Prober;
use crate::player::io::FetchId;
use crate::time::Instant;

/// The reads of all tracks, as one link carries them.
#[derive(Debug, Default)]
pub(super) struct Reads {
    /// Bytes of all tracks since the last read of the one that leads.
    pub(super) beside: u64,
    /// When the last read came that counts.
    pub(super) last: Option<Instant>,
}

/// The probing.
#[derive(Debug, Default)]
pub(super) struct Probe {
    pub(super) prober: Prober,
    pub(super) run: Option<Run>,
}

impl Probe {
    /// The link has just shown that it is weak.
    pub(super) const fn weak(&mut self, now: Instant) {
        self.prober.weak(now);
    }
}

/// A probe under way.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) id: FetchId,
    pub(super) target: Rung,
    pub(super) bytes: u64,
    pub(super) first: Option<(Instant, u64)>,
    pub(super) media_before: u64,
}
