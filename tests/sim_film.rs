//! Films: DASH and HLS on demand, from start to end, with seeks.
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive::player::{Code, Command, QualityChoice, Span};
use nearlive::presentation::TrackKind;
use nearlive::time::Position;
use nearlive_simulator::clock::{millis, secs};
use nearlive_simulator::network::{Fault, Path, Trouble};
use nearlive_simulator::origin::film::{DASH, FILES, Film, FilmServer, HLS, TS};
use nearlive_simulator::rng::Rng;
use nearlive_simulator::{Setup, Simulation};

const LADDER: [u64; 3] = [400, 1200, 3000];

/// The forms of the film that are played.
const FORMS: [&str; 4] = [DASH, FILES, HLS, TS];

fn start(url: &str, film: Film, path: Path) -> Simulation {
    let mut sim = Setup { path, ..Setup::new(FilmServer::new(film)) }.start();
    sim.load(url);
    sim
}

#[test]
fn a_film_plays_from_its_start_to_its_end() {
    for url in FORMS {
        let mut sim = start(url, Film::steady(12, 4000, &LADDER), Path::steady(8000));
        let end = sim.run_until(secs(60), |s| s.element().ended());
        let report = sim.report();
        report.sound().unwrap();
        assert!(end, "{url}: {report}");
        assert!(report.startup().unwrap() < secs(2), "{url}: {report}");
        assert!(sim.now() < secs(51), "{url}: {report}");
        assert_eq!(report.stands, [], "{url}: {report}");
        let best = report.switches.iter().map(|(_, s)| s.to.bandwidth.as_bps()).max();
        assert!(best >= Some(3_000_000), "{url}: {report}");
        assert_eq!(report.errors, []);
        sim.finish().sound().unwrap();
    }
}

#[test]
fn a_link_below_the_lowest_rung_has_its_first_stall_after_the_first_segment() {
    for url in [DASH, FILES, HLS] {
        let film = Film { audio: false, ..Film::steady(12, 4000, &[400]) };
        let mut sim = start(url, film, Path::steady(150));
        sim.run_until(secs(30), |s| s.element().position(s.now()) >= 3_700_000);
        let report = sim.report();
        assert_eq!(report.stands, [], "{url}: {report}");
        // The segment takes 10.7 s, and playing it 4. (HLS names a higher rate.)
        let startup = report.startup().unwrap();
        assert!((secs(5)..secs(11)).contains(&startup), "{url}: {report}");
    }
}

#[test]
fn sound_leaves_a_slow_link_to_the_picture() {
    for url in [DASH, FILES, HLS] {
        for (kbps, longest) in [(350, secs(12)), (420, secs(0))] {
            let mut sim = start(url, Film::steady(15, 4000, &[250]), Path::steady(kbps));
            assert!(sim.run_until(secs(120), |s| s.element().ended()), "{url}");
            let report = sim.finish();
            report.sound().unwrap();
            let stood: u64 = report.stands.iter().map(|s| s.lasted).sum();
            assert!(stood <= longest, "{url} {kbps} kb/s: {report}");
        }
    }
}

#[test]
fn an_index_that_follows_the_initialization_segment_comes_with_it() {
    let film = Film { audio: false, ..Film::steady(1, 4000, &[400]) };
    let mut sim = start(FILES, film, Path::steady(8000));
    assert!(sim.run_until(secs(20), |s| s.element().ended()));
    let report = sim.finish();
    report.sound().unwrap();
    assert_eq!(report.requests, 3, "manifest, both of these, the segment: {report}");
}

#[test]
fn a_page_that_plays_by_itself_is_not_taken_back_to_the_start() {
    for url in FORMS {
        let film = Film { audio: false, ..Film::steady(12, 4000, &[400]) };
        let setup = Setup { path: Path::steady(150), ..Setup::new(FilmServer::new(film)) };
        let mut sim = setup.start();
        sim.load(url);
        sim.play();
        sim.run_to(secs(9));
        let report = sim.report();
        assert_eq!(report.seeks, 0, "{url}: {report}");
        report.sound().unwrap();
    }
}

