//! Syntax to model: Periods and their times, clocks, the operator's latency and rates (23009-1
//! 5.3.1, 5.3.2.1, 5.8.4.11, annexes A.3 and K). Sets become tracks in `sets`, segment information
//! becomes addresses in `addressing`.
//!
//! Every number may be hostile: sums saturate, and the expansion of a document is bounded.

use super::addressing::{Budget, Level};
use super::sets::{self, Dropped, Span};
use super::syntax::{Mpd, Period as Written, ServiceDescription};
use crate::media::text::cut;
use crate::presentation::date::parse_date_time;
use crate::presentation::{
    ClockSource, Error, Kind, Live, Period, Presentation, Refresh, Service, url,
};
use crate::time::{Duration, Position};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// An MPD is not reloaded more often than this, whatever it says.
const FASTEST_REFRESH: Duration = Duration::from_millis(250);
/// How often it is reloaded at most where it does not say that itself.
const LEAST_REFRESH: Duration = Duration::from_secs(1);
/// Events inside the media that can say "the MPD has changed" (23009-1 5.10.4).
pub(crate) const MPD_EVENTS: &str = "urn:mpeg:dash:event:2012";

/// The presentation of an MPD that was loaded from `manifest_url`.
pub fn resolve(mpd: &Mpd, manifest_url: &str) -> Result<Presentation, Error> {
    // A dynamic MPD must have a start time (5.3.1.2); without one, 1970 is the best guess.
    let anchor = mpd.dynamic.then(|| mpd.availability_start.unwrap_or_default());
    let level = Level::new(manifest_url).descend(&mpd.base_urls);
    let mut budget = Budget::new();
    let mut dropped = Dropped::default();
    let mut periods = Vec::new();
    let spans = spans(mpd);
    for (written, (start, end, followed)) in mpd.periods.iter().zip(spans) {
        let Some(start) = start else { continue };
        if end.is_some_and(|end| end <= start) {
            continue;
        }
        let span = Span { start, end, closed: followed || !mpd.dynamic, anchor };
        let tracks = sets::tracks(written, &span, &level, &mut budget, &mut dropped)?;
        if !tracks.is_empty() {
            let id = match &written.id {
                Some(id) => id.clone(),
                None => ["@", &start.as_micros().to_string()].concat(),
            };
            periods.push(Period { id, start, end, tracks });
        }
    }
    if periods.is_empty() {
        return Err(nothing(mpd, &dropped));
    }
    let refresh = refresh(mpd, &periods);
    let kind = match anchor {
        None => Kind::OnDemand { duration: length(mpd, &periods) },
        Some(anchor) => Kind::Live(Live {
            anchor: Some(anchor),
            time_shift: mpd.time_shift_buffer_depth.map(|depth| depth.max(least_depth(&periods))),
            suggested_delay: mpd.suggested_presentation_delay,
        }),
    };
    Ok(Presentation {
        kind,
        periods,
        refresh,
        location: mpd.locations.first().map(|location| url::resolve(manifest_url, location)),
        clocks: clocks(mpd, manifest_url),
        service: service(mpd),
    })
}

/// Start, end, and whether another Period follows, for each Period; no start for one that is only
/// announced (5.3.2.1, "early available").
fn spans(mpd: &Mpd) -> Vec<(Option<Position>, Option<Position>, bool)> {
    let mut starts = Vec::with_capacity(mpd.periods.len());
    // Where no Period says when it starts, the first one has begun (GStreamer's `dashsink`).
    let announced = mpd.dynamic && mpd.periods.iter().any(|period| period.start.is_some());
    let mut expected = (!announced).then(Position::default);
    for period in &mpd.periods {
        let start = period.start.map(|start| Position::default() + start).or(expected);
        expected = start.zip(period.duration).map(|(start, length)| start + length);
        starts.push(start);
    }
    let first = starts.iter().flatten().next().copied().unwrap_or_default();
    let end_of_all = mpd.duration.map(|length| {
        // The duration counts from the start of the first Period; packagers that close a live
        // presentation count from zero. Only the right one is after the last Period's start.
        let from_zero = Position::default() + length;
        let last = starts.iter().flatten().last().copied().unwrap_or_default();
        if from_zero > last { from_zero } else { first + length }
    });
    // Backwards, so that the start of the next Period is known.
    let mut next = end_of_all;
    let mut ends = Vec::with_capacity(starts.len());
    for (period, start) in mpd.periods.iter().zip(&starts).rev() {
        let own = start.zip(period.duration).map(|(start, length)| start + length);
        ends.push(match (own, next) {
            (Some(own), Some(next)) => Some(own.min(next)),
            (own, next) => own.or(next),
        });
        next = start.or(next);
    }
    ends.reverse();
    let last_known = starts.iter().rposition(Option::is_some);
    let followed = |i| last_known.is_some_and(|last| i < last);
    starts
        .iter()
        .zip(ends)
        .enumerate()
        .map(|(i, (start, end))| (*start, end, followed(i)))
        .collect()
}

