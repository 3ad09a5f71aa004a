//! What a page may limit in a live stream: requests, rates, and the distance to the edge in segments.
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive::player::{Command, Config};
use nearlive::time::Duration;
use nearlive_simulator::clock::secs;
use nearlive_simulator::network::Path;
use nearlive_simulator::origin::film::{self, Film, FilmServer};
use nearlive_simulator::origin::live::{HLS, LOW_LATENCY, Live, LiveServer, PLAIN};
use nearlive_simulator::{Setup, Simulation};

/// A camera in segments of one second, or of two if they are fetched whole.
fn camera(url: &str, config: Config) -> Simulation {
    let segment = secs(if url == LOW_LATENCY { 1 } else { 2 });
    let live = Live { segment, zero_based: url == PLAIN, ..Live::default() };
    let mut sim = Setup { config, ..Setup::new(LiveServer::new(live)) }.start();
    sim.load(url);
    sim
}

fn fetching(fetching: bool) -> Command {
    let mut config = Config::default();
    config.fetching = fetching;
    Command::Configure(config)
}

#[test]
fn a_film_that_is_not_fetched_plays_what_is_buffered_and_goes_on_when_it_is() {
    for url in [film::DASH, film::HLS, film::TS] {
        let server = FilmServer::new(Film::steady(50, 4000, &[400, 1200]));
        let mut sim = Setup { path: Path::steady(8000), ..Setup::new(server) }.start();
        sim.load(url);
        sim.run_for(secs(10));
        sim.command(fetching(false));
        let requests = sim.report().requests;
        sim.run_for(secs(60));
        let report = sim.report();
        assert_eq!(report.requests, requests, "{url}: {report}");
        let ahead = report.samples_in(secs(9)..secs(10)).last().unwrap().video_ahead.unwrap();
        let played = report.played(secs(10)..secs(70));
        assert!(
            (ahead - 1_500_000..ahead + 500_000).contains(&played),
            "{url} {played} {ahead}: {report}"
        );
        sim.command(fetching(true));
        sim.run_for(secs(10));
        assert!(sim.report().played(secs(72)..secs(80)) > 7_500_000, "{url}: {}", sim.report());
        sim.finish().sound().unwrap();
    }
}

#[test]
fn live_nothing_is_requested_until_the_page_wants_it_again() {
    for url in [LOW_LATENCY, PLAIN, HLS] {
        let mut sim = camera(url, Config::default());
        sim.run_for(secs(20));
        sim.command(fetching(false));
        let requests = sim.report().requests;
        sim.run_for(secs(30));
        let report = sim.report();
        assert_eq!(report.requests, requests, "{url}: {report}");
        assert!(!sim.element().moving(), "{url}: {report}");
        sim.command(fetching(true));
        sim.run_for(secs(15));
        let report = sim.report();
        assert!(sim.element().moving(), "{url}: {report}");
        assert!(sim.latency().unwrap() < 9_000_000, "{url}: {report}");
        assert_eq!(report.errors, [], "{url}");
        sim.finish().sound().unwrap();
    }
}

#[test]
fn what_is_not_fetched_from_the_beginning_is_known_and_starts_when_it_is() {
    for url in [LOW_LATENCY, PLAIN, HLS] {
        let mut config = Config::default();
        config.fetching = false;
        let mut sim = camera(url, config);
        sim.run_for(secs(20));
        assert!(!sim.player.qualities().is_empty(), "{url}");
        assert_eq!(sim.report().started, None, "{url}: {}", sim.report());
        sim.command(fetching(true));
        sim.run_for(secs(10));
        assert!(sim.report().started.unwrap() < secs(23), "{url}: {}", sim.report());
        assert!(sim.latency().unwrap() < 9_000_000, "{url}: {}", sim.report());
        sim.finish().sound().unwrap();
    }
}

#[test]
fn the_rate_stays_within_what_the_page_allows() {
    for (slowest, fastest, most) in
        [(950, 1100, 1100), (1000, 1000, 1000), (1000, 1050, 1050), (500, 2000, 1100)]
    {
        let mut config = Config::default();
        config.latency = Some(Duration::from_secs(3));
        (config.slowest, config.fastest) = (slowest, fastest);
        let mut sim = camera(LOW_LATENCY, config.clone());
        sim.run_for(secs(20));
        config.latency = Some(Duration::from_secs(1));
        sim.command(Command::Configure(config.clone()));
        sim.run_for(secs(10));
        // Farther from the edge than it is.
        config.latency = Some(Duration::from_secs(4));
        sim.command(Command::Configure(config));
        sim.run_for(secs(20));
        let report = sim.report();
        let rates = || report.samples_in(secs(20)..secs(50)).iter().map(|s| s.rate);
        assert_eq!(rates().max(), Some(most), "{slowest}, {fastest}: {report}");
        assert_eq!(rates().min(), Some(slowest.max(950)), "{slowest}, {fastest}: {report}");
        sim.finish().sound().unwrap();
    }
}

#[test]
fn without_catching_up_it_jumps_past_the_drift() {
    let mut config = Config::default();
    (config.slowest, config.fastest) = (1000, 1000);
    (config.latency, config.max_drift) = (Some(Duration::from_secs(3)), Duration::from_secs(2));
    let mut sim = camera(LOW_LATENCY, config.clone());
    sim.run_for(secs(20));
    for (target, nearest, farthest) in [(1500, 2_800_000, 3_300_000), (800, 600_000, 1_000_000)] {
        config.latency = Some(Duration::from_millis(target));
        sim.command(Command::Configure(config.clone()));
        sim.run_for(secs(8));
        let latency = sim.latency().unwrap();
        assert!((nearest..farthest).contains(&latency), "{target}: {latency}: {}", sim.report());
    }
    assert!(sim.report().samples.iter().all(|s| s.rate == 1000), "{}", sim.report());
    sim.finish().sound().unwrap();
}

#[test]
fn a_distance_in_segments_is_as_many_of_their_lengths() {
    for (url, count, seconds) in [(LOW_LATENCY, 2500, 2.5), (PLAIN, 5000, 10.0), (HLS, 4000, 8.0)] {
        let mut config = Config::default();
        config.latency_segments = count;
        let mut sim = camera(url, config);
        sim.run_for(secs(30));
        let wanted = sim.player.stats(sim.instant()).target_latency.unwrap();
        assert_eq!(wanted.as_micros(), (seconds * 1e6) as u64, "{url}: {}", sim.report());
        let latency = sim.latency().unwrap();
        let off = latency - i64::try_from(wanted.as_micros()).unwrap();
        assert!(off.abs() < 1_000_000, "{url} {latency}: {}", sim.report());
        sim.finish().sound().unwrap();
    }
}

#[test]
fn how_many_segments_it_may_drift_is_the_pages_choice() {
    for (count, jumps) in [(1000, true), (4000, false)] {
        let mut config = Config::default();
        (config.latency, config.max_drift_segments) = (Some(Duration::from_secs(3)), count);
        let mut sim = camera(LOW_LATENCY, config.clone());
        sim.run_for(secs(20));
        let seeks = sim.report().seeks;
        config.latency = Some(Duration::from_secs(1));
        sim.command(Command::Configure(config));
        sim.run_for(secs(2));
        assert_eq!(sim.report().seeks > seeks, jumps, "{count}: {}", sim.report());
        sim.finish().sound().unwrap();
    }
}
