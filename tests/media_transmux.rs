//! Transport stream segments of ffmpeg's HLS muxer, transmuxed: nothing is lost on the way to CMAF.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod media_support;

use media_support::{AAC, H264, camera_ts, decoded, ffmpeg, ffprobe, run, test_input};
use nearlive::media::es::aac::AacConfig;
use nearlive::media::es::h264::nal_units;
use nearlive::media::scan::{Fact, Scanner};
use nearlive::media::transmux::{Kind, Output, Transmuxer};
use nearlive::media::ts::{Demuxer, Event, StreamKind};
use std::path::Path;

/// The segments that ffmpeg's HLS muxer makes.
fn hls_segments(name: &str, seconds: &str, encode: &str) -> Vec<Vec<u8>> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::remove_dir_all(&dir).ok();
    std::fs::create_dir_all(&dir).unwrap();
    let dir = dir.to_str().unwrap();
    ffmpeg(&format!(
        "{} {encode} -f hls -hls_time 1 -hls_list_size 0 -hls_segment_filename {dir}/%d.ts \
         {dir}/index.m3u8",
        test_input(seconds)
    ));
    (0..).map_while(|i| std::fs::read(format!("{dir}/{i}.ts")).ok()).collect()
}

fn transmux(segments: &[Vec<u8>], piece: usize) -> Vec<Output> {
    let (mut t, mut out) = (Transmuxer::new(), Vec::new());
    for segment in segments {
        for part in segment.chunks(piece) {
            t.push(part, &mut out);
        }
        t.end_segment(&mut out);
    }
    out
}

/// What a SourceBuffer of the kind gets.
fn appended(outputs: &[Output], wanted: Kind) -> Vec<u8> {
    let mut all = Vec::new();
    for o in outputs {
        match o {
            Output::Init { kind, bytes, .. } | Output::Fragment { kind, bytes, .. }
                if *kind == wanted =>
            {
                all.extend_from_slice(bytes);
            }
            _ => {}
        }
    }
    all
}

fn inits(outputs: &[Output]) -> Vec<(Kind, &str)> {
    outputs
        .iter()
        .filter_map(|o| match o {
            Output::Init { kind, codec, .. } => Some((*kind, codec.as_str())),
            _ => None,
        })
        .collect()
}

/// (start, end) of the fragments, ticks.
fn spans(outputs: &[Output], wanted: Kind) -> Vec<(i64, i64)> {
    outputs
        .iter()
        .filter_map(|o| match o {
            Output::Fragment { kind, start, end, .. } if *kind == wanted => {
                Some((start.ticks, end.ticks))
            }
            _ => None,
        })
        .collect()
}

const REORDERED: &str = "-c:v libx264 -preset fast -pix_fmt yuv420p -bf 2 -g 25 -c:a aac -ac 2";

#[test]
fn every_picture_and_every_sound_sample_survives() {
    let segments = hls_segments("survives", "3", REORDERED);
    assert_eq!(segments.len(), 3);
    let ts = segments.concat();
    for piece in [1000, 65536] {
        let out = transmux(&segments, piece);
        let [(Kind::Video, video), (Kind::Audio, "mp4a.40.2")] = inits(&out)[..] else {
            panic!("{:?}", inits(&out))
        };
        assert!(video.starts_with("avc1.64"), "{video}");
        let pictures = decoded("mp4", "", &appended(&out, Kind::Video));
        assert_eq!(pictures.len(), 75);
        assert_eq!(pictures, decoded("mpegts", "-map 0:v", &ts));
        let sound = run("ffmpeg", "-f mp4 -i pipe:0 -f s16le -", &appended(&out, Kind::Audio));
        assert!(sound == run("ffmpeg", "-f mpegts -i pipe:0 -map 0:a -f s16le -", &ts));
    }
}

