//! What manifests say of windows that the packager seldom makes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use nearlive_server::playlist;
use nearlive_server::store::{
    PeriodInfo, RenditionInfo, RenditionKind, RenditionSpec, SegmentInfo, SourceStatus, Window,
};

const SECOND: u64 = 1_000_000;

/// Segments of these lengths, milliseconds, from `start_ms`.
fn rendition(track: usize, start_ms: u64, lengths_ms: &[u64]) -> RenditionInfo {
    let mut at = start_ms;
    let segments = lengths_ms.iter().zip(0..).map(|(ms, number)| {
        let (start_ticks, duration_ticks) = (at, *ms);
        at += ms;
        SegmentInfo { number, start_ticks, duration_ticks, complete: true, sap_type: 1 }
    });
    RenditionInfo {
        track,
        codec: "avc1.64001f".into(),
        size: None,
        channels: None,
        timescale: 1000,
        peak_bps: 0,
        segments: segments.collect(),
    }
}

fn period(ms: u64, sequence: u64, tracks: Vec<RenditionInfo>) -> PeriodInfo {
    PeriodInfo { ms, first_number: 0, duration_us: SECOND, listed: false, sequence, tracks }
}

fn window(periods: Vec<PeriodInfo>) -> Window {
    let spec =
        |id: &str, kind| RenditionSpec { id: id.into(), kind, copied: true, nominal_bps: None };
    Window {
        renditions: vec![spec("v0", RenditionKind::Video), spec("a0", RenditionKind::Audio)],
        window: Duration::from_secs(30),
        status: SourceStatus::default(),
        periods,
        media_sequences: vec![100, 200],
    }
}

fn value(text: &str, tag: &str) -> u64 {
    let line =
        text.lines().find_map(|l| l.strip_prefix(tag)).unwrap_or_else(|| panic!("{tag}: {text}"));
    line.parse().unwrap()
}

/// The discontinuity sequence number of each segment of a playlist, by its address.
fn discontinuities(text: &str) -> Vec<(String, u64)> {
    let mut now = value(text, "#EXT-X-DISCONTINUITY-SEQUENCE:");
    let mut found = Vec::new();
    for line in text.lines() {
        if line == "#EXT-X-DISCONTINUITY" {
            now += 1;
        } else if !line.starts_with('#') {
            found.push((line.to_owned(), now));
        }
    }
    found
}

#[test]
fn the_target_duration_stays_when_a_segment_that_is_cut_late_comes_and_goes() {
    for lengths in [&[1000, 1000, 1000][..], &[1000, 1480, 1000], &[1000, 1480, 520]] {
        let window = window(vec![period(0, 0, vec![rendition(0, 0, lengths)])]);
        let text = playlist::media(&window, "v0").unwrap();
        assert_eq!(value(&text, "#EXT-X-TARGETDURATION:"), 1, "{text}");
    }
}

#[test]
fn a_period_of_which_a_rendition_has_nothing_counts_in_its_discontinuities_all_the_same() {
    let window = window(vec![
        period(0, 7, vec![rendition(0, 0, &[1000, 1000]), rendition(1, 0, &[1000, 1000])]),
        period(2000, 8, vec![rendition(0, 2000, &[1000]), rendition(1, 2000, &[])]),
        period(3000, 9, vec![rendition(0, 3000, &[1000]), rendition(1, 3000, &[1000])]),
        period(4000, 10, vec![rendition(0, 4000, &[1000]), rendition(1, 4000, &[1000])]),
    ]);
    let picture = playlist::media(&window, "v0").unwrap();
    let sound = playlist::media(&window, "a0").unwrap();
    let counts = |text| discontinuities(text).into_iter().map(|(_, n)| n).collect::<Vec<_>>();
    assert_eq!(counts(&picture), [7, 7, 8, 9, 10]);
    assert_eq!(counts(&sound), [9, 10]);
    assert_eq!(value(&picture, "#EXT-X-MEDIA-SEQUENCE:"), 100);
    assert_eq!(value(&sound, "#EXT-X-MEDIA-SEQUENCE:"), 202, "two segments are left out");
}

#[test]
fn a_manifest_that_lists_segments_is_published_anew_with_each() {
    let published = |lengths: &[u64]| {
        let listed =
            PeriodInfo { listed: true, ..period(60_000, 0, vec![rendition(0, 60_000, lengths)]) };
        let text = playlist::mpd(&window(vec![listed]));
        let (_, rest) = text.split_once("publishTime=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    assert_eq!(published(&[]), "1970-01-01T00:01:00Z");
    assert_eq!(published(&[2000, 3500]), "1970-01-01T00:01:05.500Z");
}
