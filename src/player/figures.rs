//! Counters for the page, and the state and the quality that it was told last.

use super::cx::Cx;
use super::event::{Event, Quality, State, Switch};
use crate::time::{Duration, Instant};
use alloc::string::String;

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

    /// Tells the page this state, if it is new.
    pub(super) fn tell_state(&mut self, cx: &mut Cx<'_>, state: State) {
        if self.told_state.replace(state) != Some(state) {
            cx.emit(Event::State(state));
        }
    }

    /// Tells the page the quality with this index, which is on screen, if it is new. `known` gives a
    /// quality and why it was chosen.
    pub(super) fn tell_quality(
        &mut self,
        cx: &mut Cx<'_>,
        shown: u32,
        known: impl Fn(u32) -> Option<(Quality, String)>,
    ) {
        if self.told_quality == Some(shown) {
            return;
        }
        let from = self.told_quality.and_then(&known).map(|it| it.0);
        let Some((to, reason)) = known(shown) else { return };
        if from.is_some() {
            self.switches = self.switches.saturating_add(1);
        }
        self.told_quality = Some(shown);
        cx.emit(Event::Quality(Switch { to, from, reason }));
    }
}
