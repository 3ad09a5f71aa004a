//! The server's packager, store and playlists under the real player: a camera that goes away, changes
//! its picture, drifts, and has key frames where it likes.
//!
//! `NEARLIVE_SEEDS` (20) over five is the number of hours with random faults; `NEARLIVE_SEED` runs one
//! of them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::single_range_in_vec_init)]

use nearlive::time::Duration;
use nearlive_simulator::clock::{Time, millis, secs};
use nearlive_simulator::origin::packaged::{HLS, MPD, PackagedServer, Script};
use nearlive_simulator::report::Report;
use nearlive_simulator::rng::Rng;
use nearlive_simulator::{Setup, Simulation};
use std::ops::Range;

fn start(script: Script) -> (Simulation, PackagedServer) {
    let server = PackagedServer::new(script);
    let mut sim = Setup::new(server.clone()).start();
    sim.load(MPD);
    (sim, server)
}

fn run(script: Script, time: Time) -> Report {
    let (mut sim, _) = start(script);
    sim.run_for(time);
    sim.finish()
}

#[test]
fn an_undisturbed_camera_plays_at_the_edge_without_a_stall() {
    let report = run(Script::default(), secs(60));
    assert_eq!(report.recovered(secs(20), secs(1)), Ok(()), "{report}");
    assert!(report.startup().unwrap() < millis(1200), "{report}");
    assert_eq!(report.stands, [], "{report}");
    assert_eq!(report.errors, []);
}

#[test]
fn a_camera_that_goes_away_is_stood_in_for_and_comes_back() {
    for lasts in [millis(700), secs(2), secs(10), secs(30)] {
        let away = secs(20) + millis(330)..secs(20) + millis(330) + lasts;
        let end = away.end;
        let report = run(Script { away: vec![away], ..Script::default() }, end + secs(40));
        assert_eq!(report.recovered(end, secs(5)), Ok(()), "{report}");
        assert!(report.stood(secs(15)..end + secs(35)) < secs(4), "{lasts}: {report}");
        let said = report.sources.last();
        let well = said.is_none_or(|(at, cause)| cause.is_empty() && *at < end + secs(5));
        assert!(well, "{lasts}: {said:?}");
    }
}

#[test]
fn while_the_camera_is_away_the_figures_speak_of_the_camera_not_of_the_viewer() {
    let away = secs(20) + millis(330)..secs(50);
    let (mut sim, _) = start(Script { away: vec![away.clone()], ..Script::default() });
    sim.run_to(away.end);
    let before = away.start + millis(2500);
    let report = sim.report();
    let (told, cause) = report.sources.first().unwrap();
    assert!(*told < before && !cause.is_empty(), "{:?}", report.sources);
    assert!(report.samples_in(before..away.end).iter().all(|s| s.rate == 1000), "{report}");
    let stats = sim.player.stats(sim.instant());
    let age = stats.latency.unwrap();
    assert!(age > Duration::from_secs(29) && age < Duration::from_secs(33), "{age:?}");
    assert!(stats.behind.unwrap() < Duration::from_secs(1), "{stats:?}");
    assert!(stats.source_stalls > 0 && stats.source_stalled > Duration::ZERO, "{stats:?}");
    assert_eq!((stats.stalls, stats.stalled), (0, Duration::ZERO));
    sim.run_for(secs(10));
    let stats = sim.player.stats(sim.instant());
    assert!(stats.latency.unwrap() < Duration::from_secs(1), "{stats:?}");
    assert_eq!((stats.stalls, stats.stalled), (0, Duration::ZERO));
    assert!(sim.report().sources.last().unwrap().1.is_empty());
    sim.finish();
}

#[test]
fn a_picture_of_another_size_is_entered_with_hardly_a_stop() {
    let resized = vec![secs(20) + millis(480), secs(60)];
    let report = run(Script { resized, ..Script::default() }, secs(100));
    assert_eq!(report.recovered(secs(21), secs(3)), Ok(()), "{report}");
    assert_eq!(report.recovered(secs(61), secs(3)), Ok(()), "{report}");
    assert!(report.stood(secs(15)..secs(100)) < secs(2), "{report}");
}

#[test]
fn key_frames_off_the_grid_cost_no_seconds() {
    let (mut sim, server) =
        start(Script { off_grid: vec![secs(20)..secs(140)], ..Script::default() });
    sim.run_for(secs(140));
    let window = server.window(sim.now());
    assert!(window.periods.iter().all(|p| !p.listed), "{:?}", window.periods.last());
    sim.run_for(secs(40));
    let report = sim.finish();
    assert_eq!(report.recovered(secs(140), secs(3)), Ok(()), "{report}");
    let latency = report.latency(secs(30)..secs(140), 900).unwrap();
    assert!(latency < 1_000_000, "{latency} us behind: {report}");
    assert!(report.stood(secs(15)..secs(180)) < secs(4), "{report}");
}

