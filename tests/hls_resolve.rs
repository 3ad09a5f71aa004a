//! What playlists mean: tracks from multivariant playlists, segments on one timeline from media
//! playlists, and what reloads change.

use nearlive::hls::syntax::{Media, Playlist};
use nearlive::hls::update::Placement;
use nearlive::hls::{read, resolve};
use nearlive::presentation::{
    Base, Container, Error, Kind, Live, Mapping, Presentation, Refresh, Representation, Resource,
    SegmentList, TrackKind, edge, window,
};
use nearlive::time::Duration;
use nearlive::time::{Position, WallTime};
use nearlive::units::ByteRange;

const S: i64 = 1_000_000;
const URL: &str = "https://cam.example/a/index.m3u8?token=x";

fn url(text: &str) -> String {
    format!("https://cam.example/a/{text}")
}

/// A playlist as the multivariant one at [`URL`] names it.
fn named(name: &str) -> Resource {
    Resource::new(Base::new(URL.into()), name.into(), None)
}

/// Where it is.
fn address(resource: &Resource) -> String {
    resource.url(resource.base().url())
}

fn multivariant(text: &str) -> Presentation {
    let read = read::playlist(text.as_bytes());
    let Ok(Playlist::Multivariant(playlist)) = &read else { unreachable!("{read:?}") };
    let resolved = resolve::multivariant(playlist, URL);
    assert_eq!(resolved.as_ref().err(), None);
    resolved.unwrap_or_else(|_| unreachable!())
}

fn media(text: &str) -> Media {
    let read = read::playlist(text.as_bytes());
    let Ok(Playlist::Media(media)) = read else { unreachable!("{read:?}") };
    media
}

/// Two video rungs and audio apart.
fn two_and_audio() -> Presentation {
    multivariant(
        "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",URI=\"a.m3u8\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH=2,AUDIO=\"a\"\nhigh.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nlow.m3u8\n",
    )
}

fn representation<'a>(p: &'a Presentation, name: &str) -> &'a Representation {
    let mut all = p.periods[0].tracks.iter().flat_map(|t| &t.representations);
    let found = all.find(|r| r.playlist == Some(named(name)));
    found.unwrap_or_else(|| unreachable!("{name}"))
}

/// Number, start and end in ms, timeline.
fn spans(p: &Presentation, name: &str) -> Vec<(u64, i64, i64, u64)> {
    let SegmentList::Listed(listed) = &representation(p, name).segments else { return Vec::new() };
    let each = listed.segments.iter();
    each.map(|s| (s.number, s.start.as_millis(), s.end.as_millis(), s.timeline)).collect()
}

/// Number and start in s.
fn starts(p: &Presentation, name: &str) -> Vec<(u64, i64)> {
    spans(p, name).iter().map(|s| (s.0, s.1 / 1000)).collect()
}

/// A live playlist; each segment is what stands before its URI, its URI its place in the list.
fn list(sequence: u64, segments: &[&str]) -> String {
    let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{sequence}\n");
    for (segment, i) in segments.iter().zip(0..) {
        let n = sequence.wrapping_add(i);
        text += &format!("{segment}\n{n}.ts\n");
    }
    text
}

/// The same, of 2 s each.
fn plain(sequence: u64, count: usize) -> String {
    list(sequence, &vec!["#EXTINF:2,"; count])
}

fn apply(placement: &mut Placement, p: &mut Presentation, name: &str, text: &str) -> Refresh {
    let refresh = placement.apply(p, &named(name), &url(name), &media(text));
    assert_eq!(refresh.as_ref().err(), None);
    refresh.unwrap_or(Refresh::Never)
}

fn seconds(s: u64) -> Refresh {
    Refresh::Every(Duration::from_secs(s))
}

