//! Clocks that are off: the viewer's, or the manifest's. What the server has is the edge.
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive::player::Code;
use nearlive_simulator::clock::{Time, millis, secs};
use nearlive_simulator::origin::live::{HLS, LOW_LATENCY, Live, PLAIN};
use nearlive_simulator::origin::untimely::{Book, Form, Habits, Untimely};
use nearlive_simulator::{Page, Setup, Simulation};

const S: i64 = 1_000_000;
const HOUR: i64 = 3600 * S;
const YEAR: i64 = 365 * 24 * HOUR;

fn start(url: &str, live: Live, habits: Habits, wall_error_us: i64) -> (Simulation, Book) {
    let live = Live { zero_based: url == PLAIN, ..live };
    let origin = Untimely::new(live, habits);
    let book = origin.book.clone();
    let page = Page { wall_error_us, ..Page::default() };
    let mut sim = Setup { page, ..Setup::new(origin) }.start();
    sim.load(url);
    (sim, book)
}

/// Segments of 2 s, and nothing that tells the time.
fn clockless(depth: u64) -> Live {
    Live { segment: secs(2), clock: false, depth: secs(depth), ..Live::default() }
}

/// It plays, near to the true edge, without standing, and its figures say the truth.
fn plays(sim: &Simulation, within: Time, from: Time, what: &str) {
    let report = sim.report();
    report.sound().unwrap_or_else(|why| panic!("{what}: {why} {report}"));
    let startup = report.startup().unwrap_or_else(|| panic!("{what}: {report}"));
    assert!(startup < within, "{what}: {report}");
    assert_eq!(report.stands_in(from..sim.now()), [], "{what}: {report}");
    let truth = sim.latency().unwrap();
    assert!((0..10 * S).contains(&truth), "{what}: {truth} behind: {report}");
    let said = sim.player.stats(sim.instant()).latency.unwrap().as_micros();
    let off = i64::try_from(said).unwrap() - truth;
    assert!(off.abs() < 3 * S, "{what}: said {said}, true {truth}: {report}");
}

#[test]
fn lists_need_no_clock() {
    for url in [PLAIN, HLS] {
        for off in [120 * S, -120 * S, 5 * HOUR, -9 * HOUR, 3 * YEAR, -40 * YEAR] {
            let (mut sim, book) = start(url, clockless(16), Habits::default(), off);
            sim.run_to(secs(60));
            plays(&sim, secs(1), 0, &format!("{url} {off}"));
            assert_eq!(book.refused(0..secs(60)), 0, "{url} {off}");
            assert_eq!(sim.report().errors, [], "{url} {off}");
        }
    }
}

#[test]
fn numbers_are_found_by_asking_where_nothing_tells_the_time() {
    for (off, depth, within) in [
        (120 * S, 16, 12),
        (-120 * S, 16, 14),
        (90 * S, 16, 12),
        (45 * S, 30, 6),
        (-30 * S, 60, 6),
        (200 * S, 60, 8),
        (120 * S, 590, 6),
        (-120 * S, 590, 6),
    ] {
        for tells_gone in [false, true] {
            let habits = Habits { tells_gone, ..Habits::default() };
            let (mut sim, book) = start(LOW_LATENCY, clockless(depth), habits, off);
            sim.run_to(secs(80));
            let what = format!("{off} off, {depth} kept, tells {tells_gone}");
            plays(&sim, secs(within), secs(20), &what);
            assert!(book.refused(0..secs(30)) < 60, "{what}: {}", book.refused(0..secs(30)));
            assert!(book.refused(secs(50)..secs(80)) <= 6, "{what}");
            assert!(sim.report().count(Code::Untimely) >= 1, "{what}: {}", sim.report());
        }
    }
}

#[test]
fn a_date_that_can_be_read_is_a_clock() {
    for off in [120 * S, -120 * S, 7 * HOUR, 30 * YEAR, -30 * YEAR] {
        let habits = Habits { dates: true, ..Habits::default() };
        let (mut sim, book) = start(LOW_LATENCY, clockless(16), habits, off);
        sim.run_to(secs(60));
        plays(&sim, secs(2), secs(10), &format!("{off}"));
        let refused = book.refused(0..secs(60));
        assert!(refused <= 25, "off by {off}: {refused}");
    }
}

