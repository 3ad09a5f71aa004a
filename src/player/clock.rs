//! Synchronises with the origin's clock: which time source is asked, when, and what is used
//! meanwhile.
//!
//! The time is fetched in parallel to everything else; if no source answers in time, playing starts
//! by the local clock. The sources are those of the MPD's `UTCTiming` elements (ISO/IEC 23009-1
//! 5.8.4.11), asked one after the other until one answers.

use super::cx::Cx;
use super::io::{Body, Reason};
use super::requests::{Patience, Purpose, Requests, Sent};
use crate::live::clock::{OriginClock, Trust};
use crate::presentation::date::parse_date_time;
use crate::presentation::reads::Dash;
use crate::presentation::{ClockSource, Kind, Presentation, Resource};
use crate::time::{Duration, Instant, WallTime};

/// Playing does not wait longer than this for the origin's clock.
const START_PATIENCE: Duration = Duration::from_millis(800);
/// An answer that takes longer than this is too inexact to be used.
const ANSWER_TIMEOUT: Patience = Patience::even(Duration::from_secs(2));
/// How often the time is fetched again: a drift of 50 ppm is 3 ms a minute.
const RESYNC_EVERY: Duration = Duration::from_secs(60);
/// The wait after a failure, and between the first answers.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// A correction backwards by more than this: the player may have asked for media that does not
/// exist yet. Microseconds.
pub(super) const SET_BACK: i64 = 1_000_000;
/// The wall clock and the monotonic clock diverge by more than this only if the machine slept, or
/// if the clock was set. Microseconds.
const LEAST_SLEEP_US: i64 = 2_000_000;

/// The origin's clock, and the requests for its time.
#[derive(Debug)]
pub(super) struct Clock {
    origin: OriginClock,
    /// The local wall clock minus the monotonic one, microseconds.
    local_us: i64,
    /// The origin's clock minus the monotonic one at the last call of [`Self::moved`],
    /// microseconds.
    used_us: i64,
    /// The number of failures so far; modulo the number of sources, the index of the next one.
    source: usize,
    /// How many sources there were at the last request.
    sources: usize,
    /// A request is open.
    in_flight: bool,
    /// When the next request is sent; `None`: at once.
    due: Option<Instant>,
    /// When the first request was sent.
    first_asked: Option<Instant>,
    /// Answers so far.
    answers: u32,
    /// Every source was asked once without an answer.
    given_up: bool,
}

impl Clock {
    /// Starts with the local wall clock, which reads `wall` at `now`.
    pub(super) fn new(now: Instant, wall: WallTime) -> Self {
        Self {
            origin: OriginClock::local(now, wall),
            local_us: ahead_of_monotonic(now, wall),
            used_us: ahead_of_monotonic(now, wall),
            source: 0,
            sources: 0,
            in_flight: false,
            due: None,
            first_asked: None,
            answers: 0,
            given_up: false,
        }
    }

    /// The origin's time.
    pub(super) fn origin(&self, now: Instant) -> WallTime {
        self.origin.origin(now)
    }

    /// How well it is known.
    pub(super) const fn trust(&self) -> Trust {
        self.origin.trust()
    }

    /// Compares the two local clocks; answers how long the machine slept, if it did.
    pub(super) fn slept(&mut self, now: Instant, wall: WallTime) -> Option<Duration> {
        if wall == WallTime::default() {
            return None;
        }
        let before = core::mem::replace(&mut self.local_us, ahead_of_monotonic(now, wall));
        let apart = self.local_us.saturating_sub(before);
        if apart <= LEAST_SLEEP_US {
            return None;
        }
        // The monotonic clock stood still for this long.
        let slept = Duration::from_micros(apart.unsigned_abs());
        self.origin.slept(slept);
        self.used_us = ahead_of_monotonic(now, self.origin.origin(now));
        self.doubt(now);
        Some(slept)
    }

    /// By how much the estimate of the origin's clock was corrected since the last call,
    /// microseconds.
    pub(super) fn moved(&mut self, now: Instant) -> i64 {
        let is = ahead_of_monotonic(now, self.origin.origin(now));
        is.saturating_sub(core::mem::replace(&mut self.used_us, is))
    }

    /// Playing may start: the clock is known, or was waited for long enough.
    pub(super) fn ready(&self, now: Instant) -> bool {
        let waited = self.first_asked.is_none_or(|asked| now.since(asked) >= START_PATIENCE);
        self.trust() == Trust::Synced || self.answers > 0 || self.given_up || waited
    }

