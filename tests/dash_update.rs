//! What a reloaded MPD changes, and what it must not.

use nearlive::dash::update::update;
use nearlive::dash::{read, resolve};
use nearlive::presentation::{Kind, Mapping, Presentation, Representation};
use nearlive::time::{Position, WallTime};
use std::time::Duration;

const S: i64 = 1_000_000;

fn resolved(text: &str) -> Presentation {
    let mpd = read::mpd(text.as_bytes());
    let found = mpd.and_then(|mpd| resolve::resolve(&mpd, "https://h/live.mpd"));
    assert_eq!(found.as_ref().err(), None, "{text}");
    found.unwrap_or_else(|_| unreachable!())
}

/// ffmpeg's live MPD with another start, another time of writing, another list.
fn ffmpeg(start: &str, published: &str, timeline: &str, number: u64) -> Presentation {
    let text = include_str!("data/ffmpeg_live.mpd")
        .replace("04:09:54.433Z", start)
        .replace("04:10:04.395Z", published)
        .replace("startNumber=\"1\"", &format!("startNumber=\"{number}\""))
        .replace("<S t=\"0\" d=\"64000\" r=\"1\" />", timeline);
    resolved(&text)
}

fn representation(p: &Presentation) -> &Representation {
    &p.periods[0].tracks[0].representations[0]
}

fn anchor(p: &Presentation) -> Option<WallTime> {
    match &p.kind {
        Kind::Live(live) => live.anchor,
        Kind::OnDemand { .. } => None,
    }
}

#[test]
fn an_older_mpd_is_not_taken_unless_the_clock_was_set() {
    let known = ffmpeg("04:00:00Z", "04:00:20Z", "<S t=\"0\" d=\"64000\" r=\"3\"/>", 1);
    let longer = "<S t=\"0\" d=\"64000\" r=\"4\"/>";
    for (published, taken) in
        [("04:00:19Z", false), ("04:00:20Z", true), ("04:00:25Z", true), ("03:50:00Z", true)]
    {
        let merged = update(&known, ffmpeg("04:00:00Z", published, longer, 1));
        let last = representation(&merged).segments.last().map(|s| s.number);
        assert_eq!(last, Some(if taken { 5 } else { 4 }), "{published}");
    }
}

#[test]
fn an_encoder_that_was_started_again_goes_on_in_wall_clock_time() {
    let known = ffmpeg("04:00:00Z", "04:01:00Z", "<S t=\"512000\" d=\"64000\" r=\"3\"/>", 9);
    // 70 s later, from zero.
    let again = |published, timeline| ffmpeg("04:01:10Z", published, timeline, 1);
    let merged = update(&known, again("04:01:16Z", "<S t=\"0\" d=\"64000\"/>"));
    let r = representation(&merged);
    let first = r.segments.at(Position::default()).unwrap();
    assert_eq!((first.number, first.start.as_micros()), (1, 70 * S));
    assert_eq!(r.mapping, Mapping::Offset(70 * S));
    assert_eq!(anchor(&merged), anchor(&known));
    assert_eq!(merged.periods[0].start.as_micros(), 70 * S);
    assert_ne!(merged.periods[0].id, known.periods[0].id);
    // And again at the next reload, with the same ids and places.
    let next = update(&merged, again("04:01:21Z", "<S t=\"0\" d=\"64000\" r=\"1\"/>"));
    assert_eq!(next.periods[0].id, merged.periods[0].id);
    assert_eq!(representation(&next).segments.last().unwrap().end.as_micros(), 80 * S);
}

#[test]
fn a_numbered_presentation_that_was_started_again_keeps_its_availability() {
    let text = include_str!("data/ffmpeg_ldash.mpd");
    let known = resolved(text);
    let again =
        text.replace("04:10:06.316Z", "04:20:06.316Z").replace("04:10:19.354Z", "04:20:10Z");
    let merged = update(&known, resolved(&again));
    let now = anchor(&known).unwrap() + Duration::from_secs(603);
    let newest = representation(&merged).segments.newest(now).unwrap();
    assert_eq!((newest.number, newest.start.as_micros()), (3, 602 * S));
    assert_eq!(merged.periods[0].start.as_micros(), 600 * S);
}

#[test]
fn a_start_that_only_wavers_moves_nothing() {
    let known = ffmpeg("04:00:00Z", "04:01:00Z", "<S t=\"512000\" d=\"64000\" r=\"3\"/>", 9);
    let cases = [
        ("04:00:00.040Z", "<S t=\"576000\" d=\"64000\" r=\"3\"/>"),
        // Corrected by a lot, but the times go on.
        ("03:59:30Z", "<S t=\"576000\" d=\"64000\" r=\"3\"/>"),
    ];
    for (start, timeline) in cases {
        let new = ffmpeg(start, "04:01:05Z", timeline, 10);
        assert_eq!(update(&known, new.clone()), new, "{start}");
    }
}

#[test]
fn equal_times_keep_their_numbers_where_addresses_have_none() {
    let mpd = |media: &str, timeline: &str| {
        resolved(&format!(
            "<MPD type='dynamic' availabilityStartTime='2026-11-24T04:00:00Z' minimumUpdatePeriod='PT2S'><Period id='p' start='PT0S'>
            <AdaptationSet mimeType='video/mp4'><SegmentTemplate timescale='10' media='{media}'><SegmentTimeline>{timeline}</SegmentTimeline>
            </SegmentTemplate><Representation id='v'/></AdaptationSet></Period></MPD>"
        ))
    };
    let known = "<S t='100' d='20' r='2'/><S d='30'/>";
    let cases = [
        // One has gone, one has come; both lists are numbered from 1.
        ("$Time$", "<S t='120' d='20' r='1'/><S d='30' r='1'/>", [(120, 2), (190, 5)]),
        ("$Time$", "<S t='190' d='20' r='1'/>", [(190, 5), (210, 6)]),
        ("$Number$", "<S t='120' d='20' r='1'/><S d='30' r='1'/>", [(120, 1), (190, 4)]),
    ];
    for (media, timeline, expected) in cases {
        let merged = update(&mpd(media, known), mpd(media, timeline));
        for (time, number) in expected {
            let found = representation(&merged).segments.at(Position::from_micros(time * 100_000));
            assert_eq!(found.map(|s| s.number), Some(number), "{media} {timeline} at {time}");
        }
    }
}
