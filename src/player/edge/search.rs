//! A search for the edge: what was asked, what is open, what it led to.

use crate::live::search;
use crate::player::io::FetchId;
use crate::time::Instant;

/// What is known from asking.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// Since the clock last changed, a segment was had.
    pub(super) sure: bool,
    /// What exists by the clock was looked beyond.
    pub(super) looked_ahead: bool,
    /// How much the clock jumped last, microseconds.
    pub(super) hint: Option<i64>,
    pub(super) run: Option<Run>,
    /// Searches in a row that led nowhere.
    pub(super) in_vain: u32,
    pub(super) rest_until: Option<Instant>,
    /// That it is looked for was said.
    pub(super) told: bool,
}

impl Search {
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

/// A search under way.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) search: search::Search,
    /// Nothing else is fetched meanwhile.
    pub(super) alone: bool,
    /// The question that is open, and the age of its segment.
    pub(super) asking: Option<(FetchId, i64)>,
    pub(super) not_before: Instant,
}

impl Run {
    pub(super) const fn new(search: search::Search, alone: bool, now: Instant) -> Self {
        Self { search, alone, asking: None, not_before: now }
    }
}
