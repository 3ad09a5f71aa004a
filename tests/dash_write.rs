//! The MPD text that the writer makes of a camera's live presentation, letter by letter.

use nearlive::dash::syntax::{
    AdaptationSet, BaseUrl, Common, Descriptor, Early, Latency, Mpd, Period, PlaybackRate,
    ProducerReferenceTime, Representation, Resync, S, SegmentInfo, SegmentTemplate, Segments,
    ServiceDescription,
};
use nearlive::dash::write;
use nearlive::time::Duration;
use nearlive::time::WallTime;
use nearlive::units::FrameRate;
use std::num::NonZeroU32;

fn camera() -> Mpd {
    let video = Representation {
        id: "high".into(),
        bandwidth_bps: 2_000_000,
        common: Common {
            codecs: Some("avc1.64001f".into()),
            width: Some(1280),
            height: Some(720),
            frame_rate: Some(FrameRate { frames: 25, seconds: NonZeroU32::MIN }),
            ..Common::default()
        },
        ..Representation::default()
    };
    let set = AdaptationSet {
        id: Some("0".into()),
        content_type: Some("video".into()),
        segment_alignment: Some(true),
        common: Common {
            mime_type: Some("video/mp4".into()),
            start_with_sap: Some(1),
            producer_reference_times: vec![ProducerReferenceTime {
                id: 0,
                inband: true,
                kind: "encoder".into(),
                wall_clock: Some(WallTime::from_millis(1_795_492_800_000)),
                presentation_time: 161_594_352_000_000,
                utc_timing: None,
            }],
            resyncs: vec![Resync { kind: Some(0), dt: Some(3600), ..Resync::default() }],
            ..Common::default()
        },
        roles: vec![Descriptor::new("urn:mpeg:dash:role:2011", "main")],
        segments: Segments {
            template: Some(SegmentTemplate {
                media: Some("1795492800000/$RepresentationID$/$Number$.m4s".into()),
                initialization: Some("1795492800000/$RepresentationID$/init.mp4".into()),
                info: SegmentInfo {
                    timescale: Some(90_000),
                    presentation_time_offset: Some(161_594_352_000_000),
                    early: Early { offset_us: Some(960_000), complete: Some(false) },
                    duration: Some(90_000),
                    start_number: Some(1_795_492_800),
                    ..SegmentInfo::default()
                },
            }),
            ..Segments::default()
        },
        representations: vec![video],
        ..AdaptationSet::default()
    };
    Mpd {
        profiles: "urn:mpeg:dash:profile:isoff-live:2011".into(),
        dynamic: true,
        availability_start: Some(WallTime::default()),
        publish_time: Some(WallTime::from_millis(1_795_492_800_040)),
        minimum_update_period: Some(Duration::from_secs(5)),
        min_buffer_time: Some(Duration::from_millis(500)),
        time_shift_buffer_depth: Some(Duration::from_secs(30)),
        service_descriptions: vec![ServiceDescription {
            id: Some(0),
            latency: Some(Latency {
                target_ms: Some(300),
                max_ms: Some(3000),
                ..Latency::default()
            }),
            playback_rate: Some(PlaybackRate { min_permille: Some(950), max_permille: Some(1100) }),
            ..ServiceDescription::default()
        }],
        periods: vec![Period {
            id: Some("1795492800000".into()),
            start: Some(Duration::from_secs(1_795_492_800)),
            adaptation_sets: vec![set],
            ..Period::default()
        }],
        utc_timings: vec![Descriptor::new("urn:mpeg:dash:utc:http-xsdate:2014", "/time?a=1&b=2")],
        ..Mpd::default()
    }
}

#[test]
fn a_cameras_mpd_is_written_in_the_order_of_the_schema() {
    let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z" publishTime="2026-11-24T04:00:00.040Z" minimumUpdatePeriod="PT5S" minBufferTime="PT0.5S" timeShiftBufferDepth="PT30S">
  <ServiceDescription id="0">
    <Latency target="300" max="3000"/>
    <PlaybackRate min="0.95" max="1.1"/>
  </ServiceDescription>
  <Period id="1795492800000" start="PT1795492800S">
    <AdaptationSet id="0" contentType="video" segmentAlignment="true" mimeType="video/mp4" startWithSAP="1">
      <ProducerReferenceTime id="0" inband="true" type="encoder" wallClockTime="2026-11-24T04:00:00Z" presentationTime="161594352000000"/>
      <Resync type="0" dT="3600"/>
      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
      <SegmentTemplate media="1795492800000/$RepresentationID$/$Number$.m4s" initialization="1795492800000/$RepresentationID$/init.mp4" timescale="90000" presentationTimeOffset="161594352000000" availabilityTimeOffset="0.96" availabilityTimeComplete="false" duration="90000" startNumber="1795492800"/>
      <Representation id="high" bandwidth="2000000" codecs="avc1.64001f" width="1280" height="720" frameRate="25"/>
    </AdaptationSet>
  </Period>
  <UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-xsdate:2014" value="/time?a=1&amp;b=2"/>
</MPD>
"#;
    assert_eq!(write::mpd(&camera()), expected);
}

#[test]
fn texts_are_escaped_and_timelines_written_in_runs() {
    let info = SegmentInfo {
        timeline: Some(vec![S { t: Some(10), ..S::run(90, 3) }, S::run(45, 1)]),
        early: Early { offset_us: Some(i64::MAX), complete: None },
        ..SegmentInfo::default()
    };
    let mpd = Mpd {
        base_urls: vec![BaseUrl { url: "http://h/<\"&\u{1}>/".into(), ..BaseUrl::default() }],
        periods: vec![Period {
            segments: Segments {
                template: Some(SegmentTemplate { info, ..SegmentTemplate::default() }),
                ..Segments::default()
            },
            ..Period::default()
        }],
        ..Mpd::default()
    };
    let text = write::mpd(&mpd);
    for expected in [
        "<BaseURL>http://h/&lt;&quot;&amp;\u{fffd}&gt;/</BaseURL>",
        "<SegmentTemplate availabilityTimeOffset=\"INF\">",
        "<S t=\"10\" d=\"90\" r=\"2\"/>",
        "<S d=\"45\"/>",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
}
