//! Searches for the live edge by requests for single segments, where the segments that should exist
//! by the clock are refused. [`crate::live::search`] decides what to ask for; here the requests are
//! sent, one after the other. An *age* is the time since a segment was due by the clock,
//! microseconds.

use super::known::{Edge, View, WORTH_SAYING};
use super::messages;
use super::search::RunningSearch;
use crate::live::clock::Trust;
use crate::live::search::{self, Answer, Bounds, NEAR, Next};
use crate::net::Failure;
use crate::player::cx::Cx;
use crate::player::error::Error;
use crate::player::io::{Body, FetchId, Reason};
use crate::player::requests::{Patience, Purpose, Requests};
use crate::presentation::{Kind, Segment};
use crate::time::{Duration, Instant, Position, micros};
use alloc::vec::Vec;

/// This many requests follow each other at once; after that, each waits for [`PAUSE`].
const QUICK: u32 = 8;
const PAUSE: Duration = Duration::from_millis(400);
/// A search that found nothing is followed by a rest, longer each time up to [`LONGEST_REST`].
const REST: Duration = Duration::from_secs(2);
const LONGEST_REST: Duration = Duration::from_secs(30);
/// A request that is not answered in this time counts as refused: the origin holds it back until
/// the segment exists.
const PATIENCE: Patience = Patience::even(Duration::from_secs(3));
/// By the viewer's own clock, a segment older than this is taken for an error of the clock and not
/// for a late origin. Microseconds.
const LATE_BY_OWN_CLOCK: i64 = 10_000_000;
/// Stands for "without end": no segment has an age of a century. Microseconds.
const CENTURY_US: i64 = 100 * 365 * 86_400 * 1_000_000;
/// A position before every segment.
const BEGINNING: Position = Position::from_micros(i64::MIN / 4);

/// The outcome of a step of a search.
#[derive(Debug)]
pub(in crate::player) enum Found {
    /// The edge was found: segments are there so many microseconds after they are due.
    Edge { late_us: i64 },
    /// The page is to be told this.
    Said(Error),
}

impl Edge {
    /// A search is running on which the tracks wait.
    pub(in crate::player) fn is_sought(&self) -> bool {
        self.search.run.as_ref().is_some_and(|run| run.alone)
    }

    /// A segment exists that was of this age when it was asked for: the edge is where it was
    /// expected, or later.
    pub(in crate::player) fn segment_exists(
        &mut self,
        v: &View<'_>,
        now: Instant,
        segment: &Segment,
        age: i64,
    ) {
        self.search.sure = true;
        self.search.in_vain = 0;
        if self.is_sought() {
            self.search.run = None;
        }
        if !self.search.looked_ahead {
            self.look_ahead(v, now, segment, age);
        }
    }

    /// The viewer's clock may be behind: starts a search for segments newer than it allows for.
    fn look_ahead(&mut self, v: &View<'_>, now: Instant, segment: &Segment, age: i64) {
        self.search.looked_ahead = true;
        let vouched = v.clock.trust() > Trust::Local || self.shift_us != 0;
        let Some(bounds) = self.bounds(v, now).filter(|b| b.far && !vouched) else { return };
        if segment.available.is_some() && self.search.run.is_none() {
            self.search.run =
                Some(RunningSearch::new(search::Search::forward(age, bounds), false, now));
        }
    }

    /// A segment of this age was refused before any was found to exist: starts a search for the
    /// edge.
    pub(in crate::player) fn segment_refused(&mut self, v: &View<'_>, now: Instant, age: i64) {
        let rests = self.search.rest_until.is_some_and(|until| now < until);
        if self.search.sure || self.search.run.is_some() || rests {
            return;
        }
        if let Some(bounds) = self.bounds(v, now) {
            self.search.run = Some(RunningSearch::new(search::Search::new(age, bounds), true, now));
        }
    }

    /// By the clock the presentation has not begun: starts a search in case the clock is wrong.
    pub(in crate::player) fn seek_beginning(&mut self, cx: &mut Cx<'_>, v: &View<'_>) {
        if let Some(until) = self.search.rest_until
            && cx.now < until
        {
            return cx.wake_at(until, Reason::Availability);
        }
        cx.wake_at(cx.now + PAUSE, Reason::Availability);
        let off = |b: &Bounds| b.far && b.oldest < -micros(b.length) * 4;
        if let Some(bounds) = self.bounds(v, cx.now).filter(off) {
            self.segment_refused(v, cx.now, bounds.oldest.saturating_sub(1));
        }
    }

