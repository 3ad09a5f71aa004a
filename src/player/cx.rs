//! The context that every part is handed: the time, the settings, and the outbox for effects.

use super::config::Config;
use super::event::Event;
use super::io::{FetchId, Output, Reason};
use crate::net::prng::Prng;
use crate::time::{Duration, Instant};
use alloc::collections::VecDeque;

/// Effects, in the order in which they are to be performed.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: VecDeque<Output>,
    next_id: u32,
    /// Once all of the queue is performed, the MediaSource's `readyState` is "ended".
    ended: bool,
}

impl Outbox {
    pub(super) const fn new() -> Self {
        Self { queue: VecDeque::new(), next_id: 1, ended: false }
    }

    fn push(&mut self, output: Output) {
        match output {
            Output::EndOfStream => self.ended = true,
            // Each of them opens an ended source again (Media Source Extensions 5.5 appendBuffer,
            // remove, changeType; timestampOffset), or is about a new one.
            Output::Append { .. }
            | Output::Remove { .. }
            | Output::ChangeType { .. }
            | Output::Offset { .. }
            | Output::OpenSource => self.ended = false,
            _ => {}
        }
        self.queue.push_back(output);
    }

    pub(super) fn pop(&mut self) -> Option<Output> {
        self.queue.pop_front()
    }
}

/// The next wake-up, and what for. It is computed anew at every input, so no wake-up can be left
/// over.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Agenda(Option<(Instant, Reason)>);

impl Agenda {
    pub(super) fn next(&self) -> (Option<Instant>, Reason) {
        self.0.map_or((None, Reason::Idle), |(at, why)| (Some(at), why))
    }
}

/// The context of one step.
#[derive(Debug)]
pub(super) struct Cx<'a> {
    pub(super) now: Instant,
    /// For how long there was no input.
    pub(super) idle: Duration,
    pub(super) config: &'a Config,
    pub(super) out: &'a mut Outbox,
    pub(super) agenda: &'a mut Agenda,
    pub(super) prng: &'a mut Prng,
}

impl Cx<'_> {
    pub(super) fn push(&mut self, output: Output) {
        self.out.push(output);
    }

    /// `EndOfStream` was put out, and nothing since then has opened the source again.
    pub(super) const fn end_said(&self) -> bool {
        self.out.ended
    }

    pub(super) fn emit(&mut self, event: Event) {
        self.push(Output::Emit(event));
    }

    pub(super) const fn new_id(&mut self) -> FetchId {
        let id = FetchId(self.out.next_id);
        self.out.next_id = self.out.next_id.wrapping_add(1);
        id
    }

    /// Asks for a wake-up at `at` at the latest.
    pub(super) fn wake_at(&mut self, at: Instant, why: Reason) {
        if self.agenda.0.is_none_or(|(earlier, _)| at < earlier) {
            self.agenda.0 = Some((at, why));
        }
    }
}

/// The context of a part in its own tests.
#[cfg(test)]
#[derive(Debug)]
pub(super) struct Surroundings {
    pub(super) config: Config,
    out: Outbox,
    agenda: Agenda,
    prng: Prng,
}

#[cfg(test)]
impl Default for Surroundings {
    fn default() -> Self {
        Self {
            config: Config::default(),
            out: Outbox::new(),
            agenda: Agenda::default(),
            prng: Prng::new(1),
        }
    }
}

#[cfg(test)]
impl Surroundings {
    /// One step at `now`.
    pub(super) fn at(&mut self, now: Instant) -> Cx<'_> {
        self.agenda = Agenda::default();
        let Self { config, out, agenda, prng } = self;
        Cx { now, idle: Duration::ZERO, config, out, agenda, prng }
    }

    /// What was put out.
    pub(super) fn drain(&mut self) -> alloc::vec::Vec<Output> {
        core::iter::from_fn(|| self.out.pop()).collect()
    }
}
