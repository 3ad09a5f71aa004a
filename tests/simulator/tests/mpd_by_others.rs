//! What our MPDs say to a reader that is not ours: dash-mpd-core, the one of the crate dash-mpd.
//!
//! With NEARLIVE_MPDS=folder each is written there as well, to be checked against ISO's schema:
//! `xmllint --noout --schema DASH-MPD.xsd folder/*.mpd`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod oracle_support;

use dash_mpd_core as theirs;
use nearlive::dash::syntax as ours;
use nearlive::dash::{read, write};
use nearlive::time::Duration;
use nearlive::units::ByteRange;
use nearlive_server::playlist;
use nearlive_simulator::origin::packaged::{MPD, PackagedServer};

/// Lines that say the same where two readers have read the same.
#[derive(Default)]
struct Said(Vec<String>);

impl Said {
    fn line(&mut self, what: &str, value: impl std::fmt::Debug) {
        self.0.push(format!("{what}: {value:?}"));
    }
}

fn of_theirs(mpd: &theirs::MPD) -> Vec<String> {
    let mut said = Said::default();
    let micros = |t: &Option<theirs::XsDatetime>| t.map(|t| t.timestamp_micros());
    said.line("dynamic", mpd.mpdtype.as_deref() == Some("dynamic"));
    said.line("profiles", mpd.profiles.as_deref().unwrap_or_default());
    said.line("available", micros(&mpd.availabilityStartTime));
    said.line("published", micros(&mpd.publishTime));
    said.line("lasts", mpd.mediaPresentationDuration.map(Duration::from));
    said.line("update", mpd.minimumUpdatePeriod.map(Duration::from));
    said.line("buffer", mpd.minBufferTime.map(Duration::from));
    said.line("depth", mpd.timeShiftBufferDepth.map(Duration::from));
    said.line("longest", mpd.maxSegmentDuration.map(Duration::from));
    for service in &mpd.ServiceDescription {
        said.line("service", &service.id);
        said.line("scopes", service.scopes.iter().map(|s| &s.schemeIdUri).collect::<Vec<_>>());
        let latency = service.Latency.first().map(|l| (l.target, l.min, l.max));
        said.line("latency", latency);
        said.line("rates", service.PlaybackRate.first().map(|r| (r.min, r.max)));
    }
    for timing in &mpd.UTCTiming {
        said.line("clock", (&timing.schemeIdUri, &timing.value));
    }
    for period in &mpd.periods {
        said.line(
            "Period",
            (&period.id, period.start.map(Duration::from), period.duration.map(Duration::from)),
        );
        for set in &period.adaptations {
            said.line("set", (&set.id, &set.contentType, set.segmentAlignment));
            said.line("type", (&set.mimeType, set.startWithSAP));
            let events = set.InbandEventStream.iter().map(|e| &e.schemeIdUri);
            said.line("events", events.collect::<Vec<_>>());
            for time in &set.ProducerReferenceTime {
                said.line("producer", (time.id.as_deref(), time.inband, time.prtType.as_deref()));
                said.line("at", (time.presentationTime, micros(&time.wallClockTime)));
                said.line("by", time.UTCTiming.as_ref().map(|t| (&t.schemeIdUri, &t.value)));
            }
            for one in &set.representations {
                said.line("representation", (one.id.as_deref(), one.bandwidth, &one.codecs));
                said.line("size", (one.width, one.height, &one.audioSamplingRate));
                let channels = one.AudioChannelConfiguration.iter();
                said.line(
                    "channels",
                    channels.map(|c| (&c.schemeIdUri, &c.value)).collect::<Vec<_>>(),
                );
                of_their_segments(one, &mut said);
            }
        }
    }
    said.0
}

fn of_their_segments(one: &theirs::Representation, said: &mut Said) {
    if let Some(t) = &one.SegmentTemplate {
        said.line("template", (&t.media, &t.initialization, t.timescale));
        said.line("numbers", (t.startNumber, t.duration, t.presentationTimeOffset));
        said.line("early", (t.availabilityTimeOffset, t.availabilityTimeComplete));
        let list = t.SegmentTimeline.as_ref();
        said.line(
            "list",
            list.map(|l| {
                l.segments.iter().map(|s| (s.t, s.d, s.r.unwrap_or(0))).collect::<Vec<_>>()
            }),
        );
    }
    if let Some(base) = &one.SegmentBase {
        let init = base.Initialization.as_ref().and_then(|i| i.range.clone());
        said.line("index", (&base.indexRange, init, base.timescale));
    }
}

