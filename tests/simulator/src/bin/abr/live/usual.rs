//! What dash.js 5.2 does live by default: its throughput rule, held back by its rule about the history of switches.
//!
//! Of its other default rules BOLA waits for 12 s of buffer, `InsufficientBufferRule` rests in low-latency mode, and
//! `AbandonRequestsRule` waits for six progress events, of which a growing segment has one.

use super::view::{View, fitting};
use std::collections::VecDeque;

/// The latest choices that count, and the share of drops over which a rung is left (`switchHistoryRule`).
const SAMPLES: usize = 8;
const DROPS: f64 = 0.075;

/// The latest choices: the rung before, and whether a lower one was chosen.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    choices: VecDeque<(usize, bool)>,
}

impl State {
    fn note(&mut self, from: usize, to: usize) {
        self.choices.push_back((from, to < from));
        if self.choices.len() > SAMPLES {
            self.choices.pop_front();
        }
    }

    fn count(&self, rung: usize, drop: bool) -> f64 {
        self.choices.iter().filter(|c| **c == (rung, drop)).count() as f64
    }

    /// The most that the history allows, if it says something.
    fn most(&self, rungs: usize) -> Option<usize> {
        let (mut drops, mut others) = (0.0, 0.0);
        for rung in 0..rungs {
            let here = self.count(rung, true);
            drops += here;
            others += self.count(rung, false);
            if drops + others >= SAMPLES as f64 && drops > DROPS * others {
                return Some(if rung > 0 && here > 0.0 { rung - 1 } else { rung });
            }
        }
        None
    }
}

/// The rung to fetch.
pub(crate) fn choose(state: &mut State, view: &View<'_>) -> usize {
    let by_link = view.safe.map(|safe| fitting(view.kbps, safe));
    let by_history = state.most(view.kbps.len());
    let to = match (by_link, by_history) {
        (Some(a), Some(b)) => a.min(b),
        (a, b) => match a.or(b) {
            Some(to) => to,
            // Nothing is known, and nothing noted.
            None => return view.current,
        },
    };
    state.note(view.current, to);
    to
}

#[cfg(test)]
mod tests {
    use super::*;

    const KBPS: [f64; 3] = [200.0, 600.0, 1000.0];

    fn view(current: usize, safe: Option<f64>) -> View<'static> {
        View {
            kbps: &KBPS,
            current,
            buffer: 0.8,
            latency: 1.0,
            speed: 1.0,
            segment: 0.5,
            safe,
            last: safe,
        }
    }

    /// By `ThroughputRule`.
    #[test]
    fn the_highest_rung_within_the_safe_throughput() {
        for (safe, to) in [(100.0, 0), (599.0, 0), (600.0, 1), (999.0, 1), (5000.0, 2)] {
            assert_eq!(choose(&mut State::default(), &view(1, Some(safe))), to, "{safe}");
        }
        assert_eq!(choose(&mut State::default(), &view(2, None)), 2);
    }

    /// By `SwitchHistoryRule`: eight choices are known of which one went down from rung 2: 1 / 7 is over 0.075, so rung
    /// 1 is the most. With one choice fewer nothing is said.
    #[test]
    fn a_drop_among_eight_choices_keeps_it_one_below() {
        let mut it = State::default();
        it.note(2, 1);
        (0..3).for_each(|_| it.note(1, 1));
        (0..3).for_each(|_| it.note(2, 2));
        assert_eq!(it.most(3), None);
        it.note(2, 2);
        assert_eq!(it.most(3), Some(1));
        assert_eq!(choose(&mut it, &view(1, Some(5000.0))), 1);
        // The drop was the oldest choice, and is forgotten.
        assert_eq!(it.most(3), None);
    }
}
