//! The manifest, its refreshes, and the origin's clock.
//!
//! While something plays, a manifest that fails to load is no more than old: it is tried again until
//! it comes, and said once an outage. The clock is asked for in parallel to everything else; playing
//! starts by the local clock when nobody answers in time.

use super::cx::Cx;
use super::error::{Code, Error};
use super::io::{Body, Reason};
use super::protocol::{self, Manifest};
use super::requests::{Patience, Purpose, Sent};
use super::session::{Session, Stage};

use crate::live::clock::{OriginClock, Trust};
use crate::net::Failure;
use crate::net::retry::{self, Failed, InARow, Policy, Verdict};
use crate::presentation::date::parse_date_time;
use crate::presentation::{ClockSource, Kind, Presentation, Refresh, Resource};
use crate::time::{Instant, WallTime};
use alloc::rc::Rc;
use alloc::string::String;
use core::time::Duration;

/// Two loads by the manifest's own wish are at least this far apart.
const LEAST_BETWEEN_LOADS: Duration = Duration::from_millis(500);
/// Two loads that trouble asks for are at least this far apart, and the longer it lasts the farther.
const LEAST_IN_TROUBLE: Duration = Duration::from_millis(150);
/// So soon after a load the first of them may follow: a Period may have begun since.
const FIRST_IN_TROUBLE: Duration = Duration::from_millis(30);
/// An MPD that is older by less than this comes from a cache that lags, not from another encoder.
const LAG: Duration = Duration::from_secs(60);
/// Playing does not wait longer than this for the origin's clock.
const CLOCK_PATIENCE: Duration = Duration::from_millis(800);
/// A clock answer that takes longer than this says nothing at a tenth of a second.
const CLOCK_TIMEOUT: Patience = Patience::even(Duration::from_secs(2));
/// Asked again this often: 50 ppm of drift are 3 ms a minute.
const CLOCK_AGAIN: Duration = Duration::from_secs(60);
/// After a failure, or to better a first answer.
const CLOCK_SOON: Duration = Duration::from_secs(5);
/// By a clock that was ahead by more than this, media was asked for that does not exist yet.
pub(super) const SET_BACK: i64 = 1_000_000;
/// The wall clock and the monotonic clock part by this much only when the machine slept, or when
/// someone set the clock.
const SLEPT: i64 = 2_000_000;

/// The manifest's loading.
#[derive(Debug)]
pub(super) struct Loader {
    url: String,
    due: Option<Instant>,
    in_flight: bool,
    failed: InARow,
    asked_at: Option<Instant>,
    /// Loads in a row that were asked for out of turn.
    pressing: u32,
    /// The next one is.
    pressed: bool,
    /// `publishTime` of the MPD that is in use.
    published: Option<WallTime>,
    /// `dash` or `hls`.
    pub(super) protocol: &'static str,
}

impl Loader {
    pub(super) fn new(url: String) -> Self {
        Self {
            url,
            due: None,
            in_flight: false,
            failed: InARow::default(),
            asked_at: None,
            pressing: 0,
            pressed: false,
            published: None,
            protocol: "",
        }
    }

    /// It is wanted at `at`, or as soon after the last load as is decent.
    pub(super) fn want(&mut self, at: Instant) {
        let between = match self.pressing {
            0 => FIRST_IN_TROUBLE,
            more => LEAST_IN_TROUBLE * (1 << (more - 1).min(3)),
        };
        let earliest = self.asked_at.map_or(at, |asked| asked + between);
        let at = at.max(earliest);
        if self.failed.count() == 0 && self.due.is_none_or(|due| at < due) {
            self.due = Some(at);
            self.pressed = true;
        }
    }

    /// Media comes: there is no trouble.
    pub(super) const fn calm(&mut self) {
        self.pressing = 0;
    }

    /// When it will be loaded next, unless it is being loaded.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.filter(|_| !self.in_flight)
    }

    /// Trouble is over: ask at once.
    pub(super) fn hurry(&mut self, now: Instant) {
        self.failed = InARow::default();
        self.due = Some(now);
    }
}

