//! Transport streams that lack sound or picture for a while: at the start, in the middle, at the end.

#![allow(clippy::single_range_in_vec_init, reason = "a broadcast has a list of times, here of one")]
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive::presentation::TrackKind::Audio;
use nearlive_simulator::clock::{Time, secs};
use nearlive_simulator::network::Path;
use nearlive_simulator::origin::broadcast::{Broadcast, BroadcastServer, LIST, Run};
use nearlive_simulator::{Page, Setup, Simulation};
use std::ops::Range;

fn start(live: Broadcast) -> Simulation {
    let mut sim = Setup::new(BroadcastServer::new(live)).start();
    sim.load(LIST);
    sim
}

/// Milliseconds of a film of 20 s without sound.
fn holes() -> Vec<(&'static str, Vec<Range<u64>>)> {
    vec![
        ("in the middle", vec![6_000..14_000]),
        ("twice", vec![3_000..5_500, 9_000..16_000]),
        ("at the start", vec![0..2_000]),
        ("at the start for longer", vec![0..4_000]),
        ("after its first second", vec![1_000..20_000]),
        ("at the end", vec![14_000..20_000]),
        ("a little", vec![7_100..7_400]),
        ("the first second of each segment", (0..10).map(|n| n * 2000..n * 2000 + 1000).collect()),
        (
            "the last second of each segment",
            (0..10).map(|n| n * 2000 + 1000..n * 2000 + 2000).collect(),
        ),
    ]
}

#[test]
fn where_the_sound_is_missing_the_picture_plays_on() {
    for (name, silent) in holes() {
        let mut sim = start(Broadcast { silent, ..Broadcast::on_demand(10, secs(2)) });
        assert!(sim.run_until(secs(30), |s| s.element().ended()), "{name}: {}", sim.report());
        let report = sim.report();
        assert_eq!(report.stands, [], "{name}: {report}");
        assert_eq!(report.errors, [], "{name}: {report}");
        assert!(report.played(0..secs(30)) > 19_200_000, "{name}: {report}");
        assert!(report.samples.iter().any(|s| s.audio_ahead.is_some()), "{name}: {report}");
        sim.finish().sound().unwrap();
    }
}

#[test]
fn live_sound_that_is_missing_for_a_while_stops_nothing() {
    // The broadcast is 20 s old when the page opens.
    let holes: [&[Range<u64>]; 5] = [
        &[40_000..48_000],
        &[30_000..33_000, 41_500..60_000],
        &[50_000..600_000],
        &[0..22_000],
        &[10_000..17_000],
    ];
    for silent in holes {
        let mut sim = start(Broadcast { silent: silent.to_vec(), ..Broadcast::default() });
        sim.run_for(secs(90));
        let report = sim.finish();
        report.sound().unwrap();
        assert_eq!(report.stands, [], "{silent:?}: {report}");
        assert!(report.played(secs(5)..secs(90)) > 83_000_000, "{silent:?}: {report}");
        assert!(report.requests < 160, "{silent:?}: {report}");
    }
}

#[test]
fn a_picture_that_comes_later_than_the_sound_is_shown_when_it_comes() {
    for (blind, segment) in [(0..2_000, 2), (0..4_000, 2), (0..10_000, 5)] {
        let count = 20 / i64::try_from(segment).unwrap();
        let begins = i64::try_from(blind.end).unwrap() * 1000;
        let live =
            Broadcast { blind: vec![blind.clone()], ..Broadcast::on_demand(count, secs(segment)) };
        let mut sim = start(live);
        let moves = sim.run_until(secs(5), |s| s.element().moving());
        assert!(moves, "{blind:?}: {}", sim.report());
        let at = sim.element().position(sim.now());
        assert!((begins..begins + 500_000).contains(&at), "{blind:?}: {at}");
        assert!(sim.run_until(secs(30), |s| s.element().ended()), "{blind:?}: {}", sim.report());
        let report = sim.finish();
        report.sound().unwrap();
        assert_eq!(report.stands, [], "{blind:?}: {report}");
        assert!(report.samples.iter().any(|s| s.audio_ahead.is_some()), "{blind:?}: {report}");
    }
}

#[test]
fn sound_that_appears_long_after_the_start_is_heard_from_there_on() {
    let silent = vec![0..30_000];
    let live = Broadcast { silent: silent.clone(), ..Broadcast::on_demand(30, secs(2)) };
    let mut sim = start(live);
    assert!(sim.run_until(secs(75), |s| s.element().ended()), "{}", sim.report());
    let report = sim.finish();
    report.sound().unwrap();
    assert_eq!(report.errors, [], "{report}");
    assert!(report.stood(secs(1)..secs(75)) < secs(2), "{report}");
    let heard = report.samples.iter().filter(|s| s.audio_ahead.is_some_and(|it| it > 0)).count();
    assert!(heard > 25 * 4, "{heard}: {report}");
    // The broadcast is 20 s old when the page opens.
    let live = Broadcast { silent: vec![0..50_000], ..Broadcast::default() };
    let mut sim = start(live);
    sim.run_for(secs(25));
    assert!(sim.element().buffer(Audio).is_none(), "{}", sim.report());
    sim.run_for(secs(65));
    let report = sim.finish();
    report.sound().unwrap();
    assert_eq!(report.errors, [], "{report}");
    assert!(report.stood(secs(5)..secs(90)) < secs(3), "{report}");
    let last = report.samples.last().unwrap();
    assert!(last.audio_ahead.is_some_and(|it| it > 0), "{report}");
}