#[test]
fn ffmpegs_multivariant_playlist_becomes_two_tracks() {
    let p = multivariant(include_str!("data/ffmpeg_multivariant.m3u8"));
    let [video, audio] = p.periods[0].tracks.as_slice() else { panic!("{p:?}") };
    assert_eq!((video.kind, audio.kind), (TrackKind::Video, TrackKind::Audio));
    let rungs: Vec<_> =
        video.representations.iter().map(|r| (r.bandwidth.as_bps(), r.codecs.as_str())).collect();
    assert_eq!(rungs, [(180_745, "avc1.42c00c"), (510_745, "")]);
    assert_eq!(video.representations[0].playlist, Some(named("v1.m3u8")));
    assert!(video.representations[0].segments.is_pending());
    assert_eq!(audio.representations[0].codecs, "mp4a.40.2");
    assert_eq!(
        (audio.language.as_deref(), audio.label.as_deref(), audio.default),
        (Some("en"), Some("audio_2"), true)
    );
    assert_eq!(edge(&p, WallTime::default()), None, "nothing is known yet");
}

#[test]
fn sound_is_muxed_unless_a_group_has_playlists_of_its_own() {
    let variants = "#EXT-X-STREAM-INF:BANDWIDTH=2,CODECS=\"avc1.4d401e, mp4a.40.2\",AUDIO=\"a\",FRAME-RATE=29.97\nv.m3u8\n";
    let cases = [
        ("", "avc1.4d401e,mp4a.40.2", 1),
        ("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\"\n", "avc1.4d401e,mp4a.40.2", 1),
        (
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"b\",NAME=\"x\",URI=\"b.m3u8\"\n",
            "avc1.4d401e,mp4a.40.2",
            2,
        ),
        ("#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",URI=\"a.m3u8\"\n", "avc1.4d401e", 2),
    ];
    for (renditions, codecs, tracks) in cases {
        let p = multivariant(&format!("#EXTM3U\n{renditions}{variants}"));
        let video = &p.periods[0].tracks[0].representations[0];
        assert_eq!(
            (video.codecs.as_str(), p.periods[0].tracks.len()),
            (codecs, tracks),
            "{renditions}"
        );
    }
}

#[test]
fn variants_are_sorted_and_those_that_repeat_or_hold_only_sound_are_left_out() {
    let p = multivariant(
        "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"lo\",NAME=\"x\",LANGUAGE=\"de\",URI=\"lo.m3u8\"\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"hi\",NAME=\"x\",LANGUAGE=\"de\",URI=\"hi.m3u8\"\n\
         #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"y\",LANGUAGE=\"und\",URI=\"s.m3u8\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH=30,AUDIO=\"hi\",CODECS=\"avc1.4d401e,ec-3\"\nv2.m3u8\n\
         #EXT-X-STREAM-INF:BANDWIDTH=20,AUDIO=\"lo\",CODECS=\"avc1.4d401e,mp4a.40.2\"\nv2.m3u8\n\
         #EXT-X-STREAM-INF:BANDWIDTH=10,AUDIO=\"lo\",CODECS=\"avc1.4d401e,mp4a.40.2\"\nv1.m3u8\n\
         #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"mp4a.40.2\"\nlo.m3u8\n",
    );
    let [video, audio, text] = p.periods[0].tracks.as_slice() else { panic!("{p:?}") };
    let rungs: Vec<_> = video.representations.iter().map(|r| r.bandwidth.as_bps()).collect();
    assert_eq!(rungs, [10, 30]);
    let codecs: Vec<_> = audio.representations.iter().map(|r| r.codecs.as_str()).collect();
    assert_eq!(codecs, ["mp4a.40.2", "ec-3"]);
    assert_eq!((text.kind, text.language.as_deref()), (TrackKind::Text, None));
    let only_sound =
        multivariant("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"mp4a.40.2\"\nlo.m3u8\n");
    assert_eq!(only_sound.periods[0].tracks[0].kind, TrackKind::Audio);
    let none = read::playlist(b"#EXTM3U\n#EXT-X-SESSION-DATA:DATA-ID=\"x\",VALUE=\"y\"\n");
    let Ok(Playlist::Multivariant(none)) = none else { panic!("{none:?}") };
    assert!(matches!(resolve::multivariant(&none, URL), Err(Error::NothingToPlay(_))));
}

