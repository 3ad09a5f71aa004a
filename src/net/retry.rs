//! The retry policy: which failures may pass by themselves, and how long to wait for that.

use super::Failure;
use super::prng::Prng;
use crate::time::Duration;

/// How long to wait between tries. There is no last try while a failure may pass by itself: with
/// one, every longer outage would leave the page dead for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The first wait.
    pub base: Duration,
    /// The longest wait.
    pub cap: Duration,
}

impl Policy {
    /// For live playback: a server that restarts is found again within a second, and one that stays
    /// away costs a request every two seconds.
    pub const LIVE: Self = Self { base: Duration::from_millis(250), cap: Duration::from_secs(2) };
    /// For on-demand playback: there is media in the buffer, or the viewer is waiting anyway.
    pub const ON_DEMAND: Self =
        Self { base: Duration::from_millis(500), cap: Duration::from_secs(10) };
    /// For the first tries of a load, for which a viewer is waiting: a server that is being started
    /// refuses connections at once, and is there soon.
    pub const FIRST: Self = Self { base: Duration::from_millis(500), cap: Duration::from_secs(2) };
}

/// How many tries of a load use [`Policy::FIRST`]: for about a quarter of a minute.
const FIRST_TRIES: u32 = 10;

/// How often a refused resource is asked for: caches and stores refuse for a moment while they are
/// written to.
pub const REFUSALS: u32 = 3;

/// `Retry-After` is obeyed up to this: longer waits are meant for crawlers.
const LONGEST_WISH: Duration = Duration::from_secs(120);

/// What to do about a failed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Ask again after this long.
    Again(Duration),
    /// Asking again will not help.
    Settled,
}

/// Counts failures in a row. A refusal that follows an outage starts the count anew: failures
/// during the outage say nothing about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InARow {
    count: u32,
    /// The last failure was one that may pass by itself.
    passed: bool,
}

impl InARow {
    /// Adds a failure (`None`: the answer was unreadable); answers how many there were, with this
    /// one.
    pub fn add(&mut self, failure: Option<&Failure>) -> u32 {
        let passes = failure.is_some_and(passes);
        if self.passed && !passes {
            self.count = 0;
        }
        self.passed = passes;
        self.count = self.count.saturating_add(1);
        self.count
    }

    /// How many there were.
    pub const fn count(self) -> u32 {
        self.count
    }
}

/// A failure, and what else is known of the request.
#[derive(Clone, Copy, Debug)]
pub struct Failed<'a> {
    /// Why it failed.
    pub failure: &'a Failure,
    /// How long the request had been open.
    pub lasted: Duration,
    /// `Retry-After` of the answer.
    pub wish: Option<Duration>,
}

impl<'a> Failed<'a> {
    /// A failure that came at once, without `Retry-After`.
    pub const fn at_once(failure: &'a Failure) -> Self {
        Self { failure, lasted: Duration::ZERO, wish: None }
    }
}

/// What to do after the `count`-th failure in a row (from 1). The wait doubles up to the cap, and
/// is shortened at random by up to a third, so that many viewers do not come back at the same
/// instant. The time for which the request was open counts as part of the wait.
pub fn verdict(policy: Policy, failed: Failed<'_>, count: u32, prng: &mut Prng) -> Verdict {
    match outlook(failed.failure) {
        Outlook::Settled => return Verdict::Settled,
        Outlook::Refused if count >= REFUSALS => return Verdict::Settled,
        Outlook::Refused | Outlook::Passes => {}
    }
    let doubled = policy.base * (1 << count.saturating_sub(1).min(16));
    let wait = doubled.min(policy.cap).saturating_sub(failed.lasted).max(policy.base);
    let wish = failed.wish.unwrap_or_default().min(LONGEST_WISH);
    Verdict::Again((wait * (1000 - prng.below(334)) / 1000).max(wish))
}

/// What to do when a manifest did not arrive, or is unreadable (`None`). During the `first` load, a
/// manifest that is absent or half written may be about to be made: it gets a few tries. After the
/// first load there is no last try.
pub fn manifest(first: bool, failed: Option<Failed<'_>>, count: u32, prng: &mut Prng) -> Verdict {
    let absent = failed.is_none_or(|f| f.failure.is_absence());
    match failed {
        Some(failed) if !absent => {
            let policy = match first {
                false => Policy::LIVE,
                true if count < FIRST_TRIES => Policy::FIRST,
                true => Policy::ON_DEMAND,
            };
            verdict(policy, failed, count, prng)
        }
        _ if first && count >= 4 => Verdict::Settled,
        _ => verdict(Policy::LIVE, Failed::at_once(&Failure::Timeout), count, prng),
    }
}

/// What a failure says about the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// The failure may pass by itself: an outage, however long.
    Passes,
    /// The server refuses: it is asked a few times.
    Refused,
    /// Asking again cannot help.
    Settled,
}

