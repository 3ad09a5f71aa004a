//! What to do when what was asked for does not come, or is not what it should be.
//!
//! No outage is the end, however long: what may pass is waited out, on demand and live, and goes on
//! where it was. [`crate::net`] decides; here it is done, and said.

use super::cx::Cx;
use super::error::Error;
use super::io::{FetchId, Reason};
use super::place::{Place, place_in, rep_of, track_of};
use super::requests::Sent;
use super::session::Session;
use super::track::download::middle;
use super::track::stream::{Missing, Trouble};
use crate::buffer::plan::Cursor;
use crate::live::lateness;
use crate::net::retry::{self, Failed, Policy, REFUSALS, Verdict, Weight};
use crate::net::{Failure, missing};
use crate::presentation::{Kind, Representation, Segment, TrackKind};
use crate::time::{Instant, Position};
use alloc::string::ToString;
use core::time::Duration;

/// After so many refusals it is no accident.
const SURE_MISSES: u32 = 2;
/// Seams between neighbours that are rounding.
const SEAM: Duration = Duration::from_millis(50);
/// A live server that refuses may just be starting again: only after so many it is the end.
const LIVE_REFUSALS: u32 = 20;
/// A representation that a server in trouble does not give is tried again after this long.
const FORGIVEN: Duration = Duration::from_secs(60);

impl Session {
    /// An initialization segment, an index or a first segment did not come.
    pub(super) fn on_preliminary_failed(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        sent: &Sent,
        failure: &Failure,
    ) {
        if let Some(stream) = self.streams.of_mut(kind) {
            stream.fetching = None;
        }
        let error = Error::of_request(failure, &sent.resource.url, "the start of the media");
        self.preliminary_trouble(cx, kind, error, sent.failed(cx.now, failure));
    }

    /// What a representation begins with cannot be had, or not be used.
    pub(super) fn preliminary_trouble(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        error: Error,
        failed: Failed<'_>,
    ) {
        if self.is_live() {
            self.ask_manifest(cx, failed.failure);
        }
        let mut failures = self.streams.of(kind).map(|s| s.trouble.failed).unwrap_or_default();
        let count = failures.add(Some(failed.failure));
        let answered = matches!(failed.failure, Failure::Status(_) | Failure::Unreadable);
        let elsewhere = answered && count >= REFUSALS && !self.is_live();
        if !(elsewhere && self.pass_over(cx, kind, failed.failure)) {
            self.refused(cx, kind, error, failed);
        }
    }

    /// Something live failed: a new Period's or a restarted server's, the manifest knows. But a playlist
    /// does not say when its server is well again.
    fn ask_manifest(&mut self, cx: &Cx<'_>, failure: &Failure) {
        if !self.manifest.is_hls() || !retry::passes(failure) {
            self.manifest.want(cx.now);
        }
    }

    /// Something of a stream failed: wait and try again, or end it when that will not help.
    pub(super) fn refused(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        error: Error,
        failed: Failed<'_>,
    ) {
        let live = self.is_live();
        let policy = if live { Policy::LIVE } else { Policy::ON_DEMAND };
        let Some(stream) = self.streams.of_mut(kind) else { return };
        let trouble = &mut stream.trouble;
        let count = trouble.failed.add(Some(failed.failure));
        trouble.wished = failed.wish.is_some();
        let lasts = count >= LIVE_REFUSALS && *failed.failure != Failure::Unreadable;
        match retry::verdict(policy, failed, count, cx.prng) {
            Verdict::Again(wait) => trouble.until = Some(cx.now + wait),
            Verdict::Settled if live && !lasts => trouble.until = Some(cx.now + policy.cap),
            Verdict::Settled => return self.go_without(cx, kind, error),
        }
        let told = trouble.words.replace(error.message.clone()).is_some();
        if !told {
            self.trouble(cx, error);
        }
    }

    /// What plays goes on with another representation than the one that cannot be had; answers
    /// whether there is one.
    pub(super) fn pass_over(&mut self, cx: &Cx<'_>, kind: TrackKind, why: &Failure) -> bool {
        let Some(p) = self.manifest.shared() else { return false };
        let Some(place) = self.streams.of(kind).map(|s| s.place) else { return false };
        let (Some(track), Some(rep)) = (track_of(&p, place), rep_of(&p, place)) else {
            return false;
        };
        self.types.lost(rep.id.clone(), retry::passes(why).then_some(cx.now + FORGIVEN));
        let next = place_in(&p, &self.types, place.period, kind, track, rep);
        let (Some(next), Some(stream)) = (next, self.streams.of_mut(kind)) else {
            self.types.found_again();
            return false;
        };
        stream.place = next;
        let words = stream.trouble.words.take();
        stream.trouble = Trouble { words, ..Trouble::default() };
        self.quality.because("another one is not to be had");
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
        let page = self.requests.get(id).is_some_and(|sent| sent.is_page(&[]));
        let requests = &mut self.requests;
        let Some(stream) = self.streams.of_mut(kind) else { return };
        let lost = stream.lost(cx, requests, id);
        requests.cancel(cx, id);
        let Some(lost) = lost else { return };
        let failure = if page { Failure::Page } else { Failure::Unreadable };
        let mut error = Error::of_request(&failure, url, "a segment");
        error.detail = why.to_string();
        let failed = Failed::at_once(&failure);
        if self.is_live() {
            self.skip(kind, &lost.segment);
            return self.refused(cx, kind, error, failed);
        }
        self.on_film_segment_failed(cx, kind, error, &lost.segment, failed);
    }

