//! dash.js live, in the player's place in the simulator: one segment after the other, each asked for when its first
//! chunk exists, with a rule that chooses the rung and a control of the playback rate.
//!
//! ```text
//! Load -> the manifest -> OpenSource -> init (once a rung) -> segment -> segment ...
//! ```
//! It measures, chooses and catches up as dash.js does with its default settings; its clock is right.

use super::catchup;
use super::seen::{Element, Segment};
use super::throughput::Means;
use super::view::View;
use super::{l2a, lolp, usual};
use nearlive::media::scan::{Fact, InitTrack, Scanner};
use nearlive::player::{
    Append, Body, BufferEvent, Command, Event, FetchEvent, FetchId, Input, Output, Quality, Reason,
    Request, Snapshot, SourceEvent, Switch, TrackId,
};
use nearlive::time::{Instant, Position, Span};
use nearlive::units::Rate;
use nearlive_simulator::Machine;
use std::collections::VecDeque;

/// The only buffer.
const VIDEO: TrackId = TrackId(0);
/// A refused segment is asked for again after this long, microseconds (`retryIntervals` in low-latency mode).
const RETRY_US: u64 = 100_000;
/// Further behind than this it jumps, seconds (`DEFAULT_CATCHUP_MAX_DRIFT`).
const MOST_DRIFT: f64 = 12.0;
/// The rung that it begins with, kilobits a second (`DEFAULT_VIDEO_BITRATE`).
const FIRST_KBPS: f64 = 1000.0;
/// Where a buffer is full, what lies this far behind the position goes, microseconds.
const KEPT_US: i64 = 2_000_000;

/// The rule of a peer, with what it remembers.
#[derive(Clone, Debug)]
pub(crate) enum Brain {
    /// dash.js as it comes.
    Usual(usual::State),
    L2a(l2a::State),
    LolPlus(lolp::State),
}

impl Brain {
    fn choose(&mut self, view: &View<'_>) -> usize {
        match self {
            Self::Usual(state) => usual::choose(state, view),
            Self::L2a(state) => l2a::choose(state, view),
            Self::LolPlus(state) => lolp::choose(state, view),
        }
    }

    fn speed(&self, state: &catchup::State) -> f64 {
        match self {
            Self::LolPlus(_) => catchup::lolp(state),
            _ => catchup::usual(state),
        }
    }
}

/// The stream, and where its server is.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    /// Kilobits a second, lowest first.
    pub(crate) kbps: Vec<f64>,
    /// Microseconds.
    pub(crate) segment: i64,
    pub(crate) frame: i64,
    /// The latency to keep.
    pub(crate) target: i64,
    /// Unix time less the page's monotonic clock.
    pub(crate) clock: i64,
}

/// The initialization segment of a rung, and its tracks.
type Init = (Vec<u8>, Vec<InitTrack>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Manifest(Vec<u8>),
    Opening,
    /// The rung's initialization segment is fetched.
    Init(Vec<u8>),
    /// A segment is fetched; it was refused.
    Media {
        refused: bool,
    },
    /// Until then, Unix microseconds, nothing is.
    Waiting(i64),
}

/// A peer.
#[derive(Debug)]
pub(crate) struct Peer {
    stream: Stream,
    brain: Brain,
    out: VecDeque<Output>,
    ids: u32,
    stage: Stage,
    period: String,
    inits: Vec<Option<Init>>,
    rung: usize,
    /// The rung whose initialization segment was appended last.
    appended: Option<usize>,
    number: i64,
    /// Where playing is to begin, until it has.
    begin: Option<i64>,
    element: Element,
    segment: Segment,
    means: Means,
}

fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

/// What it says of a choice.
fn switch(view: &View<'_>, to: usize) -> Switch {
    let quality = |rung: usize| Quality { id: format!("v{rung}"), ..Quality::default() };
    let kbps = |it: Option<f64>| it.map_or_else(|| "?".to_owned(), |k| format!("{k:.0}"));
    let reason = format!(
        "safe {} kb/s, last segment {} kb/s, {:.2} s buffered, {:.2} s behind",
        kbps(view.safe),
        kbps(view.last),
        view.buffer,
        view.latency
    );
    Switch { to: quality(to), from: Some(quality(view.current)), reason }
}

