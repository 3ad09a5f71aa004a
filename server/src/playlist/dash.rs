//! The MPD (ISO/IEC 23009-1) of a camera: Unix time as presentation time, numbers from the clock.

use super::{bandwidth_bps, of_kind, sap_type};
use crate::package::SOURCE_SCHEME;
use crate::store::{PeriodInfo, RenditionInfo, RenditionKind, Window};
use nearlive::dash::resolve::AUTO_LATENCY_SCOPE;
use nearlive::dash::syntax::{
    AdaptationSet, Common, Descriptor, Early, Latency, Mpd, Period, PlaybackRate,
    ProducerReferenceTime, Representation, S, SegmentInfo, SegmentTemplate, Segments,
    ServiceDescription,
};
use nearlive::dash::write;
use nearlive::time::{Duration, Timescale, WallTime};

const PROFILES: &str = "urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019,\
                        http://www.dashif.org/guidelines/low-latency-live-v5";
/// The latency for players that hold a fixed one. Nearlive's player finds the least latency that
/// the link allows.
const LATENCY: Latency =
    Latency { reference_id: Some(0), target_ms: Some(1000), min_ms: Some(100), max_ms: Some(6000) };
const RATES: PlaybackRate = PlaybackRate { min_permille: Some(950), max_permille: Some(1100) };
/// How often a player that does not follow the segments themselves looks for a new Period.
const UPDATE: Duration = Duration::from_secs(2);
/// A segment can be requested when its first frame exists; earlier requests are held.
const FIRST_CHUNK_US: u64 = 40_000;

/// The MPD. Its addresses are relative to its own (`/{camera}/index.mpd`).
pub fn mpd(window: &Window) -> String {
    let longest = window.periods.iter().map(|p| p.duration_us).max().unwrap_or(1_000_000);
    let mpd = Mpd {
        profiles: PROFILES.into(),
        dynamic: true,
        availability_start: Some(WallTime::from_micros(0)),
        publish_time: window.periods.last().map(published),
        minimum_update_period: Some(UPDATE),
        min_buffer_time: Some(Duration::from_millis(200)),
        time_shift_buffer_depth: Some(window.window.into()),
        // From a quarter of a slot early to half a slot late.
        max_segment_duration: Some(Duration::from_micros(longest + longest * 3 / 4)),
        service_descriptions: vec![
            ServiceDescription {
                id: Some(0),
                latency: Some(LATENCY),
                playback_rate: Some(RATES),
                ..ServiceDescription::default()
            },
            ServiceDescription {
                id: Some(1),
                scopes: vec![Descriptor { scheme: AUTO_LATENCY_SCOPE.into(), value: None }],
                latency: Some(Latency { target_ms: None, ..LATENCY }),
                playback_rate: Some(RATES),
            },
        ],
        periods: window.periods.iter().map(|p| period(window, p)).collect(),
        utc_timings: vec![Descriptor::new("urn:mpeg:dash:utc:http-iso:2014", "../time")],
        ..Mpd::default()
    };
    write::mpd(&mpd)
}

/// Since when the manifest has had its content: since the Period, or the newest segment listed.
fn published(newest: &PeriodInfo) -> WallTime {
    let listed = newest.tracks.iter().filter(|_| newest.listed);
    let ends = listed.filter_map(|t| {
        let last = t.segments.iter().rfind(|s| s.complete)?;
        let ticks = i64::try_from(last.start_ticks + last.duration_ticks).ok()?;
        Some(Timescale::new(t.timescale)?.to_micros(ticks))
    });
    let begun = WallTime::from_millis(signed(newest.ms));
    WallTime::from_micros(ends.fold(begun.as_micros(), i64::max))
}

fn period(window: &Window, info: &PeriodInfo) -> Period {
    let sets = [RenditionKind::Video, RenditionKind::Audio].into_iter().filter_map(|kind| {
        let tracks: Vec<_> = of_kind(window, info, kind).collect();
        (!tracks.is_empty()).then(|| adaptation_set(window, info, kind, &tracks))
    });
    Period {
        id: Some(info.ms.to_string()),
        start: Some(Duration::from_millis(info.ms)),
        adaptation_sets: sets.collect(),
        ..Period::default()
    }
}

