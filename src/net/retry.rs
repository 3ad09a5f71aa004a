//! The retry policy: which failures pass by themselves, and how long to wait for that.

use super::Failure;
use super::prng::Prng;
use core::time::Duration;

/// How to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The first wait.
    pub base: Duration,
    /// The longest wait.
    pub cap: Duration,
    /// How many tries in a row may fail; `None`: no end. Live playback has none: a deadline would be
    /// a span in which an outage of the server leaves the page dead for good.
    pub tries: Option<u32>,
}

impl Policy {
    /// For what is being played live: a server that restarts is found again within a second, and
    /// one that stays away costs a request every two.
    pub const LIVE: Self =
        Self { base: Duration::from_millis(250), cap: Duration::from_secs(2), tries: None };
    /// For what exists or does not.
    pub const ON_DEMAND: Self =
        Self { base: Duration::from_millis(500), cap: Duration::from_secs(8), tries: Some(6) };
    /// For the first load, for which a person is waiting: ten tries, so a quarter of a minute where
    /// the server refuses at once, as one that is being started does. A server that takes its time
    /// over each answer (the companion's waits for a camera's first picture) makes it longer by ten
    /// times that; the page is told of the first refusal, so it need not wait to say why.
    pub const FIRST: Self =
        Self { base: Duration::from_millis(500), cap: Duration::from_secs(2), tries: Some(10) };
}

/// What to do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Ask again after this long.
    Again(Duration),
    /// Asking again will not help.
    Settled,
}

/// What to do after the `failed`-th failure in a row (from 1). The wait doubles up to the cap, and
/// is shortened at random by up to a third, so that many viewers do not come back in one instant.
pub fn verdict(policy: Policy, failure: &Failure, failed: u32, prng: &mut Prng) -> Verdict {
    if !passes(failure) || policy.tries.is_some_and(|tries| failed >= tries) {
        return Verdict::Settled;
    }
    let doubled = policy.base.saturating_mul(1 << failed.saturating_sub(1).min(16));
    let wait = doubled.min(policy.cap);
    Verdict::Again(wait * (1000 - prng.below(334)) / 1000)
}

/// What to do when a manifest did not come, or came and cannot be read (`None`): during the `first`
/// load, what is absent or half written may be just about to be made, but is not waited for as long.
/// Later there is no end.
pub fn manifest(first: bool, failure: Option<&Failure>, failed: u32, prng: &mut Prng) -> Verdict {
    let absent = matches!(failure, None | Some(Failure::Status(404 | 410)));
    match failure {
        Some(failure) if !absent => {
            verdict(if first { Policy::FIRST } else { Policy::LIVE }, failure, failed, prng)
        }
        _ if first && failed >= 4 => Verdict::Settled,
        _ => verdict(Policy::LIVE, &Failure::Timeout, failed, prng),
    }
}

/// The failure may pass by itself. Every 4xx but 408 and 429 says that the question is wrong
/// (RFC 9110 section 15.5); 5xx, silence and a broken line pass.
pub const fn passes(failure: &Failure) -> bool {
    match failure {
        Failure::Unreachable(_) | Failure::Timeout => true,
        Failure::Status(status) => matches!(status, 408 | 429 | 500..=599),
        Failure::TooLarge | Failure::NoRange => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    const P: Policy = Policy::ON_DEMAND;

    #[test]
    fn waits_double_up_to_the_cap_and_jitter_only_shortens() {
        let mut prng = Prng::new(1);
        let f = Failure::Unreachable(String::new());
        for (failed, full_ms) in [(1, 500), (2, 1000), (3, 2000), (4, 4000), (5, 8000)] {
            let Verdict::Again(wait) = verdict(P, &f, failed, &mut prng) else { panic!("settled") };
            let ms = wait.as_millis();
            assert!(ms <= full_ms && ms * 3 >= full_ms * 2 - 3, "{failed}: {ms}");
        }
        assert_eq!(verdict(P, &f, 6, &mut prng), Verdict::Settled);
    }

    #[test]
    fn a_live_outage_is_never_given_up_and_never_waits_long() {
        let mut prng = Prng::new(1);
        let Verdict::Again(wait) = verdict(Policy::LIVE, &Failure::Timeout, u32::MAX, &mut prng)
        else {
            panic!("settled")
        };
        assert!(wait <= Duration::from_secs(2));
    }

    #[test]
    fn client_errors_are_settled_except_those_that_ask_to_come_again() {
        for status in [400, 401, 403, 404, 410, 416] {
            assert!(!passes(&Failure::Status(status)), "{status}");
        }
        for status in [408, 429, 500, 502, 503, 504] {
            assert!(passes(&Failure::Status(status)), "{status}");
        }
    }
}
