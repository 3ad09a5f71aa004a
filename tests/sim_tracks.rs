//! Tracks that cannot be played, and which of several is played.
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive::player::{Code, Error};
use nearlive::presentation::TrackKind::{Audio, Video};
use nearlive_simulator::clock::{millis, secs};
use nearlive_simulator::network::{Fault, Path, Trouble};
use nearlive_simulator::origin::cut::{CutServer, DASH, HLS, Part, RADIO, Strip};
use nearlive_simulator::report::Report;
use nearlive_simulator::{Page, Setup, Simulation};

fn load(url: &str, server: CutServer, page: Page, refused: &[(&str, u16)]) -> Simulation {
    let mut path = Path::steady(8000);
    for (matching, status) in refused {
        path.faults.push(Fault::all(0..secs(900), matching, Trouble::Status(*status)));
    }
    let mut sim = Setup { path, page, ..Setup::new(server) }.start();
    sim.load(url);
    sim
}

fn film() -> CutServer {
    CutServer::whole(20_000, vec![Strip::new(Video, 0..20_000), Strip::new(Audio, 0..20_000)])
}

fn without(codecs: &str) -> Page {
    Page { unsupported: vec![codecs.into()], ..Page::default() }
}

/// Plays to the end at 20 s without a fatal error; answers what was said.
fn ends(mut sim: Simulation, name: &str) -> Report {
    let over = sim.run_until(secs(90), |s| s.element().ended());
    assert!(over, "{name}: {}", sim.report());
    let at = sim.element().position(sim.now());
    assert!((19_900_000..20_100_000).contains(&at), "{name}: {at} {}", sim.report());
    let report = sim.finish();
    report.sound().unwrap_or_else(|why| panic!("{name}: {why}"));
    report
}

/// The one error that says that `what` is left out.
fn left_out<'a>(report: &'a Report, what: &str, name: &str) -> &'a Error {
    let said = |e: &&Error| e.message.contains("is left out");
    let all: Vec<&Error> = report.errors.iter().map(|e| &e.1).filter(said).collect();
    assert_eq!(all.len(), 1, "{name}: {report}");
    assert!(all[0].message.starts_with(&format!("The {what}")), "{name}: {report}");
    assert!(!all[0].fatal);
    all[0]
}

#[test]
fn sound_in_packed_files_is_left_out_and_the_picture_plays() {
    for form in ["aac", "mp3", "ac3"] {
        let sim = load(HLS, film().packed(form), Page::default(), &[]);
        let report = ends(sim, form);
        let error = left_out(&report, "sound \"film\"", form);
        assert_eq!(error.code, Code::NotYet, "{form}: {report}");
        assert!(error.message.contains("packed audio"), "{form}: {report}");
        assert!(report.startup().unwrap() < secs(1), "{form}: {report}");
        assert_eq!(report.errors.len(), 1, "{form}: {report}");
    }
}

#[test]
fn a_radio_of_packed_files_ends_with_what_to_do() {
    let mut sim = load(RADIO, film().packed("aac"), Page::default(), &[]);
    sim.run_for(secs(10));
    let report = sim.finish();
    assert_eq!(report.fatal().len(), 1, "{report}");
    let message = &report.fatal()[0].message;
    assert!(message.contains("packed audio") && message.contains("fragmented MP4"), "{message}");
    assert!(report.requests < 5, "{report}");
}

#[test]
fn a_track_whose_files_are_not_to_be_had_ends_no_other() {
    for (url, refused, status, lost) in [
        (HLS, "a.m3u8", 404, "sound"),
        (HLS, "a.m3u8", 403, "sound"),
        (HLS, "/v.m3u8", 404, "picture"),
        (DASH, "/a/init.mp4", 404, "sound"),
        (DASH, "/v/init.mp4", 403, "picture"),
        (HLS, "/a/init.mp4", 404, "sound"),
        (DASH, "/v/", 404, "picture"),
        (HLS, "/a/", 410, "sound"),
    ] {
        let name = format!("{url} {refused} {status}");
        let report = ends(load(url, film(), Page::default(), &[(refused, status)]), &name);
        left_out(&report, lost, &name);
        assert!(report.startup().unwrap() < secs(12), "{name}: {report}");
        assert!(report.requests < 60, "{name}: {report}");
    }
}

#[test]
fn lost_sound_comes_back_where_there_is_more_of_it() {
    // Five segments in a row.
    let refused: Vec<(&str, u16)> =
        ["/a/4000", "/a/6000", "/a/8000", "/a/10000", "/a/12000"].map(|it| (it, 404)).to_vec();
    let mut sim = load(DASH, film(), Page::default(), &refused);
    sim.run_until(secs(15), |s| s.element().position(s.now()) > 14_500_000);
    let heard = sim.element().buffer(Audio).unwrap();
    let real = |ms: i64| heard.shown_at(ms * 1000).unwrap().frame.bytes > 100;
    assert_eq!([3000, 5000, 13_000, 15_000].map(real), [true, false, false, true]);
    assert_eq!(sim.report().stands, [], "{}", sim.report());
    assert_eq!(sim.report().opens, 1, "{}", sim.report());
    assert_eq!(ends(sim, "five").errors.len(), 1);
}

