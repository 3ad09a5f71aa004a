//! The media element, as its snapshots show it: its position, whether it moves, and the seeks that
//! it was told to make.

use crate::player::event::State;
use crate::player::io::{Cue, Snapshot};
use crate::time::{Duration, Instant, Position};

/// A `seeking` event this near to the player's last seek belongs to it: browsers round positions.
const SAME_PLACE_US: i64 = 50_000;
/// An element that has not moved for this long is stuck, whatever its events say.
const STUCK: Duration = Duration::from_millis(600);

/// No browser waits for data with more than this much buffered ahead.
const ENOUGH: Duration = Duration::from_secs(1);

/// The media element, and what the player has told it.
#[derive(Debug)]
pub(in crate::player) struct Element {
    /// The newest snapshot, and when it was taken.
    pub(in crate::player) snap: Snapshot,
    at: Instant,
    /// The target of the player's seek that the element has not finished.
    pub(in crate::player) seeking_to: Option<Position>,
    /// When the player last asked for a seek, or placed the element.
    pub(in crate::player) seek_asked: Instant,
    /// The target of the player's last seek whose `seeking` event has not come: it may come late.
    last_seek: Option<Position>,
    /// It seeks, the player did not ask for that, and its `seeking` event has not come.
    untold: bool,
    /// Where the last seek went: playback has been continuous from here on.
    pub(in crate::player) entered: Position,
    /// The player has placed the element; before that its position means nothing.
    pub(in crate::player) placed: bool,
    /// The MediaSource is new, and the element has not been placed in it: it shows nothing.
    pub(in crate::player) emptied: bool,
    /// When the picture first moved.
    pub(in crate::player) moved: Option<Instant>,
    /// When the position last changed, media came after there was none, or standing still was last intended.
    moved_at: Instant,
    /// Nothing has been buffered ahead.
    dry: bool,
    /// Since when more than [`ENOUGH`] has been buffered ahead.
    fed_since: Option<Instant>,
    /// When the present stall began.
    pub(in crate::player) stalled: Option<Instant>,
    /// Stalls that the link is blamed for; `lasted` leaves out the present one.
    pub(in crate::player) stalls: Stalls,
    /// Stalls that the camera's absence explains; `lasted` leaves out the present one.
    pub(in crate::player) stalls_of_source: Stalls,
    /// The camera's absence explains the present stall.
    of_source: bool,
    /// `stalls` when the last new picture arrived.
    at_new_picture: Stalls,
}

/// How many stalls, and how long they lasted together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::player) struct Stalls {
    pub(in crate::player) count: u32,
    pub(in crate::player) lasted: Duration,
}

/// What has changed since the snapshot before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::player) struct Changes {
    /// The viewer has sought to this position.
    pub(in crate::player) viewer_seek: Option<Position>,
    /// A stall begins.
    pub(in crate::player) stalled: bool,
    /// A stall that lasted this long has ended.
    pub(in crate::player) resumed: Option<Duration>,
    /// The picture moves for the first time.
    pub(in crate::player) started: bool,
}

impl Element {
    pub(in crate::player) fn new(now: Instant) -> Self {
        Self {
            snap: Snapshot::default(),
            at: now,
            seeking_to: None,
            seek_asked: now,
            last_seek: None,
            untold: false,
            entered: Position::default(),
            placed: false,
            emptied: false,
            moved: None,
            moved_at: now,
            dry: false,
            fed_since: None,
            stalled: None,
            stalls: Stalls::default(),
            stalls_of_source: Stalls::default(),
            of_source: false,
            at_new_picture: Stalls::default(),
        }
    }

    /// The element's clock runs.
    pub(in crate::player) fn runs(&self) -> bool {
        let s = &self.snap;
        !s.paused && !s.seeking && !s.ended && s.ready >= 3 && self.stalled.is_none()
    }

