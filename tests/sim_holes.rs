//! Films with holes: places where one track has no media, or all have none.
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive::player::{Command, Config};
use nearlive::presentation::TrackKind::{Audio, Video};
use nearlive::time::Duration;
use nearlive_simulator::clock::{Time, millis, secs};
use nearlive_simulator::network::{Fault, Path, Trouble};
use nearlive_simulator::origin::cut::{CutServer, DASH, Part, Strip};
use nearlive_simulator::report::Report;
use nearlive_simulator::{Page, Setup, Simulation};

/// What the browser does not need in order to play: then holes in the sound are jumped over.
fn without_silence() -> Page {
    // Silence is AAC-LC by this very name.
    Page { unsupported: vec!["audio/mp4; codecs=\"mp4a.40.2\"".into()], ..Page::default() }
}

fn load(server: CutServer, path: Path, page: Page) -> Simulation {
    let mut sim = Setup { path, page, ..Setup::new(server) }.start();
    sim.load(DASH);
    sim
}

fn start(server: CutServer) -> Simulation {
    load(server, Path::steady(8000), Page::default())
}

fn position(sim: &Simulation) -> i64 {
    sim.element().position(sim.now())
}

/// The viewer seeks there; it has to go on `within` so long, at that place or behind the hole that
/// ends at `or`, and only so many seeks of the player's own are needed.
fn seek(sim: &mut Simulation, to_ms: i64, or_ms: i64, within: Time) {
    let (at, own) = (sim.now(), sim.report().seeks);
    sim.seek(to_ms * 1000);
    let moving = sim
        .run_until(at + within, |s| s.element().moving() && position(s) >= to_ms * 1000 + 200_000);
    let (now, report) = (position(sim) / 1000, sim.report());
    assert!(moving, "a seek to {to_ms}: {report}");
    assert!((or_ms..or_ms + 600).contains(&now), "a seek to {to_ms} is at {now}: {report}");
    assert!(report.seeks - own <= 3, "a seek to {to_ms}: {} of its own", report.seeks - own);
}

/// Plays to the end, which has to come at `end_ms` of the film.
fn ends(mut sim: Simulation, end_ms: i64) -> Report {
    let over = sim.run_until(sim.now() + secs(200), |s| s.element().ended());
    let report = sim.report();
    assert!(over, "{report}");
    let at = position(&sim) / 1000;
    assert!((end_ms - 60..=end_ms + 60).contains(&at), "ends at {at}: {report}");
    let report = sim.finish();
    report.sound().unwrap();
    report
}

/// The longest stand: after a seek of the viewer, what it takes to fetch.
fn longest(report: &Report) -> Time {
    report.stands.iter().map(|s| s.lasted).max().unwrap_or(0)
}

fn film(video: Strip, audio: Strip, length_ms: u64) -> CutServer {
    CutServer::whole(length_ms, vec![video, audio])
}

#[test]
fn a_picture_plays_at_once_before_the_sound_begins_and_after_it_has_ended() {
    let cut = || film(Strip::new(Video, 0..40_000), Strip::new(Audio, 4000..32_000), 40_000);
    let mut sim = start(cut());
    sim.run_until(secs(3), |s| s.report().started.is_some());
    assert!(position(&sim) < 200_000 && sim.now() < millis(800), "{}", sim.report());
    sim.run_for(secs(6));
    assert_eq!(sim.report().stands, [], "{}", sim.report());
    for to in [2000, 1000, 33_000, 5, 31_900] {
        seek(&mut sim, to, to, secs(1));
        sim.run_for(millis(700));
    }
    seek(&mut sim, 2000, 2000, secs(1));
    let report = ends(sim, 40_000);
    assert_eq!(report.errors, []);
    assert!(longest(&report) < millis(200), "{report}");
}

#[test]
fn where_the_picture_begins_later_playing_begins_with_it() {
    let cut = film(Strip::new(Video, 4000..40_000), Strip::new(Audio, 0..40_000), 40_000);
    let mut sim = start(cut);
    sim.run_until(secs(3), |s| s.report().started.is_some());
    assert!((3_900_000..4_400_000).contains(&position(&sim)), "{}", sim.report());
    assert!(sim.now() < secs(1), "{}", sim.report());
    sim.run_for(secs(5));
    let requests = sim.report().requests;
    seek(&mut sim, 2000, 4000, millis(700));
    assert!(sim.report().requests <= requests + 6, "nothing is fetched again: {}", sim.report());
    assert_eq!(ends(sim, 40_000).stands, []);
}

