//! A camera's server, live: the design's "Time" contract, as a function of the clock.
//!
//! Presentation time is Unix time, `$Number$` is Unix time over the segment's length, one chunk a
//! frame with its capture time in `prft`, requests for what is about to begin are held. While the
//! camera is away its last key frame stands for a whole segment at a time, with silence; when it comes
//! back a new Period begins. A restart of the process loses the window.
//!
//! | path | what |
//! |---|---|
//! | `/cam/index.mpd` | low-latency DASH |
//! | `/cam/plain.mpd` | DASH as ffmpeg writes it: SegmentTimeline, `$Time$`, whole segments, time from zero |
//! | `/cam/index.m3u8`, `/cam/v0.m3u8` ... `/cam/a.m3u8` | HLS of the same segments, whole |
//! | `/cam/{period ms}/{rendition}/init.mp4`, `{number}.m4s`, `t{ticks}.m4s` | media |
//! | `/time` | the clock |

mod answers;
mod slots;
mod text;

pub(super) use text::iso;

use super::cmaf::{Kind, Packer};
use super::{HttpRequest, Origin, Reply, status};
use crate::clock::{Clock, Time, millis, secs};
use nearlive::time::WallTime;
use std::ops::Range;
use std::rc::Rc;

/// Low-latency DASH of the camera.
pub const LOW_LATENCY: &str = "http://host/cam/index.mpd";

/// Plain DASH of the camera.
pub const PLAIN: &str = "http://host/cam/plain.mpd";

/// HLS of the camera.
pub const HLS: &str = "http://host/cam/index.m3u8";

/// One rung of the ladder.
#[derive(Clone, Copy, Debug)]
pub struct Rung {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Kilobits a second.
    pub kbps: u32,
    /// A frame is at the server so long after its capture.
    pub hold: Time,
}

/// How the camera and its server are, over the whole run.
#[derive(Clone, Debug)]
pub struct Live {
    /// From a frame to the next; divides the segment.
    pub frame: Time,
    /// The nominal duration of segments, which is the length of a GOP; whole seconds.
    pub segment: Time,
    /// Lowest first.
    pub rungs: Vec<Rung>,
    /// Whether there is sound.
    pub audio: bool,
    /// Frames of sound in a chunk.
    pub audio_frames: u64,
    /// Frames arrive up to so much later than their hold.
    pub jitter: Time,
    /// When the camera is away.
    pub away: Vec<Range<Time>>,
    /// When the server's process does not run.
    pub down: Vec<Range<Time>>,
    /// When the camera's encoder changes its profile, and a new Period begins.
    pub changes: Vec<Time>,
    /// Segments that begin in these times do not exist.
    pub lost: Vec<Range<Time>>,
    /// Frames captured in these times never arrived.
    pub missing: Vec<Range<Time>>,
    /// In these times the encoder is short of processor time: it takes so many thousandths of real
    /// time for each frame, and works the arrears off afterwards.
    pub starved: Vec<(Range<Time>, u32)>,
    /// How far back segments are kept.
    pub depth: Time,
    /// What ServiceDescription asks for.
    pub target: Option<Time>,
    /// `minimumUpdatePeriod`; `None` leaves it out.
    pub refresh: Option<Time>,
    /// Requests for the next segment are held, not refused.
    pub holds: bool,
    /// There is a `UTCTiming` that points at `/time`.
    pub clock: bool,
    /// Media times count from the start of the first Period, as ffmpeg's do.
    pub zero_based: bool,
    /// The picture says how the camera is: each still that stands in, and then each segment of the
    /// same process.
    pub speaks: bool,
}

impl Default for Live {
    fn default() -> Self {
        let rung = |width, height, kbps, hold| Rung { width, height, kbps, hold: millis(hold) };
        Self {
            frame: millis(40),
            segment: secs(1),
            rungs: vec![
                rung(320, 180, 300, 70),
                rung(640, 360, 800, 70),
                rung(1280, 720, 2500, 45),
            ],
            audio: true,
            audio_frames: 1,
            jitter: millis(8),
            away: Vec::new(),
            down: Vec::new(),
            changes: Vec::new(),
            lost: Vec::new(),
            missing: Vec::new(),
            starved: Vec::new(),
            depth: secs(60),
            target: None,
            refresh: Some(secs(2)),
            holds: true,
            clock: true,
            zero_based: false,
            speaks: false,
        }
    }
}

/// A Period. Times are Unix microseconds.
#[derive(Clone, Debug)]
struct Period {
    start: i64,
    /// Where the next one begins.
    end: Option<i64>,
    /// From then on the server knows of it.
    known: Time,
    first_number: u64,
    other_profile: bool,
}

impl Period {
    fn id(&self) -> i64 {
        self.start / 1000
    }
}

/// The server.
#[derive(Clone, Debug)]
pub struct LiveServer {
    cam: Rc<Camera>,
}

#[derive(Debug)]
struct Camera {
    live: Live,
    periods: Vec<Period>,
    video: [Vec<Packer>; 2],
    audio: Packer,
}

impl LiveServer {
    /// A server that has run for ten minutes when the run begins.
    pub fn new(live: Live) -> Self {
        let kinds = |other: bool| {
            let kind = move |r: &Rung| match other {
                true => Kind::OtherVideo { width: r.width, height: r.height },
                false => Kind::Video { width: r.width, height: r.height },
            };
            live.rungs.iter().map(|r| Packer::new(kind(r))).collect::<Vec<_>>()
        };
        let video = [kinds(false), kinds(true)];
        let periods = periods(&live);
        Self { cam: Rc::new(Camera { live, periods, video, audio: Packer::new(Kind::Audio) }) }
    }
}

