//! A segment of a film that cannot be had: asked for again, in another quality, or left out.

use super::{Fetch, Wish};
use crate::net::missing;
use crate::net::retry::{self, Failed, Outlook, Policy, REFUSALS, Verdict};
use crate::player::cx::Cx;
use crate::player::error::Error;
use crate::player::io::TrackId;
use crate::player::open::without;
use crate::player::place::{Place, track_of};
use crate::player::retries::Need;
use crate::player::track::stream::Stream;
use crate::presentation::{Kind, Segment, TrackKind};
use crate::time::{Duration, Position};

impl Fetch<'_> {
    /// A segment of a film failed. A failure that may pass is waited out; a segment that the server refuses for
    /// good is left out.
    pub(super) fn film_segment_failed(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        error: Error,
        segment: &Segment,
        failed: Failed<'_>,
    ) {
        let left = self.film_end().map_or(Duration::MAX, |end| end.since(segment.start));
        let others = self.others_of(track);
        let Some(stream) = self.tracks.get(track) else { return };
        let (left_out, silent) = (stream.left_out(), self.falls_silent(stream));
        let held = !stream.buffer().ranges().is_empty();
        let tries = self.requests.retries.failed(Need::Segment(track), Some(failed.failure));
        match retry::outlook(failed.failure) {
            Outlook::Passes => self.refused(cx, track, error, failed),
            Outlook::Settled => return self.wish(Wish::Without(track, error)),
            Outlook::Refused => {
                let before = segment.start.since(Position::default());
                let absent = failed.failure.is_absence();
                let view = missing::View { tries, others, left_out, before, left, absent, held };
                match missing::verdict(&view) {
                    missing::Verdict::Again => self.ask_again(cx, track, error, failed, tries),
                    missing::Verdict::LeaveOut => return self.leave_out(track, segment),
                    missing::Verdict::GiveUp if silent => {
                        // It is heard again where there is more of it.
                        if left_out == missing::MOST_LEFT_OUT {
                            let (tracks, manifest) = (&*self.tracks, self.rest.manifest);
                            let picture = TrackKind::Video;
                            let error = without::left_out(tracks, manifest, track, picture, error);
                            self.wish(Wish::Say(error));
                        }
                        return self.leave_out(track, segment);
                    }
                    missing::Verdict::GiveUp => return self.wish(Wish::Without(track, error)),
                }
            }
        }
        if missing::tries_other_quality(tries) {
            self.ask_elsewhere(track, segment);
        }
    }

    fn ask_again(
        &mut self,
        cx: &mut Cx<'_>,
        track: TrackId,
        error: Error,
        failed: Failed<'_>,
        tries: u32,
    ) {
        // In another quality this is the first request.
        let count = tries.min(REFUSALS - 1);
        let verdict = retry::verdict(Policy::ON_DEMAND, failed, count, cx.prng);
        if let Verdict::Again(wait) = verdict {
            self.requests.retries.wait(cx.now, Need::Track(track), wait);
            self.say(track, error);
        }
    }

    fn leave_out(&mut self, track: TrackId, segment: &Segment) {
        if let Some(stream) = self.tracks.get_mut(track) {
            stream.leave_out(segment);
            self.requests.retries.replaced(track);
        }
    }

    /// Where a film ends, as its manifest says.
    fn film_end(&self) -> Option<Position> {
        match self.rest.manifest.presentation()?.kind {
            Kind::OnDemand { duration } => duration.map(|d| Position::default() + d),
            Kind::Live(_) => None,
        }
    }

    /// In how many other qualities a segment of this kind can be asked for.
    fn others_of(&self, track: TrackId) -> u32 {
        let known = self.rest.manifest.presentation().zip(self.tracks.get(track));
        let offered = known.and_then(|(p, s)| track_of(p, s.place()));
        let playable = offered.map_or(0, |t| self.types.playable(t).len());
        u32::try_from(playable.saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// The segment is asked for in the next lower quality, else in the next higher one.
    fn ask_elsewhere(&mut self, track: TrackId, segment: &Segment) {
        let Some(p) = self.rest.manifest.presentation() else { return };
        let Some(place) = self.tracks.get(track).map(Stream::place) else { return };
        let Some(offered) = track_of(p, place) else { return };
        let playable = self.types.playable(offered);
        let lower = playable.iter().copied().filter(|&i| i < place.rep).max();
        let Some(rep) = lower.or_else(|| playable.iter().copied().find(|&i| i > place.rep)) else {
            return;
        };
        self.quality.keep_rung(segment);
        if let Some(stream) = self.tracks.get_mut(track) {
            stream.switch_to(Place { rep, ..place });
        }
        self.quality.because("the segment is not to be had in another one");
    }
}
