//! Films over links that change: whatever the link does, the film reaches its end.
//!
//! `NEARLIVE_TRACES` names a folder with a folder for each set of traces (lines of
//! `duration_ms,kbps,latency_ms`) and two films, `bbb.json` and `bbb4k.json`: each trace is run, and a
//! table is printed. The model, and the score, are those of Sabre (Spiteri, Sitaraman, Sparacio, MMSys
//! 2018) and of Yin et al. (SIGCOMM 2015).
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive::time::Duration;
use nearlive_simulator::clock::{Time, millis, secs};
use nearlive_simulator::network::{Path, Trace, TraceStep};
use nearlive_simulator::origin::film::{DASH, Film, FilmServer};
use nearlive_simulator::report::Report;
use nearlive_simulator::rng::Rng;
use nearlive_simulator::{Setup, Simulation};
use std::fs;
use std::path::PathBuf;

/// A run of a film over a link, to its end.
struct Run {
    report: Report,
    /// Megabits a second of each segment as it was shown.
    shown: Vec<f64>,
    stood: f64,
}

fn run(film: &Film, trace: Trace, what: &str) -> Run {
    let path = Path { trace, ..Path::steady(0) };
    let mut setup = Setup { path, ..Setup::new(FilmServer::new(film.clone())) };
    // At most 25 s with the segment that is asked for.
    setup.config.buffer_ahead = Duration::from_secs(22);
    let mut sim: Simulation = setup.start();
    sim.load(DASH);
    let end = sim.run_until(secs(4 * 3600), |s| s.element().ended());
    let now = sim.now();
    let report = sim.finish();
    report.sound().unwrap_or_else(|why| panic!("{what}: {why}"));
    assert!(end, "{what} does not reach the end: {report}");
    let shown = shown(film, &report, what);
    let stood = micros(report.stood(0..now));
    Run { report, shown, stood }
}

/// The rate of each segment on the screen; nothing of the film may be left out.
fn shown(film: &Film, report: &Report, what: &str) -> Vec<f64> {
    let length = i64::try_from(film.segment_ms * 1000).unwrap();
    let segments = 0..i64::try_from(film.sizes.len()).unwrap();
    let rung = |i: i64| {
        let within = i * length..(i + 1) * length;
        let mut there = report.samples.iter().filter(|s| s.moving && within.contains(&s.position));
        there.find_map(|s| s.rung)
    };
    let rungs = segments.map(|i| rung(i).unwrap_or_else(|| panic!("{what}: {i} is not shown")));
    rungs.map(|r| *film.kbps.get(usize::from(r)).unwrap() as f64 / 1000.0).collect()
}

fn micros(us: Time) -> f64 {
    us as f64 / 1e6
}

impl Run {
    fn changes(&self) -> f64 {
        self.shown.iter().zip(self.shown.iter().skip(1)).map(|(a, b)| (a - b).abs()).sum()
    }

    /// Mean over the segments of what is seen, less what disturbs.
    fn score(&self, top: f64) -> f64 {
        let seen: f64 = self.shown.iter().sum();
        (seen - top * self.stood - self.changes()) / self.shown.len() as f64
    }
}

/// The mean of one figure over the runs.
fn mean(runs: &[Run], figure: impl Fn(&Run) -> f64) -> f64 {
    runs.iter().map(figure).sum::<f64>() / runs.len() as f64
}

/// Stalls a run with the best of Sabre's rules on 3Glogs.
const BEST_ON_3G: f64 = 9.6;

#[test]
fn recorded_links_are_played_over_to_the_end() {
    let Some(folder) = std::env::var_os("NEARLIVE_TRACES").map(PathBuf::from) else { return };
    println!("set, runs, score, p10, kb/s, stalled %, stalls a run, change kb/s");
    for (set, film) in
        [("3Glogs", "bbb"), ("4Glogs", "bbb4k"), ("sd_fs", "bbb"), ("hd_fs", "bbb4k")]
    {
        let text = fs::read_to_string(folder.join(film).with_extension("json")).unwrap();
        let film = Film::from_json(&text).unwrap();
        let top = *film.kbps.last().unwrap() as f64 / 1000.0;
        let mut traces: Vec<_> =
            fs::read_dir(folder.join(set)).unwrap().map(|entry| entry.unwrap().path()).collect();
        traces.sort();
        let runs: Vec<Run> = traces
            .iter()
            .map(|path| {
                let trace = Trace::from_csv(&fs::read_to_string(path).unwrap());
                run(&film, trace, &path.display().to_string())
            })
            .collect();
        let mut scores: Vec<f64> = runs.iter().map(|r| r.score(top)).collect();
        scores.sort_by(f64::total_cmp);
        let length = film.length_ms() as f64 / 1000.0;
        let stalls = mean(&runs, |r| r.report.stands.len() as f64);
        println!(
            "{set}, {}, {:.3}, {:.3}, {:.0}, {:.2}, {stalls:.2}, {:.0}",
            runs.len(),
            mean(&runs, |r| r.score(top)),
            scores.get(scores.len() / 10).unwrap(),
            mean(&runs, |r| r.shown.iter().sum::<f64>() * 1000.0 / r.shown.len() as f64),
            mean(&runs, |r| 100.0 * r.stood / (length + r.stood)),
            mean(&runs, |r| r.changes() * 1000.0 / r.shown.len() as f64),
        );
        if set == "3Glogs" {
            assert!(stalls <= 1.5 * BEST_ON_3G, "{stalls} stalls a run");
        }
    }
}

