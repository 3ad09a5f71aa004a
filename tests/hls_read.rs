//! Reading playlists: what is written is read back (by m3u8-rs too), what is wrong is said with its
//! line, and the oddities of the field do not matter.

use nearlive::hls::syntax::{
    Map, Media, MediaKind, Multivariant, Playlist, Rendition, RenditionKind, Segment,
    ServerControl, Variant,
};
use nearlive::hls::{read, write};
use nearlive::presentation::Error;
use nearlive::time::Duration;
use nearlive::time::WallTime;
use nearlive::units::{ByteRange, Resolution};

fn media(text: &str) -> Media {
    let read = read::playlist(text.as_bytes());
    assert!(matches!(read, Ok(Playlist::Media(_))), "{read:?}: {text}");
    let Ok(Playlist::Media(media)) = read else { unreachable!() };
    media
}

fn multivariant(text: &str) -> Multivariant {
    let read = read::playlist(text.as_bytes());
    assert!(matches!(read, Ok(Playlist::Multivariant(_))), "{read:?}: {text}");
    let Ok(Playlist::Multivariant(playlist)) = read else { unreachable!() };
    playlist
}

fn range(first: u64, last: u64) -> Option<ByteRange> {
    Some(ByteRange { first, last: Some(last) })
}

fn all_of_media() -> Media {
    let segment = |n: u64| Segment {
        uri: format!("s{n}.m4s?a=1,2"),
        duration: Duration::from_micros(2_000_000 + n),
        map: Some(Map { uri: format!("init{}.mp4", n / 2), byte_range: range(0, 99) }),
        ..Segment::default()
    };
    Media {
        version: Some(9),
        independent_segments: true,
        target_duration: Duration::from_secs(2),
        media_sequence: 41,
        discontinuity_sequence: 7,
        kind: Some(MediaKind::Event),
        i_frames_only: true,
        server_control: ServerControl {
            hold_back: Some(Duration::from_secs(6)),
            part_hold_back: Some(Duration::from_millis(1500)),
            can_block_reload: true,
        },
        part_target: Some(Duration::from_millis(500)),
        ended: true,
        segments: vec![
            Segment { byte_range: range(5, 9), ..segment(0) },
            Segment { gap: true, program_date_time: Some(WallTime::from_micros(1)), ..segment(1) },
            Segment { discontinuity: true, ..segment(2) },
        ],
    }
}

fn all_of_multivariant() -> Multivariant {
    let variant = |n: u32| Variant {
        uri: format!("v{n}.m3u8"),
        bandwidth_bps: 1000 * u64::from(n),
        average_bandwidth_bps: Some(900),
        codecs: Some("avc1.64001f,mp4a.40.2".into()),
        resolution: Some(Resolution { width: 1280, height: 720 }),
        frame_rate_milli: Some(29_970 + n),
        audio: Some("aud,io".into()),
        subtitles: Some("subs".into()),
    };
    let rendition = |kind| Rendition {
        kind,
        group: "aud,io".into(),
        name: "English = 1".into(),
        language: Some("en".into()),
        default: true,
        autoselect: true,
        channels: Some("2".into()),
        uri: Some("a.m3u8?x=1".into()),
    };
    Multivariant {
        version: Some(7),
        independent_segments: true,
        renditions: vec![
            rendition(RenditionKind::Audio),
            rendition(RenditionKind::Video),
            rendition(RenditionKind::Subtitles),
        ],
        variants: vec![variant(1), variant(2)],
    }
}

#[test]
fn everything_written_is_read_back() {
    for playlist in
        [all_of_media(), Media { target_duration: Duration::from_secs(1), ..Media::default() }]
    {
        assert_eq!(media(&write::media(&playlist)), playlist);
    }
    let playlist = all_of_multivariant();
    assert_eq!(multivariant(&write::multivariant(&playlist)), playlist);
}

