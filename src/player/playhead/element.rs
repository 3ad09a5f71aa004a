//! The media element as the player sees it: where it stands, whether it moves, what was asked of it.

use crate::player::event::State;
use crate::player::io::{Cue, Snapshot};
use crate::time::{Instant, Position};
use core::time::Duration;

/// A seek that the player asked for is recognised by its place: browsers round to microseconds.
const SAME_PLACE_US: i64 = 50_000;
/// A clock that has not moved for this long stands still, whatever the events say.
const STUCK: Duration = Duration::from_millis(600);

/// With more than this ahead no browser waits.
const ENOUGH: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(in crate::player) struct Playback {
    pub(in crate::player) snap: Snapshot,
    at: Instant,
    /// A seek of ours that the element has not finished.
    pub(in crate::player) seeking_to: Option<Position>,
    pub(in crate::player) seek_asked: Instant,
    /// Where the last seek of ours went: its event may come when it is long over.
    last_seek: Option<Position>,
    /// Where the run of media that is being played was entered.
    pub(in crate::player) entered: Position,
    /// The player has placed the element; before that its position means nothing.
    pub(in crate::player) placed: bool,
    /// The picture has moved once.
    pub(in crate::player) moved: Option<Instant>,
    moved_at: Instant,
    /// Since when so much is ahead that it has no reason to stand.
    fed_since: Option<Instant>,
    /// It stands still for want of media since then.
    pub(in crate::player) stalled: Option<Instant>,
    /// What has been of that, without the one under way.
    pub(in crate::player) stalls: Stalls,
    /// The same where the source's absence explains it.
    pub(in crate::player) stalls_of_source: Stalls,
    /// The one under way is explained so.
    of_source: bool,
    /// Stalls when the last new picture came.
    at_new_picture: Stalls,
}

/// How often, and for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::player) struct Stalls {
    pub(in crate::player) count: u32,
    pub(in crate::player) lasted: Duration,
}

/// What a snapshot brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::player) struct Change {
    /// The viewer seeks here.
    pub(in crate::player) viewer_seek: Option<Position>,
    /// It has just run dry.
    pub(in crate::player) stalled: bool,
    /// It goes on after this long.
    pub(in crate::player) resumed: Option<Duration>,
    /// The first moving picture.
    pub(in crate::player) started: bool,
}