#[test]
fn seeks_into_the_unbuffered_play_on_there() {
    for url in FORMS {
        let mut sim = start(url, Film::steady(50, 4000, &LADDER), Path::steady(8000));
        sim.run_for(secs(5));
        let mut rng = Rng::new(5);
        for _ in 0..20 {
            let to = i64::try_from(rng.below(180_000_000)).unwrap();
            sim.seek(to);
            let at = sim.now();
            let moving = sim.run_until(at + secs(4), |s| {
                s.element().moving() && s.element().position(s.now()) >= to
            });
            assert!(moving, "{url} seek to {to}: {}", sim.report());
            let position = sim.element().position(sim.now());
            assert!(position - to < 500_000, "{url} {position} for {to}");
            sim.run_for(millis(rng.between(100, 3000)));
        }
        sim.finish().sound().unwrap();
    }
}

#[test]
fn a_seek_beyond_what_is_fetched_again_fetches_nothing_in_between() {
    for url in FORMS {
        let mut setup = Setup::new(FilmServer::new(Film::steady(30, 2000, &[1200])));
        setup.path = Path::steady(8000);
        let mut sim = setup.start();
        sim.load(url);
        sim.run_for(secs(3));
        // To the end of the film, which is kept; then back to where nothing is.
        for (to, then) in [(40_000_000, 4), (5_000_000, 0)] {
            sim.seek(to);
            let there = sim.run_until(sim.now() + secs(10), |s| {
                s.element().moving() && s.element().position(s.now()) >= to + 500_000
            });
            assert!(there, "{url} {to}: {}", sim.report());
            sim.run_for(secs(then));
        }
        let before = sim.report().requests;
        sim.seek(57_000_000);
        let end = sim.run_until(sim.now() + secs(20), |s| s.element().ended());
        let report = sim.finish();
        report.sound().unwrap();
        assert!(end, "{url}: {report}");
        // At most those that hold what is played, of two tracks.
        assert!(report.requests - before <= 6, "{url}: {} {report}", report.requests - before);
    }
}

#[test]
fn what_the_browser_takes_out_by_itself_is_fetched_again_before_it_is_played() {
    for url in FORMS {
        for kind in [TrackKind::Video, TrackKind::Audio] {
            let mut sim = start(url, Film::steady(12, 4000, &LADDER), Path::steady(8000));
            sim.run_for(secs(10));
            let at = |ms: i64| {
                Position::from_micros(sim.element().position(sim.now())).offset(ms * 1000)
            };
            let gone = [
                Span { start: at(-9000), end: at(-5000) },
                Span { start: at(3000), end: at(9000) },
            ];
            for gone in gone {
                sim.evict(kind, gone);
            }
            let end = sim.run_until(secs(60), |s| s.element().ended());
            let report = sim.report();
            report.sound().unwrap();
            assert!(end, "{url} {kind:?}: {report}");
            assert_eq!(report.stands, [], "{url} {kind:?}: {report}");
            assert_eq!(report.errors, []);
        }
    }
}

#[test]
fn a_seek_back_into_what_was_played_and_to_the_very_end_work() {
    let mut sim = start(DASH, Film::steady(12, 4000, &LADDER), Path::steady(8000));
    sim.run_for(secs(20));
    sim.seek(1_000_000);
    sim.run_for(secs(3));
    assert!(sim.element().moving(), "{}", sim.report());
    sim.seek(47_900_000);
    assert!(sim.run_until(secs(30), |s| s.element().ended()), "{}", sim.report());
    sim.seek(10_000_000);
    sim.play();
    sim.run_for(secs(3));
    assert!(sim.element().moving(), "{}", sim.report());
    sim.finish().sound().unwrap();
}

#[test]
fn the_rung_follows_a_link_that_drops_and_comes_back_without_a_stall() {
    let mut sim = start(DASH, Film::steady(45, 4000, &LADDER), Path::steady(6000));
    sim.run_for(secs(40));
    sim.kbps(900);
    sim.run_for(secs(60));
    sim.kbps(6000);
    sim.run_for(secs(60));
    let report = sim.report();
    report.sound().unwrap();
    assert!(report.rung_at(secs(40), 0).is_some(), "{report}");
    assert!(report.rung_at(secs(100), 2).is_some(), "{report}");
    assert_eq!(report.stands, [], "{report}");
}

