//! What to do when what was asked for does not come, or is not what it should be.

use super::cx::Cx;
use super::error::{Code, Error};
use super::io::FetchId;
use super::opening::{place_in, rep_of, track_of};
use super::requests::Sent;
use super::session::{Session, Stage};
use super::stream::Trouble;
use crate::buffer::plan::Cursor;
use crate::net::Failure;
use crate::net::retry::{Policy, Verdict, verdict};
use crate::presentation::{Segment, TrackKind};
use alloc::string::ToString;
use core::time::Duration;

/// A segment that is not there yet is asked for again after this long, twice as long each time.
const MISS_WAIT: Duration = Duration::from_millis(40);
/// After so many misses the segment is taken for lost.
const MISSES: u32 = 6;
/// On demand, what begins a representation is asked for so often, then it is left for another one.
pub(super) const PASS_OVER: u32 = 3;
/// After so many settled refusals in a row nothing is expected any more.
const REFUSALS: u32 = 4;

impl Session {
    /// An initialization segment or an index did not come.
    pub(super) fn on_preliminary_failed(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        sent: &Sent,
        failure: Failure,
    ) {
        if let Some(stream) = self.stream_mut(kind) {
            stream.fetching = None;
        }
        let error = Error::of_request(&failure, &sent.resource.url, "the start of the media");
        if self.is_live() {
            // A new Period's or a restarted server's: the manifest knows.
            self.want_manifest(cx.now);
        }
        let failed = self.stream(kind).map_or(0, |s| s.trouble.failed) + 1;
        let refused = matches!(failure, Failure::Status(_)) && failed >= PASS_OVER;
        if refused && !self.is_live() && self.pass_over(kind) {
            return self.trouble(cx, error);
        }
        self.refused(cx, kind, error, &failure);
    }

    /// Something of a stream failed: wait and try again, or end it when that will not help.
    pub(super) fn refused(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        mut error: Error,
        failure: &Failure,
    ) {
        let live = self.is_live();
        let policy = if live { Policy::LIVE } else { Policy::ON_DEMAND };
        let Some(stream) = self.streams.iter_mut().find(|s| s.kind == kind) else { return };
        stream.trouble.failed = stream.trouble.failed.saturating_add(1);
        let failed = stream.trouble.failed;
        let told = failed > 1;
        let wait = match verdict(policy, failure, failed, cx.prng) {
            Verdict::Again(wait) => Some(wait),
            // A live server may just be starting again: only a refusal that lasts is the end.
            Verdict::Settled if live && failed < 20 => Some(policy.cap),
            Verdict::Settled => None,
        };
        match wait {
            Some(wait) => stream.trouble.until = Some(cx.now + wait),
            None if matches!(failure, Failure::Status(_)) && self.pass_over(kind) => {}
            None => error.fatal = true,
        }
        if error.fatal || !told {
            self.trouble(cx, error);
        }
    }

    /// What plays goes on with another representation than the one that cannot be had; answers
    /// whether there is one.
    pub(super) fn pass_over(&mut self, kind: TrackKind) -> bool {
        let (Stage::Running, Some(p)) = (&self.stage, self.presentation.clone()) else {
            return false;
        };
        let Some(place) = self.stream(kind).map(|s| s.place) else { return false };
        let (Some(track), Some(rep)) = (track_of(&p, place), rep_of(&p, place)) else {
            return false;
        };
        self.types.missing.push(rep.id.clone());
        let next = place_in(&p, &self.types, place.period, kind, track, rep);
        let (Some(next), Some(stream)) = (next, self.stream_mut(kind)) else {
            self.types.missing.pop();
            return false;
        };
        stream.place = next;
        stream.trouble = Trouble::default();
        self.figures.reason = "another one is not to be had".to_string();
        true
    }

    /// The bytes are no media: an error page with status 200, a truncated file.
    pub(super) fn on_damaged(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        id: FetchId,
        why: &'static str,
        url: &str,
    ) {
        let requests = &mut self.requests;
        let Some(stream) = self.streams.iter_mut().find(|s| s.kind == kind) else { return };
        let lost = stream.lost(cx, requests, id);
        requests.cancel(cx, id);
        let Some(lost) = lost else { return };
        let error = Error {
            code: Code::BadSegment,
            fatal: false,
            message: "A segment is not what it should be and is left out; check the encoder or \
                      the cache before it."
                .to_string(),
            url: Some(super::error::shown(url)),
            detail: why.to_string(),
        };
        self.skip(kind, &lost.segment);
        self.refused(cx, kind, error, &Failure::Timeout);
    }

    pub(super) fn skip(&mut self, kind: TrackKind, segment: &Segment) {
        if let Some(stream) = self.stream_mut(kind) {
            stream.cursor = Cursor::After { number: segment.number, end: segment.end };
        }
    }

    pub(super) fn on_segment_failed(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        sent: &Sent,
        failure: Failure,
    ) {
        let requests = &mut self.requests;
        let Some(stream) = self.streams.iter_mut().find(|s| s.kind == kind) else { return };
        let Some(lost) = stream.lost(cx, requests, sent.id) else { return };
        if failure == Failure::Timeout {
            stream.trouble.silent = stream.trouble.silent.saturating_add(1);
        }
        if matches!(failure, Failure::Status(404 | 410)) && self.live.is_some() {
            return self.on_missing(cx, kind, &lost.segment);
        }
        if let Some(live) = &mut self.live {
            live.control.excuse(cx.now);
            self.want_manifest(cx.now);
        }
        let error = Error::of_request(&failure, &sent.resource.url, "a segment");
        let settled = !crate::net::retry::passes(&failure);
        if settled && self.live.is_none() {
            return self.on_refused_segment(cx, kind, error, &lost.segment);
        }
        self.refused(cx, kind, error, &failure);
    }

    /// On demand a segment that is refused for good is left out: a hole is better than the end.
    pub(super) fn on_refused_segment(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        mut error: Error,
        segment: &Segment,
    ) {
        let Some(stream) = self.stream_mut(kind) else { return };
        stream.trouble.failed = stream.trouble.failed.saturating_add(1);
        error.fatal = stream.trouble.failed >= REFUSALS;
        self.skip(kind, segment);
        self.trouble(cx, error);
    }

    /// A live segment is not there: too early, or never, or the clock is wrong, or a new Period has
    /// begun. All of these show soon: ask again, ask the clock and the manifest.
    pub(super) fn on_missing(&mut self, cx: &mut Cx<'_>, kind: TrackKind, segment: &Segment) {
        let edge = self.edge(cx.now);
        let Some(stream) = self.stream_mut(kind) else { return };
        stream.trouble.missed = stream.trouble.missed.saturating_add(1);
        let missed = stream.trouble.missed;
        let wait = MISS_WAIT.saturating_mul(1 << missed.min(4).saturating_sub(1));
        stream.trouble.until = Some(cx.now + wait);
        let length = segment.end.since(segment.start);
        // What is not there after its end is lost, unless the clock is wrong.
        let over = |grace: Duration| edge.is_some_and(|edge| segment.end + grace < edge);
        if (missed >= 2 && over(length / 2)) || (missed >= MISSES && over(Duration::ZERO)) {
            stream.trouble.missed = 0;
            self.skip(kind, segment);
        }
        if missed == 1 || missed.is_multiple_of(8) {
            self.clock.doubt(cx.now);
        }
        if missed >= 3 {
            // More than a server that is asked a little early: what runs dry now is not the link's.
            self.source_changed(cx.now);
        }
        self.want_manifest(cx.now);
    }
}
