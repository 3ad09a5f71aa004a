//! Clips: Periods that begin and end in the middle of their segments.
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive::presentation::TrackKind::{Audio, Video};
use nearlive_simulator::clock::{millis, secs};
use nearlive_simulator::network::Path;
use nearlive_simulator::origin::cut::{CutServer, DASH, Part, Strip};
use nearlive_simulator::report::Report;
use nearlive_simulator::{Setup, Simulation};
use std::ops::Range;

fn start(server: CutServer) -> Simulation {
    let mut sim = Setup { path: Path::steady(8000), ..Setup::new(server) }.start();
    sim.load(DASH);
    sim
}

fn position(sim: &Simulation) -> i64 {
    sim.element().position(sim.now())
}

/// Picture `v{n}` and its sound over `span` of the media, of which `from` stands at the Period's
/// start.
fn tracks(n: usize, span: Range<u64>, from: u64) -> Vec<Strip> {
    let names = [("v0", "a0"), ("v1", "a1"), ("v2", "a2")][n];
    vec![
        Strip { id: names.0, ..Strip::new(Video, span.clone()).from(from) },
        Strip { id: names.1, ..Strip::new(Audio, span).from(from) },
    ]
}

fn part(start_ms: u64, length_ms: u64, tracks: Vec<Strip>) -> Part {
    Part { start_ms, length_ms: Some(length_ms), tracks }
}

/// What was shown at each sample is of the Period whose time it is.
fn each_shows_its_own(report: &Report, borders: &[i64]) {
    for s in report.samples.iter().filter(|s| s.moving) {
        let period = borders.iter().filter(|b| **b <= s.position / 1000).count();
        // The first picture of a Period may be shown a little before its start.
        let near = borders.iter().any(|b| (b * 1000 - s.position).abs() < 120_000);
        let own = s.rung.map(usize::from);
        assert!(near || own == Some(period), "{s:?}: {report}");
    }
}

#[test]
fn a_period_that_begins_in_mid_segment_leaves_the_end_of_the_one_before_alone() {
    let parts = vec![
        part(0, 8000, tracks(0, 0..8000, 0)),
        part(8000, 8000, tracks(1, 20_000..30_000, 21_300)),
    ];
    let mut sim = start(CutServer::new(16_000, parts));
    for back in [0, 1, 2] {
        let over = sim.run_until(sim.now() + secs(30), |s| s.element().ended());
        assert!(over, "{}", sim.report());
        let at = position(&sim);
        assert!((15_950_000..16_070_000).contains(&at), "ends at {at}: {}", sim.report());
        each_shows_its_own(sim.report(), &[8000]);
        if back < 2 {
            sim.seek([6_500_000, 9_000_000][back]);
            sim.play();
        }
    }
    let report = sim.finish();
    report.sound().unwrap();
    assert_eq!(report.errors, []);
}

#[test]
fn a_period_that_ends_in_mid_segment_does_not_reach_into_the_next() {
    let parts = vec![
        part(0, 7300, tracks(0, 0..8000, 0)),
        part(7300, 6100, tracks(1, 40_000..48_000, 40_000)),
        part(13_400, 5000, tracks(2, 4000..12_000, 4000)),
    ];
    let mut sim = start(CutServer::new(18_400, parts));
    sim.run_for(secs(9));
    sim.seek(6_900_000);
    let over = sim.run_until(secs(60), |s| s.element().ended());
    assert!(over, "{}", sim.report());
    let at = position(&sim);
    assert!((18_350_000..18_470_000).contains(&at), "ends at {at}: {}", sim.report());
    let report = sim.finish();
    report.sound().unwrap();
    each_shows_its_own(&report, &[7300, 13_400]);
    assert!(report.stands.iter().all(|s| s.lasted < millis(200)), "{report}");
}

#[test]
fn a_film_that_begins_in_mid_segment_starts_at_its_first_picture() {
    for from in [8040, 9300, 9960] {
        let server = CutServer::new(14_000, vec![part(0, 14_000, tracks(0, 8000..24_000, from))]);
        let mut sim = start(server);
        sim.run_until(secs(5), |s| s.report().started.is_some());
        let first = i64::try_from(10_000 - from).unwrap();
        let at = position(&sim) / 1000;
        assert!((first - 50..first + 200).contains(&at), "{from}: at {at} {}", sim.report());
        assert!(sim.now() < secs(1), "{from}: {}", sim.report());
        for to in [0, 3000, 100] {
            sim.seek(to * 1000);
            sim.run_for(millis(700));
            assert!(sim.element().moving(), "{from} {to}: {}", sim.report());
        }
        let over = sim.run_until(secs(30), |s| s.element().ended());
        assert!(over && position(&sim) < 14_070_000, "{from}: {}", sim.report());
        sim.finish().sound().unwrap();
    }
}

#[test]
fn no_picture_is_lost_where_periods_meet() {
    // How far the Period's start, which is written in milliseconds, is behind its first picture; and
    // pictures that are shown two frames after they are decoded.
    for early in [0, 1, 3, 20, 60] {
        for b_frames in [false, true] {
            let parts = (0..3).map(|i| {
                let media = 20_000 * i;
                let mut tracks = tracks(0, media..media + 8000, media + early);
                tracks[0].b_frames = b_frames;
                Part { start_ms: i * 8000 + early, length_ms: None, tracks }
            });
            let mut sim = start(CutServer::new(24_000 + early, parts.collect()));
            sim.run_for(secs(2));
            let spans = sim.element().buffer(Video).unwrap().spans();
            assert_eq!(spans.len(), 1, "{early} {b_frames}: {spans:?}");
            let frames = sim.element().buffer(Video).unwrap().frames().len();
            // Behind the end of a Period that is shown later, the next one begins.
            let all = if b_frames { 600 - 3 } else { 600 };
            assert!(frames >= all, "{early} {b_frames}: {frames}");
            let over = sim.run_until(secs(40), |s| s.element().ended());
            assert!(over, "{early} {b_frames}: {}", sim.report());
            let report = sim.finish();
            report.sound().unwrap();
            assert_eq!(report.stands, [], "{early} {b_frames}: {report}");
        }
    }
}
