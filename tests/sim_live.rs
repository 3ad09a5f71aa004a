//! Live at the edge, in the simulator: start, latency, and a link that changes.
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive::player::State;
use nearlive_simulator::clock::{millis, secs};
use nearlive_simulator::network::Path;
use nearlive_simulator::origin::live::{LOW_LATENCY, Live, LiveServer};
use nearlive_simulator::{Setup, Simulation};

fn camera(path: Path, live: Live) -> Simulation {
    let mut sim = Setup { path, ..Setup::new(LiveServer::new(live)) }.start();
    sim.load(LOW_LATENCY);
    sim
}

#[test]
fn it_starts_within_a_second_and_is_soon_on_the_top_rung_of_a_good_link() {
    let mut sim = camera(Path::good(), Live::default());
    sim.run_for(secs(15));
    let report = sim.report();
    report.sound().unwrap();
    assert!(report.startup().unwrap() < secs(1), "{report}");
    assert!(report.rung_at(0, 2).unwrap() < secs(10), "{report}");
    sim.finish().sound().unwrap();
}

#[test]
fn it_starts_wherever_in_a_segment_it_joins() {
    for offset in (0..1000).step_by(130) {
        let mut sim = Setup::new(LiveServer::new(Live::default())).start();
        sim.run_for(millis(offset));
        sim.load(LOW_LATENCY);
        sim.run_for(secs(6));
        let report = sim.report();
        report.sound().unwrap();
        assert!(report.startup().unwrap() < millis(1200), "{offset}: {report}");
        assert!(report.stood(secs(2)..secs(6)) < millis(600), "{offset}: {report}");
    }
}

#[test]
fn a_hiccup_in_the_first_seconds_is_not_seen() {
    for audio in [true, false] {
        for after in (1000..7000).step_by(330) {
            let mut sim = camera(Path::good(), Live { audio, ..Live::default() });
            sim.run_for(millis(after));
            sim.roughen(millis(130), 0);
            sim.run_for(millis(150));
            sim.roughen(0, 0);
            sim.run_for(secs(5));
            let report = sim.report();
            report.sound().unwrap();
            let stalled = report.states.iter().filter(|s| s.1 == State::Stalled).count();
            assert_eq!(stalled, 0, "sound {audio}, after {after} ms: {report}");
        }
    }
}

#[test]
fn it_holds_its_latency_under_350_ms_without_a_stall() {
    let path = Path { jitter: millis(10), ..Path::good() };
    let mut sim = camera(path, Live::default());
    sim.run_for(secs(75));
    let report = sim.report();
    report.sound().unwrap();
    let span = secs(15)..secs(75);
    assert!(report.latency(span.clone(), 500).unwrap() < 350_000, "{report}");
    assert!(report.latency(span.clone(), 950).unwrap() < 500_000, "{report}");
    assert_eq!(report.stands_in(span), []);
}

#[test]
fn a_picture_without_sound_is_nearer_still() {
    let mut sim = camera(Path::good(), Live { audio: false, ..Live::default() });
    sim.run_for(secs(45));
    let report = sim.report();
    report.sound().unwrap();
    assert!(report.latency(secs(15)..secs(45), 500).unwrap() < 250_000, "{report}");
    assert_eq!(report.stands_in(secs(15)..secs(45)), []);
}

#[test]
fn the_manifests_target_is_held() {
    let live = Live { target: Some(millis(1500)), ..Live::default() };
    let mut sim = camera(Path::good(), live);
    sim.run_for(secs(60));
    let report = sim.report();
    report.sound().unwrap();
    let median = report.latency(secs(20)..secs(60), 500).unwrap();
    assert!((1_400_000..1_600_000).contains(&median), "{report}");
}

#[test]
fn with_delay_and_lost_packets_the_median_stays_below_400_ms_without_a_stall() {
    for (kbps, audio) in [(4000, true), (8000, false), (20_000, true)] {
        // 20 ms and 10 more or less each way; a lost packet comes after a round trip and 10 ms.
        let path = Path {
            delay: millis(10),
            jitter: millis(20),
            loss_permille: 5,
            resent: millis(50),
            piece: 1460,
            ..Path::steady(kbps)
        };
        let mut sim = camera(path, Live { audio, ..Live::default() });
        sim.run_for(secs(75));
        let report = sim.report();
        report.sound().unwrap();
        let span = secs(15)..secs(75);
        assert!(report.latency(span.clone(), 500).unwrap() < 400_000, "{kbps}: {report}");
        assert_eq!(report.stands_in(span), [], "{kbps}: {report}");
    }
}

