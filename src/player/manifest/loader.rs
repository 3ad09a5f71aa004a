//! When the manifest is loaded: as it says itself, sooner when trouble asks for it, and again after a
//! failure. While something plays, a manifest that fails to load is no more than old.

use crate::net::retry::{self, Failed, Policy, Verdict};
use crate::player::cx::Cx;
use crate::player::io::{Body, Reason};
use crate::player::requests::{Patience, Purpose, Requests};
use crate::player::retries::{Need, Retries};
use crate::presentation::{Refresh, Resource};
use crate::time::{Duration, Instant, WallTime};
use alloc::string::String;

/// Two loads by the manifest's own wish are at least this far apart.
const LEAST_BETWEEN_LOADS: Duration = Duration::from_millis(500);
/// Two loads that an expected segment or trouble asks for are at least this far apart; in trouble the farther, the
/// longer it lasts.
const LEAST_OUT_OF_TURN: Duration = Duration::from_millis(150);
/// So soon after a load the first that trouble asks for may follow: a Period may have begun since.
const FIRST_IN_TROUBLE: Duration = Duration::from_millis(30);
/// An MPD that is older by less than this comes from a cache that lags, not from another encoder.
const LAG: Duration = Duration::from_secs(60);

/// The manifest's loading.
#[derive(Debug)]
pub(super) struct Loader {
    url: String,
    due: Option<Instant>,
    in_flight: bool,
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
            asked_at: None,
            pressing: 0,
            pressed: false,
            published: None,
        }
    }

    pub(super) const fn published(&self) -> Option<WallTime> {
        self.published
    }

    /// It is wanted at `at`, or as soon after the last load as is decent. `expected`: it will say more then; else
    /// there is trouble.
    pub(super) fn want(&mut self, retries: &Retries, at: Instant, expected: bool) {
        let between = match self.pressing {
            _ if expected => LEAST_OUT_OF_TURN,
            0 => FIRST_IN_TROUBLE,
            more => LEAST_OUT_OF_TURN * (1 << (more - 1).min(3)),
        };
        let earliest = self.asked_at.map_or(at, |asked| asked + between);
        let at = at.max(earliest);
        if retries.count(Need::Manifest) == 0 && self.due.is_none_or(|due| at < due) {
            self.due = Some(at);
            self.pressed = !expected;
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
    pub(super) fn hurry(&mut self, retries: &mut Retries, now: Instant, wanted: bool) {
        if (wanted || retries.count(Need::Manifest) > 0) && !self.in_flight {
            retries.recount(Need::Manifest);
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
        let resource = Resource::at(&self.url);
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
        retries: &mut Retries,
        failed: Option<Failed<'_>>,
        first: bool,
        never: bool,
    ) -> bool {
        let count = retries.failed(Need::Manifest, failed.map(|f| f.failure));
        self.due = match retry::manifest(first, failed, count, cx.prng) {
            Verdict::Again(wait) if !never => Some(cx.now + wait),
            // The manifest of a server that is being set up again may be missing for a while.
            _ if !first => Some(cx.now + Policy::LIVE.cap),
            _ => return false,
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Failure;
    use crate::player::cx::Surroundings;
    use crate::player::io::Output;

    const fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    /// A loader and what it asks for.
    struct Test {
        loader: Loader,
        around: Surroundings,
        requests: Requests,
    }

    impl Test {
        fn new() -> Self {
            let loader = Loader::new("https://host/a.mpd".into());
            Self { loader, around: Surroundings::default(), requests: Requests::default() }
        }

        /// The address that it asks for at `now`.
        fn asks(&mut self, now: Instant) -> Option<String> {
            self.loader.poll(&mut self.around.at(now), &mut self.requests);
            self.around.drain().into_iter().find_map(|output| match output {
                Output::Fetch(request) => Some(request.url),
                _ => None,
            })
        }

        fn loaded(&mut self, asked: Instant, refresh: Refresh) {
            self.loader.over();
            assert!(self.loader.read(asked, None, refresh, None));
        }
    }

    #[test]
    fn it_is_loaded_at_once_and_then_as_it_says() {
        for (refresh, expected) in [
            (Refresh::Never, None),
            (Refresh::OnEvent, None),
            (Refresh::Every(Duration::from_secs(2)), Some(2_000)),
            (Refresh::Every(Duration::from_millis(10)), Some(500)),
        ] {
            let mut t = Test::new();
            assert!(t.asks(at(0)).is_some());
            assert_eq!(t.asks(at(9_000)), None, "it is on its way");
            t.loaded(at(0), refresh);
            assert_eq!(t.loader.due(), expected.map(at), "{refresh:?}");
        }
    }

    #[test]
    fn trouble_asks_sooner_and_each_time_later() {
        let mut t = Test::new();
        let mut asked = 0;
        assert!(t.asks(at(asked)).is_some());
        for between in [30, 150, 300, 600, 1200, 1200] {
            t.loaded(at(asked), Refresh::Never);
            t.loader.want(&t.requests.retries, at(asked), false);
            assert_eq!(t.loader.due(), Some(at(asked + between)));
            asked += between;
            assert!(t.asks(at(asked)).is_some());
        }
        t.loaded(at(asked), Refresh::Never);
        t.loader.calm();
        t.loader.want(&t.requests.retries, at(asked), false);
        assert_eq!(t.loader.due(), Some(at(asked + 30)), "media came");
    }

    #[test]
    fn what_is_expected_is_no_trouble_however_often_it_is_looked_for() {
        let mut t = Test::new();
        assert!(t.asks(at(0)).is_some());
        for asked in [0, 150, 300, 450] {
            t.loaded(at(asked), Refresh::Never);
            t.loader.want(&t.requests.retries, at(asked + 100), true);
            assert!(t.asks(at(asked + 150)).is_some(), "{asked}");
        }
        t.loaded(at(600), Refresh::Never);
        t.loader.want(&t.requests.retries, at(600), false);
        assert_eq!(t.loader.due(), Some(at(630)));
    }

    #[test]
    fn it_moves_where_it_says() {
        let mut t = Test::new();
        t.asks(at(0));
        t.loader.over();
        let location = String::from("https://other/b.mpd");
        t.loader.read(at(0), Some(&location), Refresh::Every(Duration::from_secs(1)), None);
        assert_eq!(t.asks(at(1_000)), Some(location));
    }

    #[test]
    fn one_from_a_cache_that_lags_is_not_used_and_one_of_another_encoder_is() {
        let made = |ms: i64| Some(WallTime::default().offset(ms * 1000));
        let cases =
            [(10_000, true), (12_000, true), (11_000, false), (12_000, true), (-60_000, true)];
        let mut loader = Loader::new(String::new());
        for (ms, used) in cases {
            let read = loader.read(at(0), None, Refresh::Never, made(ms));
            assert_eq!(read, used, "made at {ms} ms");
        }
    }

    #[test]
    fn a_first_one_that_is_refused_may_be_the_end_and_a_later_one_never_is() {
        let gone = Failure::Status(404);
        let failed = Failed::at_once(&gone);
        for first in [true, false] {
            let mut t = Test::new();
            t.asks(at(0));
            let again = |t: &mut Test| {
                t.loader.over();
                let cx = &mut t.around.at(at(0));
                t.loader.refused(cx, &mut t.requests.retries, Some(failed), first, false)
            };
            let kept: alloc::vec::Vec<bool> = (0..30).map(|_| again(&mut t)).collect();
            assert_eq!(kept.contains(&false), first, "{kept:?}");
            if first {
                t.loader.over();
                let cx = &mut t.around.at(at(0));
                let never = t.loader.refused(cx, &mut t.requests.retries, None, true, true);
                assert!(!never, "what cannot be played is not asked for again");
            }
        }
    }

    #[test]
    fn when_the_network_is_back_what_failed_is_asked_for_at_once() {
        let mut t = Test::new();
        t.asks(at(0));
        t.loader.over();
        let broken = Failure::Timeout;
        let (cx, failed) = (&mut t.around.at(at(0)), Failed::at_once(&broken));
        t.loader.refused(cx, &mut t.requests.retries, Some(failed), false, false);
        assert!(t.loader.due().is_some_and(|due| due > at(0)));
        t.loader.hurry(&mut t.requests.retries, at(1), false);
        assert_eq!(t.loader.due(), Some(at(1)));
    }
}
