//! A segment that is fetched again, better, in place of one that is buffered.
//!
//! It moves nothing: not the cursor, not the run, not the place of its track. It goes to the buffer in one go when all of
//! it has come, so that what it is to replace stays until then, and one that fails or comes too late is just forgotten.
//! In the browser it takes the place of all from its key frame to its end, and nothing else where the borders of both
//! rungs agree (MSE 3.5.8, coded frame processing). Where they do not although their lists say so, there is a hole
//! behind it: from there on all is fetched again, and nothing is replaced any more.

use super::buffer::Buffer;
use super::download::{Download, News, release, take_fact};
use crate::buffer::offsets::Offsets;
use crate::media::scan::Fact;
use crate::player::cx::Cx;
use crate::player::io::{BlobId, FetchId};
use crate::player::requests::Requests;
use crate::time::{Duration, Position, Span};
use alloc::vec::Vec;

/// Borders this near are the same: less than half a frame.
const SAME: Duration = Duration::from_millis(10);
/// Media may begin and end this far from where it is listed.
const SEAM: Duration = Duration::from_millis(100);
/// A longer hole behind a replacement is one.
const HOLE: Duration = Duration::from_millis(60);

/// What is replaced of a track.
#[derive(Debug, Default)]
pub(in crate::player) struct Replacement {
    /// On its way.
    coming: Option<Download>,
    /// The request for an initialization segment or an index that only a replacement needs.
    needed: Option<FetchId>,
    /// Put into the buffer since it was last looked at, and how far there was media without a hole.
    put: Option<Span>,
    /// Nothing is replaced before the next segment has come.
    rests: bool,
    /// The media does not agree with the lists: nothing is replaced any more.
    never: bool,
}

impl Replacement {
    /// What is on its way.
    pub(in crate::player) const fn coming(&self) -> Option<&Download> {
        self.coming.as_ref()
    }

    /// It is what download `id` brings.
    pub(in crate::player) fn is(&self, id: FetchId) -> bool {
        self.coming.as_ref().is_some_and(|it| it.id == id)
    }

    /// Something may be replaced now.
    pub(super) const fn may_begin(&self) -> bool {
        self.coming.is_none() && !self.rests && !self.never
    }

    /// It was asked for.
    pub(in crate::player) fn begin(&mut self, download: Download) {
        self.coming = Some(download);
    }

    /// This request was made for what it needs before its media.
    pub(in crate::player) const fn asked_before(&mut self, id: Option<FetchId>) {
        self.needed = id;
    }

    /// The request is for what only a replacement needs.
    pub(super) fn needs(&self, id: FetchId) -> bool {
        self.needed == Some(id)
    }

    /// An initialization segment or an index did not come. Answers whether only a replacement needs it: then the track
    /// goes on, and nothing is replaced for a while, or, if it is `useless`, any more.
    pub(in crate::player) fn lost_before(&mut self, id: FetchId, useless: bool) -> bool {
        let own = self.needs(id);
        self.never |= own && useless;
        self.rests |= own;
        own
    }

    /// Nothing is replaced before the next segment has come.
    pub(in crate::player) const fn rest(&mut self) {
        self.rests = true;
    }

    /// A segment of the track has come: the link may be another one now.
    pub(super) const fn segment_came(&mut self) {
        self.rests = false;
    }

    /// Gives up what is on its way.
    pub(in crate::player) fn give_up(&mut self, cx: &mut Cx<'_>, requests: &mut Requests) {
        if let Some(id) = self.coming().map(Download::id) {
            requests.cancel(cx, id);
            self.lost(cx, id);
        }
    }

    /// Download `id` failed: lets go of it, if it is one.
    pub(super) fn lost(&mut self, cx: &mut Cx<'_>, id: FetchId) {
        if let Some(d) = self.coming.take_if(|d| d.id == id) {
            release(cx, d.waiting);
            self.rest();
        }
    }

    /// Fetching goes elsewhere. What was put into the buffer is looked at no more, unless a part of it waits for room
    /// and is taken back now.
    pub(super) fn leave(&mut self, cx: &mut Cx<'_>, requests: &mut Requests, taken_back: bool) {
        self.give_up(cx, requests);
        self.put = self.put.take().filter(|_| taken_back);
    }