#[test]
fn on_a_rough_link_the_latency_grows_and_the_picture_moves() {
    let path = Path { jitter: millis(60), loss_permille: 5, ..Path::steady(8000) };
    let mut sim = camera(path, Live::default());
    sim.run_for(secs(90));
    let report = sim.report();
    report.sound().unwrap();
    assert!(report.latency(secs(20)..secs(90), 500).unwrap() < 900_000, "{report}");
    assert!(report.stood(secs(20)..secs(90)) < secs(2), "{report}");
}

#[test]
fn a_link_that_carries_only_the_middle_rung_gets_the_middle_rung() {
    let mut sim = camera(Path::steady(1600), Live::default());
    sim.run_for(secs(60));
    let report = sim.report();
    report.sound().unwrap();
    let samples = report.samples_in(secs(20)..secs(60));
    let middle = samples.iter().filter(|s| s.rung == Some(1)).count();
    assert!(middle * 10 > samples.len() * 8, "{middle} of {}: {report}", samples.len());
    assert!(report.stood(secs(10)..secs(60)) < secs(1), "{report}");
}

#[test]
fn a_link_cut_from_4_mbps_to_700_kbps_and_back_costs_one_short_stall_at_most() {
    for (i, phase) in (0..1000).step_by(90).enumerate() {
        for (delay, jitter) in [(5, 0), (20, 5), (40, 15), (80, 5)] {
            let jitter = millis(jitter);
            let path = Path { delay: millis(delay), jitter, ..Path::steady(4000) };
            let mut sim = camera(path, Live::default());
            let cut = secs(30) + millis(phase);
            let back = cut + secs(30 + 5 * (i as u64 % 7));
            sim.run_to(cut);
            assert_eq!(sim.report().samples.last().unwrap().rung, Some(2), "{}", sim.report());
            sim.kbps(700);
            sim.run_to(back);
            sim.kbps(4000);
            sim.run_for(secs(30));
            let report = sim.report();
            report.sound().unwrap();
            let down = report.rung_at(cut, 0).unwrap() - cut;
            let up = report.rung_at(back, 2).unwrap() - back;
            let what = format!("phase {phase}, delay {delay}");
            assert!(down < secs(4), "{what}: down after {down}: {report}");
            assert!(up < secs(10), "{what}: up after {up}: {report}");
            let stands = report.stands_in(cut..back + secs(30));
            let short = stands.len() <= 1 && stands.iter().all(|s| s.lasted < secs(1));
            assert!(short, "{what}: {stands:?} {report}");
        }
    }
}

#[test]
fn coming_nearer_to_the_edge_does_not_run_the_buffer_dry() {
    let starved = (1..12).map(|i| (secs(10 * i)..secs(10 * i) + millis(200), 1200)).collect();
    let live = Live { starved, jitter: millis(20), ..Live::default() };
    for muted in [false, true] {
        let mut sim = camera(Path::steady(20_000), live.clone());
        sim.mute(muted);
        sim.run_for(secs(120));
        let report = sim.report();
        report.sound().unwrap();
        assert_eq!(report.stands_in(secs(3)..secs(120)), [], "muted {muted}: {report}");
        let latency = sim.latency().unwrap();
        assert!(latency < if muted { 260_000 } else { 320_000 }, "muted {muted}: {report}");
    }
}

#[test]
fn on_a_tight_link_neither_the_rate_nor_the_rung_flaps() {
    for kbps in [700, 1250, 2000, 3000, 4000] {
        for (jitter, loss_permille) in [(5, 0), (20, 0), (40, 3)] {
            let path = Path {
                delay: millis(25),
                jitter: millis(jitter),
                loss_permille,
                ..Path::steady(kbps)
            };
            let mut sim = camera(path, Live::default());
            sim.run_for(secs(20));
            let before = sim.report().rate_changes;
            sim.run_for(secs(120));
            let report = sim.report();
            report.sound().unwrap();
            let what = format!("{kbps} kb/s, jitter {jitter} ms: {report}");
            let rates = (report.rate_changes - before) / 2;
            let switches = report.switches.iter().filter(|s| s.0 > secs(20)).count() / 2;
            let most = if loss_permille > 0 { 20 } else { 8 };
            assert!(rates <= most, "{rates} rates a minute: {what}");
            assert!(switches <= 2, "{switches} switches a minute: {what}");
            assert!(report.stood(secs(20)..secs(140)) < secs(2), "{what}");
        }
    }
}