#[test]
fn a_picture_that_ends_earlier_leaves_the_sound_to_play_to_its_end() {
    let cut = film(Strip::new(Video, 0..20_000), Strip::new(Audio, 0..70_000), 70_000);
    let mut sim = start(cut);
    sim.run_for(secs(5));
    seek(&mut sim, 18_000, 18_000, secs(1));
    let over = sim.run_until(secs(120), |s| s.element().ended());
    assert!(over && position(&sim) > 69_900_000, "{}", sim.report());
    sim.finish().sound().unwrap();
}

#[test]
fn a_lost_segment_is_passed_over_in_picture_and_sound() {
    for (lost, url, silence) in
        [("picture", "/v/", true), ("sound", "/a/", true), ("sound", "/a/", false)]
    {
        let codec = if silence { None } else { Some("mp4a.40.5") };
        let audio = Strip { codecs: codec, ..Strip::new(Audio, 0..40_000) };
        let page = if silence { Page::default() } else { without_silence() };
        let mut path = Path::steady(8000);
        for ms in [10_000, 12_000, 20_000] {
            let name = format!("{url}{ms}.m4s");
            path.faults.push(Fault::all(0..secs(900), &name, Trouble::Status(404)));
        }
        let mut sim = load(film(Strip::new(Video, 0..40_000), audio, 40_000), path, page);
        sim.run_for(secs(20));
        let report = sim.report();
        let back = if lost == "sound" && silence { 11_000 } else { 14_000 };
        assert_eq!(report.stands, [], "{lost} {silence}: {report}");
        seek(&mut sim, 11_000, back, secs(5));
        sim.run_for(secs(1));
        seek(&mut sim, 35_000, 35_000, secs(1));
        seek(&mut sim, 10_000, back - 1000 * i64::from(back == 11_000), secs(5));
        let report = ends(sim, 40_000);
        assert!(longest(&report) < secs(4), "{lost} {silence}: {report}");
    }
}

#[test]
fn gaps_between_periods_are_jumped_over_however_long_they_are() {
    for gap_ms in [300, 1000, 4000, 29_000, 60_000, 3_600_000] {
        let tracks = |pto| {
            let span = pto..pto + 10_000;
            vec![Strip::new(Video, span.clone()).from(pto), Strip::new(Audio, span).from(pto)]
        };
        let part = |i: u64| Part {
            start_ms: i * (10_000 + gap_ms),
            length_ms: Some(10_000),
            tracks: tracks(i * 20_000),
        };
        let length = 3 * 10_000 + 2 * gap_ms;
        let server = CutServer::new(length, vec![part(0), part(1), part(2)]);
        let mut sim = start(server);
        sim.run_for(secs(16));
        let report = sim.report();
        let second = i64::try_from(10_000 + gap_ms).unwrap();
        assert!(position(&sim) > (second + 4000) * 1000, "{gap_ms}: {report}");
        assert_eq!(report.stands, [], "{gap_ms}: {report}");
        let third = 2 * second;
        seek(&mut sim, third - 200, third, secs(1));
        seek(&mut sim, 10_000 + 100, second, secs(1));
        seek(&mut sim, 5000, 5000, secs(1));
        let report = ends(sim, i64::try_from(length).unwrap());
        assert!(longest(&report) < millis(200), "{gap_ms}: {report}");
        assert!(report.seeks < 12, "{gap_ms}: {report}");
    }
}

#[test]
fn holes_in_a_row_and_in_turn_are_left_behind() {
    let video = Strip::new(Video, 0..60_000).without(10_000..14_000).without(18_000..20_000);
    let video = video.without(30_000..42_000);
    let audio = Strip { codecs: Some("mp4a.40.5"), ..Strip::new(Audio, 0..60_000) };
    let audio = audio.without(14_000..18_000).without(24_000..26_000).without(40_000..44_000);
    let mut sim = load(film(video, audio, 60_000), Path::steady(8000), without_silence());
    let over = sim.run_until(secs(60), |s| s.element().ended());
    let report = sim.report();
    assert!(over, "{report}");
    assert_eq!(report.stands, [], "{report}");
    assert!(report.seeks <= 6, "{report}");
    assert!((33_800..34_500).contains(&(sim.now() / 1000)), "{report}");
    sim.play();
    for to in [11_000, 13_000, 16_000, 19_900] {
        seek(&mut sim, to, 20_000, secs(1));
    }
    seek(&mut sim, 33_000, 44_000, secs(1));
    sim.finish().sound().unwrap();
}