#[test]
fn times_are_those_of_the_stream_in_both_tracks() {
    let segments = hls_segments("times", "3", REORDERED);
    let out = transmux(&segments, 4096);
    let ts = segments.concat();
    let ours = ffprobe("-show_entries packet=pts,dts", &appended(&out, Kind::Video));
    let theirs = ffprobe("-f mpegts -select_streams v -show_entries packet=pts,dts", &ts);
    let moved: Vec<String> = theirs
        .iter()
        .map(|l| {
            let t: Vec<i64> = l.split(',').map(|t| t.parse::<i64>().unwrap()).collect();
            format!("{},{}", t[0] + (1 << 33), t[1] + (1 << 33))
        })
        .collect();
    assert_eq!(ours, moved);

    let audio = ffprobe("-show_entries packet=pts", &appended(&out, Kind::Audio));
    let first: i64 =
        ffprobe("-f mpegts -select_streams a -show_entries packet=pts", &ts)[0].parse().unwrap();
    let first = ((first + (1 << 33)) * 48_000 + 45_000) / 90_000;
    let expected: Vec<String> =
        (0..audio.len()).map(|i| (first + 1024 * i64::try_from(i).unwrap()).to_string()).collect();
    assert_eq!(audio, expected, "no gap and no overlap from frame to frame");
}

#[test]
fn fragments_join_and_their_spans_are_what_the_scanner_reads() {
    let segments = hls_segments("join", "2", &format!("{H264} {AAC}"));
    let out = transmux(&segments, 2000);
    for kind in [Kind::Video, Kind::Audio] {
        let spans = spans(&out, kind);
        assert!(spans.len() > 4);
        assert!(spans.windows(2).all(|w| w[0].1 == w[1].0), "{spans:?}");
        let (mut scanner, mut facts) = (Scanner::default(), Vec::new());
        scanner.feed(&appended(&out, kind), &mut facts);
        let starts: Vec<i64> = facts
            .iter()
            .filter_map(|f| if let Fact::Fragment(f) = f { Some(f.start.ticks) } else { None })
            .collect();
        assert_eq!(starts, spans.iter().map(|s| s.0).collect::<Vec<_>>());
    }
}

#[test]
fn either_track_may_be_missing() {
    let silent = hls_segments("no_sound", "1", &format!("-an {H264}"));
    assert_eq!(inits(&transmux(&silent, 4096)), [(Kind::Video, "avc1.42c00c")]);
    let dark = ffmpeg(&format!("-loglevel error {} -vn {AAC} -f mpegts pipe:1", test_input("1")));
    let out = transmux(&[dark], 4096);
    assert_eq!(inits(&out), [(Kind::Audio, "mp4a.40.2")]);
    assert!(!spans(&out, Kind::Audio).is_empty());
}

#[test]
fn a_new_size_makes_a_new_initialization_segment_and_the_same_size_does_not() {
    let small = camera_ts("1");
    let large = ffmpeg(&format!(
        "-f lavfi -i testsrc2=size=640x360:rate=25:duration=1 {H264} -f mpegts pipe:1"
    ));
    let (mut t, mut out) = (Transmuxer::new(), Vec::new());
    for ts in [&small, &small, &large] {
        t.push(ts, &mut out);
        t.end_segment(&mut out);
        t.discontinuity();
    }
    let video: Vec<_> = inits(&out).into_iter().filter(|(k, _)| *k == Kind::Video).collect();
    assert_eq!(video, [(Kind::Video, "avc1.42c00c"), (Kind::Video, "avc1.42c01e")]);
    assert_eq!(spans(&out, Kind::Video).len(), 6, "two a push: ready, and the last");
}

