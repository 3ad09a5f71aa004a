//! Trying again: when, whether with something else, and when that is of no more use.

use super::{Fetch, Wish};
use crate::buffer::plan::Cursor;
use crate::net::Failure;
use crate::net::retry::{self, Failed, Policy, Verdict};
use crate::player::cx::Cx;
use crate::player::error::Error;
use crate::player::io::TrackId;
use crate::player::place::{place_in, rep_of, track_of};
use crate::player::track::stream::Trouble;
use crate::presentation::Segment;
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
        track: TrackId,
        error: Error,
        failed: Failed<'_>,
    ) {
        let live = self.is_live();
        let policy = if live { Policy::LIVE } else { Policy::ON_DEMAND };
        let Some(stream) = self.tracks.get_mut(track) else { return };
        let trouble = &mut stream.trouble;
        let count = trouble.failed.add(Some(failed.failure));
        trouble.wished = failed.wish.is_some();
        let lasts = count >= LIVE_REFUSALS && *failed.failure != Failure::Unreadable;
        match retry::verdict(policy, failed, count, cx.prng) {
            Verdict::Again(wait) => trouble.until = Some(cx.now + wait),
            Verdict::Settled if live && !lasts => trouble.until = Some(cx.now + policy.cap),
            Verdict::Settled => return self.wish(Wish::Without(track, error)),
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
        track: TrackId,
        why: &Failure,
    ) -> bool {
        let Some(p) = self.rest.manifest.presentation() else { return false };
        let Some(stream) = self.tracks.get(track) else { return false };
        let (kind, place) = (stream.kind, stream.place);
        let (Some(like), Some(rep)) = (track_of(p, place), rep_of(p, place)) else {
            return false;
        };
        self.types.lost(rep.id.clone(), retry::passes(why).then_some(cx.now + FORGIVEN));
        let next = place_in(p, self.types, place.period, kind, like, rep);
        let (Some(next), Some(stream)) = (next, self.tracks.get_mut(track)) else {
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
    pub(super) fn skip(&mut self, track: TrackId, segment: &Segment) {
        if let Some(stream) = self.tracks.get_mut(track) {
            stream.cursor = Cursor::After { number: segment.number, end: segment.end };
        }
    }
}
