//! The driver: turns what happens into inputs, drains the player, performs its outputs.
//!
//! It keeps the border's contract to the letter (`nearlive::player`): one input, drained until
//! `Wait`, performed, then the next; operations of a buffer in order, each after the last is
//! finished; an append that meets a full buffer stays first and is tried again after a removal;
//! nothing is said of a request after its `Cancel`. What the player must not do (a blob unknown or
//! never freed, a second buffer of a kind, waking in circles) is noted as a violation.

mod fetches;
mod hands;
mod perform;
mod queue;

use crate::clock::{Clock, NEVER, Time, millis, secs};
use crate::fingerprint::Fingerprint;
use crate::log::Log;
use crate::mse::{Element, Rules};
use crate::network::{Arrival, Network, Path};
use crate::origin::Origin;
use crate::payload::Payload;
use crate::report::{Report, Sample};
use crate::rng::Rng;
use fetches::Fetch;
use nearlive::player::{
    BlobId, BufferEvent, Command, Config, Cue, FetchEvent, FetchId, Head, Input, Output, Player,
    Snapshot, SourceEvent,
};
use nearlive::presentation::TrackKind;
use nearlive::time::{Instant, Position, WallTime};
use queue::{Op, Queue};
use std::collections::BTreeMap;

/// What is driven: the player, or a script in its place.
pub trait Machine {
    /// See [`Player::handle`].
    fn handle(&mut self, now: Instant, input: Input);
    /// See [`Player::poll`].
    fn poll(&mut self) -> Output;
}

impl Machine for Player {
    fn handle(&mut self, now: Instant, input: Input) {
        Self::handle(self, now, input);
    }

    fn poll(&mut self) -> Output {
        Self::poll(self)
    }
}

/// What the browser and its machine are like.
#[derive(Clone, Debug)]
pub struct Page {
    /// How far the wall clock is ahead of the truth, microseconds.
    pub wall_error_us: i64,
    /// How much faster its clocks run.
    pub drift_ppm: i64,
    /// The media element.
    pub rules: Rules,
    /// MIME types that contain one of these cannot be played.
    pub unsupported: Vec<String>,
    /// Height of the element, device pixels.
    pub height_px: u32,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            wall_error_us: 0,
            drift_ppm: 0,
            rules: Rules::default(),
            unsupported: Vec::new(),
            height_px: 1080,
        }
    }
}

/// Everything a run begins with.
pub struct Setup {
    /// Of everything that is left to chance.
    pub seed: u64,
    /// The player's settings.
    pub config: Config,
    /// The browser.
    pub page: Page,
    /// The way to the server.
    pub path: Path,
    /// The server.
    pub origin: Box<dyn Origin>,
}

impl Setup {
    /// A good line to this server, everything else as usual.
    pub fn new(origin: impl Origin + 'static) -> Self {
        Self {
            seed: 1,
            config: Config::default(),
            page: Page::default(),
            path: Path::good(),
            origin: Box::new(origin),
        }
    }

    /// A run of the real player.
    pub fn start(self) -> Simulation<Player> {
        let clock = Clock::new(self.page.wall_error_us, self.page.drift_ppm);
        let player = Player::new(self.config.clone(), clock.monotonic(0), clock.wall(0));
        self.run(player)
    }

    /// A run of anything that speaks like the player.
    pub fn run<M: Machine>(self, machine: M) -> Simulation<M> {
        Simulation::new(self, machine)
    }
}

/// What is said to the machine at a time of its own.
#[derive(Debug)]
enum Later {
    Opened,
    Supported(Vec<String>),
}

/// An operation on the source that waits until the buffers have done what was asked before it.
#[derive(Debug)]
struct SourceOp {
    output: Output,
    after: [u64; 2],
}

/// Bytes that the driver keeps.
#[derive(Debug)]
struct Blob {
    data: Payload,
    label: u32,
}