impl Peer {
    /// A peer of this stream.
    pub(crate) fn new(stream: Stream, brain: Brain) -> Self {
        Self {
            rung: super::view::fitting(&stream.kbps, FIRST_KBPS),
            inits: vec![None; stream.kbps.len()],
            stream,
            brain,
            out: VecDeque::new(),
            ids: 0,
            stage: Stage::Opening,
            period: String::new(),
            appended: None,
            number: 0,
            begin: None,
            element: Element::default(),
            segment: Segment::default(),
            means: Means::default(),
        }
    }

    const fn unix(&self, now: Instant) -> i64 {
        now.as_micros().cast_signed() + self.stream.clock
    }

    fn fetch(&mut self, url: String, body: Body) {
        self.ids += 1;
        let id = FetchId(self.ids);
        self.out.push_back(Output::Fetch(Request { id, url, range: None, head_only: false, body }));
    }

    fn address(&self, name: &str) -> String {
        format!("http://host/cam/{}/v{}/{name}", self.period, self.rung)
    }

    fn latency(&self, now: Instant) -> f64 {
        seconds(self.unix(now) - self.element.position(now))
    }

    /// The manifest is there.
    fn open(&mut self, now: Instant, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        let after = text.split_once("<Period id=\"").map_or("", |it| it.1);
        after.split('"').next().unwrap_or_default().clone_into(&mut self.period);
        let begin = self.unix(now) - self.stream.target;
        (self.begin, self.number) = (Some(begin), begin.div_euclid(self.stream.segment));
        self.stage = Stage::Opening;
        self.out.push_back(Output::OpenSource);
    }

    /// Asks for the next segment, if its first chunk exists; its rung's initialization segment goes before it.
    fn next(&mut self, now: Instant) {
        let from = self.number * self.stream.segment + self.stream.frame;
        if self.unix(now) < from {
            self.stage = Stage::Waiting(from);
            return;
        }
        let view = View {
            kbps: &self.stream.kbps,
            current: self.rung,
            buffer: seconds(self.element.ahead(now)),
            latency: self.latency(now),
            speed: self.element.speed(),
            segment: seconds(self.stream.segment),
            safe: self.means.safe(),
            last: self.means.last(),
        };
        let rung = self.brain.choose(&view);
        if rung != self.rung {
            let switch = switch(&view, rung);
            self.out.push_back(Output::Emit(Event::Quality(switch)));
        }
        self.rung = rung;
        self.ask(now);
    }

    fn ask(&mut self, now: Instant) {
        let Some((bytes, tracks)) = self.inits.get(self.rung).cloned().flatten() else {
            self.stage = Stage::Init(Vec::new());
            return self.fetch(self.address("init.mp4"), Body::Bytes);
        };
        if self.appended != Some(self.rung) {
            self.appended = Some(self.rung);
            self.out.push_back(Output::Append { buffer: VIDEO, data: Append::Bytes(bytes) });
        }
        self.stage = Stage::Media { refused: false };
        self.segment = Segment::new(now);
        self.fetch(self.address(&format!("{}.m4s", self.number)), Body::Growing(tracks));
    }

    /// What was fetched is whole.
    fn done(&mut self, now: Instant) {
        match std::mem::replace(&mut self.stage, Stage::Opening) {
            Stage::Manifest(text) => self.open(now, &text),
            Stage::Init(bytes) => {
                let mut facts = Vec::new();
                Scanner::new(&[]).feed(&bytes, &mut facts);
                if let (Some(Fact::Init(init)), Some(place)) =
                    (facts.first(), self.inits.get_mut(self.rung))
                {
                    *place = Some((bytes, init.tracks.clone()));
                    self.ask(now);
                }
            }
            Stage::Media { refused: true } => {
                let retry = self.unix(now) + RETRY_US.cast_signed();
                self.stage = Stage::Waiting(retry);
            }
            Stage::Media { refused: false } => {
                if let Some(sample) = self.segment.sample(now) {
                    self.means.add(sample);
                }
                self.number += 1;
                self.next(now);
            }
            other => self.stage = other,
        }
    }

