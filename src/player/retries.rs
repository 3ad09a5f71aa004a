//! Retries: how often a need failed in a row, when it is requested next, and what the page was told about
//! it. [`Requests`](super::requests::Requests) owns the only [`Retries`]; [`crate::net::retry`] computes the
//! waits.

use super::cx::Cx;
use super::io::{Reason, TrackId};
use crate::net::Failure;
use crate::net::retry::{self, Failed, InARow, Policy, Verdict};
use crate::time::{Duration, Instant};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What was refused as absent so often in a row is gone, and not just being replaced.
const GONE: u32 = 3;

/// What is requested, over all requests for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// The manifest: the MPD, or the playlist that names the others.
    Manifest,
    /// A playlist of HLS, by its index among those that were requested.
    List(usize),
    /// The next thing that a track requests: a segment, an initialization segment or an index.
    Track(TrackId),
    /// The next segment of a film, in any quality.
    Segment(TrackId),
}

/// A need whose requests failed.
#[derive(Clone, Debug)]
struct Entry {
    need: Need,
    failed: InARow,
    /// How often in a row the server said that it does not exist.
    absent: u32,
    /// It is not requested before this time.
    until: Option<Instant>,
    /// The server set that wait (`Retry-After`).
    wished: bool,
    /// The message that the page got.
    told: Option<String>,
}

/// The needs that failed, and have not been met since.
#[derive(Clone, Debug, Default)]
pub(super) struct Retries(Vec<Entry>);

impl Retries {
    fn get(&self, need: Need) -> Option<&Entry> {
        self.0.iter().find(|it| it.need == need)
    }