    fn bounds(&self, v: &View<'_>, now: Instant) -> Option<Bounds> {
        let Kind::Live(live) = &v.presentation.kind else { return None };
        let list = v.tracks.first_list(v.presentation)?;
        let first = list.at(BEGINNING)?;
        // A list needs no clock: its segments can only be late.
        let far = !list.grows_by_reload();
        Some(Bounds {
            length: v.tracks.segment_length(v.presentation),
            oldest: self.age(v, now, &first),
            newest: list.last().map_or(-CENTURY_US, |last| self.age(v, now, &last)),
            window: live.time_shift,
            far,
            hint: self.search.hint.filter(|_| far),
        })
    }

    /// Sends the next request of the running search, or ends it.
    pub(in crate::player) fn step(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        v: &View<'_>,
    ) -> Vec<Found> {
        let mut found = Vec::new();
        let Some(run) = self.search.run.as_ref().filter(|run| run.asking.is_none()) else {
            return found;
        };
        if run.not_before > cx.now {
            cx.wake_at(run.not_before, Reason::Availability);
            return found;
        }
        match run.search.next() {
            Next::Ask(age) => {
                self.ask_of_age(cx, requests, v, age);
                found.extend(self.lost(v.url).map(Found::Said));
            }
            Next::Found { exists, refused } => self.found(v, exists, refused, &mut found),
            Next::Nowhere => {
                self.search.run = None;
                self.search.in_vain = self.search.in_vain.saturating_add(1);
                let rest = (REST * self.search.in_vain).min(LONGEST_REST);
                self.search.rest_until = Some(cx.now + rest);
                cx.wake_at(cx.now + rest, Reason::Availability);
            }
        }
        found
    }

    fn ask_of_age(&mut self, cx: &mut Cx<'_>, requests: &mut Requests, v: &View<'_>, age: i64) {
        let segment = v.tracks.first_list(v.presentation).and_then(|list| {
            // The oldest age stands for the Period's first segment.
            self.newest_of_age(v, cx.now, list, age).or_else(|| list.at(BEGINNING))
        });
        let Some(segment) = segment else {
            self.search.run = None;
            return;
        };
        let age = self.age(v, cx.now, &segment);
        let id = requests.send(cx, Purpose::Scout, &segment.resource, Body::Bytes, PATIENCE);
        if let Some(run) = &mut self.search.run {
            run.asking = Some((id, age));
        }
    }

    /// Tells the page, once, that a search takes longer.
    fn lost(&mut self, url: &str) -> Option<Error> {
        let run = self.search.run.as_ref()?;
        let say = run.alone && run.search.asked() >= QUICK && !self.search.told;
        self.search.told |= say;
        say.then(|| messages::lost(url))
    }

    /// A request of the search was answered; `None`: the connection failed, so the origin said
    /// nothing.
    pub(in crate::player) fn scout_answered(
        &mut self,
        now: Instant,
        id: FetchId,
        answer: Option<Answer>,
    ) {
        let Some(run) = &mut self.search.run else { return };
        let Some((_, age)) = run.asking.take_if(|it| it.0 == id) else { return };
        run.not_before = match answer {
            Some(answer) => {
                run.search.answer(age, answer);
                let quick = run.alone && run.search.asked() < QUICK;
                if quick { now } else { now + PAUSE }
            }
            None => now + PAUSE * 2,
        };
    }

    /// A request of the search failed.
    pub(in crate::player) fn scout_failed(&mut self, now: Instant, id: FetchId, why: &Failure) {
        let answer = match why {
            Failure::Status(410) => Some(Answer::Gone),
            Failure::Status(400..=499) | Failure::Timeout => Some(Answer::Refused),
            _ => None,
        };
        self.scout_answered(now, id, answer);
    }

    /// The search has ended: a segment of age `exists` exists, and one of age `refused` does not.
    fn found(&mut self, v: &View<'_>, exists: i64, refused: i64, found: &mut Vec<Found>) {
        let Some(run) = self.search.run.take() else { return };
        let length = v.tracks.segment_length(v.presentation);
        // The refused segment is the next one, which is not due yet: the clock is right.
        if !run.alone && refused >= -micros(length) * 3 / 2 {
            return;
        }
        self.search.sure = true;
        self.search.hint = None;
        // A late origin and a clock that is ahead look the same: the amount decides.
        let vouched = v.clock.trust() > Trust::Local;
        let off = exists > if vouched { NEAR } else { LATE_BY_OWN_CLOCK } || exists < 0;
        let late_us = if off { exists.saturating_sub(refused) } else { exists };
        if off {
            self.shift_us = self.shift_us.saturating_sub(refused);
            self.told_late = WORTH_SAYING.max(self.told_late);
            let synced = v.clock.trust() == Trust::Synced;
            found.push(Found::Said(messages::off(self.shift_us, synced, v.url)));
        }
        found.push(Found::Edge { late_us });
    }
}