#[test]
fn the_buffer_ahead_is_what_was_asked_for() {
    let mut sim = start(DASH, Film::steady(50, 4000, &LADDER), Path::steady(50_000));
    sim.run_for(secs(40));
    let ahead = sim.report().samples_in(secs(20)..secs(40));
    assert!(ahead.iter().all(|s| (22_000_000..38_000_000).contains(&s.video_ahead.unwrap())));
    sim.finish().sound().unwrap();
}

#[test]
fn a_browser_that_has_enough_media_gets_more_when_it_wants_it() {
    for url in FORMS {
        let mut sim = start(url, Film::steady(50, 2000, &LADDER), Path::steady(40_000));
        sim.sate(true);
        sim.run_for(secs(30));
        sim.sate(false);
        sim.run_for(secs(20));
        let report = sim.report();
        let within = |from, to, ahead: core::ops::Range<i64>| {
            let samples = report.samples_in(secs(from)..secs(to));
            let found = samples.iter().map(|s| s.video_ahead.unwrap());
            assert!(
                found.clone().all(|it| ahead.contains(&it)),
                "{url}: {:?}",
                Vec::from_iter(found)
            );
        };
        within(5, 30, 3_000_000..8_000_000);
        within(40, 50, 26_000_000..34_000_000);
        assert_eq!(report.stands, [], "{url}");
        sim.finish().sound().unwrap();
    }
}

#[test]
fn a_chosen_quality_is_seen_soon_though_much_is_buffered() {
    let mut sim = start(DASH, Film::steady(50, 4000, &LADDER), Path::steady(20_000));
    sim.run_for(secs(42));
    for (i, (id, rung)) in [("v0", 0), ("v2", 2), ("v1", 1)].into_iter().enumerate() {
        let at = sim.now();
        sim.command(Command::SetQuality(QualityChoice::Fixed(id.into())));
        sim.run_for(secs(17 + i as u64));
        let report = sim.report();
        let seen = report.rung_at(at, rung).unwrap_or(u64::MAX);
        assert!(seen < at + secs(6), "{id} after {} us: {report}", seen.saturating_sub(at));
        assert_eq!(report.samples.last().unwrap().rung, Some(rung), "{report}");
    }
    let report = sim.finish();
    report.sound().unwrap();
    assert_eq!(report.stands, [], "{report}");
}

#[test]
fn a_quality_chosen_while_a_film_opens_is_the_one_that_plays() {
    for (url, id) in [(DASH, "v1"), (FILES, "v1"), (HLS, "v1"), (TS, "v1")] {
        for at in [1, 30, 60, 90, 140, 220, 300, 700] {
            let mut sim = start(url, Film::steady(12, 4000, &LADDER), Path::steady(8000));
            sim.run_for(millis(at));
            sim.command(Command::SetQuality(QualityChoice::Fixed(id.into())));
            sim.run_for(secs(12));
            let report = sim.report();
            assert!(report.started.is_some_and(|at| at < secs(4)), "{url} at {at} ms: {report}");
            let shown = report.switches.last().map(|(_, it)| it.to.id.as_str());
            assert_eq!(shown, Some(id), "{url} at {at} ms: {report}");
            assert!(sim.run_until(secs(60), |s| s.element().ended()), "{url} at {at} ms");
            sim.finish().sound().unwrap();
        }
    }
}

#[test]
fn segments_that_fail_now_and_then_are_asked_for_again() {
    let mut path = Path::steady(8000);
    let fault = |trouble| Fault::all(0..secs(60), ".m4s", trouble).sometimes(80);
    path.faults = vec![
        fault(Trouble::Status(500)),
        fault(Trouble::CutAfter(50_000)),
        fault(Trouble::StallAfter(20_000)),
    ];
    for url in FORMS {
        let mut sim = start(url, Film::steady(15, 4000, &LADDER), path.clone());
        let end = sim.run_until(secs(90), |s| s.element().ended());
        let report = sim.report();
        report.sound().unwrap();
        assert!(end, "{url}: {report}");
    }
}

