//! Chooses the representation before each request for a segment.
//!
//! Of the `Config` it sees the page's [`Limits`]: `Session::load` (`player/session.rs`) hands them over, and
//! `Session::on_configured` again. A new one goes there; a new ceiling goes into `rungs`, and its words for the
//! page into `decide`. `rungs` does not bind a quality that the viewer chose (`chosen`), and a
//! representation without a resolution is below every height.

use super::known::Known;
use super::state::{Next, Probe, Reads};
use crate::abr::estimate::Estimate;
use crate::abr::guard::Guard;
use crate::abr::levels::Levels;
use crate::abr::plan::{self, Plan};
use crate::abr::sharing::Others;
use crate::abr::shown::Shown;
use crate::abr::{self, Choice, Limits, Rung, live};
use crate::player::event::{Quality, QualityChoice};
use crate::player::io::TrackId;
use crate::player::place::{Place, track_of};
use crate::player::select::Types;
use crate::player::track::Tracks;
use crate::player::track::download::middle;
use crate::player::track::stream::Stream;
use crate::presentation::{Presentation, Representation, Segment, Track, TrackKind};
use crate::time::{Duration, Instant, Position};
use crate::units::Bitrate;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// A measurement older than this says nothing about a live link.
pub(super) const FRESH: Duration = Duration::from_secs(6);
/// Media that arrives this much later than usual is held back by the link.
pub(in crate::player) const LATE_BY_LINK: Duration = Duration::from_millis(100);

/// In lines; 0 where it is not known.
fn height(rep: &Representation) -> u32 {
    rep.resolution.map_or(0, |size| size.height)
}

/// What a choice is made from, at one moment.
#[derive(Clone, Copy, Debug)]
pub(in crate::player) struct View<'a> {
    pub(in crate::player) presentation: &'a Presentation,
    pub(in crate::player) tracks: &'a Tracks,
    pub(in crate::player) types: &'a Types,
    /// Segments are read while they grow.
    pub(in crate::player) growing: bool,
    /// How much later than usual the picture arrives; zero unless segments grow.
    pub(in crate::player) late: Duration,
    /// Media buffered ahead of the position (zero if segments grow and no latency was asked for),
    /// and how much is fetched ahead.
    pub(in crate::player) ahead: Duration,
    pub(in crate::player) goal: Duration,
}

impl View<'_> {
    /// The track is a video track.
    pub(super) fn is_picture(&self, track: TrackId) -> bool {
        self.tracks.is_picture(track)
    }

    /// The bandwidth of all tracks but the video track.
    pub(super) fn others(&self) -> Bitrate {
        let others = |s: &&Stream| s.kind() != TrackKind::Video;
        self.tracks.rate(self.presentation, others)
    }

    /// The same as the plan takes it. `link`: what it may do, and the delay of its answers; `length`: of a segment.
    pub(super) fn of_plan<'a>(
        &self,
        (rungs, current): (&'a [Rung], usize),
        (levels, delay): (&'a Levels, Duration),
        length: Duration,
    ) -> plan::View<'a> {
        let (others, ahead, goal) = (self.others(), self.ahead, self.goal);
        let weight = plan::USUAL_WEIGHT;
        plan::View { rungs, current, levels, others, ahead, goal, length, delay, weight }
    }
}

/// Chooses representations.
#[derive(Debug)]
pub(in crate::player) struct Adaptation {
    choice: QualityChoice,
    /// What the page allows.
    limits: Limits,
    pub(super) estimate: Estimate,
    pub(super) rule: live::Rule,
    /// The rule for whole segments, and what it knows of the link.
    pub(super) plan: Plan,
    pub(super) levels: Levels,
    pub(super) guard: Guard,
    shown: Shown,
    pub(super) reads: Reads,
    pub(super) probe: Probe,
    /// The middle of a segment that was given up for a lower rung: it is fetched on that rung, and
    /// is not given up again.
    pub(super) kept_on_rung: Option<Position>,
    /// Why the last choice was made.
    reason: String,
    pub(super) known: Known,
    /// Its segments are read while they grow, and it would take more if the link carried more.
    pub(super) wants: bool,
    /// The link has held media back while the picture moved.
    pub(super) held_back: bool,
}

impl Adaptation {
    pub(in crate::player) fn new(choice: QualityChoice, limits: Limits) -> Self {
        Self {
            choice,
            limits,
            estimate: Estimate::default(),
            rule: live::Rule::default(),
            plan: Plan::default(),
            levels: Levels::default(),
            guard: Guard::default(),
            shown: Shown::default(),
            reads: Reads::default(),
            probe: Probe::default(),
            kept_on_rung: None,
            reason: String::new(),
            known: Known::default(),
            wants: false,
            held_back: false,
        }
    }