/// Unix microseconds of a time of the run.
fn unix(t: Time) -> i64 {
    Clock::truth(t).as_micros()
}

/// The time of the run at Unix microseconds; 0 before it.
fn time_of(us: i64) -> Time {
    Clock::time_of(WallTime::from_micros(us))
}

fn signed(t: Time) -> i64 {
    i64::try_from(t).unwrap_or(i64::MAX)
}

/// Periods begin with the stream, after each absence, after each restart, and where the encoder
/// changes.
fn periods(live: &Live) -> Vec<Period> {
    let frame = signed(live.frame);
    let next_frame = |t: Time| (unix(t) + frame - 1).div_euclid(frame) * frame;
    let mut starts: Vec<(i64, bool)> = Vec::new();
    starts.extend(live.away.iter().map(|a| (next_frame(a.end), false)));
    // After a restart the camera has to be asked for its stream again.
    starts.extend(live.down.iter().map(|d| (next_frame(d.end + RECONNECT), false)));
    starts.extend(live.changes.iter().map(|c| (next_frame(*c), true)));
    starts.retain(|(at, _)| !live.away.iter().any(|a| (unix(a.start)..unix(a.end)).contains(at)));
    starts.sort_unstable();
    starts.dedup_by_key(|s| s.0);
    let first = (unix(0) - signed(AGE)).div_euclid(signed(live.segment)) * signed(live.segment);
    let mut all = vec![(first, false)];
    all.extend(starts);
    let hold = live.rungs.iter().map(|r| r.hold).max().unwrap_or(0) + live.jitter;
    let mut other_profile = false;
    let mut periods: Vec<Period> = Vec::new();
    for (i, (start, change)) in all.iter().enumerate() {
        other_profile ^= change;
        periods.push(Period {
            start: *start,
            end: all.get(i + 1).map(|n| n.0),
            known: if i == 0 { 0 } else { time_of(*start) + hold },
            first_number: u64::try_from(start.div_euclid(signed(live.segment))).unwrap_or(0),
            other_profile,
        });
    }
    periods
}

/// How long the server has run when the run begins.
const AGE: Time = secs(600);

/// From the start of the process to the camera's first frame.
const RECONNECT: Time = millis(700);

/// A picture's absence is noticed after this time.
const VIDEO_NOTICED: Time = millis(500);

/// A sound's absence is noticed after this time.
const AUDIO_NOTICED: Time = millis(300);

impl Camera {
    /// Periods that the server knows of: those of the running process, begun.
    fn known(&self, now: Time) -> impl DoubleEndedIterator<Item = &Period> {
        let boot = self.live.down.iter().map(|d| d.end).filter(|end| *end <= now).max();
        let born = boot.map_or(i64::MIN, unix);
        self.periods.iter().filter(move |p| p.known <= now && p.start >= born)
    }

    fn packer(&self, period: &Period, rendition: Rendition) -> Option<&Packer> {
        match rendition {
            Rendition::Audio => Some(&self.audio).filter(|_| self.live.audio),
            Rendition::Video(i) => {
                let [usual, other] = &self.video;
                if period.other_profile { other } else { usual }.get(i)
            }
        }
    }

    /// Where media times count from, Unix microseconds.
    fn epoch(&self) -> i64 {
        match self.periods.first() {
            Some(first) if self.live.zero_based => first.start,
            _ => 0,
        }
    }
}

/// A rendition of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rendition {
    Video(usize),
    Audio,
}

impl Rendition {
    fn read(name: &str) -> Option<Self> {
        if name == "a" {
            return Some(Self::Audio);
        }
        name.strip_prefix('v')?.parse().ok().map(Self::Video)
    }

    fn name(self) -> String {
        match self {
            Self::Video(i) => format!("v{i}"),
            Self::Audio => "a".into(),
        }
    }
}

impl Origin for LiveServer {
    fn open(&mut self, now: Time, request: &HttpRequest) -> Box<dyn Reply> {
        let path: Vec<&str> = request.path().split('/').skip(1).collect();
        let text = |kind: &str, text: Option<String>| answers::text(now, request, kind, text);
        match path.as_slice() {
            ["time"] => text("text/plain", Some(text::iso(unix(now)))),
            ["cam", "index.mpd"] => text(MPD, self.cam.low_latency_mpd(now)),
            ["cam", "plain.mpd"] => text(MPD, self.cam.plain_mpd(now)),
            ["cam", "index.m3u8"] => text(M3U8, self.cam.multivariant(now)),
            ["cam", list] if list.ends_with(".m3u8") => {
                let rendition = list.strip_suffix(".m3u8").and_then(Rendition::read);
                text(M3U8, rendition.and_then(|r| self.cam.media_playlist(now, r)))
            }
            ["cam", period, rendition, name] => {
                answers::media(&self.cam, now, request, (period, rendition, name))
            }
            _ => status(now, 404),
        }
    }

    fn anchor(&self) -> Option<WallTime> {
        Some(WallTime::from_micros(self.cam.epoch()))
    }

    fn rung(&self, url: &str) -> Option<u8> {
        let rendition = url.rsplit('/').nth(1)?;
        match Rendition::read(rendition)? {
            Rendition::Video(i) if !url.ends_with("init.mp4") => u8::try_from(i).ok(),
            _ => None,
        }
    }

    fn down(&self) -> &[Range<Time>] {
        &self.cam.live.down
    }
}

const MPD: &str = "application/dash+xml";
const M3U8: &str = "application/vnd.apple.mpegurl";