/// One run.
pub struct Simulation<M: Machine = Player> {
    /// The player.
    pub player: M,
    /// The way to the server.
    network: Network,
    element: Element,
    clock: Clock,
    page: Page,
    now: Time,
    report: Report,
    log: Log,
    fetches: BTreeMap<FetchId, Fetch>,
    last_fetch: Option<FetchId>,
    blobs: BTreeMap<BlobId, Blob>,
    next_blob: u32,
    queues: [Queue; 2],
    source_ops: Vec<SourceOp>,
    later: Vec<(Time, Later)>,
    wake: Time,
    tick: Time,
    sample: Time,
    hidden: bool,
    /// Inputs given at the present moment.
    burst: u32,
    /// How many of them are taken for no circle.
    patience: u32,
    arrivals: Vec<(FetchId, Arrival)>,
    outputs: Vec<Output>,
    fingerprint: Option<Fingerprint>,
}

impl<M: Machine> Simulation<M> {
    fn new(setup: Setup, player: M) -> Self {
        let rng = Rng::new(setup.seed);
        Self {
            player,
            network: Network::new(setup.path, setup.origin, rng.fork(1)),
            element: Element::new(setup.page.rules.clone()),
            clock: Clock::new(setup.page.wall_error_us, setup.page.drift_ppm),
            page: setup.page,
            now: 0,
            report: Report { seed: setup.seed, ..Report::default() },
            fingerprint: Fingerprint::begin(setup.seed),
            log: Log::new(),
            fetches: BTreeMap::new(),
            last_fetch: None,
            blobs: BTreeMap::new(),
            next_blob: 0,
            queues: [Queue::default(), Queue::default()],
            source_ops: Vec::new(),
            later: Vec::new(),
            wake: NEVER,
            tick: NEVER,
            sample: 0,
            hidden: false,
            burst: 0,
            patience: MOST_INPUTS,
            arrivals: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// True time since the run began.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// The page's monotonic clock.
    pub fn instant(&self) -> Instant {
        self.clock.monotonic(self.now)
    }

    /// What was noted so far.
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// The media element.
    pub const fn element(&self) -> &Element {
        &self.element
    }

    /// True time minus the capture time of what the clock shows, microseconds.
    pub fn latency(&self) -> Option<i64> {
        let anchor = self.network.origin().anchor()?;
        let captured = anchor.offset(self.element.position(self.now));
        Some(Clock::truth(self.now).micros_from(captured))
    }

    /// Goes on for so long.
    pub fn run_for(&mut self, time: Time) {
        self.run_to(self.now + time);
    }

    /// Goes on until then.
    pub fn run_to(&mut self, end: Time) {
        loop {
            let at = self.next();
            if at > end {
                break;
            }
            if at > self.now {
                self.burst = 0;
                self.now = at;
            }
            self.step();
        }
        self.now = self.now.max(end);
        let mut none = Vec::new();
        self.network.advance(self.now, &mut none);
        self.arrivals.append(&mut none);
    }

    /// Goes on until something is so, or until `end`; true when it is so.
    pub fn run_until(&mut self, end: Time, so: impl Fn(&Self) -> bool) -> bool {
        while !so(self) {
            let at = self.next();
            if at > end {
                self.now = self.now.max(end);
                return false;
            }
            if at > self.now {
                self.burst = 0;
                self.now = at;
            }
            self.step();
        }
        true
    }

    /// Ends the run: the player is stopped and has to leave nothing behind.
    pub fn finish(mut self) -> Report {
        self.sample = NEVER;
        self.command(Command::Stop);
        self.run_for(secs(1));
        if !self.blobs.is_empty() {
            let blobs: Vec<_> = self.blobs.keys().take(8).collect();
            let text = format!("{} blobs were never freed: {blobs:?}", self.blobs.len());
            self.violate(text);
        }
        if self.network.open() > 0 {
            let text = format!("{} requests go on after Stop", self.network.open());
            self.violate(text);
        }
        std::mem::take(&mut self.report)
    }

    fn violate(&mut self, text: String) {
        let text = format!("{:.6}: {text}", crate::log::micros(self.now));
        self.log.note(self.now, format!("VIOLATION {text}"));
        if self.report.violations.len() < 100 {
            self.report.violations.push(text);
        }
    }

    /// A timer's time in a page that may be hidden: browsers wake hidden pages once a second.
    fn timer(&self, at: Time) -> Time {
        if self.hidden && at != NEVER { at.div_ceil(secs(1)) * secs(1) } else { at }
    }

    fn next(&self) -> Time {
        let queues = self.queues.iter().map(|q| q.until).min().unwrap_or(NEVER);
        let later = self.later.iter().map(|l| l.0).min().unwrap_or(NEVER);
        let timers = self.timer(self.wake).min(self.timer(self.tick)).min(self.sample);
        let at = timers.min(queues).min(later).min(self.network.next()).min(self.element.next());
        at.max(self.now)
    }

    fn step(&mut self) {
        let now = self.now;
        let mut arrivals = std::mem::take(&mut self.arrivals);
        self.network.advance(now, &mut arrivals);
        for (id, arrival) in arrivals.drain(..) {
            self.arrive(id, arrival);
        }
        self.arrivals = arrivals;
        for kind in KINDS {
            if self.queues.get(slot(kind)).is_some_and(|q| q.until <= now) {
                self.operation_done(kind);
            }
        }
        if self.element.next() <= now {
            self.element.settle(now);
        }
        while let Some(i) = self.later.iter().position(|l| l.0 <= now) {
            let input = match self.later.remove(i).1 {
                Later::Opened => SourceEvent::Opened,
                Later::Supported(list) => SourceEvent::Supported(list),
            };
            self.give(Input::Source(input));
        }
        if self.timer(self.wake) <= now {
            self.wake = NEVER;
            self.give(Input::Wake);
        }
        self.settle();
        if self.timer(self.tick) <= now {
            self.tick = now + TICK;
            self.look(Cue::Timer);
            self.settle();
        }
        if self.sample <= now {
            self.take_sample();
        }
    }

    /// Tells of the element's events until there are none.
    fn settle(&mut self) {
        while let Some(cue) = self.element.cue() {
            if self.burst <= MOST_INPUTS {
                self.look(cue);
            } else {
                self.violate(format!("{cue:?} in circles"));
            }
        }
        self.tick = match self.element.paused() {
            true => NEVER,
            false if self.tick == NEVER => self.now + TICK,
            false => self.tick,
        };
        let should = !self.element.paused() && !self.element.ended();
        self.report.watch(self.now, self.element.moving(), should);
    }

    fn take_sample(&mut self) {
        let now = self.now;
        self.sample = now + TICK;
        let rung = self.element.shown(now).and_then(|s| u8::try_from(s.label).ok());
        self.report.samples.push(Sample {
            at: now,
            position: self.element.position(now),
            latency: self.latency(),
            moving: self.element.moving(),
            paused: self.element.paused(),
            rate: self.element.rate().permille(),
            rung,
            video_ahead: self.element.ahead(TrackKind::Video, now),
            audio_ahead: self.element.ahead(TrackKind::Audio, now),
        });
    }

    fn look(&mut self, cue: Cue) {
        let (frames, dropped) = self.element.frames(self.now);
        let snapshot = Snapshot {
            cue,
            position: Position::from_micros(self.element.position(self.now)),
            rate: self.element.rate(),
            paused: self.element.paused(),
            seeking: self.element.seeking(),
            ended: self.element.ended(),
            ready: self.element.ready(),
            frames,
            dropped,
            hidden: self.hidden,
            muted: self.element.muted(),
            wall: self.wall(),
            height_px: self.page.height_px,
        };
        self.give(Input::Media(snapshot));
    }

    fn wall(&self) -> WallTime {
        self.clock.wall(self.now)
    }

    /// One input, and all that follows from it.
    fn give(&mut self, input: Input) {
        self.burst += 1;
        self.report.inputs += 1;
        self.log.input(self.now, &input);
        self.player.handle(self.clock.monotonic(self.now), input);
        let mut outputs = std::mem::take(&mut self.outputs);
        loop {
            let output = self.player.poll();
            self.log.output(self.now, &output);
            if let Output::Wait { until, .. } = output {
                self.wake = until.map_or(NEVER, |at| self.clock.when(at).max(self.now));
                if let Some(fingerprint) = &mut self.fingerprint {
                    fingerprint.drained(self.now, &outputs, &output);
                }
                break;
            }
            outputs.push(output);
            if outputs.len() > MOST_OUTPUTS {
                self.violate("outputs without end".into());
                break;
            }
        }
        if self.burst > self.patience && self.wake <= self.now {
            if self.patience == MOST_INPUTS {
                self.violate("it wakes in circles".into());
                self.patience = 20;
            }
            self.wake = self.now + millis(50);
        }
        for output in outputs.drain(..) {
            self.perform(output);
        }
        self.outputs = outputs;
        self.pump();
    }

    fn arrive(&mut self, id: FetchId, arrival: Arrival) {
        let Some(fetch) = self.fetches.get_mut(&id) else { return };
        let event = match arrival {
            Arrival::Head(head) => FetchEvent::Head(Head {
                status: head.status,
                url: head.url,
                content_type: head.content_type,
                date: head.date,
                cmsd: head.cmsd,
                retry_after: head.retry_after,
            }),
            Arrival::Data(data) => {
                self.report.bytes += data.len();
                if fetch.is_media() {
                    let facts = fetch.scan(&data);
                    let label = fetch.label;
                    let blob = BlobId(self.next_blob);
                    self.next_blob += 1;
                    let len = u32::try_from(data.len()).unwrap_or(u32::MAX);
                    self.blobs.insert(blob, Blob { data, label });
                    FetchEvent::Media { blob, len, facts }
                } else {
                    FetchEvent::Data(data.to_vec())
                }
            }
            Arrival::Done => FetchEvent::Done,
            Arrival::Failed(why) => FetchEvent::Failed(why.to_owned()),
        };
        if matches!(event, FetchEvent::Done | FetchEvent::Failed(_)) {
            self.fetches.remove(&id);
        }
        self.give(Input::Fetch(id, event));
    }

    fn operation_done(&mut self, kind: TrackKind) {
        let Some(op) = self.queues.get_mut(slot(kind)).and_then(Queue::finish) else { return };
        let event = match op {
            Op::Append { data, label } => self.element.append(kind, data, label, self.now).err(),
            Op::Remove(span) => {
                self.element.remove(kind, span, self.now);
                if let Some(q) = self.queues.get_mut(slot(kind)) {
                    q.full = false;
                }
                None
            }
            Op::Offset(_) | Op::Window(..) | Op::ChangeType(_) => return,
        };
        if let Some(why) = event {
            // MSE 3.5.3, the append error algorithm: it ends the stream with a decode error.
            let source = self.report.opens;
            self.give(Input::Buffer(kind, BufferEvent::Failed(why.clone())));
            if self.report.opens != source || !self.element.alive() {
                return;
            }
            self.element.fail(self.now);
            let message = format!("CHUNK_DEMUXER_ERROR_APPEND_FAILED: {why}");
            self.give(Input::Source(SourceEvent::Failed { code: 3, message }));
            return;
        }
        let ranges = self.element.buffer(kind).map(|b| b.spans()).unwrap_or_default();
        self.give(Input::Buffer(kind, BufferEvent::Updated { ranges }));
    }
}

impl<M: Machine> Drop for Simulation<M> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}\n{}", self.log.print(), self.report);
        }
    }
}

/// Kinds that have a buffer.
const KINDS: [TrackKind; 2] = [TrackKind::Video, TrackKind::Audio];

/// The place of a kind's queue.
const fn slot(kind: TrackKind) -> usize {
    match kind {
        TrackKind::Audio => 1,
        TrackKind::Video | TrackKind::Text => 0,
    }
}

/// How often the driver looks at an element that is to play, and the report at everything.
const TICK: Time = millis(250);

/// More inputs at one moment than anything but a circle gives.
const MOST_INPUTS: u32 = 2000;

/// More outputs to one input than anything but a circle gives.
const MOST_OUTPUTS: usize = 10_000;
