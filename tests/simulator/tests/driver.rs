//! The driver keeps the border's contract: a script in the player's place plays a camera's top rung
//! without a manifest, and does what a player must not do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::single_range_in_vec_init)]

use nearlive::media::scan::{Fact, InitTrack, Scanner};
use nearlive::player::{
    Append, BlobId, Body, BufferEvent, Command, FetchEvent, FetchId, Input, Output, Reason,
    Request, SourceEvent, TrackId,
};
use nearlive::presentation::TrackKind::Video;
use nearlive::time::{Instant, Position, Span};
use nearlive_simulator::clock::{millis, secs};
use nearlive_simulator::network::{Fault, Path, Trouble};
use nearlive_simulator::origin::live::{Live, LiveServer};
use nearlive_simulator::report::Report;
use nearlive_simulator::{Machine, Setup, Simulation};
use std::collections::VecDeque;

/// 2026-03-01T00:00:00Z, when a run begins, in seconds.
const BEGIN: u64 = 1_772_323_200;

/// The first Period of the server: ten minutes before.
const PERIOD: u64 = (BEGIN - 600) * 1000;

#[derive(Default)]
struct Script {
    out: VecDeque<Output>,
    ids: u32,
    number: u64,
    init: Vec<u8>,
    tracks: Vec<InitTrack>,
    sought: bool,
    log: Vec<String>,
    leaks: bool,
    circles: bool,
    full: u32,
    facts: Vec<Fact>,
}

impl Script {
    fn fetch(&mut self, url: String, body: Body) {
        self.ids += 1;
        let id = FetchId(self.ids);
        self.out.push_back(Output::Fetch(Request { id, url, range: None, head_only: false, body }));
    }

    fn next_segment(&mut self) {
        self.number += 1;
        let url = format!("http://host/cam/{PERIOD}/v2/{}.m4s", self.number);
        self.fetch(url, Body::Media(self.tracks.clone()));
    }

    fn blob(&mut self, blob: BlobId) {
        if !self.leaks {
            self.out.push_back(Output::Append { buffer: TrackId(0), data: Append::Blob(blob) });
        }
    }
}

impl Machine for Script {
    fn handle(&mut self, _: Instant, input: Input) {
        match input {
            Input::Command(Command::Load { .. }) => self.out.push_back(Output::OpenSource),
            Input::Command(Command::Stop) => {
                self.out.push_back(Output::Cancel(FetchId(self.ids)));
                self.out.push_back(Output::CloseSource);
            }
            Input::Source(SourceEvent::Opened) => {
                let mime = "video/mp4; codecs=\"avc1.64001f\"".into();
                self.out.push_back(Output::AddBuffer { buffer: TrackId(0), mime });
                self.fetch(format!("http://host/cam/{PERIOD}/v2/init.mp4"), Body::Bytes);
            }
            Input::Fetch(_, FetchEvent::Data(bytes)) => self.init.extend(bytes),
            Input::Fetch(FetchId(1), FetchEvent::Done) => {
                let mut facts = Vec::new();
                Scanner::new(&[]).feed(&self.init, &mut facts);
                let Some(Fact::Init(init)) = facts.first() else { panic!("{facts:?}") };
                self.tracks = init.tracks.clone();
                let data = Append::Bytes(self.init.clone());
                self.out.push_back(Output::Append { buffer: TrackId(0), data });
                self.out.push_back(Output::Play);
                self.number = BEGIN;
                self.next_segment();
            }
            Input::Fetch(_, FetchEvent::Media { blob, facts, .. }) => {
                self.facts.extend(facts);
                self.blob(blob);
            }
            Input::Fetch(_, FetchEvent::Done) => self.next_segment(),
            Input::Fetch(id, FetchEvent::Failed(why)) => self.log.push(format!("{} {why}", id.0)),
            Input::Buffer(_, BufferEvent::Full) => {
                self.full += 1;
                let span = Span { start: Position::from_micros(0), end: Position::from_micros(1) };
                self.out.push_back(Output::Remove { buffer: TrackId(0), span });
            }
            Input::Buffer(_, BufferEvent::Updated { ranges }) if !self.sought => {
                if let Some(range) = ranges.first() {
                    self.sought = true;
                    self.out.push_back(Output::Seek(range.start));
                }
            }
            _ => {}
        }
    }

    fn poll(&mut self) -> Output {
        let until = self.circles.then_some(Instant::from_micros(0));
        self.out.pop_front().unwrap_or(Output::Wait { until, why: Reason::Idle })
    }
}

fn run(script: Script, path: Path) -> (Simulation<Script>, u64) {
    let live = Live { audio: false, ..Live::default() };
    let setup = Setup { path, ..Setup::new(LiveServer::new(live)) };
    let mut sim = setup.run(script);
    sim.load("http://host/cam/index.mpd");
    sim.run_for(secs(10));
    (sim, BEGIN)
}

fn good(report: &Report) {
    assert!(report.violations.is_empty(), "{:?}", report.violations);
}

