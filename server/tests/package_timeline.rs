//! The packager in virtual time over what a real encoder writes: one UTC timeline, the same cuts in
//! all renditions, no hole when the camera goes away.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pictures;
mod support;

use std::collections::BTreeMap;

use nearlive::media::scan::{Fact, Scanner};
use nearlive_server::store::{Camera, Lookup, RenditionKind, SourceStatus};
use pictures::decoded;
use support::Feed;

/// The fragments of a rendition in the whole window: Period, number, start and end in microseconds,
/// whether it begins with a key frame.
fn fragments(camera: &Camera, rendition: &str) -> Vec<(u64, u64, i64, i64, bool)> {
    let mut out = Vec::new();
    for (period, number, fact) in facts(camera, rendition) {
        match fact {
            Fact::Fragment(f) => {
                let start = f.start.as_micros();
                let end = start + i64::try_from(f.duration.as_micros()).unwrap();
                out.push((period, number, start, end, f.sync));
            }
            Fact::Damaged { offset, why } => panic!("damaged at {offset}: {why}"),
            _ => {}
        }
    }
    out
}

/// What a reader finds in a rendition, with the Period and the number of each segment.
fn facts(camera: &Camera, rendition: &str) -> Vec<(u64, u64, Fact)> {
    let mut out = Vec::new();
    for (period, number, init, chunks) in segments(camera, rendition) {
        let mut facts = Vec::new();
        let mut scanner = Scanner::new(&[]);
        for part in [vec![init], chunks].concat() {
            scanner.feed(&part, &mut facts);
        }
        out.extend(facts.into_iter().map(|fact| (period, number, fact)));
    }
    out
}

/// A file of each Period of a rendition.
fn files(camera: &Camera, rendition: &str) -> Vec<Vec<u8>> {
    let mut out: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
    for (period, _, init, chunks) in segments(camera, rendition) {
        out.entry(period).or_insert(init).extend(chunks.concat());
    }
    out.into_values().collect()
}

/// A segment: Period, number, initialization segment and chunks.
type Segment = (u64, u64, Vec<u8>, Vec<Vec<u8>>);

/// The segments of a rendition.
fn segments(camera: &Camera, rendition: &str) -> Vec<Segment> {
    let window = camera.window();
    let track = window.renditions.iter().position(|r| r.id == rendition).unwrap();
    let mut out = Vec::new();
    for period in &window.periods {
        let Some(info) = period.tracks.iter().find(|t| t.track == track) else { continue };
        let init = camera.init(period.ms, rendition).unwrap();
        for s in &info.segments {
            let Lookup::Found(reader) = camera.segment(period.ms, rendition, s.number) else {
                panic!("{} of {rendition} is listed but not there", s.number)
            };
            let chunks = reader.so_far().iter().map(|it| it.to_vec()).collect();
            out.push((period.ms, s.number, init.to_vec(), chunks));
        }
    }
    out
}

#[test]
fn renditions_are_cut_at_the_same_pictures_and_numbers_come_from_the_clock() {
    let mut feed = Feed::new(12);
    feed.play(0, 10_000);
    let window = feed.camera.window();
    assert_eq!(window.periods.len(), 2, "the first GOP and all others: {window:?}");
    let period = &window.periods[1];
    assert_eq!(period.duration_us, 1_000_000);
    assert_eq!(period.first_number, period.ms / 1000);
    let starts = |id| {
        let mut s: Vec<_> = fragments(&feed.camera, id)
            .into_iter()
            .filter(|f| f.4 && f.0 == period.ms)
            .map(|f| (f.1, f.2 / 1000))
            .collect();
        s.dedup_by_key(|s| s.0);
        s
    };
    let (top, low) = (starts("v0"), starts("v1"));
    assert!(top.len() >= 8, "{top:?}");
    assert_eq!(top, low);
    assert!(top.windows(2).all(|w| w[1].0 == w[0].0 + 1 && (w[1].1 - w[0].1 - 1000).abs() <= 1));
    let sound = fragments(&feed.camera, "a0");
    for w in sound.windows(2) {
        assert!((w[1].2 - w[0].3).abs() <= 1100, "sound has a hole or overlap: {w:?}");
    }
    for f in sound.iter().filter(|f| f.0 == period.ms) {
        assert!(
            f.1 - period.first_number
                == u64::try_from((f.2 / 1000 - period.ms as i64) / 1000).unwrap()
        );
    }
}

