//! What the MPDs mean that others write: ffmpeg, GStreamer, the companion server.

mod dash_support;

use dash_support::*;
use nearlive::presentation::{
    ClockSource, Container, Kind, Live, Mapping, Refresh, SegmentList, TrackKind, edge, window,
};
use nearlive::time::Duration;
use nearlive::time::{Position, WallTime};
use nearlive::units::{ByteRange, Resolution};

#[test]
fn ffmpeg_live_lists_what_exists() {
    let p = resolved(include_str!("data/ffmpeg_live.mpd"));
    let start = time("2026-11-24T04:09:54.433Z");
    assert_eq!(
        live(&p),
        Live {
            anchor: Some(start),
            time_shift: Some(Duration::from_secs(20)),
            suggested_delay: Some(Duration::from_secs(5)),
        }
    );
    assert_eq!(p.refresh, Refresh::Every(Duration::from_secs(5)));
    let track = &p.periods[0].tracks[0];
    assert_eq!((track.kind, track.language.as_deref()), (TrackKind::Video, None));
    let r = representation(&p, 0);
    assert_eq!(r.mime(TrackKind::Video).as_deref(), Some("video/mp4; codecs=\"avc1.42c00c\""));
    assert_eq!(r.resolution, Some(Resolution { width: 320, height: 180 }));
    assert_eq!(r.init.as_ref().map(address), Some(url("init-stream0.m4s")));
    assert_eq!(at(r, 7 * S), Some((2, 5 * S, 10 * S, url("chunk-stream0-00002.m4s"))));
    assert_eq!(at(r, 10 * S), None);
    assert!(r.segments.grows_by_reload());
    let now = start + Duration::from_secs(10);
    assert_eq!(r.segments.newest(now).map(|s| (s.number, s.available)), Some((2, None)));
}

#[test]
fn ffmpeg_streaming_is_not_growing_without_an_offset() {
    let p = resolved(include_str!("data/ffmpeg_streaming.mpd"));
    for track in 0..2 {
        let r = representation(&p, track);
        assert!(!r.growing);
        assert_eq!(r.segments.last().map(|s| s.number), Some(11));
    }
    // 47104 and then 48128 samples.
    let audio = representation(&p, 1);
    assert_eq!(at(audio, S).map(|s| (s.0, s.1)), Some((2, 981_333)));
    assert_eq!(audio.mime(TrackKind::Audio).as_deref(), Some("audio/mp4; codecs=\"mp4a.40.2\""));
}

#[test]
fn ffmpeg_ldash_is_numbered_growing_and_early() {
    let p = resolved(include_str!("data/ffmpeg_ldash.mpd"));
    let start = time("2026-11-24T04:10:06.316Z");
    assert_eq!(p.clocks, [ClockSource::HttpIso("https://time.example/iso".into())]);
    assert_eq!(p.service.target_latency, Some(Duration::from_secs(1)));
    assert_eq!(p.refresh, Refresh::Every(Duration::from_secs(500)));
    let video = representation(&p, 0);
    assert!(video.growing);
    assert_eq!(video.mapping, Mapping::Offset(0));
    // Forty milliseconds after its start the first frame of a segment is there.
    let now = start + Duration::from_millis(13_040);
    assert_eq!(
        video.segments.newest(now).map(span),
        Some((14, 13 * S, 14 * S, url("chunk-stream0-00014.m4s")))
    );
    let before = start + Duration::from_millis(13_039);
    assert_eq!(video.segments.newest(before).map(|s| s.number), Some(13));
    let (from, to) = window(&p, edge(&p, now).unwrap()).unwrap();
    assert_eq!((from.as_micros(), to.as_micros()), (8_040_000, 13_040_000));
}

#[test]
fn ffmpegs_window_of_zero_still_holds_a_segment() {
    // What -ldash writes at first.
    let text =
        include_str!("data/ffmpeg_ldash.mpd").replace("Depth=\"PT5.0S\"", "Depth=\"PT0.0S\"");
    assert_eq!(live(&resolved(&text)).time_shift, Some(Duration::from_secs(2)));
}

#[test]
fn ffmpeg_on_demand_by_timeline_by_number_and_in_one_file() {
    let timeline = resolved(include_str!("data/ffmpeg_vod_timeline.mpd"));
    let number = resolved(include_str!("data/ffmpeg_vod_number.mpd"));
    let single = resolved(include_str!("data/ffmpeg_vod_single.mpd"));
    let ended = resolved(include_str!("data/ffmpeg_live_ended.mpd"));
    for (p, seconds, last) in
        [(&timeline, 12_000, 3), (&number, 12_000, 3), (&single, 12_000, 3), (&ended, 11_700, 3)]
    {
        assert_eq!(p.kind, Kind::OnDemand { duration: Some(Duration::from_millis(seconds)) });
        assert_eq!(p.refresh, Refresh::Never);
        let r = representation(p, 0);
        let segment = r.segments.last().unwrap();
        assert_eq!((segment.number, segment.available), (last, None));
        assert_eq!(segment.end.as_micros(), i64::try_from(seconds).unwrap() * 1000);
        assert!(!r.segments.grows_by_reload());
    }
    let r = representation(&single, 0);
    let init = r.init.clone().unwrap();
    assert_eq!(address(&init), url("vod_single-stream0.mp4"));
    assert_eq!(init.range, Some(ByteRange { first: 0, last: Some(826) }));
    let second = r.segments.at(Position::from_micros(4 * S)).unwrap();
    assert_eq!(second.resource.range, Some(ByteRange { first: 83_863, last: Some(165_927) }));
}