#[test]
fn another_implementation_reads_the_same() {
    let text = write::media(&all_of_media());
    let theirs = m3u8_rs::parse_media_playlist_res(text.as_bytes()).unwrap();
    assert_eq!(theirs.media_sequence, 41);
    assert_eq!(theirs.discontinuity_sequence, 7);
    let uris: Vec<_> = theirs.segments.iter().map(|s| s.uri.as_str()).collect();
    assert_eq!(uris, ["s0.m4s?a=1,2", "s1.m4s?a=1,2", "s2.m4s?a=1,2"]);
    assert_eq!(theirs.segments[1].program_date_time.map(|t| t.timestamp_micros()), Some(1));
    assert!(theirs.segments[2].discontinuity && theirs.end_list);
    let text = write::multivariant(&all_of_multivariant());
    let theirs = m3u8_rs::parse_master_playlist_res(text.as_bytes()).unwrap();
    assert_eq!((theirs.variants.len(), theirs.alternatives.len()), (2, 3));
    assert_eq!(theirs.variants[1].uri, "v2.m3u8");
}

#[test]
fn ffmpegs_playlists_are_read() {
    let ts = media(include_str!("data/ffmpeg_ts.m3u8"));
    assert_eq!((ts.media_sequence, ts.ended, ts.segments.len()), (3, false, 4));
    assert_eq!(ts.segments[3].duration, Duration::from_micros(2_010_700));
    let fmp4 = media(include_str!("data/ffmpeg_fmp4_live.m3u8"));
    for (segment, i) in fmp4.segments.iter().zip(0..) {
        assert_eq!(segment.map.as_ref().map(|m| m.uri.as_str()), Some("init.mp4"));
        // "+0000", which is ISO 8601 and not RFC 3339.
        let date = segment.program_date_time.map(WallTime::as_millis);
        assert_eq!(date, Some(1_795_493_439_194 + 2000 * i));
    }
    let bytes = media(include_str!("data/ffmpeg_byterange.m3u8"));
    assert_eq!((bytes.kind, bytes.ended), (Some(MediaKind::Vod), true));
    assert_eq!(bytes.segments[1].byte_range, range(117_775, 232_690));
    assert_eq!(bytes.segments[1].map.clone().unwrap().byte_range, range(0, 1353));
    let multi = multivariant(include_str!("data/ffmpeg_multivariant.m3u8"));
    assert_eq!(multi.variants.len(), 2);
    assert_eq!(multi.variants[1].codecs.as_deref(), Some("avc1.42c00c,mp4a.40.2"));
    assert_eq!(multi.renditions[0].uri.as_deref(), Some("v2.m3u8"));
}

#[test]
fn what_the_field_writes_is_understood() {
    let text = "\u{feff}#EXTM3U url-tvg=\"x\"\r\n#EXT-X-TARGETDURATION:2.5\r\n# a comment\r\n\
        #EXT-X-KEY:METHOD=NONE\r\n#EXT-X-UNKNOWN:A=B\r\n\
        #EXTINF:2,News, weather, sports\r\n#EXT-X-BYTERANGE:100@0\r\nall.ts\r\n\r\n\
        #EXTINF:2.5\r\n#EXT-X-BYTERANGE:50\r\n  all.ts  \r\n\
        #EXT-X-DISCONTINUITY\r\n#EXT-X-PROGRAM-DATE-TIME:yesterday\r\n#EXTINF:1.0000009,\r\nhttps://cdn/x.ts?a=b#c";
    let playlist = media(text);
    assert_eq!(playlist.target_duration, Duration::from_millis(2500));
    let uris: Vec<_> = playlist.segments.iter().map(|s| s.uri.as_str()).collect();
    assert_eq!(uris, ["all.ts", "all.ts", "https://cdn/x.ts?a=b#c"]);
    assert_eq!(playlist.segments[1].byte_range, range(100, 149));
    assert_eq!(playlist.segments[1].encrypted, None);
    assert!(playlist.segments[2].discontinuity);
    assert_eq!(playlist.segments[2].duration, Duration::from_secs(1));
}