#[test]
fn presentation_time_is_the_capture_time_in_utc() {
    let mut feed = Feed::new(12);
    feed.play(0, 10_000);
    let first = fragments(&feed.camera, "v0")[0];
    let error = first.2 - feed.captured_us(0);
    assert!(error.abs() < 30_000, "{error} us off");
}

#[test]
fn while_the_camera_is_away_the_timeline_has_no_hole() {
    let mut feed = Feed::new(12);
    feed.play(0, 4_000);
    feed.packager.status(SourceStatus { state: "offline", cause: "the camera hung up".into() });
    feed.idle(20_000);
    feed.packager.begin_run(feed.now());
    feed.packager.status(SourceStatus { state: "live", cause: String::new() });
    feed.play(0, 6_000);
    for id in ["v0", "v1", "a0"] {
        let all = fragments(&feed.camera, id);
        for w in all.windows(2) {
            assert!(w[1].2 - w[0].3 <= 45_000, "{id}: nothing between {w:?}");
        }
        let (first, last) = (all[0], all[all.len() - 1]);
        assert!(last.3 - first.2 > 29_000_000, "{id}: {first:?} to {last:?}");
        assert!(feed.now().as_micros() - last.3 < 400_000, "{id} is behind: {last:?}");
    }
    let window = feed.camera.window();
    assert_eq!(window.periods.len(), 3, "the first GOP, one Period before and one after");
    let tracks: Vec<_> = window.periods.iter().map(|p| p.tracks.len()).collect();
    assert_eq!(tracks, [3, 3, 3]);
    let said: Vec<_> = facts(&feed.camera, "v0")
        .into_iter()
        .filter_map(|(_, _, fact)| match fact {
            Fact::Message(m) => Some(String::from_utf8(m.data).unwrap()),
            _ => None,
        })
        .collect();
    let away = said.iter().take_while(|it| *it == "the camera hung up").count();
    assert!(away > 5, "{said:?}");
    assert_eq!(said.last().map(String::as_str), Some(""), "the picture's return takes it back");
}

#[test]
fn the_last_picture_is_repeated_all_through_an_absence_though_gaps_came_before_it() {
    let mut feed = Feed::new(12);
    feed.play(0, 4_000);
    feed.idle(900);
    feed.play(4_960, 5_000);
    feed.packager.status(SourceStatus { state: "offline", cause: "the camera hung up".into() });
    feed.idle(10_000);
    for id in ["v0", "v1"] {
        let away = files(&feed.camera, id).pop().unwrap();
        let pictures = decoded("", &away);
        let same = pictures.iter().rev().take_while(|it| **it == pictures[pictures.len() - 1]);
        let (same, all) = (same.count(), pictures.len());
        assert!(same > 80, "{id}: {same} of {all} pictures");
    }
}

#[test]
fn sound_that_vanishes_is_filled_with_silence_and_comes_back() {
    let mut feed = Feed::new(12);
    feed.play(0, 3_000);
    feed.mute(1, true);
    feed.play(3_000, 7_000);
    feed.mute(1, false);
    feed.play(7_000, 10_000);
    let sound = fragments(&feed.camera, "a0");
    for w in sound.windows(2) {
        assert!((w[1].2 - w[0].3).abs() <= 25_000, "a hole in the sound: {w:?}");
    }
    assert!(feed.now().as_micros() - sound[sound.len() - 1].3 < 400_000);
    assert_eq!(feed.camera.window().periods.len(), 2, "the picture goes on as before");
}

