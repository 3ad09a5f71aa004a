//! Trying again: when, whether with something else, and when that is of no more use.

use super::{Fetch, Wish};
use crate::buffer::plan::Cursor;
use crate::net::Failure;
use crate::net::retry::{self, Failed, Policy, Verdict};
use crate::player::cx::Cx;
use crate::player::error::Error;
use crate::player::place::{place_in, rep_of, track_of};
use crate::player::track::stream::Trouble;
use crate::presentation::{Segment, TrackKind};
use core::time::Duration;

/// A live server that refuses may just be starting again: only after so many it is the end.
const LIVE_REFUSALS: u32 = 20;
/// A representation that a server in trouble does not give is tried again after this long.
const FORGIVEN: Duration = Duration::from_secs(60);

impl Fetch<'_> {
    /// Something live failed: a new Period's or a restarted server's, the manifest knows. But a playlist
    /// does not say when its server is well again.
    pub(super) fn ask_manifest(&mut self, failure: &Failure) {
        if !self.rest.manifest.is_hls() || !retry::passes(failure) {
            self.wish(Wish::Newer);
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
        let Some(stream) = self.tracks.of_mut(kind) else { return };
        let trouble = &mut stream.trouble;
        let count = trouble.failed.add(Some(failed.failure));
        trouble.wished = failed.wish.is_some();
        let lasts = count >= LIVE_REFUSALS && *failed.failure != Failure::Unreadable;
        match retry::verdict(policy, failed, count, cx.prng) {
            Verdict::Again(wait) => trouble.until = Some(cx.now + wait),
            Verdict::Settled if live && !lasts => trouble.until = Some(cx.now + policy.cap),
            Verdict::Settled => return self.wish(Wish::Without(kind, error)),
        }
        let told = trouble.words.replace(error.message.clone()).is_some();
        if !told {
            self.wish(Wish::Say(error));
        }
    }

    /// What plays goes on with another representation than the one that cannot be had; answers
    /// whether there is one.
    pub(in crate::player) fn pass_over(
        &mut self,
        cx: &Cx<'_>,
        kind: TrackKind,
        why: &Failure,
    ) -> bool {
        let Some(p) = self.rest.manifest.presentation() else { return false };
        let Some(place) = self.tracks.of(kind).map(|s| s.place) else { return false };
        let (Some(track), Some(rep)) = (track_of(p, place), rep_of(p, place)) else {
            return false;
        };
        self.types.lost(rep.id.clone(), retry::passes(why).then_some(cx.now + FORGIVEN));
        let next = place_in(p, self.types, place.period, kind, track, rep);
        let (Some(next), Some(stream)) = (next, self.tracks.of_mut(kind)) else {
            self.types.found_again();
            return false;
        };
        stream.place = next;
        let words = stream.trouble.words.take();
        stream.trouble = Trouble { words, ..Trouble::default() };
        self.quality.because("another one is not to be had");
        true
    }

    /// The segment is not asked for again.
    pub(super) fn skip(&mut self, kind: TrackKind, segment: &Segment) {
        if let Some(stream) = self.tracks.of_mut(kind) {
            stream.cursor = Cursor::After { number: segment.number, end: segment.end };
        }
    }
}