    /// The estimate of the throughput, if there is one.
    pub(in crate::player) fn rate(&self) -> Option<Bitrate> {
        self.estimate.rate()
    }

    /// Why the last choice was made.
    pub(in crate::player) fn reason(&self) -> &str {
        &self.reason
    }

    /// Another part made a choice, for this reason.
    pub(in crate::player) fn because(&mut self, reason: &str) {
        self.reason = reason.to_string();
    }

    /// If segments are read while they grow, and it would take more if the link carried more: what it takes its share to
    /// be, 0 where the link does not hold it back.
    pub(in crate::player) fn wants_more(&self, now: Instant) -> Option<Bitrate> {
        let share = self.estimate.fresh(now, FRESH).filter(|_| self.held_back);
        self.wants.then(|| share.unwrap_or_default())
    }

    /// The next read comes with this for the page's other players.
    pub(in crate::player) const fn others_came(&mut self, others: Others) {
        self.reads.others = others.with(self.reads.others.bytes);
    }

    /// The viewer chooses from what is `offered`.
    pub(in crate::player) fn choose(&mut self, choice: QualityChoice, offered: &[Quality]) {
        let known = match &choice {
            QualityChoice::Auto => false,
            QualityChoice::Fixed(id) => offered.iter().any(|it| it.id == *id),
        };
        // A quality that is not offered counts as automatic.
        self.because(if known { "chosen by the viewer" } else { "the player chooses again" });
        self.choice = choice;
    }

    /// The page allows this from now on.
    pub(in crate::player) fn limit(&mut self, limits: &Limits) {
        self.limits.clone_from(limits);
    }

    /// The decoder failed on a higher rung than `rep`: only `rep` and lower ones are taken from now
    /// on.
    pub(in crate::player) fn forbid_above(&mut self, rep: usize) {
        self.guard.forbid_above(rep);
        self.because("the decoder gave up on the higher one");
    }

    /// The next request for this segment keeps the rung that its track is set to.
    pub(in crate::player) fn keep_rung(&mut self, segment: &Segment) {
        self.kept_on_rung = Some(middle(segment));
    }

    fn allows(&self, rep: &Representation) -> bool {
        rep.bandwidth <= self.limits.bandwidth && height(rep) <= self.limits.height
    }

    /// The rungs of a track that automatic quality may take now, lowest first: those that play
    /// here, up to the ceilings (dropped frames, failed decoder, size on screen, the page's own),
    /// at least one.
    pub(super) fn rungs(&self, now: Instant, types: &Types, track: &Track) -> Vec<Rung> {
        let playable = types.playable(track);
        let mut most = self.guard.highest(now);
        if self.limits.to_element {
            let heights = playable.iter().filter_map(|&rep| {
                let it = track.representations.get(rep)?;
                Some((rep, height(it)))
            });
            most = most.min(self.shown.highest(heights));
        }
        let (mut allowed, mut lowest) = (Vec::new(), None);
        for rep in playable {
            let Some(it) = track.representations.get(rep) else { continue };
            let rung = Rung { rep, bandwidth: it.bandwidth };
            lowest.get_or_insert(rung);
            if rep <= most && self.allows(it) {
                allowed.push(rung);
            }
        }
        if allowed.is_empty() {
            allowed.extend(lowest);
        }
        allowed
    }

    /// The representation that the viewer chose, if this track has it and it plays.
    pub(in crate::player) fn chosen(&self, types: &Types, track: &Track) -> Option<usize> {
        let QualityChoice::Fixed(id) = &self.choice else { return None };
        let playable = types.playable(track);
        playable.into_iter().find(|&i| track.representations.get(i).is_some_and(|r| r.id == *id))
    }

    /// The representation that a track starts with.
    pub(in crate::player) fn first(
        &mut self,
        now: Instant,
        types: &Types,
        track: &Track,
        live: bool,
    ) -> Option<usize> {
        let picture = track.kind == TrackKind::Video;
        if picture && let Some(rep) = self.chosen(types, track) {
            self.because("chosen by the viewer");
            return Some(rep);
        }
        let beside = self.reads.others.left().filter(|_| picture && live);
        let start = self.limits.start.or(beside);
        let first = abr::first(&self.rungs(now, types, track), live, start)?;
        if picture {
            self.reason = first.why;
        }
        Some(first.rep)
    }