fn length(mpd: &Mpd, periods: &[Period]) -> Option<Duration> {
    let start = periods.first()?.start;
    let end = periods.last()?.end;
    end.map(|end| end.since(start)).or(mpd.duration)
}

fn refresh(mpd: &Mpd, periods: &[Period]) -> Refresh {
    match mpd.minimum_update_period {
        _ if !mpd.dynamic => Refresh::Never,
        // Without a period between updates there are none. But `dashsink` writes one MPD after another, each
        // with the length so far.
        None if mpd.duration.is_some() => {
            Refresh::Every(longest_segment(periods).max(LEAST_REFRESH))
        }
        None => Refresh::Never,
        Some(Duration::ZERO) => {
            let sets = mpd.periods.iter().flat_map(|period: &Written| &period.adaptation_sets);
            let mut all = sets.flat_map(|set| {
                let own = set.common.inband_events.iter();
                own.chain(set.representations.iter().flat_map(|r| &r.common.inband_events))
            });
            if all.any(|events| events.scheme.starts_with(MPD_EVENTS)) {
                Refresh::OnEvent
            } else {
                // Zero means that the MPD may change at any time. Without events, reload it once
                // per segment.
                Refresh::Every(longest_segment(periods).max(LEAST_REFRESH))
            }
        }
        Some(period) => Refresh::Every(period.max(FASTEST_REFRESH)),
    }
}

/// A segment is available until the depth and its own duration have passed since its end (A.3.2).
/// So even with a depth of zero, which ffmpeg writes at first, one segment behind the newest is
/// left.
fn least_depth(periods: &[Period]) -> Duration {
    longest_segment(periods) * 2
}

/// The longest segment of any track ([`SegmentList::longest`](crate::presentation::SegmentList::longest)), as far as
/// lengths are known without loading more; else zero.
fn longest_segment(periods: &[Period]) -> Duration {
    let tracks = periods.iter().flat_map(|period| &period.tracks);
    let all = tracks.flat_map(|track| &track.representations);
    let each = all.map(|representation| representation.segments.longest());
    each.max().unwrap_or_default()
}

fn clocks(mpd: &Mpd, manifest_url: &str) -> Vec<ClockSource> {
    let mut clocks = Vec::new();
    let mut direct = Vec::new();
    for timing in &mpd.utc_timings {
        let value = timing.value.as_deref().unwrap_or("");
        let Some(scheme) = timing.scheme.strip_prefix("urn:mpeg:dash:utc:") else { continue };
        let urls = || value.split_ascii_whitespace().map(|one| url::resolve(manifest_url, one));
        match cut(scheme, b":").0 {
            "http-iso" | "http-xsdate" => clocks.extend(urls().map(ClockSource::HttpIso)),
            "http-head" => clocks.extend(urls().map(ClockSource::HttpHead)),
            "direct" => direct.extend(parse_date_time(value).map(ClockSource::Direct)),
            _ => {}
        }
    }
    // `direct` is when the MPD was made, older by caching and transfer: so it comes last.
    clocks.append(&mut direct);
    clocks
}

/// The scope (ISO/IEC 23009-1 K.3) of a ServiceDescription for players that find the least latency
/// that the link allows: it bounds the latency and names no target.
pub const AUTO_LATENCY_SCOPE: &str = "urn:nearlive:latency:auto:2026";

fn service(mpd: &Mpd) -> Service {
    // First one for our scope, then one without a scope (for everybody), then any.
    let all = &mpd.service_descriptions;
    let ours = |s: &&ServiceDescription| s.scopes.iter().any(|d| d.scheme == AUTO_LATENCY_SCOPE);
    let chosen = all.iter().find(ours).or_else(|| all.iter().find(|s| s.scopes.is_empty()));
    let Some(chosen) = chosen.or_else(|| all.first()) else {
        return Service::default();
    };
    let latency = chosen.latency.unwrap_or_default();
    let rate = chosen.playback_rate.unwrap_or_default();
    let ms = |ms: Option<u32>| ms.map(|ms| Duration::from_millis(u64::from(ms)));
    Service {
        target_latency: ms(latency.target_ms),
        min_latency: ms(latency.min_ms),
        max_latency: ms(latency.max_ms),
        min_rate_permille: rate.min_permille,
        max_rate_permille: rate.max_permille,
    }
}

/// The reason why nothing can be played, most helpful first.
fn nothing(mpd: &Mpd, dropped: &Dropped) -> Error {
    if dropped.encrypted {
        return Error::NotYet("the media is encrypted (ContentProtection)".into());
    }
    if let Some(scheme) = &dropped.essential {
        let known: String = crate::presentation::excerpt(scheme).into();
        return Error::NotYet(["the MPD demands support for ", &known].concat());
    }
    if mpd.periods.iter().any(|period| period.remote.is_some()) {
        return Error::NotYet("Periods that stand in other documents (xlink)".into());
    }
    let why = match (mpd.periods.as_slice(), dropped.unaddressed) {
        ([], _) => "the MPD has no Period",
        (_, true) => "no SegmentTemplate has a @media",
        _ => "no Period has an AdaptationSet with video, audio or text that has begun",
    };
    Error::NothingToPlay(why.into())
}