#[test]
fn ffmpegs_transport_streams_are_live_from_zero() {
    let playlist = media(include_str!("data/ffmpeg_ts.m3u8"));
    let mut p = resolve::single(&playlist, URL);
    let mut placement = Placement::default();
    assert_eq!(placement.apply(&mut p, &Resource::at(URL), URL, &playlist), Ok(seconds(2)));
    let r = &p.periods[0].tracks[0].representations[0];
    assert_eq!((r.container, r.mapping), (Container::Ts, Mapping::Learn));
    let last = r.segments.last().unwrap();
    assert_eq!((last.number, last.start.as_micros(), last.end.as_micros()), (6, 6 * S, 8_010_700));
    assert_eq!(address(&last.resource), url("playlist6.ts"));
    assert_eq!((last.init, last.gap, last.available), (None, false, None));
    assert_eq!(
        p.kind,
        Kind::Live(Live {
            anchor: None,
            time_shift: None,
            suggested_delay: Some(Duration::from_secs(6)),
        })
    );
    let span = edge(&p, WallTime::default())
        .and_then(|edge| window(&p, edge))
        .map(|(a, b)| (a.as_micros(), b.as_micros()));
    assert_eq!(span, Some((0, 8_010_700)));
    // The camera is gone: the playlist ends.
    let ended = media(include_str!("data/ffmpeg_ts_ended.m3u8"));
    assert_eq!(placement.apply(&mut p, &Resource::at(URL), URL, &ended), Ok(Refresh::Never));
    assert_eq!(p.kind, Kind::OnDemand { duration: Some(Duration::from_micros(7_890_700)) });
    assert_eq!(
        edge(&p, WallTime::default()).and_then(|edge| window(&p, edge)).map(|w| w.0.as_micros()),
        Some(2 * S)
    );
    assert!(!p.periods[0].tracks[0].representations[0].segments.grows_by_reload());
}

#[test]
fn ffmpegs_dates_make_positions_unix_time() {
    let playlist = media(include_str!("data/ffmpeg_fmp4_live.m3u8"));
    let mut p = resolve::single(&playlist, URL);
    let mut placement = Placement::default();
    placement.apply(&mut p, &Resource::at(URL), URL, &playlist).unwrap();
    let r = &p.periods[0].tracks[0].representations[0];
    assert_eq!(r.container, Container::Mp4);
    let first = r.segments.at(Position::default()).unwrap();
    assert_eq!((first.number, first.start.as_millis()), (2, 1_795_493_439_194));
    assert_eq!(first.init.map(|i| address(&i)), Some(url("init.mp4")));
    let Kind::Live(live) = &p.kind else { panic!("live") };
    assert_eq!(live.anchor, Some(WallTime::default()));
    let now = WallTime::from_millis(1_795_493_448_000);
    assert_eq!(edge(&p, now), Some(Position::from_millis(1_795_493_448_000)));
}

#[test]
fn on_demand_begins_at_zero_whatever_the_dates() {
    for text in [include_str!("data/ffmpeg_byterange.m3u8"), include_str!("data/ffmpeg_vod.m3u8")] {
        let dated =
            text.replacen("#EXTINF", "#EXT-X-PROGRAM-DATE-TIME:2026-11-24T04:00:00Z\n#EXTINF", 1);
        let playlist = media(&dated);
        let mut p = resolve::single(&playlist, URL);
        assert_eq!(
            Placement::default().apply(&mut p, &Resource::at(URL), URL, &playlist),
            Ok(Refresh::Never)
        );
        assert_eq!(p.kind, Kind::OnDemand { duration: Some(Duration::from_secs(12)) });
        let r = &p.periods[0].tracks[0].representations[0];
        let second = r.segments.at(Position::from_micros(5 * S)).unwrap();
        assert_eq!((second.start.as_micros(), second.end.as_micros()), (4 * S, 8 * S));
    }
    let playlist = media(include_str!("data/ffmpeg_byterange.m3u8"));
    let mut p = resolve::single(&playlist, URL);
    Placement::default().apply(&mut p, &Resource::at(URL), URL, &playlist).unwrap();
    let second = p.periods[0].tracks[0].representations[0].segments.numbered(1).unwrap();
    assert_eq!(second.resource.range, Some(ByteRange { first: 117_775, last: Some(232_690) }));
    assert_eq!(second.init.unwrap().range, Some(ByteRange { first: 0, last: Some(1353) }));
}