fn adaptation_set(
    window: &Window,
    info: &PeriodInfo,
    kind: RenditionKind,
    tracks: &[&RenditionInfo],
) -> AdaptationSet {
    let (id, content, mime) = match kind {
        RenditionKind::Video => ("0", "video", "video/mp4"),
        RenditionKind::Audio => ("1", "audio", "audio/mp4"),
    };
    let timescale = tracks.first().map_or(90_000, |t| t.timescale);
    AdaptationSet {
        id: Some(id.into()),
        content_type: Some(content.into()),
        segment_alignment: Some(true),
        common: Common {
            mime_type: Some(mime.into()),
            start_with_sap: sap_type(tracks.iter().copied()).map(u32::from),
            inband_events: match kind {
                RenditionKind::Video => {
                    vec![Descriptor { scheme: SOURCE_SCHEME.into(), value: None }]
                }
                RenditionKind::Audio => Vec::new(),
            },
            producer_reference_times: vec![ProducerReferenceTime {
                id: 0,
                inband: kind == RenditionKind::Video,
                kind: "captured".into(),
                wall_clock: Some(WallTime::from_millis(signed(info.ms))),
                presentation_time: info.ms * u64::from(timescale) / 1000,
                utc_timing: Some(Descriptor::new("urn:mpeg:dash:utc:http-iso:2014", "../time")),
            }],
            ..Common::default()
        },
        representations: tracks.iter().map(|t| representation(window, info, kind, t)).collect(),
        ..AdaptationSet::default()
    }
}

fn representation(
    window: &Window,
    info: &PeriodInfo,
    kind: RenditionKind,
    track: &RenditionInfo,
) -> Representation {
    let id = window.renditions.get(track.track).map(|r| r.id.clone()).unwrap_or_default();
    let audio = kind == RenditionKind::Audio;
    Representation {
        bandwidth_bps: bandwidth_bps(window, track.track),
        common: Common {
            codecs: Some(track.codec.clone()),
            width: track.size.map(|(w, _)| w),
            height: track.size.map(|(_, h)| h),
            audio_sampling_rate: audio.then_some(track.timescale),
            audio_channels: track
                .channels
                .map(|n| {
                    let scheme = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011";
                    Descriptor::new(scheme, &n.to_string())
                })
                .into_iter()
                .collect(),
            ..Common::default()
        },
        segments: Segments { template: Some(template(info, &id, track)), ..Segments::default() },
        id,
        ..Representation::default()
    }
}

fn template(info: &PeriodInfo, id: &str, track: &RenditionInfo) -> SegmentTemplate {
    let scale = u64::from(track.timescale);
    let mut segments = SegmentInfo {
        timescale: Some(track.timescale),
        presentation_time_offset: Some(info.ms * scale / 1000),
        start_number: Some(info.first_number),
        ..SegmentInfo::default()
    };
    if info.listed {
        let whole = track.segments.iter().filter(|s| s.complete);
        segments.start_number = whole.clone().next().map(|s| s.number).or(Some(info.first_number));
        segments.timeline = Some(
            whole
                .map(|s| S { t: Some(s.start_ticks), d: s.duration_ticks, ..S::default() })
                .collect(),
        );
    } else {
        let early = info.duration_us.saturating_sub(FIRST_CHUNK_US);
        segments.duration = Some(info.duration_us * scale / 1_000_000);
        segments.early = Early { offset_us: i64::try_from(early).ok(), complete: Some(false) };
    }
    SegmentTemplate {
        media: Some(format!("{}/{id}/$Number$.m4s", info.ms)),
        initialization: Some(format!("{}/{id}/init.mp4", info.ms)),
        info: segments,
    }
}

fn signed(ms: u64) -> i64 {
    i64::try_from(ms).unwrap_or(i64::MAX)
}
