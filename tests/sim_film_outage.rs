//! No outage ends a film: it is waited out, said, and the film goes on where it stood, with no hole.
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive::player::{Code, State};
use nearlive::time::Duration;
use nearlive_simulator::clock::{Time, millis, secs};
use nearlive_simulator::network::{Fault, Path, Trouble};
use nearlive_simulator::origin::film::{DASH, FILES, Film, FilmServer, HLS, TS};
use nearlive_simulator::{Setup, Simulation};
use std::ops::Range;

const LADDER: [u64; 3] = [400, 1200, 3000];
const FORMS: [&str; 4] = [DASH, FILES, HLS, TS];

fn load(url: &str, faults: Vec<Fault>) -> Simulation {
    let path = Path { faults, ..Path::steady(8000) };
    let mut sim =
        Setup { path, ..Setup::new(FilmServer::new(Film::steady(30, 4000, &LADDER))) }.start();
    sim.load(url);
    sim
}

/// It ends soon enough, at the film's end, with all of the film shown and no error that is fatal.
fn whole(mut sim: Simulation, by: Time, what: &str) {
    let end = sim.run_until(by, |s| s.element().ended());
    let report = sim.report();
    report.sound().unwrap_or_else(|why| panic!("{what}: {why}"));
    assert!(end, "{what} does not end: {report}");
    assert_eq!(report.seeks, 0, "{what}: something was left out: {report}");
    let at = sim.element().position(sim.now());
    assert!((120_000_000..120_030_000).contains(&at), "{what} ends at {at}");
    sim.finish().sound().unwrap();
}

/// The picture moves again so soon after `over`; a trouble that is over while enough is buffered is
/// not seen at all.
fn back(sim: &mut Simulation, over: Time, within: Time, what: &str) {
    sim.run_to(over + within + secs(2));
    let back = sim.report().back(over).unwrap_or(Time::MAX);
    let late = back.saturating_sub(over);
    assert!(late <= within, "{what}: back after {late} us: {}", sim.report());
}

#[test]
fn a_link_that_carries_nothing_is_waited_for_however_long() {
    for url in FORMS {
        for lasts in [20, 80, 300] {
            for from in [0, 50, 130, 400, 12_000] {
                let what = format!("{url}: {lasts} s from {from} ms");
                let mut sim = load(url, Vec::new());
                sim.run_for(millis(from));
                sim.kbps(0);
                sim.run_for(secs(lasts));
                sim.kbps(8000);
                let over = sim.now();
                back(&mut sim, over, secs(11), &what);
                whole(sim, over + secs(135), &what);
            }
        }
    }
}

/// Troubles that pass.
fn troubles() -> Vec<Trouble> {
    let statuses = [408, 425, 429, 500, 502, 503, 504].map(Trouble::Status);
    let others = [
        Trouble::Refused,
        Trouble::StallAfter(0),
        Trouble::StallAfter(100),
        Trouble::CutAfter(100),
        Trouble::Busy(3),
    ];
    statuses.into_iter().chain(others).collect()
}

#[test]
fn a_server_in_trouble_is_waited_for_from_the_first_request_on() {
    for url in FORMS {
        for trouble in troubles() {
            for span in [0..secs(80), millis(15)..secs(40), millis(40)..secs(40)] {
                let what = format!("{url}: {trouble:?} in {span:?}");
                let over = span.end;
                let mut sim = load(url, vec![Fault::all(span, "", trouble.clone())]);
                back(&mut sim, over, secs(20), &what);
                whole(sim, over + secs(140), &what);
            }
        }
    }
}

