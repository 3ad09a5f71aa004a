//! Trying again: after which wait, with which representation, and when to give up.

use super::{Fetch, Wish};
use crate::net::Failure;
use crate::net::retry::{self, Failed, Policy};
use crate::player::cx::Cx;
use crate::player::error::Error;
use crate::player::io::TrackId;
use crate::player::place::{place_in, rep_of, track_of};
use crate::player::retries::Need;
use crate::time::Duration;

/// A live server that refuses may just be starting: only after this many refusals the track is given up.
const LIVE_REFUSALS: u32 = 20;
/// A representation that a failing server (5xx) did not deliver is tried again after this long.
const FORGIVEN: Duration = Duration::from_secs(60);

impl Fetch<'_> {
    /// Something live failed. A newer manifest shows whether a new Period has begun or the server was started
    /// again. A playlist does not show when a failing server is well again.
    pub(super) fn ask_manifest(&mut self, failure: &Failure) {
        if !self.rest.manifest.is_hls() || !retry::passes(failure) {
            self.wish(Wish::Newer);
        }
    }

    /// A request of a track failed: it is made again after a wait, or the track is given up.
    pub(super) fn refused(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        error: Error,
        failed: Failed<'_>,
    ) {
        let live = self.is_live();
        let policy = if live { Policy::LIVE } else { Policy::ON_DEMAND };
        if self.tracks.get(track).is_none() {
            return;
        }
        let may_start = *failed.failure == Failure::Unreadable;
        let anyway = |count| (live && (may_start || count < LIVE_REFUSALS)).then_some(policy.cap);
        let retries = &mut self.requests.retries;
        if retries.try_again(cx, Need::Track(track), policy, failed, anyway) {
            self.say(track, error);
        } else {
            self.wish(Wish::Without(track, error));
        }
    }

    /// Tells the page, once until something of the track comes.
    pub(super) fn say(&mut self, track: TrackId, error: Error) {
        if self.requests.retries.tell(Need::Track(track), &error.message) {
            self.wish(Wish::Say(error));
        }
    }

    /// The track goes on with another representation, for the current one cannot be had. Answers whether there
    /// is another.
    pub(in crate::player) fn pass_over(
        &mut self,
        cx: &Cx<'_>,
        track: TrackId,
        why: &Failure,
    ) -> bool {
        let Some(p) = self.rest.manifest.presentation() else { return false };
        let Some(stream) = self.tracks.get(track) else { return false };
        let (kind, place) = (stream.kind(), stream.place());
        let (Some(like), Some(rep)) = (track_of(p, place), rep_of(p, place)) else {
            return false;
        };
        self.types.lost(rep.id.clone(), retry::passes(why).then_some(cx.now + FORGIVEN));
        let next = place_in(p, self.types, place.period, kind, like, rep);
        let (Some(next), Some(stream)) = (next, self.tracks.get_mut(track)) else {
            self.types.found_again();
            return false;
        };
        stream.pass_over_to(next);
        self.requests.retries.replaced(track);
        self.quality.because("another one is not to be had");
        true
    }
}