#[test]
fn media_that_is_still_to_come_is_never_jumped_over() {
    // The picture takes twice as long as it lasts; sound and what lies behind are there.
    let cut = film(Strip::new(Video, 0..40_000), Strip::new(Audio, 0..40_000), 40_000);
    let mut path = Path::steady(8000);
    for ms in [10_000, 12_000, 14_000] {
        let name = format!("/v/{ms}.m4s");
        path.faults.push(Fault::all(0..secs(900), &name, Trouble::Late(secs(6))));
    }
    let mut sim = load(cut, path, Page::default());
    let mut before = 0;
    while !sim.element().ended() && sim.now() < secs(90) {
        sim.run_for(millis(100));
        let now = position(&sim);
        assert!(now - before < 250_000, "from {before} to {now}: {}", sim.report());
        before = now;
    }
    assert!(sim.element().ended(), "{}", sim.report());
    sim.seek(9_900_000);
    sim.play();
    sim.run_for(secs(3));
    sim.finish().sound().unwrap();
}

#[test]
fn a_seek_back_to_what_was_removed_waits_for_it_and_jumps_nothing() {
    let cut = film(Strip::new(Video, 0..200_000), Strip::new(Audio, 0..200_000), 200_000);
    let mut sim = start(cut);
    sim.run_for(secs(60));
    sim.fault(Fault::all(secs(60)..secs(90), "/v/", Trouble::Late(secs(2))));
    sim.seek(5_000_000);
    sim.run_for(secs(6));
    let now = position(&sim);
    assert!((5_000_000..9_100_000).contains(&now), "at {now}: {}", sim.report());
    sim.finish().sound().unwrap();
}

#[test]
fn a_paused_viewer_sees_the_picture_behind_the_hole_and_no_more_seeks_than_needed() {
    let video = Strip::new(Video, 4000..40_000).without(10_000..16_000);
    let mut sim = start(film(video, Strip::new(Audio, 0..40_000), 40_000));
    sim.run_for(secs(3));
    sim.pause();
    for (to, there) in [(1000, 4000), (12_000, 16_000), (39_990, 39_700), (2000, 4000)] {
        let own = sim.report().seeks;
        sim.seek(to * 1000);
        sim.run_for(secs(2));
        assert!(!sim.element().seeking(), "{to}: {}", sim.report());
        let now = position(&sim) / 1000;
        assert!((there..there + 300).contains(&now), "{to} {now}: {}", sim.report());
        assert!(sim.report().seeks - own <= 1, "{to}: {}", sim.report());
    }
    sim.play();
    assert_eq!(ends(sim, 40_000).errors, []);
}

#[test]
fn a_seek_to_the_last_frames_before_a_hole_goes_on_behind_it() {
    for (before, paused) in [(40, false), (120, false), (120, true), (240, true), (400, false)] {
        let video = Strip::new(Video, 0..40_000).without(10_000..12_000);
        let mut page = Page::default();
        page.rules.seek_needs = 480_000;
        let cut = film(video, Strip::new(Audio, 0..40_000), 40_000);
        let mut sim = load(cut, Path::steady(8000), page);
        sim.run_for(secs(3));
        if paused {
            sim.pause();
        }
        sim.seek((10_000 - before) * 1000);
        sim.run_for(secs(1));
        sim.play();
        sim.run_for(secs(2));
        let (at, report) = (position(&sim), sim.report());
        assert!(!sim.element().seeking(), "{before} ms, paused {paused}: {report}");
        assert!((12_000_000..16_000_000).contains(&at), "{before} ms, paused {paused}: {report}");
        assert_eq!(ends(sim, 40_000).errors, []);
    }
}

