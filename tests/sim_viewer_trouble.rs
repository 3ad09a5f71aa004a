//! The viewer has gone back in a live stream, and what is to be played there cannot be had for a while.
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive_simulator::clock::{millis, secs};
use nearlive_simulator::network::{Fault, Trouble};
use nearlive_simulator::origin::live::{LOW_LATENCY, Live, LiveServer};
use nearlive_simulator::{Setup, Simulation};

/// How long the origin keeps segments, in seconds.
const DEPTH: u64 = 30;

/// The viewer went back by `back` seconds, to where nothing is buffered, and `fault` began then.
fn went_back(back: i64, begins: u64, lasts: u64, matching: &str, trouble: &Trouble) -> Simulation {
    let mut setup = Setup::new(LiveServer::new(Live { depth: secs(DEPTH), ..Live::default() }));
    setup.page.rules.seek_begins = begins;
    let mut sim = setup.start();
    sim.load(LOW_LATENCY);
    sim.run_for(secs(4));
    let (now, to) = (sim.now(), sim.element().position(sim.now()) - back * 1_000_000);
    sim.fault(Fault::all(now..now + secs(lasts), matching, trouble.clone()));
    sim.seek(to);
    sim.run_for(secs(lasts));
    sim
}

/// It plays soon, and nothing that is much older than what the origin keeps.
fn goes_on(sim: &mut Simulation, what: &str) {
    sim.run_for(secs(20));
    assert!(sim.element().moving(), "{what}: {}", sim.report());
    let latency = sim.latency().unwrap();
    let most = i64::try_from(secs(DEPTH + 10)).unwrap();
    assert!(latency < most, "{what}: {latency} us");
}

fn each(troubles: &[Trouble], lasts: &[u64]) {
    for trouble in troubles {
        for matching in [".m4s", "/a/", "/v"] {
            for &lasts in lasts {
                for back in [6, 12, 20, 28] {
                    for begins in [0, millis(500)] {
                        let what =
                            format!("{trouble:?} {matching} {lasts} s, {back} s back, {begins}");
                        goes_on(&mut went_back(back, begins, lasts, matching, trouble), &what);
                    }
                }
            }
        }
    }
}

#[test]
fn segments_that_do_not_exist_there_are_passed_over() {
    each(&[Trouble::Status(404), Trouble::Status(410)], &[3, 10]);
}

#[test]
fn damaged_segments_there_are_passed_over() {
    each(&[Trouble::Damaged], &[3, 10]);
}

#[test]
fn after_a_short_outage_it_goes_on_there() {
    let troubles = [
        Trouble::Status(503),
        Trouble::Refused,
        Trouble::CutAfter(10_000),
        Trouble::StallAfter(10_000),
        Trouble::Late(secs(3)),
        Trouble::Busy(2),
    ];
    each(&troubles, &[3, 10]);
}

#[test]
fn after_an_outage_longer_than_the_window_it_goes_on_within_the_window() {
    let troubles = [Trouble::Status(404), Trouble::Status(503), Trouble::Refused, Trouble::Busy(2)];
    each(&troubles, &[40]);
    each(&[Trouble::CutAfter(10_000), Trouble::Damaged, Trouble::Late(secs(3))], &[40]);
}
