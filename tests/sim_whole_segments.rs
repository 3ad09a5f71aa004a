//! Live from whole segments: DASH as ffmpeg writes it, and HLS.
#![allow(clippy::unwrap_used, clippy::panic, clippy::single_range_in_vec_init)]

use nearlive::time::{Duration, WallTime};
use nearlive_simulator::clock::{Time, millis, secs};
use nearlive_simulator::network::Path;
use nearlive_simulator::origin::live::{HLS, Live, LiveServer, PLAIN};
use nearlive_simulator::origin::{HttpRequest, Origin, Reply, Step};
use nearlive_simulator::{Setup, Simulation};

fn start(url: &str, live: Live, join: Time) -> Simulation {
    let live = Live { zero_based: url == PLAIN, ..live };
    let mut sim = Setup::new(LiveServer::new(live)).start();
    sim.run_for(join);
    sim.load(url);
    sim
}

#[test]
fn it_plays_without_a_stall_and_within_a_few_segments_of_the_edge() {
    for url in [PLAIN, HLS] {
        for (segment, join) in [(1, 0), (1, 700), (2, 0), (2, 1300), (4, 0), (4, 2300), (4, 3900)] {
            let live = Live { segment: secs(segment), ..Live::default() };
            let mut sim = start(url, live, millis(join));
            sim.run_for(secs(60));
            let report = sim.report();
            report.sound().unwrap();
            assert!(report.startup().unwrap() < secs(1), "{url} {segment}: {report}");
            assert_eq!(report.stands, [], "{url} {segment}: {report}");
            let latency = report.latency(secs(20)..secs(60), 950).unwrap();
            let most = i64::try_from(secs(4 * segment + 3)).unwrap();
            assert!(latency < most, "{url} {segment} {latency}: {report}");
            let shown = report.samples_in(secs(20)..secs(60));
            assert!(shown.iter().all(|s| s.rung == Some(2)), "{url} {segment}: {report}");
        }
    }
}

#[test]
fn it_is_entered_with_little_more_than_a_segment_ahead() {
    for (url, segment) in [(PLAIN, 4), (PLAIN, 6), (HLS, 4), (HLS, 6)] {
        let segment = secs(segment);
        let mut entered: Vec<i64> = (1..12).map(|step| entry(url, segment, step)).collect();
        entered.sort_unstable();
        // An MPD says when it was written. A playlist does not: its newest segment may be the nearest to the camera
        // that there is, or a segment old.
        let (least, most) = (entered[0], entered[entered.len() - 1]);
        let bound = i64::try_from(segment * 14 / 10 + millis(1100)).unwrap();
        assert!(if url == PLAIN { most } else { least } < bound, "{url} {segment}: {entered:?}");
    }
}

#[test]
fn segments_of_the_sound_may_end_at_other_times_than_the_pictures() {
    // ffmpeg's muxer lets each drift by itself. The edge is as near as where they end together.
    for segment in [secs(4), secs(6)] {
        for shift in 1..4 {
            let live = Live { segment, sound_shift: segment * shift / 4, ..Live::default() };
            let entered: Vec<i64> = (1..12).map(|step| enter(PLAIN, step, live.clone())).collect();
            let bound = i64::try_from(segment * 14 / 10 + millis(800)).unwrap();
            assert!(entered.iter().all(|it| *it < bound), "{segment}, {shift}/4: {entered:?}");
        }
    }
}

#[test]
fn it_stays_as_near_as_segments_come_evenly() {
    for (jitter, most) in [(0, 6900), (800, 7500), (1500, 8200)] {
        for shift in [0, 370] {
            let segment = secs(5);
            let mut behind: Vec<i64> = (0..6)
                .map(|step| {
                    let (jitter, sound_shift) = (millis(jitter), segment * shift / 1000);
                    let live = Live { segment, jitter, sound_shift, ..Live::default() };
                    let mut sim = near(PLAIN, live, segment * step / 6 + millis(300));
                    sim.run_for(secs(90));
                    let report = sim.report();
                    assert_eq!(report.stands, [], "{jitter} {shift} {step}: {report}");
                    report.latency(secs(40)..secs(90), 500).unwrap() / 1000
                })
                .collect();
            behind.sort_unstable();
            assert!(behind[3] < most, "{jitter} {shift}: {behind:?}");
        }
    }
}

