//! Keeps playback at its distance from the live edge: by rate when it is a little off, by a jump
//! when it is far off, by nothing at all most of the time.
//!
//! ```text
//!            wanted = max(target latency, usual lateness + floor)
//!  0 ........... floor ........ low buffer ............... drift > max_drift
//!   slower (0.95)  |   1x   |   faster (1.05, 1.08, 1.1)  |   jump
//! ```
//! Two quantities bound it. The *floor* is the least buffer just before an append that holds
//! without a stall: Chromium with AAC stalls at 60 ms and holds at 100 ms; while it stretches sound
//! at its pitch it needs 50 ms more, so that a change of rate is what makes a short buffer run dry.
//! The *target* is a latency on the manifest's clock, where an option or the manifest names one; it
//! is held as far as the floor allows; one that is only a place to start from is not slowed down for. After an underflow the floor is wider for a while: what
//! happened once happens again.
//!
//! Where segments are fetched whole, the floor is wider by as much as they were late lately.
//!
//! The clock is the manifest's: while a camera is away the server's filler carries old capture times
//! (`prft`) on a timeline that goes on, and that is no drift. Only where a manifest lists whole segments the
//! edge is the newest picture's, for the end of a list is seen late ([`Control::list_late`]).

use super::jitter::SlidingWindow;
use crate::time::{Duration, Instant, Position, micros};
use crate::units::Rate;

/// The settings of the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aim {
    /// The latency asked for, by option or manifest.
    pub target: Option<Duration>,
    /// The target is only a place to start from (HOLD-BACK, `suggestedPresentationDelay`): where the buffer
    /// lasts, nearer to the edge is as good.
    pub loose: bool,
    /// The floor before any underflow or jitter was seen.
    pub base_floor: Duration,
    /// The length of a segment if it arrives all at once; zero if segments grow. Up to a quarter of it is added to
    /// the floor, by how late segments arrive.
    pub unit: Duration,
    /// Beyond this drift, playback jumps.
    pub max_drift: Duration,
    /// The slowest rate.
    pub slowest: Rate,
    /// The fastest rate.
    pub fastest: Rate,
    /// Added to the floor while the rate is not 1: the browser needs it to stretch sound.
    pub stretch: Duration,
    /// On a smooth link, the rate changes only if the buffer is off by more than this: below it a
    /// change costs more than it brings.
    pub slack: Duration,
}

/// The sound that is played with the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// There is none.
    None,
    /// It is muted: its pitch need not be kept.
    Muted,
    /// It is heard.
    Heard,
}

impl Aim {
    /// Settings for segments that are read while they grow, frame by frame.
    pub fn growing(target: Option<Duration>, sound: Sound) -> Self {
        Self {
            target,
            loose: false,
            unit: Duration::ZERO,
            base_floor: Duration::from_millis(if sound == Sound::None { 60 } else { 100 }),
            max_drift: Duration::from_secs(3),
            slowest: Rate::from_permille(950),
            fastest: Rate::from_permille(1100),
            stretch: if sound == Sound::Heard { STRETCH } else { Duration::ZERO },
            slack: Duration::from_millis(30),
        }
    }

    /// Settings for segments of length `segment` that are fetched whole. The next one is found by
    /// reloading the manifest.
    pub fn whole(target: Option<Duration>, segment: Duration) -> Self {
        Self {
            unit: segment,
            base_floor: Duration::from_millis(500),
            slack: Duration::from_millis(150) + segment / 16,
            // The floor is wide enough for sound to be stretched in, heard or not.
            ..Self::growing(target, Sound::Muted)
        }
    }
}

/// The state of playback at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// The position that is played.
    pub position: Position,
    /// The live edge on the manifest's timeline.
    pub edge: Position,
    /// The end of the media buffered from `position` on, the least over the tracks.
    pub buffered_to: Position,
    /// The present playback rate.
    pub rate: Rate,
}

/// What the controller decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Steer {
    /// Change nothing.
    Keep,
    /// Play at this rate.
    Rate(Rate),
    /// Seek to this position.
    Jump(Position),
}

