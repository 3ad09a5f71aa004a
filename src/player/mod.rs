//! Composes the parts into a player without clock, network or browser.
//!
//! The contract: the driver calls [`Player::handle`] with one input, then [`Player::poll`] until it
//! answers [`Output::Wait`], collecting the outputs; only then does it perform them, and only then
//! gives the next input. `Wait` says when to come back with [`Input::Wake`] at the latest, and why.
//! `handle` never fails and never panics: bad data becomes [`Event::Error`].

mod config;
mod error;
mod event;
mod io;

pub use config::Config;
pub use error::{Category, Code, Error};
pub use event::{Event, Quality, QualityChoice, State, Stats, Switch};
pub use io::{
    Append, BlobId, Body, BufferEvent, Command, Cue, FetchEvent, FetchId, Head, Input, Output,
    Reason, Request, Snapshot, SourceEvent, Span,
};

use crate::time::{Instant, WallTime};

/// The player.
#[derive(Debug)]
pub struct Player {
    config: Config,
}

impl Player {
    /// A player with nothing loaded. `wall` is the local clock's reading at `now`.
    pub fn new(config: Config, now: Instant, wall: WallTime) -> Self {
        let _ = (now, wall);
        Self { config }
    }

    /// Takes one input at time `now`. A `now` before the last one counts as the last one.
    pub fn handle(&mut self, now: Instant, input: Input) {
        let _ = (now, input, &self.config);
    }

    /// The next thing to do; [`Output::Wait`] when there is nothing more.
    pub fn poll(&mut self) -> Output {
        Output::Wait { until: None, why: Reason::Idle }
    }

    /// Figures for the page, as of `now`.
    pub fn stats(&self, now: Instant) -> Stats {
        let _ = now;
        Stats::default()
    }

    /// What can be chosen between now, best first.
    pub fn qualities(&self) -> alloc::vec::Vec<Quality> {
        alloc::vec::Vec::new()
    }
}