#[test]
fn a_picture_that_appears_long_after_the_start_is_seen_from_there_on() {
    let live = Broadcast { blind: vec![0..30_000], ..Broadcast::on_demand(30, secs(2)) };
    let mut sim = start(live);
    assert!(sim.run_until(secs(75), |s| s.element().ended()), "{}", sim.report());
    let report = sim.finish();
    report.sound().unwrap();
    assert_eq!(report.errors, [], "{report}");
    let seen = report.samples.iter().filter(|s| s.video_ahead.is_some_and(|it| it > 0)).count();
    assert!(seen > 25 * 4, "{seen}: {report}");
}

#[test]
fn what_appears_and_cannot_be_played_is_left_out_and_said_once() {
    let live = Broadcast { silent: vec![0..20_000], ..Broadcast::on_demand(20, secs(2)) };
    let page = Page { unsupported: vec!["mp4a".into()], ..Page::default() };
    let mut sim = Setup { page, ..Setup::new(BroadcastServer::new(live)) }.start();
    sim.load(LIST);
    assert!(sim.run_until(secs(50), |s| s.element().ended()), "{}", sim.report());
    let report = sim.finish();
    report.sound().unwrap();
    assert_eq!(report.errors.len(), 1, "{report}");
    assert!(report.errors[0].1.message.starts_with("The sound is left out."), "{report}");
    assert_eq!(report.stands, [], "{report}");
}

#[test]
fn a_segment_without_a_picture_is_got_over() {
    let seen = |live: Broadcast, time: Time| {
        let mut sim = start(live);
        sim.run_for(time);
        let report = sim.finish();
        report.sound().unwrap();
        report
    };
    let blind = vec![6_000..8_000];
    let report = seen(Broadcast { blind, ..Broadcast::on_demand(10, secs(2)) }, secs(27));
    assert!(report.stood(0..secs(27)) < secs(3), "{report}");
    assert!(report.samples.last().unwrap().position > 19_500_000, "{report}");
    let blind = vec![40_000..42_000];
    let report = seen(Broadcast { blind, ..Broadcast::default() }, secs(70));
    assert!(report.stood(0..secs(70)) < secs(3), "{report}");
    assert_eq!(report.stands_in(secs(45)..secs(70)), [], "{report}");
}

/// A film of 2 Mb/s over 3 Mb/s, of which a segment takes 7 s, up to its first picture.
fn begins_soon(silent: Vec<Range<u64>>) -> Simulation {
    let film = Broadcast { kbps: vec![2000], silent, ..Broadcast::on_demand(6, secs(10)) };
    let path = Path::steady(3_000);
    let mut sim = Setup { path, ..Setup::new(BroadcastServer::new(film)) }.start();
    sim.load(LIST);
    assert!(sim.run_until(secs(20), |s| s.element().moving()), "{}", sim.report());
    assert!(sim.now() < secs(2), "{}", sim.report());
    sim
}

#[test]
fn a_stream_without_sound_begins_without_reading_more_than_its_tables() {
    let mut sim = begins_soon(vec![0..60_000]);
    sim.run_for(secs(20));
    let report = sim.finish();
    report.sound().unwrap();
    assert_eq!(report.stands, [], "{report}");
}

#[test]
fn the_first_picture_comes_before_the_first_segment_is_whole() {
    let mut sim = begins_soon(Vec::new());
    sim.run_for(secs(58));
    let report = sim.finish();
    report.sound().unwrap();
    assert_eq!(report.stands, [], "{report}");
    // No segment is asked for twice: a list and six of them, and one look at most into another.
    assert!(report.requests <= 8, "{report}");
}

#[test]
fn sound_alone_is_played() {
    let radio = Broadcast { blind: vec![0..u64::MAX], ..Broadcast::default() };
    let mut sim = start(Broadcast { runs: vec![Run::since(30)], ..radio });
    sim.run_for(secs(60));
    let report = sim.finish();
    report.sound().unwrap();
    let last = report.samples.last().unwrap();
    assert!(last.position > 55_000_000, "{report}");
    assert!(report.requests < 110, "{report}");
}

#[test]
fn a_seek_to_before_the_start_has_its_sound_where_parsers_drop_what_comes_before() {
    let mut setup =
        Setup::new(BroadcastServer::new(Broadcast { window: 10, ..Broadcast::default() }));
    setup.page.rules.drops_earlier_sound = true;
    let mut sim = setup.start();
    sim.load(LIST);
    sim.run_for(secs(5));
    let to = sim.element().position(sim.now()) - 8_000_000;
    sim.seek(to);
    sim.run_for(secs(6));
    let past = sim.element().position(sim.now()) - to;
    assert!((4_500_000..7_000_000).contains(&past), "{past}: {}", sim.report());
    sim.finish().sound().unwrap();
}