    fn entry(&mut self, need: Need) -> &mut Entry {
        let at = self.0.iter().position(|it| it.need == need).unwrap_or_else(|| {
            let failed = InARow::default();
            self.0.push(Entry { need, failed, absent: 0, until: None, wished: false, told: None });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    /// How often it failed in a row.
    pub(super) fn count(&self, need: Need) -> u32 {
        self.get(need).map_or(0, |it| it.failed.count())
    }

    /// How often it will have failed in a row, once this failure is counted.
    pub(super) fn count_with(&self, need: Need, failure: &Failure) -> u32 {
        self.get(need).map(|it| it.failed).unwrap_or_default().add(Some(failure))
    }

    /// Counts a failure (`None`: the answer cannot be read). Answers how often it failed in a row.
    pub(super) fn failed(&mut self, need: Need, failure: Option<&Failure>) -> u32 {
        let entry = self.entry(need);
        let absent = failure.is_some_and(Failure::is_absence);
        entry.absent = if absent { entry.absent.saturating_add(1) } else { 0 };
        entry.failed.add(failure)
    }

    /// The manifest, or a playlist that is needed, has been taken away: a stream that is stopped ends so where its
    /// encoder tidies up (ffmpeg's `-remove_at_exit`).
    pub(super) fn list_is_gone(&self) -> bool {
        let lists = self.0.iter().filter(|it| matches!(it.need, Need::Manifest | Need::List(_)));
        lists.map(|it| it.absent).max() >= Some(GONE)
    }

    /// Counts a failure, and sets the wait before the next request: as `policy` says, or, where that gives
    /// up, as `anyway` says for this many failures. Answers whether there is a next request.
    pub(super) fn try_again(
        &mut self,
        cx: &mut Cx<'_>,
        need: Need,
        policy: Policy,
        failed: Failed<'_>,
        anyway: impl FnOnce(u32) -> Option<Duration>,
    ) -> bool {
        let count = self.failed(need, Some(failed.failure));
        let wait = match retry::verdict(policy, failed, count, cx.prng) {
            Verdict::Again(wait) => Some(wait),
            Verdict::Settled => anyway(count),
        };
        let entry = self.entry(need);
        entry.wished = failed.wish.is_some();
        if let Some(wait) = wait {
            entry.until = Some(cx.now + wait);
        }
        wait.is_some()
    }

    /// Sets the wait before the next request.
    pub(super) fn wait(&mut self, now: Instant, need: Need, wait: Duration) {
        self.entry(need).until = Some(now + wait);
    }

    /// Whether the wait is not over. If so, the player wakes at its end.
    pub(super) fn holds_back(&self, cx: &mut Cx<'_>, need: Need) -> bool {
        let until = self.get(need).and_then(|it| it.until).filter(|until| *until > cx.now);
        if let Some(until) = until {
            cx.wake_at(until, Reason::Retry);
        }
        until.is_some()
    }

    /// Whether a wait was set. It may be over.
    pub(super) fn is_set(&self, need: Need) -> bool {
        self.get(need).is_some_and(|it| it.until.is_some())
    }

    /// Notes a message for the page. Answers whether it is the first since the need was met.
    pub(super) fn tell(&mut self, need: Need, words: &str) -> bool {
        self.entry(need).told.replace(words.to_string()).is_none()
    }

    /// The message about a need that is still not met, one of media first.
    pub(super) fn told(&self) -> Option<&str> {
        let track = |it: &&Entry| matches!(it.need, Need::Track(_));
        let told = |it: &'_ Entry| it.told.is_some();
        let media = self.0.iter().filter(track).find(|it| told(it));
        media.or_else(|| self.0.iter().find(|it| told(it)))?.told.as_deref()
    }

    /// The need is met.
    pub(super) fn had(&mut self, need: Need) {
        self.0.retain(|it| it.need != need);
    }

    /// The track got media, or fetches elsewhere.
    pub(super) fn had_media(&mut self, track: TrackId) {
        self.had(Need::Track(track));
        self.had(Need::Segment(track));
    }

    /// Sets the count to zero, and keeps the message.
    pub(super) fn recount(&mut self, need: Need) {
        if let Some(entry) = self.0.iter_mut().find(|it| it.need == need) {
            entry.failed = InARow::default();
        }
    }

    /// The track requests something else: the count and the wait end, the message stays.
    pub(super) fn replaced(&mut self, track: TrackId) {
        let need = Need::Track(track);
        let told = self.0.iter_mut().find(|it| it.need == need).and_then(|it| it.told.take());
        self.had_media(track);
        if told.is_some() {
            self.entry(need).told = told;
        }
    }

    /// Ends the wait, unless the server set it.
    pub(super) fn hurry(&mut self, need: Need) {
        if let Some(entry) = self.0.iter_mut().find(|it| it.need == need && !it.wished) {
            entry.until = None;
        }
    }

    /// Ends all waits: the network is back.
    pub(super) fn hurry_all(&mut self) {
        for entry in &mut self.0 {
            entry.until = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::cx::Surroundings;
    use crate::player::testing::now;

    const TRACK: Need = Need::Track(TrackId(1));

    /// After so many milliseconds it is asked for again; `None`: it is not held back.
    fn wait(retries: &Retries, need: Need) -> Option<u64> {
        let mut around = Surroundings::default();
        (0..20_000).rfind(|ms| retries.holds_back(&mut around.at(now(*ms)), need)).map(|ms| ms + 1)
    }

    fn fail(retries: &mut Retries, failure: &Failure, wish: Option<Duration>) -> bool {
        let mut around = Surroundings::default();
        let failed = Failed { wish, ..Failed::at_once(failure) };
        let cx = &mut around.at(now(0));
        retries.try_again(cx, TRACK, Policy::ON_DEMAND, failed, |_| None)
    }

    #[test]
    fn each_failure_in_a_row_is_waited_for_longer_until_it_comes() {
        let mut retries = Retries::default();
        let mut waits = Vec::new();
        for _ in 0..3 {
            assert!(fail(&mut retries, &Failure::Timeout, None));
            waits.extend(wait(&retries, TRACK));
        }
        assert!(waits.is_sorted() && waits[2] > waits[0] * 2, "{waits:?}");
        assert_eq!(retries.count(TRACK), 3);
        retries.had_media(TrackId(1));
        assert_eq!((retries.count(TRACK), wait(&retries, TRACK)), (0, None));
    }

    #[test]
    fn what_is_refused_is_given_up_and_nothing_else_is_held_back_by_it() {
        let mut retries = Retries::default();
        let gone = Failure::Status(404);
        let tried = (0..9).take_while(|_| fail(&mut retries, &gone, None)).count();
        assert_eq!(tried, retry::REFUSALS as usize - 1);
        for other in [Need::Manifest, Need::List(1), Need::Track(TrackId(2))] {
            assert_eq!((retries.count(other), wait(&retries, other)), (0, None), "{other:?}");
        }
    }

    #[test]
    fn a_newer_manifest_hurries_all_but_what_the_server_wants_left_alone() {
        for (wish, held) in [(None, false), (Some(Duration::from_secs(9)), true)] {
            let mut retries = Retries::default();
            fail(&mut retries, &Failure::Status(503), wish);
            retries.hurry(TRACK);
            assert_eq!(wait(&retries, TRACK).is_some(), held, "{wish:?}");
            retries.hurry_all();
            assert_eq!(wait(&retries, TRACK), None, "the network is back");
        }
    }

    #[test]
    fn what_is_asked_for_in_vain_is_told_once_and_media_before_the_manifest() {
        let mut retries = Retries::default();
        assert!(retries.tell(Need::Manifest, "no manifest") && retries.tell(TRACK, "no media"));
        assert!(!retries.tell(TRACK, "still none"));
        retries.replaced(TrackId(1));
        assert_eq!(retries.told(), Some("still none"));
        retries.had(TRACK);
        assert_eq!(retries.told(), Some("no manifest"));
    }
}
