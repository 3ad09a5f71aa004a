//! What is remembered between reads, and the running probe.

use crate::abr::Rung;
use crate::abr::pace::Pace;
use crate::abr::plan::USUAL_WEIGHT;
use crate::abr::probe::Prober;
use crate::abr::sharing::Others;
use crate::player::io::FetchId;
use crate::player::requests::Requests;
use crate::time::{Duration, Instant};

/// The segment that is to be asked for.
#[derive(Clone, Copy, Debug)]
pub(in crate::player) struct Next {
    /// Of the longest one of its list.
    pub(in crate::player) length: Duration,
    /// Its size against the usual one, thousandths.
    pub(in crate::player) weight: u32,
    /// How often its bytes are read.
    pub(in crate::player) reads: u32,
}

impl Default for Next {
    fn default() -> Self {
        Self { length: Duration::from_secs(3), weight: USUAL_WEIGHT, reads: 1 }
    }
}

/// The reads of all tracks, which share one link.
#[derive(Debug, Default)]
pub(super) struct Reads {
    /// Bytes of all tracks since the last read of the leading track (the picture, else the only
    /// one).
    pub(super) bytes_since: u64,
    /// All that came so far: of what the page's players share, this one's share.
    pub(super) shared: u64,
    /// What came for the page's other players with the read that comes next, and what they take a share to be.
    pub(super) others: Others,
    /// When the last read of the leading track came, or the answer began.
    pub(super) last: Option<Instant>,
    /// The download of the leading track that comes whole.
    pub(super) coming: Option<Coming>,
    /// The representation that came whole before it.
    pub(super) before: Option<usize>,
    /// From a request to its answer, lately.
    pub(super) delay: Duration,
    /// The segment that was decided on last, of the track that decides. While it comes, none after it is decided on.
    pub(super) next: Next,
}

impl Reads {
    /// This player's share of what came with a read of `len` bytes.
    pub(super) fn share(&mut self, len: u32) -> u64 {
        let share = self.others.share_of(len);
        self.others.bytes = 0;
        self.shared += share;
        share
    }

    /// A read of a download that comes whole; `bytes` of all tracks came with it.
    pub(super) fn paced(
        &mut self,
        now: Instant,
        requests: &Requests,
        (id, rep): (FetchId, Option<usize>),
        bytes: u64,
    ) {
        if self.coming.as_ref().is_none_or(|it| it.id != id) {
            let Some(sent) = requests.get(id) else { return };
            let began = sent.answered_at.unwrap_or(now);
            let delay = began.since(sent.sent_at);
            self.delay = if self.delay.is_zero() { delay } else { self.delay / 5 * 4 + delay / 5 };
            self.coming = Some(Coming { id, rep, pace: Pace::new(began) });
        }
        if let Some(coming) = &mut self.coming {
            coming.pace.read(now, bytes);
        }
    }

    /// The download has come whole, if it is the one that was measured.
    pub(super) fn came(&mut self, id: FetchId) -> Option<Pace> {
        let coming = self.coming.take_if(|it| it.id == id)?;
        self.before = coming.rep.or(self.before);
        Some(coming.pace)
    }
}

/// A download that is measured.
#[derive(Debug)]
pub(super) struct Coming {
    pub(super) id: FetchId,
    /// Of which representation it is; `None`: it replaces something.
    pub(super) rep: Option<usize>,
    pub(super) pace: Pace,
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
