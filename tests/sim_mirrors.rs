//! Media that is to be had at several places, or whose place changes from load to load of the manifest.
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive::player::Code;
use nearlive::time::WallTime;
use nearlive_simulator::clock::{Time, millis, secs};
use nearlive_simulator::network::{Fault, Path, Trouble};
use nearlive_simulator::origin::film::{DASH, FILES, Film, FilmServer};
use nearlive_simulator::origin::live::{HLS, LOW_LATENCY, Live, LiveServer, PLAIN};
use nearlive_simulator::origin::{HttpRequest, Origin, Reply, Step, Timeline, status};
use nearlive_simulator::{Setup, Simulation};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A server whose manifests say where the media is.
struct Placed<O> {
    inner: O,
    /// The BaseURLs of the n-th load.
    bases: fn(usize) -> String,
    loads: usize,
    asked: Rc<RefCell<Vec<(Time, String)>>>,
}

impl<O: Origin> Origin for Placed<O> {
    fn open(&mut self, now: Time, request: &HttpRequest) -> Box<dyn Reply> {
        self.asked.borrow_mut().push((now, request.url.clone()));
        let mut reply = self.inner.open(now, request);
        if !request.path().ends_with(".mpd") {
            return reply;
        }
        self.loads += 1;
        let bases = (self.bases)(self.loads);
        let changed = |text: String| text.replacen("<Period", &format!("{bases}<Period"), 1);
        rewritten(now, request, reply.as_mut(), changed)
    }

    fn anchor(&self) -> Option<WallTime> {
        self.inner.anchor()
    }

    fn rung(&self, url: &str) -> Option<u8> {
        self.inner.rung(url)
    }
}

/// A reply of text, changed.
fn rewritten(
    now: Time,
    request: &HttpRequest,
    reply: &mut dyn Reply,
    change: impl Fn(String) -> String,
) -> Box<dyn Reply> {
    let (mut text, mut head) = (String::new(), None);
    loop {
        match reply.poll(now) {
            Step::Head(it) => head = Some(it),
            Step::Data(data) => text.push_str(&String::from_utf8_lossy(&data.to_vec())),
            _ => break,
        }
    }
    Box::new(Timeline::answer(now, request, head.unwrap(), change(text)))
}

/// A network that hands out addresses for a while: each load of the multivariant playlist names each
/// media playlist with a token, which is refused when it is old.
struct Signed {
    inner: LiveServer,
    lasts: Time,
    asked: Rc<RefCell<Vec<(Time, String)>>>,
}

impl Origin for Signed {
    fn open(&mut self, now: Time, request: &HttpRequest) -> Box<dyn Reply> {
        self.asked.borrow_mut().push((now, request.url.clone()));
        let old = |token: &str| token.parse().is_ok_and(|at: Time| at + self.lasts < now);
        if request.url.split_once("?t=").is_some_and(|(_, token)| old(token)) {
            return status(now, 403);
        }
        let mut reply = self.inner.open(now, request);
        if !request.path().ends_with("index.m3u8") {
            return reply;
        }
        let changed = |text: String| text.replace(".m3u8", &format!(".m3u8?t={now}"));
        rewritten(now, request, reply.as_mut(), changed)
    }

    fn anchor(&self) -> Option<WallTime> {
        self.inner.anchor()
    }

    fn rung(&self, url: &str) -> Option<u8> {
        self.inner.rung(url)
    }
}

/// A run that has asked for what is in the list.
struct Run {
    sim: Simulation,
    asked: Rc<RefCell<Vec<(Time, String)>>>,
}

impl Run {
    fn start(origin: impl Origin + 'static, url: &str, bases: fn(usize) -> String) -> Self {
        let asked = Rc::<RefCell<Vec<(Time, String)>>>::default();
        let origin = Placed { inner: origin, bases, loads: 0, asked: Rc::clone(&asked) };
        let mut sim = Setup { path: Path::steady(20_000), ..Setup::new(origin) }.start();
        sim.load(url);
        Self { sim, asked }
    }

    fn film(url: &str) -> Self {
        let film = FilmServer::new(Film::steady(30, 4000, &[400, 1200, 3000]));
        Self::start(film, url, |_| two("film"))
    }

    fn camera(url: &str) -> Self {
        Self::start(LiveServer::new(Live::default()), url, |_| two("cam"))
    }

