//! Keeps one camera running: a loop of runs of the engine, with a wait between them.
//!
//! ```text
//! run = loop { run_once ──> Ended{cause, lived} ; status, log ; wait(backoff) }
//!
//! run_once:  start ──> describe ──> stream ──> ended
//!            (each step may end it; the shutdown ends any)
//! ```
//!
//! ffmpeg's exit status is not reliable (0 after a stall), and a camera may answer keep-alives for
//! ever while it sends nothing. So the sign of life is a **frame** that came through the packager.
//! The run ends without one for [`pulse::QUIET`] (or four times the longest usual gap, for cameras
//! with a frame every few seconds). It also ends on frames whose timestamps stand still (after its
//! clock leaps, ffmpeg would continue like that for as long as the leap), on a stream that differs
//! from its announcement, and on a core that is busy for seconds without a frame. When most
//! pictures are damaged, the camera is not live, but the run continues: they may recover, and some
//! are better than none.
//!
//! Nothing else retries, and this module does not touch media: bytes go to the [`Sink`] unchanged.

use std::hash::BuildHasher as _;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nearlive::time::{Instant, WallTime};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::MissedTickBehavior;

use super::news::News;
use super::pulse::{self, Beat, Damage, Signs};
use super::secret::Redactor;
use super::status::{State, Status};
use super::talk::{Heard, listen};
use super::{backoff, ending};
use crate::clock::Clock;
use crate::config;
use crate::engine::argv::{Output, Plan};
use crate::engine::kind::Kind;
use crate::engine::spawn::{Launcher, Process};
use crate::engine::stderr::{Cause, Reader, VideoCodec};
use crate::package::Ailment;
use crate::shutdown::Shutdown;
use crate::store::SourceStatus;

/// How often the packager is told the time.
const TICK: Duration = Duration::from_millis(100);

/// Time to read what an ended ffmpeg has left in its pipes, a few MiB.
const REST: Duration = Duration::from_secs(2);

/// Where the bytes of the tracks go: the packager, or a substitute in tests.
pub trait Sink: Send + 'static {
    /// A new process of this engine starts: its timestamps are unrelated to those before.
    fn begin_run(&mut self, now: WallTime, engine: Kind);
    /// No data will come for this track in this run.
    fn leave_out(&mut self, track: usize);
    /// Bytes of a track; true when a frame of picture was completed.
    fn push(&mut self, track: usize, bytes: &[u8], arrived: WallTime) -> bool;
    /// The age, at the newest picture, of the last one that viewers can begin with; `None` where
    /// this run has had none.
    fn since_key(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }
    /// The fault in the media of this run.
    fn ailment(&self) -> Option<Ailment> {
        None
    }
    /// The state of the source.
    fn status(&mut self, status: SourceStatus);
    /// Time passes.
    fn tick(&mut self, now: WallTime);
}

impl Sink for crate::package::Packager {
    fn begin_run(&mut self, now: WallTime, engine: Kind) {
        self.expect_hold(engine.holds_copied());
        Self::begin_run(self, now);
    }

    fn leave_out(&mut self, track: usize) {
        Self::leave_out(self, track);
    }

    fn push(&mut self, track: usize, bytes: &[u8], arrived: WallTime) -> bool {
        Self::push(self, track, bytes, arrived)
    }

    fn since_key(&self) -> Option<Duration> {
        Self::since_key(self)
    }

    fn ailment(&self) -> Option<Ailment> {
        Self::ailment(self)
    }

    fn status(&mut self, status: SourceStatus) {
        Self::status(self, status);
    }

    fn tick(&mut self, now: WallTime) {
        Self::tick(self, now);
    }
}

/// One camera's supervisor.
pub struct Supervisor<S> {
    camera: config::Camera,
    launcher: Launcher,
    redactor: Redactor,
    clock: Clock,
    shutdown: Shutdown,
    sink: Arc<Mutex<S>>,
    status: watch::Sender<Status>,
    news: News,
    /// The camera has been seen to send B pictures.
    reordered: bool,
    /// The camera's clock leapt when the last run had hardly begun. Perhaps every run begins so,
    /// and then the next one has to continue past it.
    leapt_early: bool,
}

