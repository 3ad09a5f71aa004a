//! The live edge by the clock and by the manifest's list, corrected by what a search has found.

use super::messages;
use super::search::SearchState;
use crate::live::clock::Trust;
use crate::live::listed::{self, Age, ListEnd};
use crate::player::camera::Camera;
use crate::player::clock::Clock;
use crate::player::error::Error;
use crate::player::manifest::Manifest;
use crate::player::track::Tracks;
use crate::presentation::reads::Dash;
use crate::presentation::{self, Kind, Presentation, Segment, SegmentList};
use crate::time::{Duration, Instant, Position, WallTime, micros};

/// A clock that differs from a list by more than this plus two segments is wrong.
const CONTRADICTED: Duration = Duration::from_secs(5);
/// Capture times that are older than the list's end by more than this plus two segments are wrong.
const LISTED_LATE: Duration = Duration::from_secs(2);
/// The page is not told of an origin that is less late than this.
pub(super) const WORTH_SAYING: Duration = Duration::from_millis(500);
/// The page is told of a late origin once the lateness has lasted this long: a first guess may be
/// too high.
const PROVEN: Duration = Duration::from_secs(4);

/// What the edge is computed from.
#[derive(Clone, Copy, Debug)]
pub(in crate::player) struct View<'a> {
    pub(in crate::player) presentation: &'a Presentation,
    pub(in crate::player) tracks: &'a Tracks,
    pub(in crate::player) clock: &'a Clock,
    pub(in crate::player) camera: &'a Camera,
    /// The manifest's address, for error messages.
    pub(in crate::player) url: &'a str,
    /// Playback is live, and segments are fetched whole.
    pub(in crate::player) whole: bool,
    /// When the manifest was written.
    pub(in crate::player) published: Option<WallTime>,
}

impl<'a> View<'a> {
    /// `None` before there is a manifest.
    pub(in crate::player) fn new(
        (manifest, url): (&'a Manifest, &'a str),
        tracks: &'a Tracks,
        clock: &'a Clock,
        camera: &'a Camera,
        whole: bool,
    ) -> Option<Self> {
        let (presentation, published) = (manifest.presentation()?, manifest.published());
        Some(Self { presentation, tracks, clock, camera, url, whole, published })
    }
}

/// The live edge, and the search for it.
#[derive(Debug, Default)]
pub(in crate::player) struct Edge {
    /// The ends of the manifest's lists, over time, in the order of the tracks that ask for media themselves.
    list_ends: [ListEnd; 3],
    /// The list's end moved back: the origin has started another timeline.
    went_back: bool,
    /// Added to the origin's clock to get the clock that its segments follow, microseconds.
    pub(super) shift_us: i64,
    pub(super) search: SearchState,
    /// Since when the origin has been later than [`WORTH_SAYING`].
    late_since: Option<Instant>,
    /// The lateness that the page was told last.
    pub(super) told_late: Duration,
}

impl Edge {
    /// The live edge on the manifest's timeline.
    pub(in crate::player) fn at(&self, v: &View<'_>, now: Instant) -> Option<Position> {
        match self.listed(now) {
            // A list of whole segments is better than a clock: it holds too when the timeline
            // drifts away from the wall clock.
            Some(listed) if v.whole => Some(listed + self.listed_late(v, now)),
            _ => presentation::edge(v.presentation, self.served(v, now)),
        }
    }

    /// The live edge by the lists: that of the track that is behind.
    #[inline(never)]
    pub(in crate::player) fn listed(&self, now: Instant) -> Option<Position> {
        self.list_ends.iter().filter_map(|list| list.edge(now)).min()
    }

    /// How much later than the camera the end of the list is, as far as capture times tell: what the origin
    /// needs to publish a segment, and the player to see that. Zero unless segments are fetched whole.
    pub(in crate::player) fn listed_late(&self, v: &View<'_>, now: Instant) -> Duration {
        let listed = self.listed(now).filter(|_| v.whole && self.clock_tells(v, now));
        let camera = v.camera.is_at(v.clock.origin(now));
        let late = listed.zip(camera).map(|(listed, camera)| camera.since(listed));
        let most = || LISTED_LATE + v.tracks.segment_length(v.presentation) * 2;
        late.filter(|late| *late <= most()).unwrap_or_default()
    }

    /// The origin's clock is good enough to be compared with capture times.
    pub(in crate::player) fn clock_tells(&self, v: &View<'_>, now: Instant) -> bool {
        v.clock.trust() > Trust::Local || self.fits_clock(v, now)
    }

    /// The wall-clock time by which segments become available: the origin's clock, shifted by what
    /// a search found; or the list's, where that clock cannot be right.
    pub(in crate::player) fn served(&self, v: &View<'_>, now: Instant) -> WallTime {
        self.by_list(v, now).unwrap_or_else(|| v.clock.origin(now).offset(self.shift_us))
    }

    /// The wall-clock time that follows from the list, where it contradicts the clock.
    fn by_list(&self, v: &View<'_>, now: Instant) -> Option<WallTime> {
        let Kind::Live(live) = &v.presentation.kind else { return None };
        let by_list = live.anchor?.offset(self.listed(now)?.as_micros());
        let most = CONTRADICTED + v.tracks.segment_length(v.presentation) * 2;
        let off = v.clock.origin(now).micros_from(by_list).unsigned_abs();
        (off > most.as_micros()).then_some(by_list)
    }

    /// Nothing contradicts the origin's clock: neither a search nor a list.
    pub(in crate::player) fn fits_clock(&self, v: &View<'_>, now: Instant) -> bool {
        self.shift_us == 0 && self.by_list(v, now).is_none()
    }

