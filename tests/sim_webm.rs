//! Films in files of WebM of which the manifest names no bytes: with an index that the file itself names, and without
//! one; cut off, and broken.
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive::player::Code;
use nearlive_simulator::clock::{millis, secs};
use nearlive_simulator::network::Path;
use nearlive_simulator::origin::film::Film;
use nearlive_simulator::origin::webm::{CHUNKS, Chunks, Files, WEBM};
use nearlive_simulator::{Page, Setup, Simulation};

const LADDER: [u64; 3] = [400, 1200, 3000];

fn film(segments: usize) -> Files {
    Files { film: Film::steady(segments, 4000, &LADDER), ..Files::default() }
}

/// The three ways in which such files are written.
fn ways(segments: usize) -> [Files; 3] {
    let film = film(segments);
    [Files { index: true, ..film.clone() }, Files { unsized_clusters: true, ..film.clone() }, film]
}

fn start(files: Files) -> Simulation {
    let mut sim = Setup { path: Path::steady(8000), ..Setup::new(files) }.start();
    sim.load(WEBM);
    sim
}

#[test]
fn a_film_plays_from_its_start_to_its_end_in_its_best_quality() {
    for files in ways(12) {
        let way = (files.index, files.unsized_clusters);
        let mut sim = start(files);
        let end = sim.run_until(secs(60), |s| s.element().ended());
        let report = sim.report();
        report.sound().unwrap();
        assert!(end, "{way:?}: {report}");
        assert!(report.startup().unwrap() < secs(3), "{way:?}: {report}");
        assert!(sim.now() < secs(52), "{way:?}: {report}");
        assert_eq!(report.stands, [], "{way:?}: {report}");
        let best = report.switches.iter().map(|(_, s)| s.to.bandwidth.as_bps()).max();
        assert!(best >= Some(1_200_000), "{way:?}: {report}");
        assert_eq!(report.errors, [], "{way:?}");
    }
}

#[test]
fn seeks_forth_into_what_was_not_read_yet_and_back_play_on_there() {
    for files in ways(50) {
        let way = (files.index, files.unsized_clusters);
        let mut sim = start(files);
        sim.run_for(secs(5));
        for to in [60, 20, 150, 3, 195] {
            sim.seek(to * 1_000_000);
            let at = sim.now();
            let moving = sim.run_until(at + secs(90), |s| {
                s.element().moving() && s.element().position(s.now()) >= to * 1_000_000
            });
            assert!(moving, "{way:?} seek to {to}: {}", sim.report());
            let position = sim.element().position(sim.now());
            assert!(position - to * 1_000_000 < 500_000, "{way:?} {position} for {to}");
            sim.run_for(millis(1500));
        }
        assert!(sim.run_until(sim.now() + secs(20), |s| s.element().ended()), "{way:?}");
        let report = sim.finish();
        report.sound().unwrap();
        assert_eq!(report.errors, [], "{way:?}");
    }
}

#[test]
fn a_file_that_is_cut_off_plays_as_far_as_it_goes() {
    for files in ways(12) {
        let way = (files.index, files.unsized_clusters);
        // Of the smallest picture three segments and a half are missing; of the sound much more.
        let film = Film { audio: false, kbps: vec![400], ..files.film.clone() };
        let mut sim = start(Files { cut: 700_000, film, ..files });
        let end = sim.run_until(secs(60), |s| s.element().ended());
        let report = sim.report();
        report.sound().unwrap();
        assert!(end, "{way:?}: {report}");
        let last = sim.element().position(sim.now());
        assert!((30_000_000..40_000_000).contains(&last), "{way:?} {last}: {report}");
        assert!(report.fatal().is_empty(), "{way:?}: {report}");
    }
}

#[test]
fn a_browser_without_the_codec_says_so() {
    let page = Page { unsupported: vec!["vp9".into(), "opus".into()], ..Page::default() };
    let mut sim = Setup { page, ..Setup::new(film(12)) }.start();
    sim.load(WEBM);
    sim.run_for(secs(10));
    let report = sim.report();
    assert_eq!(report.fatal().len(), 1, "{report}");
    assert_eq!(report.count(Code::UnsupportedCodec), 1, "{report}");
}

#[test]
fn a_server_that_hands_out_whole_files_only_is_asked_for_those() {
    let files = Files { film: Film::steady(6, 4000, &[400]), whole_only: true, ..Files::default() };
    let mut sim = start(files);
    let end = sim.run_until(secs(60), |s| s.element().ended());
    let report = sim.report();
    report.sound().unwrap();
    assert!(end, "{report}");
    assert_eq!((report.errors.len(), report.stands.len()), (0, 0), "{report}");
}

#[test]
fn a_file_without_tracks_an_index_that_points_past_the_file_and_no_media_are_told() {
    let empty = Film { said_longer_ms: 48_000, ..film(0).film };
    let past = Files { index: true, index_off: 1 << 27, ..film(12) };
    let cases = [
        (Files { trackless: true, ..film(12) }, Code::BadSegment, "(moov, Tracks)"),
        (past, Code::Status, "416 for a segment"),
        (
            Files { film: empty, ..Files::default() },
            Code::NothingToPlay,
            "None of the film's media",
        ),
    ];
    for (files, code, words) in cases {
        let mut sim = start(files);
        sim.run_for(secs(300));
        let report = sim.finish();
        let told: Vec<_> = report.fatal().iter().map(|it| (it.code, &it.message)).collect();
        assert!(told.len() == 1 && told[0].0 == code && told[0].1.contains(words), "{told:?}");
    }
}

#[test]
fn live_chunks_play_also_where_those_of_the_sound_are_longer_than_the_manifest_says() {
    // Frames of sound that do not fill a second: after half an hour the chunk of a number begins seconds later.
    for (age, sound) in [(100, 47), (984, 47), (1800, 47)] {
        let mut sim = Setup::new(Chunks { age, sound }).start();
        sim.load(CHUNKS);
        sim.run_for(secs(40));
        let report = sim.finish();
        report.sound().unwrap();
        let drift = age * 2667;
        assert!(report.startup().is_some_and(|it| it < drift + secs(3)), "{age}: {report}");
        let moving = report.samples_in(secs(15)..secs(40)).iter().filter(|s| s.moving).count();
        assert!(moving > 90, "{age}: {moving}: {report}");
        assert!(report.stood(secs(15)..secs(40)) < secs(1), "{age}: {report}");
        assert_eq!(report.errors, [], "{age}");
    }
}
