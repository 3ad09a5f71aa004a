//! Films on a link that was slow for a while: what is buffered low is fetched again, better, before it is played.
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive::player::{Command, QualityChoice};
use nearlive::presentation::TrackKind;
use nearlive_simulator::clock::{Time, millis, secs};
use nearlive_simulator::network::{Fault, Path, Trouble};
use nearlive_simulator::origin::film::{DASH, FILES, Film, FilmServer, HLS};
use nearlive_simulator::report::{Report, Sample};
use nearlive_simulator::{Page, Setup, Simulation};

const LADDER: [u64; 4] = [250, 500, 750, 1500];
/// The forms of the film whose media is replaced.
const FORMS: [&str; 3] = [DASH, FILES, HLS];
/// When the link is slow.
const SLOW: Time = secs(20);
/// When it is good again.
const GOOD: Time = secs(60);

/// A film that was played over a link of 3 Mb/s and then of 400 kb/s, until the link is good again.
fn after_a_slow_time(url: &str, film: Film) -> Simulation {
    let mut sim = Setup { path: Path::steady(3000), ..Setup::new(FilmServer::new(film)) }.start();
    sim.load(url);
    sim.run_to(SLOW);
    sim.kbps(400);
    sim.run_to(GOOD);
    sim.kbps(4000);
    sim
}

fn film() -> Film {
    Film::steady(90, 2000, &LADDER)
}

/// For how long a lower rung than the highest is on the screen in `span`.
fn low(report: &Report, span: core::ops::Range<Time>) -> Time {
    let samples = report.samples_in(span);
    millis(250) * samples.iter().filter(|s| s.rung < Some(3)).count() as Time
}

/// Whatever becomes of a replacement: the picture moves on without a stall or a jump, to the end.
fn goes_on(mut sim: Simulation, what: &str) -> Report {
    let end = sim.run_until(secs(400), |s| s.element().ended());
    let report = sim.finish();
    report.sound().unwrap_or_else(|why| panic!("{what}: {why}"));
    assert!(end, "{what}: {report}");
    assert_eq!((report.stands_in(GOOD..secs(400)), report.seeks), (vec![], 0), "{what}: {report}");
    report
}

#[test]
fn what_is_buffered_low_is_replaced_when_the_link_is_good_again() {
    for url in FORMS {
        let mut sim = after_a_slow_time(url, film());
        let ahead = sim.report().samples.last().unwrap().video_ahead.unwrap();
        assert!(ahead > 8_000_000, "{url}: {ahead} us are buffered");
        sim.run_for(secs(60));
        let report = sim.report();
        // A segment has to come before it is known, and another has to come in time.
        let shown = low(report, GOOD..GOOD + secs(60));
        assert!(shown <= secs(7), "{url}: low for {shown} us: {report}");
        goes_on(sim, url);
    }
}

#[test]
fn what_is_replaced_is_replaced_in_a_row() {
    for url in FORMS {
        for kbps in [1800, 2100, 2500, 3000, 4000] {
            let mut sim = after_a_slow_time(url, film());
            sim.kbps(kbps);
            let report = goes_on(sim, url);
            let shown = report.samples_in(GOOD..secs(400));
            let down = |a: &Sample, b: &Sample| a.rung == Some(3) && b.rung < Some(3);
            let downs = shown.windows(2).filter(|it| down(&it[0], &it[1])).count();
            assert!(
                downs <= 1,
                "{url}, {kbps} kb/s: from the highest rung down {downs} times: {report}"
            );
        }
    }
}

#[test]
fn a_rung_that_was_never_fetched_replaces_what_is_held() {
    for url in FORMS {
        // The lowest rung is kept until the link is seen to be better.
        let film = Film { audio: false, ..film() };
        let path = Path::steady(350);
        let mut sim = Setup { path, ..Setup::new(FilmServer::new(film)) }.start();
        sim.load(url);
        sim.run_to(GOOD);
        let ahead = sim.report().samples.last().unwrap().video_ahead.unwrap();
        assert!(ahead > 12_000_000, "{url}: {ahead} us are buffered");
        sim.kbps(6000);
        let report = goes_on(sim, url);
        let shown = low(&report, GOOD..secs(400));
        assert!(shown <= secs(8), "{url}: low for {shown} us: {report}");
    }
}