    /// The element's position at `now`. Snapshots come a few times a second; in between the clock
    /// is taken to run at the playback rate.
    pub(in crate::player) fn position(&self, now: Instant) -> Position {
        if let Some(to) = self.seeking_to {
            return to;
        }
        if self.runs() && self.moved.is_some() {
            let elapsed = now.since(self.at).min(Duration::from_secs(1));
            self.snap.position + elapsed * self.snap.rate.permille() / 1000
        } else {
            self.snap.position
        }
    }

    /// Notes that the player seeks to `to`.
    pub(in crate::player) fn seek(&mut self, now: Instant, to: Position) {
        self.begin_at(now, to);
        self.seeking_to = Some(to);
        self.last_seek = Some(to);
    }

    /// Notes that playing begins at `to`, where the element stands already: no seek is needed.
    pub(in crate::player) const fn begin_at(&mut self, now: Instant, to: Position) {
        self.entered = to;
        self.seeking_to = None;
        self.seek_asked = now;
        self.moved_at = now;
        self.placed = true;
        self.emptied = false;
    }

    /// Takes a snapshot; answers what has changed.
    pub(in crate::player) fn observe(&mut self, now: Instant, mut snap: Snapshot) -> Changes {
        let mut change = Changes::default();
        let before = self.snap.position;
        self.wait_to_be_told(&mut snap);
        let was_seeking = self.seeking_to.is_some() || self.snap.seeking;
        let near = |to: Position| to.micros_from(snap.position).abs() <= SAME_PLACE_US;
        match self.seeking_to {
            Some(to) if !snap.seeking && near(to) => self.seeking_to = None,
            Some(to) if snap.cue == Cue::Seeked && near(to) => self.seeking_to = None,
            // The browser clamped the seek, or another one overtook it: believe the element.
            Some(_) if !snap.seeking && now.since(self.seek_asked) > STUCK => {
                self.seeking_to = None;
            }
            _ => {}
        }
        if snap.cue == Cue::Seeking
            && self.placed
            && self.last_seek.take_if(|to| near(*to)).is_none()
        {
            change.viewer_seek = Some(snap.position);
            self.entered = snap.position;
            self.seeking_to = None;
            self.moved_at = now;
        }
        let starts = snap.cue == Cue::Playing && self.placed && !was_seeking;
        let advanced = snap.position > before && !snap.seeking && !was_seeking;
        if advanced || snap.paused || snap.seeking != self.snap.seeking || snap.ended {
            self.moved_at = now;
        }
        if (advanced || starts) && !snap.paused && self.placed && self.moved.is_none() {
            self.moved = Some(now);
            change.started = true;
        }
        let dry = snap.cue == Cue::Waiting && !snap.seeking && !snap.paused && !snap.ended;
        if dry && self.moved.is_some() && self.stalled.is_none() {
            self.stalled = Some(now);
            self.stalls.count = self.stalls.count.saturating_add(1);
            change.stalled = true;
        }
        let goes = snap.cue == Cue::Playing || (advanced && snap.ready >= 3 && !dry);
        if (goes || snap.paused || snap.ended)
            && let Some(since) = self.stalled.take()
        {
            let lasted = now.since(since);
            let of_source = core::mem::take(&mut self.of_source);
            let stalls = if of_source { &mut self.stalls_of_source } else { &mut self.stalls };
            stalls.lasted += lasted;
            change.resumed = Some(lasted);
        }
        self.snap = snap;
        self.at = now;
        change
    }

    /// Until its `seeking` event, a seek of the viewer's changes nothing: WebKit says `seeking` at
    /// once, and until then gives the place of the seek before.
    fn wait_to_be_told(&mut self, snap: &mut Snapshot) {
        let others = snap.seeking && self.seeking_to.is_none() && self.placed;
        let new = self.untold || !self.snap.seeking;
        self.untold = others && new && snap.cue != Cue::Seeking;
        if self.untold {
            snap.position = self.snap.position;
        }
    }

    /// A new picture arrived, so the source is there: it did not cause the stalls up to now.
    pub(in crate::player) const fn mark_new_picture(&mut self) {
        self.at_new_picture = self.stalls;
    }

