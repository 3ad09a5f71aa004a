//! The viewer's hands: pause, seek back, to the edge, choice of quality, another stream.
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive::player::{Command, QualityChoice};
use nearlive::time::Duration;
use nearlive_simulator::clock::{Time, millis, secs};
use nearlive_simulator::mse::Rules;
use nearlive_simulator::origin::live::{LOW_LATENCY, Live, LiveServer};
use nearlive_simulator::{Setup, Simulation};

fn start() -> Simulation {
    let mut sim = Setup::new(LiveServer::new(Live::default())).start();
    sim.load(LOW_LATENCY);
    sim.run_for(secs(20));
    sim
}

/// Position now, microseconds.
fn position(sim: &Simulation) -> i64 {
    sim.element().position(sim.now())
}

#[test]
fn a_pause_stands_still_and_playing_goes_on_where_it_stood() {
    let mut sim = start();
    sim.pause();
    sim.run_for(secs(10));
    let at = position(&sim);
    sim.run_for(secs(10));
    assert_eq!(position(&sim), at);
    assert!(sim.element().paused());
    sim.play();
    sim.run_for(secs(10));
    assert!(sim.element().moving(), "{}", sim.report());
    sim.finish().sound().unwrap();
}

#[test]
fn to_the_edge_jumps_to_the_edge_after_a_pause() {
    let mut sim = start();
    sim.pause();
    sim.run_for(secs(25));
    sim.play();
    sim.command(Command::GoLive);
    sim.run_for(secs(5));
    assert!(sim.element().moving(), "{}", sim.report());
    assert!(sim.latency().unwrap() < 1_000_000, "{}", sim.report());
    sim.finish().sound().unwrap();
}

#[test]
fn a_seek_back_stays_back_until_to_the_edge() {
    let mut sim = start();
    let back = position(&sim) - 15_000_000;
    sim.seek(back);
    sim.run_for(secs(12));
    let report = sim.report();
    assert!(report.first(secs(20), |s| s.moving && s.position >= back).unwrap() < secs(22));
    let latency = sim.latency().unwrap();
    assert!((13_000_000..17_000_000).contains(&latency), "{latency}: {report}");
    sim.command(Command::GoLive);
    sim.run_for(secs(5));
    assert!(sim.latency().unwrap() < 1_000_000, "{}", sim.report());
    sim.finish().sound().unwrap();
}

/// The viewer goes back by 6 s, `after` so long, in a browser with these rules: playing has to go on there. Answers how
/// often the player seeks then.
fn goes_back(after: Time, rules: Rules) -> u32 {
    let begins = rules.seek_begins;
    let what = format!("after {after}, {rules:?}");
    let mut setup = Setup::new(LiveServer::new(Live::default()));
    setup.page.rules = rules;
    let mut sim = setup.start();
    sim.load(LOW_LATENCY);
    sim.run_for(after);
    let (to, seeks) = (position(&sim) - 6_000_000, sim.report().seeks);
    sim.seek(to);
    sim.run_for(begins + secs(10));
    let past = position(&sim) - to;
    assert!((8_500_000..10_500_000).contains(&past), "{what}: {past} {}", sim.report());
    let seeks = sim.report().seeks - seeks;
    sim.finish().sound().unwrap();
    seeks
}

#[test]
fn a_seek_back_that_the_browser_tells_of_late_is_not_undone() {
    for seek_begins in [50, 200, 400, 1000].map(millis) {
        for step in 0..10 {
            let after = secs(30) + millis(30) * step;
            assert_eq!(goes_back(after, Rules { seek_begins, ..Rules::default() }), 0, "{after}");
        }
    }
}

#[test]
fn a_seek_back_right_after_the_start_is_not_undone() {
    // Where appends take long, all those of the newest segment may still wait for their turn.
    for append_takes in [300, 5_000, 10_000, 15_000, 20_000] {
        for step in 0..60 {
            let rules = Rules { drops_earlier_sound: true, append_takes, ..Rules::default() };
            goes_back(secs(1) + millis(35) * step, rules);
        }
    }
}