/// What all supervisors need.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// Starts ffmpeg.
    pub launcher: Launcher,
    /// Knows the secrets.
    pub redactor: Redactor,
    /// The time.
    pub clock: Clock,
    /// The end.
    pub shutdown: Shutdown,
}

/// How a run ended.
struct Ended {
    cause: Cause,
    /// Time from the first frame to the end.
    lived: Duration,
    /// When the last frame came.
    last: Option<(Instant, WallTime)>,
}

/// The tasks that read ffmpeg's output and messages.
struct Readers {
    tracks: JoinSet<()>,
    talk: JoinHandle<Reader>,
}

impl Readers {
    /// The pipes and stderr end with the process: what is left in them is read to the end. But a
    /// child of that process may hold them open; then they are closed.
    async fn rest(mut self) -> Reader {
        let rest = async {
            while self.tracks.join_next().await.is_some() {}
            (&mut self.talk).await.unwrap_or_default()
        };
        let reader = tokio::time::timeout(REST, rest).await;
        self.talk.abort();
        self.tracks.shutdown().await;
        reader.unwrap_or_default()
    }
}

/// What the parts of a run tell each other.
struct Pulse {
    clock: Clock,
    signs: Mutex<Signs>,
}

impl<S: Sink> Supervisor<S> {
    /// A supervisor for `camera`, and the status that it will keep.
    pub fn new(
        camera: config::Camera,
        around: Surroundings,
        sink: S,
    ) -> (Self, watch::Receiver<Status>) {
        let (status, seen) = watch::channel(Status::new(around.clock.wall()));
        let supervisor = Self {
            camera,
            launcher: around.launcher,
            redactor: around.redactor,
            clock: around.clock,
            shutdown: around.shutdown,
            sink: Arc::new(Mutex::new(sink)),
            status,
            news: News::default(),
            reordered: false,
            leapt_early: false,
        };
        (supervisor, seen)
    }

    /// Runs until the shutdown.
    pub async fn run(mut self) {
        let ticker = tokio::spawn(tick(Arc::clone(&self.sink), self.clock));
        self.announce(State::Connecting, None, None);
        let mut outage: Option<Instant> = None;
        while !self.shutdown.is_triggered() {
            let Some(ended) = self.run_once().await else { break };
            self.leapt_early = ended.cause == Cause::ClockLeapt && ended.lived < backoff::STABLE;
            let now = self.clock.now();
            if ended.lived >= backoff::STABLE {
                outage = None;
            }
            let began = *outage.get_or_insert(now);
            let wait = backoff::wait(&ended.cause, now.since(began).into(), jitter());
            if ended.cause == Cause::PicturesReordered && !self.reordered {
                self.reordered = true;
                tracing::info!("{}: the camera sends B pictures", self.camera.id);
            } else {
                self.announce(State::Offline, Some(ended.cause), ended.last);
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.shutdown.wait() => {}
            }
        }
        ticker.abort();
    }

