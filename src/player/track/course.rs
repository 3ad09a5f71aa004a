//! Where a track fetches: how its place, its cursor and its run move, and how far its media has come.
//!
//! A *run* is what was asked for without going elsewhere. What is fetched in a run and does not come never
//! will, so the run tells a hole from media that is still to come.

use super::download::{Download, middle, release};
use super::silence;
use super::stream::{SEAM, Stream};
use super::trouble::Trouble;
use crate::buffer::plan::Cursor;
use crate::player::cx::Cx;
use crate::player::error::Error;
use crate::player::io::FetchId;
use crate::player::place::{Place, place_in, rep_of, track_of};
use crate::player::requests::Requests;
use crate::player::select::{Types, unplayable};
use crate::presentation::{Period, Presentation, Resource, Segment};
use crate::time::{Duration, Instant, Position, Span};
use crate::units::Bitrate;

/// With so much buffered, playing begins on any link.
const MUCH: Duration = Duration::from_secs(10);

impl Stream {
    /// From the next segment on this representation is fetched.
    pub(in crate::player) const fn switch_to(&mut self, place: Place) {
        self.place = place;
    }

    /// This representation is fetched in place of one that cannot be had.
    pub(in crate::player) fn pass_over_to(&mut self, place: Place) {
        self.switch_to(place);
        self.trouble = Trouble::default();
    }

    /// If the container of its representation cannot be played, it takes another representation or track of
    /// its kind. Answers whether it did. `url`: of the manifest.
    ///
    /// # Errors
    /// The reason, for the page, if there is no other to take.
    pub(in crate::player) fn replace_unplayable(
        &mut self,
        p: &Presentation,
        types: &Types,
        url: &str,
    ) -> Result<bool, Error> {
        let (Some(track), Some(rep)) = (track_of(p, self.place), rep_of(p, self.place)) else {
            return Ok(false);
        };
        let list = rep.playlist.as_ref().map(Resource::preferred);
        let Some(error) = unplayable(rep, list.as_deref().unwrap_or(url)) else { return Ok(false) };
        let place = place_in(p, types, self.place.period, self.kind, track, rep);
        self.switch_to(place.ok_or(error)?);
        Ok(true)
    }

    /// Goes on in the first later Period that has this track, or one like it. Answers whether there is one.
    pub(in crate::player) fn enter_next_period(&mut self, p: &Presentation, types: &Types) -> bool {
        let like = self.wanted.as_ref().or_else(|| track_of(p, self.place));
        let (Some(like), Some(rep)) = (like, rep_of(p, self.place)) else { return false };
        let later = p.periods.iter().enumerate().skip(self.place.period + 1);
        let found = |(i, period): (usize, &Period)| {
            Some((place_in(p, types, i, self.kind, like, rep)?, period.start))
        };
        let Some((place, start)) = later.filter_map(found).next() else { return false };
        self.switch_to(place);
        // A segment that was refused beyond the end of the Period belongs to the next Period: it is not late.
        let from = self.cursor.position().min(self.run.end);
        self.lateness.forget_refusal();
        self.trouble.no_longer_missing();
        self.cursor = Cursor::At(start.max(from));
        true
    }

    /// Its list ends here: it has ended, once what is on its way has come.
    pub(in crate::player) fn ends_here(&mut self) {
        if self.downloads.is_empty() {
            self.ended = true;
        }
    }

    /// The segment is not asked for again.
    pub(in crate::player) const fn skip(&mut self, segment: &Segment) {
        self.cursor = Cursor::After { number: segment.number, end: segment.end };
    }

    /// The segment cannot be had, in no quality: it is left out.
    pub(in crate::player) fn leave_out(&mut self, segment: &Segment) {
        self.skip(segment);
        self.trouble.leave_out();
    }

    /// Gives up download `id` for a lower rung, of which its segment is fetched. Answers false if that
    /// download is not on its way.
    pub(in crate::player) fn give_up_for(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        id: FetchId,
        rep: usize,
    ) -> bool {
        if self.lost(cx, requests, id).is_none() {
            return false;
        }
        requests.cancel(cx, id);
        self.switch_to(Place { rep, ..self.place });
        true
    }

    /// Goes to another rung in mid-segment: gives up all that is on its way, and goes on at `at`.
    pub(in crate::player) fn drop_to_rung(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        rep: usize,
        at: Position,
    ) {
        self.switch_to(Place { rep, ..self.place });
        self.retarget(cx, requests, at);
    }