#[test]
fn the_window_is_bounded_in_time_and_in_bytes() {
    let mut feed = Feed::with_window(12, 3);
    feed.play(0, 2_000);
    let before = feed.camera.window().media_sequences;
    feed.play(2_000, 11_000);
    let oldest = fragments(&feed.camera, "v0")[0];
    assert!(feed.now().as_micros() - oldest.2 < 5_000_000, "{oldest:?}");
    let info = feed.camera.window();
    let video: usize = info.periods.iter().flat_map(|p| &p.tracks).map(|t| t.segments.len()).sum();
    assert!(video <= 3 * 5);
    let gone = info.media_sequences.iter().zip(&before).map(|(now, before)| now - before);
    assert!(gone.clone().all(|n| (5..12).contains(&n)), "{:?}", gone.collect::<Vec<_>>());
    assert!(info.renditions.iter().any(|r| r.kind == RenditionKind::Audio));
}

#[test]
fn timestamps_that_leap_leave_no_trace() {
    let mut feed = Feed::new(12);
    feed.play(0, 5_000);
    feed.play(8_000, 12_000);
    assert_eq!(feed.camera.window().periods.len(), 2, "the first GOP and all others");
    for id in ["v0", "v1", "a0"] {
        let all = fragments(&feed.camera, id);
        for w in all.windows(2) {
            let gap = w[1].2 - w[0].3;
            assert!(gap.abs() <= 45_000, "{id}: {gap} us in {w:?}");
        }
        let behind = feed.now().as_micros() - all[all.len() - 1].3;
        assert!(behind < 400_000, "{id}: {behind} us, {:?}", feed.camera.window().periods);
    }
}

#[test]
fn a_machine_that_slept_does_not_make_up_for_the_night() {
    let mut feed = Feed::new(12);
    feed.play(0, 4_000);
    let before = *feed.camera.changed().borrow();
    feed.sleep(50 * 365 * 86_400_000);
    let begun = *feed.camera.changed().borrow() - before;
    assert!(begun < 500, "{begun} changes for a window of 60 segments");
    for run in 0..2 {
        for id in ["v0", "v1", "a0"] {
            let all = fragments(&feed.camera, id);
            for w in all.windows(2) {
                let gap = w[1].2 - w[0].3;
                assert!(gap <= 45_000, "run {run}, {id}: {gap} us in {w:?}");
            }
            let behind = feed.now().as_micros() - all[all.len() - 1].3;
            assert!(behind < 400_000, "run {run}: {id} is {behind} us behind");
            let window = feed.camera.window();
            let segments = window.periods.iter().flat_map(|p| &p.tracks).flat_map(|t| &t.segments);
            assert!(segments.clone().all(|s| s.duration_ticks < 4 * 90_000), "{window:?}");
        }
        feed.packager.begin_run(feed.now());
        feed.play(0, 4_000);
    }
}

#[test]
fn a_clock_that_is_set_back_begins_everything_anew() {
    let mut feed = Feed::new(12);
    feed.play(0, 4_000);
    let sequence = |camera: &Camera| {
        let window = camera.window();
        (window.periods[0].sequence, window.media_sequences)
    };
    let before = sequence(&feed.camera);
    feed.sleep(-3 * 3_600_000);
    feed.play(4_000, 12_000);
    let window = feed.camera.window();
    assert_eq!(window.periods.len(), 1, "nothing of the future is left: {window:?}");
    for id in ["v0", "v1", "a0"] {
        let all = fragments(&feed.camera, id);
        let behind = feed.now().as_micros() - all[all.len() - 1].3;
        assert!((-100_000..400_000).contains(&behind), "{id} is {behind} us behind");
    }
    let after = sequence(&feed.camera);
    assert!(after.0 > before.0 && after.1.iter().zip(&before.1).all(|(a, b)| a > b));
    feed.idle(300_000);
    assert!(feed.camera.window().periods[0].tracks.iter().all(|t| t.segments.len() < 70));
}