fn film() -> Film {
    Film { audio: false, ..Film::steady(60, 3000, &[230, 477, 991, 2056, 5027]) }
}

fn step(lasts: Time, kbps: u64) -> TraceStep {
    TraceStep { lasts, kbps, delay: Some(millis(50)) }
}

#[test]
fn outages_of_every_length_are_got_over() {
    for lasts in [20, 80, 300] {
        for from in [1, 7, 40] {
            let steps = vec![step(secs(from), 2000), step(secs(lasts), 0), step(secs(30), 2000)];
            let what = format!("{lasts} s after {from} s");
            let run = run(&film(), Trace { steps, repeat: true }, &what);
            // The buffer bridges some of each; in mid-outage nothing is shown by halves.
            let outages = run.report.samples.last().unwrap().at / secs(from + lasts + 30) + 1;
            assert!(
                run.report.stands.len() as u64 <= 2 * outages,
                "{what}: {outages} outages: {}",
                run.report
            );
        }
    }
}

#[test]
fn a_link_below_the_lowest_rung_stands_seldom_and_long_rather_than_often_and_short() {
    for kbps in [60, 115, 200] {
        let run = run(&film(), Trace::steady(kbps), &format!("{kbps} kb/s"));
        let lasted = run.stood / run.report.stands.len() as f64;
        assert!(run.report.stands.len() <= 60, "{kbps} kb/s: {}", run.report);
        assert!(lasted > 1.0, "{kbps} kb/s: {lasted} s each: {}", run.report);
        // No more than the link's want: 180 s of the film at this rate.
        let least = 180.0 * (230.0 / kbps as f64 - 1.0);
        assert!(run.stood < least * 1.3 + 20.0, "{kbps} kb/s: {} s, least {least}", run.stood);
    }
}

#[test]
fn rough_links_are_got_over() {
    let mut rng = Rng::new(7);
    for seed in 0..12 {
        // Commutes: a rate that wanders over three decades, with holes.
        let mut kbps = 800;
        let steps = (0..200).map(|_| {
            kbps = (kbps * rng.between(50, 200) / 100).clamp(20, 6000);
            let now = if rng.chance(60) { 0 } else { kbps };
            step(millis(rng.between(300, 6000)), now)
        });
        let trace = Trace { steps: steps.collect(), repeat: true };
        run(&film(), trace, &format!("rough {seed}"));
    }
}

#[test]
fn a_seek_while_a_reserve_is_awaited_goes_where_it_is_sent() {
    for to in [2, 60, 150] {
        for after in [1, 3, 8] {
            let what = format!("to {to} s, {after} s into the stall");
            let mut sim = Setup::new(FilmServer::new(film())).start();
            sim.load(DASH);
            sim.run_to(secs(10));
            sim.kbps(115);
            let dry =
                sim.run_until(secs(600), |s| !s.report().stands_in(secs(10)..Time::MAX).is_empty());
            assert!(dry, "{what}: it never runs dry");
            sim.run_for(secs(after));
            sim.seek(to * 1_000_000);
            sim.run_for(secs(1));
            sim.kbps(8000);
            sim.run_for(secs(15));
            let at = sim.element().position(sim.now());
            let from = to * 1_000_000;
            assert!((from + 3_000_000..from + 17_000_000).contains(&at), "{what}: {at}");
            assert!(sim.run_until(secs(1000), |s| s.element().ended()), "{what}: no end");
            sim.finish().sound().unwrap_or_else(|why| panic!("{what}: {why}"));
        }
    }
}
