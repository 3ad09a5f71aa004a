//! Media playlists to segments on one timeline, at the first load and at every reload (RFC 8216bis
//! 6.3.3, 6.3.4).
//!
//! [`Placement`] is the state of one presentation. The rules, in the order in which they are tried:
//!
//! - A segment that was seen before (by media sequence number) keeps its place.
//! - Live, with PROGRAM-DATE-TIME in the first playlist: positions are Unix time. The date places the
//!   first segment and each one after a discontinuity, and moves any other by up to a second, so
//!   that rounding errors of durations do not add up. On demand, positions begin at zero.
//! - The first playlist without dates begins at zero. Another one is aligned with those known: at a
//!   discontinuity that both show, else by equal media sequence number (not promised by the
//!   standard, but what packagers do) if they then end nearly together, else end to end.
//! - A later segment begins where the one before it ends; each missed number counts as one segment
//!   of mean duration.
//!
//! A playlist whose numbers go back is an old copy if it lacks no more than [`STALE`] segments,
//! does not contradict the known ones, is as long as the newer one or begins at the same segment,
//! and is not repeated for too many loads. Otherwise the packager started over: numbers and
//! positions continue from the known ones, with timelines of a new epoch (the upper half of
//! [`Segment::timeline`]).

use super::place::{Entry, Places, Span};
use super::resolve::container;
use super::syntax::{Media, MediaKind};
use crate::presentation::{
    Base, Error, Kind, Listed, Live, Presentation, Refresh, Representation, Resource, Segment,
    SegmentList, TrackKind,
};
use crate::time::{Duration, Position, WallTime, micros};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// A cache lags by at most this many segments.
const STALE: u64 = 3;
/// And for at most this many loads in a row: at two per target duration, four segments.
const STALE_LOADS: u32 = 8;
/// A difference in duration above this, microseconds, means another segment.
const OTHER_DURATION_US: u64 = 5_000;
/// A playlist is not loaded more often than this.
const FASTEST_RELOAD: Duration = Duration::from_millis(500);
/// A difference in date above this, microseconds, means another segment.
const OTHER_DATE_US: u64 = 10_000_000;

/// Where the playlists of one presentation stand on its timeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placement {
    places: Places,
    playlists: Vec<(Resource, State)>,
}

/// What is remembered of one playlist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct State {
    /// Segment number minus media sequence number: grows when the packager starts over.
    shift: u64,
    epoch: u64,
    /// Number and date of the last segment that had one.
    dated: Option<(u64, i64)>,
    /// Old copies in a row.
    stale: u32,
}

/// How a playlist relates to the load before it.
enum Relation {
    Newer,
    /// It lists no segment.
    Unchanged,
    /// An old copy.
    Stale,
    Anew,
}

impl Placement {
    /// Puts the segments of the media playlist `list` into every Representation whose
    /// [`Representation::playlist`] it is; `loaded_from` is where it came from after redirects.
    /// Answers when to load it again. On an error nothing is changed.
    pub fn apply(
        &mut self,
        presentation: &mut Presentation,
        list: &Resource,
        loaded_from: &str,
        media: &Media,
    ) -> Result<Refresh, Error> {
        let on_demand = media.ended || media.kind == Some(MediaKind::Vod);
        let old = listed(presentation, list).map_or(&[][..], |l| &l.segments);
        check(media, on_demand && old.is_empty())?;
        let target = media.target_duration.max(FASTEST_RELOAD);
        let unchanged = Refresh::Every((target / 2).max(FASTEST_RELOAD));
        let fresh = State { epoch: self.places.epoch, ..State::default() };
        let mut state = self.playlists.iter().find(|it| it.0 == *list).map_or(fresh, |it| it.1);
        let relation = relation(old, media, state, loaded_from);
        state.stale = if matches!(relation, Relation::Stale) { state.stale + 1 } else { 0 };
        match relation {
            Relation::Unchanged => return Ok(unchanged),
            Relation::Stale => {
                self.remember(list, state);
                return Ok(unchanged);
            }
            Relation::Newer => {}
            Relation::Anew => {
                let next = old.last().map_or(0, |s| s.number).saturating_add(1);
                state.epoch = self.places.epoch.max(state.epoch.saturating_add(1));
                state.shift = next.saturating_sub(media.media_sequence);
                self.places.epoch = state.epoch;
            }
        }
        let entries = entries(media, state);
        let dated = || !on_demand && entries.iter().any(|e| e.date_us.is_some());
        self.places.dated.get_or_insert_with(dated);
        let spans = self.places.place(&entries, old, on_demand);
        self.places.learn(&entries, &spans, on_demand);
        let last_dated = entries.iter().rev().find_map(|e| Some((e.number, e.date_us?)));
        state.dated = last_dated.or(state.dated);
        self.remember(list, state);
        let segments = segments(media, &entries, &spans, loaded_from, old);
        let changed = segments.last().map(|s| s.number) != old.last().map(|s| s.number);
        put(presentation, list, &Listed { segments, complete: on_demand });
        self.conclude(presentation, media);
        Ok(match (on_demand, changed) {
            (true, _) => Refresh::Never,
            (false, true) => Refresh::Every(target),
            (false, false) => unchanged,
        })
    }

