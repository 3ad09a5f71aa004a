//! A page whose own script keeps the main thread: what comes for the player waits, while the element plays on.
#![allow(clippy::unwrap_used, clippy::panic)]

mod sim_support;

use nearlive_simulator::clock::{Time, millis, secs};
use nearlive_simulator::network::Path;
use nearlive_simulator::origin::film::{DASH, Film, FilmServer};
use nearlive_simulator::origin::live::{HLS, Live, LiveServer, PLAIN};
use nearlive_simulator::report::Report;
use nearlive_simulator::{Page, Setup, Simulation};
use sim_support::playing as start;

/// A live camera is played for 20 s; then the page is busy for `block` every `every`, `count` times.
fn live(block: Time, every: Time, count: usize) -> Simulation {
    let mut sim = start(Page::default());
    blocks(&mut sim, block, every, count);
    sim.report().sound().unwrap();
    assert_eq!(sim.report().errors, [], "{}", sim.report());
    sim
}

fn blocks(sim: &mut Simulation, block: Time, every: Time, count: usize) {
    for _ in 0..count {
        sim.block(block);
        sim.run_for(every);
    }
}

/// The median of the latency in the 20 s before the page was busy.
fn usual(report: &Report) -> i64 {
    report.latency(secs(12)..secs(20), 500).unwrap()
}

#[test]
fn a_page_that_is_busy_for_a_tenth_of_a_second_each_second_changes_nothing() {
    let sim = live(millis(100), secs(1), 30);
    let report = sim.report();
    assert_eq!(report.stands, [], "{report}");
    let latency = report.latency(secs(20)..secs(50), 950).unwrap();
    assert!(latency < usual(report) + 20_000, "{report}");
}

#[test]
fn after_a_page_was_busy_once_the_picture_is_where_it_was_within_5_s() {
    for block in [400, 700, 1000, 2000, 4000].map(millis) {
        let sim = live(block, secs(20), 1);
        let report = sim.report();
        let [stand] = report.stands.as_slice() else { panic!("{block}: {report}") };
        // What was asked for meanwhile has to come first.
        assert!(stand.at + stand.lasted < secs(20) + block + millis(250), "{block}: {report}");
        let back = secs(25) + block;
        let latency = report.latency(back..secs(40), 950).unwrap();
        assert!(latency < usual(report) + 30_000, "{block}: {report}");
        assert!(report.samples_in(back..secs(40)).iter().all(|s| s.rung == Some(2)), "{report}");
    }
}

#[test]
fn a_page_that_is_busy_again_and_again_gets_a_buffer_that_bridges_it() {
    for (block, every) in [(300, 2), (500, 10), (500, 5)] {
        let sim = live(millis(block), secs(every), 60);
        let report = sim.report();
        let settled = report.stands.iter().filter(|it| it.at > secs(20 + 4 * every));
        // One block in six may be seen, where a minute without a stall has made the buffer smaller.
        assert!(settled.count() <= 10, "{block}: {report}");
        let latency = report.latency(secs(50)..secs(80), 500).unwrap();
        assert!(
            latency < usual(report) + 1000 * i64::try_from(block).unwrap() + 300_000,
            "{report}"
        );
    }
}

#[test]
fn where_the_buffer_is_longer_a_busy_page_moves_nothing() {
    for url in [PLAIN, HLS] {
        let live = Live { segment: secs(4), zero_based: url == PLAIN, ..Live::default() };
        let mut sim = Setup::new(LiveServer::new(live)).start();
        sim.load(url);
        sim.run_for(secs(40));
        let seeks = sim.report().seeks;
        blocks(&mut sim, millis(600), secs(40), 5);
        let report = sim.report();
        assert_eq!(
            (report.seeks, report.stands_in(secs(40)..secs(240))),
            (seeks, vec![]),
            "{url}: {report}"
        );
    }
}

#[test]
fn a_film_plays_on_while_the_page_is_busy() {
    let film = Film::steady(20, 4000, &[400, 1200, 3000]);
    let mut sim = Setup { path: Path::steady(8000), ..Setup::new(FilmServer::new(film)) }.start();
    sim.load(DASH);
    sim.run_for(secs(12));
    blocks(&mut sim, secs(9), secs(13), 4);
    assert!(sim.run_until(secs(120), |s| s.element().ended()), "{}", sim.report());
    let report = sim.report();
    assert_eq!((report.stands.len(), report.errors.len()), (0, 0), "{report}");
}