#[test]
fn a_small_quota_is_lived_with() {
    let mut setup = Setup::new(FilmServer::new(Film::steady(15, 4000, &LADDER)));
    setup.path = Path::steady(20_000);
    setup.page.rules.video_quota = 6_000_000;
    setup.page.rules.audio_quota = 400_000;
    let mut sim = setup.start();
    sim.load(DASH);
    let end = sim.run_until(secs(70), |s| s.element().ended());
    let report = sim.report();
    report.sound().unwrap();
    assert!(end, "{report}");
    assert_eq!(report.stands, [], "{report}");
}

#[test]
fn a_seek_while_the_next_period_begins_leaves_its_media_in_place() {
    // Each Period counts from zero, and a slow machine has much to append when the next one comes.
    for ms in (0..1000).step_by(40) {
        let film = Film { period: 2, ..Film::steady(20, 2000, &[1200]) };
        let mut setup = Setup { path: Path::steady(8000), ..Setup::new(FilmServer::new(film)) };
        setup.page.rules.append_takes = millis(60);
        let mut sim = setup.start();
        sim.load(DASH);
        sim.run_for(millis(1000 + ms));
        let at = sim.now();
        sim.seek(6_500_000);
        let there = sim.run_until(at + secs(8), |s| {
            s.element().moving() && s.element().position(s.now()) >= 7_000_000
        });
        assert!(there, "{ms}: {}", sim.report());
        sim.finish().sound().unwrap_or_else(|why| panic!("{ms}: {why}"));
    }
}

#[test]
fn a_rung_that_cannot_be_had_is_left_for_another() {
    for (url, bad, status) in [
        (HLS, "v2.m3u8", 403),
        (HLS, "v2.m3u8", 404),
        (HLS, "v2.m3u8", 500),
        (DASH, "v2/init.mp4", 404),
        (DASH, "v2/init.mp4", 503),
    ] {
        let mut setup = Setup::new(FilmServer::new(Film::steady(25, 4000, &LADDER)));
        setup.path = Path::steady(8000);
        setup.path.faults = vec![Fault::all(0..secs(200), bad, Trouble::Status(status))];
        let mut sim = setup.start();
        sim.load(url);
        let end = sim.run_until(secs(120), |s| s.element().ended());
        let report = sim.report();
        report.sound().unwrap_or_else(|why| panic!("{bad} {status}: {why}"));
        assert!(end, "{bad} {status}: {report}");
        assert_eq!(report.stands, [], "{bad} {status}: {report}");
        assert!(report.errors.len() < 4, "{bad} {status}: {report}");
        let rungs = report.samples.iter().filter_map(|s| s.rung);
        assert_eq!(rungs.max(), Some(1), "{bad} {status}: {report}");
    }
}

#[test]
fn the_last_rung_that_cannot_be_had_is_the_end() {
    let mut sim = start(HLS, Film::steady(25, 4000, &LADDER), Path::steady(8000));
    sim.run_until(secs(30), |s| s.report().started.is_some());
    sim.fault(Fault::all(0..secs(900), ".m3u8", Trouble::Status(403)));
    sim.fault(Fault::all(0..secs(900), ".m4s", Trouble::Status(403)));
    sim.run_for(secs(60));
    assert_eq!(sim.report().fatal().len(), 1, "{}", sim.report());
}

#[test]
fn media_that_cannot_be_placed_is_said_to_be_damaged_and_let_go() {
    let mut sim = start(HLS, Film::steady(12, 4000, &LADDER), Path::steady(8000));
    sim.fault(Fault::all(0..secs(1), ".m4s", Trouble::Damaged));
    sim.run_for(secs(20));
    assert!(sim.element().moving(), "{}", sim.report());
    let report = sim.finish();
    report.sound().unwrap();
    assert_eq!(report.errors.first().map(|e| e.1.code), Some(Code::BadSegment), "{report}");
}

#[test]
fn a_switch_is_told_with_the_reason_for_it_and_not_for_a_later_one() {
    let mut sim = start(DASH, Film::steady(12, 4000, &LADDER), Path::steady(6000));
    sim.run_for(secs(40));
    let report = sim.report();
    let why = |id: &str| report.switches.iter().find(|s| s.1.to.id == id).map(|s| &s.1.reason);
    let up = "is enough for 3.0 Mb/s";
    assert!(!why("v1").unwrap().ends_with(up) && why("v2").unwrap().ends_with(up), "{report}");
}