#[test]
fn a_codec_that_the_browser_lacks_leaves_the_other_track() {
    for (codecs, lost) in [("avc1", "picture"), ("mp4a", "sound")] {
        let report = ends(load(DASH, film(), without(codecs), &[]), codecs);
        let error = left_out(&report, lost, codecs);
        assert_eq!(error.code, Code::UnsupportedCodec);
        assert!(error.message.contains(codecs), "{report}");
    }
}

#[test]
fn when_no_track_is_left_it_is_the_end_and_said_once() {
    for refused in [&[("/a/", 404), ("/v/", 404)][..], &[(".mp4", 403), (".m4s", 403)]] {
        let mut sim = load(DASH, film(), Page::default(), refused);
        sim.run_for(secs(60));
        let report = sim.finish();
        assert_eq!(report.fatal().len(), 1, "{report}");
        assert!(report.requests < 40, "{report}");
    }
}

#[test]
fn a_decoder_that_gives_up_again_and_again_ends_its_own_track_only() {
    for (words, lost) in [("audio decode error!", "sound"), ("video decode error!", "picture")] {
        let mut sim = load(DASH, film(), Page::default(), &[]);
        for second in [3, 5] {
            sim.run_to(secs(second));
            sim.decoder_gives_up(words);
        }
        let report = ends(sim, words);
        left_out(&report, lost, words);
        assert!(report.stood(secs(6)..secs(30)) < millis(200), "{words}: {report}");
    }
}

/// A picture, and sound in these languages, each with whether it is the main one.
fn tongues(languages: &[(&'static str, bool)], span: std::ops::Range<u64>) -> Vec<Strip> {
    let names = [("en", "a1"), ("fr", "a2"), ("de", "a3")];
    let own = |it: &str| names.iter().find(|n| n.0 == it).unwrap().1;
    let from = span.start;
    let mut tracks = vec![Strip::new(Video, span.clone()).from(from)];
    for (language, main) in languages {
        let strip = Strip::new(Audio, span.clone()).from(from);
        tracks.push(strip.named(own(language), language, *main));
    }
    tracks
}

/// The number of the sound at a position, milliseconds.
fn heard(sim: &Simulation, ms: i64) -> Option<u32> {
    Some(sim.element().buffer(Audio)?.shown_at(ms * 1000)?.label)
}

#[test]
fn of_several_languages_the_main_one_is_played_else_the_first() {
    for (languages, expected) in [
        (&[("en", false), ("fr", true), ("de", false)][..], 2),
        (&[("de", false), ("fr", false), ("en", false)], 3),
        (&[("en", true), ("fr", true)], 1),
    ] {
        let server = CutServer::whole(20_000, tongues(languages, 0..20_000));
        let mut sim = load(DASH, server, Page::default(), &[]);
        sim.run_for(secs(3));
        assert_eq!(heard(&sim, 1000), Some(expected), "{languages:?}: {}", sim.report());
        assert_eq!(ends(sim, "languages").errors, []);
    }
}

#[test]
fn a_language_that_a_later_period_lacks_is_replaced_and_comes_back() {
    let all: &[(&str, bool)] = &[("en", false), ("fr", true)];
    for (middle, expected) in [
        (&[("en", false)][..], Some(1)),
        (&[("de", true)], Some(3)),
        (&[], None),
        (&[("fr", false), ("en", true)], Some(2)),
    ] {
        let parts = [(0, all), (1, middle), (2, all)].map(|(i, languages)| Part {
            start_ms: i * 20_000,
            length_ms: None,
            tracks: tongues(languages, i * 20_000..(i + 1) * 20_000),
        });
        let mut sim = load(DASH, CutServer::new(60_000, parts.to_vec()), Page::default(), &[]);
        let mut found = Vec::new();
        for (second, ms) in [(10, 5000), (30, 25_000), (50, 45_000)] {
            sim.run_to(secs(second));
            found.push(heard(&sim, ms).filter(|it| *it < 10));
        }
        assert_eq!(found, [Some(2), expected, Some(2)], "{}", sim.report());
        let over = sim.run_until(secs(70), |s| s.element().ended());
        let report = sim.report();
        assert!(over, "{report}");
        assert_eq!(report.stands, [], "{middle:?}: {report}");
        assert_eq!(report.errors, [], "{middle:?}: {report}");
    }
}

#[test]
fn a_language_that_the_browser_cannot_play_is_not_the_one_that_is_taken() {
    let mut tracks = tongues(&[("en", false), ("fr", true)], 0..20_000);
    tracks[2].codecs = Some("ec-3");
    let mut sim = load(DASH, CutServer::whole(20_000, tracks), without("ec-3"), &[]);
    sim.run_for(secs(3));
    assert_eq!(heard(&sim, 1000), Some(1), "{}", sim.report());
    assert_eq!(ends(sim, "ec-3").errors, []);
}