#[test]
fn ffmpegs_webm_is_indexed_by_its_cues() {
    let p = resolved(include_str!("data/ffmpeg_webm.mpd"));
    assert_eq!(p.kind, Kind::OnDemand { duration: Some(Duration::from_millis(12_014)) });
    let [video, audio] = p.periods[0].tracks.as_slice() else { panic!("two tracks") };
    let rungs: Vec<_> = video.representations.iter().map(|r| r.bandwidth.as_bps()).collect();
    assert_eq!(rungs, [155_798, 352_712]);
    let r = &video.representations[0];
    assert_eq!(r.container, Container::WebM);
    assert_eq!(r.mime(TrackKind::Video).as_deref(), Some("video/webm; codecs=\"vp9\""));
    let SegmentList::Indexed { index, .. } = &r.segments else { panic!("indexed") };
    assert_eq!(address(index), url("video_160x90_250k.webm"));
    assert_eq!(index.range, Some(ByteRange { first: 254_645, last: Some(254_685) }));
    assert_eq!(r.init.clone().unwrap().range, Some(ByteRange { first: 0, last: Some(635) }));
    let audio = &audio.representations[0];
    assert_eq!(audio.mime(TrackKind::Audio).as_deref(), Some("audio/webm; codecs=\"vorbis\""));
}

#[test]
fn all_that_ffmpeg_writes_can_be_resolved() {
    for text in [
        include_str!("data/ffmpeg_wallclock.mpd"),
        include_str!("data/ffmpeg_number.mpd"),
        include_str!("data/ffmpeg_list.mpd"),
    ] {
        let p = resolved(text);
        for track in &p.periods[0].tracks {
            let now = live(&p).anchor.unwrap() + Duration::from_secs(12);
            assert!(track.representations[0].segments.newest(now).is_some());
        }
    }
}

#[test]
fn the_companion_servers_unix_time_needs_no_offset() {
    let text = r#"<MPD type="dynamic" availabilityStartTime="1970-01-01T00:00:00Z" minimumUpdatePeriod="PT5S"
        timeShiftBufferDepth="PT30S"><Period id="p" start="PT1795492800.2S"><AdaptationSet contentType="audio" mimeType="audio/mp4">
        <SegmentTemplate timescale="48000" presentationTimeOffset="86183654409600" duration="96000" startNumber="897746400"
          availabilityTimeOffset="1.9" availabilityTimeComplete="false" media="$Number$"/>
        <Representation id="a" bandwidth="64000"/></AdaptationSet></Period></MPD>"#;
    let p = resolved(text);
    let r = representation(&p, 0);
    assert_eq!(r.mapping, Mapping::Offset(0));
    let start = 1_795_492_800_200_000;
    assert_eq!(at(r, start + 3 * S).map(|s| (s.0, s.1)), Some((897_746_401, start + 2 * S)));
    let now = WallTime::from_micros(start + 2 * S + 100_000);
    assert_eq!(r.segments.newest(now).map(|s| s.number), Some(897_746_401));
}

#[test]
fn gstreamers_live_mpd_has_begun_grows_and_names_its_codecs_by_halves() {
    let mpd = |codecs: &str| {
        resolved(&format!(
            "<MPD type=\"dynamic\" availabilityStartTime=\"2026-11-28T23:28:45Z\" mediaPresentationDuration=\"PT5S\">\
             <Period id=\"period_00\"><AdaptationSet contentType=\"video\">\
             <Representation id=\"video_0\" bandwidth=\"25750\" mimeType=\"video/mp4\" codecs=\"{codecs}\">\
             <SegmentTemplate media=\"video_0_$Number$.mp4\" duration=\"2\"/></Representation></AdaptationSet></Period></MPD>"
        ))
    };
    let p = mpd("avc1");
    let period = &p.periods[0];
    assert_eq!(
        (period.start, period.end),
        (Position::default(), Some(Position::from_millis(5000)))
    );
    assert_eq!(p.refresh, Refresh::Every(Duration::from_secs(2)));
    for (written, read) in
        [("avc1", ""), ("avc1.64001f, mp4a", ""), ("avc1.64001f", "avc1.64001f"), ("vp8", "vp8")]
    {
        assert_eq!(representation(&mpd(written), 0).codecs, read, "{written}");
    }
}