    fn fetched(&mut self, now: Instant, it: FetchEvent) {
        match (it, &mut self.stage) {
            (FetchEvent::Head(head), Stage::Media { refused }) => *refused = head.status >= 400,
            (FetchEvent::Data(bytes), Stage::Manifest(text) | Stage::Init(text)) => {
                text.extend(bytes);
            }
            (FetchEvent::Media { blob, .. }, Stage::Media { refused: true }) => {
                self.out.push_back(Output::Release(blob));
            }
            (FetchEvent::Media { blob, len, facts }, _) => {
                self.segment.read(now, len, &facts);
                let data = Append::Blob(blob);
                self.out.push_back(Output::Append { buffer: VIDEO, data });
            }
            (FetchEvent::Done, _) => self.done(now),
            (FetchEvent::Failed(_), _) => {
                self.stage = Stage::Waiting(self.unix(now) + RETRY_US.cast_signed());
            }
            _ => {}
        }
    }

    fn buffered(&mut self, now: Instant, it: BufferEvent) {
        match it {
            BufferEvent::Updated { ranges } => {
                self.element.buffered(ranges);
                if let (Some(begin), Some(from)) = (self.begin, self.element.first()) {
                    self.begin = None;
                    self.seek(now, begin.max(from));
                    self.out.push_back(Output::Play);
                }
            }
            BufferEvent::Full => {
                let end = self.element.position(now) - KEPT_US;
                let span =
                    Span { start: Position::from_micros(0), end: Position::from_micros(end) };
                self.out.push_back(Output::Remove { buffer: VIDEO, span });
            }
            _ => {}
        }
    }

    fn seek(&mut self, now: Instant, to: i64) {
        self.element.moved(now, to);
        self.out.push_back(Output::Seek(Position::from_micros(to)));
    }

    fn looked(&mut self, now: Instant, it: &Snapshot) {
        self.element.look(now, it);
        if self.begin.is_some() || self.appended.is_none() || it.seeking {
            return;
        }
        let buffer = seconds(self.element.ahead(now));
        let target = seconds(self.stream.target);
        let latency = self.latency(now);
        if latency - target > MOST_DRIFT {
            return self.jump(now);
        }
        let state = catchup::State { latency, target, buffer };
        if let Some(speed) = catchup::change(self.element.speed(), self.brain.speed(&state)) {
            let permille = (speed * 1000.0).round() as u32;
            self.element.set_speed(now, f64::from(permille) / 1000.0);
            self.out.push_back(Output::Rate(Rate::from_permille(permille)));
        }
    }

    /// To the target, leaving what is fetched.
    fn jump(&mut self, now: Instant) {
        let to = self.unix(now) - self.stream.target;
        if !matches!(self.stage, Stage::Waiting(_)) {
            self.out.push_back(Output::Cancel(FetchId(self.ids)));
            self.out.push_back(Output::Abort { buffer: VIDEO, appends: self.segment.reads() });
        }
        self.number = to.div_euclid(self.stream.segment);
        self.appended = None;
        self.seek(now, to);
        self.next(now);
    }
}

impl Machine for Peer {
    fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Command(Command::Load { url }) => {
                self.stage = Stage::Manifest(Vec::new());
                self.fetch(url, Body::Bytes);
            }
            Input::Command(Command::Stop) => {
                self.out.push_back(Output::Cancel(FetchId(self.ids)));
                self.out.push_back(Output::CloseSource);
                self.stage = Stage::Opening;
            }
            Input::Source(SourceEvent::Opened) => {
                let mime = "video/mp4; codecs=\"avc1.64001f\"".to_owned();
                self.out.push_back(Output::AddBuffer { buffer: VIDEO, mime });
                self.next(now);
            }
            Input::Fetch(id, it) if id == FetchId(self.ids) => self.fetched(now, it),
            Input::Buffer(_, it) => self.buffered(now, it),
            Input::Media(it) => self.looked(now, &it),
            Input::Wake => {
                if let Stage::Waiting(until) = self.stage
                    && self.unix(now) >= until
                {
                    self.next(now);
                }
            }
            _ => {}
        }
    }

    fn poll(&mut self) -> Output {
        let until = match self.stage {
            Stage::Waiting(unix) => u64::try_from(unix - self.stream.clock).ok(),
            _ => None,
        };
        let until = until.map(Instant::from_micros);
        self.out.pop_front().unwrap_or(Output::Wait { until, why: Reason::Availability })
    }
}