#[test]
fn a_viewer_who_seeks_again_while_a_seek_is_mended_is_followed() {
    let video = Strip::new(Video, 4000..60_000).without(10_000..16_000);
    for ms in (0..700).step_by(50) {
        let mut sim = start(film(video.clone(), Strip::new(Audio, 0..60_000), 60_000));
        sim.run_for(secs(3));
        sim.seek(12_000_000);
        sim.run_for(millis(ms));
        sim.seek(1_000_000);
        sim.run_for(millis(ms));
        seek(&mut sim, 30_000, 30_000, secs(2));
        sim.run_for(millis(ms));
        seek(&mut sim, 15_000, 16_000, secs(2));
        sim.finish().sound().unwrap();
    }
}

#[test]
fn a_seek_behind_the_last_segment_ends_the_film() {
    // The manifest says more than there is.
    for length in [40_000, 44_500] {
        let cut = film(Strip::new(Video, 0..40_000), Strip::new(Audio, 0..40_000), length);
        let mut sim = start(cut);
        sim.run_for(secs(5));
        sim.seek(i64::try_from(length).unwrap() * 1000);
        let over = sim.run_until(secs(20), |s| s.element().ended());
        assert!(over, "{length}: {}", sim.report());
        let at = position(&sim) / 1000;
        assert!((39_900..40_100).contains(&at), "{length}: {at} {}", sim.report());
        sim.seek(10_000_000);
        sim.play();
        sim.run_for(secs(2));
        assert!(sim.element().moving(), "{length}: {}", sim.report());
        sim.finish().sound().unwrap();
    }
}

#[test]
fn a_period_without_sound_plays_with_its_picture() {
    let part = |start_ms, tracks| Part { start_ms, length_ms: None, tracks };
    let video = |i: u64| Strip::new(Video, i * 40_000..(i + 1) * 40_000).from(i * 40_000);
    let audio = |i: u64| Strip::new(Audio, i * 40_000..(i + 1) * 40_000).from(i * 40_000);
    for silent in [vec![1], vec![2], vec![1, 2], vec![0], vec![0, 2]] {
        let parts = (0..3).map(|i| {
            let mut tracks = vec![video(i)];
            if !silent.contains(&i) {
                tracks.push(audio(i));
            }
            part(i * 40_000, tracks)
        });
        let mut sim = start(CutServer::new(120_000, parts.collect()));
        sim.run_for(secs(45));
        assert_eq!(sim.report().stands, [], "{silent:?}: {}", sim.report());
        seek(&mut sim, 70_000, 70_000, secs(1));
        sim.run_for(secs(15));
        seek(&mut sim, 41_000, 41_000, secs(1));
        seek(&mut sim, 79_000, 79_000, secs(1));
        let report = ends(sim, 120_000);
        assert!(longest(&report) < millis(200), "{silent:?}: {report}");
        assert_eq!(report.errors, [], "{silent:?}: {report}");
    }
}

#[test]
fn as_much_is_kept_behind_as_was_asked_for() {
    for behind in [5, 20, 60] {
        let cut = film(Strip::new(Video, 0..200_000), Strip::new(Audio, 0..200_000), 200_000);
        let mut setup = Setup { path: Path::steady(20_000), ..Setup::new(cut) };
        setup.config.buffer_behind = Duration::from_secs(behind);
        let mut sim = setup.start();
        sim.load(DASH);
        let behind = i64::try_from(behind).unwrap() * 1_000_000;
        for second in 1..100 {
            sim.run_to(secs(second));
            let at = position(&sim);
            for kind in [Video, Audio] {
                let first = sim.element().buffer(kind).unwrap().spans().first().map(|s| s.start);
                let kept = at - first.map_or(at, |start| start.as_micros());
                assert!(kept >= behind.min(at - 1_000_000) - 2_100_000, "{behind} {kept}");
                assert!(kept <= behind + 8_000_000, "{behind}: {kept} behind {at}");
            }
        }
        let mut less = Config::default();
        less.buffer_behind = Duration::from_secs(2);
        sim.command(Command::Configure(less));
        sim.run_for(secs(8));
        let first = sim.element().buffer(Video).unwrap().spans().first().unwrap().start;
        assert!(position(&sim) - first.as_micros() < 10_000_000, "{}", sim.report());
        sim.finish().sound().unwrap();
    }
}