/// The widest floor: a link that needs more than this cannot carry live media.
const WIDEST: Duration = Duration::from_secs(2);
/// How long after an underflow the floor begins to narrow.
const REMEMBERED: Duration = Duration::from_secs(30);
/// A link on which the buffer runs dry once a minute will do so again. So each underflow adds a
/// *scar* to the floor, up to [`MOST_SCARS`], which shrinks by a tenth in every [`HEALING`].
const SCAR: Duration = Duration::from_millis(20);
const MOST_SCARS: Duration = Duration::from_millis(60);
const HEALING: Duration = Duration::from_secs(30);
/// The floor is at least the measured jitter plus this.
const JITTER_MARGIN: Duration = Duration::from_millis(80);
/// The media that a browser needs to stretch sound at its pitch: Chromium searches 30 ms for a
/// window of 20 ms.
const STRETCH: Duration = Duration::from_millis(50);
/// Jitter beyond this is an accident: it does not widen the floor.
const MOST_JITTER: Duration = Duration::from_millis(300);
/// The buffer level and the recent lateness are measured over this time.
const RECENT: Duration = Duration::from_secs(2);
/// The usual lateness of the link is measured over this time.
const HABIT: Duration = Duration::from_secs(32);
/// That of whole segments is measured over the time of at least so many.
const HABIT_UNITS: u32 = 12;
/// It is believed once it was measured over the time of so many.
const LEARNT_UNITS: u32 = 4;
/// Whole segments may be late by an eighth of their length and this, until it is known how late they are.
const UNKNOWN: Duration = Duration::from_millis(200);
/// In this first time the link's lateness is not known yet, and the page is busier than later:
/// [`START_MARGIN`] is added to the floor.
const START_PHASE: Duration = Duration::from_secs(8);
const START_MARGIN: Duration = Duration::from_millis(100);
/// Added to the floor when a lower rung had to be taken.
const SLOWED: Duration = Duration::from_millis(160);
/// A link is smooth if its lateness varied by no more than this lately, key frames included.
const SMOOTH: Duration = Duration::from_millis(80);
/// The least slack on a link that is not smooth.
const ROUGH_SLACK: Duration = Duration::from_millis(50);
/// The most slack: a buffer that is farther off is corrected on any link.
const MOST_SLACK: Duration = Duration::from_millis(90);
/// An underflow within this time after an accident with a known cause is blamed on that.
const EXCUSE_LASTS: Duration = Duration::from_secs(2);

/// After the page was busy, what has waited comes within this time.
const BURST: Duration = Duration::from_millis(300);
/// Playback that has stood because the page was busy jumps if it is farther off than this.
const STOOD: Duration = Duration::from_millis(400);

/// The controller of the distance to the live edge.
#[derive(Clone, Debug)]
pub struct Control {
    /// The settings.
    pub aim: Aim,
    /// How much later than the manifest says the origin publishes its segments.
    pub origin_late: Duration,
    /// How much before the edge the manifest's list of whole segments ends.
    pub list_late: Duration,
    /// Added to the floor by underflows.
    widened: Duration,
    /// The part of `widened` that stays for some minutes ([`SCAR`]).
    scars: Duration,
    last_healed: Instant,
    last_trouble: Option<Instant>,
    /// `widened` and `scars` before that.
    before_trouble: (Duration, Duration),
    last_narrowed: Instant,
    /// The buffer level, microseconds, over [`RECENT`].
    low: SlidingWindow,
    /// Lateness: the edge minus the end of the media that arrived, microseconds, over [`HABIT`] or [`HABIT_UNITS`].
    lateness: SlidingWindow,
    /// The same over [`RECENT`].
    recent: SlidingWindow,
    excused_until: Instant,
    /// The page was busy last.
    busy_at: Option<Instant>,
    /// The same, the last time that it was an accident, and whether the buffer has run dry meanwhile.
    accident: Option<(Instant, bool)>,
    starting_until: Instant,
}

impl Control {
    /// A controller without measurements.
    pub fn new(aim: Aim, now: Instant) -> Self {
        Self {
            aim,
            origin_late: Duration::ZERO,
            list_late: Duration::ZERO,
            widened: Duration::ZERO,
            scars: Duration::ZERO,
            last_healed: now,
            last_trouble: None,
            before_trouble: Default::default(),
            last_narrowed: now,
            low: SlidingWindow::new(RECENT, now),
            lateness: SlidingWindow::new(HABIT.max(aim.unit * HABIT_UNITS), now),
            recent: SlidingWindow::new(RECENT, now),
            excused_until: Instant::default(),
            busy_at: None,
            accident: None,
            starting_until: now + START_PHASE,
        }
    }

