//! Where a Representation's segments are: SegmentBase, SegmentList, SegmentTemplate (23009-1 5.3.9),
//! inherited over Period, AdaptationSet and Representation, to a [`SegmentList`].

use super::syntax::{BaseUrl, S, SegmentInfo, Segments, UrlRange};
use crate::media::webm;
use crate::media::webm::search::BEGINNING;
use crate::presentation::{
    Base, Error, Listed, Mapping, Mirror, Numbered, Resource, Run, Segment, SegmentList, Template,
    Timeline, url,
};
use crate::time::{MediaTime, Position, Timescale, WallTime};
use crate::units::ByteRange;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// More mirrors than any real presentation has; several BaseURLs at each level multiply.
const MOST_MIRRORS: usize = 8;

/// The BaseURLs from the MPD down to some level: the resulting addresses, and the availability that
/// they state.
#[derive(Clone, Debug)]
pub(super) struct Level {
    pub(super) base: Rc<Base>,
    early_us: i64,
    growing: bool,
}

impl Level {
    pub(super) fn new(url: &str) -> Self {
        Self { base: Base::new(url.into()), early_us: 0, growing: false }
    }

    /// One level further down. Several BaseURLs are mirrors (5.6), in the order of the MPD. The
    /// first one is used unless it fails, so its availability counts; a mirror that gets segments
    /// later is handled like any origin that is late. Offsets of relative BaseURLs add up (DASH-IF
    /// IOP 4.3, 4.7.2.2); an absolute one starts from zero.
    pub(super) fn descend(&self, urls: &[BaseUrl]) -> Self {
        let Some(next) = urls.first() else { return self.clone() };
        let mut mirrors: Vec<Mirror> = Vec::new();
        for above in self.base.mirrors() {
            for below in urls {
                if mirrors.len() < MOST_MIRRORS {
                    mirrors.push(mirror(above, below, urls.len() == 1));
                }
            }
        }
        let above = if url::is_absolute(&next.url) { 0 } else { self.early_us };
        Self {
            base: Base::of(mirrors),
            early_us: above.saturating_add(next.early.offset_us.unwrap_or(0)),
            growing: next.early.complete.map_or(self.growing, |complete| !complete),
        }
    }
}

/// The mirror that `below` makes of a mirror of the level above. It shares that mirror's service if
/// it is relative and `alone` on its level. Without `@serviceLocation`, nothing says that two
/// BaseURLs share a service (5.6.2): each is its own.
fn mirror(above: &Mirror, below: &BaseUrl, alone: bool) -> Mirror {
    let url = url::resolve(&above.url, &below.url);
    let shared = alone && !url::is_absolute(&below.url);
    let own = if shared { &above.service } else { &url };
    let service = below.service_location.as_ref().unwrap_or(own).clone();
    Mirror { url, service }
}

/// The context of a Representation.
pub(super) struct Place<'a> {
    pub(super) start: Position,
    pub(super) end: Option<Position>,
    /// Another Period follows, or all is on demand: no segment is added to this Period.
    pub(super) closed: bool,
    /// `availabilityStartTime`; only if live.
    pub(super) anchor: Option<WallTime>,
    pub(super) level: &'a Level,
    pub(super) id: &'a str,
    pub(super) bandwidth_bps: u64,
    /// The file can be searched for its clusters.
    pub(super) webm: Option<webm::Reads>,
}

/// Where the media is.
pub(super) struct Addressed {
    pub(super) init: Option<Resource>,
    pub(super) segments: SegmentList,
    pub(super) mapping: Mapping,
    pub(super) growing: bool,
}

/// The memory that a manifest may take by inheritance and expansion: a small document can have one
/// long template that thousands of Representations inherit.
pub(super) struct Budget(usize);

impl Budget {
    /// Far above a day of one-second segments in twenty Representations.
    pub(super) const fn new() -> Self {
        Self(64 << 20)
    }

    pub(super) fn take(&mut self, bytes: usize) -> Result<(), Error> {
        self.0 = self.0.checked_sub(bytes).ok_or_else(|| {
            Error::NothingToPlay("the MPD expands to more than 64 MiB of addresses".into())
        })?;
        Ok(())
    }
}

