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
use crate::player::requests::Sent;
use crate::player::retries::Need;
use crate::player::track::wrapping::InitData;
use crate::presentation::{Representation, Segment, SegmentList};
use crate::time::Instant;
use alloc::format;
use alloc::vec::Vec;

impl Fetch<'_> {
    /// An initialization segment came.
    pub(in crate::player) fn init(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        sent: &Sent,
        mut bytes: Vec<u8>,
    ) {
        let mut facts = Vec::new();
        Scanner::new(&[]).feed(&bytes, &mut facts);
        let init = facts.into_iter().find_map(|f| match f {
            Fact::Init(init) => Some(init),
            _ => None,
        });
        let Some(stream) = self.tracks.get_mut(track) else { return };
        stream.preliminary_over();
        match init {
            Some(mut init) => {
                self.requests.retries.recount(Need::Track(track));
                let shift_us = edits::lift(&mut bytes, &mut init.tracks);
                let data = InitData { bytes, tracks: init.tracks, shift_us };
                stream.keep_init(sent.resource.clone(), data);
            }
            None => {
                self.unreadable(cx, track, sent, &bytes, "an initialization segment (moov, Tracks)")
            }
        }
    }

    /// A segment index came.
    pub(in crate::player) fn index(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        sent: &Sent,
        body: &[u8],
    ) -> Option<Index> {
        let stream = self.tracks.get_mut(track)?;
        stream.preliminary_over();
        let p = self.rest.manifest.presentation()?;
        let place = stream.place();
        let (all, period) = (track_of(p, place)?, p.periods.get(place.period)?);
        // A replacement may need that of another representation. In another Period it has no place.
        let is_of = |rep: &&Representation| match &rep.segments {
            SegmentList::Indexed { index, .. } => *index == sent.resource,
            _ => false,
        };
        let rep = all.representations.iter().find(is_of)?;
        let init = rep.init.as_ref().and_then(|init| stream.init(init)).unwrap_or_default();
        let span = (period.start, period.end);
        let index = Index::read(body, &sent.resource, rep, span, &init.bytes);
        if index.is_none() {
            self.unreadable(cx, track, sent, body, "a segment index (sidx or Cues, indexRange)");
        }
        index
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
