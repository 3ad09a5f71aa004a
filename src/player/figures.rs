//! Counters for the page, and the state and the quality that it was told last.

use super::event::{Event, Quality, State, Switch};
use crate::time::Instant;
use alloc::string::String;
use core::time::Duration;

/// Decoder failures that are farther apart than this are counted separately.
const ACCIDENT: Duration = Duration::from_secs(60);

/// Counters, and what the page was told last.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) errors: u32,
    pub(super) switches: u32,
    pub(super) startup: Option<Duration>,
    breakdowns: Breakdowns,
    pub(super) waiting_for: &'static str,
    told_state: Option<State>,
    told_quality: Option<u32>,
}

/// How often the MediaSource failed lately.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Breakdowns {
    count: u32,
    last: Option<Instant>,
}

impl Figures {
    /// Counts a failure of the MediaSource; answers how many there were lately.
    pub(super) fn note_breakdown(&mut self, now: Instant) -> u32 {
        let b = &mut self.breakdowns;
        if b.last.is_none_or(|last| now.since(last) > ACCIDENT) {
            b.count = 0;
        }
        b.count += 1;
        b.last = Some(now);
        b.count
    }

    /// The event for this state, if it is new.
    pub(super) fn state_event(&mut self, state: State) -> Option<Event> {
        let before = self.told_state.replace(state);
        (before != Some(state)).then_some(Event::State(state))
    }

    /// The event for the quality with this index, which is on screen, if it is new. `known` gives a
    /// quality and why it was chosen.
    pub(super) fn quality_event(
        &mut self,
        shown: u32,
        known: impl Fn(u32) -> Option<(Quality, String)>,
    ) -> Option<Event> {
        if self.told_quality == Some(shown) {
            return None;
        }
        let from = self.told_quality.and_then(&known).map(|it| it.0);
        let (to, reason) = known(shown)?;
        if from.is_some() {
            self.switches = self.switches.saturating_add(1);
        }
        self.told_quality = Some(shown);
        Some(Event::Quality(Switch { to, from, reason }))
    }
}