/// The addresses of one Representation from the segment information of its levels, highest first.
/// `None` when they make no sense.
pub(super) fn address(
    place: &Place<'_>,
    levels: &[&Segments],
    budget: &mut Budget,
) -> Result<Option<Addressed>, Error> {
    budget.take(place.level.base.mirrors().iter().map(|mirror| mirror.url.len()).sum())?;
    // The lowest level that says anything decides the kind (5.3.9.1).
    let Some(decides) = levels.iter().rev().find(|s| **s != &Segments::default()) else {
        return Ok(Some(whole(place, &Resolved::new(place, [])?)));
    };
    if decides.template.is_some() {
        let found = levels.iter().filter_map(|s| s.template.as_ref());
        let media = found.clone().rev().find_map(|t| t.media.as_deref());
        let initialization = found.clone().rev().find_map(|t| t.initialization.as_deref());
        let info = Resolved::new(place, found.map(|t| &t.info))?;
        return template(place, media, initialization, &info, budget);
    }
    if decides.list.is_some() {
        let found = levels.iter().filter_map(|s| s.list.as_ref());
        let urls = found.clone().rev().map(|l| l.urls.as_slice()).find(|urls| !urls.is_empty());
        let info = Resolved::new(place, found.map(|l| &l.info))?;
        return list(place, urls.unwrap_or_default(), &info, budget).map(Some);
    }
    let info = Resolved::new(place, levels.iter().filter_map(|s| s.base.as_ref()))?;
    Ok(Some(indexed(place, &info)))
}

/// Segment information after inheritance, with its defaults.
struct Resolved<'a> {
    scale: Timescale,
    time_offset: u64,
    early_us: i64,
    growing: bool,
    index_range: Option<ByteRange>,
    duration: Option<u64>,
    start_number: u64,
    end_number: Option<u64>,
    initialization: Option<&'a UrlRange>,
    index: Option<&'a UrlRange>,
    timeline: Option<&'a [S]>,
}

impl<'a> Resolved<'a> {
    fn new(
        place: &Place<'_>,
        levels: impl IntoIterator<Item = &'a SegmentInfo>,
    ) -> Result<Self, Error> {
        let mut all = SegmentInfo::default();
        let mut own = Self {
            scale: Timescale::SECONDS,
            time_offset: 0,
            early_us: place.level.early_us,
            growing: place.level.growing,
            index_range: None,
            duration: None,
            start_number: 1,
            end_number: None,
            initialization: None,
            index: None,
            timeline: None,
        };
        for info in levels {
            all.timescale = info.timescale.or(all.timescale);
            all.early.offset_us = info.early.offset_us.or(all.early.offset_us);
            all.early.complete = info.early.complete.or(all.early.complete);
            own.time_offset = info.presentation_time_offset.unwrap_or(own.time_offset);
            own.index_range = info.index_range.or(own.index_range);
            own.duration = info.duration.or(own.duration);
            own.start_number = info.start_number.unwrap_or(own.start_number);
            own.end_number = info.end_number.or(own.end_number);
            own.initialization = info.initialization.as_ref().or(own.initialization);
            own.index = info.representation_index.as_ref().or(own.index);
            own.timeline = info.timeline.as_deref().or(own.timeline);
        }
        if let Some(hz) = all.timescale {
            let zero = || Error::NothingToPlay("a @timescale is 0".into());
            own.scale = Timescale::new(hz).ok_or_else(zero)?;
        }
        own.early_us = own.early_us.saturating_add(all.early.offset_us.unwrap_or(0));
        own.growing = all.early.complete.map_or(own.growing, |complete| !complete);
        Ok(own)
    }

    /// Position of media time zero, in microseconds.
    fn offset(&self, place: &Place<'_>) -> i64 {
        let time_offset = i64::try_from(self.time_offset).unwrap_or(i64::MAX);
        place.start.as_micros().saturating_sub(self.scale.to_micros(time_offset))
    }

    fn addressed(
        &self,
        place: &Place<'_>,
        init: Option<Resource>,
        segments: SegmentList,
    ) -> Addressed {
        let live_early = if place.anchor.is_some() { self.early_us.max(0) } else { 0 };
        Addressed {
            init,
            segments,
            mapping: Mapping::Offset(self.offset(place)),
            // A segment that may be requested only when it is complete does not grow, even if the
            // MPD says so: ffmpeg's `-streaming 1` says "not complete" and gives no offset.
            growing: self.growing && live_early > 0,
        }
    }

    fn clock(&self, place: &Place<'_>) -> Option<(WallTime, i64)> {
        place.anchor.map(|anchor| (anchor, self.early_us))
    }
}

/// The resource at `url` below the BaseURLs; without `url`, the BaseURLs themselves.
fn resource(place: &Place<'_>, url: Option<&str>, range: Option<ByteRange>) -> Resource {
    let path = url.unwrap_or("").into();
    Resource::new(Rc::clone(&place.level.base), path, range)
}

fn part(place: &Place<'_>, part: &UrlRange) -> Resource {
    resource(place, part.url.as_deref(), part.range)
}

