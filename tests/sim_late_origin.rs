//! Origins that have their segments later than their manifests say: they are played, so much farther
//! behind, and are not flooded with questions.
#![allow(clippy::single_range_in_vec_init, reason = "a list of times, here of one")]
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive::player::Code;
use nearlive_simulator::clock::{Time, millis, secs};
use nearlive_simulator::origin::live::{HLS, LOW_LATENCY, Live, PLAIN};
use nearlive_simulator::origin::untimely::{Asked, Book, Form, Habits, Untimely};
use nearlive_simulator::report::Report;
use nearlive_simulator::{Setup, Simulation};

fn start(url: &str, live: Live, habits: Habits, join: Time) -> (Simulation, Book) {
    let live = Live { zero_based: url == PLAIN, ..live };
    let origin = Untimely::new(live, habits);
    let book = origin.book.clone();
    let mut sim = Setup::new(origin).start();
    sim.run_for(join);
    sim.load(url);
    (sim, book)
}

fn two_seconds() -> Live {
    Live { segment: secs(2), ..Live::default() }
}

fn late(by: impl Fn(Asked) -> Time + 'static) -> Habits {
    Habits { late: Box::new(by), ..Habits::default() }
}

/// It starts soon, stands at most while it learns, and asks for little in vain.
fn plays(report: &Report, book: &Book, lateness: Time, tracks: usize, what: &str) {
    plays_within(secs(2), report, book, lateness, tracks, what);
}

fn plays_within(
    soon: Time,
    report: &Report,
    book: &Book,
    lateness: Time,
    tracks: usize,
    what: &str,
) {
    report.sound().unwrap_or_else(|why| panic!("{what}: {why} {report}"));
    let startup = report.startup().unwrap_or_else(|| panic!("{what}: {report}"));
    assert!(startup < soon, "{what}: {report}");
    assert!(report.stood(0..secs(30)) < secs(2), "{what}: {report}");
    assert_eq!(report.stands_in(secs(30)..secs(90)), [], "{what}: {report}");
    // While it learns two a segment and track, of 2 s each; then nearly none.
    let learning = book.refused(0..secs(30));
    assert!(learning <= 15 * tracks, "{what}: {learning} {report}");
    let steady = book.refused(secs(60)..secs(90));
    assert!(steady <= 3 * tracks, "{what}: {steady} {report}");
    let said = report.count(Code::Untimely);
    let worth = lateness >= millis(700);
    assert!(said <= 3 && (!worth || said >= 1), "{what}: said {said}: {report}");
}

#[test]
fn a_late_origin_is_played_from_the_start() {
    for by in [300, 1200, 3500, 8000, 20_000] {
        for join in [0, 900, 1700] {
            let (mut sim, book) =
                start(LOW_LATENCY, two_seconds(), late(move |_| millis(by)), millis(join));
            sim.run_to(secs(90));
            let what = format!("{by} ms late, joined at {join}");
            plays(sim.report(), &book, millis(by), 2, &what);
            let latency = sim.report().latency(secs(60)..secs(90), 500).unwrap();
            let most = i64::try_from(millis(by) + secs(7)).unwrap();
            assert!(latency < most, "{what}: {latency} {}", sim.report());
            sim.finish().sound().unwrap();
        }
    }
}

#[test]
fn lists_that_name_what_is_not_there_yet_are_played() {
    for url in [PLAIN, HLS] {
        for by in [300, 1200, 3500, 6000] {
            for join in [0, 1300] {
                let habits = late(move |_| millis(by));
                let (mut sim, book) = start(url, two_seconds(), habits, millis(join));
                sim.run_to(secs(90));
                plays(sim.report(), &book, 0, 2, &format!("{url} {by} ms late, joined at {join}"));
            }
        }
    }
}

#[test]
fn segments_that_grow_later_than_announced_are_played() {
    for by in [300, 700, 1200, 3500, 8000] {
        for segment in [1, 2] {
            let live = Live { segment: secs(segment), ..Live::default() };
            let habits = Habits { form: Form::Growing, ..late(move |_| millis(by)) };
            let (mut sim, book) = start(LOW_LATENCY, live, habits, 0);
            sim.run_to(secs(90));
            let what = format!("{by} ms late, segments of {segment} s");
            plays(sim.report(), &book, millis(by), 3, &what);
            let latency = sim.report().latency(secs(60)..secs(90), 500).unwrap();
            let most = i64::try_from(millis(by) + secs(2)).unwrap();
            assert!(latency < most, "{what}: {latency} {}", sim.report());
        }
    }
}

#[test]
fn one_track_may_be_late_and_the_other_not() {
    for audio in [true, false] {
        for form in [Form::Whole, Form::Growing] {
            let habits = late(move |it| if it.audio == audio { millis(2500) } else { 0 });
            let habits = Habits { form, ..habits };
            let (mut sim, book) = start(LOW_LATENCY, two_seconds(), habits, 0);
            sim.run_to(secs(90));
            // The other one came: how late this one is, it shows itself.
            let what = format!("{form:?}, sound {audio}");
            plays_within(secs(4), sim.report(), &book, 0, 3, &what);
        }
    }
}

