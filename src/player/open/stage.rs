//! How far it has got.
//!
//! ```text
//! Loading --manifest--> Opening --types known, source open--> Running --+--> (on demand) the end
//!    |                     ^                                     |      |
//!    +--> Failed <---------+------- decoder died: rebuilt -------+ <----+ nothing helps
//! ```

use crate::player::event::State;
use crate::player::playhead::Playhead;
use crate::time::Position;

/// Where playing goes on with a new MediaSource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::player) enum Resume {
    /// Here, or at the edge where that is followed: something was lost.
    Near(Position),
    /// Exactly here: nothing was.
    At(Position),
}

/// How far it has got.
#[derive(Debug, Default)]
pub(in crate::player) struct Stage {
    step: Step,
    /// Its buffers were added once; the page knows what there is.
    told: bool,
}

#[derive(Debug, Default)]
enum Step {
    /// Waiting for the first manifest.
    #[default]
    Loading,
    /// Waiting for the browser.
    Opening {
        /// The MediaSource is open.
        opened: bool,
        /// Go on here afterwards: set when the MediaSource is rebuilt.
        resume: Option<Resume>,
    },
    /// Fetching and playing.
    Running,
    /// Over.
    Failed,
}

impl Stage {
    /// A MediaSource is being opened; playing goes on at `resume` afterwards.
    pub(super) const fn open(&mut self, resume: Option<Resume>) {
        self.step = Step::Opening { opened: false, resume };
    }

    /// The MediaSource is open.
    pub(in crate::player) const fn opened(&mut self) {
        if let Step::Opening { opened, .. } = &mut self.step {
            *opened = true;
        }
    }

    /// The buffers were added; answers where playing goes on.
    pub(super) fn run(&mut self) -> Option<Resume> {
        match core::mem::replace(&mut self.step, Step::Running) {
            Step::Opening { resume, .. } => resume,
            Step::Loading | Step::Running | Step::Failed => None,
        }
    }

    /// It is over.
    pub(super) const fn fail(&mut self) {
        self.step = Step::Failed;
    }

    /// The page knows what there is.
    pub(super) const fn tell(&mut self) {
        self.told = true;
    }

    pub(super) const fn was_told(&self) -> bool {
        self.told
    }

    /// As the page sees it.
    pub(in crate::player) fn state(&self, head: &Playhead) -> State {
        match self.step {
            Step::Failed => State::Failed,
            Step::Loading => State::Starting,
            Step::Opening { .. } if head.moved().is_some() => State::Stalled,
            Step::Opening { .. } | Step::Running => head.state(),
        }
    }

    pub(in crate::player) const fn is_loading(&self) -> bool {
        matches!(self.step, Step::Loading)
    }

    pub(in crate::player) const fn is_opening(&self) -> bool {
        matches!(self.step, Step::Opening { .. })
    }

    /// The MediaSource is open, and has no buffers.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.step, Step::Opening { opened: true, .. })
    }

    pub(in crate::player) const fn is_running(&self) -> bool {
        matches!(self.step, Step::Running)
    }

    pub(in crate::player) const fn has_failed(&self) -> bool {
        matches!(self.step, Step::Failed)
    }
}