    /// How often each path was asked for that `of` says, of whatever host and token.
    fn times(&self, of: impl Fn(&str) -> bool) -> BTreeMap<String, usize> {
        let mut times = BTreeMap::new();
        for (_, url) in self.asked.borrow().iter() {
            let path = url.split_once("://").unwrap().1.split_once('/').unwrap().1;
            let path = path.split('?').next().unwrap();
            if of(path) {
                *times.entry(path.to_owned()).or_default() += 1;
            }
        }
        times
    }

    /// What was asked of `host` from `from` on.
    fn asked_of(&self, host: &str, from: Time) -> usize {
        let of = |(at, url): &&(Time, String)| *at >= from && url.contains(&format!("//{host}/"));
        self.asked.borrow().iter().filter(of).count()
    }
}

fn two(folder: &str) -> String {
    format!("<BaseURL>http://one/{folder}/</BaseURL><BaseURL>http://two/{folder}/</BaseURL>")
}

const LONG: Time = secs(9000);

#[test]
fn a_film_goes_on_from_the_second_host_when_the_first_dies() {
    let troubles = [
        Trouble::Refused,
        Trouble::Status(404),
        Trouble::Status(410),
        Trouble::Status(403),
        Trouble::Status(500),
        Trouble::Status(503),
        Trouble::StallAfter(0),
        Trouble::StallAfter(9000),
        Trouble::CutAfter(9000),
        Trouble::Page,
        Trouble::Damaged,
        Trouble::Busy(60),
    ];
    for url in [DASH, FILES] {
        for trouble in &troubles {
            let what = format!("{url} {trouble:?}");
            let mut run = Run::film(url);
            run.sim.run_to(secs(20));
            assert_eq!(run.asked_of("two", 0), 0, "{what}");
            run.sim.fault(Fault::all(secs(20)..LONG, "//one/", trouble.clone()));
            let end = run.sim.run_until(secs(130), |s| s.element().ended());
            let report = run.sim.report();
            report.sound().unwrap();
            assert!(end, "{what}: {report}");
            assert_eq!((&report.stands[..], &report.errors[..]), (&[][..], &[][..]), "{what}");
            assert_eq!(report.seeks, 0, "{what}: something was left out: {report}");
            assert!(run.asked_of("two", 0) > 20, "{what}");
            // A moment of silence costs what was on its way, and nothing more.
            assert!(run.asked_of("one", secs(40)) == 0, "{what}");
        }
    }
}

#[test]
fn the_first_host_is_dead_from_the_beginning() {
    for url in [DASH, FILES] {
        for trouble in [Trouble::Refused, Trouble::Status(404), Trouble::Status(503)] {
            let what = format!("{url} {trouble:?}");
            let mut run = Run::film(url);
            run.sim.fault(Fault::all(0..LONG, "//one/", trouble));
            run.sim.run_to(secs(20));
            let report = run.sim.report();
            assert!(report.startup().unwrap() < secs(1), "{what}: {report}");
            assert_eq!((&report.stands[..], &report.errors[..]), (&[][..], &[][..]), "{what}");
        }
    }
}

#[test]
fn a_camera_goes_on_from_the_second_host_when_the_first_dies() {
    for url in [LOW_LATENCY, PLAIN] {
        for at in [20_000, 20_120, 20_500, 20_990] {
            let what = format!("{url} at {at} ms");
            let mut run = Run::camera(url);
            run.sim.run_to(millis(at));
            run.sim.kill("one");
            run.sim.run_for(secs(40));
            let report = run.sim.report();
            report.sound().unwrap();
            let stood = report.stood(secs(10)..millis(at) + secs(40));
            assert!(stood < millis(120), "{what}: stood {stood} us: {report}");
            assert_eq!(report.errors, [], "{what}: {report}");
            assert!(run.asked_of("two", 0) > 30, "{what}");
            let late = report.latency(secs(40)..secs(55), 500).unwrap();
            let before = report.latency(secs(10)..secs(20), 500).unwrap();
            assert!(late < before + 100_000, "{what}: {late} after {before}: {report}");
        }
    }
}