#[test]
fn a_key_or_a_map_is_in_force_until_the_next() {
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI=\"a\"\n#EXTINF:1,\n0\n\
        #EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:1,\n1\n#EXT-X-MAP:URI=\"b\"\n#EXTINF:1,\n2\n\
        #EXT-X-KEY:METHOD=NONE\n#EXTINF:1,\n3\n";
    let playlist = media(text);
    let found: Vec<_> = playlist
        .segments
        .iter()
        .map(|s| (s.map.as_ref().map(|m| m.uri.as_str()).unwrap(), s.encrypted.as_deref()))
        .collect();
    assert_eq!(found, [("a", None), ("a", Some("AES-128")), ("b", Some("AES-128")), ("b", None)]);
}

#[test]
fn a_variant_that_cannot_be_read_does_not_hurt_the_others() {
    let text = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n#EXT-X-STREAM-INF:RESOLUTION=1x1\nb\n\
        not announced\n#EXT-X-STREAM-INF:BANDWIDTH=2\n\n# comment\nc\n";
    let playlist = multivariant(text);
    let uris: Vec<_> = playlist.variants.iter().map(|v| v.uri.as_str()).collect();
    assert_eq!(uris, ["a", "c"]);
}

#[test]
fn errors_say_the_line_and_what_was_expected() {
    let with = |lines: &str| format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{lines}\n");
    let cases = [
        (String::new(), 1, "first line", "empty"),
        ("<MPD/>".into(), 1, "first line", "\"<MPD/>\" was found, a playlist begins with #EXTM3U"),
        ("#EXTM3U8\n".into(), 1, "first line", "#EXTM3U"),
        ("#EXTM3U\n\n".into(), 2, "end", "neither a segment"),
        ("#EXTM3U\nradio.mp3\n".into(), 2, "segment", "no #EXTINF stands before \"radio.mp3\""),
        (with("#EXTINF:soon,\na.ts"), 3, "#EXTINF", "\"soon,\" is not a number"),
        (with("#EXTINF:-1,Channel\nhttp://h/a"), 3, "#EXTINF", "not a number"),
        (with("#EXT-X-MEDIA-SEQUENCE:-3"), 3, "#EXT-X-MEDIA-SEQUENCE", "not a number"),
        (
            with("#EXTINF:1,\n#EXT-X-BYTERANGE:0@1\na.ts"),
            5,
            "#EXT-X-BYTERANGE",
            "no bytes, or no offset",
        ),
        (with("#EXTINF:1,\n#EXT-X-BYTERANGE:x\na.ts"), 4, "#EXT-X-BYTERANGE", "length@offset"),
        (
            with("#EXTINF:1,\n#EXT-X-BYTERANGE:5\na.ts"),
            5,
            "#EXT-X-BYTERANGE",
            "no bytes, or no offset",
        ),
        (with("#EXT-X-MAP:BYTERANGE=\"1@0\""), 3, "#EXT-X-MAP", "URI"),
        (with("#EXT-X-SKIP:SKIPPED-SEGMENTS=3"), 3, "#EXT-X-SKIP", "a whole one was asked for"),
        (
            "#EXTM3U\n#EXT-X-STREAM-INF:CODECS=\"a\"\nv.m3u8".into(),
            3,
            "#EXT-X-STREAM-INF",
            "BANDWIDTH",
        ),
    ];
    for (text, line, place, problem) in cases {
        match read::playlist(text.as_bytes()) {
            Err(Error::Syntax { line: l, place: p, problem: q, .. }) => {
                assert_eq!((l, p.as_str()), (line, place), "{text:?}: {q}");
                assert!(q.contains(problem), "{text:?}: {q}");
            }
            other => panic!("{text:?}: {other:?}"),
        }
    }
    let variables = with("#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"");
    assert!(matches!(read::playlist(variables.as_bytes()), Err(Error::NotYet(_))));
}

#[test]
fn a_long_map_repeated_by_thousands_of_segments_is_refused() {
    let uri = "m".repeat(100_000);
    let segments = "#EXTINF:1,\ns\n".repeat(2000);
    let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI=\"{uri}\"\n{segments}");
    assert!(matches!(read::playlist(text.as_bytes()), Err(Error::Syntax { .. })));
}
