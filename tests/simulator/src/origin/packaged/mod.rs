//! The server's own packager, store and playlists under the player, without sockets.
//!
//! ```text
//! camera (frames with arrival times) -> Packager -> store -> playlists and growing segments -> Reply
//! ```
//! Time passes when a request comes: all frames that have arrived by then and all ticks go through
//! the packager first, each at its own time, so an hour costs no more than its frames. Answers are
//! those of the server's HTTP: requests for a segment that will begin soon are held, a number that
//! will never exist is 410.

mod camera;

use super::{Head, HttpRequest, Origin, Reply, Step, Timeline, status};
use crate::clock::{Clock, Time, secs};
use crate::payload::Payload;
use camera::{Arrival, Camera, Habits, SOUND};
use nearlive::presentation::date::write_date_time;
use nearlive::time::WallTime;
use nearlive_server::package::Packager;
use nearlive_server::playlist;
use nearlive_server::store::{
    self, Budget, Limits, Lookup, Reader, RenditionKind, RenditionSpec, SourceStatus,
};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

/// The camera's MPD.
pub const MPD: &str = "http://host/demo/index.mpd";

/// Its multivariant playlist.
pub const HLS: &str = "http://host/demo/index.m3u8";

/// How long the camera has run when the run begins.
const AGE_US: i64 = 15_000_000;
/// How often the packager is told the time.
const TICK_US: i64 = 100_000;
/// Without a frame for this long, the engine's run is ended.
const QUIET_US: i64 = 3_000_000;
/// From the camera's return to its stream, and from the start of the process.
const RECONNECT_US: i64 = 1_200_000;
const START_US: i64 = 700_000;
/// How long a manifest is waited for.
const FIRST_MANIFEST: Time = secs(5);

/// What the camera and the server do in a run.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// The seed of all chance: arrival, GOPs off the grid, skipped frames.
    pub seed: u64,
    /// How much too fast the camera's clock is, millionths.
    pub ppm: i64,
    /// When the camera is away.
    pub away: Vec<Range<Time>>,
    /// When its picture changes between two sizes.
    pub resized: Vec<Time>,
    /// When its GOPs have any length from 0.5 to 1.5 s.
    pub off_grid: Vec<Range<Time>>,
    /// When it skips this many of a thousand frames, which shifts its key frames.
    pub skips: Vec<(Range<Time>, u32)>,
    /// When the server's process does not run.
    pub down: Vec<Range<Time>>,
}

/// The server. Clones share it, so that a test can look into it.
#[derive(Clone)]
pub struct PackagedServer {
    world: Rc<RefCell<World>>,
    down: Vec<Range<Time>>,
}

impl PackagedServer {
    /// A server whose camera has been there for 15 s.
    pub fn new(script: Script) -> Self {
        Self { down: script.down.clone(), world: Rc::new(RefCell::new(World::new(&script))) }
    }

    /// What the window holds at `now`, for a test to look at.
    pub fn window(&self, now: Time) -> store::Window {
        let mut world = self.world.borrow_mut();
        world.advance(now);
        world.process.store.window()
    }
}

/// One process of the server.
struct Process {
    store: Arc<store::Camera>,
    packager: Packager,
}

impl Process {
    fn new() -> Self {
        let spec = |id: &str, kind, copied, bps| RenditionSpec {
            id: id.into(),
            kind,
            copied,
            nominal_bps: bps,
        };
        let video = RenditionKind::Video;
        let renditions = vec![
            spec("v0", video, true, None),
            spec("v1", video, false, Some(80_000)),
            spec("v2", video, false, Some(30_000)),
            spec("a0", RenditionKind::Audio, false, Some(16_000)),
        ];
        let budget = Arc::new(Budget::new(64 << 20));
        let store = store::Camera::new(renditions, Limits::default(), budget);
        Self { packager: Packager::new(Arc::clone(&store)), store }
    }
}

/// Camera, server and the link between them; times are Unix microseconds.
struct World {
    camera: Camera,
    process: Process,
    /// Changes with every restart.
    incarnation: u32,
    down: Vec<Range<i64>>,
    /// Frames that have been taken and not arrived, by arrival and order.
    under_way: BTreeMap<(i64, u64), Arrival>,
    order: u64,
    tick: i64,
    shot: Vec<Arrival>,
    /// Whether the engine runs; if not, when it starts.
    run: Result<(), i64>,
    last_frame: i64,
}

fn unix(t: Time) -> i64 {
    Clock::truth(t).as_micros()
}

fn time_of(us: i64) -> Time {
    Clock::time_of(WallTime::from_micros(us))
}