    fn remember(&mut self, list: &Resource, state: State) {
        match self.playlists.iter_mut().find(|it| it.0 == *list) {
            Some(known) => known.1 = state,
            None => self.playlists.push((list.clone(), state)),
        }
    }

    /// Sets what holds for the whole presentation from a media playlist, which may be one of text:
    /// live or on demand, from the loaded playlists of audio and video.
    fn conclude(&self, presentation: &mut Presentation, media: &Media) {
        let Some(period) = presentation.periods.first_mut() else { return };
        let timed = || {
            let tracks = period.tracks.iter().filter(|t| t.kind != TrackKind::Text);
            tracks.flat_map(|t| &t.representations).filter_map(|r| match &r.segments {
                SegmentList::Listed(listed) => Some(listed),
                _ => None,
            })
        };
        if timed().next().is_none() {
            return;
        }
        if timed().all(|listed| listed.complete) {
            let starts = timed().filter_map(|l| l.segments.first()).map(|s| s.start);
            let ends = timed().filter_map(|l| l.segments.last()).map(|s| s.end);
            let (start, end) = (starts.min().unwrap_or_default(), ends.max());
            period.start = start;
            period.end = end;
            presentation.kind = Kind::OnDemand { duration: end.map(|end| end.since(start)) };
        } else {
            period.end = None;
            presentation.kind = Kind::Live(Live {
                anchor: (self.places.dated == Some(true)).then(WallTime::default),
                time_shift: None,
                // 4.4.3.8: three target durations where HOLD-BACK is not given.
                suggested_delay: Some(
                    media.server_control.hold_back.unwrap_or(media.target_duration * 3),
                ),
            });
        }
    }
}

/// Refuses playlists that cannot be played.
fn check(media: &Media, must_have_some: bool) -> Result<(), Error> {
    if let Some(method) = media.segments.iter().find_map(|s| s.encrypted.as_ref()) {
        let what = ["the segments are encrypted (EXT-X-KEY, ", method, ")"].concat();
        return Err(Error::NotYet(what));
    }
    if media.i_frames_only {
        return Err(Error::NothingToPlay("the playlist holds key frames alone".into()));
    }
    if must_have_some && media.segments.is_empty() {
        return Err(Error::NothingToPlay("the playlist has ended and has no segment".into()));
    }
    Ok(())
}

fn listed<'a>(presentation: &'a Presentation, list: &Resource) -> Option<&'a Listed> {
    let tracks = presentation.periods.iter().flat_map(|period| &period.tracks);
    let mut all = tracks.flat_map(|track| &track.representations);
    all.find_map(|r| match &r.segments {
        SegmentList::Listed(listed) if r.playlist.as_ref() == Some(list) => Some(listed),
        _ => None,
    })
}