    /// A fragment that ends at `end` arrived while the live edge was at `edge`. Not to be called
    /// for media that existed before it was asked for, nor for filler. Of whole segments, which exist then, only for
    /// the newest that is listed.
    pub fn arrived(&mut self, now: Instant, end: Position, edge: Position) {
        if self.accident.is_some_and(|(at, _)| now.since(at) < BURST) {
            return;
        }
        let whole = !self.aim.unit.is_zero();
        if whole && self.lateness.age(now) < self.aim.unit {
            // It may have been there for long when playback came here.
            return;
        }
        self.lateness.note(now, edge.micros_from(end));
        if !whole {
            self.recent.note(now, edge.micros_from(end));
        }
    }

    /// Notes the buffer level; it is lowest just before an append.
    pub fn note_level(&mut self, now: Instant, position: Position, buffered_to: Position) {
        self.low.note(now, buffered_to.micros_from(position));
    }

    /// The position was moved by a seek: buffer levels from before are void.
    pub const fn position_moved(&mut self, now: Instant) {
        self.low.clear(now);
        if !self.aim.unit.is_zero() {
            // The next segments may have been there for long.
            self.lateness.clear(now);
        }
    }

    /// The buffer ran dry, so playback stalled.
    pub fn underflow(&mut self, now: Instant) {
        if now < self.excused_until {
            return self.low.clear(now);
        }
        self.before_trouble = (self.widened, self.scars);
        self.scars = (self.scars + SCAR).min(MOST_SCARS);
        self.last_healed = now;
        let half = self.floor(now) / 2;
        self.widened = (self.widened + half).min(WIDEST);
        self.last_trouble = Some(now);
        self.last_narrowed = now;
        self.low.clear(now);
        if !self.aim.unit.is_zero() {
            // The next append may be a segment away, and so the next time that the level is noted.
            self.low.note(now, 0);
        }
    }

    /// An accident that no buffer of this size bridges: a request failed, or the camera went away.
    /// It excuses the last underflow, and measurements from around it say nothing about the link.
    pub fn excuse(&mut self, now: Instant) {
        if self.last_trouble.take().is_some() {
            // If the floor has narrowed since then, it stays narrow.
            self.widened = self.widened.min(self.before_trouble.0);
            self.scars = self.scars.min(self.before_trouble.1);
        }
        self.excused_until = now + EXCUSE_LASTS;
        self.lateness.clear(now);
        self.recent.clear(now);
        self.low.clear(now);
    }

    /// The page's own script kept what has come in the last `idle` until now. Once is an accident; a page that does
    /// it again and again needs more in its buffer.
    pub fn page_was_busy(&mut self, now: Instant, idle: Duration) {
        let habit = self.busy_at.replace(now).is_some_and(|at| now.since(at) < HABIT);
        if !habit {
            self.accident = Some((now, idle > self.wanted(now)));
            self.excuse(now);
        }
    }

    /// The link was too slow, and a lower rung is fetched from now on. The link has little to spare
    /// even for that: key frames, probes and the borders of segments take longer than before.
    pub fn slowed(&mut self, now: Instant) {
        self.excuse(now);
        self.widened = self.widened.max(SLOWED);
        self.last_trouble = Some(now);
        self.before_trouble = (self.widened, self.scars);
    }

    /// Media of another encoder arrives from now on: its lateness is measured anew.
    pub const fn relearn(&mut self, now: Instant) {
        self.lateness.clear(now);
        self.recent.clear(now);
    }

    /// The floor: the least buffer just before an append.
    pub fn floor(&self, now: Instant) -> Duration {
        let starting = if now < self.starting_until { START_MARGIN } else { Duration::ZERO };
        let least = self.aim.base_floor.max(self.jitter(now) + JITTER_MARGIN);
        (least + self.arrival_slack(now) + self.widened.max(starting)).min(WIDEST)
    }

    /// What whole segments may be late by: what they were lately, at most a quarter of their length.
    fn arrival_slack(&self, now: Instant) -> Duration {
        let learnt = self.lateness.age(now) > self.aim.unit * LEARNT_UNITS;
        let most = self.lateness.most(now).filter(|_| learnt);
        let most = most.map_or(self.aim.unit / 8 + UNKNOWN, |us| {
            Duration::from_micros(us.max(0).unsigned_abs())
        });
        most.min(self.aim.unit / 4)
    }