#[test]
fn time_goes_on_over_the_wrap_and_over_segments_and_a_shared_clock() {
    let ts = ffmpeg(&format!(
        "{} {H264} {AAC} -output_ts_offset 95443.2 -f mpegts -muxdelay 0 -muxpreload 0 pipe:1",
        test_input("2")
    ));
    let (mut t, mut out) = (Transmuxer::new(), Vec::new());
    t.push(&ts, &mut out);
    t.end_segment(&mut out);
    let video = spans(&out, Kind::Video);
    assert_eq!(video.last().unwrap().1 - video[0].0, 2 * 90_000);
    assert!(video[0].0 < 1 << 33 && video.last().unwrap().1 > 1 << 33);
    let audio = spans(&out, Kind::Audio);
    assert!(audio.windows(2).all(|w| w[0].1 == w[1].0));

    // A second transmuxer that begins with what lies after the wrap agrees with the first.
    let mut late = Transmuxer::with_clock(t.clock());
    let mut again = Vec::new();
    late.push(&ts, &mut again);
    assert_eq!(spans(&again, Kind::Video)[0], video[0]);
}

#[test]
fn a_seek_throws_away_what_is_held_and_a_jump_of_time_begins_a_fragment() {
    let ts = camera_ts("1");
    let (mut t, mut out) = (Transmuxer::new(), Vec::new());
    t.push(&ts[..ts.len() / 2 / 188 * 188], &mut out);
    t.seek();
    out.clear();
    t.push(&ts, &mut out);
    let kinds: Vec<_> = inits(&out).into_iter().map(|it| it.0).collect();
    assert_eq!(
        kinds,
        [Kind::Audio],
        "the configuration is still the same; parsers that drop sound are reset"
    );
    assert_eq!(spans(&out, Kind::Video)[0].0, (1 << 33) + first_pts(&ts));

    // The same second once more, without a word: time jumps back within one push.
    let (mut t, mut out) = (Transmuxer::new(), Vec::new());
    t.push(&[&ts[..], &ts].concat(), &mut out);
    t.end_segment(&mut out);
    let video = spans(&out, Kind::Video);
    assert_eq!(video.iter().filter(|s| s.0 == (1 << 33) + first_pts(&ts)).count(), 2);
}

#[test]
fn after_a_discontinuity_sound_begins_with_its_initialization_segment() {
    let ts = camera_ts("1");
    let (mut t, mut out) = (Transmuxer::new(), Vec::new());
    t.push(&ts, &mut out);
    t.end_segment(&mut out);
    t.discontinuity();
    out.clear();
    t.push(&ts, &mut out);
    t.end_segment(&mut out);
    let of_sound = |it: &&Output| {
        matches!(
            it,
            Output::Init { kind: Kind::Audio, .. } | Output::Fragment { kind: Kind::Audio, .. }
        )
    };
    let sound: Vec<_> = out.iter().filter(of_sound).collect();
    assert!(matches!(sound[0], Output::Init { .. }) && sound.len() > 1);
}

fn first_pts(ts: &[u8]) -> i64 {
    ffprobe("-f mpegts -select_streams v -show_entries packet=pts", ts)[0].parse().unwrap()
}

#[test]
fn adts_frames_that_run_over_the_end_of_a_pes_are_joined() {
    // PES of 100 bytes each, as if their borders had nothing to do with those of the frames; only
    // a few of them have a time.
    let ts = camera_ts("1");
    let adts = run("ffmpeg", "-f mpegts -i pipe:0 -map 0:a -c copy -f adts -", &ts);
    let starts: Vec<usize> = {
        let (mut at, mut starts) = (0, Vec::new());
        while let Some(h) = adts.get(at..at + 7) {
            starts.push(at);
            at += usize::from(h[3] & 3) << 11 | usize::from(h[4]) << 3 | usize::from(h[5] >> 5);
        }
        starts
    };
    let mut muxed = tables(0x0f);
    for (i, part) in adts.chunks(100).enumerate() {
        let range = i * 100..i * 100 + part.len();
        let first = starts.iter().position(|s| range.contains(s));
        let pts = first.map(|n| 90_000 + 1920 * u64::try_from(n).unwrap());
        muxed.extend_from_slice(&packet(0x101, u8::try_from(i & 15).unwrap(), &pes(pts, part)));
    }
    for piece in [188, 100_000] {
        let out = transmux(&[muxed.clone()], piece);
        let spans = spans(&out, Kind::Audio);
        assert!(spans.windows(2).all(|w| w[0].1 == w[1].0), "{spans:?}");
        let samples = spans.last().unwrap().1 - spans[0].0;
        assert_eq!(samples, 1024 * i64::try_from(starts.len()).unwrap());
        let ours = run("ffmpeg", "-f mp4 -i pipe:0 -f s16le -", &appended(&out, Kind::Audio));
        assert!(ours == run("ffmpeg", "-f aac -i pipe:0 -f s16le -", &adts));
    }
}

