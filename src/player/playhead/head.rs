//! The playhead's state, and the questions that other parts ask it.

use super::element::{Element, Stalls};
use super::live::LivePlayback;
use crate::player::cx::Cx;
use crate::player::event::State;
use crate::player::io::{Output, Snapshot};
use crate::time::{Duration, Instant, Position};

/// A browser that says it has enough media gets no more than this ahead of the position: it may change its
/// mind late.
const SATED: Duration = Duration::from_secs(5);

/// While the element plays the page gives a snapshot of it each quarter of a second; when none came for so long, the
/// page's own script kept it.
const BUSY: Duration = Duration::from_millis(350);
/// When none came for longer still, the machine slept.
const ASLEEP: Duration = Duration::from_secs(10);

/// The playback position and everything that moves it.
#[derive(Debug)]
pub(in crate::player) struct Playhead {
    pub(super) element: Element,
    /// Where playing starts; `None` until the origin's clock is known.
    pub(super) start_at: Option<Position>,
    pub(super) live: Option<LivePlayback>,
    /// Arriving media is kept from the browser until the reserve suffices.
    pub(super) withholds: bool,
    /// Send `Play` once the element is placed: rebuilding the MediaSource has paused it.
    pub(super) play_again: bool,
    /// It was placed: send `Play` once what there is lasts.
    pub(super) starts: bool,
}

impl Playhead {
    pub(in crate::player) fn new(now: Instant) -> Self {
        Self {
            element: Element::new(now),
            start_at: None,
            live: None,
            withholds: false,
            play_again: false,
            starts: false,
        }
    }

    /// The newest snapshot of the element.
    pub(in crate::player) const fn snap(&self) -> &Snapshot {
        &self.element.snap
    }

    /// How much media to hold ahead of the position where `wanted` is wished for.
    pub(in crate::player) fn goal(&self, wanted: Duration) -> Duration {
        if self.snap().sated { wanted.min(SATED) } else { wanted }
    }

    /// The element's position, extrapolated to `now`.
    pub(in crate::player) fn position(&self, now: Instant) -> Position {
        self.element.position(now)
    }

    /// The element's position, or the start position while the element is not placed there yet.
    pub(in crate::player) fn position_or_start(&self, now: Instant) -> Position {
        let start = self.start_at.filter(|_| !self.element.placed);
        start.unwrap_or_else(|| self.position(now))
    }

    /// The start position is known.
    pub(in crate::player) const fn has_start(&self) -> bool {
        self.start_at.is_some()
    }

    /// The element was sent to the start position; before that its own position means nothing.
    pub(in crate::player) const fn is_placed(&self) -> bool {
        self.element.placed
    }

    /// When the picture first moved; `None` before that.
    pub(in crate::player) const fn moved(&self) -> Option<Instant> {
        self.element.moved
    }

    /// There is a picture on the screen, and the element's position is that of it.
    pub(in crate::player) const fn shows(&self) -> bool {
        self.element.moved.is_some() && !self.element.emptied
    }

    /// The element stands where it should play.
    pub(in crate::player) fn stands(&self) -> bool {
        self.element.stalled.is_some() || (self.element.stuck() && !self.snap().seeking)
    }

    /// The element's clock runs.
    pub(in crate::player) fn runs(&self) -> bool {
        self.element.runs()
    }

    /// The element's clock runs, and the picture has moved before.
    pub(in crate::player) fn plays(&self) -> bool {
        self.element.runs() && self.element.moved.is_some()
    }

    pub(in crate::player) fn state(&self) -> State {
        self.element.state()
    }

    /// The stalls up to `now`: those of the link, and those that the camera's absence explains.
    pub(in crate::player) fn stalls(&self, now: Instant) -> (Stalls, Stalls) {
        self.element.stalls(now)
    }

    /// Sets the start position.
    pub(in crate::player) const fn start(&mut self, at: Position) {
        self.start_at = Some(at);
    }

    /// Gives up the present position. The picture stays until the element is placed anew.
    pub(in crate::player) const fn leave(&mut self) {
        self.element.placed = false;
        self.element.seeking_to = None;
        if let Some(live) = &mut self.live {
            live.waiting_since = None;
        }
    }

    /// Playback moves to `at` once media has come there; until then it goes on as it is.
    pub(in crate::player) const fn leave_for(&mut self, at: Position) {
        self.start(at);
        self.leave();
    }

    /// Gives up the present position before the new one is known.
    pub(in crate::player) const fn leave_for_unknown(&mut self) {
        self.start_at = None;
        self.leave();
    }

    /// The MediaSource is being rebuilt, which pauses the element. Answers the position at that
    /// time.
    pub(in crate::player) fn rebuilt(&mut self, now: Instant) -> Position {
        self.play_again |= core::mem::take(&mut self.starts) || !self.element.snap.paused;
        self.element.stalled = None;
        self.element.emptied = true;
        self.withholds = false;
        self.position(now)
    }

    /// The element is told to play as soon as it is placed.
    pub(in crate::player) const fn play_when_placed(&mut self) {
        self.play_again = true;
    }

    /// Playback has failed: the element plays what it still has. If it is paused because the
    /// MediaSource was rebuilt, or waits for more than will come, and not by the viewer, it is told to play.
    pub(in crate::player) fn give_up(&mut self, cx: &mut Cx<'_>) {
        if core::mem::take(&mut self.play_again) | core::mem::take(&mut self.starts) {
            cx.push(Output::Play);
        }
    }

    /// Seeks the element to `to`.
    pub(super) fn jump(&mut self, cx: &mut Cx<'_>, to: Position) {
        self.element.seek(cx.now, to);
        cx.push(Output::Seek(to));
        if let Some(live) = &mut self.live {
            live.control.position_moved(cx.now);
        }
    }

    /// A new picture arrived, so the camera is there: it did not cause the stalls up to now.
    pub(in crate::player) const fn mark_new_picture(&mut self) {
        self.element.mark_new_picture();
    }

    /// The camera went `away` or came back: the link is not blamed for the stalls that this caused.
    pub(in crate::player) fn camera_changed(&mut self, now: Instant, away: bool) {
        if away {
            // The stall began before the camera was known to be away.
            self.element.blame_source_since_mark();
        }
        self.excuse(now);
    }

    /// If the page's own script kept this input: the link is not blamed for that. Answers whether it did.
    pub(in crate::player) fn page_was_busy(&mut self, cx: &Cx<'_>) -> bool {
        let busy = BUSY < cx.idle && cx.idle < ASLEEP && !self.snap().hidden && self.runs();
        if busy && let Some(live) = &mut self.live {
            live.control.page_was_busy(cx.now, cx.idle);
        }
        busy
    }

    /// The link is not blamed if the buffer runs dry now.
    pub(in crate::player) fn excuse(&mut self, now: Instant) {
        if let Some(live) = &mut self.live {
            live.control.excuse(now);
        }
    }
}