    /// One run of the engine; `None` when the shutdown ended it.
    async fn run_once(&mut self) -> Option<Ended> {
        self.status.send_modify(|s| s.runs += 1);
        let plan = self.plan();
        let (mut process, outputs) = match self.launcher.start(&plan).await {
            Ok(started) => started,
            Err(e) => {
                let cause = Cause::EngineMissing(plan.engine, self.redactor.clean(&e.to_string()));
                return Some(Ended { cause, lived: Duration::ZERO, last: None });
            }
        };
        lock(&self.sink).begin_run(self.clock.wall(), plan.engine);
        let signs = Mutex::new(Signs::new(self.clock.now()));
        let pulse = Arc::new(Pulse { clock: self.clock, signs });
        // The camera's media has to be known before its first byte is pushed: the tracks wait.
        let (tell, heard) = watch::channel(Heard::default());
        let mut tracks = JoinSet::new();
        for ((track, output), pipe) in plan.tracks.iter().enumerate().zip(outputs.tracks) {
            let (output, heard) = (output.clone(), heard.clone());
            let camera = self.camera.id.clone();
            let reading = Track { camera, track, output, pipe, heard };
            tracks.spawn(reading.run(Arc::clone(&self.sink), Arc::clone(&pulse)));
        }
        let talk = tokio::spawn(listen(
            (plan.engine, outputs.stderr),
            self.redactor.clone(),
            self.camera.id.clone(),
            self.clock,
            tell,
        ));
        let finish = self.watch(&mut process, &pulse, heard).await;
        let readers = Readers { tracks, talk };
        let reader = if let Finish::Exited(_) = finish {
            let reader = readers.rest().await;
            // It may have left a child process running.
            process.end().await;
            reader
        } else {
            process.end().await;
            readers.rest().await
        };
        let lived = pulse.signs().lived();
        let cause = match finish {
            Finish::Shutdown => return None,
            Finish::Quiet(cause) => cause,
            Finish::Exited(status) => {
                let last = pulse.signs().last().map(|it| it.1);
                match ending::cause_of(reader, status, last, &self.redactor) {
                    Cause::PasswordRefused if !self.camera.address.has_login() => {
                        Cause::LoginWanted
                    }
                    cause => cause,
                }
            }
        };
        Some(Ended { cause, lived, last: pulse.signs().last() })
    }

    /// Watches a run until something ends it.
    async fn watch(
        &mut self,
        process: &mut Process,
        pulse: &Pulse,
        mut heard: watch::Receiver<Heard>,
    ) -> Finish {
        let mut told = None;
        let mut damage = Damage::default();
        let mut look = tokio::time::interval(pulse::WATCH);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                status = process.wait() => return Finish::Exited(status.ok()),
                () = self.shutdown.wait() => return Finish::Shutdown,
                Ok(()) = heard.changed() => {
                    if let Some(cause) = self.hear(&heard.borrow_and_update()) {
                        return Finish::Quiet(cause);
                    }
                }
                _ = look.tick() => {}
            }
            let spoilt = heard.borrow().spoilt;
            let frames = pulse.signs().frames();
            let damaged = damage.look(self.clock.now(), spoilt, frames);
            let says = match self.look(process, pulse, &heard) {
                Beat::Silent(Cause::NothingCame | Cause::StoppedSending(_)) if damaged => {
                    return Finish::Quiet(Cause::Undecodable);
                }
                Beat::Silent(cause) => return Finish::Quiet(cause),
                Beat::Waiting => continue,
                Beat::Alive | Beat::Keyless(_) if damaged => {
                    (State::Offline, Some(Cause::Undecodable))
                }
                Beat::Alive => (State::Live, None),
                Beat::Keyless(state) => (state, Some(Cause::NoKeyFrames)),
            };
            if told.as_ref() != Some(&says) {
                self.announce(says.0, says.1.clone(), None);
                told = Some(says);
            }
        }
    }

    /// Takes note of a message of ffmpeg; returns why the run must end, if it must.
    fn hear(&self, heard: &Heard) -> Option<Cause> {
        if let Some(cause) = &heard.useless {
            return Some(cause.clone());
        }
        let source = heard.source.clone()?;
        let codec = source.video.clone();
        self.status.send_modify(|s| s.source = source);
        let codec = codec.filter(|c| !is_offered(Some(c)) && self.camera.ladder.is_empty())?;
        Some(Cause::CodecNotOffered(codec))
    }

    fn look(&self, process: &Process, pulse: &Pulse, heard: &watch::Receiver<Heard>) -> Beat {
        let mut signs = pulse.signs();
        let load = if signs.asks_load() { process.load() } else { None };
        let heard = heard.borrow();
        let video = heard.source.as_ref().and_then(|s| s.video.as_ref());
        match signs.look(self.clock.now(), load, video) {
            Beat::Silent(Cause::ClockLeapt)
                if self.leapt_early && signs.lived() < backoff::STABLE =>
            {
                Beat::Alive
            }
            beat => beat,
        }
    }

    /// The tracks are always in the order of the renditions; sound is the last.
    fn plan(&self) -> Plan {
        Plan {
            engine: self.camera.engine,
            address: self.camera.address.clone(),
            transport: self.camera.transport,
            reordered: self.reordered,
            tracks: outputs(&self.camera),
        }
    }

    /// Tells the log, the API and the packager. The state holds since `since`: an outage counts
    /// from the last frame, not from when it was noticed.
    fn announce(&mut self, state: State, cause: Option<Cause>, since: Option<(Instant, WallTime)>) {
        let place = self.camera.address.place();
        let now = (self.clock.now(), self.clock.wall());
        let (since, since_wall) = since.unwrap_or(now);
        if let Some(line) = self.news.line(state, cause.as_ref(), &place, now, since) {
            match state {
                State::Offline => tracing::warn!("{}: {line}", self.camera.id),
                _ => tracing::info!("{}: {line}", self.camera.id),
            }
        }
        // This goes into the media, where a count of seconds would not be updated.
        let lasting = cause.as_ref().map(|c| c.lasting(&place)).unwrap_or_default();
        lock(&self.sink).status(SourceStatus { state: state.word(), cause: lasting });
        self.status.send_modify(|s| s.enter(state, cause, since_wall));
    }
}

