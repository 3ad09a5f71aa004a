//! What went wrong with a track's segments, until one comes.

use crate::time::{Instant, Position};

/// A live segment that was refused.
#[derive(Clone, Copy, Debug)]
pub(super) struct Missing {
    pub(super) start: Position,
    /// A place well inside it.
    pub(super) middle: Position,
    /// Up to here newer ones were asked for in its place.
    pub(super) tried: Position,
    /// When one was refused last.
    pub(super) tried_at: Instant,
}

/// What went wrong with its segments, until one comes.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble {
    /// How many were left out before the one at the cursor.
    left_out: u32,
    /// A segment that is not there.
    missing: Option<Missing>,
    /// Segments in a row that fell silent.
    silent: u32,
}

impl Trouble {
    /// One more is left out; the next has no trouble yet.
    pub(super) fn leave_out(&mut self) {
        *self = Self { left_out: self.left_out.saturating_add(1), ..Self::default() };
    }

    /// How many were left out before the one at the cursor.
    pub(super) const fn count_left_out(&self) -> u32 {
        self.left_out
    }

    /// One more fell silent.
    pub(super) const fn fell_silent(&mut self) {
        self.silent = self.silent.saturating_add(1);
    }

    /// Segments in a row that fell silent.
    pub(super) const fn count_silent(&self) -> u32 {
        self.silent
    }

    /// The segment that is not there.
    pub(super) const fn missing(&self) -> Option<Missing> {
        self.missing
    }

    /// This segment is not there, unless that is known.
    pub(super) fn misses(&mut self, missing: Missing) {
        if self.missing.is_none_or(|before| before.start != missing.start) {
            self.missing = Some(missing);
        }
    }

    /// One up to `end` is asked for in the place of the segment that is not there.
    pub(super) const fn tries(&mut self, end: Position, now: Instant) {
        if let Some(missing) = &mut self.missing {
            (missing.tried, missing.tried_at) = (end, now);
        }
    }

    /// No segment is waited for. Answers the one that was.
    pub(super) const fn no_longer_missing(&mut self) -> Option<Missing> {
        self.missing.take()
    }
}