#[test]
fn what_a_managed_media_source_tells_of_the_players_own_appends_is_no_loss() {
    for url in FORMS {
        let requests = [false, true].map(|tells_changes| {
            let page = Page { tells_changes, ..Page::default() };
            let path = Path::steady(3000);
            let mut sim = Setup { page, path, ..Setup::new(FilmServer::new(film())) }.start();
            sim.load(url);
            for (from, kbps) in [(SLOW, 400), (GOOD, 4000)] {
                sim.run_to(from);
                sim.kbps(kbps);
            }
            goes_on(sim, url).requests
        });
        assert_eq!(requests[0], requests[1], "{url}");
    }
}

#[test]
fn a_link_that_is_good_for_a_moment_only_costs_nothing() {
    for ms in (1000..6000).step_by(1000) {
        for kbps in [0, 150] {
            let mut sim = after_a_slow_time(DASH, film());
            sim.run_for(millis(ms));
            sim.kbps(kbps);
            sim.run_for(secs(5));
            sim.kbps(400);
            goes_on(sim, &format!("{kbps} kb/s after {ms} ms"));
        }
    }
}

#[test]
fn a_replacement_that_fails_leaves_what_was_buffered() {
    let trouble = [
        Trouble::Status(404),
        Trouble::CutAfter(90_000),
        Trouble::StallAfter(90_000),
        Trouble::Damaged,
    ];
    for (url, audio) in [(DASH, false), (HLS, false), (DASH, true), (HLS, true)] {
        for trouble in trouble.clone() {
            let what = format!("{url}, sound: {audio}, {trouble:?}");
            let mut sim = after_a_slow_time(url, Film { audio, ..film() });
            sim.fault(Fault::all(GOOD..GOOD + secs(8), "/v3/", trouble));
            let before = sim.report().requests;
            sim.run_for(secs(12));
            let made = sim.report().requests - before;
            // How many of the sound's fall into this time says nothing.
            assert!(audio || made < 25, "{what}: {made} requests");
            goes_on(sim, &what);
        }
    }
}

#[test]
fn an_initialization_segment_that_only_a_replacement_needs_may_fail() {
    let film = || Film::steady(40, 2000, &LADDER);
    for trouble in [Trouble::Status(404), Trouble::Page, Trouble::StallAfter(0)] {
        for rung in ["v1/init", "v2/init", "v3/init"] {
            // The first rung is kept until the link is seen to be better.
            let path = Path::steady(200);
            let mut sim = Setup { path, ..Setup::new(FilmServer::new(film())) }.start();
            sim.load(DASH);
            sim.run_to(secs(12));
            sim.fault(Fault::all(secs(12)..secs(16), rung, trouble.clone()));
            sim.kbps(8000);
            let end = sim.run_until(secs(200), |s| s.element().ended());
            let report = sim.finish();
            report.sound().unwrap();
            assert!(end && report.fatal().is_empty(), "{rung} {trouble:?}: {report}");
            assert_eq!(report.stands_in(secs(12)..secs(200)), [], "{rung} {trouble:?}: {report}");
        }
    }
}

#[test]
fn a_seek_while_a_replacement_is_under_way_plays_on_there() {
    for ms in (500..5000).step_by(1300) {
        for to in [66_000_000, 72_000_000, 20_000_000, 150_000_000] {
            let mut sim = after_a_slow_time(DASH, film());
            sim.run_for(millis(ms));
            sim.seek(to);
            let at = sim.now();
            let there = |s: &Simulation| {
                s.element().moving() && s.element().position(s.now()) >= to + 1_000_000
            };
            assert!(sim.run_until(at + secs(9), there), "{to} after {ms} ms: {}", sim.report());
            sim.run_for(secs(20));
            let report = sim.finish();
            report.sound().unwrap();
            assert_eq!(
                report.stands_in(at + secs(9)..secs(200)),
                [],
                "{to} after {ms} ms: {report}"
            );
        }
    }
}