/// The renditions that an engine makes of a camera, in order.
pub fn outputs(camera: &config::Camera) -> Vec<Output> {
    let mut tracks = vec![Output::Copy];
    tracks.extend(camera.ladder.iter().map(|rung| Output::Encode(*rung)));
    if camera.audio != config::Audio::Off {
        tracks.push(Output::Audio(camera.audio));
    }
    tracks
}

enum Finish {
    Exited(Option<ExitStatus>),
    Quiet(Cause),
    Shutdown,
}

impl Pulse {
    fn signs(&self) -> MutexGuard<'_, Signs> {
        lock(&self.signs)
    }
}

/// Not every browser can show H.265 or another codec of a camera: then only encoded rungs are offered.
fn is_offered(codec: Option<&VideoCodec>) -> bool {
    matches!(codec, None | Some(VideoCodec::H264))
}

/// Reads one track's pipe to its end.
struct Track {
    camera: String,
    track: usize,
    output: Output,
    pipe: pipe::Receiver,
    heard: watch::Receiver<Heard>,
}

impl Track {
    async fn run<S: Sink>(mut self, sink: Arc<Mutex<S>>, pulse: Arc<Pulse>) {
        // Fails if stderr ended before the description; then the pipe ends as well.
        let source = match self.heard.wait_for(|heard| heard.source.is_some()).await {
            Ok(heard) => heard.source.clone(),
            Err(_) => None,
        };
        if let Output::Encode(rung) = &self.output
            && let Some(what) = rung.misfit(source.as_ref().and_then(|s| s.size))
        {
            tracing::warn!("{}: {what}", self.camera);
        }
        // The pipe of a rung that is not offered is read all the same, or ffmpeg would block.
        let give = source.is_none_or(|s| match self.output {
            Output::Copy => is_offered(s.video.as_ref()),
            Output::Encode(_) => true,
            Output::Audio(_) => s.audio.is_some(),
        });
        if !give {
            lock(&sink).leave_out(self.track);
        }
        let mut buffer = vec![0; 64 << 10];
        loop {
            match self.pipe.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(n) if give => {
                    let arrived = pulse.clock.wall();
                    let mut sink = lock(&sink);
                    let bytes = buffer.get(..n).unwrap_or_default();
                    let frame = sink.push(self.track, bytes, arrived);
                    let (ailment, since_key) = (sink.ailment(), sink.since_key());
                    drop(sink);
                    let mut signs = pulse.signs();
                    signs.ails(ailment);
                    if frame {
                        signs.beat(self.track, pulse.clock.now(), arrived);
                        signs.keys(since_key);
                    }
                }
                Ok(_) => {}
            }
        }
    }
}

async fn tick<S: Sink>(sink: Arc<Mutex<S>>, clock: Clock) {
    let mut every = tokio::time::interval(TICK);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        lock(&sink).tick(clock.wall());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// 0..=999, different for each camera and each time.
fn jitter() -> u32 {
    (std::hash::RandomState::new().hash_one(0) % 1000) as u32
}
