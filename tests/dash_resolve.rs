//! What MPDs mean: a written one for each rule.

mod dash_support;

use dash_support::*;
use nearlive::presentation::{
    ClockSource, Container, Error, Mapping, Presentation, Refresh, Representation, SegmentList,
    TrackKind, edge, window,
};
use nearlive::time::Duration;
use nearlive::time::{Position, WallTime};
use nearlive::units::ByteRange;

#[test]
fn webm_of_which_no_bytes_are_named_is_searched_on_demand() {
    let of = |mpd: &str, inside: &str| {
        resolved(&format!(
            "<MPD {mpd}><Period start='PT0S'><AdaptationSet mimeType='video/webm' codecs='vp9'>\
             <Representation id='1' bandwidth='1'><BaseURL>film.webm</BaseURL>{inside}\
             </Representation></AdaptationSet></Period></MPD>"
        ))
    };
    let film = "mediaPresentationDuration='PT8S'";
    for inside in
        ["", "<SegmentBase/>", "<SegmentBase><Initialization range='0-99'/></SegmentBase>"]
    {
        let p = of(film, inside);
        let r = &p.periods[0].tracks[0].representations[0];
        let SegmentList::Indexed { index, .. } = &r.segments else { panic!("{inside}") };
        assert_eq!(address(index), url("film.webm"));
        assert_eq!(index.range, Some(ByteRange { first: 0, last: Some(8191) }));
        assert_eq!(r.init, None, "it is found as well");
    }
    let live = "type='dynamic' availabilityStartTime='1970-01-01T00:00:00Z'";
    let p = of(live, "");
    let r = &p.periods[0].tracks[0].representations[0];
    assert!(matches!(r.segments, SegmentList::Listed(_)));
}

/// A film of sets with one Representation each: attributes and elements of the set, and of the Representation.
fn sets(sets: &[(&str, &str, &str)]) -> Presentation {
    let set = |(i, (attributes, inside, of)): (usize, &(&str, &str, &str))| {
        format!(
            "<AdaptationSet {attributes}>{inside}<Representation id='{i}' bandwidth='{i}00000' {of}>\
             <SegmentTemplate media='$RepresentationID$-$Number$' duration='2'/>\
             </Representation></AdaptationSet>"
        )
    };
    let sets: String = sets.iter().enumerate().map(set).collect();
    resolved(&format!("<MPD mediaPresentationDuration='PT8S'><Period>{sets}</Period></MPD>"))
}

#[test]
fn one_picture_in_a_set_for_each_size_is_one_track() {
    let video = "contentType='video'";
    let low = (video, "", "mimeType='video/mp4' codecs='avc1.42c00d' width='320' height='180'");
    let high = (video, "", "mimeType='video/mp4' codecs='avc1.64001f' width='1280' height='720'");
    let near = (video, "", "mimeType='video/mp4' codecs='avc1.42c01e' width='854' height='480'");
    let heights = |p: &Presentation| -> Vec<Vec<u32>> {
        let height = |r: &Representation| r.resolution.map_or(0, |it| it.height);
        p.periods[0].tracks.iter().map(|t| t.representations.iter().map(height).collect()).collect()
    };
    assert_eq!(heights(&sets(&[low, high, near])), [[180, 720, 480]]);
    // Whatever else tells them apart may mean another picture.
    let role = "<Role schemeIdUri='urn:mpeg:dash:role:2011' value='alternate'/>";
    let others = [
        ("contentType='video' lang='de'", "", high.2),
        (video, role, high.2),
        (video, "<Label>Door</Label>", high.2),
        (video, "", low.2),
        (video, "", "mimeType='video/mp4' codecs='hvc1.1.6.L93.B0' width='1280' height='720'"),
        (video, "", "mimeType='video/mp4' codecs='vp9' width='1280' height='720'"),
        (video, "", "mimeType='video/webm' codecs='avc1.64001f' width='1280' height='720'"),
        (video, "", "mimeType='video/mp4' codecs='avc1.64001f' width='1280' height='960'"),
        (video, "", "mimeType='video/mp4' codecs='avc1.64001f'"),
    ];
    for other in others {
        assert_eq!(heights(&sets(&[low, other])).len(), 2, "{other:?}");
    }
    // Names of one length that mean other codecs.
    let short =
        |codecs| format!("mimeType='video/webm' codecs='{codecs}' width='640' height='360'");
    let (vp8, vp9) = (short("vp8"), short("vp9").replace("640", "1280").replace("360", "720"));
    assert_eq!(heights(&sets(&[(video, "", &vp8), (video, "", &vp9)])).len(), 2);
}

