//! The origin's clock: whom to ask for the time, when, and what the answers are worth.
//!
//! The clock is asked for in parallel to everything else; playing starts by the local clock when nobody
//! answers in time. The sources are those of the MPD's `UTCTiming` elements (ISO/IEC 23009-1 5.8.4.11),
//! one after the other until one answers.

use super::cx::Cx;
use super::io::{Body, Reason};
use super::requests::{Patience, Purpose, Requests, Sent};
use crate::live::clock::{OriginClock, Trust};
use crate::presentation::date::parse_date_time;
use crate::presentation::{ClockSource, Kind, Presentation, Resource};
use crate::time::{Instant, WallTime};
use core::time::Duration;

/// Playing does not wait longer than this for the origin's clock.
const PATIENCE: Duration = Duration::from_millis(800);
/// An answer that takes longer than this says nothing at a tenth of a second.
const TIMEOUT: Patience = Patience::even(Duration::from_secs(2));
/// Asked again this often: 50 ppm of drift are 3 ms a minute.
const AGAIN: Duration = Duration::from_secs(60);
/// After a failure, or to better a first answer.
const SOON: Duration = Duration::from_secs(5);
/// By a clock that was ahead by more than this, microseconds, media was asked for that does not exist
/// yet.
pub(super) const SET_BACK: i64 = 1_000_000;
/// The wall clock and the monotonic clock part by this much, microseconds, only when the machine slept,
/// or when someone set the clock.
const SLEPT: i64 = 2_000_000;

/// The origin's clock and the asking for it.
#[derive(Debug)]
pub(super) struct Clock {
    origin: OriginClock,
    /// The local wall clock minus the monotonic one, microseconds.
    local_us: i64,
    /// The origin's clock minus the monotonic one as it was used last, microseconds.
    used_us: i64,
    /// Which source is asked next: it counts on without end.
    source: usize,
    in_flight: bool,
    due: Option<Instant>,
    first_asked: Option<Instant>,
    /// Answers so far.
    answers: u32,
    /// Each source was asked and none answered.
    given_up: bool,
}

impl Clock {
    /// One that goes by the local wall clock, which reads `wall` at `now`.
    pub(super) fn new(now: Instant, wall: WallTime) -> Self {
        Self {
            origin: OriginClock::local(now, wall),
            local_us: ahead_of_monotonic(now, wall),
            used_us: ahead_of_monotonic(now, wall),
            source: 0,
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

    /// Who vouches for it.
    pub(super) const fn trust(&self) -> Trust {
        self.origin.trust()
    }

    /// Compares the local clocks; answers how long the machine slept, if it did.
    pub(super) fn slept(&mut self, now: Instant, wall: WallTime) -> Option<Duration> {
        if wall == WallTime::default() {
            return None;
        }
        let before = core::mem::replace(&mut self.local_us, ahead_of_monotonic(now, wall));
        let apart = self.local_us.saturating_sub(before);
        if apart <= SLEPT {
            return None;
        }
        // The world went on for so long while the monotonic clock stood.
        let slept = Duration::from_micros(apart.unsigned_abs());
        self.origin.slept(slept);
        self.used_us = ahead_of_monotonic(now, self.origin.origin(now));
        self.doubt(now);
        Some(slept)
    }

    /// By how much the origin's clock is ahead of what it was taken for at the last look, microseconds.
    pub(super) fn moved(&mut self, now: Instant) -> i64 {
        let is = ahead_of_monotonic(now, self.origin.origin(now));
        is.saturating_sub(core::mem::replace(&mut self.used_us, is))
    }

    /// Playing may start by this clock.
    pub(super) fn ready(&self, now: Instant) -> bool {
        let waited = self.first_asked.is_none_or(|asked| now.since(asked) >= PATIENCE);
        self.trust() == Trust::Synced || self.answers > 0 || self.given_up || waited
    }

    /// Something suggests that it is wrong.
    pub(super) const fn doubt(&mut self, now: Instant) {
        self.due = Some(now);
    }

    /// An answer of the origin carried this `Date` (RFC 9110 6.6.1).
    pub(super) fn learn_date(&mut self, now: Instant, date: Option<WallTime>) {
        if let Some(date) = date {
            self.origin.learn_date(now, date);
        }
    }

    /// A manifest that was asked for at `sent_at` may say the time itself.
    pub(super) fn learn_direct(&mut self, sent_at: Instant, now: Instant, p: &Presentation) {
        for source in &p.clocks {
            if let ClockSource::Direct(wall) = source
                && self.trust() < Trust::Synced
            {
                self.origin.learn(sent_at, now, *wall);
            }
        }
    }

    /// Asks for the origin's time when it is due.
    pub(super) fn ask(&mut self, cx: &mut Cx<'_>, requests: &mut Requests, p: &Presentation) {
        let count = sources(p).count();
        if !matches!(p.kind, Kind::Live(_)) || count == 0 || self.in_flight {
            return;
        }
        if let Some(due) = self.due
            && due > cx.now
        {
            // Not a reason to stay awake for: any later input will do, but not for ever.
            return cx.wake_at(due, Reason::Timeout);
        }
        self.first_asked.get_or_insert(cx.now);
        let (url, head_only) = match sources(p).nth(self.source % count) {
            Some(ClockSource::HttpIso(url)) => (url, false),
            Some(ClockSource::HttpHead(url)) => (url, true),
            _ => return,
        };
        self.in_flight = true;
        let resource = Resource { url: url.clone(), range: None };
        if head_only {
            requests.send_head(cx, Purpose::Clock, &resource, TIMEOUT);
        } else {
            requests.send(cx, Purpose::Clock, &resource, Body::Bytes, TIMEOUT);
        }
    }

    /// A source answered.
    pub(super) fn answered(&mut self, now: Instant, sent: &Sent, body: &[u8], p: &Presentation) {
        self.in_flight = false;
        let said = core::str::from_utf8(body).ok().and_then(|t| parse_date_time(t.trim()));
        match (said, sent.head.date) {
            (Some(wall), _) => {
                self.origin.learn(sent.sent_at, now, wall);
            }
            (None, Some(date)) => self.origin.learn_date(now, date),
            (None, None) => return self.failed(now, p),
        }
        self.answers = self.answers.saturating_add(1);
        // The first answer pays for the connection; a second soon after is often much quicker.
        let wait = if self.answers < 3 { SOON } else { AGAIN };
        self.due = Some(now + wait);
    }

    /// A source did not answer, or not with a time.
    pub(super) fn failed(&mut self, now: Instant, p: &Presentation) {
        self.in_flight = false;
        self.source = self.source.wrapping_add(1);
        self.given_up |= self.source >= sources(p).count();
        let soon = match self.trust() {
            _ if !self.given_up => Duration::ZERO,
            Trust::Synced => AGAIN,
            _ => SOON,
        };
        self.due = Some(now + soon);
    }

    /// A request that was open is given up; it is asked anew when it is due.
    pub(super) const fn dropped(&mut self) {
        self.in_flight = false;
    }
}

/// Those that have to be asked.
fn sources(p: &Presentation) -> impl Iterator<Item = &ClockSource> {
    p.clocks.iter().filter(|source| !matches!(source, ClockSource::Direct(_)))
}

fn ahead_of_monotonic(now: Instant, wall: WallTime) -> i64 {
    wall.as_micros().saturating_sub(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}