#[test]
fn a_quality_chosen_while_a_replacement_is_under_way_is_shown() {
    for ms in [500, 1600, 4000] {
        for (id, rung) in [("v0", 0), ("v1", 1), ("v3", 3)] {
            let mut sim = after_a_slow_time(DASH, film());
            sim.run_for(millis(ms));
            let at = sim.now();
            sim.command(Command::SetQuality(QualityChoice::Fixed(id.into())));
            sim.run_for(secs(60));
            let last = sim.report().samples.iter().rfind(|s| s.rung != Some(rung)).unwrap().at;
            assert!(last < at + secs(14), "{id} after {ms} ms: {}", sim.report());
            goes_on(sim, &format!("{id} after {ms} ms"));
        }
    }
}

#[test]
fn a_browser_without_room_is_lived_with() {
    for quota in [600_000, 1_000_000, 4_000_000] {
        let mut sim = after_a_slow_time(DASH, film());
        sim.quota(TrackKind::Video, quota);
        let end = sim.run_until(secs(400), |s| s.element().ended());
        let report = sim.finish();
        report.sound().unwrap_or_else(|why| panic!("{quota}: {why}"));
        assert!(end, "{quota}: {report}");
        assert_eq!(report.stands_in(GOOD..secs(400)), [], "{quota}: {report}");
    }
}

#[test]
fn media_that_tears_a_hole_behind_it_is_mended_once_and_nothing_is_replaced_any_more() {
    let replaced = |top_overlaps_ms| {
        let mut sim = after_a_slow_time(DASH, Film { top_overlaps_ms, ..film() });
        sim.run_for(secs(15));
        // There is something to replace a second time.
        sim.kbps(400);
        sim.run_for(secs(25));
        sim.kbps(4000);
        sim.run_for(secs(60));
        let bytes = sim.report().bytes;
        goes_on(sim, &format!("{top_overlaps_ms} ms over"));
        bytes
    };
    let sound = replaced(0);
    assert!(replaced(40) < sound, "nothing more is replaced");
}

#[test]
fn what_nobody_looks_at_is_not_replaced() {
    let low = |hidden: bool| {
        let mut sim = after_a_slow_time(DASH, film());
        sim.hide(hidden);
        sim.run_for(secs(12));
        low(sim.report(), GOOD..GOOD + secs(12))
    };
    assert!(low(false) < secs(8) && low(true) > secs(11));
}

#[test]
fn what_is_replaced_is_told_when_it_is_seen() {
    let mut sim = after_a_slow_time(DASH, film());
    sim.run_for(secs(60));
    let report = sim.report();
    let told = report.switches.iter().find(|s| s.0 > GOOD && s.1.to.id == "v3").unwrap();
    let seen = report.first(GOOD, |s| s.rung == Some(3)).unwrap();
    assert!(told.0.abs_diff(seen) <= millis(500), "told {}, seen {seen}: {report}", told.0);
    assert!(told.1.reason.contains("enough"), "{}", told.1.reason);
}

#[test]
fn for_a_small_gain_nothing_is_fetched_twice() {
    let film = Film::steady(90, 2000, &[1000, 1200]);
    let whole = film.sizes.iter().map(|sizes| sizes[1]).sum::<u64>();
    let mut sim = Setup { path: Path::steady(1100), ..Setup::new(FilmServer::new(film)) }.start();
    sim.load(DASH);
    sim.run_to(secs(40));
    sim.kbps(20_000);
    sim.run_until(secs(300), |s| s.element().ended());
    let report = sim.finish();
    let sound = 180 * 130_000 / 8;
    assert!(report.bytes < whole + sound, "{} of {whole}: {report}", report.bytes);
}
