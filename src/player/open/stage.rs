//! The state of a loaded address, from the first request to the running MediaSource.
//!
//! ```text
//! Loading --manifest--> Opening --types known, source open--> Running
//!    |                     ^ |                                  |  |
//!    |                     | |      decoder failed: rebuilt     |  |
//!    |                     +-|----------------------------------+  |
//!    +-----------------------+-------- a fatal error --------------+--> Failed
//! ```

use crate::player::event::State;
use crate::player::playhead::Playhead;
use crate::time::Position;

/// Where playing goes on after the MediaSource was rebuilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::player) enum Resume {
    /// Here; or at the live edge, if that is followed: the failure has cost time anyway.
    Near(Position),
    /// Exactly here: nothing has failed.
    At(Position),
}

/// The state of a loaded address.
#[derive(Debug, Default)]
pub(in crate::player) struct Stage {
    phase: Phase,
    /// The page was told the qualities ([`crate::player::Event::Loaded`]).
    announced: bool,
}

#[derive(Debug, Default)]
enum Phase {
    /// Waiting for the first manifest.
    #[default]
    Loading,
    /// Waiting for the browser's answer about types, and for the MediaSource to open.
    Opening {
        /// The MediaSource is open.
        opened: bool,
        /// Where playing goes on; set when the MediaSource is rebuilt.
        resume: Option<Resume>,
    },
    /// Fetching and playing.
    Running,
    /// A fatal error.
    Failed,
}

impl Stage {
    /// A MediaSource is being opened; playing goes on at `resume` afterwards.
    pub(super) const fn open(&mut self, resume: Option<Resume>) {
        self.phase = Phase::Opening { opened: false, resume };
    }

    /// The MediaSource is open.
    pub(in crate::player) const fn opened(&mut self) {
        if let Phase::Opening { opened, .. } = &mut self.phase {
            *opened = true;
        }
    }

    /// The buffers were added; answers where playing goes on.
    pub(super) fn run(&mut self) -> Option<Resume> {
        match core::mem::replace(&mut self.phase, Phase::Running) {
            Phase::Opening { resume, .. } => resume,
            Phase::Loading | Phase::Running | Phase::Failed => None,
        }
    }

    /// A fatal error has ended playback.
    pub(super) const fn fail(&mut self) {
        self.phase = Phase::Failed;
    }

    /// The page was told the qualities.
    pub(super) const fn mark_announced(&mut self) {
        self.announced = true;
    }

    pub(super) const fn was_announced(&self) -> bool {
        self.announced
    }

    /// The state that the page is told.
    pub(in crate::player) fn state(&self, head: &Playhead) -> State {
        match self.phase {
            Phase::Failed => State::Failed,
            Phase::Loading => State::Starting,
            Phase::Opening { .. } if head.moved().is_some() => State::Stalled,
            Phase::Opening { .. } | Phase::Running => head.state(),
        }
    }

    pub(in crate::player) const fn is_loading(&self) -> bool {
        matches!(self.phase, Phase::Loading)
    }

    pub(in crate::player) const fn is_opening(&self) -> bool {
        matches!(self.phase, Phase::Opening { .. })
    }

    /// The MediaSource is open, and has no buffers.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Opening { opened: true, .. })
    }

    pub(in crate::player) const fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running)
    }

    pub(in crate::player) const fn has_failed(&self) -> bool {
        matches!(self.phase, Phase::Failed)
    }
}
