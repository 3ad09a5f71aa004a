//! What the tests of trouble share.

use core::ops::Range;
use nearlive_simulator::clock::{Time, millis, secs};
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

/// The picture moves all through `span`, but for as long as it stands in it.
#[allow(dead_code, reason = "each test takes what it needs of this module")]
pub(crate) fn shows(report: &Report, span: Range<Time>) {
    let samples = report.samples_in(span.clone());
    let moving = samples.iter().filter(|s| s.moving && s.rung.is_some()).count();
    let stood = usize::try_from(report.stood(span.clone()) / millis(250)).unwrap_or(usize::MAX);
    assert!(!samples.is_empty() && moving + stood + 2 >= samples.len(), "{moving}: {report}");
}

/// Runs on until trouble that is over at `end` has to be forgotten: playing again `within` so long,
/// and at its latency 25 s later.
#[allow(dead_code, reason = "each test takes what it needs of this module")]
pub(crate) fn recovered(mut sim: Simulation, end: Time, within: Time) -> Report {
    sim.run_to(end + secs(41));
    let report = sim.finish();
    assert_eq!(report.recovered(end, within), Ok(()), "{report}");
    report
}
