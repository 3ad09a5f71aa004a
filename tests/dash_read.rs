//! Reading MPDs: what is written is read back, what is wrong is said with its place, and what is
//! hostile costs nothing.

use nearlive::dash::syntax::{
    AdaptationSet, BaseUrl, Common, Descriptor, Early, Label, Latency, Mpd, Period, PlaybackRate,
    ProducerReferenceTime, Representation, Resync, S, SegmentInfo, SegmentList, SegmentTemplate,
    Segments, ServiceDescription, UrlRange,
};
use nearlive::dash::{read, write};
use nearlive::presentation::Error;
use nearlive::time::Duration;
use nearlive::time::WallTime;
use nearlive::units::{ByteRange, FrameRate};
use std::num::NonZeroU32;

fn early(offset_us: i64, complete: bool) -> Early {
    Early { offset_us: Some(offset_us), complete: Some(complete) }
}

fn base_url(n: i64) -> BaseUrl {
    BaseUrl {
        url: format!("https://cdn{n}.example/a%20b/?q=1&r=<2>"),
        service_location: Some("a \"b\"\n".into()),
        early: early(-1_500_001, false),
    }
}

fn bytes(first: u64, last: Option<u64>) -> Option<ByteRange> {
    Some(ByteRange { first, last })
}

fn info() -> SegmentInfo {
    SegmentInfo {
        timescale: Some(90_000),
        presentation_time_offset: Some(u64::MAX),
        early: early(i64::MAX, true),
        index_range: bytes(0, Some(99)),
        duration: Some(180_000),
        start_number: Some(0),
        end_number: Some(7),
        initialization: Some(UrlRange { url: Some("i.mp4".into()), range: bytes(3, Some(3)) }),
        representation_index: Some(UrlRange { url: None, range: bytes(100, None) }),
        timeline: Some(vec![
            S { t: Some(0), n: Some(4), d: 1, r: -1 },
            S::run(180_000, 10),
            S { t: Some(u64::MAX), n: None, d: u64::MAX, r: i64::MAX },
        ]),
    }
}

fn segments() -> Segments {
    Segments {
        base: Some(SegmentInfo { duration: None, timeline: None, ..info() }),
        list: Some(SegmentList {
            urls: vec![
                UrlRange { url: Some("1.m4s".into()), range: None },
                UrlRange { url: None, range: bytes(5, Some(9)) },
            ],
            info: info(),
        }),
        template: Some(SegmentTemplate {
            media: Some("$RepresentationID$/$Number%05d$.m4s".into()),
            initialization: Some("$RepresentationID$/init.mp4".into()),
            info: info(),
        }),
    }
}

fn descriptors(scheme: &str) -> Vec<Descriptor> {
    vec![Descriptor::new(scheme, "a"), Descriptor { scheme: scheme.into(), value: None }]
}

fn common(n: u32) -> Common {
    Common {
        mime_type: Some("video/mp4".into()),
        codecs: Some("avc1.64001f,mp4a.40.2".into()),
        profiles: Some("p".into()),
        width: Some(1280 + n),
        height: Some(720),
        sar: Some("1:1".into()),
        frame_rate: Some(FrameRate {
            frames: 30_000,
            seconds: NonZeroU32::MIN.saturating_add(1000),
        }),
        audio_sampling_rate: Some(48_000),
        start_with_sap: Some(1),
        audio_channels: descriptors("urn:channels"),
        content_protection: descriptors("urn:protection"),
        essential: descriptors("urn:essential"),
        supplemental: descriptors("urn:supplemental"),
        inband_events: descriptors("urn:events"),
        labels: vec![Label { language: Some("de".into()), text: "Tür & Tor".into() }],
        producer_reference_times: vec![ProducerReferenceTime {
            id: 3,
            inband: true,
            kind: "captured".into(),
            wall_clock: Some(WallTime::from_micros(1_795_492_800_123_456)),
            presentation_time: 77,
            utc_timing: Some(Descriptor::new("urn:utc", "x")),
        }],
        resyncs: vec![Resync {
            kind: Some(2),
            dt: Some(3600),
            dimax_millionths: Some(25_000),
            dimin_millionths: Some(1),
            marker: Some(true),
        }],
    }
}

/// Every field set, to something that differs from every default.
fn everything() -> Mpd {
    let representation = |n| Representation {
        id: format!("v{n}"),
        bandwidth_bps: 1_000_000 * u64::from(n),
        dependency_id: Some("v0".into()),
        common: common(n),
        base_urls: vec![base_url(4)],
        segments: segments(),
    };
    let set = AdaptationSet {
        id: Some("1".into()),
        content_type: Some("video".into()),
        language: Some("en".into()),
        segment_alignment: Some(true),
        // The reader skips these.
        subsegment_alignment: None,
        subsegment_starts_with_sap: None,
        selection_priority: Some(2),
        common: common(0),
        accessibility: descriptors("urn:accessibility"),
        roles: descriptors("urn:role"),
        base_urls: vec![base_url(3)],
        segments: segments(),
        representations: vec![representation(1), representation(2)],
    };
    Mpd {
        id: Some("m".into()),
        profiles: "urn:mpeg:dash:profile:isoff-live:2011".into(),
        dynamic: true,
        availability_start: Some(WallTime::default()),
        availability_end: Some(WallTime::from_micros(-1)),
        publish_time: Some(WallTime::from_millis(1_795_492_800_040)),
        duration: Some(Duration::from_micros(1)),
        minimum_update_period: Some(Duration::ZERO),
        min_buffer_time: Some(Duration::from_millis(1500)),
        time_shift_buffer_depth: Some(Duration::from_secs(86_400)),
        suggested_presentation_delay: Some(Duration::from_millis(3)),
        max_segment_duration: Some(Duration::from_secs(2)),
        base_urls: vec![base_url(1), base_url(2)],
        locations: vec!["https://a/".into(), "b.mpd".into()],
        service_descriptions: vec![ServiceDescription {
            id: Some(9),
            scopes: descriptors("urn:scope"),
            latency: Some(Latency {
                reference_id: Some(3),
                target_ms: Some(300),
                min_ms: Some(100),
                max_ms: Some(3000),
            }),
            playback_rate: Some(PlaybackRate { min_permille: Some(950), max_permille: Some(1100) }),
        }],
        periods: vec![
            Period {
                id: Some("p".into()),
                start: Some(Duration::from_secs(1_795_492_800)),
                duration: Some(Duration::from_secs(5)),
                remote: None,
                base_urls: vec![base_url(2)],
                segments: segments(),
                adaptation_sets: vec![set],
            },
            Period { remote: Some("https://ads/".into()), ..Period::default() },
        ],
        utc_timings: descriptors("urn:mpeg:dash:utc:http-iso:2014"),
    }
}