#[test]
fn sets_that_the_manifest_joins_are_one_track() {
    let joins = "<SupplementalProperty schemeIdUri='urn:mpeg:dash:adaptation-set-switching:2016' value='7, 9'/>";
    let of = "mimeType='video/mp4' codecs='avc1.42c00d' width='320' height='180'";
    let p = sets(&[
        ("id='8' contentType='video'", joins, of),
        ("id='9' contentType='video'", "", of),
        ("id='10' contentType='video'", "", of),
    ]);
    let counts: Vec<usize> = p.periods[0].tracks.iter().map(|t| t.representations.len()).collect();
    assert_eq!(counts, [2, 1]);
}

#[test]
fn addresses_are_built_over_four_levels() {
    let level = |url: &str| format!("<BaseURL>{url}</BaseURL>");
    let text = |mpd: &str, period: &str, set: &str, representation: &str| {
        format!("<MPD mediaPresentationDuration='PT10S'>{mpd}<Period>{period}<AdaptationSet mimeType='video/mp4'>{set}
          <SegmentTemplate duration='2' initialization='$RepresentationID$/i?$Bandwidth$' media='$RepresentationID$/$Number%03d$-$Bandwidth$-$$.m4s'/>
          <Representation id='v' bandwidth='7'>{representation}</Representation></AdaptationSet></Period></MPD>")
    };
    let cases = [
        (text("", "", "", ""), "https://cam.example/a/v"),
        (
            text(&level("b/"), &level("c/"), &level("d/"), &level("e/")),
            "https://cam.example/a/b/c/d/e/v",
        ),
        (text(&level("b/x"), &level("c"), "", ""), "https://cam.example/a/b/v"),
        (text(&level("/b/"), &level("../c/"), "", ""), "https://cam.example/c/v"),
        (text(&level("b/"), &level("//cdn/"), &level("d/"), ""), "https://cdn/d/v"),
        (text(&level("b/"), &level("http://cdn/"), "", &level("http://other/")), "http://other/v"),
        (text(&(level("one/") + &level("two/")), "", "", ""), "https://cam.example/a/one/v"),
    ];
    for (text, expected) in cases {
        let p = resolved(&text);
        let r = representation(&p, 0);
        assert_eq!(at(r, 2 * S).unwrap().3, format!("{expected}/002-7-$.m4s"));
        assert_eq!(address(&r.init.clone().unwrap()), format!("{expected}/i?7"));
    }
}

#[test]
fn segment_information_is_inherited_attribute_by_attribute() {
    let text = "<MPD mediaPresentationDuration='PT60S'><Period>
      <SegmentTemplate timescale='10' duration='20' startNumber='5' initialization='p'/>
      <AdaptationSet mimeType='video/mp4'><SegmentTemplate media='s$Number$' startNumber='7' presentationTimeOffset='15'/>
      <Representation id='1' bandwidth='1'/>
      <Representation id='2' bandwidth='2'><SegmentTemplate media='r$Number$' timescale='1'/></Representation>
      <Representation id='3' bandwidth='3'><BaseURL>3.mp4</BaseURL><SegmentBase indexRange='10-19'/></Representation>
      </AdaptationSet></Period></MPD>";
    let p = resolved(text);
    let [one, two, three] = p.periods[0].tracks[0].representations.as_slice() else {
        panic!("three")
    };
    assert_eq!(at(one, 2 * S), Some((8, 2 * S, 4 * S, url("s8"))));
    assert_eq!(one.mapping, Mapping::Offset(-1_500_000));
    assert_eq!(at(two, 20 * S), Some((8, 20 * S, 40 * S, url("r8"))));
    assert_eq!(address(&two.init.clone().unwrap()), url("p"));
    // Another kind inherits nothing of it; what stands before the index is the initialization.
    let SegmentList::Indexed { index, .. } = &three.segments else { panic!("indexed") };
    assert_eq!(index.range, Some(ByteRange { first: 10, last: Some(19) }));
    assert_eq!(three.init.clone().unwrap().range, Some(ByteRange { first: 0, last: Some(9) }));
    let both = three.beginning().unwrap();
    assert_eq!(
        (both.range, address(&both)),
        (Some(ByteRange { first: 0, last: Some(19) }), url("3.mp4"))
    );
    assert_eq!(two.beginning(), None);
    assert_eq!(three.mapping, Mapping::Offset(0));
}

#[test]
fn timelines_count_numbers_over_repeats_gaps_and_open_ends() {
    let timeline = |s: &str, period: &str| {
        format!("<MPD {period}><Period start='PT100S'><AdaptationSet mimeType='video/mp4'><SegmentTemplate timescale='10'
          presentationTimeOffset='50' startNumber='3' media='$Number$-$Time$'><SegmentTimeline>{s}</SegmentTimeline></SegmentTemplate>
          <Representation id='v' bandwidth='1'/></AdaptationSet></Period></MPD>")
    };
    let closed = "mediaPresentationDuration='PT110S'";
    let open =
        "type='dynamic' availabilityStartTime='1970-01-01T00:00:00Z' minimumUpdatePeriod='PT2S'";
    let cases = [
        // (timeline, MPD, position in s after the Period's start, number, time, start, end)
        ("<S t='50' d='20' r='4'/>", closed, 5, Some((5, 90, 4, 6))),
        ("<S t='50' d='20'/><S t='90' d='20' r='1'/>", closed, 3, Some((4, 90, 4, 6))),
        ("<S t='50' d='20' r='-1'/>", closed, 9, Some((7, 130, 8, 10))),
        ("<S t='50' d='20' r='-1'/><S t='110' d='30'/>", closed, 7, Some((6, 110, 6, 9))),
        ("<S t='50' d='20' r='-1'/>", open, 1000, Some((503, 10_050, 1000, 1002))),
        ("<S t='50' d='20'/><S d='10' r='1'/>", open, 4, None),
        ("<S t='50' d='20'/><S d='0'/><S d='10' n='9'/>", closed, 2, Some((9, 70, 2, 3))),
        ("<S t='50' d='20'/><S t='40' d='10'/><S t='70' d='10'/>", closed, 2, Some((5, 70, 2, 3))),
        // What has no duration covers no time and is counted: first, in between, last, repeated.
        ("<S t='50' d='0'/><S d='20'/>", open, 0, Some((4, 50, 0, 2))),
        ("<S t='50' d='0' r='2'/><S d='20'/>", closed, 0, Some((6, 50, 0, 2))),
        ("<S t='50' d='20'/><S t='70' d='0'/><S t='70' d='20'/>", open, 2, Some((5, 70, 2, 4))),
        ("<S t='50' d='20'/><S d='0' r='3'/><S d='20'/>", closed, 2, Some((8, 70, 2, 4))),
        ("<S t='50' d='0' r='-1'/><S d='20'/>", closed, 0, Some((4, 50, 0, 2))),
        ("<S t='50' d='20'/><S t='90' d='0'/><S d='20'/>", open, 3, Some((5, 90, 4, 6))),
        ("<S t='50' d='20'/><S t='70' d='0'/>", open, 2, None),
        ("<S t='50' d='20' r='-1'/><S d='0'/><S t='110' d='30'/>", closed, 7, Some((7, 110, 6, 9))),
        ("<S t='50' d='20' r='-1'/><S t='110' d='0'/><S d='30'/>", closed, 7, Some((7, 110, 6, 9))),
        ("<S t='50' d='20' n='0'/><S d='0'/><S d='20'/>", closed, 3, Some((2, 70, 2, 4))),
        // An overlap: what begins later is taken from its start on.
        ("<S t='50' d='20' r='1'/><S t='80' d='20'/>", open, 3, Some((5, 80, 3, 5))),
        // An encoder that was started again: what it writes now is what exists.
        ("<S t='500' d='20' r='4'/><S t='50' d='20' r='1'/>", open, 3, Some((9, 70, 2, 4))),
        ("<S t='500' d='20' r='4'/><S t='50' d='20' r='1'/>", open, 10, None),
        ("<S t='50' d='20' n='9'/><S d='20' n='3'/>", open, 2, Some((3, 70, 2, 4))),
        ("<S d='20' r='7'/>", closed, 0, Some((5, 40, -1, 1))),
    ];
    for (s, mpd, after, expected) in cases {
        let p = resolved(&timeline(s, mpd));
        let found = at(representation(&p, 0), (100 + after) * S);
        let expected = expected.map(|(number, time, start, end)| {
            (number, (100 + start) * S, (100 + end) * S, url(&format!("{number}-{time}")))
        });
        assert_eq!(found, expected, "{s}");
    }
    let p = resolved(&timeline("<S t='50' d='20' r='-1'/>", open));
    let r = representation(&p, 0);
    assert_eq!(r.segments.newest(WallTime::from_micros(109 * S)).map(|s| s.number), Some(6));
    assert!(!r.segments.grows_by_reload());
}

#[test]
fn a_representation_without_segment_information_is_one_segment() {
    let text = static_mpd(
        "<AdaptationSet mimeType='text/vtt' lang='de'><Label>Deutsch</Label><Role schemeIdUri='urn:mpeg:dash:role:2011' value='main'/>
         <Representation id='t' bandwidth='1'><BaseURL>de.vtt</BaseURL></Representation></AdaptationSet>",
    );
    let p = resolved(&text);
    let track = &p.periods[0].tracks[0];
    assert_eq!((track.kind, track.default), (TrackKind::Text, true));
    assert_eq!((track.language.as_deref(), track.label.as_deref()), (Some("de"), Some("Deutsch")));
    let r = &track.representations[0];
    assert_eq!((r.container, r.mime(track.kind)), (Container::Text, None));
    assert_eq!(at(r, 5 * S), Some((1, 0, 10 * S, url("de.vtt"))));
}

#[test]
fn periods_follow_each_other() {
    let period = |attributes: &str| {
        format!(
            "<Period {attributes}>{}</Period>",
            set("<SegmentTemplate duration='4' media='$Number$'/><Representation id='1'/>")
        )
    };
    let mpd = |attributes: &str, periods: &[&str]| {
        let periods: String = periods.iter().map(|p| period(p)).collect();
        format!("<MPD {attributes}>{periods}</MPD>")
    };
    let dynamic = "type='dynamic' availabilityStartTime='2026-11-24T04:00:00Z'";
    type Ends<'a> = &'a [(&'a str, i64, Option<i64>)];
    let cases: [(String, Ends<'_>); 9] = [
        (mpd("mediaPresentationDuration='PT9S'", &[""]), &[("@0", 0, Some(9))]),
        (mpd("", &[""]), &[("@0", 0, None)]),
        (
            mpd("mediaPresentationDuration='PT20S'", &["id='a' duration='PT5S'", "id='b'"]),
            &[("a", 0, Some(5)), ("b", 5, Some(20))],
        ),
        (
            mpd("", &["id='a'", "id='b' start='PT7S' duration='PT1S'"]),
            &[("a", 0, Some(7)), ("b", 7, Some(8))],
        ),
        (
            mpd("", &["id='a' duration='PT9S'", "id='b' start='PT7S'"]),
            &[("a", 0, Some(7)), ("b", 7, None)],
        ),
        // A hole between Periods stays one.
        (
            mpd("", &["id='a' duration='PT5S'", "id='b' start='PT7S'"]),
            &[("a", 0, Some(5)), ("b", 7, None)],
        ),
        // Announced without a time: not yet there.
        (mpd(dynamic, &["id='a' start='PT5S'", "id='b'"]), &[("a", 5, None)]),
        // The duration of a closed live presentation counts from its first Period.
        (
            mpd(
                "mediaPresentationDuration='PT30S'",
                &["id='a' start='PT1000S'", "id='b' start='PT1010S'"],
            ),
            &[("a", 1000, Some(1010)), ("b", 1010, Some(1030))],
        ),
        // Starts that fall: what has no time is left out.
        (mpd(dynamic, &["id='a' start='PT9S'", "id='b' start='PT7S'"]), &[("b", 7, None)]),
    ];
    for (text, expected) in cases {
        let p = resolved(&text);
        let s = |p: Position| p.as_micros() / S;
        let found: Vec<_> =
            p.periods.iter().map(|p| (p.id.as_str(), s(p.start), p.end.map(s))).collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn live_attributes_mean_what_the_standard_says() {
    let mpd = |attributes: &str, sets: &str| {
        format!(
            "<MPD type='dynamic' availabilityStartTime='2026-11-24T04:00:00Z' {attributes}><Period start='PT0S'>{sets}</Period></MPD>"
        )
    };
    let plain = set("<SegmentTemplate duration='4' media='$Number$'/><Representation id='1'/>");
    let events = set(
        "<InbandEventStream schemeIdUri='urn:mpeg:dash:event:2012' value='1'/><SegmentTemplate duration='4' media='$Number$'/><Representation id='1'/>",
    );
    let every = |ms| Refresh::Every(Duration::from_millis(ms));
    let cases = [
        ("", &plain, Refresh::Never),
        ("minimumUpdatePeriod='PT0S'", &events, Refresh::OnEvent),
        ("minimumUpdatePeriod='PT0S'", &plain, every(4000)),
        ("minimumUpdatePeriod='PT2.5S'", &plain, every(2500)),
        ("minimumUpdatePeriod='PT0.001S'", &plain, every(250)),
    ];
    for (attributes, sets, expected) in cases {
        assert_eq!(resolved(&mpd(attributes, sets)).refresh, expected, "{attributes}");
    }
    let depth = |attributes| live(&resolved(&mpd(attributes, &plain))).time_shift;
    assert_eq!(depth(""), None);
    assert_eq!(depth("timeShiftBufferDepth='PT60S'"), Some(Duration::from_secs(60)));
    assert_eq!(depth("timeShiftBufferDepth='PT1S'"), Some(Duration::from_secs(8)));
}

#[test]
fn availability_offsets_add_up_over_base_urls_and_are_overridden_in_segment_information() {
    let text = |base: &str, set_base: &str, template: &str, own: &str| {
        format!("<MPD type='dynamic' availabilityStartTime='1970-01-01T00:00:00Z'><BaseURL {base}>b/</BaseURL><Period start='PT0S'>
          <AdaptationSet mimeType='video/mp4'>{set_base}<SegmentTemplate duration='4' media='$Number$' {template}/>
          <Representation id='1'><SegmentTemplate {own}/></Representation></AdaptationSet></Period></MPD>")
    };
    let early = |s: &str| format!("availabilityTimeOffset='{s}'");
    let cases = [
        (text("", "", "", ""), 0, 1),
        (text(&early("1"), "", "", ""), 1000, 1),
        (
            text(
                &early("1"),
                &format!("<BaseURL {}>c/</BaseURL>", early("0.5")),
                &early("1.5"),
                "",
            ),
            3000,
            2,
        ),
        (text(&early("1"), "<BaseURL>http://cdn/</BaseURL>", "", ""), 0, 1),
        (text("", "", &early("1.5"), &early("3")), 3000, 2),
        (text("", "", &early("-1"), ""), -1000, 1),
    ];
    for (text, ms, newest_at_5_s) in cases {
        let p = resolved(&text);
        let r = representation(&p, 0);
        let first = r.segments.numbered(1).and_then(|s| s.available);
        assert_eq!(first, Some(WallTime::from_micros(4 * S - ms * 1000)), "{text}");
        let newest = r.segments.newest(WallTime::from_micros(5 * S));
        assert_eq!(newest.map(|s| s.number), Some(newest_at_5_s), "{text}");
    }
    let p = resolved(&text(&early("INF"), "", "availabilityTimeComplete='false'", ""));
    let r = representation(&p, 0);
    assert!(r.growing);
    let far = r.segments.numbered(1000).unwrap();
    assert!(far.available.unwrap() < WallTime::default(), "endlessly early");
}

#[test]
fn clocks_service_and_location_are_found() {
    let text = format!(
        "<MPD type='dynamic' availabilityStartTime='1970-01-01T00:00:00Z'><Location>../b/live.mpd?next=1</Location>
        <ServiceDescription><Scope schemeIdUri='urn:x'/><Latency target='9'/></ServiceDescription>
        <ServiceDescription><Latency target='300' min='100' max='2000'/><PlaybackRate min='0.95' max='1.1'/></ServiceDescription>
        <Period start='PT0S'>{}</Period>
        <UTCTiming schemeIdUri='urn:mpeg:dash:utc:direct:2014' value='2026-11-24T04:00:00Z'/>
        <UTCTiming schemeIdUri='urn:mpeg:dash:utc:ntp:2014' value='pool.ntp.org'/>
        <UTCTiming schemeIdUri='urn:mpeg:dash:utc:http-xsdate:2014' value='/time https://t.example/'/>
        <UTCTiming schemeIdUri='urn:mpeg:dash:utc:http-iso:2012' value='iso'/>
        <UTCTiming schemeIdUri='urn:mpeg:dash:utc:http-head:2014' value='https://h.example/'/></MPD>",
        set("<SegmentTemplate duration='4' media='$Number$'/><Representation id='1'/>")
    );
    let p = resolved(&text);
    assert_eq!(p.location.as_deref(), Some("https://cam.example/b/live.mpd?next=1"));
    assert_eq!(
        p.clocks,
        [
            ClockSource::HttpIso("https://cam.example/time".into()),
            ClockSource::HttpIso("https://t.example/".into()),
            ClockSource::HttpIso("https://cam.example/a/iso".into()),
            ClockSource::HttpHead("https://h.example/".into()),
            ClockSource::Direct(time("2026-11-24T04:00:00Z")),
        ]
    );
    assert_eq!(p.service.target_latency, Some(Duration::from_millis(300)));
    assert_eq!((p.service.min_rate_permille, p.service.max_rate_permille), (Some(950), Some(1100)));
}

#[test]
fn sets_that_cannot_be_played_are_left_out_and_the_reason_told() {
    let addressed = "<SegmentTemplate duration='4' media='$Number$'/><Representation id='1'/>";
    let good = set(addressed);
    let cases = [
        ("<EssentialProperty schemeIdUri='urn:example:new'/>", "urn:example:new"),
        (
            "<EssentialProperty schemeIdUri='http://dashif.org/guidelines/trickmode' value='1'/>",
            "trickmode",
        ),
        (
            "<SupplementalProperty schemeIdUri='http://dashif.org/guidelines/trickmode' value='1'/>",
            "no Period has",
        ),
        ("<ContentProtection schemeIdUri='urn:mpeg:dash:mp4protection:2011'/>", "encrypted"),
    ];
    for (property, reason) in cases {
        let bad = set(&format!("{property}{addressed}"));
        let p = resolved(&static_mpd(&format!("{bad}{good}")));
        assert_eq!(p.periods[0].tracks.len(), 1, "{property}");
        let error = try_resolve(&static_mpd(&bad)).unwrap_err().to_string();
        assert!(error.contains(reason), "{property}: {error}");
    }
    let harmless =
        "<EssentialProperty schemeIdUri='urn:mpeg:mpegB:cicp:ColourPrimaries' value='1'/>";
    assert_eq!(resolved(&static_mpd(&set(&format!("{harmless}{addressed}")))).periods.len(), 1);
    let others = [
        ("<MPD/>", "no Period"),
        ("<MPD><Period/></MPD>", "no Period has"),
        ("<MPD><Period xmlns:xlink='x' xlink:href='http://ads/'/></MPD>", "xlink"),
        (
            "<MPD><Period><AdaptationSet mimeType='image/jpeg'><Representation id='1'/></AdaptationSet></Period></MPD>",
            "no Period has",
        ),
        (
            "<MPD><Period><AdaptationSet mimeType='video/mp4'><SegmentTemplate duration='1'/><Representation id='1'/></AdaptationSet></Period></MPD>",
            "@media",
        ),
        (
            "<MPD><Period><AdaptationSet mimeType='video/mp4'><SegmentTemplate timescale='0' duration='1' media='a'/><Representation id='1'/></AdaptationSet></Period></MPD>",
            "@timescale",
        ),
    ];
    for (text, reason) in others {
        let error = try_resolve(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn names_are_unique_and_rungs_sorted() {
    let text = static_mpd(&format!(
        "{}{}",
        set(
            "<SegmentTemplate duration='4' media='$RepresentationID$'/><Representation id='x' bandwidth='5'/><Representation id='x' bandwidth='3'/><Representation bandwidth='4'/>"
        ),
        set("<SegmentTemplate duration='4' media='a'/><Representation id='x' bandwidth='1'/>"),
    ));
    let p = resolved(&text);
    let mut ids = Vec::new();
    for track in &p.periods[0].tracks {
        assert!(track.representations.is_sorted_by_key(|r| r.bandwidth));
        ids.extend(track.representations.iter().map(|r| r.id.clone()));
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
    assert_ne!(p.periods[0].tracks[0].id, p.periods[0].tracks[1].id);
    // The address still has the id as it is written.
    let first = p.periods[0].tracks[0].representations[0].segments.at(Position::default());
    assert_eq!(address(&first.unwrap().resource), url("x"));
}

#[test]
fn hostile_numbers_and_sizes_cost_nothing() {
    let huge = u64::MAX;
    let text = format!(
        "<MPD type='dynamic' availabilityStartTime='9999-12-31T23:59:59Z' timeShiftBufferDepth='PT99999999999999999999S' minimumUpdatePeriod='P99999999Y'>
        <Period start='PT9999999999S' duration='PT99999999999999999S'><AdaptationSet mimeType='video/mp4'>
        <SegmentTemplate timescale='1' presentationTimeOffset='{huge}' startNumber='{huge}' duration='{huge}' availabilityTimeOffset='-99999999999999999999' media='$Number%0999d$'/>
        <Representation id='1' bandwidth='{huge}'/><Representation id='2'><SegmentTemplate><SegmentTimeline>
        <S t='{huge}' d='{huge}' r='{huge}'/></SegmentTimeline></SegmentTemplate></Representation></AdaptationSet></Period></MPD>"
    );
    // r= beyond i64 is a syntax error with a place; below it is accepted.
    assert!(matches!(try_resolve(&text), Err(Error::Syntax { .. })));
    let p = resolved(&text.replace(&format!("r='{huge}'"), &format!("r='{}'", i64::MAX)));
    for r in &p.periods[0].tracks[0].representations {
        for us in [i64::MIN, 0, i64::MAX] {
            let _ = r.segments.at(Position::from_micros(us));
            let _ = r.segments.newest(WallTime::from_micros(us));
            let _ = r.segments.last();
            let _ = edge(&p, WallTime::from_micros(us)).and_then(|edge| window(&p, edge));
        }
    }
    // A long template inherited by many: refused instead of multiplied.
    let many: String = (0..20_000).map(|_| "<Representation id='a'/>").collect();
    let long = "x".repeat(200_000);
    let text = static_mpd(&set(&format!("<SegmentTemplate duration='4' media='{long}'/>{many}")));
    assert!(matches!(try_resolve(&text), Err(Error::NothingToPlay(why)) if why.contains("64 MiB")));
    let runs: String = (0..20_000).map(|_| "<S d='1'/>").collect();
    let text = static_mpd(&set(&format!(
        "<SegmentTemplate media='x'><SegmentTimeline>{runs}</SegmentTimeline></SegmentTemplate>{many}"
    )));
    assert!(matches!(try_resolve(&text), Err(Error::NothingToPlay(_))));
}