impl Playback {
    pub(in crate::player) fn new(now: Instant) -> Self {
        Self {
            snap: Snapshot::default(),
            at: now,
            seeking_to: None,
            seek_asked: now,
            last_seek: None,
            entered: Position::default(),
            placed: false,
            moved: None,
            moved_at: now,
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

    /// Where the element stands at `now`: snapshots come a few times a second, in between its clock
    /// is trusted to run.
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

    pub(in crate::player) fn seek(&mut self, now: Instant, to: Position) {
        self.place(now, to);
        self.seeking_to = Some(to);
        self.last_seek = Some(to);
    }

    /// Playing begins at `to`, where the element stands already: it is not asked to seek.
    pub(in crate::player) const fn place(&mut self, now: Instant, to: Position) {
        self.entered = to;
        self.seeking_to = None;
        self.seek_asked = now;
        self.moved_at = now;
        self.placed = true;
    }

    /// Takes a snapshot.
    pub(in crate::player) fn look(&mut self, now: Instant, snap: Snapshot) -> Change {
        let mut change = Change::default();
        let before = self.snap.position;
        let was_seeking = self.seeking_to.is_some() || self.snap.seeking;
        let near = |to: Position| to.micros_from(snap.position).abs() <= SAME_PLACE_US;
        match self.seeking_to {
            Some(to) if !snap.seeking && near(to) => self.seeking_to = None,
            Some(to) if snap.cue == Cue::Seeked && near(to) => self.seeking_to = None,
            // The seek was clamped or overtaken: believe the element.
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
        if advanced || snap.paused || snap.seeking || snap.ended {
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

    /// A new picture came: the source is there, and the stalls up to now are not its doing.
    pub(in crate::player) const fn mark_new_picture(&mut self) {
        self.at_new_picture = self.stalls;
    }

    /// The source has gone, and had gone when the last new picture came.
    pub(in crate::player) fn blame_source_since_mark(&mut self) {
        self.blame_source(self.at_new_picture);
    }

    /// What it stood still for since its stalls were `before` was that the source has gone.
    pub(in crate::player) fn blame_source(&mut self, before: Stalls) {
        let count = self.stalls.count.saturating_sub(before.count);
        let of_source = &mut self.stalls_of_source;
        of_source.count = of_source.count.saturating_add(count);
        of_source.lasted += self.stalls.lasted.saturating_sub(before.lasted);
        self.stalls = before;
        self.of_source |= self.stalled.is_some() && count > 0;
    }

    /// Stalls up to now, and those that the source explains.
    pub(in crate::player) fn stalls(&self, now: Instant) -> (Stalls, Stalls) {
        let standing = self.stalled.map_or(Duration::ZERO, |since| now.since(since));
        let (mut own, mut of_source) = (self.stalls, self.stalls_of_source);
        let stalls = if self.of_source { &mut of_source } else { &mut own };
        stalls.lasted += standing;
        (own, of_source)
    }

    /// It should move and has not for a while: by what was seen, not by what was not looked at (the
    /// timers of a hidden page fire once a second or a minute).
    pub(in crate::player) fn stuck(&self) -> bool {
        let s = &self.snap;
        self.placed && !s.paused && !s.ended && self.at.since(self.moved_at) >= STUCK
    }

    /// So much is ahead. Answers when it will have been [`Self::fed`] for long enough.
    pub(in crate::player) fn feed(&mut self, now: Instant, ahead: Duration) -> Option<Instant> {
        let since = *self.fed_since.get_or_insert(now);
        self.fed_since = (ahead > ENOUGH).then_some(since);
        self.fed_since.map(|since| since + STUCK).filter(|at| *at > now)
    }

    /// It has had enough for as long as a browser needs to begin with it.
    pub(in crate::player) fn fed(&self, now: Instant) -> bool {
        self.fed_since.is_some_and(|since| now.since(since) >= STUCK)
    }

    pub(in crate::player) fn state(&self) -> State {
        let s = &self.snap;
        if s.ended {
            State::Ended
        } else if self.moved.is_none() {
            State::Starting
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

    fn playing() -> Playback {
        let mut p = Playback::new(at(0));
        p.seek(at(0), Position::from_millis(1000));
        p.look(at(10), snap(Cue::Seeked, 1000));
        assert!(p.look(at(260), snap(Cue::Timer, 1250)).started);
        p
    }

    #[test]
    fn between_snapshots_the_clock_runs_at_the_rate() {
        let mut p = playing();
        let mut s = snap(Cue::Timer, 1500);
        s.rate = Rate::from_permille(1100);
        p.look(at(510), s);
        assert_eq!(p.position(at(610)), Position::from_millis(1610));
    }

    #[test]
    fn a_seek_of_ours_is_not_taken_for_the_viewers() {
        let mut p = playing();
        p.seek(at(300), Position::from_millis(9000));
        let mut s = snap(Cue::Seeking, 9000);
        s.seeking = true;
        assert_eq!(p.look(at(301), s), Change::default());
        p.look(at(350), snap(Cue::Seeked, 9000));
        let mut s = snap(Cue::Seeking, 2000);
        s.seeking = true;
        let change = p.look(at(400), s);
        assert_eq!(change.viewer_seek, Some(Position::from_millis(2000)));
    }

    #[test]
    fn a_seek_to_where_playing_began_is_the_viewers() {
        let mut p = Playback::new(at(0));
        p.place(at(0), Position::default());
        p.look(at(250), snap(Cue::Timer, 250));
        let s = Snapshot { seeking: true, ..snap(Cue::Seeking, 0) };
        assert_eq!(p.look(at(300), s).viewer_seek, Some(Position::default()));
    }

    #[test]
    fn a_stall_is_counted_once_and_measured() {
        let mut p = playing();
        let mut dry = snap(Cue::Waiting, 1400);
        dry.ready = 2;
        assert!(p.look(at(400), dry.clone()).stalled);
        assert!(!p.look(at(450), dry).stalled);
        assert_eq!(p.state(), State::Stalled);
        let change = p.look(at(900), snap(Cue::Playing, 1400));
        assert_eq!(change.resumed, Some(Duration::from_millis(500)));
        assert_eq!(p.stalls, Stalls { count: 1, lasted: Duration::from_millis(500) });
        assert_eq!(p.stalls_of_source, Stalls::default());
    }

    #[test]
    fn a_stall_is_the_sources_also_when_its_absence_is_known_later() {
        let mut p = playing();
        let mut dry = snap(Cue::Waiting, 1400);
        dry.ready = 2;
        p.look(at(400), dry.clone());
        p.look(at(600), snap(Cue::Playing, 1400));
        let before = p.stalls;
        p.look(at(700), dry.clone());
        p.look(at(900), snap(Cue::Playing, 1400));
        p.look(at(1000), dry);
        p.blame_source(before);
        let stalls = |count, ms| Stalls { count, lasted: Duration::from_millis(ms) };
        assert_eq!(p.stalls(at(1100)), (stalls(1, 200), stalls(2, 300)));
        p.look(at(1200), snap(Cue::Playing, 1400));
        p.blame_source(p.stalls);
        assert_eq!(p.stalls(at(1300)), (stalls(1, 200), stalls(2, 400)));
    }

    #[test]
    fn a_clock_that_stands_still_is_stuck_unless_it_is_paused() {
        let mut p = playing();
        p.look(at(1000), snap(Cue::Timer, 1250));
        assert!(p.stuck());
        let mut s = snap(Cue::Pause, 1250);
        s.paused = true;
        p.look(at(1010), s);
        assert!(!p.stuck());
    }
}
