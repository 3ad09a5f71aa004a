//! What a newer MPD changes in the model (23009-1 5.4): never older, and positions never go back.
//!
//! - An MPD that was published before the one known comes from a cache that lags: it is not taken,
//!   unless the difference is so large that the origin's clock must have been set.
//! - `availabilityStartTime` must not change (5.4.1), but an encoder that is started again (ffmpeg)
//!   writes a new one and begins at zero. Its presentation is moved along the timeline by the
//!   difference, so that wall-clock time and positions keep their relation, and its Periods get ids of
//!   their own. A small change, or one under which the listed times go on, is taken as it is.
//! - With `$Time$` addresses many packagers number the segments of each MPD from 1. Equal times keep
//!   the numbers that they had.

use crate::presentation::{Kind, Mapping, Period, Presentation, SegmentList, Timeline};
use crate::time::WallTime;
use alloc::string::ToString;
use core::time::Duration;

/// An older MPD than this is not a cache's.
const OLDEST_COPY: Duration = Duration::from_secs(60);
/// Packagers that compute `availabilityStartTime` anew each time are off by less, microseconds.
const JITTER_US: u64 = 1_000_000;

/// The model after `new` was loaded where `old` was known.
pub fn update(old: &Presentation, mut new: Presentation) -> Presentation {
    if let (Some(before), Some(now)) = (old.published, new.published)
        && now < before
        && before.since(now) < OLDEST_COPY
    {
        return old.clone();
    }
    if let (Some(before), Some(now)) = (anchor(old), anchor(&new))
        && before != now
        && !(now.micros_from(before).unsigned_abs() <= JITTER_US || goes_on(old, &new))
    {
        shift(&mut new, now.micros_from(before), now);
    }
    renumber(old, &mut new);
    new
}

fn anchor(presentation: &Presentation) -> Option<WallTime> {
    match &presentation.kind {
        Kind::Live(live) => live.anchor,
        Kind::OnDemand { .. } => None,
    }
}

/// The timelines of two models of one Representation.
fn pairs<'a>(
    old: &'a Presentation,
    new: &'a Presentation,
) -> impl Iterator<Item = (&'a Timeline, &'a Timeline)> {
    new.periods.iter().filter_map(|p| Some((find(old, p)?, p))).flat_map(|(before, now)| {
        let all = now.tracks.iter().flat_map(|track| &track.representations);
        all.filter_map(|r| Some((timeline(before, &r.id)?, as_timeline(&r.segments)?)))
    })
}

fn find<'a>(presentation: &'a Presentation, period: &Period) -> Option<&'a Period> {
    presentation.periods.iter().find(|p| p.id == period.id)
}

fn timeline<'a>(period: &'a Period, representation: &str) -> Option<&'a Timeline> {
    let mut all = period.tracks.iter().flat_map(|track| &track.representations);
    as_timeline(&all.find(|r| r.id == representation)?.segments)
}

const fn as_timeline(segments: &SegmentList) -> Option<&Timeline> {
    match segments {
        SegmentList::Timeline(timeline) => Some(timeline),
        _ => None,
    }
}

/// The listed times begin inside of what was known, and do not end before it.
fn goes_on(old: &Presentation, new: &Presentation) -> bool {
    pairs(old, new).next().is_some_and(|(before, now)| {
        let ends = |t: &Timeline| t.runs.last().map(|run| run.end());
        let begins = now.runs.first().map(|run| run.time);
        now.scale == before.scale && ends(now) >= ends(before) && begins <= ends(before)
    })
}

/// Moves all positions by `us`, and what maps wall-clock time to them against it.
fn shift(presentation: &mut Presentation, us: i64, stated: WallTime) {
    let back = us.saturating_neg();
    if let Kind::Live(live) = &mut presentation.kind {
        live.anchor = live.anchor.map(|anchor| anchor.offset(back));
    }
    let clock =
        |clock: Option<(WallTime, i64)>| clock.map(|(anchor, early)| (anchor.offset(back), early));
    for period in &mut presentation.periods {
        period.id = [&period.id, "@", &stated.as_millis().to_string()].concat();
        period.start = period.start.offset(us);
        period.end = period.end.map(|end| end.offset(us));
        for representation in period.tracks.iter_mut().flat_map(|track| &mut track.representations)
        {
            if let Mapping::Offset(offset) = &mut representation.mapping {
                *offset = offset.saturating_add(us);
            }
            match &mut representation.segments {
                SegmentList::Numbered(numbered) => {
                    numbered.origin = numbered.origin.offset(us);
                    numbered.end = numbered.end.map(|end| end.offset(us));
                    numbered.clock = clock(numbered.clock);
                }
                SegmentList::Timeline(timeline) => {
                    timeline.offset = timeline.offset.saturating_add(us);
                    timeline.end = timeline.end.map(|end| end.offset(us));
                    timeline.clock = clock(timeline.clock);
                }
                SegmentList::Listed(listed) => {
                    for segment in &mut listed.segments {
                        segment.start = segment.start.offset(us);
                        segment.end = segment.end.offset(us);
                    }
                }
                SegmentList::Indexed { .. } | SegmentList::Playlist { .. } => {}
            }
        }
    }
}

fn renumber(old: &Presentation, new: &mut Presentation) {
    for period in &mut new.periods {
        let Some(before) = find(old, period) else { continue };
        for representation in period.tracks.iter_mut().flat_map(|track| &mut track.representations)
        {
            let known = timeline(before, &representation.id);
            if let (Some(known), SegmentList::Timeline(timeline)) =
                (known, &mut representation.segments)
                && !timeline.template.names_number()
                && timeline.scale == known.scale
            {
                keep_numbers(known, timeline);
            }
        }
    }
}

fn keep_numbers(known: &Timeline, timeline: &mut Timeline) {
    let Some(first) = timeline.runs.first() else { return };
    let next = known.runs.partition_point(|run| run.time <= first.time);
    let Some(run) = next.checked_sub(1).and_then(|i| known.runs.get(i)) else { return };
    let into = first.time.saturating_sub(run.time).checked_div(run.duration).unwrap_or(0);
    // Beyond what was known, the number goes on after the last.
    let number = run.number.saturating_add(into.min(run.count));
    let (up, down) = (number.saturating_sub(first.number), first.number.saturating_sub(number));
    for run in &mut timeline.runs {
        run.number = run.number.saturating_add(up).saturating_sub(down);
    }
}