    /// The most lateness within [`HABIT`] minus the most within [`RECENT`]; the latter shows in the
    /// buffer level anyway.
    fn jitter(&self, now: Instant) -> Duration {
        let beyond = match (self.recent.most(now), self.lateness.most(now)) {
            (Some(recent), Some(most)) => most.saturating_sub(recent),
            _ => 0,
        };
        Duration::from_micros(u64::try_from(beyond).unwrap_or(0)).min(MOST_JITTER)
    }

    /// By how much the lateness varied within [`RECENT`].
    fn spread(&self, now: Instant) -> Duration {
        let seen = self.recent.most(now).zip(self.recent.least(now));
        let us = seen.map_or(0, |(most, least)| most.abs_diff(least));
        Duration::from_micros(us)
    }

    /// The least lateness of media lately; zero until it is known.
    pub fn usual_lateness(&self, now: Instant) -> Duration {
        let least = self.recent.least(now).or_else(|| self.lateness.least(now));
        let least = least.and_then(|us| u64::try_from(us.max(0)).ok());
        least.map_or(Duration::ZERO, Duration::from_micros)
    }

    /// The lateness was measured lately.
    pub fn knows_lateness(&self, now: Instant) -> bool {
        self.lateness.least(now).is_some()
    }

    /// The buffer has stayed above its floor lately.
    pub fn calm(&self, now: Instant) -> bool {
        let slack = micros(self.aim.slack.max(ROUGH_SLACK));
        self.low.least(now).is_some_and(|low| low + slack >= micros(self.floor(now)))
    }

    /// The latency that it steers to.
    pub fn wanted(&self, now: Instant) -> Duration {
        let least = self.least(now);
        self.aim.target.map_or(least, |t| t.max(least))
    }

    /// The latency at which the buffer is expected to fall to its floor, and no lower.
    fn least(&self, now: Instant) -> Duration {
        let lateness = self.recent.most(now).and_then(|us| u64::try_from(us).ok()).unwrap_or(0);
        let lateness = Duration::from_micros(lateness).max(self.origin_late) + self.list_late;
        lateness + self.aim.unit + self.aim.stretch + self.floor(now)
    }

    /// Where to seek to be live again: at the wanted latency, but with the floor left in the
    /// buffer, which ends at `buffered_to` (`None`: not known).
    pub fn entry(&self, now: Instant, edge: Position, buffered_to: Option<Position>) -> Position {
        let by_clock = edge - self.wanted(now);
        match buffered_to {
            Some(end) => by_clock.min(end - self.floor(now)),
            None => by_clock,
        }
    }

    /// What to do now.
    pub fn steer(&mut self, now: Instant, view: &View) -> Steer {
        self.narrow(now);
        let behind = view.edge.micros_from(view.position);
        let drift = behind.saturating_sub(micros(self.wanted(now)));
        let stood = self.accident.is_some_and(|(at, dry)| dry && now.since(at) < EXCUSE_LASTS);
        let most = if stood { STOOD + self.aim.unit } else { self.aim.max_drift };
        let most = most.min(self.aim.max_drift);
        if drift > micros(most) {
            return Steer::Jump(self.entry(now, view.edge, None));
        }
        let low = self.low.least(now).or_else(|| self.expected_low(now, behind));
        let Some(low) = low else { return Steer::Keep };
        // The buffer is too short for sound to be stretched.
        let least = micros(self.aim.base_floor + self.aim.stretch);
        let short = !self.aim.stretch.is_zero() && low < least;
        if short && view.rate != Rate::NORMAL {
            self.low.clear(now);
            return Steer::Rate(Rate::NORMAL);
        }
        // The window has to have seen a few appends since the last change.
        if short || self.low.age(now) < Duration::from_millis(700) {
            return Steer::Keep;
        }
        let spare = low.saturating_sub(micros(self.floor(now) + self.aim.stretch));
        // If the origin is late, the buffer is lowest at a segment's border, which may not have
        // come within the window: so the clock has to agree that there is too much.
        let by_clock = self.aim.target.is_some() || !self.origin_late.is_zero();
        let drift = if self.aim.loose { drift.max(0) } else { drift };
        let excess = if by_clock { spare.min(drift) } else { spare };
        let rate = self.rate(view.rate, excess, micros(self.slack(now)));
        // A low level is certain at once. A high one is certain only when the level was measured
        // for as long as the lateness: a segment's border may be missing from it until then.
        if rate == view.rate || (rate > view.rate && self.low.age(now) < RECENT) {
            return Steer::Keep;
        }
        self.low.clear(now);
        Steer::Rate(rate)
    }