#[test]
fn when_both_are_dead_it_is_said_and_waited_for_and_either_will_do() {
    for back in ["one", "two"] {
        let mut run = Run::film(DASH);
        run.sim.run_to(secs(10));
        for host in ["one", "two"] {
            let until = if host == back { secs(90) } else { LONG };
            run.sim.fault(Fault::all(secs(10)..until, &format!("//{host}/"), Trouble::Refused));
        }
        run.sim.run_to(secs(90));
        let report = run.sim.report();
        assert_eq!(report.fatal().len(), 0, "{report}");
        assert!(report.count(Code::Unreachable) >= 1, "{report}");
        // Not more often than one would be asked that is alone, twice over.
        assert!(run.asked.borrow().len() < 80, "{}", run.asked.borrow().len());
        run.sim.run_to(secs(104));
        assert!(run.sim.element().moving(), "{back}: {}", run.sim.report());
        run.sim.finish().sound().unwrap();
    }
}

#[test]
fn what_neither_gives_is_asked_for_no_faster_than_of_a_single_host() {
    let troubles = [Trouble::Page, Trouble::Damaged, Trouble::CutAfter(300), Trouble::Status(404)];
    for url in [DASH, FILES] {
        for matching in ["init.mp4", "/v1", ".m"] {
            for trouble in &troubles {
                let mut run = Run::film(url);
                run.sim.fault(Fault::all(millis(20)..LONG, matching, trouble.clone()));
                run.sim.run_to(secs(60));
                let asked = run.asked.borrow().len();
                assert!(asked < 120, "{url} {matching} {trouble:?}: {asked} {}", run.sim.report());
            }
        }
    }
}

#[test]
fn a_segment_that_neither_has_is_left_out_as_one_of_a_single_host() {
    let mut run = Run::film(DASH);
    run.sim.fault(Fault::all(0..LONG, "/9.m4s", Trouble::Status(404)));
    let end = run.sim.run_until(secs(140), |s| s.element().ended());
    let report = run.sim.report();
    assert!(end, "{report}");
    assert!(report.stood(0..secs(140)) < secs(6), "{report}");
    assert!(run.times(|path| path.ends_with("/9.m4s")).values().sum::<usize>() < 40);
}

#[test]
fn what_was_read_once_is_not_asked_for_again_when_host_and_token_change() {
    let moving: [fn(usize) -> String; 3] = [
        |n| format!("<BaseURL>http://edge{n}/cam/?token={n}</BaseURL>"),
        |n| format!("<BaseURL>/cam/?token={n}</BaseURL>"),
        |n| {
            let (a, b) = if n % 2 == 0 { ("one", "two") } else { ("two", "one") };
            format!("<BaseURL>http://{a}/cam/</BaseURL><BaseURL>http://{b}/cam/</BaseURL>")
        },
    ];
    for url in [LOW_LATENCY, PLAIN] {
        for bases in moving {
            let mut run = Run::start(LiveServer::new(Live::default()), url, bases);
            run.sim.run_to(secs(40));
            let report = run.sim.report();
            assert_eq!((&report.stands[..], &report.errors[..]), (&[][..], &[][..]), "{report}");
            let inits = run.times(|path| path.ends_with("init.mp4"));
            assert!(inits.len() >= 2 && inits.values().all(|n| *n == 1), "{url}: {inits:?}");
            let manifests: usize = run.times(|path| path.ends_with(".mpd")).values().sum();
            assert!(manifests > 10, "{url}: {manifests}");
        }
    }
}

#[test]
fn a_playlist_whose_token_expires_is_loaded_on_with_a_new_one() {
    for lasts in [5, 20, 3600] {
        let asked = Rc::<RefCell<Vec<(Time, String)>>>::default();
        let inner = LiveServer::new(Live { segment: secs(2), ..Live::default() });
        let origin = Signed { inner, lasts: secs(lasts), asked: Rc::clone(&asked) };
        let mut run = Run { sim: Setup::new(origin).start(), asked };
        run.sim.load(HLS);
        run.sim.run_to(secs(120));
        let report = run.sim.report();
        report.sound().unwrap();
        assert_eq!((&report.stands[..], &report.errors[..]), (&[][..], &[][..]), "{lasts} s");
        assert_eq!(report.seeks, 1, "{lasts} s: it began anew: {report}");
        let inits = run.times(|path| path.ends_with("init.mp4"));
        assert!(inits.values().all(|n| *n == 1), "{lasts} s: {inits:?}");
        let segments = run.times(|path| path.ends_with(".m4s"));
        assert!(segments.values().all(|n| *n == 1), "{lasts} s: {segments:?}");
        let most = usize::try_from(120 / lasts + 2).unwrap();
        let loads: usize = run.times(|path| path.ends_with("index.m3u8")).values().sum();
        assert!(loads <= most, "{lasts} s: {loads} loads");
    }
}
