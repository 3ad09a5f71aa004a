//! Where a manifest really is: redirects and `Location`.
#![allow(clippy::unwrap_used, clippy::panic)]

use nearlive::time::WallTime;
use nearlive_simulator::clock::{Time, secs};
use nearlive_simulator::origin::live::{HLS, LOW_LATENCY, Live, LiveServer};
use nearlive_simulator::origin::{Head, HttpRequest, Origin, Reply, Step, Timeline, status};
use nearlive_simulator::{Setup, Simulation};
use std::cell::RefCell;
use std::rc::Rc;

/// A server that is reached through other addresses.
struct Moved {
    inner: LiveServer,
    how: How,
    asked: Rc<RefCell<Vec<String>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// Everything below `/old/` is redirected to `/cam/`.
    Redirected,
    /// The first MPD is elsewhere and names its place; later it is gone from there.
    Located,
}

impl Origin for Moved {
    fn open(&mut self, now: Time, request: &HttpRequest) -> Box<dyn Reply> {
        self.asked.borrow_mut().push(request.path().to_owned());
        let (how, path) = (self.how, request.path());
        if !path.starts_with("/old/") {
            return self.inner.open(now, request);
        }
        if how == How::Located && now > secs(3) {
            return status(now, 410);
        }
        let url = request.url.replace("/old/", "/cam/");
        let there = HttpRequest { url: url.clone(), ..request.clone() };
        let mut reply = self.inner.open(now, &there);
        let mut text = String::new();
        let mut head = Head::default();
        loop {
            match reply.poll(now) {
                Step::Head(it) => head = it,
                Step::Data(data) => text.push_str(&String::from_utf8_lossy(&data.to_vec())),
                _ => break,
            }
        }
        match how {
            How::Redirected => head.url = url,
            How::Located => {
                let place = "<Location>/cam/index.mpd</Location><BaseURL>/cam/</BaseURL><Period";
                text = text.replacen("<Period", place, 1);
            }
        }
        Box::new(Timeline::answer(now, request, head, text))
    }

    fn anchor(&self) -> Option<WallTime> {
        self.inner.anchor()
    }

    fn rung(&self, url: &str) -> Option<u8> {
        self.inner.rung(url)
    }
}

fn run(how: How, url: &str) -> (Simulation, Vec<String>) {
    let asked = Rc::<RefCell<Vec<String>>>::default();
    let inner = LiveServer::new(Live { segment: secs(2), ..Live::default() });
    let mut sim = Setup::new(Moved { inner, how, asked: Rc::clone(&asked) }).start();
    sim.load(&url.replace("/cam/", "/old/"));
    sim.run_for(secs(40));
    let report = sim.report();
    report.sound().unwrap();
    assert!(report.startup().unwrap() < secs(2), "{report}");
    assert_eq!(report.stands_in(secs(5)..secs(40)), [], "{report}");
    assert_eq!(report.errors, [], "{report}");
    let asked = asked.borrow().clone();
    (sim, asked)
}

#[test]
fn addresses_are_relative_to_where_a_redirect_led() {
    for url in [LOW_LATENCY, HLS] {
        let (_, asked) = run(How::Redirected, url);
        let old: Vec<_> = asked.iter().filter(|path| path.starts_with("/old/")).collect();
        // A redirect may lead elsewhere the next time: the address that was given is asked again.
        assert!(old.iter().all(|path| path.ends_with(url.rsplit('/').next().unwrap())), "{old:?}");
        assert!(url == HLS || old.len() > 5, "{old:?}");
    }
}

#[test]
fn a_manifest_that_names_its_place_is_loaded_from_there() {
    let (_, asked) = run(How::Located, LOW_LATENCY);
    let old = asked.iter().filter(|path| path.starts_with("/old/")).count();
    assert_eq!(old, 1, "{asked:?}");
}