impl World {
    fn new(script: &Script) -> Self {
        let span = |r: &Range<Time>| unix(r.start)..unix(r.end);
        let habits = Habits {
            seed: script.seed,
            ppm: script.ppm,
            away: script.away.iter().map(span).collect(),
            resized: script.resized.iter().map(|t| unix(*t)).collect(),
            off_grid: script.off_grid.iter().map(span).collect(),
            skips: script.skips.iter().map(|(r, n)| (span(r), *n)).collect(),
        };
        let begin = unix(0) - AGE_US;
        Self {
            // Its phase is not a round number.
            camera: Camera::new(habits, begin + 13_377),
            process: Process::new(),
            incarnation: 0,
            down: script.down.iter().map(span).collect(),
            under_way: BTreeMap::new(),
            order: 0,
            tick: begin,
            shot: Vec::new(),
            run: Err(begin + START_US),
            last_frame: begin,
        }
    }

    /// When something happens next.
    fn next(&self) -> Time {
        let arrival = self.under_way.first_key_value().map_or(i64::MAX, |(key, _)| key.0);
        time_of(arrival.min(self.tick))
    }

    fn advance(&mut self, now: Time) {
        let now = unix(now);
        loop {
            let arrival = self.under_way.first_key_value().map_or(i64::MAX, |(key, _)| key.0);
            if arrival.min(self.tick) > now {
                return;
            }
            if self.tick <= arrival {
                self.on_tick();
            } else if let Some((_, arrived)) = self.under_way.pop_first() {
                if arrived.track != SOUND {
                    self.last_frame = arrived.at;
                }
                self.process.packager.give(arrived.track, &mut vec![arrived.frame]);
            }
        }
    }

    fn on_tick(&mut self) {
        let at = self.tick;
        self.tick += TICK_US;
        if let Some(end) = self.down.iter().find(|d| d.contains(&at)).map(|d| d.end) {
            if self.run != Err(end + START_US) {
                self.process = Process::new();
                self.incarnation += 1;
                self.run = Err(end + START_US);
            }
        } else {
            self.supervise(at);
        }
        let mut shot = std::mem::take(&mut self.shot);
        self.camera.shoot(self.tick, &mut shot);
        for arrival in shot.drain(..).filter(|_| self.run.is_ok()) {
            self.order += 1;
            self.under_way.insert((arrival.at, self.order), arrival);
        }
        self.shot = shot;
        self.process.packager.tick(WallTime::from_micros(at));
    }

    /// The actions of the server's supervisor that the packager notices.
    fn supervise(&mut self, at: i64) {
        let away = self.camera.is_away(at);
        let packager = &mut self.process.packager;
        match self.run {
            Ok(()) if at - self.last_frame > QUIET_US => {
                self.under_way.clear();
                self.run = Err(at + RECONNECT_US);
                let cause = "the camera stopped sending".to_owned();
                packager.status(SourceStatus { state: "offline", cause });
            }
            // The camera is asked repeatedly while it is away.
            Err(_) if away => self.run = Err(at + RECONNECT_US),
            Err(then) if then <= at => {
                self.under_way.clear();
                self.run = Ok(());
                self.last_frame = at;
                self.camera.begin_run();
                packager.begin_run(WallTime::from_micros(at));
                packager.status(SourceStatus { state: "live", cause: String::new() });
            }
            _ => {}
        }
    }
}

impl Origin for PackagedServer {
    fn open(&mut self, now: Time, request: &HttpRequest) -> Box<dyn Reply> {
        let path: Vec<&str> = request.path().split('/').skip(1).collect();
        let text = |kind, make: fn(&store::Window, &str) -> Option<String>, what: &str| {
            let (what, request) = (what.to_owned(), request.clone());
            let world = Rc::clone(&self.world);
            Box::new(Manifest {
                world,
                until: now + FIRST_MANIFEST,
                request,
                kind,
                make,
                what,
                reply: None,
            })
        };
        match path.as_slice() {
            ["time"] => {
                let head = Head::new(200, "text/plain");
                Box::new(Timeline::answer(now, request, head, write_date_time(Clock::truth(now))))
            }
            ["demo", "index.mpd"] => text(DASH, |w, _| Some(playlist::mpd(w)), ""),
            ["demo", "index.m3u8"] => text(M3U8, |w, _| Some(playlist::multivariant(w)), ""),
            ["demo", name] if name.ends_with(".m3u8") => {
                text(M3U8, playlist::media, name.trim_end_matches(".m3u8"))
            }
            ["demo", period, rendition, "init.mp4"] => {
                let mut world = self.world.borrow_mut();
                world.advance(now);
                let ms = period.parse().unwrap_or(0);
                match world.process.store.init(ms, rendition) {
                    Some(init) => {
                        let head = Head::new(200, "video/mp4");
                        Box::new(Timeline::answer(now, request, head, init.to_vec()))
                    }
                    None => status(now, 404),
                }
            }
            ["demo", period, rendition, name] => {
                let number = name.strip_suffix(".m4s").and_then(|n| n.parse().ok());
                let (Some(number), Ok(ms)) = (number, period.parse()) else {
                    return status(now, 404);
                };
                let mut world = self.world.borrow_mut();
                world.advance(now);
                let slot = world.process.store.window().periods.last().map(|p| p.duration_us);
                Box::new(Media {
                    incarnation: world.incarnation,
                    world: Rc::clone(&self.world),
                    wanted: (ms, (*rendition).to_owned(), number),
                    request: request.clone(),
                    until: now + slot.unwrap_or(1_000_000).saturating_mul(2),
                    state: State::Waiting,
                })
            }
            _ => status(now, 404),
        }
    }