/// How far behind it is 3 s after it was loaded, `step` twelfths of a segment after one has come.
fn entry(url: &str, segment: Time, step: u64) -> i64 {
    enter(url, step, Live { segment, ..Live::default() })
}

fn enter(url: &str, step: u64, live: Live) -> i64 {
    let segment = live.segment;
    let mut sim = near(url, live, segment * step / 12);
    sim.run_for(secs(3));
    let entered = sim.latency().unwrap();
    sim.run_for(secs(57));
    assert_eq!(sim.report().stands, [], "{url} {segment} {step}: {}", sim.report());
    entered
}

/// A viewer who wants to be as near to the edge as can be.
fn near(url: &str, live: Live, join: Time) -> Simulation {
    let mut setup = Setup::new(LiveServer::new(Live { zero_based: url == PLAIN, ..live }));
    setup.config.latency = Some(Duration::from_millis(100));
    let mut sim = setup.start();
    sim.run_for(join);
    sim.load(url);
    sim
}

#[test]
fn a_clock_that_is_a_second_off_brings_no_stall() {
    for segment in [2, 4] {
        for error_ms in (-1400..=1400).step_by(400) {
            for join in (0..segment * 1000).step_by(500) {
                let live = Live { segment: secs(segment), zero_based: true, ..Live::default() };
                let mut setup = Setup::new(LiveServer::new(live));
                setup.page.wall_error_us = error_ms * 1000;
                let mut sim = setup.start();
                sim.run_for(millis(join));
                sim.load(PLAIN);
                sim.run_for(secs(40));
                let report = sim.report();
                assert_eq!(report.stands, [], "{segment} s, {error_ms} ms, {join}: {report}");
            }
        }
    }
}

#[test]
fn segments_of_five_seconds_are_found_soon_whenever_one_joined() {
    // As `ffmpeg -f dash` writes them by default, on a busy machine.
    for join in (0..5000).step_by(700) {
        let (segment, refresh, jitter) = (secs(5), Some(secs(5)), millis(400));
        let live = Live { segment, refresh, jitter, audio: false, ..Live::default() };
        let mut sim = start(PLAIN, live, millis(join));
        sim.run_for(secs(120));
        let report = sim.report();
        report.sound().unwrap();
        assert_eq!(report.stands, [], "{join}: {report}");
        // Each is there when the one before has been shown: what is buffered swings by its length,
        // and by how late it was found.
        let shown = report.samples_in(secs(80)..secs(120));
        let ahead = || shown.iter().filter_map(|s| s.video_ahead);
        let swing = ahead().max().unwrap() - ahead().min().unwrap();
        assert!(swing < 6_000_000, "{join} {swing}: {report}");
    }
}

#[test]
fn it_is_back_after_an_outage() {
    for url in [PLAIN, HLS] {
        let mut sim = start(url, Live { segment: secs(2), ..Live::default() }, 0);
        sim.run_for(secs(20));
        sim.kbps(0);
        sim.run_for(secs(15));
        sim.kbps(20_000);
        sim.run_for(secs(40));
        let report = sim.report();
        report.sound().unwrap();
        assert!(report.back(secs(35)).unwrap() < secs(43), "{url}: {report}");
        assert!(sim.latency().unwrap() < 14_000_000, "{url}: {report}");
    }
}

#[test]
fn a_discontinuity_is_played_over() {
    let away = vec![secs(20) + 330_000..secs(27)];
    let mut sim = start(HLS, Live { away, segment: secs(2), ..Live::default() }, 0);
    sim.run_for(secs(70));
    let report = sim.report();
    report.sound().unwrap();
    assert!(report.stood(secs(15)..secs(70)) < secs(4), "{report}");
    assert!(report.back(secs(40)).unwrap() < secs(42), "{report}");
}