#[test]
fn a_server_in_trouble_in_mid_film_is_waited_for() {
    let troubles = troubles().into_iter().chain([Trouble::Page]);
    for trouble in troubles {
        for url in FORMS {
            let what = format!("{url}: {trouble:?}");
            let over = secs(90);
            let mut sim = load(url, vec![Fault::all(secs(10)..over, "", trouble.clone())]);
            sim.run_to(secs(80));
            let state = sim.report().states.last().unwrap().1;
            assert_eq!(state, State::Stalled, "{what}");
            let said = sim.player.stats(sim.instant()).trouble;
            assert!(!said.is_empty(), "{what}: nothing is said");
            back(&mut sim, over, secs(12), &what);
            assert_eq!(sim.player.stats(sim.instant()).trouble, "", "{what}");
            assert!(sim.report().errors.len() <= 3, "{what}: said once: {}", sim.report());
            let top = sim.run_until(over + secs(80), |s| {
                let shown = s.report().switches.last().map(|(_, to)| to.to.bandwidth.as_bps());
                shown >= Some(3_000_000)
            });
            assert!(top, "{what}: a quality is lost: {}", sim.report());
            whole(sim, secs(215), &what);
        }
    }
}

#[test]
fn each_kind_of_request_is_waited_for() {
    let kinds = [
        (DASH, "index.mpd"),
        (DASH, "v1/init.mp4"),
        (DASH, "a/init.mp4"),
        (DASH, "a/3.m4s"),
        (DASH, ".m4s"),
        (FILES, "files.mpd"),
        (FILES, "a.mp4"),
        (FILES, "v1.mp4"),
        (HLS, "index.m3u8"),
        (HLS, "a.m3u8"),
        (HLS, "a/init.mp4"),
        (HLS, "v"),
        (TS, "ts.m3u8"),
        (TS, "ts0.m3u8"),
        (TS, ".ts"),
    ];
    for (url, matching) in kinds {
        for trouble in [Trouble::Status(500), Trouble::StallAfter(10), Trouble::Refused] {
            let what = format!("{url}: {trouble:?} of {matching}");
            let sim = load(url, vec![Fault::all(0..secs(60), matching, trouble)]);
            whole(sim, secs(215), &what);
        }
    }
}

#[test]
fn a_machine_that_comes_online_goes_on_at_once() {
    for url in FORMS {
        for span in [millis(1)..secs(60), secs(10)..secs(100)] {
            let what = format!("{url}: offline in {span:?}");
            let mut sim = load(url, Vec::new());
            sim.run_to(span.start);
            sim.offline(true);
            sim.run_to(span.end);
            sim.offline(false);
            back(&mut sim, span.end, secs(2), &what);
            whole(sim, secs(240), &what);
        }
    }
}

/// How many requests reach the film's server, and when the last of them.
fn asked(sim: &Simulation) -> u32 {
    sim.report().requests
}

#[test]
fn a_server_is_left_alone_for_as_long_as_it_asks() {
    let mut sim = load(DASH, vec![Fault::all(secs(2)..secs(30), ".m4s", Trouble::Busy(20))]);
    sim.run_to(secs(10));
    let before = asked(&sim);
    sim.run_to(secs(20));
    assert_eq!(asked(&sim), before);
    whole(sim, secs(160), "429");
}

#[test]
fn what_is_refused_is_asked_for_three_times_and_then_it_is_the_end() {
    for status in [401, 403, 404, 410] {
        for url in FORMS {
            let mut sim =
                load(url, vec![Fault::all(secs(6)..secs(900), "", Trouble::Status(status))]);
            sim.run_to(secs(20));
            let fatal = sim.report().fatal();
            assert_eq!(fatal.len(), 1, "{url} {status}: {}", sim.report());
            assert_eq!(fatal[0].code, Code::Status);
            let mut sim = load(url, vec![Fault::all(0..secs(900), "", Trouble::Status(status))]);
            sim.run_to(secs(8));
            let (fatal, asked) = (sim.report().fatal().len(), asked(&sim));
            assert_eq!((fatal, (3..=4).contains(&asked)), (1, true), "{url} {status}: {asked}");
        }
    }
}

#[test]
fn what_is_refused_for_a_moment_after_an_outage_is_not_the_end() {
    for url in FORMS {
        for from in [0, secs(10)] {
            for phase in 0..12 {
                let over = from + secs(40) + millis(phase * 700);
                let faults = vec![
                    Fault::all(from..over, "", Trouble::Status(503)),
                    Fault::all(over..over + millis(900), "", Trouble::Status(404)),
                ];
                whole(load(url, faults), secs(230), &format!("{url} from {from}, {phase}"));
            }
        }
    }
}

