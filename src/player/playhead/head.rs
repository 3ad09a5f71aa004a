//! The playhead's state, and what others ask of it.

use super::element::{Playback, Stalls};
use super::live::Live;
use crate::player::cx::Cx;
use crate::player::event::State;
use crate::player::io::{Output, Snapshot};
use crate::time::{Instant, Position};

/// Where it plays.
#[derive(Debug)]
pub(in crate::player) struct Playhead {
    pub(super) element: Playback,
    /// Where playing is to start; `None` until the clock is known.
    pub(super) start_at: Option<Position>,
    pub(super) live: Option<Live>,
    /// What arrives is kept from the browser until it lasts for a while.
    pub(super) holds: bool,
    /// Play again when the rebuilt MediaSource has media.
    pub(super) play_again: bool,
}

impl Playhead {
    pub(in crate::player) fn new(now: Instant) -> Self {
        Self {
            element: Playback::new(now),
            start_at: None,
            live: None,
            holds: false,
            play_again: false,
        }
    }

    /// The element, as it was seen last.
    pub(in crate::player) const fn snap(&self) -> &Snapshot {
        &self.element.snap
    }

    /// Where the element stands.
    pub(in crate::player) fn position(&self, now: Instant) -> Position {
        self.element.position(now)
    }

    /// Where it stands, or is to start.
    pub(in crate::player) fn aim(&self, now: Instant) -> Position {
        let start = self.start_at.filter(|_| !self.element.placed);
        start.unwrap_or_else(|| self.position(now))
    }

    /// Where it is to start is known.
    pub(in crate::player) const fn has_start(&self) -> bool {
        self.start_at.is_some()
    }

    /// The element was placed where playing is.
    pub(in crate::player) const fn is_placed(&self) -> bool {
        self.element.placed
    }

    /// Since when the picture moves; `None`: nothing was seen yet.
    pub(in crate::player) const fn moved(&self) -> Option<Instant> {
        self.element.moved
    }

    /// The element's clock runs.
    pub(in crate::player) fn runs(&self) -> bool {
        self.element.runs()
    }

    /// The element's clock runs, and the picture has moved.
    pub(in crate::player) fn plays(&self) -> bool {
        self.element.runs() && self.element.moved.is_some()
    }

    pub(in crate::player) fn state(&self) -> State {
        self.element.state()
    }

    /// Stalls up to now, and those that the camera's absence explains.
    pub(in crate::player) fn stalls(&self, now: Instant) -> (Stalls, Stalls) {
        self.element.stalls(now)
    }

    /// Playing is to start at `at`.
    pub(in crate::player) const fn start(&mut self, at: Position) {
        self.start_at = Some(at);
    }

    /// Where it plays is left: what is shown stays until it is placed anew.
    pub(in crate::player) const fn leave(&mut self) {
        self.element.placed = false;
        self.element.seeking_to = None;
        if let Some(live) = &mut self.live {
            live.waiting_since = None;
        }
    }

    /// Where it plays is left for a place that is not known yet.
    pub(in crate::player) const fn leave_for_unknown(&mut self) {
        self.start_at = None;
        self.leave();
    }

    /// A new MediaSource is made, which pauses the element; answers where it was.
    pub(in crate::player) fn rebuilt(&mut self, now: Instant) -> Position {
        self.play_again |= !self.element.snap.paused;
        self.element.stalled = None;
        self.holds = false;
        self.position(now)
    }

    /// It is to play as soon as it is placed.
    pub(in crate::player) const fn play_when_placed(&mut self) {
        self.play_again = true;
    }

    /// All is over: the element goes on as far as it can. A rebuilt MediaSource has paused it; the
    /// viewer did not.
    pub(in crate::player) fn give_up(&mut self, cx: &mut Cx<'_>) {
        if core::mem::take(&mut self.play_again) {
            cx.push(Output::Play);
        }
    }

    /// The element's clock goes to `to`.
    pub(super) fn jump(&mut self, cx: &mut Cx<'_>, to: Position) {
        self.element.seek(cx.now, to);
        cx.push(Output::Seek(to));
        if let Some(live) = &mut self.live {
            live.control.moved(cx.now);
        }
    }

    /// A new picture came: the camera is there, and the stalls up to now are not its doing.
    pub(in crate::player) const fn mark_new_picture(&mut self) {
        self.element.mark_new_picture();
    }

    /// The camera went `away` or came back: what stood still for it is not the link's doing.
    pub(in crate::player) fn camera_changed(&mut self, now: Instant, away: bool) {
        if away {
            // It stood still before it could be known why.
            self.element.blame_source_since_mark();
        }
        self.excuse(now);
    }

    /// What runs dry now is not the link's doing.
    pub(in crate::player) fn excuse(&mut self, now: Instant) {
        if let Some(live) = &mut self.live {
            live.control.excuse(now);
        }
    }
}
