//! The playlists that the writer makes of a camera's window, letter by letter.

use nearlive::hls::syntax::{
    Map, Media, MediaKind, Multivariant, Rendition, RenditionKind, Segment, ServerControl, Variant,
};
use nearlive::hls::write;
use nearlive::time::Duration;
use nearlive::time::WallTime;
use nearlive::units::{ByteRange, Resolution};

#[test]
fn a_cameras_multivariant_playlist() {
    let rung = |uri: &str, bandwidth_bps, width, height| Variant {
        uri: uri.into(),
        bandwidth_bps,
        average_bandwidth_bps: Some(bandwidth_bps / 2),
        codecs: Some("avc1.64001f,mp4a.40.2".into()),
        resolution: Some(Resolution { width, height }),
        frame_rate_milli: Some(25_000),
        audio: Some("audio".into()),
        subtitles: None,
    };
    let playlist = Multivariant {
        version: Some(7),
        independent_segments: true,
        renditions: vec![Rendition {
            kind: RenditionKind::Audio,
            group: "audio".into(),
            name: "camera \"front\"".into(),
            language: None,
            default: true,
            autoselect: false,
            channels: Some("2".into()),
            uri: Some("audio.m3u8".into()),
        }],
        variants: vec![
            rung("high.m3u8", 2_000_000, 1280, 720),
            rung("low.m3u8", 300_000, 320, 180),
        ],
    };
    let expected = "#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"camera 'front'\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"audio.m3u8\"
#EXT-X-STREAM-INF:BANDWIDTH=2000000,AVERAGE-BANDWIDTH=1000000,CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=1280x720,FRAME-RATE=25.000,AUDIO=\"audio\"
high.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=300000,AVERAGE-BANDWIDTH=150000,CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=320x180,FRAME-RATE=25.000,AUDIO=\"audio\"
low.m3u8
";
    assert_eq!(write::multivariant(&playlist), expected);
}

#[test]
fn a_cameras_media_playlist_over_a_new_period() {
    let map = |period: u64| Some(Map { uri: format!("{period}/high/init.mp4"), byte_range: None });
    let segment = |period: u64, number: u64| Segment {
        uri: format!("{period}/high/{number}.m4s"),
        duration: Duration::from_secs(1),
        program_date_time: Some(WallTime::from_millis(1000 * i64::try_from(number).unwrap_or(0))),
        map: map(period),
        ..Segment::default()
    };
    let playlist = Media {
        version: Some(7),
        independent_segments: true,
        target_duration: Duration::from_millis(1040),
        media_sequence: 17,
        discontinuity_sequence: 2,
        segments: vec![
            segment(1_795_492_700_000, 1_795_492_799),
            Segment { gap: true, ..segment(1_795_492_700_000, 1_795_492_800) },
            Segment {
                discontinuity: true,
                duration: Duration::from_micros(1_040_001),
                ..segment(1_795_492_801_200, 1_795_492_801)
            },
        ],
        ..Media::default()
    };
    let expected = "#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-TARGETDURATION:1
#EXT-X-MEDIA-SEQUENCE:17
#EXT-X-DISCONTINUITY-SEQUENCE:2
#EXT-X-MAP:URI=\"1795492700000/high/init.mp4\"
#EXT-X-PROGRAM-DATE-TIME:2026-11-24T03:59:59Z
#EXTINF:1.000,
1795492700000/high/1795492799.m4s
#EXT-X-PROGRAM-DATE-TIME:2026-11-24T04:00:00Z
#EXT-X-GAP
#EXTINF:1.000,
1795492700000/high/1795492800.m4s
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI=\"1795492801200/high/init.mp4\"
#EXT-X-PROGRAM-DATE-TIME:2026-11-24T04:00:01Z
#EXTINF:1.040001,
1795492801200/high/1795492801.m4s
";
    assert_eq!(write::media(&playlist), expected);
}

#[test]
fn an_ended_playlist_of_byte_ranges() {
    let range = |first, last| Some(ByteRange { first, last: Some(last) });
    let playlist = Media {
        target_duration: Duration::from_millis(3500),
        kind: Some(MediaKind::Vod),
        ended: true,
        server_control: ServerControl {
            hold_back: Some(Duration::from_secs(12)),
            part_hold_back: Some(Duration::from_millis(900)),
            can_block_reload: true,
        },
        part_target: Some(Duration::from_millis(300)),
        segments: vec![Segment {
            uri: "all\n.mp4".into(),
            duration: Duration::from_millis(3500),
            byte_range: range(827, 83_862),
            map: Some(Map { uri: "all.mp4".into(), byte_range: range(0, 826) }),
            ..Segment::default()
        }],
        ..Media::default()
    };
    let expected = "#EXTM3U
#EXT-X-TARGETDURATION:4
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,HOLD-BACK=12.000,PART-HOLD-BACK=0.900
#EXT-X-PART-INF:PART-TARGET=0.300
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-MAP:URI=\"all.mp4\",BYTERANGE=\"827@0\"
#EXTINF:3.500,
#EXT-X-BYTERANGE:83036@827
all.mp4
#EXT-X-ENDLIST
";
    assert_eq!(write::media(&playlist), expected);
}
