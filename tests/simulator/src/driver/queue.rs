//! The queue of one SourceBuffer: operations in order, each after the last is finished.

use crate::clock::{NEVER, Time};
use crate::payload::Payload;
use nearlive::player::Span;
use std::collections::VecDeque;

/// An operation on a SourceBuffer.
#[derive(Debug)]
pub(super) enum Op {
    Append { data: Payload, label: u32 },
    Remove(Span),
    Offset(i64),
    Window(i64, Option<i64>),
    ChangeType { mime: String, needed: bool },
}

impl Op {
    /// How long a browser takes for it: an append takes this fixed time, and more for its
    /// bytes.
    fn takes(&self, append: Time) -> Time {
        match self {
            // 100 MB/s and a turn of the event loop.
            Self::Append { data, .. } => append + data.len() / 100,
            Self::Remove(_) => 200,
            Self::Offset(_) | Self::Window(..) | Self::ChangeType { .. } => 0,
        }
    }
}

/// The operations of one buffer.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) waiting: VecDeque<Op>,
    pub(super) running: Option<Op>,
    /// When the current operation is finished.
    pub(super) until: Time,
    /// The first append met a full buffer: only removals are performed.
    pub(super) full: bool,
    /// Appends are held back.
    pub(super) held: bool,
    /// Operations received and operations finished, in total.
    pub(super) taken: u64,
    pub(super) done: u64,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            running: None,
            until: NEVER,
            full: false,
            held: false,
            taken: 0,
            done: 0,
        }
    }
}

impl Queue {
    pub(super) fn push(&mut self, op: Op) {
        self.taken += 1;
        self.waiting.push_back(op);
    }

    /// The operation to begin now.
    pub(super) fn pop(&mut self) -> Option<Op> {
        if self.full {
            let removal = self.waiting.iter().position(|op| matches!(op, Op::Remove(_)))?;
            return self.waiting.remove(removal);
        }
        let waits = self.held && matches!(self.waiting.front(), Some(Op::Append { .. }));
        if waits { None } else { self.waiting.pop_front() }
    }

    pub(super) fn begin(&mut self, op: Op, now: Time, append: Time) {
        self.until = now + op.takes(append);
        self.running = Some(op);
    }

    pub(super) fn finish(&mut self) -> Option<Op> {
        self.until = NEVER;
        self.done += 1;
        self.running.take()
    }

    /// Removes this many of the newest appends; returns how many of them were begun already.
    pub(super) fn forget(&mut self, appends: u32) -> u32 {
        self.full = false;
        let mut left = appends;
        while left > 0
            && let Some(i) = self.waiting.iter().rposition(|op| matches!(op, Op::Append { .. }))
        {
            self.waiting.remove(i);
            self.done += 1;
            left -= 1;
        }
        left
    }

    /// Ends the current operation and returns it.
    pub(super) fn abort(&mut self) -> Option<Op> {
        self.until = NEVER;
        let running = self.running.take();
        self.done += u64::from(running.is_some());
        running
    }
}