#[test]
fn everything_written_is_read_back() {
    for mpd in [everything(), Mpd::default()] {
        let text = write::mpd(&mpd);
        assert_eq!(read::mpd(text.as_bytes()).as_ref(), Ok(&mpd), "{text}");
    }
}

#[test]
fn prefixes_entities_comments_and_unknown_things_do_not_matter() {
    let text = "\u{feff}<?xml version='1.0'?><!DOCTYPE MPD [<!ENTITY a 'b'>]><!-- hello -->
        <d:MPD xmlns:d='urn:mpeg:dash:schema:mpd:2011' type='dynamic' d:foo='1' mediaPresentationDuration=' PT1S '>
          <d:ProgramInformation><d:Title>x</d:Title><d:BaseURL>not this</d:BaseURL></d:ProgramInformation>
          <d:BaseURL> http://h/&#x41;&amp;<![CDATA[<b>]]><x>no</x> </d:BaseURL>
          <d:Period/>
        </d:MPD> trailing";
    let mpd = read::mpd(text.as_bytes()).unwrap();
    assert!(mpd.dynamic);
    assert_eq!(mpd.duration, Some(Duration::from_secs(1)));
    assert_eq!(mpd.base_urls.len(), 1);
    assert_eq!(mpd.base_urls[0].url, "http://h/A&<b>");
    assert_eq!(mpd.periods, [Period::default()]);
}

#[test]
fn descriptions_that_make_no_sense_are_dropped() {
    let text = r#"<MPD minBufferTime="soon"><Period><AdaptationSet segmentAlignment="2" frameRate="25/0"
        ><Representation id="1" bandwidth="many" width="-1" frameRate="29.97"/></AdaptationSet></Period></MPD>"#;
    let mpd = read::mpd(text.as_bytes()).unwrap();
    let set = &mpd.periods[0].adaptation_sets[0];
    assert_eq!(
        (mpd.min_buffer_time, set.segment_alignment, set.common.frame_rate),
        (None, None, None)
    );
    let representation = &set.representations[0];
    assert_eq!((representation.bandwidth_bps, representation.common.width), (0, None));
    let rate = representation.common.frame_rate.unwrap();
    assert_eq!((rate.frames, rate.seconds.get()), (29_970, 1000));
}

#[test]
fn errors_say_where_what_and_what_was_expected() {
    let template = |inside: &str| {
        format!(
            "<MPD>\n <Period>\n  <AdaptationSet>\n   <SegmentTemplate {inside}/></AdaptationSet></Period></MPD>"
        )
    };
    let at_template = "MPD/Period/AdaptationSet/SegmentTemplate";
    let cases: [(String, u32, &str, &str); 12] = [
        (String::new(), 1, "top of the document", "there is no <MPD>"),
        (
            "<html><body>404</body></html>".into(),
            1,
            "html",
            "<html> was found, an MPD begins with <MPD>",
        ),
        ("#EXTM3U".into(), 1, "top of the document", "there is no <MPD>"),
        ("<MPD>\n<Period>".into(), 2, "MPD/Period", "not closed"),
        ("<MPD>\n</Period>".into(), 2, "MPD", "a tag does not fit the element"),
        ("<MPD id='&bomb;'/>".into(), 1, "MPD", "begins no entity"),
        ("<MPD><BaseURL>&bomb;</BaseURL></MPD>".into(), 1, "MPD/BaseURL", "entity"),
        (
            "<MPD mediaPresentationDuration='5'/>".into(),
            1,
            "MPD",
            "@mediaPresentationDuration is \"5\", expected a duration like PT2.5S",
        ),
        (
            template("timescale='fast'"),
            4,
            at_template,
            "@timescale is \"fast\", expected ticks in a second",
        ),
        (template("availabilityTimeOffset='x'"), 4, at_template, "expected seconds or INF"),
        (template("indexRange='9-1'"), 4, at_template, "expected a byte range like 0-99"),
        (format!("<MPD>{}", "<x>".repeat(100)), 1, "MPD/x", "nested too deeply"),
    ];
    for (text, line, place, problem) in cases {
        match read::mpd(text.as_bytes()) {
            Err(Error::Syntax { line: l, place: p, problem: q, offset }) => {
                assert_eq!((l, p.as_str()), (line, place), "{text}: {q}");
                assert!(q.contains(problem), "{text}: {q}");
                assert!(offset <= text.len());
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn bytes_that_are_no_utf8_are_read_as_far_as_they_go() {
    let mpd = read::mpd(b"<MPD id='M\xfcller'><Period/></MPD>").unwrap();
    assert_eq!(mpd.id.as_deref(), Some("M\u{fffd}ller"));
}
