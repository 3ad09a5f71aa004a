//! Taking what was asked for: initialization segments, indexes, the beginning of an answer.

use super::Fetch;
use crate::media::isobmff::edits;
use crate::media::scan::{Fact, Scanner};
use crate::net::Failure;
use crate::net::retry::passes;
use crate::player::cx::Cx;
use crate::player::error::Error;
use crate::player::io::{FetchId, TrackId};
use crate::player::manifest::index::Index;
use crate::player::place::track_of;
use crate::player::requests::{Purpose, Sent};
use crate::player::retries::Need;
use crate::player::track::wrapping::InitData;
use crate::presentation::{Representation, Resource, Segment, SegmentList};
use crate::time::{Instant, Position};
use alloc::format;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// An initialization segment and an index that are asked for together, and how long the former is.
struct Both {
    init: Resource,
    index: Resource,
    length: usize,
}

/// A representation with a segment index, its Period's start and end, and its initialization segment.
type Indexed<'a> = (&'a Representation, (Position, Option<Position>), Rc<InitData>);

impl Fetch<'_> {
    /// An initialization segment or a segment index came, or both together. Gives the index.
    pub(in crate::player) fn preliminary(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        sent: &Sent,
        bytes: Vec<u8>,
    ) -> Option<Index> {
        match sent.purpose {
            Purpose::Init(_) => self.init(cx, track, sent, bytes),
            _ => self.index(cx, track, sent, &bytes),
        }
    }

    fn init(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        sent: &Sent,
        mut bytes: Vec<u8>,
    ) -> Option<Index> {
        let both = self.both(track, sent);
        let rest = both.as_ref().map(|it| bytes.split_off(it.length.min(bytes.len())));
        let mut facts = Vec::new();
        Scanner::new(&[]).feed(&bytes, &mut facts);
        let init = facts.into_iter().find_map(|f| match f {
            Fact::Init(init) => Some(init),
            _ => None,
        });
        let stream = self.tracks.get_mut(track)?;
        stream.preliminary_over();
        let Some(mut init) = init else {
            let what = "an initialization segment (moov, Tracks)";
            self.unreadable(cx, track, sent, &bytes, what);
            return None;
        };
        self.requests.retries.recount(Need::Track(track));
        let shift_us = edits::lift(&mut bytes, &mut init.tracks);
        let data = InitData { bytes, tracks: init.tracks, shift_us };
        let resource = both.as_ref().map_or(&sent.resource, |it| &it.init);
        stream.keep_init(resource.clone(), data);
        // One that cannot be read is asked for alone, which tells why.
        let (at, bytes) = (both?.index, rest?);
        let (rep, span, init) = self.indexed(track, &at)?;
        Index::read(&bytes, &at, rep, span, &init.bytes)
    }

    /// What was asked for, if that is both of a representation: its initialization segment and its index.
    fn both(&self, track: TrackId, sent: &Sent) -> Option<Both> {
        let place = self.tracks.get(track)?.place();
        let all = track_of(self.rest.manifest.presentation()?, place)?;
        let is_of = |rep: &&Representation| rep.beginning().as_ref() == Some(&sent.resource);
        let rep = all.representations.iter().find(is_of)?;
        let SegmentList::Indexed { index, .. } = &rep.segments else { return None };
        let init = rep.init.clone()?;
        let length = usize::try_from(init.range?.len()?).ok()?;
        Some(Both { init, index: index.clone(), length })
    }

    fn index(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        sent: &Sent,
        body: &[u8],
    ) -> Option<Index> {
        self.tracks.get_mut(track)?.preliminary_over();
        let (rep, span, init) = self.indexed(track, &sent.resource)?;
        let index = Index::read(body, &sent.resource, rep, span, &init.bytes);
        if index.is_none() {
            self.unreadable(cx, track, sent, body, "a segment index (sidx or Cues, indexRange)");
        }
        index
    }

    /// Whose index is at `at`, the span of its Period, and its initialization segment.
    fn indexed(&self, track: TrackId, at: &Resource) -> Option<Indexed<'_>> {
        let stream = self.tracks.get(track)?;
        let p = self.rest.manifest.presentation()?;
        let place = stream.place();
        let (all, period) = (track_of(p, place)?, p.periods.get(place.period)?);
        // A replacement may need that of another representation. In another Period it has no place.
        let is_of = |rep: &&Representation| match &rep.segments {
            SegmentList::Indexed { index, .. } => index == at,
            _ => false,
        };
        let rep = all.representations.iter().find(is_of)?;
        let init = rep.init.as_ref().and_then(|init| stream.init(init)).unwrap_or_default();
        Some((rep, (period.start, period.end), init))
    }

    /// A segment of a transport stream came before its turn.
    pub(in crate::player) fn sniffed(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        sent: &Sent,
        bytes: Vec<u8>,
    ) {
        if !sent.is_page(&bytes) {
            self.tracks.sniffed(track, sent, bytes);
        } else if !self.tracks.sniff_failed(track, sent.id) {
            self.unreadable(cx, track, sent, &bytes, "the start of the media");
        }
    }

    /// The answer is not what was requested (`what`, for the page).
    fn unreadable(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        sent: &Sent,
        body: &[u8],
        what: &str,
    ) {
        let failure = if sent.is_page(body) { Failure::Page } else { Failure::Unreadable };
        let (stream, useless) = (self.tracks.get_mut(track), !passes(&failure));
        if self.requests.moves_on(sent)
            || stream.is_some_and(|s| s.replacement_mut().lost_before(sent.id, useless))
        {
            return;
        }
        let mut error = Error::of_request(&failure, &sent.url, what);
        error.detail = format!("{} bytes", body.len());
        self.preliminary_trouble(cx, track, error, sent.failed(cx.now, &failure));
    }

    /// The answer of a segment's request begins; the origin may say in it what the link carries.
    pub(in crate::player) fn answer_begins(&mut self, now: Instant, id: FetchId) {
        let cmsd = self.requests.get(id).and_then(|s| s.head.cmsd.clone());
        if let Some(header) = cmsd
            && let Some((quality, _, view)) = self.quality_parts(now)
        {
            quality.note_cmsd(now, &view, &header);
        }
        self.quality.answer_begins(now, self.rest.head.is_growing());
    }

    /// A segment is there, or begins to come: that says how late the origin is. Answers which, and its
    /// age when it was asked for, microseconds, where it is live.
    pub(in crate::player) fn had(
        &mut self,
        now: Instant,
        track: TrackId,
        id: FetchId,
    ) -> Option<(Segment, i64)> {
        let sent_at = self.requests.get(id).map_or(now, |s| s.sent_at);
        let stream = self.tracks.get(track).filter(|_| self.is_live())?;
        let segment = stream.segment_of(id)?.clone();
        let age = self.rest.age(self.tracks, sent_at, &segment);
        self.tracks.get_mut(track)?.segment_exists(&segment, age);
        Some((segment, age))
    }
}
