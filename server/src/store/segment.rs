//! One segment: a list of chunks that grows until it is finished, and readers that follow it.

use super::window::SegmentInfo;
use bytes::Bytes;
use nearlive::time::Timescale;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// A segment, growing or finished.
#[derive(Debug)]
pub struct Segment {
    number: u64,
    start_ticks: u64,
    state: Mutex<State>,
    grown: Notify,
}

#[derive(Debug)]
struct State {
    chunks: Vec<Bytes>,
    bytes: u64,
    ticks: u64,
    end_ticks: Option<u64>,
    /// The type of stream access point with which it begins, 0 for none; 1 before its first picture.
    sap_type: u8,
    /// It has left the window: its bytes belong to its readers and its writer.
    left: bool,
}

impl Default for State {
    fn default() -> Self {
        Self { chunks: Vec::new(), bytes: 0, ticks: 0, end_ticks: None, sap_type: 1, left: false }
    }
}

impl Segment {
    pub(super) fn new(number: u64, start_ticks: u64) -> Self {
        Self { number, start_ticks, state: Mutex::default(), grown: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the chunk counts as held by the window.
    pub(super) fn push(&self, chunk: Bytes, duration_ticks: u64) -> bool {
        let mut state = self.lock();
        state.bytes += chunk.len() as u64;
        state.ticks += duration_ticks;
        state.chunks.push(chunk);
        let counts = !state.left;
        drop(state);
        self.grown.notify_waiters();
        counts
    }

    pub(super) fn finish(&self, end_ticks: u64) {
        let mut state = self.lock();
        if state.end_ticks.is_none() {
            state.end_ticks = Some(end_ticks.max(self.start_ticks));
        }
        drop(state);
        self.grown.notify_waiters();
    }

    /// The type of stream access point of its first picture (ISO/IEC 14496-12 annex I); 0 if that
    /// needs earlier ones.
    pub fn begins_with(&self, sap_type: u8) {
        self.lock().sap_type = sap_type;
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Takes it out of the window; returns the bytes that it had there.
    pub(super) fn leave(&self) -> u64 {
        let mut state = self.lock();
        state.left = true;
        state.bytes
    }

    /// Mean bits a second of a finished segment of `least_us` or more, 0 otherwise: a shorter one,
    /// just a key frame, does not tell the rendition's rate.
    pub(super) fn bps(&self, timescale: u32, least_us: u64) -> u64 {
        let state = self.lock();
        let Some(end) = state.end_ticks else { return 0 };
        let (ticks, scale) = (end - self.start_ticks, u64::from(timescale));
        if u128::from(ticks) * 1_000_000 < u128::from(least_us) * u128::from(scale) {
            return 0;
        }
        (state.bytes * 8 * scale).checked_div(ticks).unwrap_or(0)
    }

    pub(super) fn start_us(&self, timescale: u32) -> i64 {
        to_us(self.start_ticks, timescale)
    }

    pub(super) fn end_us(&self, timescale: u32) -> Option<i64> {
        self.lock().end_ticks.map(|t| to_us(t, timescale))
    }

    pub(super) fn info(&self) -> SegmentInfo {
        let state = self.lock();
        SegmentInfo {
            number: self.number,
            start_ticks: self.start_ticks,
            duration_ticks: state.end_ticks.map_or(state.ticks, |end| end - self.start_ticks),
            complete: state.end_ticks.is_some(),
            sap_type: state.sap_type,
        }
    }
}

fn to_us(ticks: u64, timescale: u32) -> i64 {
    let ticks = i64::try_from(ticks).unwrap_or(i64::MAX);
    Timescale::new(timescale).map_or(0, |t| t.to_micros(ticks))
}

/// Follows a segment from its first chunk to its end.
#[derive(Clone, Debug)]
pub struct Reader {
    segment: Arc<Segment>,
    next: usize,
}

impl Reader {
    pub(super) const fn new(segment: Arc<Segment>) -> Self {
        Self { segment, next: 0 }
    }

    /// All of it, when it is finished.
    pub fn complete(&self) -> Option<Vec<Bytes>> {
        let state = self.segment.lock();
        state.end_ticks.map(|_| state.chunks.clone())
    }

    /// The chunks so far.
    pub fn so_far(&self) -> Vec<Bytes> {
        self.segment.lock().chunks.clone()
    }

    /// The chunks that have come since the last call, waiting for at least one; `None` after the
    /// last.
    pub async fn next(&mut self) -> Option<Vec<Bytes>> {
        loop {
            let segment = Arc::clone(&self.segment);
            let grown = segment.grown.notified();
            tokio::pin!(grown);
            // Registered before looking, so that a chunk between the look and the wait is not
            // missed.
            grown.as_mut().enable();
            {
                let state = segment.lock();
                if self.next < state.chunks.len() {
                    let chunks = state.chunks[self.next..].to_vec();
                    self.next = state.chunks.len();
                    return Some(chunks);
                }
                if state.end_ticks.is_some() {
                    return None;
                }
            }
            grown.await;
        }
    }
}