#[test]
fn a_reload_keeps_places_and_goes_on() {
    let (mut p, mut placement) = (two_and_audio(), Placement::default());
    let mut load = |text: &str| {
        let refresh = apply(&mut placement, &mut p, "low.m3u8", text);
        (refresh, starts(&p, "low.m3u8"))
    };
    assert_eq!(load(&plain(10, 3)), (seconds(2), vec![(10, 0), (11, 2), (12, 4)]));
    assert_eq!(load(&plain(10, 3)).0, seconds(1), "unchanged: half the target duration");
    assert_eq!(load(&plain(12, 3)), (seconds(2), vec![(12, 4), (13, 6), (14, 8)]));
    // Missed 15 to 19: five segments of two seconds.
    assert_eq!(load(&plain(20, 2)).1, [(20, 20), (21, 22)]);
    // An old copy from a cache changes nothing.
    assert_eq!(load(&plain(18, 2)), (seconds(1), vec![(20, 20), (21, 22)]).clone());
}

#[test]
fn an_old_copy_is_told_from_a_packager_that_began_anew() {
    let cases = [
        // (numbers of the newer list, what is there afterwards)
        (10, 3, vec![(11, 0, 0), (12, 2, 0), (13, 4, 0), (14, 6, 0)]),
        (0, 2, vec![(15, 8, 1), (16, 10, 1)]),
        (
            1,
            9,
            vec![
                (15, 8, 1),
                (16, 10, 1),
                (17, 12, 1),
                (18, 14, 1),
                (19, 16, 1),
                (20, 18, 1),
                (21, 20, 1),
                (22, 22, 1),
                (23, 24, 1),
            ],
        ),
    ];
    for (sequence, count, expected) in cases {
        let (mut p, mut placement) = (two_and_audio(), Placement::default());
        apply(&mut placement, &mut p, "low.m3u8", &plain(11, 4));
        apply(&mut placement, &mut p, "low.m3u8", &plain(sequence, count));
        let found: Vec<_> =
            spans(&p, "low.m3u8").iter().map(|s| (s.0, s.1 / 1000, s.3 >> 32)).collect();
        assert_eq!(found, expected, "{count} from {sequence}");
    }
    // And it goes on from there, in the other playlists too.
    let (mut p, mut placement) = (two_and_audio(), Placement::default());
    apply(&mut placement, &mut p, "low.m3u8", &plain(11, 2));
    apply(&mut placement, &mut p, "a.m3u8", &plain(11, 2));
    apply(&mut placement, &mut p, "low.m3u8", &plain(0, 2));
    apply(&mut placement, &mut p, "low.m3u8", &plain(1, 2));
    apply(&mut placement, &mut p, "a.m3u8", &plain(1, 2));
    assert_eq!(starts(&p, "low.m3u8"), [(14, 6), (15, 8)]);
    assert_eq!(starts(&p, "a.m3u8"), [(13, 4), (14, 6)]);
    apply(&mut placement, &mut p, "high.m3u8", &plain(2, 1));
    assert_eq!(starts(&p, "high.m3u8"), [(2, 6)]);
    assert_eq!(spans(&p, "high.m3u8")[0].3, spans(&p, "low.m3u8")[0].3);
}

#[test]
fn a_short_list_that_stays_or_differs_is_no_old_copy() {
    let after = |old: &str, new: &[String]| {
        let (mut p, mut placement) = (two_and_audio(), Placement::default());
        apply(&mut placement, &mut p, "low.m3u8", old);
        for text in new {
            apply(&mut placement, &mut p, "low.m3u8", text);
        }
        starts(&p, "low.m3u8")
    };
    let first = vec![(0, 0), (1, 2), (2, 4), (3, 6)];
    // A young list, and one that is as an old copy of it would be: until it stays.
    assert_eq!(after(&plain(0, 4), &[plain(0, 1)]), first);
    assert_eq!(after(&plain(0, 4), &vec![plain(0, 2); 8]), first);
    assert_eq!(after(&plain(0, 4), &vec![plain(0, 2); 9]), [(4, 8), (5, 10)]);
    // Old copies of a cache come and go.
    let turns: Vec<_> = (0..40).map(|i| plain(0, if i % 2 == 0 { 3 } else { 4 })).collect();
    assert_eq!(after(&plain(0, 4), &turns), first);
    // One that slid was longer.
    assert_eq!(after(&plain(1, 4), &[plain(0, 2)]), [(5, 8), (6, 10)]);
    // A segment of the same name that lasts longer is another one.
    let other = list(0, &["#EXTINF:2,", "#EXTINF:2.5,"]);
    assert_eq!(after(&plain(0, 4), &[other]), [(4, 8), (5, 10)]);
}

