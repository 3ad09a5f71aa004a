//! The state of the search for the edge, and of the search that is running.

use crate::live::search;
use crate::player::io::FetchId;
use crate::time::Instant;

/// What earlier searches found, and the one that is running.
#[derive(Debug, Default)]
pub(super) struct SearchState {
    /// A segment was found to exist since the clock last changed.
    pub(super) sure: bool,
    /// Since then, a search for newer segments was considered.
    pub(super) looked_ahead: bool,
    /// How much the clock has jumped, or may be off: worth trying first. Microseconds.
    pub(super) hint: Option<i64>,
    pub(super) run: Option<RunningSearch>,
    /// How many searches in a row found nothing.
    pub(super) in_vain: u32,
    pub(super) rest_until: Option<Instant>,
    /// The page was told of the search.
    pub(super) told: bool,
}

impl SearchState {
    pub(super) const fn doubt(&mut self, jump_us: Option<i64>) {
        self.sure = false;
        self.looked_ahead = false;
        self.hint = jump_us;
        self.in_vain = 0;
    }

    pub(super) fn suspect(&mut self, jump_us: i64) {
        self.hint.get_or_insert(jump_us);
    }
}

/// A running search.
#[derive(Debug)]
pub(super) struct RunningSearch {
    pub(super) search: search::Search,
    /// The tracks fetch nothing until it ends.
    pub(super) alone: bool,
    /// The open request, and the age of its segment.
    pub(super) asking: Option<(FetchId, i64)>,
    pub(super) not_before: Instant,
}

impl RunningSearch {
    pub(super) const fn new(search: search::Search, alone: bool, now: Instant) -> Self {
        Self { search, alone, asking: None, not_before: now }
    }
}
