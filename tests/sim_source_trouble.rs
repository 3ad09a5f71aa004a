//! Trouble at the source: the camera goes, the server goes, segments are missing.
#![allow(clippy::unwrap_used, clippy::panic, clippy::single_range_in_vec_init)]

use nearlive_simulator::clock::{Time, millis, secs};
use nearlive_simulator::mse::ChangeType;
use nearlive_simulator::network::{Fault, Trouble};
use nearlive_simulator::origin::live::{HLS, LOW_LATENCY, Live, LiveServer};
use nearlive_simulator::report::Report;
use nearlive_simulator::{Setup, Simulation};

fn start(live: Live) -> Simulation {
    let mut sim = Setup::new(LiveServer::new(live)).start();
    sim.load(LOW_LATENCY);
    sim
}

fn run(live: Live, time: Time) -> Report {
    let mut sim = start(live);
    sim.run_for(time);
    sim.finish()
}

#[test]
fn a_camera_that_is_away_for_30_s_is_back_within_5_s_without_an_error() {
    let live = Live { away: vec![secs(20) + millis(330)..secs(50)], ..Live::default() };
    let report = run(live, secs(100));
    assert_eq!(report.recovered(secs(50), secs(5)), Ok(()), "{report}");
    assert!(report.stood(secs(20)..secs(50)) < secs(2), "the filler plays: {report}");
    assert_eq!(report.errors, []);
}

#[test]
fn what_is_said_of_the_camera_ends_with_its_absence_whoever_is_left_to_say_so() {
    for down in [vec![], vec![secs(28)..secs(31)]] {
        let live = Live { speaks: true, away: vec![secs(20)..secs(30)], down, ..Live::default() };
        let report = run(live, secs(80));
        report.sound().unwrap();
        let said: Vec<_> = report.sources.iter().filter(|(at, _)| *at > secs(20)).collect();
        assert!(said.iter().any(|(_, cause)| !cause.is_empty()), "{said:?}");
        let last = said.last().unwrap();
        assert!(last.1.is_empty() && last.0 < secs(38), "{said:?}");
    }
}

#[test]
fn absences_of_every_length_and_phase_are_got_over() {
    for (from, lasts) in [(0, 150), (40, 900), (300, 1000), (500, 2340), (960, 5000), (700, 700)] {
        let away = secs(20) + millis(from)..secs(20) + millis(from + lasts);
        let end = away.end;
        let report = run(Live { away: vec![away], ..Live::default() }, secs(70));
        assert_eq!(report.recovered(end, secs(5)), Ok(()), "{report}");
    }
}

#[test]
fn a_server_that_restarts_is_back_within_8_s() {
    for lasts in [1, 3, 10] {
        let live = Live { down: vec![secs(20)..secs(20 + lasts)], ..Live::default() };
        let report = run(live, secs(75));
        assert_eq!(report.recovered(secs(20 + lasts), secs(8)), Ok(()), "{report}");
    }
}

#[test]
fn edge_segments_answered_404_for_a_while_are_got_over() {
    for trouble in [Trouble::Status(404), Trouble::Status(500), Trouble::Status(503)] {
        let mut sim = start(Live::default());
        sim.run_for(secs(20));
        sim.fault(Fault::all(secs(20)..secs(24), ".m4s", trouble));
        sim.run_for(secs(50));
        assert_eq!(sim.finish().recovered(secs(24), secs(5)), Ok(()));
    }
}

#[test]
fn a_server_that_does_not_hold_requests_is_played_as_well() {
    let report = run(Live { holds: false, ..Live::default() }, secs(60));
    report.sound().unwrap();
    assert!(report.stood(secs(15)..secs(60)) < millis(500), "{report}");
    assert!(report.latency(secs(20)..secs(60), 500).unwrap() < 700_000, "{report}");
}

#[test]
fn lost_segments_are_jumped_over() {
    let lost = vec![secs(20)..secs(21), secs(35)..secs(38)];
    let report = run(Live { lost, ..Live::default() }, secs(80));
    report.sound().unwrap();
    assert!(report.stood(secs(20)..secs(30)) < secs(3), "{report}");
    assert_eq!(report.recovered(secs(38), secs(5)), Ok(()), "{report}");
}