    /// The level just before the next append of a whole segment, by the clock, where that is below the floor. It
    /// serves until a level was noted.
    fn expected_low(&self, now: Instant, behind: i64) -> Option<i64> {
        let short = micros(self.least(now)).saturating_sub(behind);
        (!self.aim.unit.is_zero() && short > 0).then(|| micros(self.floor(now)) - short)
    }

    /// How far off the buffer may be before the rate changes: little on a smooth link; more on a
    /// rough one, which shows in a wider floor.
    fn slack(&self, now: Instant) -> Duration {
        let floor = self.floor(now);
        if floor <= self.aim.base_floor && self.spread(now) <= SMOOTH {
            return self.aim.slack;
        }
        self.aim.slack.max(ROUGH_SLACK).max((floor / 2).min(MOST_SLACK))
    }

    /// The rate for a buffer that is `excess` above (or below) the wanted level, both microseconds.
    fn rate(&self, rate: Rate, excess: i64, slack: i64) -> Rate {
        let catching = rate > Rate::NORMAL;
        let slowing = rate < Rate::NORMAL;
        if excess > slack || (catching && excess > slack / 5) {
            let wanted = match excess {
                e if e > 8 * slack => 1100,
                e if e > 3 * slack => 1080,
                _ => 1050,
            };
            // While catching up the rate only rises: then one step back to normal is enough.
            let wanted = if catching { wanted.max(rate.permille()) } else { wanted };
            Rate::from_permille(wanted).min(self.aim.fastest)
        } else if excess < -slack || (slowing && excess < 0) {
            self.aim.slowest
        } else {
            Rate::NORMAL
        }
    }

    /// Narrows the floor by a tenth every two seconds, once the last underflow is old.
    fn narrow(&mut self, now: Instant) {
        let quiet = self.last_trouble.is_none_or(|t| now.since(t) > REMEMBERED);
        if quiet && now.since(self.last_narrowed) > Duration::from_secs(2) {
            self.last_narrowed = now;
            self.widened = fade(self.widened).max(self.scars);
        }
        if now.since(self.last_healed) > HEALING {
            self.last_healed = now;
            self.scars = fade(self.scars);
        }
    }
}