fn relation(old: &[Segment], media: &Media, state: State, loaded_from: &str) -> Relation {
    let (Some(old_first), Some(old_last)) = (old.first(), old.last()) else {
        return Relation::Newer;
    };
    let count = u64::try_from(media.segments.len()).unwrap_or(u64::MAX);
    let first = media.media_sequence.saturating_add(state.shift);
    let Some(last) = first.saturating_add(count).checked_sub(1).filter(|_| count > 0) else {
        // No segment is listed (not yet, or no longer): keep the known ones.
        return if media.ended { Relation::Newer } else { Relation::Unchanged };
    };
    let at = |number: u64| {
        let i = usize::try_from(number.checked_sub(first)?).ok()?;
        media.segments.get(i)
    };
    if let Some((number, date)) = state.dated
        && let Some(now) = at(number).and_then(|s| s.program_date_time)
        && now.as_micros().abs_diff(date) > OTHER_DATE_US
    {
        return Relation::Anew;
    }
    if last >= old_last.number {
        return Relation::Newer;
    }
    let base = Base::new(loaded_from.into());
    let same = |segment: &Segment| {
        at(segment.number).is_some_and(|written| {
            let known = segment.end.since(segment.start).as_micros();
            let other = known.abs_diff(written.duration.as_micros());
            // Dates have adjusted the known durations, so these cannot be compared.
            let lasts = state.dated.is_some() || other <= OTHER_DURATION_US;
            let now = Resource::new(Rc::clone(&base), written.uri.clone(), None);
            lasts && now.has_path_of(&segment.resource)
        })
    };
    let index = last.checked_sub(old_first.number).and_then(|i| usize::try_from(i).ok());
    let contradicts = index.and_then(|i| old.get(i)).is_some_and(|known| !same(known));
    // An old copy of a sliding list is as long as the newer one, or one shorter if cut by time.
    let whole = first == old_first.number || media.segments.len() + 1 >= old.len();
    let lags = old_last.number - last <= STALE && state.stale < STALE_LOADS;
    if lags && whole && !contradicts { Relation::Stale } else { Relation::Anew }
}

fn entries(media: &Media, state: State) -> Vec<Entry> {
    let mut discontinuity = media.discontinuity_sequence;
    let each = media.segments.iter().zip(0_u64..).map(|(segment, i)| {
        discontinuity = discontinuity.saturating_add(u64::from(segment.discontinuity));
        let sequence = media.media_sequence.saturating_add(i);
        Entry {
            sequence,
            number: sequence.saturating_add(state.shift),
            timeline: state.epoch << 32 | discontinuity.min(u64::from(u32::MAX)),
            discontinuity: segment.discontinuity,
            duration_us: micros(segment.duration),
            date_us: segment.program_date_time.map(WallTime::as_micros),
        }
    });
    each.collect()
}

fn segments(
    media: &Media,
    entries: &[Entry],
    spans: &[Span],
    loaded_from: &str,
    old: &[Segment],
) -> Vec<Segment> {
    let base = Base::new(loaded_from.into());
    let below = |uri: &str, range| Resource::new(Rc::clone(&base), uri.into(), range);
    let mut out: Vec<Segment> = Vec::with_capacity(media.segments.len());
    let mut map = &None;
    for ((written, entry), (start, end)) in media.segments.iter().zip(entries).zip(spans) {
        let again = written.map == *map;
        map = &written.map;
        let init = match out.last().filter(|_| again) {
            Some(before) => before.init.clone(),
            None => written.map.as_ref().map(|map| {
                let mut init = below(&map.uri, map.byte_range);
                let i = old.partition_point(|segment| segment.number < entry.number);
                let before = old.get(i).filter(|segment| segment.number == entry.number);
                if let Some(before) = before.and_then(|segment| segment.init.as_ref()) {
                    init.follow(before);
                }
                init
            }),
        };
        out.push(Segment {
            number: entry.number,
            start: Position::from_micros(*start),
            end: Position::from_micros(*end),
            resource: below(&written.uri, written.byte_range),
            init,
            timeline: entry.timeline,
            gap: written.gap,
            available: None,
        });
    }
    out
}

fn put(presentation: &mut Presentation, list: &Resource, listed: &Listed) {
    let tracks = presentation.periods.iter_mut().flat_map(|period| &mut period.tracks);
    let own = |r: &&mut Representation| r.playlist.as_ref() == Some(list);
    for representation in tracks.flat_map(|track| &mut track.representations).filter(own) {
        if let Some(first) = listed.segments.first() {
            representation.container = container(first.resource.path(), first.init.is_some());
        }
        // An ended playlist without segments leaves the known ones, which are complete now.
        match &mut representation.segments {
            SegmentList::Listed(known) if listed.segments.is_empty() => {
                known.complete = listed.complete;
            }
            segments => *segments = SegmentList::Listed(listed.clone()),
        }
    }
}