    /// The clock may be wrong: it is fetched again at once.
    pub(super) const fn doubt(&mut self, now: Instant) {
        self.due = Some(now);
    }

    /// An answer of the origin carried this `Date` (RFC 9110 6.6.1).
    pub(super) fn learn_date(&mut self, now: Instant, date: Option<WallTime>) {
        if let Some(date) = date {
            self.origin.learn_date(now, date);
        }
    }

    /// A manifest that was requested at `sent_at` may contain the time itself (`direct`).
    pub(super) fn learn_direct(&mut self, sent_at: Instant, now: Instant, p: &Presentation) {
        for source in &p.clocks {
            if let ClockSource::Direct(wall) = source
                && self.trust() < Trust::Synced
            {
                self.origin.learn(sent_at, now, *wall);
            }
        }
    }

    /// Fetches the origin's time when that is due.
    pub(super) fn ask(&mut self, cx: &mut Cx<'_>, requests: &mut Requests, p: &Presentation) {
        let count = sources(p).count();
        if Dash::token().is_none()
            || !matches!(p.kind, Kind::Live(_))
            || count == 0
            || self.in_flight
        {
            return;
        }
        if let Some(due) = self.due
            && due > cx.now
        {
            // Without other inputs this is what wakes the player.
            return cx.wake_at(due, Reason::Timeout);
        }
        self.first_asked.get_or_insert(cx.now);
        let (url, head_only) = match sources(p).nth(self.source % count) {
            Some(ClockSource::HttpIso(url)) => (url, false),
            Some(ClockSource::HttpHead(url)) => (url, true),
            _ => return,
        };
        (self.in_flight, self.sources) = (true, count);
        let resource = Resource::at(url);
        if head_only {
            requests.send_head(cx, Purpose::Clock, &resource, ANSWER_TIMEOUT);
        } else {
            requests.send(cx, Purpose::Clock, &resource, Body::Bytes, ANSWER_TIMEOUT);
        }
    }

    /// A source answered.
    pub(super) fn answered(&mut self, now: Instant, sent: &Sent, body: &[u8]) {
        if Dash::token().is_none() {
            return;
        }
        self.in_flight = false;
        let said = core::str::from_utf8(body).ok().and_then(|t| parse_date_time(t.trim_ascii()));
        match (said, sent.head.date) {
            (Some(wall), _) => {
                self.origin.learn(sent.sent_at, now, wall);
            }
            (None, Some(date)) => self.origin.learn_date(now, date),
            (None, None) => return self.failed(now),
        }
        self.answers = self.answers.saturating_add(1);
        // The first answer pays for the connection; a second soon after is often much quicker.
        let wait = if self.answers < 3 { RETRY_AFTER } else { RESYNC_EVERY };
        self.due = Some(now + wait);
    }

    /// A source did not answer, or not with a time.
    pub(super) fn failed(&mut self, now: Instant) {
        self.in_flight = false;
        self.source = self.source.wrapping_add(1);
        self.given_up |= self.source >= self.sources;
        let soon = match self.trust() {
            _ if !self.given_up => Duration::ZERO,
            Trust::Synced => RESYNC_EVERY,
            _ => RETRY_AFTER,
        };
        self.due = Some(now + soon);
    }

    /// The open request was given up; another one is sent when it is due.
    pub(super) const fn dropped(&mut self) {
        self.in_flight = false;
    }
}

/// The sources that need a request.
fn sources(p: &Presentation) -> impl Iterator<Item = &ClockSource> {
    p.clocks.iter().filter(|source| !matches!(source, ClockSource::Direct(_)))
}