#[test]
fn a_start_time_that_is_hours_off_is_found() {
    for form in [Form::Whole, Form::Growing] {
        for off in [HOUR, -HOUR, 2 * HOUR, -5 * HOUR, 5 * HOUR + HOUR / 2, -12 * HOUR, 100 * S] {
            let live = Live { clock: true, ..clockless(30) };
            let habits = Habits { form, start_us: off, ..Habits::default() };
            let (mut sim, _) = start(LOW_LATENCY, live, habits, 0);
            sim.run_to(secs(90));
            plays(&sim, secs(45), secs(55), &format!("{form:?} {off}"));
        }
    }
}

#[test]
fn a_clock_that_jumps_while_it_plays_is_seen_through() {
    for url in [LOW_LATENCY, PLAIN, HLS] {
        for (from, to) in [(0, 120 * S), (0, -120 * S), (-120 * S, 0), (0, HOUR), (30 * S, -30 * S)]
        {
            let (mut sim, book) = start(url, clockless(60), Habits::default(), from);
            sim.run_to(secs(40));
            sim.set_wall_error(to);
            sim.run_to(secs(120));
            let what = format!("{url} from {from} to {to}");
            plays(&sim, secs(15), secs(60), &what);
            assert!(sim.report().stood(secs(30)..secs(60)) < secs(6), "{what}: {}", sim.report());
            assert!(book.refused(secs(40)..secs(70)) < 30, "{what}");
        }
        let (mut sim, _) = start(url, clockless(60), Habits::default(), 0);
        sim.run_to(secs(40));
        sim.sleep(secs(300));
        sim.run_to(sim.now() + secs(60));
        let now = sim.now();
        plays(&sim, secs(2), now - secs(40), &format!("{url} slept"));
    }
}

#[test]
fn a_manifest_that_says_it_was_made_in_the_future_moves_no_clock_that_is_right() {
    for dates in [false, true] {
        for published_us in [5 * S, 600 * S, 5 * HOUR] {
            let run = |published_us| {
                let habits = Habits { published_us, dates, ..Habits::default() };
                let (mut sim, book) = start(LOW_LATENCY, clockless(16), habits, 0);
                sim.run_to(secs(60));
                let what = format!("{published_us} {dates}");
                plays(&sim, secs(2), 0, &what);
                assert_eq!(sim.report().errors, [], "{what}");
                book.refused(0..secs(60))
            };
            assert_eq!(run(published_us), run(0), "{published_us} {dates}");
        }
    }
}

#[test]
fn who_seeks_back_while_the_edge_is_looked_for_stays_there() {
    for off in [-60 * S, -120 * S] {
        for at in [1500, 3000, 5000, 10_000] {
            let (mut sim, _) = start(LOW_LATENCY, clockless(590), Habits::default(), off);
            sim.run_to(millis(at));
            let to = sim.element().position(sim.now()) - 100 * S;
            sim.seek(to);
            sim.run_to(millis(at) + secs(30));
            let what = format!("{off}, sought at {at} ms");
            let now = sim.element().position(sim.now());
            assert!(sim.element().moving(), "{what}: {}", sim.report());
            assert!((to + 20 * S..to + 31 * S).contains(&now), "{what}: {now} for {to}");
            sim.finish().sound().unwrap();
        }
    }
}

#[test]
fn a_clock_source_that_fails_is_passed_over() {
    let timing = |scheme: &str, value: &str| {
        format!("<UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:{scheme}:2014\" value=\"{value}\"/>")
    };
    let good = timing("http-xsdate", "/time");
    for (dead, off, within) in [
        (timing("http-iso", "/nothing"), 0, millis(400)),
        (timing("http-iso", "/nothing /neither"), 0, millis(400)),
        (timing("ntp", "pool.ntp.example"), 0, millis(400)),
        (timing("http-iso", "/silence"), 0, millis(1200)),
        ([&timing("http-iso", "/nothing"), good.as_str()].concat(), 120 * S, millis(500)),
        (timing("http-iso", "/nothing /time"), -120 * S, millis(500)),
        (timing("http-head", "/head"), 120 * S, millis(600)),
        (timing("http-head", "/head"), -3 * YEAR, millis(600)),
    ] {
        for form in [Form::Whole, Form::Growing] {
            let habits = Habits { form, timing: dead.clone(), ..Habits::default() };
            let (mut sim, book) = start(LOW_LATENCY, clockless(16), habits, off);
            sim.run_to(secs(40));
            let what = format!("{form:?} {dead} {off}");
            plays(&sim, within + millis(700), secs(10), &what);
            assert!(book.refused(0..secs(40)) <= 25, "{what}: {}", book.refused(0..secs(40)));
        }
    }
}