/// What `failure` says about the next try. 5xx, silence and a broken connection pass, and so do
/// 408, 425 and 429, which ask for a later try (RFC 9110 15.5.9, RFC 8470, RFC 6585). Every other
/// 4xx says that the request is wrong (RFC 9110 15.5).
pub const fn outlook(failure: &Failure) -> Outlook {
    match failure {
        Failure::Unreachable(_)
        | Failure::Timeout
        | Failure::Page
        | Failure::Status(408 | 425 | 429 | 500..=599) => Outlook::Passes,
        Failure::Status(_) | Failure::Unreadable => Outlook::Refused,
        Failure::TooLarge | Failure::NoRange => Outlook::Settled,
    }
}

/// The failure may pass by itself.
pub const fn passes(failure: &Failure) -> bool {
    matches!(outlook(failure), Outlook::Passes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    #[test]
    fn refusals_are_counted_from_the_end_of_an_outage() {
        let (away, absent) = (Failure::Status(503), Failure::Status(404));
        let mut row = InARow::default();
        let failures = [&absent, &away, &away, &absent, &absent, &away, &away];
        assert_eq!(failures.map(|f| row.add(Some(f))), [1, 2, 3, 1, 2, 3, 4]);
        assert_eq!((row.add(None), row.count()), (1, 1));
    }

    fn wait(policy: Policy, failed: Failed<'_>, count: u32) -> Option<Duration> {
        match verdict(policy, failed, count, &mut Prng::new(1)) {
            Verdict::Again(wait) => Some(wait),
            Verdict::Settled => None,
        }
    }

    #[test]
    fn waits_double_up_to_the_cap_without_an_end_and_jitter_only_shortens() {
        let f = Failure::Unreachable(String::new());
        let steps = [(1, 500), (2, 1000), (3, 2000), (4, 4000), (5, 8000), (6, 10_000)];
        for (count, full_ms) in steps.into_iter().chain([(7, 10_000), (u32::MAX, 10_000)]) {
            let wait = wait(Policy::ON_DEMAND, Failed::at_once(&f), count).unwrap();
            let ms = wait.as_millis();
            assert!(ms <= full_ms && ms * 3 >= full_ms * 2 - 3, "{count}: {ms}");
        }
    }

    #[test]
    fn a_live_outage_never_waits_long() {
        let wait = wait(Policy::LIVE, Failed::at_once(&Failure::Timeout), u32::MAX);
        assert!(wait.unwrap() <= Duration::from_secs(2));
    }

    #[test]
    fn a_request_that_was_silent_has_waited_already() {
        let lasted = Duration::from_secs(8);
        let silent = Failed { lasted, ..Failed::at_once(&Failure::Timeout) };
        for count in [1, 5, 9] {
            let wait = wait(Policy::ON_DEMAND, silent, count).unwrap();
            assert!(wait <= Duration::from_secs(2), "{count}: {wait:?}");
        }
    }

    #[test]
    fn a_server_is_left_alone_for_as_long_as_it_asks_within_reason() {
        let busy = Failure::Status(429);
        for (wish, least, most) in [(7, 7, 7), (0, 0, 1), (86_400, 120, 120)] {
            let wish = Some(Duration::from_secs(wish));
            let failed = Failed { wish, ..Failed::at_once(&busy) };
            let wait = wait(Policy::ON_DEMAND, failed, 1).unwrap().as_secs();
            assert!((least..=most).contains(&wait), "{wish:?}: {wait}");
        }
    }

    #[test]
    fn what_is_refused_is_asked_for_three_times_and_an_outage_for_ever() {
        for status in [400, 401, 403, 404, 410, 416] {
            let failure = Failure::Status(status);
            let failed = Failed::at_once(&failure);
            let waits = [1, 2, 3].map(|n| wait(Policy::ON_DEMAND, failed, n).is_some());
            assert_eq!(waits, [true, true, false], "{status}");
        }
        let outages = [408, 425, 429, 500, 502, 503, 504, 599].map(Failure::Status);
        let more = [Failure::Timeout, Failure::Page, Failure::Unreachable(String::new())];
        for failure in outages.into_iter().chain(more) {
            let failed = Failed::at_once(&failure);
            assert!(wait(Policy::ON_DEMAND, failed, 10_000).is_some(), "{failure:?}");
            for first in [true, false] {
                let verdict = manifest(first, Some(failed), 10_000, &mut Prng::new(1));
                assert_ne!(verdict, Verdict::Settled, "{failure:?}");
            }
        }
        for failure in [Failure::TooLarge, Failure::NoRange] {
            assert_eq!(wait(Policy::ON_DEMAND, Failed::at_once(&failure), 1), None);
        }
    }

    #[test]
    fn a_manifest_that_is_not_there_is_given_up_only_in_a_first_load() {
        let absent = Failure::Status(404);
        for failed in [None, Some(Failed::at_once(&absent))] {
            let settled = |first, count| {
                manifest(first, failed, count, &mut Prng::new(1)) == Verdict::Settled
            };
            assert!(!settled(true, 3) && settled(true, 4) && !settled(false, 1000));
        }
    }
}