fn ahead_of_monotonic(now: Instant, wall: WallTime) -> i64 {
    wall.as_micros().saturating_sub(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::cx::Surroundings;
    use crate::player::io::{FetchEvent, Head, Output};
    use crate::player::requests::Heard;
    use crate::presentation::{Live, Refresh, Service};
    use alloc::vec::Vec;

    const fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    fn wall(ms: i64) -> WallTime {
        WallTime::default().offset((1_700_000_000_000 + ms) * 1000)
    }

    fn live(clocks: Vec<ClockSource>) -> Presentation {
        let live = Live { anchor: None, time_shift: None, suggested_delay: None };
        Presentation {
            kind: Kind::Live(live),
            periods: Vec::new(),
            refresh: Refresh::Never,
            location: None,
            clocks,
            service: Service::default(),
        }
    }

    fn iso(url: &str) -> ClockSource {
        ClockSource::HttpIso(url.into())
    }

    /// A clock, its surroundings, and what it asks for.
    struct Test {
        clock: Clock,
        around: Surroundings,
        requests: Requests,
        p: Presentation,
    }

    impl Test {
        fn new(clocks: Vec<ClockSource>) -> Self {
            Self {
                clock: Clock::new(at(0), wall(0)),
                around: Surroundings::default(),
                requests: Requests::default(),
                p: live(clocks),
            }
        }

        /// What it asks for at `now`.
        fn asks(&mut self, now: Instant) -> Option<crate::player::io::Request> {
            self.clock.ask(&mut self.around.at(now), &mut self.requests, &self.p);
            self.around.drain().into_iter().find_map(|output| match output {
                Output::Fetch(request) => Some(request),
                _ => None,
            })
        }

        /// Its question is answered at `now`.
        fn answer(&mut self, now: Instant, text: &str) {
            let request = self.asks(now).expect("a question");
            self.end(now, request.id, text);
        }

        fn end(&mut self, now: Instant, id: crate::player::io::FetchId, text: &str) {
            let head = Head { status: 200, ..Head::default() };
            let events = [FetchEvent::Head(head), FetchEvent::Data(text.into()), FetchEvent::Done];
            for event in events {
                let heard = self.requests.hear(&mut self.around.at(now), id, event);
                if let Some((Heard::Whole(body), Some(sent))) = heard {
                    self.clock.answered(now, &sent, &body);
                }
            }
        }
    }

    #[test]
    fn a_film_and_a_manifest_without_sources_ask_nobody() {
        let mut t = Test::new(Vec::new());
        assert_eq!(t.asks(at(0)), None);
        assert!(t.clock.ready(at(0)), "nobody is waited for");
        t.p.clocks = [iso("t")].into();
        t.p.kind = Kind::OnDemand { duration: None };
        assert_eq!(t.asks(at(0)), None);
    }

    #[test]
    fn an_answer_sets_it_and_it_is_asked_again_soon_and_then_each_minute() {
        let mut t = Test::new([iso("t")].into());
        assert_eq!(t.asks(at(0)).map(|r| r.url).as_deref(), Some("t"));
        assert!(!t.clock.ready(at(100)), "the answer is waited for");
        assert!(t.clock.ready(at(900)), "but not for long");
        let id = crate::player::io::FetchId(1);
        t.end(at(200), id, "2023-11-14T22:13:30.000Z");
        assert_eq!(t.clock.trust(), Trust::Synced);
        let off = t.clock.origin(at(200)).micros_from(wall(10_000)).abs();
        assert!(off <= 100_000, "half the round trip: {off} us");
        for (before, due) in [(5_100, 5_300), (10_200, 10_400), (70_300, 70_500)] {
            assert_eq!(t.asks(at(before)), None, "at {before} ms");
            t.answer(at(due), "2023-11-14T22:13:30.000Z");
        }
    }

    #[test]
    fn the_next_source_is_asked_when_one_does_not_answer() {
        let mut t = Test::new([iso("a"), iso("b")].into());
        t.answer(at(0), "no time at all");
        assert!(!t.clock.ready(at(10)));
        let asked = t.asks(at(10)).map(|r| r.url);
        assert_eq!(asked.as_deref(), Some("b"));
        t.clock.failed(at(20));
        assert!(t.clock.ready(at(20)), "nobody is left");
        assert_eq!(t.asks(at(4_000)), None);
        assert_eq!(t.asks(at(5_100)).map(|r| r.url).as_deref(), Some("a"));
    }

    #[test]
    fn a_sleep_shows_between_the_two_local_clocks() {
        let mut clock = Clock::new(at(0), wall(0));
        assert_eq!(clock.slept(at(1000), wall(1900)), None, "a clock that is set by a second");
        assert_eq!(clock.slept(at(2000), wall(62_900)), Some(Duration::from_secs(60)));
        assert_eq!(clock.origin(at(2000)), wall(62_000));
        assert_eq!(clock.moved(at(2000)), 0, "that the world went on is no error of the clock");
        assert_eq!(clock.slept(at(3000), WallTime::default()), None, "unknown");
    }
}
