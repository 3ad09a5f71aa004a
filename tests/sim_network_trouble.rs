//! Trouble on the way: outages, broken and hanging connections, broken answers.
#![allow(clippy::unwrap_used, clippy::panic)]

mod sim_support;

use nearlive_simulator::clock::{millis, secs};
use nearlive_simulator::network::{Fault, Trouble};
use nearlive_simulator::{Page, Simulation};
use sim_support::recovered;

fn start() -> Simulation {
    sim_support::playing(Page::default())
}

#[test]
fn after_an_outage_it_is_back_at_the_edge() {
    for lasts in [500, 1500, 5000, 20_000, 60_000] {
        let mut sim = start();
        sim.kbps(0);
        sim.run_for(millis(lasts));
        sim.kbps(20_000);
        recovered(sim, secs(20) + millis(lasts), secs(8));
    }
}

#[test]
fn connections_that_break_are_made_again_at_once() {
    let mut sim = start();
    sim.cut();
    let report = recovered(sim, secs(20), secs(2));
    assert!(report.stood(secs(20)..secs(30)) < secs(1), "{report}");
}

#[test]
fn a_machine_that_was_offline_plays_on_when_it_is_online() {
    for lasts in [2, 30] {
        let mut sim = start();
        sim.offline(true);
        sim.run_for(secs(lasts));
        sim.offline(false);
        recovered(sim, secs(20 + lasts), secs(5));
    }
}

#[test]
fn what_was_missed_in_a_cut_is_not_played_afterwards() {
    for ms in [1000, 2000, 4000, 10_000] {
        for offline in [true, false] {
            let mut sim = start();
            if offline {
                sim.offline(true)
            } else {
                sim.kbps(0)
            }
            sim.run_for(millis(ms));
            if offline {
                sim.offline(false)
            } else {
                sim.kbps(20_000)
            }
            sim.run_for(secs(12));
            let over = secs(20) + millis(ms);
            let report = sim.finish();
            report.sound().unwrap();
            let back = report.back(over).unwrap();
            let latency = report.latency(back + secs(2)..back + secs(4), 500).unwrap();
            let what = format!("{ms} ms, offline {offline}, back after {} us", back - over);
            assert!(latency < 1_000_000, "{what}: {latency} us behind: {report}");
        }
    }
}

#[test]
fn an_answer_that_hangs_is_given_up() {
    let mut sim = start();
    sim.fault(Fault::all(secs(20)..secs(21), "/v2/", Trouble::StallAfter(30_000)));
    recovered(sim, secs(21), secs(10));
}

#[test]
fn an_answer_that_breaks_off_is_asked_for_again() {
    let mut sim = start();
    sim.fault(Fault::all(secs(20)..secs(23), ".m4s", Trouble::CutAfter(10_000)));
    recovered(sim, secs(23), secs(4));
}

#[test]
fn a_server_that_refuses_for_a_while_is_asked_again() {
    let mut sim = start();
    sim.fault(Fault::all(secs(20)..secs(27), "", Trouble::Refused));
    recovered(sim, secs(27), secs(8));
}

#[test]
fn answers_that_come_late_are_waited_for() {
    let mut sim = start();
    sim.fault(Fault::all(secs(20)..secs(25), ".m4s", Trouble::Late(millis(700))));
    recovered(sim, secs(25), secs(5));
}

#[test]
fn sound_that_fails_for_good_does_not_take_the_picture_with_it_for_long() {
    let mut sim = start();
    sim.fault(Fault::all(secs(20)..secs(30), "/a/", Trouble::Status(404)));
    recovered(sim, secs(30), secs(8));
}

#[test]
fn answers_of_zeros_do_no_lasting_harm() {
    let mut sim = start();
    sim.fault(Fault::all(secs(20)..secs(22), ".m4s", Trouble::Damaged));
    recovered(sim, secs(22), secs(5));
}