    /// The source is away, and has been since the last new picture: it caused the stalls since
    /// then.
    pub(in crate::player) fn blame_source_since_mark(&mut self) {
        self.blame_source(self.at_new_picture);
    }

    /// The source's absence caused all stalls since `stalls` was `before`.
    pub(in crate::player) fn blame_source(&mut self, before: Stalls) {
        let count = self.stalls.count.saturating_sub(before.count);
        let of_source = &mut self.stalls_of_source;
        of_source.count = of_source.count.saturating_add(count);
        of_source.lasted += self.stalls.lasted.saturating_sub(before.lasted);
        self.stalls = before;
        self.of_source |= self.stalled.is_some() && count > 0;
    }

    /// The stalls up to `now`, the present one included: those of the link, and those of the
    /// source.
    pub(in crate::player) fn stalls(&self, now: Instant) -> (Stalls, Stalls) {
        let standing = self.stalled.map_or(Duration::ZERO, |since| now.since(since));
        let (mut own, mut of_source) = (self.stalls, self.stalls_of_source);
        let stalls = if self.of_source { &mut of_source } else { &mut own };
        stalls.lasted += standing;
        (own, of_source)
    }

    /// The element should move, or end its seek, and has not for [`STUCK`]. Measured between snapshots, not up to
    /// now: the timers of a hidden page fire only once a second or a minute.
    pub(in crate::player) fn stuck(&self) -> bool {
        let s = &self.snap;
        self.placed && !s.paused && !s.ended && self.at.since(self.moved_at) >= STUCK
    }

    /// Notes how much is buffered ahead. Answers when [`Self::has_had_enough`] will become true.
    pub(in crate::player) fn note_ahead(
        &mut self,
        now: Instant,
        ahead: Duration,
    ) -> Option<Instant> {
        if ahead.is_zero() {
            self.dry = true;
        } else if core::mem::take(&mut self.dry) {
            // It gets the time to begin.
            self.moved_at = now;
        }
        let since = *self.fed_since.get_or_insert(now);
        self.fed_since = (ahead > ENOUGH).then_some(since);
        self.fed_since.map(|since| since + STUCK).filter(|at| *at > now)
    }

    /// More than [`ENOUGH`] has been ahead for longer than a browser needs to start playing it.
    pub(in crate::player) fn has_had_enough(&self, now: Instant) -> bool {
        self.fed_since.is_some_and(|since| now.since(since) >= STUCK)
    }