/// A tenth less; below 5 ms, zero.
fn fade(d: Duration) -> Duration {
    if d < Duration::from_millis(5) { Duration::ZERO } else { d * 9 / 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    /// One that is past its first seconds at `now`.
    fn settled(now: Instant) -> Control {
        Control { starting_until: now, ..Control::new(Aim::growing(None, Sound::Heard), now) }
    }

    const fn pos(ms: i64) -> Position {
        Position::from_millis(ms)
    }

    /// Plays from `position_ms` with media arriving 60 ms late every 40 ms; answers latency,
    /// lowest buffer and the number of rate changes over `seconds`.
    fn play(control: &mut Control, start_ms: i64, seconds: i64) -> (i64, i64, u32) {
        let (mut position_us, mut rate, mut changes) = (start_ms * 1000, Rate::NORMAL, 0);
        let mut lowest = i64::MAX;
        for ms in 0..seconds * 1000 {
            let now = at(100_000 + ms as u64);
            position_us += i64::from(rate.permille());
            let (position, edge) = (Position::from_micros(position_us), pos(100_000 + ms));
            let end = pos((100_000 + ms - 60) / 40 * 40);
            if ms % 40 == 20 {
                let before = pos((100_000 + ms - 61) / 40 * 40);
                control.note_level(now, position, before);
                control.arrived(now, end, edge);
                if ms > 5000 {
                    lowest = lowest.min(before.micros_from(position) / 1000);
                }
            }
            if ms % 250 == 0 {
                let view = View { position, edge, buffered_to: end, rate };
                match control.steer(now, &view) {
                    Steer::Keep => {}
                    Steer::Rate(r) => {
                        rate = r;
                        changes += 1;
                    }
                    Steer::Jump(to) => {
                        position_us = to.as_micros();
                        control.position_moved(now);
                    }
                }
            }
        }
        (100_000 + seconds * 1000 - position_us / 1000, lowest, changes)
    }

    #[test]
    fn comes_down_to_the_floor_by_rate_with_few_changes() {
        let mut c = settled(at(100_000));
        let (latency, lowest, changes) = play(&mut c, 100_000 - 400, 30);
        assert!((160..=260).contains(&latency), "{latency}");
        assert!(lowest >= 60, "{lowest}");
        assert!(changes <= 4, "{changes}");
    }

    #[test]
    fn holds_a_latency_that_was_asked_for() {
        let mut c =
            Control::new(Aim::growing(Some(Duration::from_millis(800)), Sound::Heard), at(100_000));
        let (latency, _, changes) = play(&mut c, 100_000 - 400, 30);
        assert!((740..=860).contains(&latency), "{latency}");
        assert!(changes <= 4, "{changes}");
    }

    #[test]
    fn far_behind_it_jumps_instead_of_running() {
        let mut c = settled(at(100_000));
        let view = View {
            position: pos(0),
            edge: pos(10_000),
            buffered_to: pos(9_900),
            rate: Rate::NORMAL,
        };
        let Steer::Jump(to) = c.steer(at(100_000), &view) else { panic!("no jump") };
        assert!((9_700..=9_900).contains(&to.as_millis()), "{to:?}");
    }

    #[test]
    fn an_underflow_widens_the_floor_and_quiet_narrows_it_again() {
        let mut c = settled(at(0));
        let before = c.floor(at(0));
        c.underflow(at(0));
        c.underflow(at(10));
        let wide = c.floor(at(10));
        assert!(wide >= before * 2, "{wide:?}");
        let view =
            View { position: pos(0), edge: pos(200), buffered_to: pos(150), rate: Rate::NORMAL };
        for s in 0..1800 {
            c.steer(at(s * 1000), &view);
        }
        assert_eq!(c.floor(at(1_800_000)), before);
    }

    #[test]
    fn an_excuse_does_not_bring_back_what_was_forgotten() {
        let mut c = settled(at(0));
        let before = c.floor(at(0));
        c.underflow(at(0));
        c.underflow(at(10));
        let view =
            View { position: pos(0), edge: pos(200), buffered_to: pos(150), rate: Rate::NORMAL };
        for s in 0..1800 {
            c.steer(at(s * 1000), &view);
        }
        c.excuse(at(1_800_000));
        assert_eq!(c.floor(at(1_800_000)), before);
    }

    #[test]
    fn an_underflow_with_another_cause_leaves_the_floor_as_it_was() {
        let mut c = settled(at(0));
        let before = c.floor(at(0));
        c.underflow(at(0));
        c.arrived(at(10), pos(0), pos(5_000));
        c.arrived(at(20), pos(0), pos(60));
        c.excuse(at(30));
        assert_eq!(c.floor(at(30)), before);
    }

    #[test]
    fn uneven_arrival_widens_the_floor_by_itself() {
        let mut c = settled(at(0));
        for i in 0..100u64 {
            let late = if i == 10 { 260 } else { 60 };
            c.arrived(at(i * 40), pos(0), pos(late));
        }
        assert_eq!(c.floor(at(4000)), Duration::from_millis(280));
        assert_eq!(c.floor(at(80_000)), Duration::from_millis(100));
    }

    #[test]
    fn whole_segments_need_no_more_than_they_are_late_by() {
        const UNIT: u64 = 4000;
        let mut c = Control::new(Aim::whole(None, Duration::from_millis(UNIT)), at(0));
        let mut floor = |units: u64, late| {
            let now = at(units * UNIT + 100);
            c.arrived(now, pos(0), pos(late));
            c.floor(now).as_millis()
        };
        // An eighth and 0.2 s, and the start's 0.1 s, until four units were measured; what comes in the first was old.
        let first = [(0, 3900), (1, 100), (2, 100), (3, 100)].map(|(at, late)| floor(at, late));
        assert_eq!(first, [1300, 1300, 1200, 1200]);
        assert_eq!([floor(4, 100), floor(5, 100)], [600, 600]);
        assert_eq!([floor(6, 700), floor(7, 100)], [1200, 1200]);
        // At most a quarter.
        assert_eq!([floor(8, 3000), floor(9, 100)], [1500, 1500]);
        assert_eq!(floor(30, 100), 600, "it is forgotten");
        c.position_moved(at(31 * UNIT));
        assert_eq!(c.floor(at(31 * UNIT)).as_millis(), 1200, "elsewhere it is learnt anew");
    }

    #[test]
    fn the_first_seconds_have_a_wider_floor() {
        let c = Control::new(Aim::growing(None, Sound::Heard), at(0));
        let floors = [0, 7999, 8000].map(|ms| c.floor(at(ms)).as_millis());
        assert_eq!(floors, [200, 200, 100]);
    }
}
