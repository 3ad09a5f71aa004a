//! Fetching again what is buffered low: whether, by which rung, and whether it is still worth it.

use super::adaptation::{Adaptation, View};
use crate::abr::replace::Held;
use crate::abr::{Choice, Rung, plan};
use crate::player::io::FetchId;
use crate::player::place::{Place, track_of};
use crate::player::track::stream::Stream;
use crate::presentation::{Representation, Track};
use crate::time::{Duration, Instant};

impl Adaptation {
    /// The representation of a quality with this index.
    pub(in crate::player) fn rep_of(&self, track: &Track, index: u32) -> Option<usize> {
        self.known.rep_of(track, index)
    }

    /// Which of the segments that are held ahead, the one on the screen first, is to be replaced, and by what.
    pub(in crate::player) fn replacement(
        &self,
        now: Instant,
        v: &View<'_>,
        stream: &Stream,
        held: &[Held],
    ) -> Option<(usize, Choice)> {
        let place = stream.place();
        let track = track_of(v.presentation, place)?;
        if self.chosen(v.types, track).is_some() || self.kept_on_rung == Some(stream.fetching_at())
        {
            return None;
        }
        let rungs = self.rungs(now, v.types, track);
        self.plan.replace(&self.state(v, &rungs, place.rep), held)
    }

    /// What the plan decides by; `current` is the rung in question.
    fn state<'a>(&'a self, v: &View<'_>, rungs: &'a [Rung], current: usize) -> plan::View<'a> {
        v.of_plan((rungs, current), (&self.levels, self.reads.delay), self.reads.next.length)
    }

    /// A segment of this representation is fetched in place of one that is held. Answers the index of its quality.
    pub(in crate::player) fn replaces_with(&mut self, rep: &Representation, why: &str) -> u32 {
        let index = self.known.index_of(rep);
        self.known.fetched(index, why);
        index
    }

    /// A replacement of this place is still allowed.
    pub(in crate::player) fn allows_replacement(
        &self,
        now: Instant,
        v: &View<'_>,
        place: Place,
    ) -> bool {
        let track = track_of(v.presentation, place);
        track.is_some_and(|track| {
            let rungs = self.rungs(now, v.types, track);
            self.chosen(v.types, track).is_none() && rungs.iter().any(|it| it.rep == place.rep)
        })
    }

    /// A read of the replacement under way came, which has to be there `within` this time: it is worth its rest.
    pub(in crate::player) fn goes_on(
        &mut self,
        now: Instant,
        v: &View<'_>,
        (stream, id): (&Stream, FetchId),
        within: Duration,
    ) -> bool {
        let known = stream.replacement().coming().filter(|d| d.id() == id);
        let coming = self.reads.coming.as_ref().filter(|it| it.id == id);
        let (Some(d), Some(rate)) = (known, coming.and_then(|it| it.pace.lately())) else {
            return true;
        };
        let Some(track) = track_of(v.presentation, d.place()) else { return false };
        let rungs = self.rungs(now, v.types, track);
        let under_way = plan::UnderWay { got: d.got(), rate };
        let state = self.state(v, &rungs, d.place().rep);
        let goes_on = self.plan.finishes(&state, &under_way, within);
        if !goes_on {
            self.levels.settle(rate);
        }
        goes_on
    }
}