    pub(in crate::player) fn state(&self) -> State {
        let s = &self.snap;
        if s.ended {
            State::Ended
        } else if self.moved.is_none() {
            State::Starting
        } else if self.emptied {
            State::Stalled
        } else if s.paused {
            State::Paused
        } else if self.stalled.is_some() {
            State::Stalled
        } else {
            State::Playing
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Rate;

    const fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    fn snap(cue: Cue, ms: i64) -> Snapshot {
        Snapshot { cue, position: Position::from_millis(ms), ready: 4, ..Snapshot::default() }
    }

    fn playing() -> Element {
        let mut p = Element::new(at(0));
        p.seek(at(0), Position::from_millis(1000));
        p.observe(at(10), snap(Cue::Seeked, 1000));
        assert!(p.observe(at(260), snap(Cue::Timer, 1250)).started);
        p
    }

    #[test]
    fn between_snapshots_the_clock_runs_at_the_rate() {
        let mut p = playing();
        let mut s = snap(Cue::Timer, 1500);
        s.rate = Rate::from_permille(1100);
        p.observe(at(510), s);
        assert_eq!(p.position(at(610)), Position::from_millis(1610));
    }

    #[test]
    fn a_seek_of_ours_is_not_taken_for_the_viewers() {
        let mut p = playing();
        p.seek(at(300), Position::from_millis(9000));
        let mut s = snap(Cue::Seeking, 9000);
        s.seeking = true;
        assert_eq!(p.observe(at(301), s), Changes::default());
        p.observe(at(350), snap(Cue::Seeked, 9000));
        let mut s = snap(Cue::Seeking, 2000);
        s.seeking = true;
        let change = p.observe(at(400), s);
        assert_eq!(change.viewer_seek, Some(Position::from_millis(2000)));
    }

    #[test]
    fn a_seek_to_where_playing_began_is_the_viewers() {
        let mut p = Element::new(at(0));
        p.begin_at(at(0), Position::default());
        p.observe(at(250), snap(Cue::Timer, 250));
        let s = Snapshot { seeking: true, ..snap(Cue::Seeking, 0) };
        assert_eq!(p.observe(at(300), s).viewer_seek, Some(Position::default()));
    }

    #[test]
    fn a_stall_is_counted_once_and_measured() {
        let mut p = playing();
        let mut dry = snap(Cue::Waiting, 1400);
        dry.ready = 2;
        assert!(p.observe(at(400), dry.clone()).stalled);
        assert!(!p.observe(at(450), dry).stalled);
        assert_eq!(p.state(), State::Stalled);
        let change = p.observe(at(900), snap(Cue::Playing, 1400));
        assert_eq!(change.resumed, Some(Duration::from_millis(500)));
        assert_eq!(p.stalls, Stalls { count: 1, lasted: Duration::from_millis(500) });
        assert_eq!(p.stalls_of_source, Stalls::default());
    }

    #[test]
    fn a_stall_is_the_sources_also_when_its_absence_is_known_later() {
        let mut p = playing();
        let mut dry = snap(Cue::Waiting, 1400);
        dry.ready = 2;
        p.observe(at(400), dry.clone());
        p.observe(at(600), snap(Cue::Playing, 1400));
        let before = p.stalls;
        p.observe(at(700), dry.clone());
        p.observe(at(900), snap(Cue::Playing, 1400));
        p.observe(at(1000), dry);
        p.blame_source(before);
        let stalls = |count, ms| Stalls { count, lasted: Duration::from_millis(ms) };
        assert_eq!(p.stalls(at(1100)), (stalls(1, 200), stalls(2, 300)));
        p.observe(at(1200), snap(Cue::Playing, 1400));
        p.blame_source(p.stalls);
        assert_eq!(p.stalls(at(1300)), (stalls(1, 200), stalls(2, 400)));
    }

    #[test]
    fn in_a_new_source_it_stands_until_it_is_placed() {
        let mut p = playing();
        p.emptied = true;
        p.observe(at(300), Snapshot { paused: true, ready: 0, ..snap(Cue::Pause, 0) });
        assert_eq!(p.state(), State::Stalled);
        p.seek(at(400), Position::from_millis(1500));
        p.observe(at(500), snap(Cue::Playing, 1500));
        assert_eq!(p.state(), State::Playing);
    }

    #[test]
    fn a_clock_that_stands_still_is_stuck_unless_it_is_paused() {
        let mut p = playing();
        p.observe(at(1000), snap(Cue::Timer, 1250));
        assert!(p.stuck());
        let mut s = snap(Cue::Pause, 1250);
        s.paused = true;
        p.observe(at(1010), s);
        assert!(!p.stuck());
    }

    #[test]
    fn an_element_whose_media_has_just_come_is_not_stuck() {
        let mut p = playing();
        let seeks = |cue| Snapshot { seeking: true, ready: 1, ..snap(cue, 9000) };
        p.observe(at(1000), seeks(Cue::Seeking));
        p.note_ahead(at(1000), Duration::ZERO);
        p.observe(at(1700), seeks(Cue::Timer));
        assert!(p.stuck());
        p.note_ahead(at(1700), Duration::from_millis(800));
        assert!(!p.stuck());
        p.observe(at(2250), seeks(Cue::Timer));
        p.note_ahead(at(2250), Duration::from_millis(800));
        assert!(!p.stuck());
        p.observe(at(2300), seeks(Cue::Timer));
        assert!(p.stuck());
    }
}