    /// Before a request for a segment: the representation that the track changes to; `None`: no
    /// change.
    pub(in crate::player) fn decide(
        &mut self,
        now: Instant,
        v: &View<'_>,
        stream: &Stream,
        next: Next,
    ) -> Option<Place> {
        let place = stream.place();
        let track = track_of(v.presentation, place)?;
        // Sound is switched only if there is no picture: beside one it needs little of the link.
        let leads = stream.kind() == TrackKind::Video || v.tracks.len() == 1;
        if !leads || self.kept_on_rung == Some(stream.fetching_at()) {
            return None;
        }
        self.wants = false;
        self.reads.next = next;
        if let Some(rep) = self.chosen(v.types, track) {
            return (rep != place.rep).then_some(Place { rep, ..place });
        }
        let rungs = self.rungs(now, v.types, track);
        let ceiling = rungs.last().map(|r| r.rep)?;
        if place.rep > ceiling {
            let allowed = track.representations.get(place.rep).is_none_or(|it| self.allows(it));
            self.because(if self.guard.highest(now) < place.rep {
                "this machine cannot keep up with the higher one"
            } else if allowed {
                "more cannot be seen at the size it is shown"
            } else {
                "the page or the browser's data saver allows no more"
            });
            return Some(Place { rep: ceiling, ..place });
        }
        self.wants = v.growing && place.rep < ceiling;
        let picture = stream.kind() == TrackKind::Video;
        let others = if picture { v.others() } else { Bitrate::default() };
        let choice = if v.growing {
            self.decide_growing(now, v, (&rungs, place.rep), next.length, others)?
        } else {
            let link = (&self.levels, self.reads.delay);
            let view = v.of_plan((&rungs, place.rep), link, next.length);
            let weight = next.weight * next.reads;
            self.plan.decide(&plan::View { others, weight, ..view })?
        };
        self.reason = choice.why;
        Some(Place { rep: choice.rep, ..place })
    }

    fn decide_growing(
        &mut self,
        now: Instant,
        v: &View<'_>,
        (rungs, current): (&[Rung], usize),
        length: Duration,
        others: Bitrate,
    ) -> Option<Choice> {
        let link = self.estimate.fresh(now, FRESH);
        // An even share, which others on the page do not get, does not carry it: it leaves them more.
        let bandwidth = rungs.iter().find(|it| it.rep == current)?.bandwidth;
        let less = self.reads.others.even(now).filter(|it| *it < bandwidth);
        let (link, in_time) = (less.or(link), v.late < LATE_BY_LINK && less.is_none());
        let held = v.ahead;
        self.rule.decide(now, &live::View { rungs, current, in_time, link, others, held, length })
    }

    /// The index of a representation's quality.
    pub(in crate::player) fn index_of(&mut self, rep: &Representation) -> u32 {
        self.known.index_of(rep)
    }

    /// The quality with this index is fetched from now on, for the last reason.
    pub(in crate::player) fn turned_to(&mut self, index: u32) {
        self.known.fetched(index, &self.reason);
    }

    /// The quality with this index, and the reason it was last switched to.
    pub(in crate::player) fn known(&self, index: u32) -> Option<(Quality, String)> {
        self.known.get(index).cloned()
    }

    /// The quality with this index is on screen, in an element that is `height_px` device pixels
    /// high.
    pub(in crate::player) fn shows(&mut self, index: u32, height_px: u32) {
        if let Some(size) = self.known.get(index).and_then(|it| it.0.resolution) {
            self.shown.observe(size.height, height_px);
        }
    }

