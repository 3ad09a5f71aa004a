//! What the server knows about a camera now, for the log, the API, the packager and the page.
//!
//! ```text
//!             first frame                 run ended: cause
//! connecting ─────────────> live ──────────────────────────> offline ──wait──┐
//!     ^  └─────────────────── run ended: cause ───────────────^              │
//!     └────────────────────── (stays offline until a frame comes) <──────────┘
//! ```
//!
//! While the server retries, the camera stays `offline` with the cause of the last failure, until a
//! frame arrives: the state tells what viewers have, not what the server is doing.

use nearlive::time::WallTime;

use crate::engine::stderr::{Cause, Source};

/// What viewers have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No frame yet since the server started.
    Connecting,
    /// Frames arrive.
    Live,
    /// Frames arrived or were expected, and do not arrive now.
    Offline,
}

impl State {
    /// The word for it in the API.
    pub fn word(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Live => "live",
            Self::Offline => "offline",
        }
    }
}

/// What is known about a camera.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// What viewers have.
    pub state: State,
    /// Since when it is in this state.
    pub since: WallTime,
    /// The cause, when offline.
    pub cause: Option<Cause>,
    /// What the camera sends, from the last run that found out.
    pub source: Source,
    /// How many times the engine was started.
    pub runs: u64,
}

impl Status {
    /// The status before the first try.
    pub fn new(now: WallTime) -> Self {
        Self {
            state: State::Connecting,
            since: now,
            cause: None,
            source: Source::default(),
            runs: 0,
        }
    }

    /// The same camera in another state; `since` changes only if the state does.
    pub fn enter(&mut self, state: State, cause: Option<Cause>, now: WallTime) {
        if self.state != state {
            self.state = state;
            self.since = now;
        }
        self.cause = cause;
    }

    /// A sentence for people, if there is something to say. `place` is the camera's host and port.
    pub fn sentence(&self, place: &str, now: WallTime) -> Option<String> {
        self.cause.as_ref().map(|c| c.sentence(place, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_cause_in_the_same_state_keeps_the_time_of_the_loss() {
        let mut status = Status::new(WallTime::from_millis(0));
        status.enter(State::Offline, Some(Cause::HungUp), WallTime::from_millis(5));
        status.enter(State::Offline, Some(Cause::NoRoute), WallTime::from_millis(9));
        assert_eq!(status.since, WallTime::from_millis(5));
        assert_eq!(
            status.sentence("h", WallTime::from_millis(9)).as_deref(),
            Some("no route to h")
        );
    }
}
