//! Requests that fail, and answers that are not media.
//!
//! No outage ends playback, however long it lasts: live and on demand the request is made again, and
//! playback goes on at the same place. [`crate::net`] decides; this file carries it out and tells the page.

use super::{Fetch, Wish};
use crate::net::Failure;
use crate::net::retry::{Failed, REFUSALS, passes};
use crate::player::cx::Cx;
use crate::player::error::Error;
use crate::player::io::{FetchId, TrackId};
use crate::player::requests::Sent;
use crate::player::retries::Need;
use alloc::string::ToString;

impl Fetch<'_> {
    /// An initialization segment, an index or a first segment did not come.
    pub(in crate::player) fn preliminary_failed(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        sent: &Sent,
        failure: &Failure,
    ) {
        if let Some(stream) = self.tracks.get_mut(track) {
            stream.preliminary_over();
            if stream.replacement_mut().lost_before(sent.id, !passes(failure)) {
                return;
            }
        }
        let error = Error::of_request(failure, &sent.url, "the start of the media");
        self.preliminary_trouble(cx, track, error, sent.failed(cx.now, failure));
    }

    /// An initialization segment, an index or a first segment cannot be had, or cannot be used.
    pub(super) fn preliminary_trouble(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        error: Error,
        failed: Failed<'_>,
    ) {
        if self.is_live() {
            self.ask_manifest(failed.failure);
        }
        let count = self.requests.retries.count_with(Need::Track(track), failed.failure);
        let answered = matches!(failed.failure, Failure::Status(_) | Failure::Unreadable);
        let elsewhere = answered && count >= REFUSALS && !self.is_live();
        if !(elsewhere && self.pass_over(cx, track, failed.failure)) {
            self.refused(cx, track, error, failed);
        }
    }

    /// Bytes of a segment came; answers whether they are a web page.
    pub(in crate::player) fn page(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        id: FetchId,
        bytes: &[u8],
    ) -> bool {
        let page = self.requests.get(id).is_some_and(|sent| sent.is_page(bytes));
        if page {
            self.damaged(cx, track, id, "a web page");
        }
        page
    }

    /// The bytes are no media: an error page with status 200, a truncated file.
    pub(in crate::player) fn damaged(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        id: FetchId,
        why: &'static str,
    ) {
        let Some(stream) = self.tracks.get_mut(track) else { return };
        let lost = stream.lost(cx, self.requests, id);
        let sent = self.requests.give_up(cx, id);
        let Some(lost) = lost else { return };
        if sent.as_ref().is_some_and(|sent| self.requests.moves_on(sent)) {
            return;
        }
        let page = sent.is_some_and(|sent| sent.is_page(&[]));
        let failure = if page { Failure::Page } else { Failure::Unreadable };
        let mut error = Error::of_request(&failure, &lost.resource.preferred(), "a segment");
        error.detail = why.to_string();
        let failed = Failed::at_once(&failure);
        if self.is_live() {
            if let Some(stream) = self.tracks.get_mut(track) {
                stream.skip(&lost);
            }
            return self.refused(cx, track, error, failed);
        }
        self.film_segment_failed(cx, track, error, &lost, failed);
    }

    /// A segment did not come, or not all of it.
    pub(in crate::player) fn segment_failed(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        sent: &Sent,
        failure: &Failure,
    ) {
        let Some(stream) = self.tracks.get_mut(track) else { return };
        let Some(lost) = stream.lost(cx, self.requests, sent.id) else { return };
        if *failure == Failure::Timeout {
            stream.fell_silent();
        }
        let live = self.is_live();
        if live && failure.is_absence() {
            return self.missing(cx.now, track, sent.sent_at, &lost);
        }
        let error = Error::of_request(failure, &sent.url, "a segment");
        let failed = sent.failed(cx.now, failure);
        if live {
            self.wish(Wish::Excuse);
            self.ask_manifest(failure);
            self.refused(cx, track, error, failed);
        } else {
            self.film_segment_failed(cx, track, error, &lost, failed);
        }
    }
}