    /// Lets go of a download that failed, and of those after it; fetching goes back to it. Answers its
    /// segment.
    pub(in crate::player) fn lost(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        id: FetchId,
    ) -> Option<Segment> {
        self.replacement.lost(cx, id);
        let i = self.downloads.iter().position(|d| d.id == id)?;
        while self.downloads.len() > i + 1 {
            if let Some(later) = self.downloads.pop_back() {
                requests.cancel(cx, later.id);
                release(cx, later.waiting);
            }
        }
        let lost = self.downloads.pop_back()?;
        release(cx, lost.waiting);
        self.last_done = self.downloads.is_empty();
        self.run.end = lost.segment.start;
        self.cursor = Cursor::At(middle(&lost.segment));
        Some(lost.segment)
    }

    /// Gives up all that is on its way and goes on at `at`.
    pub(in crate::player) fn retarget(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        at: Position,
    ) {
        self.leave(cx, requests, at, false);
    }

    fn leave(&mut self, cx: &mut Cx<'_>, requests: &mut Requests, at: Position, all: bool) {
        let settled = self.settled();
        let goes_on = settled.start <= at && at <= settled.end;
        self.run = Span { start: if goes_on { settled.start } else { at }, end: at };
        while let Some(d) = self.downloads.pop_front() {
            requests.cancel(cx, d.id);
            release(cx, d.waiting);
        }
        self.drop_preparation(cx, requests);
        self.replacement.leave(cx, requests, all);
        self.buffer.leave(cx, all);
        self.reached = None;
        self.cursor = Cursor::At(at);
        self.last_done = true;
        self.ended = false;
        self.trouble = Trouble::default();
        requests.retries.had_media(self.id);
    }

    /// An index or an initialization segment is on its way that only a replacement needs.
    pub(in crate::player) fn prepares_replacement(&self) -> bool {
        self.fetching().is_some_and(|id| self.replacement.needs(id))
    }

    /// Does without it.
    pub(in crate::player) fn drop_preparation(&mut self, cx: &mut Cx<'_>, requests: &mut Requests) {
        if self.prepares_replacement()
            && let Some((id, _)) = self.fetching.take()
        {
            requests.cancel(cx, id);
            self.replacement.rest();
        }
    }

    /// Goes back to a hole that a replacement has torn ahead of the element at `position`, if one has.
    pub(in crate::player) fn mend(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        position: Position,
    ) {
        if let Some(at) = self.replacement.torn(&self.buffer, position) {
            self.retarget(cx, requests, at);
        }
    }

    /// There is no room for what lies after `at`: what waits for room goes as well, for it would
    /// land beyond a hole, and all of it is fetched again when its time comes.
    pub(super) fn give_back(&mut self, cx: &mut Cx<'_>, requests: &mut Requests, at: Position) {
        self.leave(cx, requests, at, true);
    }

    /// What was asked for in this run and has arrived; what is not buffered of it never will be.
    pub(super) fn settled(&self) -> Span {
        let start = self.buffer.evicted_to().map_or(self.run.start, |to| to.max(self.run.start));
        let passed = match self.cursor {
            // One that was left out is passed as well.
            Cursor::After { end, .. } => end.max(self.run.end),
            Cursor::At(_) => self.run.end,
        };
        let end = match self.downloads.front() {
            // Fragments come in order.
            Some(d) => d.whole_to().min(passed),
            None => passed,
        };
        // One that is refused may still come, although a newer one is asked for.
        let end = self.trouble.missing().map_or(end, |missing| end.min(missing.start));
        Span { start, end: end.max(start) }
    }

    /// From where its media ended to where the list says so, if that is a little later. Where the list does not
    /// name the media's own times, the next segment goes on where the last one ended.
    pub(super) fn short_end(&self) -> Option<Span> {
        let end = match (self.downloads.front(), self.cursor) {
            (None, Cursor::After { end, .. }) => end,
            // Nothing of the next one has come.
            (Some(d), _) if d.open.is_none() && d.reached.is_none() => d.segment.start,
            _ => return None,
        };
        let start = self.reached?;
        let open = start < end && end.since(start) < self.segment;
        let last = self.buffer.ranges().next_start(start).is_none();
        (open && last).then_some(Span { start, end })
    }