    pub(super) fn skip(&mut self, kind: TrackKind, segment: &Segment) {
        if let Some(stream) = self.streams.of_mut(kind) {
            stream.cursor = Cursor::After { number: segment.number, end: segment.end };
        }
    }

    pub(super) fn on_segment_failed(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        sent: &Sent,
        failure: &Failure,
    ) {
        if self.streams.of(kind).is_some_and(|s| s.has_all_of(sent.id)) {
            // The connection broke, or the length was said wrong; the media is whole.
            return self.on_segment_done(cx, kind, sent);
        }
        let requests = &mut self.requests;
        let Some(stream) = self.streams.of_mut(kind) else { return };
        let Some(lost) = stream.lost(cx, requests, sent.id) else { return };
        if *failure == Failure::Timeout {
            stream.trouble.silent = stream.trouble.silent.saturating_add(1);
        }
        if failure.is_absence() && self.is_live() {
            return self.on_missing(cx, kind, sent.sent_at, &lost.segment);
        }
        if self.is_live() {
            self.head.excuse(cx.now);
            self.ask_manifest(cx, failure);
        }
        let error = Error::of_request(failure, &sent.resource.url, "a segment");
        let failed = sent.failed(cx.now, failure);
        if self.is_live() {
            return self.refused(cx, kind, error, failed);
        }
        self.on_film_segment_failed(cx, kind, error, &lost.segment, failed);
    }

    /// A segment of a film failed: what may pass is waited out, what is refused for good is left out.
    fn on_film_segment_failed(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        error: Error,
        segment: &Segment,
        failed: Failed<'_>,
    ) {
        let left = self.film_end().map_or(Duration::MAX, |end| end.since(segment.start));
        let others = self.others_of(kind);
        let Some(stream) = self.streams.of_mut(kind) else { return };
        let tries = stream.trouble.tries.add(Some(failed.failure));
        let left_out = stream.trouble.left_out;
        let held = !stream.buffer.ranges().is_empty();
        let silent = self.streams.of(kind).is_some_and(|s| self.ways().falls_silent(s));
        match retry::weight(failed.failure) {
            Weight::Passes => self.refused(cx, kind, error, failed),
            Weight::Settled => return self.go_without(cx, kind, error),
            Weight::Refused => {
                let before = segment.start.since(Position::default());
                let absent = failed.failure.is_absence();
                let view = missing::View { tries, others, left_out, before, left, absent, held };
                match missing::verdict(&view) {
                    missing::Verdict::Again => self.ask_again(cx, kind, error, failed, tries),
                    missing::Verdict::LeaveOut => return self.leave_out(kind, segment),
                    missing::Verdict::GiveUp if silent => {
                        // It is heard again where there is more of it.
                        if left_out == missing::HOLES {
                            let error = self.left_out(kind, TrackKind::Video, error);
                            self.trouble(cx, error);
                        }
                        return self.leave_out(kind, segment);
                    }
                    missing::Verdict::GiveUp => return self.go_without(cx, kind, error),
                }
            }
        }
        if missing::elsewhere(tries) {
            self.ask_elsewhere(kind, segment);
        }
    }

    fn ask_again(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        error: Error,
        failed: Failed<'_>,
        tries: u32,
    ) {
        // In another quality it is asked for the first time.
        let count = tries.min(REFUSALS - 1);
        let verdict = retry::verdict(Policy::ON_DEMAND, failed, count, cx.prng);
        let (Verdict::Again(wait), Some(stream)) = (verdict, self.streams.of_mut(kind)) else {
            return;
        };
        stream.trouble.until = Some(cx.now + wait);
        if stream.trouble.words.replace(error.message.clone()).is_none() {
            self.trouble(cx, error);
        }
    }

    fn leave_out(&mut self, kind: TrackKind, segment: &Segment) {
        self.skip(kind, segment);
        if let Some(stream) = self.streams.of_mut(kind) {
            let left_out = stream.trouble.left_out.saturating_add(1);
            let words = stream.trouble.words.take();
            stream.trouble = Trouble { left_out, words, ..Trouble::default() };
        }
    }

    /// Where a film ends, as its manifest says.
    fn film_end(&self) -> Option<Position> {
        match self.manifest.presentation()?.kind {
            Kind::OnDemand { duration } => duration.map(|d| Position::default() + d),
            Kind::Live(_) => None,
        }
    }