#[test]
fn the_same_number_with_another_date_is_a_new_beginning() {
    let dated = |sequence, day: u32| {
        let date = |n: u32| {
            format!("#EXT-X-PROGRAM-DATE-TIME:2026-11-{day}T04:00:{:02}Z\n#EXTINF:2,", 2 * n)
        };
        let segments: Vec<_> = (0..3).map(date).collect();
        list(sequence, &segments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let (mut p, mut placement) = (two_and_audio(), Placement::default());
    apply(&mut placement, &mut p, "low.m3u8", &dated(0, 24));
    apply(&mut placement, &mut p, "low.m3u8", &dated(0, 25));
    let found = spans(&p, "low.m3u8");
    assert_eq!(found.iter().map(|s| s.0).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(found[0].1, 1_795_579_200_000);
}

#[test]
fn playlists_without_dates_are_laid_beside_each_other() {
    let cases = [
        // By number: audio came later and has slid on.
        (plain(10, 3), plain(11, 3), vec![(11, 2), (12, 4), (13, 6)]),
        // By number, audio shorter.
        (plain(10, 3), list(11, &["#EXTINF:1,", "#EXTINF:1,"]), vec![(11, 2), (12, 3)]),
        // No number in common: end to end.
        (plain(10, 3), plain(500, 2), vec![(500, 2), (501, 4)]),
        // At a discontinuity that both show, although numbers differ.
        (
            list(10, &["#EXTINF:2,", "#EXT-X-DISCONTINUITY\n#EXTINF:2,", "#EXTINF:2,"]),
            list(10, &["#EXTINF:2,", "#EXTINF:2,", "#EXT-X-DISCONTINUITY\n#EXTINF:2,"]),
            vec![(10, -2), (11, 0), (12, 2)],
        ),
    ];
    for (video, audio, expected) in cases {
        let (mut p, mut placement) = (two_and_audio(), Placement::default());
        apply(&mut placement, &mut p, "low.m3u8", &video);
        apply(&mut placement, &mut p, "a.m3u8", &audio);
        assert_eq!(starts(&p, "a.m3u8"), expected, "{video}{audio}");
    }
    // On demand both begin at zero.
    let (mut p, mut placement) = (two_and_audio(), Placement::default());
    let end = "#EXT-X-ENDLIST\n";
    apply(&mut placement, &mut p, "low.m3u8", &(plain(10, 3) + end));
    apply(&mut placement, &mut p, "a.m3u8", &(list(0, &["#EXTINF:1,"; 5]) + end));
    assert_eq!(starts(&p, "a.m3u8")[0], (0, 0));
    assert_eq!(p.kind, Kind::OnDemand { duration: Some(Duration::from_secs(6)) });
    assert_eq!(p.periods[0].end, Some(Position::from_micros(6 * S)));
}

#[test]
fn discontinuities_count_up_and_share_their_place() {
    let broken = "#EXT-X-DISCONTINUITY\n#EXTINF:2,";
    let (mut p, mut placement) = (two_and_audio(), Placement::default());
    let numbered = |text: String, n: u64| {
        text.replacen(
            "#EXT-X-MEDIA",
            &format!("#EXT-X-DISCONTINUITY-SEQUENCE:{n}\n#EXT-X-MEDIA"),
            1,
        )
    };
    apply(
        &mut placement,
        &mut p,
        "low.m3u8",
        &numbered(list(1, &["#EXTINF:2,", broken, "#EXTINF:2,"]), 4),
    );
    assert_eq!(spans(&p, "low.m3u8"), [(1, 0, 2000, 4), (2, 2000, 4000, 5), (3, 4000, 6000, 5)]);
    // The discontinuity has gone by: the sequence number takes over.
    apply(&mut placement, &mut p, "low.m3u8", &numbered(list(3, &["#EXTINF:2,", broken]), 5));
    assert_eq!(spans(&p, "low.m3u8"), [(3, 4000, 6000, 5), (4, 6000, 8000, 6)]);
    // Audio ends a little before the break: it goes on where video does.
    apply(&mut placement, &mut p, "a.m3u8", &numbered(list(3, &["#EXTINF:1.9,"]), 5));
    apply(&mut placement, &mut p, "a.m3u8", &numbered(list(3, &["#EXTINF:1.9,", broken]), 5));
    assert_eq!(spans(&p, "a.m3u8"), [(3, 4000, 5900, 5), (4, 6000, 8000, 6)]);
}

#[test]
fn dates_place_the_first_nudge_the_next_and_jump_at_discontinuities() {
    let date = |second: &str, extinf: &str| {
        format!("#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:{second}Z\n{extinf}")
    };
    type Case<'a> = (&'a [String], Vec<(u64, i64, i64, u64)>);
    let cases: [Case<'_>; 5] = [
        // The date stands at the second one.
        (
            &["#EXTINF:2,".into(), date("10:02", "#EXTINF:2,")],
            vec![(0, 600_000, 602_000, 0), (1, 602_000, 604_000, 0)],
        ),
        // Rounded durations: the dates keep them together.
        (
            &[
                date("10:00", "#EXTINF:2,"),
                date("10:02.002", "#EXTINF:2,"),
                date("10:03.9", "#EXTINF:2,"),
            ],
            vec![(0, 600_000, 602_002, 0), (1, 602_002, 603_900, 0), (2, 603_900, 605_900, 0)],
        ),
        // A clock that was set, without a discontinuity: the media did not jump.
        (
            &[date("10:00", "#EXTINF:2,"), date("30:00", "#EXTINF:2,")],
            vec![(0, 600_000, 602_000, 0), (1, 602_000, 604_000, 0)],
        ),
        // A discontinuity may leave a hole.
        (
            &[date("10:00", "#EXTINF:2,"), date("10:30", "#EXT-X-DISCONTINUITY\n#EXTINF:2,")],
            vec![(0, 600_000, 602_000, 0), (1, 630_000, 632_000, 1)],
        ),
        // But it does not go back.
        (
            &[
                date("10:00", "#EXTINF:2,"),
                date("05:00", "#EXT-X-DISCONTINUITY\n#EXTINF:2,"),
                "#EXTINF:2,".into(),
            ],
            vec![(0, 600_000, 602_000, 0), (1, 602_000, 604_000, 1), (2, 604_000, 606_000, 1)],
        ),
    ];
    for (segments, expected) in cases {
        let (mut p, mut placement) = (two_and_audio(), Placement::default());
        let text = list(0, &segments.iter().map(String::as_str).collect::<Vec<_>>());
        apply(&mut placement, &mut p, "low.m3u8", &text);
        assert_eq!(spans(&p, "low.m3u8"), expected, "{text}");
    }
}

#[test]
fn an_initialization_segment_stays_what_it_is_over_hosts_and_tokens() {
    let text = |first: u64, maps: &[&str]| {
        let mut text = format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-MAP:URI=\"{}\"\n",
            maps[0]
        );
        for n in first..first + 4 {
            if n == 13 && maps.len() > 1 {
                text += &format!("#EXT-X-MAP:URI=\"{}\"\n", maps[1]);
            }
            text += &format!("#EXTINF:2,\n{n}.m4s\n");
        }
        text
    };
    let (mut p, mut placement) = (two_and_audio(), Placement::default());
    let mut load = |from: &str, first: u64, maps: &[&str]| -> Vec<Resource> {
        let list = media(&text(first, maps));
        placement.apply(&mut p, &named("low.m3u8"), from, &list).unwrap();
        let SegmentList::Listed(listed) = &representation(&p, "low.m3u8").segments else {
            panic!()
        };
        listed.segments.iter().map(|s| s.init.clone().unwrap()).collect()
    };
    let a = load("https://one/a/low.m3u8?t=1", 8, &["init.mp4?t=1"])[0].clone();
    let later = load("https://two/a/low.m3u8?t=2", 9, &["init.mp4?t=2"]);
    assert!(later.iter().all(|init| *init == a));
    assert_eq!(address(&later[3]), "https://two/a/init.mp4?t=2");
    // Another one of the same path in the same list is another one, and stays it.
    let both = load("https://two/a/low.m3u8", 10, &["init.mp4?v=1", "init.mp4?v=2"]);
    assert_eq!((&both[0], &both[2]), (&a, &a));
    let b = both[3].clone();
    assert_ne!(b, a);
    let both = load("https://one/a/low.m3u8", 11, &["init.mp4?v=3", "init.mp4?v=4"]);
    assert_eq!((&both[0], &both[1], &both[2], &both[3]), (&a, &a, &b, &b));
}

#[test]
fn an_old_copy_from_another_host_is_an_old_copy() {
    let (mut p, mut placement) = (two_and_audio(), Placement::default());
    let mut load = |from: &str, first: u64| {
        placement.apply(&mut p, &named("low.m3u8"), from, &media(&plain(first, 6))).unwrap();
        spans(&p, "low.m3u8").last().map(|it| it.0)
    };
    assert_eq!(load("https://one/a/low.m3u8", 10), Some(15));
    assert_eq!(load("https://two/a/low.m3u8", 11), Some(16));
    assert_eq!(load("https://one/a/low.m3u8", 10), Some(16), "an edge that lags");
    assert_eq!(load("https://one/a/low.m3u8", 12), Some(17));
}

#[test]
fn holding_back_gaps_and_refusals() {
    let with = |tag: &str| plain(0, 2).replacen("#EXTINF", &format!("{tag}\n#EXTINF"), 1);
    let (mut p, mut placement) = (two_and_audio(), Placement::default());
    apply(
        &mut placement,
        &mut p,
        "low.m3u8",
        &with("#EXT-X-GAP\n#EXT-X-SERVER-CONTROL:HOLD-BACK=7.5,PART-HOLD-BACK=1"),
    );
    let Kind::Live(live) = &p.kind else { panic!("live") };
    assert_eq!(live.suggested_delay, Some(Duration::from_millis(7500)));
    let gaps: Vec<_> =
        (0..2).map(|n| representation(&p, "low.m3u8").segments.numbered(n).unwrap().gap).collect();
    assert_eq!(gaps, [true, false]);
    let before = p.clone();
    let refused = [
        (with("#EXT-X-KEY:METHOD=AES-128,URI=\"k\""), "AES-128"),
        (with("#EXT-X-I-FRAMES-ONLY"), "key frames"),
    ];
    for (text, why) in refused {
        let error = placement.apply(&mut p, &named("low.m3u8"), URL, &media(&text)).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(p, before, "a refused playlist changes nothing");
    }
    let empty = media("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-ENDLIST\n");
    assert!(placement.apply(&mut p, &named("a.m3u8"), URL, &empty).is_err());
    // What is not listed yet is asked for again; what has ended with nothing leaves what is known.
    let waiting = media("#EXTM3U\n#EXT-X-TARGETDURATION:4\n");
    assert!(placement.apply(&mut p, &named("a.m3u8"), URL, &waiting).is_ok());
    assert_eq!(placement.apply(&mut p, &named("low.m3u8"), URL, &waiting), Ok(seconds(2)));
    assert_eq!(placement.apply(&mut p, &named("low.m3u8"), URL, &empty), Ok(Refresh::Never));
    assert_eq!(spans(&p, "low.m3u8").len(), 2);
    assert!(!representation(&p, "low.m3u8").segments.grows_by_reload());
}

#[test]
fn hostile_numbers_saturate() {
    let max = u64::MAX;
    let huge = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:99999999999999999999\n#EXT-X-MEDIA-SEQUENCE:{max}\n#EXT-X-DISCONTINUITY-SEQUENCE:{max}\n\
         #EXTINF:9999999999999999999,\na\n#EXT-X-DISCONTINUITY\n#EXTINF:9999999999999999999,\nb\n#EXT-X-PROGRAM-DATE-TIME:9999-12-31T23:59:59Z\n#EXTINF:9999999999999999999,\nc\n"
    );
    let (mut p, mut placement) = (two_and_audio(), Placement::default());
    for text in [&huge, &plain(0, 2), &huge, &plain(max, 3), &plain(max - 1, 1), &huge] {
        for name in ["low.m3u8", "a.m3u8", "high.m3u8"] {
            apply(&mut placement, &mut p, name, text);
            let list = &representation(&p, name).segments;
            for us in [i64::MIN, 0, i64::MAX] {
                let _ =
                    (list.at(Position::from_micros(us)), list.newest(WallTime::from_micros(us)));
            }
        }
    }
}