/// The origin's clock and the asking for it.
#[derive(Debug)]
pub(super) struct ClockSync {
    pub(super) clock: OriginClock,
    /// The local wall clock minus the monotonic one, microseconds.
    local_us: i64,
    /// The origin's clock minus the monotonic one as it was used last, microseconds.
    used_us: i64,
    source: usize,
    in_flight: bool,
    due: Option<Instant>,
    first_asked: Option<Instant>,
    tried: u32,
    /// Each source was asked and none answered.
    given_up: bool,
}

impl ClockSync {
    pub(super) fn new(now: Instant, wall: WallTime) -> Self {
        Self {
            clock: OriginClock::local(now, wall),
            local_us: local_us(now, wall),
            used_us: local_us(now, wall),
            source: 0,
            in_flight: false,
            due: None,
            first_asked: None,
            tried: 0,
            given_up: false,
        }
    }

    /// Compares the local clocks; answers how long the machine slept, if it did.
    pub(super) fn look(&mut self, now: Instant, wall: WallTime) -> Option<Duration> {
        if wall == WallTime::default() {
            return None;
        }
        let apart = local_us(now, wall).saturating_sub(self.local_us);
        self.local_us = local_us(now, wall);
        (apart > SLEPT).then(|| Duration::from_micros(u64::try_from(apart).unwrap_or(0)))
    }

    /// By how much the origin's clock is ahead of what it was taken for at the last look, microseconds.
    pub(super) fn moved(&mut self, now: Instant) -> i64 {
        let before = core::mem::replace(&mut self.used_us, local_us(now, self.clock.origin(now)));
        self.used_us.saturating_sub(before)
    }

    /// Playing may start by this clock.
    pub(super) fn ready(&self, now: Instant) -> bool {
        let waited = self.first_asked.is_none_or(|asked| now.since(asked) >= CLOCK_PATIENCE);
        self.clock.trust() == Trust::Synced || self.tried > 0 || self.given_up || waited
    }

    /// The world went on for so long while the monotonic clock stood.
    fn slept(&mut self, now: Instant, slept: Duration) {
        self.clock.slept(slept);
        self.used_us = local_us(now, self.clock.origin(now));
        self.doubt(now);
    }

    /// Something suggests that it is wrong.
    pub(super) fn doubt(&mut self, now: Instant) {
        self.due = Some(now);
    }
}

