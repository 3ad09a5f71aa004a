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
mod camera;
mod setup;
mod slots;
mod text;

pub use setup::{Live, Rung};
pub(super) use text::iso;

use super::{HttpRequest, Origin, Reply, status};
use crate::clock::Time;
use camera::{Camera, Rendition, unix};
use nearlive::time::WallTime;
use std::ops::Range;
use std::rc::Rc;

/// Low-latency DASH of the camera.
pub const LOW_LATENCY: &str = "http://host/cam/index.mpd";

/// Plain DASH of the camera.
pub const PLAIN: &str = "http://host/cam/plain.mpd";

/// HLS of the camera.
pub const HLS: &str = "http://host/cam/index.m3u8";

/// The server.
#[derive(Clone, Debug)]
pub struct LiveServer {
    cam: Rc<Camera>,
}

impl LiveServer {
    /// A server that has run for ten minutes when the run begins.
    pub fn new(live: Live) -> Self {
        Self { cam: Rc::new(Camera::new(live)) }
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