#[test]
fn a_camera_that_skips_frames_stays_near_the_edge() {
    let skips = vec![(secs(20)..secs(140), 250)];
    let report = run(Script { skips, ..Script::default() }, secs(180));
    assert_eq!(report.recovered(secs(140), secs(3)), Ok(()), "{report}");
    let latency = report.latency(secs(30)..secs(140), 900).unwrap();
    assert!(latency < 1_000_000, "{latency} us behind: {report}");
    // Each frame that is skipped would cost the rest of its GOP, were its absence seen.
    assert!(report.stood(secs(15)..secs(180)) < secs(1), "{report}");
}

#[test]
fn a_server_that_restarts_is_followed() {
    for lasts in [1, 4] {
        let end = secs(20 + lasts);
        let report = run(Script { down: vec![secs(20)..end], ..Script::default() }, secs(70));
        assert_eq!(report.recovered(end, secs(8)), Ok(()), "{report}");
    }
}

#[test]
fn hls_of_the_same_bytes_plays_through_an_absence_and_a_restart() {
    let script = Script {
        away: vec![secs(20)..secs(40)],
        down: vec![secs(80)..secs(82)],
        ..Script::default()
    };
    let mut sim = Setup::new(PackagedServer::new(script)).start();
    sim.load(HLS);
    sim.run_for(secs(140));
    let report = sim.finish();
    report.sound().unwrap();
    for end in [secs(40), secs(82)] {
        let back = report.back(end).unwrap_or(Time::MAX);
        assert!(back <= end + secs(10), "back after {} us: {report}", back.saturating_sub(end));
        let latency = report.latency(end + secs(25)..end + secs(35), 500).unwrap();
        assert!(latency < 5_000_000, "{latency} us behind: {report}");
    }
}

#[test]
fn hls_is_held_at_its_target_however_late_its_lists_are_seen() {
    // The first list is loaded this long after the server started, so each is seen as long after it grew.
    for start in (0..1000).step_by(125) {
        let mut sim = Setup::new(PackagedServer::new(Script::default())).start();
        sim.run_for(secs(10) + millis(start));
        sim.load(HLS);
        sim.run_for(secs(60));
        let stats = sim.player.stats(sim.instant());
        let latency = stats.latency.unwrap();
        assert!(latency < stats.target_latency.unwrap() + Duration::from_millis(300), "{stats:?}");
        let report = sim.finish();
        assert_eq!(report.stands_in(secs(20)..secs(70)), [], "loaded at {start} ms: {report}");
    }
}

/// An hour with a fault every minute or two.
fn hour(seed: u64) {
    let mut rng = Rng::new(seed);
    let time = secs(3600);
    let ppm = i64::try_from(rng.below(400)).unwrap() - 200;
    let mut script = Script { seed, ppm, ..Script::default() };
    let mut faults: Vec<(Range<Time>, &str)> = Vec::new();
    let mut at = secs(30) + rng.below(secs(10));
    while at + secs(100) < time {
        let (lasts, what) = match rng.below(6) {
            0 => (secs(30), "away"),
            1 => (rng.between(millis(100), secs(6)), "away"),
            2 => (secs(1), "resized"),
            3 => (rng.between(secs(2), secs(40)), "off the grid"),
            4 => (rng.between(secs(2), secs(40)), "skips"),
            _ => (rng.between(millis(500), secs(5)), "down"),
        };
        let span = at..at + lasts;
        match what {
            "away" => script.away.push(span.clone()),
            "resized" => script.resized.push(at),
            "off the grid" => script.off_grid.push(span.clone()),
            "skips" => script.skips.push((span.clone(), 200)),
            _ => script.down.push(span.clone()),
        }
        faults.push((span, what));
        at += lasts + secs(45) + rng.below(secs(20));
    }
    let (mut sim, _) = start(script);
    sim.run_for(time);
    let report = sim.finish();
    report.sound().unwrap_or_else(|why| panic!("seed {seed}: {why}"));
    for (span, what) in &faults {
        let back = report.back(span.end).unwrap_or(Time::MAX).saturating_sub(span.end);
        let latency = report.latency(span.end + secs(25)..span.end + secs(40), 500);
        assert!(
            back <= secs(8) && latency.is_some_and(|us| us < 600_000),
            "seed {seed}, {what} {span:?}: back after {back} us, then {latency:?} us behind: {report}"
        );
        let said = report.sources.iter().rev().find(|(at, _)| *at < span.end + secs(8));
        let well = said.is_none_or(|(_, cause)| cause.is_empty());
        assert!(well, "seed {seed}, {what} {span:?}: still {said:?} after it: {report}");
    }
    // Key frames that have strayed are put right by a new Period half a minute later.
    let near = |at| faults.iter().any(|(f, _)| (f.start..f.end + secs(35)).contains(&at));
    let alone: Vec<_> = report.stands.iter().filter(|s| !near(s.at)).collect();
    assert!(alone.is_empty(), "seed {seed}: stood without a fault: {alone:?}: {report}");
}

#[test]
fn an_hour_with_faults_stalls_only_around_them() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    if let Some(seed) = number("NEARLIVE_SEED") {
        return hour(seed);
    }
    for seed in 1..=number("NEARLIVE_SEEDS").unwrap_or(20).div_ceil(5) {
        hour(seed);
    }
}