#[test]
fn pictures_whose_nal_units_have_a_pes_each_are_put_together() {
    // As GStreamer's `mpegtsmux` writes them behind an `h264parse` that is not told to align them.
    let encode = "-c:v libx264 -preset ultrafast -bf 0 -x264-params slices=2 -an";
    let whole = ffmpeg(&format!("{} {encode} -f mpegts pipe:1", test_input("1")));
    let mut events = Vec::new();
    let mut demuxer = Demuxer::new();
    demuxer.push(&whole, &mut events);
    demuxer.flush(&mut events);
    let expected = decoded("mpegts", "-map 0:v", &whole);
    // A time in each of them, or in the first two of a picture only.
    for timed in [usize::MAX, 2] {
        let apart = nal_units_apart(&events, timed);
        for piece in [188, 1000, 100_000] {
            let out = transmux(core::slice::from_ref(&apart), piece);
            assert_eq!(inits(&out).len(), 1);
            assert_eq!(
                decoded("mp4", "", &appended(&out, Kind::Video)),
                expected,
                "{timed}, {piece}"
            );
        }
    }
}

/// A transport stream with a PES for each NAL unit, of which the first `timed` of a picture have its time.
fn nal_units_apart(events: &[Event], timed: usize) -> Vec<u8> {
    let (mut apart, mut counter) = (tables(0x1b), 0);
    for event in events {
        let Event::Unit(unit) = event else { continue };
        let pts = u64::try_from(unit.pts.unwrap()).unwrap() & ((1 << 33) - 1);
        let mut nals: Vec<&[u8]> = nal_units(&unit.data).collect();
        if let Some(at) = nals.iter().position(|nal| nal[0] & 0x1f == 5) {
            // More before a picture than is kept: it is no reason to lose the picture.
            nals.splice(at..at, [LONG_SEI.as_slice(); 3]);
        }
        for (n, nal) in nals.into_iter().enumerate() {
            let unit = pes((n < timed).then_some(pts), &[&[0, 0, 0, 1], nal].concat());
            for (i, part) in unit.chunks(183).enumerate() {
                let mut packet = packet(0x101, counter & 15, part);
                packet[1] &= if i == 0 { 0xff } else { 0xbf };
                apart.extend_from_slice(&packet);
                counter = counter.wrapping_add(1);
            }
        }
    }
    apart
}

/// Unregistered user data of 30 kB (14496-10 D.1.6), which says nothing.
static LONG_SEI: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
    let size = 30_000;
    let mut nal = vec![6, 5];
    nal.extend(std::iter::repeat_n(0xff, size / 255));
    nal.push(u8::try_from(size % 255).unwrap());
    nal.extend(std::iter::repeat_n(b'x', size));
    nal.push(0x80);
    nal
});

fn packet(pid: u16, counter: u8, payload: &[u8]) -> Vec<u8> {
    let [hi, lo] = pid.to_be_bytes();
    let mut p = vec![0x47, 0x40 | hi, lo, 0x30 | counter];
    let stuffing = 184 - payload.len() - 1;
    p.push(u8::try_from(stuffing).unwrap());
    p.extend(std::iter::once(0).chain(std::iter::repeat(0xff)).take(stuffing));
    p.extend_from_slice(payload);
    p
}