    /// In how many other qualities a segment of this kind can be asked for.
    fn others_of(&self, kind: TrackKind) -> u32 {
        let track = self.manifest.presentation().zip(self.streams.of(kind));
        let track = track.and_then(|(p, s)| track_of(p, s.place));
        let playable = track.map_or(0, |t| self.types.playable(t).len());
        u32::try_from(playable.saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// The segment is asked for in the next lower quality, else in the next higher one.
    fn ask_elsewhere(&mut self, kind: TrackKind, segment: &Segment) {
        let Some(p) = self.manifest.shared() else { return };
        let Some(place) = self.streams.of(kind).map(|s| s.place) else { return };
        let Some(track) = track_of(&p, place) else { return };
        let playable = self.types.playable(track);
        let lower = playable.iter().copied().filter(|&i| i < place.rep).max();
        let Some(rep) = lower.or_else(|| playable.iter().copied().find(|&i| i > place.rep)) else {
            return;
        };
        self.quality.hold(segment);
        if let Some(stream) = self.streams.of_mut(kind) {
            stream.place = Place { rep, ..place };
        }
        self.quality.because("the segment is not to be had in another one");
    }

    /// A live segment is not there: too early, or never, or the clock is wrong, or a new Period has
    /// begun. All of these show soon: ask again, ask the clock and the manifest.
    pub(super) fn on_missing(
        &mut self,
        cx: &mut Cx<'_>,
        kind: TrackKind,
        sent_at: Instant,
        segment: &Segment,
    ) {
        let Some(p) = self.manifest.shared() else { return };
        let Some(i) = self.streams.index(kind) else { return };
        let age = self.age(sent_at, segment);
        let other =
            self.streams.iter().filter(|s| s.kind != kind).map(|s| s.lateness.known()).max();
        let growing =
            self.streams.get(i).and_then(|s| rep_of(&p, s.place)).is_some_and(|r| r.growing);
        let of_kind = lateness::Kind { length: self.streams.segment_length(&p), growing };
        let Some(stream) = self.streams.get_mut(i) else { return };
        // What has left the list in the meantime is not waited for.
        let list = rep_of(&p, stream.place).map(|rep| &rep.segments);
        let listed =
            |m: &Missing| list.and_then(|l| l.at(m.middle)).is_some_and(|s| s.start == m.start);
        let newer = stream.trouble.missing.filter(|m| m.start < segment.start && listed(m));
        if let Some(missing) = newer {
            // Nor is the one after it: all are late.
            stream.cursor = Cursor::At(missing.middle);
        } else {
            stream.lateness.refused(segment.start, age, of_kind, other.unwrap_or_default());
            let (start, middle) = (segment.start, middle(segment));
            let same = stream.trouble.missing.filter(|missing| missing.start == start);
            let (tried, tried_at) = (segment.end, cx.now);
            stream.trouble.missing = same.or(Some(Missing { start, middle, tried, tried_at }));
        }
        let refusals = stream.lateness.refusals(segment.start);
        let enough = if of_kind.growing { SURE_MISSES + 1 } else { 1 };
        let lost = (age >= 0 && refusals >= enough).then_some(age);
        self.learn_from_refusals(cx, refusals, lost);
    }

    /// So many times the same segment was refused: whose fault is it? `lost`: the edge may be elsewhere,
    /// for one of this age should have been there.
    fn learn_from_refusals(&mut self, cx: &mut Cx<'_>, refusals: u32, lost: Option<i64>) {
        if refusals == 1 || refusals.is_multiple_of(8) {
            self.clock.doubt(cx.now);
        }
        if refusals >= 3 {
            // More than a server that is asked a little early: what runs dry now is not the link's.
            self.camera_changed(cx.now);
        }
        self.note_late(cx);
        self.manifest.want(cx.now);
        if let Some((head, scene)) = self.head_parts(cx.now)
            && head.entered_too_near(&scene)
        {
            self.reenter(cx);
        }
        if let Some(age) = lost
            && let Some((edge, _, view)) = self.edge_parts()
        {
            edge.refused(&view, cx.now, age);
        }
    }

    /// A newer segment to ask for in place of one that stays away: if it comes the other is lost.
    pub(super) fn in_place_of_missing(
        &mut self,
        cx: &mut Cx<'_>,
        i: usize,
        rep: &Representation,
    ) -> Option<Segment> {
        let stream = self.streams.get(i)?;
        let missing = stream.trouble.missing?;
        if stream.lateness.refusals(missing.start) < SURE_MISSES {
            return None;
        }
        let late = i64::try_from(stream.lateness.known().as_micros()).unwrap_or(i64::MAX);
        let newer = rep.segments.at(missing.tried + SEAM)?;
        let due = late.saturating_sub(self.age(cx.now, &newer));
        let due = cx.now + Duration::from_micros(u64::try_from(due).unwrap_or(0));
        // Where several are listed none of them is hurried through.
        let due = due.max(missing.tried_at + newer.end.since(newer.start) / 2);
        if due > cx.now {
            cx.wake_at(due, Reason::Availability);
            return None;
        }
        let missing = self.streams.get_mut(i)?.trouble.missing.as_mut()?;
        (missing.tried, missing.tried_at) = (newer.end, cx.now);
        Some(newer)
    }
}