#[test]
fn frames_that_are_missing_do_not_stop_the_picture_for_good() {
    let missing =
        vec![secs(20) + millis(200)..secs(20) + millis(400), secs(30)..secs(30) + millis(90)];
    let report = run(Live { missing, ..Live::default() }, secs(75));
    assert_eq!(report.recovered(secs(31), secs(3)), Ok(()), "{report}");
}

#[test]
fn a_period_with_another_codec_is_entered_without_a_stall() {
    for phase in [0, 120, 480, 760, 960] {
        let at = secs(20) + millis(phase);
        let report = run(Live { changes: vec![at], ..Live::default() }, secs(65));
        report.sound().unwrap();
        assert_eq!(report.stands_in(secs(15)..secs(60)), [], "{phase}: {report}");
    }
}

#[test]
fn a_manifest_that_fails_for_a_while_does_not_stop_what_plays() {
    let mut sim = start(Live::default());
    sim.run_for(secs(10));
    sim.fault(Fault::all(secs(10)..secs(40), ".mpd", Trouble::Status(500)));
    sim.run_for(secs(40));
    let report = sim.finish();
    report.sound().unwrap();
    assert_eq!(report.stands_in(secs(10)..secs(50)), []);
}

#[test]
fn a_manifest_that_is_not_there_yet_is_asked_for_again() {
    for (trouble, lasts) in [
        (Trouble::Status(503), secs(10)),
        (Trouble::Refused, secs(10)),
        (Trouble::Late(secs(20)), secs(5)),
        (Trouble::Status(404), millis(1200)),
    ] {
        for address in [LOW_LATENCY, HLS] {
            let mut sim = Setup::new(LiveServer::new(Live::default())).start();
            sim.fault(Fault::all(0..lasts, "/cam/", trouble.clone()));
            sim.load(address);
            sim.run_for(secs(25));
            let report = sim.finish();
            report.sound().unwrap();
            assert!(report.started.unwrap() < lasts + secs(6), "{report}");
            assert_eq!(report.errors.len(), 1, "said once: {report}");
        }
    }
}

#[test]
fn a_manifest_that_does_not_exist_is_soon_said_to_be_missing() {
    let mut sim = Setup::new(LiveServer::new(Live::default())).start();
    sim.load("http://host/cam/nothing.mpd");
    sim.run_for(secs(6));
    let report = sim.report();
    let fatal = report.fatal();
    assert_eq!(fatal.len(), 1, "{report}");
    assert!(fatal[0].message.contains("it is not there"), "{report}");
}

#[test]
fn an_encoder_short_of_processor_time_costs_no_quality() {
    let live = Live {
        starved: [22, 34, 46].map(|s| (secs(s)..secs(s + 2), 1300)).to_vec(),
        ..Live::default()
    };
    let mut sim = Setup::new(LiveServer::new(live)).start();
    sim.load(LOW_LATENCY);
    sim.run_for(secs(70));
    let report = sim.finish();
    report.sound().unwrap();
    assert_eq!(report.rung_at(secs(10), 0), None, "{report}");
    assert_eq!(report.rung_at(secs(10), 1), None, "{report}");
}

#[test]
fn without_change_type_a_profile_needs_nothing_and_another_codec_a_new_source() {
    for (rule, opens) in [(ChangeType::Family, 1), (ChangeType::Never, 2)] {
        let live = Live { changes: vec![secs(20)], ..Live::default() };
        let mut setup = Setup::new(LiveServer::new(live));
        setup.page.rules.change_type = rule;
        let mut sim = setup.start();
        sim.load(LOW_LATENCY);
        sim.run_for(secs(60));
        let report = sim.finish();
        report.sound().unwrap();
        assert_eq!((report.opens, &report.errors[..]), (opens, &[][..]), "{rule:?}: {report}");
        assert!(report.stood(secs(15)..secs(60)) < secs(1), "{rule:?}: {report}");
    }
}