    /// The element's totals of shown and dropped frames, while it plays `rep`. `seen`: the picture
    /// moves and the page is visible, so that dropped frames are the machine's fault.
    pub(in crate::player) fn frames(
        &mut self,
        now: Instant,
        rep: usize,
        (shown, dropped): (u32, u32),
        seen: bool,
    ) {
        if !seen {
            self.guard.disturbed();
        } else if self.guard.frames(now, rep, shown, dropped) {
            self.because("this machine drops frames");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::player::testing::{film, now, types};

    /// A choice, and what it is made from.
    struct Test {
        quality: Adaptation,
        presentation: Presentation,
        tracks: Tracks,
        types: Types,
    }

    impl Test {
        fn of(choice: &str, rep: usize) -> Self {
            let choice = match choice {
                "" => QualityChoice::Auto,
                id => QualityChoice::Fixed(id.into()),
            };
            let presentation = film();
            let types = types(&presentation);
            let mut tracks = Tracks::default();
            let place = Place { period: 0, track: 0, rep };
            let at = Position::default();
            tracks.add(TrackKind::Video, place, "video/mp4".into(), at);
            Self {
                quality: Adaptation::new(choice, Limits::default()),
                presentation,
                tracks,
                types,
            }
        }

        /// The link carries so much.
        fn link(mut self, kbps: u64) -> Self {
            self.quality.levels.settle(Bitrate::from_bps(kbps * 1000));
            self
        }

        /// The representation that the next segment is to be of, where that changes, and why.
        fn turns_to(&mut self, ahead: u64) -> Option<(usize, &str)> {
            let view = View {
                presentation: &self.presentation,
                tracks: &self.tracks,
                types: &self.types,
                growing: false,
                late: Duration::ZERO,
                ahead: Duration::from_secs(ahead),
                goal: Duration::from_secs(30),
            };
            let stream = self.tracks.of(TrackKind::Video).unwrap();
            let place = self.quality.decide(now(1000), &view, stream, Next::default())?;
            Some((place.rep, self.quality.reason()))
        }
    }

    #[test]
    fn the_viewers_choice_is_taken_and_what_is_not_there_is_left_to_the_player() {
        assert_eq!(Test::of("v1", 0).turns_to(0).map(|it| it.0), Some(1));
        assert_eq!(Test::of("v1", 1).turns_to(0), None, "it is on it");
        let mut other = Test::of("v9", 0).link(9000);
        assert_eq!(other.turns_to(20).map(|it| it.0), Some(2));
    }

    #[test]
    fn what_the_link_carries_decides_else() {
        for (kbps, rep, expected) in [(9000, 0, Some(2)), (400, 2, Some(0)), (9000, 2, None)] {
            let turned = Test::of("", rep).link(kbps).turns_to(8).map(|it| it.0);
            assert_eq!(turned, expected, "{kbps} kb/s on v{rep}");
        }
    }

    #[test]
    fn what_the_decoder_gave_up_on_is_not_taken_again() {
        let mut test = Test::of("", 0).link(9000);
        test.quality.forbid_above(1);
        assert_eq!(test.turns_to(20).map(|it| it.0), Some(1));
    }

    #[test]
    fn a_picture_that_is_shown_small_is_fetched_small_and_says_why() {
        let mut test = Test::of("", 2).link(9000);
        let large = test.presentation.periods[0].tracks[0].representations[2].clone();
        let index = test.quality.index_of(&large);
        test.quality.shows(index, 180);
        let why = "more cannot be seen at the size it is shown";
        assert_eq!(test.turns_to(20), Some((1, why)));
    }

    #[test]
    fn the_page_may_limit_the_height_and_the_bandwidth_and_say_what_to_start_with() {
        let most = |rep: usize| {
            let all = film().periods[0].tracks[0].representations.clone();
            let height = all[rep].resolution.unwrap().height;
            let bandwidth = all[rep].bandwidth;
            [Limits { height, ..Limits::default() }, Limits { bandwidth, ..Limits::default() }]
        };
        for rep in 0..3 {
            for limits in most(rep) {
                let mut test = Test::of("", 2).link(9000);
                test.quality.limit(&limits);
                let expected = (rep < 2)
                    .then_some((rep, "the page or the browser's data saver allows no more"));
                assert_eq!(test.turns_to(20), expected, "{limits:?}");
            }
        }
        let mut test = Test::of("", 2).link(9000);
        test.quality.limit(&Limits { height: 1, ..Limits::default() });
        assert_eq!(test.turns_to(20).map(|it| it.0), Some(0), "at least one is left");
        for (kbps, first) in [(100, 0), (100_000, 2)] {
            let start = Some(Bitrate::from_bps(kbps * 1000));
            let Test { mut quality, presentation, types, .. } = Test::of("", 0);
            quality.limit(&Limits { start, ..Limits::default() });
            let track = &presentation.periods[0].tracks[0];
            assert_eq!(quality.first(now(0), &types, track, false), Some(first), "{kbps} kb/s");
        }
    }

    #[test]
    fn where_the_page_wants_it_a_small_picture_is_fetched_large() {
        let mut test = Test::of("", 2).link(9000);
        let large = test.presentation.periods[0].tracks[0].representations[2].clone();
        let index = test.quality.index_of(&large);
        test.quality.shows(index, 180);
        test.quality.limit(&Limits { to_element: false, ..Limits::default() });
        assert_eq!(test.turns_to(20), None);
    }

    #[test]
    fn the_segment_that_was_given_up_stays_on_its_rung() {
        let mut test = Test::of("v2", 0);
        let segment =
            test.presentation.periods[0].tracks[0].representations[0].segments.numbered(1);
        test.quality.keep_rung(&segment.unwrap());
        let stream = test.tracks.of_mut(TrackKind::Video).unwrap();
        stream.holds(&[], Position::from_millis(1000));
        assert_eq!(test.turns_to(0), None);
    }

    #[test]
    fn a_quality_is_known_with_its_last_reason() {
        let mut test = Test::of("", 0);
        let reps = test.presentation.periods[0].tracks[0].representations.clone();
        let (low, high) = (test.quality.index_of(&reps[0]), test.quality.index_of(&reps[2]));
        assert_eq!((low, high, test.quality.index_of(&reps[0])), (0, 1, 0));
        test.quality.because("the link carries more");
        test.quality.turned_to(high);
        let known = test.quality.known(high).map(|(quality, why)| (quality.id, why));
        assert_eq!(known, Some(("v2".into(), "the link carries more".into())));
        assert_eq!(test.quality.known(9), None);
    }
}