    /// Its track ends.
    pub(super) fn stop(self, cx: &mut Cx<'_>) {
        if let Some(d) = self.coming {
            release(cx, d.waiting);
        }
    }

    /// A read of download `id` came; gives it back if that is no replacement.
    pub(super) fn read(
        &mut self,
        id: FetchId,
        (blob, len): (BlobId, u32),
        facts: Vec<Fact>,
    ) -> Option<Vec<Fact>> {
        let Some(d) = self.coming.as_mut().filter(|d| d.id == id) else { return Some(facts) };
        d.got += u64::from(len);
        d.waiting.push((blob, facts));
        None
    }

    /// Download `id` is whole: a replacement goes to the buffer. Answers false if it is none.
    pub(super) fn done(
        &mut self,
        cx: &mut Cx<'_>,
        offsets: &Offsets,
        buffer: &mut Buffer,
        id: FetchId,
    ) -> bool {
        let Some(mut d) = self.coming.take_if(|d| d.id == id) else { return false };
        let parts = core::mem::take(&mut d.waiting);
        let listed = Span { start: d.segment.start, end: d.segment.end };
        let covers = covered(&parts, &mut d, offsets, listed);
        if !covers.is_some_and(|span| near(span, listed, SEAM)) {
            self.never = true;
            release(cx, parts);
            return true;
        }
        let end = buffer.ranges().end_from(listed.start);
        // The one before may not have been looked at yet.
        let before = self.put.unwrap_or(Span { start: listed.start, end });
        let (start, end) = (before.start.min(listed.start), before.end.max(end));
        self.put = Some(Span { start, end });
        buffer.prepare(cx, &d.wrapping);
        // Its messages were told with what it replaces.
        let (mut grain, mut news) = (Duration::ZERO, Vec::<News>::new());
        for (blob, facts) in parts {
            buffer.put_part(cx, blob);
            for fact in facts {
                take_fact(&mut d, buffer, &mut grain, fact, &mut news);
            }
        }
        buffer.segment_done();
        true
    }

    /// Where a hole was torn by the last one, ahead of the element at `position`. It is said once.
    pub(super) fn torn(&mut self, buffer: &Buffer, position: Position) -> Option<Position> {
        if !buffer.is_idle() {
            return None;
        }
        let put = self.put.take().filter(|put| position < put.end)?;
        let end = buffer.ranges().end_from(put.start.max(position));
        let torn = put.end.since(end) > HOLE;
        self.never |= torn;
        torn.then_some(end)
    }
}

/// Two segments have the same borders.
pub(in crate::player) fn agree(a: Span, b: Span) -> bool {
    near(a, b, SAME)
}

fn near(a: Span, b: Span, most: Duration) -> bool {
    let near = |a: Position, b: Position| a.since(b).max(b.since(a)) <= most;
    near(a.start, b.start) && near(a.end, b.end)
}

/// What the fragments of a segment cover; `None` if it has none, or is damaged. The offset of its timeline is not learnt
/// from it: what it replaces was placed before.
fn covered(
    parts: &[(BlobId, Vec<Fact>)],
    d: &mut Download,
    offsets: &Offsets,
    listed: Span,
) -> Option<Span> {
    let mut all: Option<Span> = None;
    for (_, facts) in parts {
        for fact in facts {
            let f = match fact {
                Fact::Fragment(f) => f,
                Fact::Damaged { .. } => return None,
                _ => continue,
            };
            let us = f.start.as_micros();
            let known = d.wrapping.offset_us;
            let offset = known.or_else(|| offsets.known(d.segment.timeline, listed, None, us))?;
            d.wrapping.offset_us = Some(offset);
            let start = Position::from_micros(us).offset(offset);
            let end = start + f.duration;
            let so_far = all.unwrap_or(Span { start, end });
            all = Some(Span { start: so_far.start.min(start), end: so_far.end.max(end) });
        }
    }
    all
}
