//! Feeds the packager what a real encoder wrote, in virtual time.

use nearlive::media::ts::{Demuxer, Event};
use nearlive::time::WallTime;
use nearlive_server::package::Packager;
use nearlive_server::store::{Budget, Camera, Limits, RenditionKind, RenditionSpec};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

/// When the virtual clock starts: nothing about it is round.
const START_US: i64 = 1_795_000_123_377_215;
/// From capture to arrival.
const DELAY_US: i64 = 55_000;
const NAMES: [&str; 3] = ["v0", "v1", "a0"];

/// A camera's stream, cut into the packets that its frames arrive in.
pub(crate) struct Feed {
    /// What is written into.
    pub(crate) camera: Arc<Camera>,
    /// What is tested.
    pub(crate) packager: Packager,
    /// Per track: (timestamp in ms, bytes).
    tracks: Vec<Vec<(i64, Vec<u8>)>>,
    muted: [bool; 3],
    now_us: i64,
    /// UTC of the stream's zero in the current stretch.
    zero_us: i64,
}

impl Feed {
    /// A stream of `seconds`, GOP 1 s, 25 fps, two video renditions and sound.
    pub(crate) fn new(seconds: u32) -> Self {
        Self::with_window(seconds, 60)
    }

    /// The same with a window of `window` seconds.
    pub(crate) fn with_window(seconds: u32, window: u64) -> Self {
        let (camera, packager) = server(window);
        let tracks = encode(seconds);
        let muted = [false; 3];
        let mut feed = Self { camera, packager, tracks, muted, now_us: START_US, zero_us: 0 };
        feed.packager.begin_run(feed.now());
        feed
    }

    /// Another process of the server takes over at once.
    pub(crate) fn restart(&mut self) {
        (self.camera, self.packager) = server(60);
        self.packager.begin_run(self.now());
    }

    /// The virtual time.
    pub(crate) fn now(&self) -> WallTime {
        WallTime::from_micros(self.now_us)
    }

    /// When the frame at `ms` of the stream was captured, in the current stretch.
    pub(crate) fn captured_us(&self, ms: i64) -> i64 {
        self.zero_us + ms * 1000
    }

    /// Lets a track of the stream arrive or not: 0 video, 1 sound.
    pub(crate) fn mute(&mut self, what: usize, muted: bool) {
        if what == 1 { self.muted[2] = muted } else { self.muted = [muted, muted, self.muted[2]] }
    }

    /// What the stream holds from `from` to `to` (ms) arrives, each frame when its time has come.
    pub(crate) fn play(&mut self, from: i64, to: i64) {
        self.zero_us = self.now_us - DELAY_US - from * 1000;
        let mut events: Vec<(i64, usize, usize)> = Vec::new();
        for (t, frames) in self.tracks.iter().enumerate() {
            for (i, (ms, _)) in frames.iter().enumerate().filter(|(_, f)| f.0 >= from && f.0 < to) {
                // A transcoded rung comes a little later.
                let at = self.zero_us + ms * 1000 + DELAY_US + [0, 9_000, 3_000][t];
                events.push((at, t, i));
            }
        }
        events.sort_unstable();
        let end = self.now_us + (to - from) * 1000;
        for (at, track, i) in events {
            self.idle_until(at.min(end));
            if !self.muted[track] {
                let bytes = &self.tracks[track][i].1;
                self.packager.push(track, bytes, WallTime::from_micros(at));
            }
        }
        self.idle_until(end);
    }

    /// Nothing comes for `ms`.
    pub(crate) fn idle(&mut self, ms: i64) {
        self.idle_until(self.now_us + ms * 1000);
    }

    /// The machine sleeps for `ms`, or its clock is set.
    pub(crate) fn sleep(&mut self, ms: i64) {
        self.now_us += ms * 1000;
        self.packager.tick(self.now());
    }

    fn idle_until(&mut self, until: i64) {
        while self.now_us / 100_000 < until / 100_000 {
            self.now_us = (self.now_us / 100_000 + 1) * 100_000;
            self.packager.tick(WallTime::from_micros(self.now_us));
        }
        self.now_us = self.now_us.max(until);
    }
}

/// A store and its packager.
fn server(window: u64) -> (Arc<Camera>, Packager) {
    let spec =
        |id: &str, kind, copied| RenditionSpec { id: id.into(), kind, copied, nominal_bps: None };
    let renditions = vec![
        spec("v0", RenditionKind::Video, true),
        spec("v1", RenditionKind::Video, false),
        spec("a0", RenditionKind::Audio, false),
    ];
    let limits = Limits { window: Duration::from_secs(window), bytes: 64 << 20 };
    let camera = Camera::new(renditions, limits, Arc::new(Budget::new(256 << 20)));
    let packager = Packager::new(Arc::clone(&camera));
    (camera, packager)
}

/// Encodes with ffmpeg as the engine does, and splits each transport stream at its PES packets.
fn encode(seconds: u32) -> Vec<Vec<(i64, Vec<u8>)>> {
    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let dir = dir.join(format!("package-{}-{seconds}", unique()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = |name: &str| dir.join(format!("{name}.ts")).to_str().unwrap().to_owned();
    let t = seconds.to_string();
    let video = "-c:v libx264 -preset ultrafast -tune zerolatency -g 25 -bf 0 -sc_threshold 0";
    let ts = "-f mpegts -muxdelay 0 -muxpreload 0 -flush_packets 1";
    let mut args: Vec<String> = Vec::new();
    let mut add = |s: &str| args.extend(s.split_whitespace().map(str::to_owned));
    add("-hide_banner -loglevel error -nostdin -y");
    add(&format!("-f lavfi -t {t} -i testsrc2=size=320x180:rate=25"));
    add(&format!("-f lavfi -t {t} -i sine=frequency=440:sample_rate=8000"));
    add(&format!("-map 0:v {video} {ts} -omit_video_pes_length 0 {}", path("v0")));
    add(&format!("-map 0:v -vf scale=-2:90 {video} {ts} -omit_video_pes_length 0 {}", path("v1")));
    add(&format!("-map 1:a -c:a aac -ar 48000 -ac 1 {ts} -pes_payload_size 0 {}", path("a0")));
    let done = Command::new("ffmpeg").args(&args).status().expect("ffmpeg runs");
    assert!(done.success());
    let tracks = NAMES.map(|n| split(&std::fs::read(path(n)).unwrap())).to_vec();
    std::fs::remove_dir_all(&dir).unwrap();
    tracks
}

fn unique() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static N: AtomicU32 = AtomicU32::new(0);
    format!("{}-{}", std::process::id(), N.fetch_add(1, Ordering::Relaxed))
}

/// Packets up to and with the one that completes a PES, each with the PES's time in ms.
fn split(ts: &[u8]) -> Vec<(i64, Vec<u8>)> {
    let mut demuxer = Demuxer::new();
    let (mut out, mut held, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for packet in ts.chunks(188) {
        held.extend_from_slice(packet);
        demuxer.push(packet, &mut events);
        for event in events.drain(..) {
            if let Event::Unit(unit) = event {
                let pts = unit.pts.unwrap();
                let pts = if pts > 1 << 32 { pts - (1 << 33) } else { pts };
                out.push((pts / 90, std::mem::take(&mut held)));
            }
        }
    }
    out
}
