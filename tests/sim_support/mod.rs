//! What the tests of trouble share.

use nearlive_simulator::clock::{Time, secs};
use nearlive_simulator::origin::live::{LOW_LATENCY, Live, LiveServer};
use nearlive_simulator::report::Report;
use nearlive_simulator::{Page, Setup, Simulation};

/// A camera that has played for 20 s in this page.
pub(crate) fn playing(page: Page) -> Simulation {
    let mut sim = Setup { page, ..Setup::new(LiveServer::new(Live::default())) }.start();
    sim.load(LOW_LATENCY);
    sim.run_for(secs(20));
    sim
}

/// Runs on until trouble that is over at `end` has to be forgotten: playing again `within` so long,
/// and at its latency 25 s later.
pub(crate) fn recovered(mut sim: Simulation, end: Time, within: Time) -> Report {
    sim.run_to(end + secs(41));
    let report = sim.finish();
    assert_eq!(report.recovered(end, within), Ok(()), "{report}");
    report
}