#[test]
fn a_growing_segment_is_on_the_screen_frame_by_frame_near_its_capture() {
    let (sim, _) = run(Script::default(), Path::good());
    // The first segment asked for begins a second into the run and is held until then.
    assert!((secs(1)..millis(1150)).contains(&sim.report().started.unwrap()));
    let report = sim.finish();
    good(&report);
    let latency = report.latency(secs(2)..secs(10), 500).unwrap();
    assert!((45_000..150_000).contains(&latency), "{latency}");
    assert_eq!(report.samples.last().and_then(|s| s.rung), Some(2));
}

#[test]
fn the_scanner_finds_each_frame_and_its_capture_time_in_what_the_server_sends() {
    let (sim, _) = run(Script::default(), Path::steady(4000));
    let facts = &sim.player.facts;
    let frames = facts.iter().filter(|f| matches!(f, Fact::Fragment(_))).count();
    let times = facts.iter().filter(|f| matches!(f, Fact::ProducerTime { .. })).count();
    assert!((220..=226).contains(&frames), "{frames}");
    assert_eq!(times, frames);
    assert!(!facts.iter().any(|f| matches!(f, Fact::Damaged { .. })));
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_one_does_not() {
    let with_seed = |seed| {
        let path = Path { jitter: millis(30), loss_permille: 20, ..Path::steady(6000) };
        let setup = Setup { seed, path, ..Setup::new(LiveServer::new(Live::default())) };
        let mut sim = setup.run(Script::default());
        sim.load("");
        sim.run_for(secs(5));
        format!("{}", sim.finish())
    };
    assert_eq!(with_seed(3), with_seed(3));
    assert_ne!(with_seed(3).split_once(':'), with_seed(4).split_once(':'));
}

#[test]
fn blobs_that_are_never_freed_are_a_violation() {
    let (sim, _) = run(Script { leaks: true, ..Script::default() }, Path::good());
    let report = sim.finish();
    assert!(report.violations.iter().any(|v| v.contains("never freed")), "{report}");
}

#[test]
fn waking_in_circles_is_a_violation_and_ends() {
    let (sim, _) = run(Script { circles: true, ..Script::default() }, Path::good());
    let violations = &sim.report().violations;
    assert!(violations.iter().any(|v| v.contains("circles")), "{violations:?}");
}

#[test]
fn nothing_comes_of_a_request_after_its_cancel() {
    let (mut sim, _) = run(Script::default(), Path::good());
    let before = sim.report().bytes;
    sim.player.out.push_back(Output::Cancel(FetchId(sim.player.ids)));
    sim.command(Command::GoLive);
    sim.run_for(secs(5));
    assert_eq!(sim.report().bytes, before);
}

#[test]
fn a_full_buffer_says_so_keeps_the_append_and_tries_again_after_a_removal() {
    let (mut sim, _) = run(Script::default(), Path::good());
    sim.pause();
    sim.quota(Video, 2_000_000);
    sim.run_for(secs(20));
    assert!(sim.player.full > 0);
    let held = sim.element().buffer(Video).unwrap().bytes();
    sim.quota(Video, 20_000_000);
    sim.run_for(secs(5));
    assert!(sim.element().buffer(Video).unwrap().bytes() > held);
    good(&sim.finish());
}

#[test]
fn faults_reach_the_requests_they_are_meant_for() {
    let mut path = Path::good();
    let number = BEGIN + 3;
    let during = 0..secs(60);
    path.faults = vec![Fault::all(during, &format!("/{number}.m4s"), Trouble::CutAfter(20_000))];
    let (sim, _) = run(Script::default(), path);
    assert_eq!(sim.player.log, ["4 the connection was reset"]);
}

#[test]
fn a_restart_of_the_server_breaks_connections_and_refuses_new_ones_until_its_end() {
    let live = Live { audio: false, down: vec![secs(3)..secs(5)], ..Live::default() };
    let mut sim = Setup::new(LiveServer::new(live)).run(Script::default());
    sim.load("");
    sim.run_for(secs(4));
    assert_eq!(sim.player.log, ["3 the connection was reset"]);
    sim.player.next_segment();
    sim.command(Command::GoLive);
    sim.run_for(secs(1));
    assert_eq!(sim.player.log.len(), 2);
}

#[test]
fn an_outage_holds_what_is_under_way_and_lets_it_go_on() {
    let (mut sim, _) = run(Script::default(), Path::good());
    sim.kbps(0);
    sim.run_for(secs(4));
    let held = sim.report().bytes;
    sim.run_for(secs(1));
    assert_eq!(sim.report().bytes, held);
    sim.kbps(20_000);
    sim.run_for(secs(6));
    assert!(sim.report().bytes > held + 1_000_000);
    let stands = sim.report().stands_in(secs(10)..secs(20));
    assert_eq!(stands.len(), 1, "{stands:?}");
}

#[test]
fn a_sleep_stops_the_page_and_breaks_its_connections() {
    let (mut sim, _) = run(Script::default(), Path::good());
    let (mono, at) = (sim.instant(), sim.element().position(sim.now()));
    sim.sleep(secs(60));
    assert_eq!((sim.instant(), sim.element().position(sim.now())), (mono, at));
    assert_eq!(sim.player.log.len(), 1);
    assert!(sim.latency().unwrap() > 60_000_000);
}
