//! The parts of a run: the machine, the page and the server, and the run's own state.

use super::fetches::Fetch;
use super::queue::Queue;
use crate::clock::{Clock, NEVER, Time, millis, secs};
use crate::fingerprint::Fingerprint;
use crate::log::Log;
use crate::mse::{Element, Rules};
use crate::network::{Arrival, Network, Path, Port};
use crate::origin::Origin;
use crate::payload::Payload;
use crate::report::Report;
use crate::rng::Rng;
use nearlive::abr::sharing::Others;
use nearlive::player::{BlobId, Config, FetchId, Input, Output, Player, TrackId};
use nearlive::time::{Instant, WallTime};
use nearlive::units::Bitrate;
use std::collections::BTreeMap;

/// The machine under test: the player, or a script in its place.
pub trait Machine {
    /// See [`Player::handle`].
    fn handle(&mut self, now: Instant, input: Input);
    /// See [`Player::poll`].
    fn poll(&mut self) -> Output;
    /// See [`Player::wants_more`].
    fn wants_more(&self) -> Option<Bitrate> {
        None
    }
    /// See [`Player::others_came`].
    fn others_came(&mut self, _: Others) {}
}

impl Machine for Player {
    fn handle(&mut self, now: Instant, input: Input) {
        Self::handle(self, now, input);
    }

    fn poll(&mut self) -> Output {
        Self::poll(self)
    }

    fn wants_more(&self) -> Option<Bitrate> {
        Self::wants_more(self)
    }

    fn others_came(&mut self, others: Others) {
        Self::others_came(self, others);
    }
}

/// The browser and its machine.
#[derive(Clone, Debug)]
pub struct Page {
    /// How far the wall clock is ahead of the true time, microseconds.
    pub wall_error_us: i64,
    /// How much too fast its clocks run.
    pub drift_ppm: i64,
    /// The media element.
    pub rules: Rules,
    /// MIME types that contain one of these cannot be played.
    pub unsupported: Vec<String>,
    /// Height of the element, device pixels.
    pub height_px: u32,
    /// A ManagedMediaSource has enough media.
    pub sated: bool,
    /// Its buffers tell of each change of theirs (`bufferedchange`), as those of a ManagedMediaSource do.
    pub tells_changes: bool,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            wall_error_us: 0,
            drift_ppm: 0,
            rules: Rules::default(),
            unsupported: Vec::new(),
            height_px: 1080,
            sated: false,
            tells_changes: false,
        }
    }
}

/// Everything with which a run begins.
pub struct Setup {
    /// The seed of all chance.
    pub seed: u64,
    /// The player's settings.
    pub config: Config,
    /// The browser.
    pub page: Page,
    /// The network to the server.
    pub path: Path,
    /// The server.
    pub origin: Box<dyn Origin>,
}

impl Setup {
    /// A good network to this server, everything else as usual.
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

    /// A run of any machine with the player's interface.
    pub fn run<M: Machine>(self, machine: M) -> Simulation<M> {
        Simulation::new(self, machine)
    }
}

/// An input to the machine at a time of its own.
#[derive(Debug)]
pub(super) enum Later {
    Opened,
    Supported(Vec<String>),
}

/// An operation on the source that waits until the buffers have finished earlier operations.
#[derive(Debug)]
pub(super) struct SourceOp {
    pub(super) output: Output,
    /// This many operations of each buffer.
    pub(super) after: Vec<(TrackId, u64)>,
}

/// Bytes that the driver holds.
#[derive(Debug)]
pub(super) struct Blob {
    pub(super) data: Payload,
    pub(super) label: u32,
}

/// One run.
pub struct Simulation<M: Machine = Player> {
    /// The player.
    pub player: M,
    /// The network to the server.
    pub(super) network: Port,
    pub(super) element: Element,
    pub(super) clock: Clock,
    pub(super) page: Page,
    pub(super) now: Time,
    pub(super) report: Report,
    pub(super) log: Log,
    pub(super) fetches: BTreeMap<FetchId, Fetch>,
    pub(super) last_fetch: Option<FetchId>,
    pub(super) blobs: BTreeMap<BlobId, Blob>,
    pub(super) next_blob: u32,
    /// One per buffer that was added.
    pub(super) queues: BTreeMap<TrackId, Queue>,
    /// Appends are held back.
    pub(super) held: bool,
    pub(super) source_ops: Vec<SourceOp>,
    pub(super) later: Vec<(Time, Later)>,
    pub(super) wake: Time,
    pub(super) tick: Time,
    pub(super) sample: Time,
    pub(super) hidden: bool,
    /// The page's script does something else until then, and what waits for it to end.
    pub(super) busy_until: Time,
    pub(super) waiting: Vec<Input>,
    /// Inputs given at the present moment.
    pub(super) burst: u32,
    /// How many of them do not count as a circle.
    pub(super) patience: u32,
    pub(super) arrivals: Vec<(FetchId, Arrival)>,
    pub(super) outputs: Vec<Output>,
    pub(super) fingerprint: Option<Fingerprint>,
}

impl<M: Machine> Simulation<M> {
    fn new(setup: Setup, player: M) -> Self {
        let rng = Rng::new(setup.seed);
        Self {
            player,
            network: Port::new(Network::new(setup.path, setup.origin, rng.fork(1))),
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
            queues: BTreeMap::new(),
            held: false,
            source_ops: Vec::new(),
            later: Vec::new(),
            wake: NEVER,
            tick: NEVER,
            sample: 0,
            hidden: false,
            busy_until: 0,
            waiting: Vec::new(),
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

    /// The report so far.
    pub const fn report(&self) -> &Report {
        &self.report
    }

    /// The media element.
    pub const fn element(&self) -> &Element {
        &self.element
    }

    /// True time minus the capture time of the position, microseconds.
    pub fn latency(&self) -> Option<i64> {
        let anchor = self.network.origin().anchor()?;
        let captured = anchor.offset(self.element.position(self.now));
        Some(Clock::truth(self.now).micros_from(captured))
    }

    pub(super) fn violate(&mut self, text: String) {
        let text = format!("{:.6}: {text}", crate::log::micros(self.now));
        self.log.note(self.now, format!("VIOLATION {text}"));
        if self.report.violations.len() < 100 {
            self.report.violations.push(text);
        }
    }

    /// When a timer fires in a page that may be hidden: browsers wake hidden pages once a
    /// second.
    pub(super) fn timer(&self, at: Time) -> Time {
        if self.hidden && at != NEVER { at.div_ceil(secs(1)) * secs(1) } else { at }
    }

    pub(super) fn wall(&self) -> WallTime {
        self.clock.wall(self.now)
    }
}

impl<M: Machine> Drop for Simulation<M> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}\n{}", self.log.print(), self.report);
        }
    }
}

/// How often the driver looks at a playing element, and the report at everything.
pub(super) const TICK: Time = millis(250);

/// More inputs at one moment than this happen only in a circle.
pub(super) const MOST_INPUTS: u32 = 2000;

/// More outputs to one input than this happen only in a circle.
pub(super) const MOST_OUTPUTS: usize = 10_000;
