//! When the manifest is loaded: as it says itself, sooner when trouble asks for it, and again after a
//! failure. While something plays, a manifest that fails to load is no more than old.

use crate::net::retry::{self, Failed, InARow, Policy, Verdict};
use crate::player::cx::Cx;
use crate::player::io::{Body, Reason};
use crate::player::requests::{Patience, Purpose, Requests};
use crate::presentation::{Refresh, Resource};
use crate::time::{Instant, WallTime};
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

    /// The network is back: ask at once if that failed before, or if it is `wanted` anyway.
    pub(super) fn hurry(&mut self, now: Instant, wanted: bool) {
        if (wanted || self.failed.count() > 0) && !self.in_flight {
            self.failed = InARow::default();
            self.due = Some(now);
        }
    }

    /// Asks for it when it is due.
    pub(super) fn poll(&mut self, cx: &mut Cx<'_>, requests: &mut Requests) {
        if self.in_flight {
            return;
        }
        match self.due {
            Some(due) if due > cx.now => return cx.wake_at(due, Reason::ManifestRefresh),
            None if self.asked_at.is_some() => return,
            _ => {}
        }
        self.due = None;
        self.pressing += u32::from(core::mem::take(&mut self.pressed));
        self.in_flight = true;
        self.asked_at = Some(cx.now);
        let resource = Resource { url: self.url.clone(), range: None };
        let patience = Patience::even(cx.config.request_timeout);
        requests.send(cx, Purpose::Manifest, &resource, Body::Bytes, patience);
    }

    /// An answer came, whatever it is.
    pub(super) const fn over(&mut self) {
        self.in_flight = false;
    }

    /// The request is given up; another is due at once.
    pub(super) const fn dropped(&mut self, now: Instant) {
        self.in_flight = false;
        self.due = Some(now);
    }

    /// One that was asked for at `asked` can be read: it moves to `location` and wants to be loaded
    /// again as `refresh` says. Answers whether it is to be used: not if it is older than the one in
    /// use.
    pub(super) fn read(
        &mut self,
        asked: Instant,
        location: Option<&String>,
        refresh: Refresh,
        published: Option<WallTime>,
    ) -> bool {
        self.failed = InARow::default();
        if let Some(location) = location {
            self.url.clone_from(location);
        }
        self.due = match refresh {
            Refresh::Never | Refresh::OnEvent => None,
            Refresh::Every(every) => Some(asked + every.max(LEAST_BETWEEN_LOADS)),
        };
        let before = core::mem::replace(&mut self.published, published);
        let lags =
            before.zip(published).is_some_and(|(old, new)| new < old && old.since(new) < LAG);
        if lags {
            self.published = before;
        }
        !lags
    }

    /// It cannot be had, or not be read. Answers whether it is asked for again; a `first` one may be
    /// given up, and so is one that can `never` be played.
    pub(super) fn refused(
        &mut self,
        cx: &mut Cx<'_>,
        failed: Option<Failed<'_>>,
        first: bool,
        never: bool,
    ) -> bool {
        let count = self.failed.add(failed.map(|f| f.failure));
        self.due = match retry::manifest(first, failed, count, cx.prng) {
            Verdict::Again(wait) if !never => Some(cx.now + wait),
            // The manifest of a server that is being set up again may be missing for a while.
            _ if !first => Some(cx.now + Policy::LIVE.cap),
            _ => return false,
        };
        true
    }
}