    /// The range that can be played now: from the oldest position that the origin keeps to the
    /// edge.
    pub(in crate::player) fn window(
        &self,
        v: &View<'_>,
        now: Instant,
    ) -> Option<(Position, Position)> {
        presentation::window(v.presentation, self.at(v, now)?)
    }

    /// The end of the newest segment that exists whole, the least over the tracks.
    pub(in crate::player) fn newest_end(&self, v: &View<'_>, now: Instant) -> Option<Position> {
        let late = micros(v.tracks.late());
        let ends = v.tracks.lists(v.presentation).filter_map(|list| {
            let newest = self.newest_of_age(v, now, list, late)?;
            Some(newest.end)
        });
        ends.min()
    }

    /// The newest segment that was due at least `age` microseconds ago.
    pub(super) fn newest_of_age(
        &self,
        v: &View<'_>,
        now: Instant,
        list: &SegmentList,
        age: i64,
    ) -> Option<Segment> {
        if !list.grows_by_reload() {
            return list.newest(self.served(v, now).offset(age.saturating_neg()));
        }
        let last = list.last()?;
        if age <= 0 {
            return Some(last);
        }
        let due = self.listed(now)?.offset(age.saturating_neg());
        let before = due.min(last.end);
        let newest = list.at(before.offset(-1))?;
        if newest.end <= before {
            return Some(newest);
        }
        list.at(newest.start.offset(-1)).filter(|s| s.end <= before)
    }

    /// For segments without an availability time: the end of the list now, and the wall-clock time
    /// now.
    pub(in crate::player) fn listed_due(
        &self,
        v: &View<'_>,
        now: Instant,
    ) -> Option<(Position, WallTime)> {
        Some((self.listed(now)?, self.served(v, now)))
    }

    /// The age of a segment at `then`, microseconds; negative before it is due.
    pub(in crate::player) fn age(&self, v: &View<'_>, then: Instant, segment: &Segment) -> i64 {
        let due = segment.available.or_else(|| {
            let (end, at) = self.listed_due(v, then)?;
            Some(at.offset(segment.end.micros_from(end)))
        });
        due.map_or(0, |due| self.served(v, then).micros_from(due))
    }

    /// Notes how far the manifest's lists go, those that are not computed by a clock. Answers whether there is any.
    pub(in crate::player) fn note_list(&mut self, v: &View<'_>, now: Instant) -> bool {
        let (mut ends, mut newest) = ([None; 3], None);
        for (end, stream) in ends.iter_mut().zip(v.tracks.feeds()) {
            let list = stream.list(v.presentation).filter(|list| list.grows_by_reload());
            let last = list.and_then(SegmentList::last);
            *end = last.map(|it| it.end);
            newest = newest.max(*end);
        }
        let Some(newest) = newest else { return false };
        let segment = v.tracks.segment_length(v.presentation);
        // It is written at each segment of each track. One that is much older than a segment comes from a
        // cache, or says something else.
        let written =
            v.published.filter(|_| Dash::token().is_some() && v.clock.trust() > Trust::Local);
        let written = written.map(|at| v.clock.origin(now).since(at));
        for (list, end) in self.list_ends.iter_mut().zip(&ends) {
            let Some(end) = *end else {
                *list = ListEnd::default();
                continue;
            };
            if newest > end + listed::another_timeline(segment) {
                // An HLS rung that was left a while ago has an old list until the new one comes.
                continue;
            }
            let known = written.map(|written| Age { written, behind: newest.since(end) });
            let known = known.filter(|age| age.written + age.behind <= segment * 5 / 4);
            self.went_back |= list.note(now, end, known.unwrap_or_default(), segment);
        }
        true
    }

    /// The list's end has moved back since the last call: the origin has started another timeline.
    pub(in crate::player) const fn take_went_back(&mut self) -> bool {
        core::mem::replace(&mut self.went_back, false)
    }

    /// The estimate of the origin's clock was corrected by so many microseconds: by more than a
    /// second, what a search found with the old one is void.
    pub(in crate::player) fn clock_moved(&mut self, by_us: i64) {
        if by_us.abs() > 1_000_000 {
            self.shift_us = 0;
            self.clock_doubtful(None);
        }
    }

    /// The clock may be wrong from now on, so that refused segments start a search. `jump_us`: it
    /// may have jumped by so many microseconds.
    pub(in crate::player) const fn clock_doubtful(&mut self, jump_us: Option<i64>) {
        self.search.doubt(jump_us);
    }

    /// A manifest says that it was made later than it arrived by the viewer's own clock. A search
    /// then tries first whether that clock is behind by as much. (Or the encoder wrote local time
    /// as UTC.)
    pub(in crate::player) fn note_made(&mut self, clock: &Clock, now: Instant, made: WallTime) {
        let ahead = made.micros_from(clock.origin(now));
        if ahead > 0 && clock.trust() == Trust::Local {
            self.search.suspect(-ahead);
        }
    }

    /// The origin is late by `known`. Answers what the page is to be told, once that has lasted.
    pub(in crate::player) fn note_late(
        &mut self,
        now: Instant,
        known: Duration,
        url: &str,
    ) -> Option<Error> {
        if known < WORTH_SAYING {
            self.late_since = None;
            return None;
        }
        let since = *self.late_since.get_or_insert(now);
        if now.since(since) < PROVEN || known <= self.told_late * 2 {
            return None;
        }
        self.told_late = known;
        Some(messages::late(known, url))
    }
}