    fn anchor(&self) -> Option<WallTime> {
        Some(WallTime::from_micros(0))
    }

    fn rung(&self, url: &str) -> Option<u8> {
        let rendition = url.rsplit('/').nth(1)?;
        if url.ends_with("init.mp4") {
            return None;
        }
        2u8.checked_sub(rendition.strip_prefix('v')?.parse().ok()?)
    }

    fn down(&self) -> &[Range<Time>] {
        &self.down
    }
}

const DASH: &str = "application/dash+xml";
const M3U8: &str = "application/vnd.apple.mpegurl";

/// A manifest; the request waits while there is none.
struct Manifest {
    world: Rc<RefCell<World>>,
    until: Time,
    request: HttpRequest,
    kind: &'static str,
    make: fn(&store::Window, &str) -> Option<String>,
    what: String,
    reply: Option<Box<dyn Reply>>,
}

impl Reply for Manifest {
    fn poll(&mut self, now: Time) -> Step {
        if self.reply.is_none() {
            let mut world = self.world.borrow_mut();
            world.advance(now);
            let store = &world.process.store;
            self.reply = if store.is_ready() {
                Some(match (self.make)(&store.window(), &self.what) {
                    Some(text) => {
                        let head = Head::new(200, self.kind);
                        Box::new(Timeline::answer(now, &self.request, head, text))
                    }
                    None => status(now, 404),
                })
            } else if now >= self.until {
                Some(status(now, 503))
            } else {
                return Step::Later(world.next().clamp(now + 1, self.until));
            };
        }
        self.reply.as_mut().map_or(Step::End, |r| r.poll(now))
    }
}

/// A segment: held, growing or whole.
struct Media {
    world: Rc<RefCell<World>>,
    incarnation: u32,
    wanted: (u64, String, u64),
    request: HttpRequest,
    until: Time,
    state: State,
}

enum State {
    Waiting,
    /// It is sent as it grows; this many chunks have been sent.
    Growing(Reader, usize),
    Answered(Box<dyn Reply>),
}

impl Reply for Media {
    fn poll(&mut self, now: Time) -> Step {
        let mut world = self.world.borrow_mut();
        world.advance(now);
        if world.incarnation != self.incarnation {
            return Step::Cut;
        }
        let later = Step::Later(world.next().max(now + 1));
        if matches!(self.state, State::Waiting) {
            let (ms, rendition, number) = &self.wanted;
            let found = world.process.store.segment(*ms, rendition, *number);
            self.state = match found {
                Lookup::Found(reader) => match reader.complete() {
                    Some(chunks) => {
                        let mut body = Payload::default();
                        chunks.iter().for_each(|c| body.append(payload(c)));
                        let head = Head::new(200, "video/mp4");
                        State::Answered(Box::new(Timeline::answer(now, &self.request, head, body)))
                    }
                    None => {
                        self.state = State::Growing(reader, 0);
                        return Step::Head(Head::new(200, "video/mp4"));
                    }
                },
                Lookup::Soon if now < self.until => return later,
                Lookup::Gone | Lookup::Never => State::Answered(status(now, 410)),
                Lookup::Soon | Lookup::Unknown => State::Answered(status(now, 404)),
            };
        }
        match &mut self.state {
            State::Waiting => later,
            State::Answered(reply) => reply.poll(now),
            State::Growing(reader, sent) => {
                let is_complete = reader.complete().is_some();
                let chunks = reader.so_far();
                let Some(fresh) = chunks.get(*sent..).filter(|c| !c.is_empty()) else {
                    return if is_complete { Step::End } else { later };
                };
                let mut body = Payload::default();
                fresh.iter().for_each(|c| body.append(payload(c)));
                *sent = chunks.len();
                Step::Data(body)
            }
        }
    }
}

/// A chunk, whose media data are zeros at its end.
fn payload(chunk: &[u8]) -> Payload {
    let zeros = chunk.iter().rev().take_while(|b| **b == 0).count();
    let mut payload = Payload::default();
    let head = chunk.get(..chunk.len() - zeros).unwrap_or_default();
    payload.append_media(head, crate::payload::count(zeros));
    payload
}