fn local_us(now: Instant, wall: WallTime) -> i64 {
    wall.as_micros().saturating_sub(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}

impl Session {
    pub(super) fn advance_manifest(&mut self, cx: &mut Cx<'_>) {
        if self.loader.in_flight {
            return;
        }
        let first = self.loader.asked_at.is_none();
        match self.loader.due {
            Some(due) if due > cx.now => cx.wake_at(due, Reason::ManifestRefresh),
            None if !first => {}
            _ => {
                let resource = Resource { url: self.loader.url.clone(), range: None };
                self.loader.due = None;
                let pressed = core::mem::take(&mut self.loader.pressed);
                self.loader.pressing += u32::from(pressed);
                self.loader.in_flight = true;
                self.loader.asked_at = Some(cx.now);
                let patience = Patience::even(cx.config.request_timeout);
                self.requests.send(cx, Purpose::Manifest, &resource, Body::Bytes, patience);
            }
        }
    }

    pub(super) fn on_manifest(&mut self, cx: &mut Cx<'_>, sent: &Sent, body: &[u8]) {
        self.loader.in_flight = false;
        if let Some(date) = sent.head.date {
            self.clock.clock.learn_date(cx.now, date);
        }
        let url = match sent.head.url.as_str() {
            "" => sent.resource.url.as_str(),
            redirected => redirected,
        };
        let (protocol, presentation, published) =
            match protocol::read(body, url, sent.head.content_type.as_deref()) {
                Ok(Manifest::Dash(presentation, published)) => ("dash", presentation, published),
                Ok(Manifest::Hls(mut presentation, media)) => {
                    let media = media.as_deref();
                    if let Err(error) = self.begin_hls(cx, &mut presentation, url, media) {
                        let error = protocol::refused(url, error);
                        return self.manifest_trouble(cx, error, None);
                    }
                    ("hls", presentation, None)
                }
                Err(error) => return self.manifest_trouble(cx, error, None),
            };
        self.loader.failed = InARow::default();
        self.loader.protocol = protocol;
        self.figures.manifest_trouble = None;
        self.on_presentation(cx, sent, presentation, published);
    }

    fn on_presentation(
        &mut self,
        cx: &mut Cx<'_>,
        sent: &Sent,
        presentation: Presentation,
        published: Option<WallTime>,
    ) {
        if let Some(location) = &presentation.location {
            self.loader.url.clone_from(location);
        }
        self.loader.due = match presentation.refresh {
            Refresh::Never | Refresh::OnEvent => None,
            Refresh::Every(every) => Some(sent.sent_at + every.max(LEAST_BETWEEN_LOADS)),
        };
        let before = core::mem::replace(&mut self.loader.published, published);
        if before.zip(published).is_some_and(|(old, new)| new < old && old.since(new) < LAG) {
            self.loader.published = before;
            return;
        }
        if let Some(made) = published {
            self.note_made(cx.now, made);
        }
        for source in &presentation.clocks {
            if let ClockSource::Direct(wall) = source
                && self.clock.clock.trust() < Trust::Synced
            {
                self.clock.clock.learn(sent.sent_at, cx.now, *wall);
            }
        }
        let presentation = Rc::new(presentation);
        match self.presentation.replace(Rc::clone(&presentation)) {
            None => self.begin_opening(cx, &presentation),
            Some(old) => self.on_refreshed(cx, &old, &presentation),
        }
        self.note_newest(cx.now);
    }

    pub(super) fn on_manifest_failed(&mut self, cx: &mut Cx<'_>, sent: &Sent, failure: &Failure) {
        self.loader.in_flight = false;
        let error = Error::of_request(failure, &sent.resource.url, "the manifest")
            .with_reason(sent.reason());
        self.manifest_trouble(cx, error, Some(sent.failed(cx.now, failure)));
    }

    fn manifest_trouble(&mut self, cx: &mut Cx<'_>, mut error: Error, failed: Option<Failed<'_>>) {
        let count = self.loader.failed.add(failed.map(|f| f.failure));
        let first = matches!(self.stage, Stage::Loading);
        match retry::manifest(first, failed, count, cx.prng) {
            Verdict::Again(wait) if error.code != Code::NotYet => {
                self.loader.due = Some(cx.now + wait);
            }
            // The manifest of a server that is being set up again may be missing for a while.
            _ if !first => self.loader.due = Some(cx.now + Policy::LIVE.cap),
            _ => error.fatal = true,
        }
        if error.fatal || self.figures.manifest_trouble.is_none() {
            self.figures.manifest_trouble = Some(error.message.clone());
            self.trouble(cx, error);
        }
    }

    /// Asks for the origin's time when it is due.
    pub(super) fn advance_clock(&mut self, cx: &mut Cx<'_>) {
        let Some(presentation) = self.presentation.clone() else { return };
        let live = matches!(presentation.kind, Kind::Live(_));
        let asked = |c: &&ClockSource| !matches!(c, ClockSource::Direct(_));
        let count = presentation.clocks.iter().filter(asked).count();
        if !live || count == 0 || self.clock.in_flight {
            return;
        }
        if let Some(due) = self.clock.due
            && due > cx.now
        {
            // Not a reason to stay awake for: any later input will do, but not for ever.
            cx.wake_at(due, Reason::Timeout);
            return;
        }
        let source = presentation.clocks.iter().filter(asked).nth(self.clock.source % count);
        self.clock.first_asked.get_or_insert(cx.now);
        self.clock.in_flight = true;
        match source {
            Some(ClockSource::HttpIso(url)) => {
                let resource = Resource { url: url.clone(), range: None };
                self.requests.send(cx, Purpose::Clock, &resource, Body::Bytes, CLOCK_TIMEOUT);
            }
            Some(ClockSource::HttpHead(url)) => {
                let resource = Resource { url: url.clone(), range: None };
                self.requests.send_head(cx, Purpose::Clock, &resource, CLOCK_TIMEOUT);
            }
            _ => self.clock.in_flight = false,
        }
    }

    pub(super) fn on_clock(&mut self, cx: &mut Cx<'_>, sent: &Sent, body: &[u8]) {
        self.clock.in_flight = false;
        let said = core::str::from_utf8(body).ok().and_then(|t| parse_date_time(t.trim()));
        match (said, sent.head.date) {
            (Some(wall), _) => {
                self.clock.clock.learn(sent.sent_at, cx.now, wall);
            }
            (None, Some(date)) => self.clock.clock.learn_date(cx.now, date),
            (None, None) => return self.on_clock_failed(cx),
        }
        self.clock.tried = self.clock.tried.saturating_add(1);
        // The first answer pays for the connection; a second soon after is often much quicker.
        let wait = if self.clock.tried < 3 { CLOCK_SOON } else { CLOCK_AGAIN };
        self.clock.due = Some(cx.now + wait);
    }

    pub(super) fn on_clock_failed(&mut self, cx: &mut Cx<'_>) {
        self.clock.in_flight = false;
        self.clock.source = self.clock.source.wrapping_add(1);
        let asked = |c: &&ClockSource| !matches!(c, ClockSource::Direct(_));
        let sources =
            self.presentation.as_ref().map_or(0, |p| p.clocks.iter().filter(asked).count());
        self.clock.given_up |= self.clock.source >= sources;
        let soon = match self.clock.clock.trust() {
            _ if !self.clock.given_up => Duration::ZERO,
            Trust::Synced => CLOCK_AGAIN,
            _ => CLOCK_SOON,
        };
        self.clock.due = Some(cx.now + soon);
    }

    /// The machine slept: its sockets are dead, the world went on.
    pub(super) fn on_woke(&mut self, cx: &mut Cx<'_>, slept: Duration) {
        self.clock.slept(cx.now, slept);
        // Or the clock was set: then it is off by as much as before, the other way round.
        self.clock_doubtful(i64::try_from(slept.as_micros()).ok());
        self.on_online(cx);
    }

    /// The network is back: nothing waits out its backoff, and what has been silent is asked anew.
    pub(super) fn on_online(&mut self, cx: &mut Cx<'_>) {
        for id in self.requests.silent(cx.now, Duration::from_secs(1)) {
            if let Some(sent) = self.requests.give_up(cx, id) {
                self.on_failed_silently(cx, &sent);
            }
        }
        for stream in &mut self.streams {
            stream.trouble.until = None;
        }
        self.hurry_playlists(cx.now);
        let wanted = self.loader.failed.count() > 0 || (self.is_live() && self.lists.is_none());
        if wanted && !self.loader.in_flight {
            self.loader.hurry(cx.now);
        }
    }

    fn on_failed_silently(&mut self, cx: &mut Cx<'_>, sent: &Sent) {
        match sent.purpose {
            Purpose::Manifest => {
                self.loader.in_flight = false;
                self.loader.due = Some(cx.now);
            }
            Purpose::Clock => self.clock.in_flight = false,
            Purpose::Playlist => self.playlist_lost(cx.now, &sent.resource.url),
            Purpose::Init(kind) | Purpose::Index(kind) | Purpose::Sniff(kind) => {
                if let Some(stream) = self.stream_mut(kind) {
                    stream.fetching = None;
                }
            }
            Purpose::Segment(kind) => {
                let requests = &mut self.requests;
                if let Some(stream) = self.streams.iter_mut().find(|s| s.kind == kind) {
                    stream.lost(cx, requests, sent.id);
                }
            }
            Purpose::Probe => self.on_probe_over(cx, sent),
            Purpose::Scout => self.on_scout(cx, sent.id, None),
            Purpose::Again => self.on_again(sent, None),
        }
    }
}