#[test]
fn the_mpd_means_what_the_window_holds() {
    let mut feed = Feed::new(12);
    feed.play(0, 5_000);
    let text = nearlive_server::playlist::mpd(&feed.camera.window());
    let mpd = nearlive::dash::read::mpd(text.as_bytes()).unwrap();
    let url = "http://host/camera/index.mpd";
    let presentation = nearlive::dash::resolve::resolve(&mpd, url).unwrap();
    let service = &presentation.service;
    assert_eq!(service.target_latency, None, "Nearlive's player finds its own");
    assert!(service.max_latency.is_some());
    let edge = nearlive::presentation::edge(&presentation, feed.now()).unwrap();
    assert_eq!(edge.as_micros(), feed.now().as_micros(), "presentation time is Unix time");
    let period = &presentation.periods[0];
    let video = &period.tracks[0].representations;
    assert_eq!(video.len(), 2);
    for representation in video {
        let newest = representation.segments.newest(feed.now()).unwrap();
        let file = newest.resource.path().rsplit('/').next().unwrap().to_owned();
        let number: u64 = file.trim_end_matches(".m4s").parse().unwrap();
        let ms: u64 = period.id.parse().unwrap();
        let found = feed.camera.segment(ms, &representation.id, number);
        assert!(matches!(found, Lookup::Found(_) | Lookup::Soon), "{found:?}");
        assert_eq!(representation.mapping, nearlive::presentation::Mapping::Offset(0));
    }
}

#[test]
fn hls_lists_the_same_segments_with_counters_that_rise_by_one() {
    let mut feed = Feed::with_window(12, 20);
    feed.play(0, 4_000);
    feed.packager.status(SourceStatus { state: "offline", cause: "gone".into() });
    feed.idle(8_000);
    feed.packager.begin_run(feed.now());
    let mut last: Option<(u64, Vec<String>)> = None;
    for second in 0..11 {
        feed.play(second * 1_000, (second + 1) * 1_000);
        let text = nearlive_server::playlist::media(&feed.camera.window(), "v0").unwrap();
        let value = |tag: &str| {
            let line = text.lines().find_map(|l| l.strip_prefix(tag));
            line.map_or(0, |v| v.parse::<u64>().unwrap())
        };
        let sequence = value("#EXT-X-MEDIA-SEQUENCE:");
        let uris: Vec<_> =
            text.lines().filter(|l| !l.starts_with('#')).map(str::to_owned).collect();
        if let Some((before, old)) = last {
            let gone = usize::try_from(sequence - before).unwrap();
            assert!(old[gone..].iter().eq(uris.iter().take(old.len() - gone)), "{text}");
        }
        let longest = value("#EXT-X-TARGETDURATION:");
        for line in text.lines().filter_map(|l| l.strip_prefix("#EXTINF:")) {
            let seconds: f64 = line.trim_end_matches(',').parse().unwrap();
            assert!(seconds.round() <= longest as f64, "{text}");
        }
        last = Some((sequence, uris));
    }
    let window = feed.camera.window();
    let text = nearlive_server::playlist::media(&window, "v0").unwrap();
    assert_eq!(text.matches("#EXT-X-DISCONTINUITY\n").count(), window.periods.len() - 1);
    assert!(nearlive_server::playlist::media(&window, "v9").is_none());
    let all = nearlive_server::playlist::multivariant(&window);
    assert_eq!(all.matches("#EXT-X-STREAM-INF:").count(), 2, "{all}");
    assert!(all.contains("CODECS=\"avc1.42c00c,mp4a.40.2\""), "{all}");
}

#[test]
fn counters_of_hls_do_not_fall_when_the_server_is_started_again() {
    let sequences = |feed: &Feed| {
        let text = nearlive_server::playlist::media(&feed.camera.window(), "v0").unwrap();
        ["#EXT-X-MEDIA-SEQUENCE:", "#EXT-X-DISCONTINUITY-SEQUENCE:"].map(|tag| {
            let line = text.lines().find_map(|l| l.strip_prefix(tag));
            line.unwrap().parse::<u64>().unwrap()
        })
    };
    let mut feed = Feed::new(12);
    feed.play(0, 12_000);
    let before = sequences(&feed);
    assert!(before.iter().all(|n| *n < 1 << 30), "hls.js never ends beyond 2^31: {before:?}");
    feed.restart();
    feed.play(0, 4_000);
    let after = sequences(&feed);
    assert!(after[0] > before[0] + 12 && after[1] >= before[1], "{before:?} {after:?}");
}