fn template(
    place: &Place<'_>,
    media: Option<&str>,
    initialization: Option<&str>,
    info: &Resolved<'_>,
    budget: &mut Budget,
) -> Result<Option<Addressed>, Error> {
    let fill = |text| Template::new(&place.level.base, text, place.id, place.bandwidth_bps);
    let Some(template) = media.and_then(fill) else { return Ok(None) };
    // `$RepresentationID$` may occur many times, so the length with all of them replaced counts.
    budget.take(template.len())?;
    let init = match initialization {
        Some(text) => {
            let Some(filled) = fill(text) else { return Ok(None) };
            budget.take(filled.len())?;
            Some(filled.resource(0, 0))
        }
        None => info.initialization.map(|it| part(place, it)),
    };
    let segments = match (info.timeline, info.duration) {
        (Some(timeline), _) => {
            let runs = runs(place, info, timeline);
            budget.take(runs.len().saturating_mul(size_of::<Run>()))?;
            let open = runs.last().is_some_and(|run| run.count == Run::OPEN);
            // A listed segment exists, unless the manifest says that it can be requested before it
            // is complete, or that the list goes on "until further notice".
            let gated = open || info.early_us > 0;
            SegmentList::Timeline(Timeline {
                template,
                scale: info.scale,
                offset: info.offset(place),
                runs,
                end: place.end,
                complete: open || place.closed,
                clock: info.clock(place).filter(|_| gated),
            })
        }
        (None, Some(duration)) if duration > 0 => SegmentList::Numbered(Numbered {
            template,
            first: info.start_number,
            last: info.end_number,
            duration: MediaTime::new(i64::try_from(duration).unwrap_or(i64::MAX), info.scale),
            first_time: info.time_offset,
            origin: place.start,
            end: place.end,
            clock: info.clock(place),
        }),
        _ => {
            let resource = template.resource(info.start_number, info.time_offset);
            SegmentList::Listed(one(place, resource, info.start_number))
        }
    };
    Ok(Some(info.addressed(place, init, segments)))
}

/// The runs of a SegmentTimeline (5.3.9.6), starts and numbers rising.
///
/// A packager lists a lost segment as an `S` of no duration. It covers no time, so it is not
/// requested, but its number counts like any other (5.3.9.6.1). The standard does not allow times
/// that go back. If they do: live, the later entry counts, as it was written later; on demand, the
/// earlier one.
fn runs(place: &Place<'_>, info: &Resolved<'_>, timeline: &[S]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::with_capacity(timeline.len());
    let mut number = info.start_number;
    let mut time: u64 = 0;
    for (i, s) in timeline.iter().enumerate() {
        let start = s.t.unwrap_or(time);
        number = s.n.unwrap_or(number);
        let count = match u64::try_from(s.r) {
            Ok(repeats) => repeats.saturating_add(1),
            Err(_) if s.d == 0 => 1,
            Err(_) => {
                let rest = timeline.get(i + 1..).unwrap_or_default();
                match rest.iter().find(|next| next.d > 0 || next.t.is_some()) {
                    Some(next) => {
                        next.t.unwrap_or(start).saturating_sub(start).div_ceil(s.d).max(1)
                    }
                    None => until_end(place, info, start, s.d),
                }
            }
        };
        let mut run = Run { number, time: start, duration: s.d, count };
        number = number.saturating_add(count);
        time = start.saturating_add(s.d.saturating_mul(count));
        if s.d == 0 {
            continue;
        }
        if let Some(last) = info.end_number {
            let room = last.saturating_add(1).saturating_sub(run.number);
            run.count = run.count.min(room);
        }
        let before = |p: &Run| p.time < run.time && p.number < run.number;
        if place.anchor.is_some() {
            let keep = runs.iter().rposition(before).map_or(0, |last| last + 1);
            runs.truncate(keep);
        }
        if runs.last().is_none_or(before) && run.count > 0 {
            runs.push(run);
        }
    }
    runs
}

/// How many segments of `d` ticks from `start` to the Period's end.
fn until_end(place: &Place<'_>, info: &Resolved<'_>, start: u64, d: u64) -> u64 {
    let Some(end) = place.end else { return Run::OPEN };
    let from_zero = end.as_micros().saturating_sub(info.offset(place));
    let ticks = u64::try_from(info.scale.from_micros(from_zero)).unwrap_or(0);
    ticks.saturating_sub(start).div_ceil(d)
}