fn of_ours(mpd: &ours::Mpd) -> Vec<String> {
    let mut said = Said::default();
    let thousandth = |n: u32| f64::from(n) / 1000.0;
    said.line("dynamic", mpd.dynamic);
    said.line("profiles", &mpd.profiles);
    said.line("available", mpd.availability_start.map(|t| t.as_micros()));
    said.line("published", mpd.publish_time.map(|t| t.as_micros()));
    said.line("lasts", mpd.duration);
    said.line("update", mpd.minimum_update_period);
    said.line("buffer", mpd.min_buffer_time);
    said.line("depth", mpd.time_shift_buffer_depth);
    said.line("longest", mpd.max_segment_duration);
    for service in &mpd.service_descriptions {
        // The latency of theirs is in milliseconds as the standard's is, as a fraction.
        said.line("service", service.id.map(|id| id.to_string()));
        said.line("scopes", service.scopes.iter().map(|s| &s.scheme).collect::<Vec<_>>());
        let ms = |n: Option<u32>| n.map(f64::from);
        said.line(
            "latency",
            service.latency.map(|l| (ms(l.target_ms), ms(l.min_ms), ms(l.max_ms))),
        );
        let rates = service.playback_rate;
        said.line(
            "rates",
            rates.map(|r| (r.min_permille.map(thousandth), r.max_permille.map(thousandth))),
        );
    }
    for timing in &mpd.utc_timings {
        said.line("clock", (&timing.scheme, &timing.value));
    }
    for period in &mpd.periods {
        said.line("Period", (&period.id, period.start, period.duration));
        for set in &period.adaptation_sets {
            let common = &set.common;
            said.line("set", (&set.id, &set.content_type, set.segment_alignment));
            said.line("type", (&common.mime_type, common.start_with_sap));
            let events = common.inband_events.iter().map(|e| &e.scheme);
            said.line("events", events.collect::<Vec<_>>());
            for time in &common.producer_reference_times {
                said.line(
                    "producer",
                    (Some(time.id.to_string()), Some(time.inband), Some(&time.kind)),
                );
                said.line(
                    "at",
                    (Some(time.presentation_time), time.wall_clock.map(|t| t.as_micros())),
                );
                said.line("by", time.utc_timing.as_ref().map(|t| (&t.scheme, &t.value)));
            }
            for one in &set.representations {
                let common = &one.common;
                said.line(
                    "representation",
                    (Some(&one.id), Some(one.bandwidth_bps), &common.codecs),
                );
                let rate = common.audio_sampling_rate.map(|r| r.to_string());
                said.line("size", (common.width, common.height, rate));
                let channels = common.audio_channels.iter();
                said.line("channels", channels.map(|c| (&c.scheme, &c.value)).collect::<Vec<_>>());
                of_our_segments(one, &mut said);
            }
        }
    }
    said.0
}

fn of_our_segments(one: &ours::Representation, said: &mut Said) {
    if let Some(ours::SegmentTemplate { media, initialization, info }) = &one.segments.template {
        said.line("template", (media, initialization, info.timescale));
        let duration = info.duration.map(|d| d as f64);
        said.line("numbers", (info.start_number, duration, info.presentation_time_offset));
        let offset = info.early.offset_us.map(|us| us as f64 / 1e6);
        said.line("early", (offset, info.early.complete));
        let list = info.timeline.as_ref();
        said.line("list", list.map(|l| l.iter().map(|s| (s.t, s.d, s.r)).collect::<Vec<_>>()));
    }
    if let Some(info) = &one.segments.base {
        let range = |r: &ByteRange| match r.last {
            Some(last) => format!("{}-{last}", r.first),
            None => format!("{}-", r.first),
        };
        let init = info.initialization.as_ref().and_then(|i| i.range.as_ref().map(range));
        said.line("index", (info.index_range.as_ref().map(range), init, info.timescale));
    }
}