fn pes(pts: Option<u64>, data: &[u8]) -> Vec<u8> {
    let header = if pts.is_some() { 8 } else { 3 };
    let mut p = vec![0, 0, 1, 0xc0];
    p.extend_from_slice(&u16::try_from(header + data.len()).unwrap().to_be_bytes());
    p.push(0x80);
    match pts {
        Some(t) => {
            let b = |shift: u64| u8::try_from((t >> shift) & 0xff).unwrap();
            p.extend_from_slice(&[0x80, 5, 0x21 | (b(30) & 7) << 1]);
            p.extend_from_slice(&[b(22), b(14) | 1, b(7), b(0) << 1 | 1]);
        }
        None => p.extend_from_slice(&[0, 0]),
    }
    p.extend_from_slice(data);
    p
}

/// The association table and the program map of a stream of this type alone, on PID 0x101.
fn tables(kind: u8) -> Vec<u8> {
    let section = |bytes: &[u8]| {
        let mut crc = u32::MAX;
        for b in bytes {
            crc ^= u32::from(*b) << 24;
            for _ in 0..8 {
                crc = crc << 1 ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 };
            }
        }
        [&[0], bytes, &crc.to_be_bytes()].concat()
    };
    let pat = section(&[0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1, 0xf0, 0]);
    let pmt = section(&[2, 0xb0, 18, 0, 1, 0xc1, 0, 0, 0xe1, 1, 0xf0, 0, kind, 0xe1, 1, 0xf0, 0]);
    [packet(0, 0, &pat), packet(0x1000, 0, &pmt)].concat()
}

#[test]
fn a_stream_that_cannot_be_made_into_cmaf_is_told() {
    let ts = ffmpeg(&format!("{} {H264} -c:a mp2 -f mpegts pipe:1", test_input("0.5")));
    let (mut t, mut out) = (Transmuxer::new(), Vec::new());
    t.push(&ts, &mut out);
    assert!(out.contains(&Output::Unsupported { kind: StreamKind::Mp3 }));
    assert_eq!(inits(&out).len(), 1);
}

#[test]
fn where_sound_is_missing_silence_stands_in_up_to_the_end_of_the_picture() {
    let with = hls_segments("hole_with", "6", &format!("{H264} {AAC}"));
    let without = hls_segments("hole_without", "6", &format!("{H264} -an"));
    let table: [(&str, [bool; 6]); 4] = [
        ("in the middle", [true, true, false, false, true, true]),
        ("at the start", [false, false, true, true, true, true]),
        ("at the end", [true, true, true, true, false, false]),
        ("throughout", [false; 6]),
    ];
    for (name, sound) in table {
        let mut t = Transmuxer::new();
        t.expect_sound(AacConfig { object_type: 2, sample_rate: 48_000, channels: 2 });
        let mut out = Vec::new();
        for (i, sound) in sound.iter().enumerate() {
            for part in (if *sound { &with } else { &without })[i].chunks(5000) {
                t.push(part, &mut out);
            }
            t.end_segment(&mut out);
        }
        let (video, audio) = (spans(&out, Kind::Video), spans(&out, Kind::Audio));
        let seconds = |ticks: i64, hz: i64| (ticks * 1000 / hz) as f64 / 1000.0;
        let picture = (seconds(video[0].0, 90_000), seconds(video.last().unwrap().1, 90_000));
        let heard = (seconds(audio[0].0, 48_000), seconds(audio.last().unwrap().1, 48_000));
        assert!((picture.0 - heard.0).abs() < 0.1, "{name}: {picture:?} {heard:?}");
        assert!((picture.1 - heard.1).abs() < 0.5, "{name}: {picture:?} {heard:?}");
        for pair in audio.windows(2) {
            // Less than a frame of sound: browsers play over that.
            let hole = pair[1].0 - pair[0].1;
            assert!((-24_000..1024).contains(&hole), "{name}: a hole of {hole} samples");
        }
        assert_eq!(inits(&out).len(), 2, "{name}: {:?}", inits(&out));
    }
}