#[test]
fn a_lateness_that_varies_is_borne() {
    for spread in [100, 300, 600] {
        let vary = move |number: u64| number.wrapping_mul(2_654_435_761) / 65_536 % spread;
        let habits = late(move |it| millis(1500 + vary(it.number)));
        let (mut sim, book) = start(LOW_LATENCY, two_seconds(), habits, 0);
        sim.run_to(secs(120));
        let report = sim.report();
        report.sound().unwrap();
        assert_eq!(report.stands_in(secs(30)..secs(120)), [], "{spread}: {report}");
        let refused = book.refused(secs(60)..secs(120));
        assert!(refused <= 20, "{spread}: {refused} {report}");
    }
}

#[test]
fn a_lateness_that_grows_is_followed() {
    let habits = late(|it| millis(300) + it.now / 25);
    let (mut sim, book) = start(LOW_LATENCY, two_seconds(), habits, 0);
    sim.run_to(secs(120));
    let report = sim.report();
    report.sound().unwrap();
    assert!(report.stood(secs(10)..secs(120)) < secs(2), "{report}");
    assert!(book.refused(secs(20)..secs(120)) <= 150, "{}", book.refused(secs(20)..secs(120)));
}

#[test]
fn an_origin_that_falls_behind_while_it_plays_is_waited_for_and_forgotten_when_it_is_punctual() {
    for form in [Form::Whole, Form::Growing] {
        for by in [1200, 3500, 12_000] {
            let times = secs(30)..secs(120);
            let habits = late(move |it| if times.contains(&it.now) { millis(by) } else { 0 });
            let (mut sim, book) = start(LOW_LATENCY, two_seconds(), Habits { form, ..habits }, 0);
            sim.run_to(secs(400));
            let report = sim.report();
            let what = format!("{form:?} {by}: {report}");
            report.sound().unwrap();
            assert!(report.stood(secs(30)..secs(60)) < millis(by) + secs(3), "{what}");
            assert_eq!(report.stands_in(secs(60)..secs(120)), [], "{what}");
            let learning = book.refused(secs(30)..secs(60));
            assert!(learning <= 50, "{learning}: {what}");
            let latency = report.latency(secs(360)..secs(400), 500).unwrap();
            let most = if form == Form::Whole { 6_000_000 } else { 2_500_000 };
            assert!(latency < most, "{latency}: {what}");
            assert_eq!(report.stands_in(secs(200)..secs(400)), [], "{what}");
        }
    }
}

#[test]
fn a_presentation_whose_first_numbers_are_missing_is_waited_for() {
    for form in [Form::Whole, Form::Growing] {
        let live = Live {
            lost: vec![0..secs(20)],
            depth: secs(4),
            down: vec![0..secs(1)],
            ..two_seconds()
        };
        let habits = Habits { form, ..Habits::default() };
        let (mut sim, book) = start(LOW_LATENCY, live, habits, secs(5));
        sim.run_to(secs(60));
        let report = sim.report();
        report.sound().unwrap();
        assert!(report.started.unwrap() < secs(30), "{form:?}: {report}");
        assert_eq!(report.stands_in(secs(40)..secs(60)), [], "{form:?}: {report}");
        assert!(book.asked(0..secs(20)) <= 60, "{form:?}: {}", book.asked(0..secs(20)));
    }
}

#[test]
fn refusals_that_take_their_time_and_requests_that_are_held_change_nothing() {
    for by in [1200, 3500] {
        let habits = Habits { refuses_after: millis(700), ..late(move |_| millis(by)) };
        let (mut sim, book) = start(LOW_LATENCY, two_seconds(), habits, 0);
        sim.run_to(secs(90));
        let report = sim.report();
        report.sound().unwrap();
        assert!(report.startup().unwrap() < secs(6), "{by}: {report}");
        assert_eq!(report.stands_in(secs(30)..secs(90)), [], "{by}: {report}");
        assert!(book.refused(0..secs(30)) <= 30, "{by}");
        let habits = Habits { holds: true, ..late(move |_| millis(by)) };
        let (mut sim, book) = start(LOW_LATENCY, two_seconds(), habits, 0);
        sim.run_to(secs(90));
        let report = sim.report();
        report.sound().unwrap();
        assert!(report.startup().unwrap() < millis(by) + secs(2), "{by}: {report}");
        assert_eq!(report.stands_in(secs(30)..secs(90)), [], "{by}: {report}");
        assert_eq!(book.refused(0..secs(90)), 0, "{by}");
    }
}

#[test]
fn a_punctual_origin_is_not_called_late() {
    for form in [Form::Whole, Form::Growing] {
        for join in (0..2000).step_by(230) {
            let habits = Habits { form, ..Habits::default() };
            let (mut sim, book) = start(LOW_LATENCY, two_seconds(), habits, millis(join));
            sim.run_to(secs(40));
            let report = sim.report();
            report.sound().unwrap();
            assert_eq!(report.errors, [], "{form:?} {join}: {report}");
            assert!(report.stood(0..secs(40)) < millis(300), "{form:?} {join}: {report}");
            assert!(book.refused(0..secs(40)) <= 25, "{form:?} {join}: {report}");
        }
    }
}