fn list(
    place: &Place<'_>,
    urls: &[UrlRange],
    info: &Resolved<'_>,
    budget: &mut Budget,
) -> Result<Addressed, Error> {
    let init = info.initialization.map(|it| part(place, it));
    let mut spans = Spans::new(place, info, urls.len());
    let mut segments = Vec::with_capacity(urls.len());
    for (i, url) in (0_u64..).zip(urls) {
        let number = info.start_number.saturating_add(i);
        let Some((start, end)) = spans.next() else { break };
        let resource = part(place, url);
        budget.take(resource.path().len().saturating_add(size_of::<Segment>()))?;
        segments.push(segment(number, start, end, resource));
    }
    let complete = place.closed;
    Ok(info.addressed(place, init, SegmentList::Listed(Listed { segments, complete })))
}

/// The spans of a SegmentList's segments: from its timeline, else its duration, else equal parts of
/// the Period.
struct Spans<'a> {
    runs: Vec<Run>,
    info: &'a Resolved<'a>,
    offset: i64,
    end: Option<Position>,
    run: usize,
    k: u64,
}

impl<'a> Spans<'a> {
    fn new(place: &Place<'_>, info: &'a Resolved<'a>, count: usize) -> Self {
        let (runs, offset) = match (info.timeline, info.duration) {
            (Some(timeline), _) => (runs(place, info, timeline), info.offset(place)),
            (None, duration) => {
                let whole = place.end.map_or(0, |end| end.micros_from(place.start));
                let whole = u64::try_from(info.scale.from_micros(whole)).unwrap_or(0);
                let count = u64::try_from(count).unwrap_or(u64::MAX);
                let duration = duration.unwrap_or_else(|| whole.checked_div(count).unwrap_or(0));
                let run = Run { number: info.start_number, time: 0, duration, count };
                // Without a duration and an end, the length is unknown: each segment gets one tick.
                (alloc::vec![Run { duration: run.duration.max(1), ..run }], place.start.as_micros())
            }
        };
        Self { runs, info, offset, end: place.end, run: 0, k: 0 }
    }

    fn next(&mut self) -> Option<(Position, Position)> {
        let run = loop {
            let run = self.runs.get(self.run)?;
            if self.k < run.count {
                break run;
            }
            self.run += 1;
            self.k = 0;
        };
        let position = |k: u64| {
            let ticks = run.time.saturating_add(k.saturating_mul(run.duration));
            let ticks = i64::try_from(ticks).unwrap_or(i64::MAX);
            Position::from_micros(self.info.scale.to_micros(ticks).saturating_add(self.offset))
        };
        let (start, end) = (position(self.k), position(self.k.saturating_add(1)));
        self.k += 1;
        let end = self.end.map_or(end, |last| end.min(last));
        (start < end).then_some((start, end))
    }
}

/// SegmentBase: an index in the resource. Without one, the resource is one segment; WebM is searched for it.
fn indexed(place: &Place<'_>, info: &Resolved<'_>) -> Addressed {
    let index = match (info.index, info.index_range) {
        (Some(it), _) if it.url.is_some() || it.range.is_some() => part(place, it),
        (_, Some(range)) => resource(place, None, Some(range)),
        _ => return whole(place, info),
    };
    let init = match info.initialization {
        Some(it) => Some(part(place, it)),
        // The bytes before the index are the initialization segment (DASH-IF IOP 4.3, 3.2.1).
        None => index
            .range
            .and_then(|range| range.first.checked_sub(1))
            .map(|last| index.part(Some(ByteRange { first: 0, last: Some(last) }))),
    };
    info.addressed(place, init, SegmentList::indexed(index))
}

fn whole(place: &Place<'_>, info: &Resolved<'_>) -> Addressed {
    if place.webm.is_some() && place.anchor.is_none() {
        let beginning = ByteRange { first: 0, last: Some(BEGINNING - 1) };
        let index = resource(place, None, Some(beginning));
        return info.addressed(place, None, SegmentList::indexed(index));
    }
    let init = info.initialization.map(|it| part(place, it));
    let segments = SegmentList::Listed(one(place, resource(place, None, None), info.start_number));
    info.addressed(place, init, segments)
}

/// One segment for the whole Period.
fn one(place: &Place<'_>, resource: Resource, number: u64) -> Listed {
    let end = place.end.unwrap_or(Position::from_micros(i64::MAX));
    Listed { segments: alloc::vec![segment(number, place.start, end, resource)], complete: true }
}

fn segment(number: u64, start: Position, end: Position, resource: Resource) -> Segment {
    Segment { number, start, end, resource, init: None, timeline: 0, gap: false, available: None }
}

/// An id for a Representation that has no `@id`.
pub(super) fn made_id(index: usize) -> String {
    ["#", &index.to_string()].concat()
}