    /// Media to fetch ahead of `goal`: each time the browser had no room a quarter less.
    pub(in crate::player) fn goal(&self, goal: Duration) -> Duration {
        let squeezed = self.buffer.squeezed().min(6);
        goal * 3u32.pow(squeezed) / 4u32.pow(squeezed)
    }

    /// It is silent over `span`.
    pub(in crate::player) fn silence(&mut self, cx: &mut Cx<'_>, span: Span) {
        silence::put(&mut self.buffer, cx, span);
        self.filled_to(span.end);
    }

    /// Its media up to `to` is there, or silence in its place.
    pub(in crate::player) const fn filled_to(&mut self, to: Position) {
        self.run.end = to;
    }

    /// What is fetched next lies behind the silence.
    pub(in crate::player) fn go_on_after_silence(&mut self) {
        self.cursor = Cursor::At(self.run.end.max(self.cursor.position()));
    }

    /// How far its media was asked for.
    pub(in crate::player) const fn asked_to(&self) -> Position {
        self.run.end
    }

    /// Where what it holds ends, of what was asked for.
    pub(in crate::player) fn held_to(&self) -> Position {
        let before = self.buffer.ranges().spans().iter().rfind(|s| s.start < self.run.end);
        before.map_or(self.run.start, |s| s.end.max(self.run.start))
    }

    /// Where the next segment starts, nearly.
    pub(in crate::player) const fn fetching_at(&self) -> Position {
        self.cursor.position()
    }

    /// Nothing of it is on its way.
    pub(in crate::player) fn rests(&self) -> bool {
        self.downloads.is_empty() && self.fetching.is_none()
    }

    /// The place up to which media was received, in the buffer or on the way to it; of the segment that
    /// comes, as much as its bytes say at this rate.
    pub(in crate::player) fn received(&self, at: Position, rate: Option<Bitrate>) -> Position {
        let Some(d) = self.downloads.front() else {
            return match self.cursor {
                Cursor::After { end, .. } => end,
                // It was sought, or what came is asked for again.
                Cursor::At(_) => self.buffer.ranges().end_from(at),
            };
        };
        let length = d.segment.end.since(d.segment.start);
        let bytes = rate.map_or(0, |rate| rate.bytes_in(length)).max(1);
        // The last of it is not counted before it is there: sizes differ.
        let permille =
            u32::try_from(d.got.saturating_mul(1000) / bytes).unwrap_or(u32::MAX).min(900);
        d.reached.unwrap_or(d.segment.start + length * permille / 1000)
    }

    /// By how much the rest of the segment at `at`, which is on its way, takes longer than playing it from there, if it goes
    /// on coming as it has so far. With much buffered it is not asked.
    pub(in crate::player) fn runs_short(
        &self,
        p: &Presentation,
        now: Instant,
        at: Position,
    ) -> Option<Duration> {
        let held = |d: &&Download| d.segment.start <= at && at < d.segment.end;
        let d = self.downloads.front().filter(held)?;
        if d.arrived_to().since(at) >= MUCH {
            return None;
        }
        let whole = rep_of(p, d.place())?.bandwidth.bytes_in(d.segment.end.since(d.segment.start));
        let left = whole.saturating_sub(d.got).saturating_mul(1000) / d.got.max(1);
        let rest = now.since(d.sent_at()) * u32::try_from(left).unwrap_or(u32::MAX) / 1000;
        let short = rest.saturating_sub(d.segment.end.since(at));
        (!short.is_zero()).then_some(short)
    }

    /// Media is there or on its way from `at` on without a hole, and none before `at` is fetched first.
    pub(super) fn covers(&self, at: Position) -> bool {
        if self.passive {
            return true;
        }
        let next = match self.downloads.front() {
            Some(d) if d.segment.start <= at && at < d.segment.end => return true,
            Some(d) => d.segment.start.min(d.arrived_to()),
            None => self.cursor.position(),
        };
        let end = self.buffer.ranges().end_from(at);
        end > at && end + SEAM >= next && next + SEAM >= at
    }

    /// For tests of other parts: the browser holds these, and all up to `asked` was asked for in one run and
    /// has come.
    #[cfg(test)]
    pub(in crate::player) fn holds(&mut self, spans: &[Span], asked: Position) {
        self.buffer.updated(spans.to_vec());
        self.run = Span { start: Position::default(), end: asked };
        self.cursor = Cursor::After { number: 1, end: asked };
    }
}