/// Both readers find the same in it.
fn agreed(name: &str, text: &str) -> theirs::MPD {
    if let Some(folder) = std::env::var_os("NEARLIVE_MPDS") {
        let file = format!("{}.mpd", name.replace([' ', ','], "-"));
        std::fs::write(std::path::Path::new(&folder).join(file), text).unwrap();
    }
    let theirs = theirs::parse(text).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
    let ours = read::mpd(text.as_bytes()).unwrap_or_else(|e| panic!("{name}: {e}\n{text}"));
    let (found, expected) = (of_theirs(&theirs), of_ours(&ours));
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected, "{name}\n{text}");
    }
    assert_eq!(found.len(), expected.len(), "{name}\n{text}");
    theirs
}

#[test]
fn another_reader_finds_in_a_cameras_mpd_what_ours_does_in_every_state() {
    let mut most = 0;
    for (name, script, at) in oracle_support::states() {
        let mut server = PackagedServer::new(script);
        let text = String::from_utf8(oracle_support::get(&mut server, at, MPD)).unwrap();
        let mpd = agreed(name, &text);
        most = most.max(mpd.periods.len());
        let of = |p: &theirs::Period| {
            p.adaptations.iter().map(|a| a.representations.len()).collect::<Vec<_>>()
        };
        assert!(mpd.periods.iter().all(|p| of(p) == [3, 1]), "{name}\n{text}");

        let mut window = server.window(at);
        window.periods.iter_mut().for_each(|period| period.listed = true);
        let listed = agreed(&format!("{name} - listed"), &playlist::mpd(&window));
        let listed = listed.periods.iter().flat_map(|p| &p.adaptations);
        let mut templates =
            listed.flat_map(|a| &a.representations).flat_map(|r| &r.SegmentTemplate);
        assert!(templates.all(|t| t.SegmentTimeline.is_some()), "{name}");
    }
    assert!(most > 1, "one state has several Periods");
}

/// A film of two Periods, one by numbers, one by the index of each file.
fn film() -> ours::Mpd {
    let one = |id: &str, kbps: u64, segments| ours::Representation {
        id: id.into(),
        bandwidth_bps: kbps * 1000,
        common: ours::Common {
            codecs: Some("avc1.64001f".into()),
            width: Some(1280),
            height: Some(720),
            ..ours::Common::default()
        },
        segments,
        ..ours::Representation::default()
    };
    let numbered = || ours::Segments {
        template: Some(ours::SegmentTemplate {
            media: Some("$RepresentationID$/$Number%05d$.m4s".into()),
            initialization: Some("$RepresentationID$/init.mp4".into()),
            info: ours::SegmentInfo {
                timescale: Some(12_800),
                timeline: Some(vec![ours::S { t: Some(0), d: 25_600, r: 5, ..ours::S::default() }]),
                start_number: Some(1),
                ..ours::SegmentInfo::default()
            },
        }),
        ..ours::Segments::default()
    };
    let indexed = || ours::Segments {
        base: Some(ours::SegmentInfo {
            timescale: Some(90_000),
            index_range: Some(ByteRange { first: 700, last: Some(831) }),
            initialization: Some(ours::UrlRange {
                url: None,
                range: Some(ByteRange { first: 0, last: Some(699) }),
            }),
            ..ours::SegmentInfo::default()
        }),
        ..ours::Segments::default()
    };
    let period = |id: &str, seconds, representations| ours::Period {
        id: Some(id.into()),
        duration: Some(Duration::from_secs(seconds)),
        adaptation_sets: vec![ours::AdaptationSet {
            id: Some("0".into()),
            content_type: Some("video".into()),
            common: ours::Common { mime_type: Some("video/mp4".into()), ..ours::Common::default() },
            representations,
            ..ours::AdaptationSet::default()
        }],
        ..ours::Period::default()
    };
    ours::Mpd {
        profiles: "urn:mpeg:dash:profile:isoff-on-demand:2011".into(),
        duration: Some(Duration::from_millis(20_500)),
        min_buffer_time: Some(Duration::from_secs(2)),
        periods: vec![
            period("numbers", 12, vec![one("hi", 2000, numbered()), one("lo", 400, numbered())]),
            period("files <&\"'>", 8, vec![one("a&b", 900, indexed())]),
        ],
        ..ours::Mpd::default()
    }
}

#[test]
fn another_reader_finds_in_a_films_mpd_what_ours_does() {
    let mpd = agreed("a film", &write::mpd(&film()));
    assert_eq!(mpd.periods.len(), 2);
}