#[test]
fn the_rung_follows_the_link() {
    // The plain MPD has its rungs in sets of their own, as ffmpeg writes them: no ladder.
    let live = Live { segment: secs(2), ..Live::default() };
    let mut sim = Setup { path: Path::steady(6000), ..Setup::new(LiveServer::new(live)) }.start();
    sim.load(HLS);
    sim.run_for(secs(30));
    sim.kbps(700);
    sim.run_for(secs(40));
    sim.kbps(6000);
    sim.run_for(secs(40));
    let report = sim.report();
    report.sound().unwrap();
    assert!(report.rung_at(secs(30), 0).unwrap() < secs(45), "{report}");
    assert!(report.rung_at(secs(70), 2).unwrap() < secs(95), "{report}");
    assert!(report.stood(secs(30)..secs(110)) < secs(2), "{report}");
}

/// A server that answers each request as it would at the time that is computed for it: an old answer, as from a cache,
/// or one that comes later.
struct Untimely<F>(LiveServer, F);

/// An answer that comes at a time.
struct Later(Box<dyn Reply>, Time);

impl Reply for Later {
    fn poll(&mut self, now: Time) -> Step {
        if now < self.1 { Step::Later(self.1) } else { self.0.poll(now) }
    }
}

impl<F: FnMut(Time, &HttpRequest) -> Time> Origin for Untimely<F> {
    fn open(&mut self, now: Time, request: &HttpRequest) -> Box<dyn Reply> {
        let at = (self.1)(now, request);
        Box::new(Later(self.0.open(at, request), at))
    }

    fn anchor(&self) -> Option<WallTime> {
        self.0.anchor()
    }

    fn rung(&self, url: &str) -> Option<u8> {
        self.0.rung(url)
    }
}

#[test]
fn an_old_list_of_a_rung_that_is_turned_to_again_is_no_other_timeline() {
    let live = LiveServer::new(Live { segment: secs(2), ..Live::default() });
    // After a minute it answers late for one rung's playlist.
    let late = |now, request: &HttpRequest| {
        let late = request.path().ends_with("v2.m3u8") && now > secs(60);
        if late { now + secs(3) } else { now }
    };
    let mut sim = Setup { path: Path::steady(6000), ..Setup::new(Untimely(live, late)) }.start();
    sim.load(HLS);
    sim.run_for(secs(20));
    sim.kbps(700);
    sim.run_for(secs(60));
    let before = sim.report().seeks;
    sim.kbps(6000);
    sim.run_for(secs(60));
    let report = sim.report();
    assert!(report.rung_at(secs(80), 2).is_some(), "{report}");
    assert_eq!(report.seeks, before, "{report}");
    assert_eq!(report.stands_in(secs(80)..secs(140)), [], "{report}");
}

#[test]
fn a_manifest_from_a_cache_that_lags_takes_nothing_back() {
    for lag in [5, 12, 20, 40] {
        let live = Live { segment: secs(2), zero_based: true, ..Live::default() };
        let mut asked = 0_u32;
        // One in three manifests comes from a cache.
        let cached = move |now, request: &HttpRequest| {
            let manifest = request.path().ends_with(".mpd");
            asked += u32::from(manifest);
            let old = manifest && now > secs(45) && asked.is_multiple_of(3);
            if old { now - secs(lag) } else { now }
        };
        let mut sim = Setup::new(Untimely(LiveServer::new(live), cached)).start();
        sim.load(PLAIN);
        sim.run_for(secs(120));
        let report = sim.report();
        report.sound().unwrap();
        assert_eq!(report.stands, [], "{lag}: {report}");
        assert!(sim.latency().unwrap() < 9_000_000, "{lag}: {report}");
    }
}