#[test]
fn what_is_refused_for_a_moment_is_not_left_out() {
    for url in FORMS {
        for status in [403, 404] {
            let what = format!("{url} {status}");
            let span: Range<Time> = secs(10)..secs(10) + millis(900);
            let sim = load(url, vec![Fault::all(span, "", Trouble::Status(status))]);
            whole(sim, secs(130), &what);
        }
    }
}

#[test]
fn a_segment_that_one_quality_lacks_is_shown_in_another() {
    for trouble in [
        Trouble::Status(404),
        Trouble::Status(500),
        Trouble::Damaged,
        Trouble::CutAfter(9000),
        Trouble::StallAfter(9000),
    ] {
        for url in [DASH, HLS, TS] {
            let what = format!("{url} {trouble:?}");
            let sim = load(url, vec![Fault::all(0..secs(900), "v2/9.", trouble.clone())]);
            whole(sim, secs(150), &what);
        }
    }
}

#[test]
fn a_segment_that_is_missing_in_mid_film_is_skipped_and_not_the_end() {
    for trouble in [Trouble::Status(404), Trouble::Status(403), Trouble::Damaged] {
        for missing in ["/9.m4s", "a/9.m4s"] {
            let what = format!("{trouble:?} {missing}");
            let mut sim = load(DASH, vec![Fault::all(0..secs(900), missing, trouble.clone())]);
            let end = sim.run_until(secs(140), |s| s.element().ended());
            let report = sim.report();
            report.sound().unwrap_or_else(|why| panic!("{what}: {why}"));
            assert!(end, "{what}: {report}");
            assert!(report.stood(0..secs(140)) < secs(6), "{what}: {report}");
        }
    }
}

#[test]
fn media_that_came_whole_is_not_asked_for_again_whatever_its_length_was_said_to_be() {
    let overrun = [".m4s", ".ts"].map(|it| Fault::all(secs(1)..secs(900), it, Trouble::Overrun));
    for url in [DASH, HLS, TS] {
        let mut sim = load(url, overrun.to_vec());
        sim.run_to(secs(60));
        // 30 segments of two tracks, and what is before them.
        assert!(asked(&sim) < 75, "{url}: {}", asked(&sim));
        whole(sim, secs(130), url);
    }
}

#[test]
fn a_request_that_falls_silent_is_given_up_after_the_time_that_was_set() {
    for (timeout, trouble) in
        [(1, Trouble::StallAfter(0)), (3, Trouble::StallAfter(2000)), (8, Trouble::StallAfter(0))]
    {
        let film = FilmServer::new(Film::steady(30, 4000, &LADDER));
        let mut setup = Setup { path: Path::steady(8000), ..Setup::new(film) };
        setup.path.faults = vec![Fault::all(0..millis(900), "v1/1.m4s", trouble)];
        setup.config.request_timeout = Duration::from_secs(timeout);
        let mut sim = setup.start();
        sim.load(DASH);
        sim.run_for(secs(timeout + 3));
        let started = sim.report().started.unwrap_or(Time::MAX);
        let within = secs(timeout)..secs(timeout) + millis(1200);
        assert!(within.contains(&started), "{timeout} s: {started}: {}", sim.report());
    }
}

#[test]
fn a_film_that_is_refused_in_its_middle_is_not_left_paused() {
    for status in [403, 404] {
        let mut sim = load(DASH, Vec::new());
        sim.run_for(secs(5));
        assert!(!sim.element().paused(), "{}", sim.report());
        sim.fault(Fault::all(secs(5)..secs(900), ".m4s", Trouble::Status(status)));
        sim.run_for(secs(120));
        assert_eq!(sim.report().fatal().len(), 1, "{status}: {}", sim.report());
        // Who loads it again can see that it was to be played.
        assert!(!sim.element().paused(), "{status}: {}", sim.report());
    }
}