#[test]
fn a_picture_that_is_shown_small_is_fetched_small_until_it_is_shown_large() {
    let mut sim = start();
    sim.resize(150);
    sim.run_for(secs(10));
    assert_eq!(sim.report().samples.last().unwrap().rung, Some(1), "{}", sim.report());
    sim.resize(1080);
    sim.run_for(secs(15));
    assert_eq!(sim.report().samples.last().unwrap().rung, Some(2), "{}", sim.report());
    assert_eq!(sim.report().stands_in(secs(20)..secs(45)), []);
    sim.finish().sound().unwrap();
}

#[test]
fn a_picture_that_the_viewer_chose_is_not_made_smaller() {
    let mut sim = start();
    sim.command(Command::SetQuality(QualityChoice::Fixed("v2".into())));
    sim.resize(120);
    sim.run_for(secs(10));
    assert_eq!(sim.report().samples.last().unwrap().rung, Some(2), "{}", sim.report());
    sim.finish().sound().unwrap();
}

#[test]
fn a_chosen_quality_stays_and_auto_goes_up_again() {
    let mut sim = start();
    sim.command(Command::SetQuality(QualityChoice::Fixed("v0".into())));
    sim.run_for(secs(10));
    let low = sim.report().rung_at(secs(20), 0).unwrap();
    assert!(low < secs(23), "{}", sim.report());
    assert_eq!(sim.report().samples.last().unwrap().rung, Some(0));
    sim.command(Command::SetQuality(QualityChoice::Auto));
    sim.run_for(secs(12));
    assert_eq!(sim.report().samples.last().unwrap().rung, Some(2), "{}", sim.report());
    assert_eq!(sim.report().stands_in(secs(20)..secs(42)), []);
    sim.finish().sound().unwrap();
}

#[test]
fn another_load_ends_what_plays_and_starts_anew() {
    let mut sim = start();
    let opens = sim.report().opens;
    sim.load(LOW_LATENCY);
    sim.run_for(secs(10));
    assert!(sim.element().moving(), "{}", sim.report());
    assert!(sim.report().opens > opens);
    assert!(sim.report().stood(secs(20)..secs(30)) < millis(2000), "{}", sim.report());
    sim.finish().sound().unwrap();
}

#[test]
fn a_stop_leaves_nothing_behind_at_any_moment() {
    for ms in (0..2500).step_by(61) {
        let mut sim = Setup::new(LiveServer::new(Live::default())).start();
        sim.load(LOW_LATENCY);
        sim.run_for(millis(ms));
        let report = sim.finish();
        report.sound().unwrap_or_else(|why| panic!("{ms}: {why}"));
    }
}

#[test]
fn a_seek_behind_the_window_ends_up_inside_it() {
    let mut sim = start();
    let before = position(&sim) - 500_000_000;
    sim.seek(before);
    sim.run_for(secs(15));
    let report = sim.report();
    report.sound().unwrap();
    assert!(sim.element().moving(), "{report}");
    assert!(sim.latency().unwrap() < 70_000_000, "{report}");
}

#[test]
fn how_far_it_may_drift_before_it_jumps_is_the_pages_choice() {
    for (drift, jumps) in [(1, true), (4, false)] {
        let mut setup = Setup::new(LiveServer::new(Live::default()));
        setup.config.max_drift = Duration::from_secs(drift);
        setup.config.latency = Some(Duration::from_secs(3));
        let mut nearer = setup.config.clone();
        nearer.latency = Some(Duration::from_secs(1));
        let mut sim = setup.start();
        sim.load(LOW_LATENCY);
        sim.run_for(secs(20));
        let seeks = sim.report().seeks;
        sim.command(Command::Configure(nearer));
        sim.run_for(secs(2));
        assert_eq!(sim.report().seeks > seeks, jumps, "{drift}: {}", sim.report());
        sim.finish().sound().unwrap();
    }
}

#[test]
fn a_short_pause_costs_no_quality() {
    for (pause, after) in [(800, 20_000), (300, 8_500), (2500, 20_400)] {
        let mut sim = start();
        sim.run_for(millis(after - 8_000));
        sim.pause();
        sim.run_for(millis(pause));
        sim.play();
        let resumed = sim.now();
        sim.run_for(secs(20));
        let report = sim.report();
        report.sound().unwrap();
        let shown = report.samples_in(resumed..resumed + secs(20));
        assert!(shown.iter().all(|s| s.rung == Some(2)), "{pause} ms: {report}");
    }
}
