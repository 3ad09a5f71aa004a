//! A server of HLS as small packagers write it: MPEG-TS with muxed sound (ffmpeg's default), or fMP4
//! with sound apart; live, growing (EVENT), on demand; with encoders that start again as they like.
//!
//! `/live/v0.m3u8`, `/live/v1.m3u8` ..., `/live/a.m3u8` where the sound is apart, and
//! `/live/index.m3u8`, which lists them; `/live/{rendition}/{run}-{n}.ts` or `.m4s`.

use super::cmaf::{AUDIO_FRAME, Kind, Packer};
use super::ts::{self, Unit};
use super::{Head, HttpRequest, Origin, Reply, Timeline, status};
use crate::clock::{NEVER, Time, millis, secs};
use crate::payload::Payload;
use std::fmt::Write as _;
use std::ops::Range;

/// The only variant's list, as ffmpeg writes it.
pub const LIST: &str = "http://host/live/v0.m3u8";

/// All variants.
pub const INDEX: &str = "http://host/live/index.m3u8";

/// How the segments are wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// MPEG-TS with the sound in it.
    Ts,
    /// fMP4 with the sound in a list of its own.
    Mp4,
}

/// One run of the encoder.
#[derive(Clone, Debug)]
pub struct Run {
    /// When its first frame is made; may be before the page opens.
    pub from: i64,
    /// When it dies: unfinished segments are never listed.
    pub until: Time,
    /// The number of its first segment; `None`: numbers go on.
    pub number: Option<u64>,
    /// The time stamp of its first frame, milliseconds.
    pub clock_ms: u64,
    /// `EXT-X-DISCONTINUITY` before it.
    pub tag: bool,
    /// Segments listed before stay listed.
    pub keeps: bool,
    /// The sound begins this much later: its list is that far behind, milliseconds.
    pub sound_later_ms: u64,
}

impl Run {
    /// A run that began this long before the page opens, and does not end.
    pub const fn since(seconds: i64) -> Self {
        Self {
            from: -seconds * 1_000_000,
            until: NEVER,
            number: None,
            clock_ms: 1400,
            tag: false,
            keeps: true,
            sound_later_ms: 0,
        }
    }

    /// A run that begins at this time as a restarted ffmpeg does: numbers and times from the start,
    /// no tag, a new list.
    pub fn anew(from: Time) -> Self {
        let from = i64::try_from(from).unwrap_or(i64::MAX);
        Self { from, number: Some(0), keeps: false, ..Self::since(0) }
    }
}

/// A temporary fault of the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// They list nothing.
    Empty,
    /// They are a page of HTML.
    Html,
    /// They have no bytes at all.
    Nothing,
    /// They are cut off in the middle of a line.
    CutOff,
    /// They stay as they were at the moment at which this began.
    Frozen,
    /// They are this much older than they should be.
    Old(Time),
}

/// A broadcast.
#[derive(Clone, Debug)]
pub struct Broadcast {
    /// How it is wrapped.
    pub form: Form,
    /// Length of a segment.
    pub segment: Time,
    /// Segments listed; `usize::MAX`: all.
    pub window: usize,
    /// `EXT-X-PLAYLIST-TYPE:EVENT`.
    pub event: bool,
    /// `EXT-X-ENDLIST` from then on, and no more segments.
    pub ends: Time,
    /// Without it again from then on; runs that begin after the end are listed.
    pub resumes: Time,
    /// `EXT-X-TARGETDURATION`, where it is not what it should be.
    pub target_s: Option<u64>,
    /// Runs of the encoder, by their start.
    pub runs: Vec<Run>,
    /// Kilobits a second of each variant.
    pub kbps: Vec<u64>,
    /// The lists of variants number their segments from this much more.
    pub skew: Vec<u64>,
    /// Times of a run in which there is no sound, milliseconds.
    pub silent: Vec<Range<u64>>,
    /// Times of a run in which there is no picture, milliseconds.
    pub blind: Vec<Range<u64>>,
    /// Faults of the lists, and their times.
    pub wrong: Vec<(Range<Time>, Wrong)>,
}

impl Default for Broadcast {
    fn default() -> Self {
        Self {
            form: Form::Ts,
            segment: secs(2),
            window: 5,
            event: false,
            ends: NEVER,
            resumes: NEVER,
            target_s: None,
            runs: vec![Run::since(20)],
            kbps: vec![300],
            skew: Vec::new(),
            silent: Vec::new(),
            blind: Vec::new(),
            wrong: Vec::new(),
        }
    }
}

impl Broadcast {
    /// This many segments on demand.
    pub fn on_demand(segments: i64, segment: Time) -> Self {
        let length = i64::try_from(segment).unwrap_or(0) * segments;
        Self {
            segment,
            window: usize::MAX,
            ends: 0,
            runs: vec![Run { from: -length, ..Run::since(0) }],
            ..Self::default()
        }
    }
}

/// A segment that is listed.
#[derive(Clone, Copy, Debug)]
struct Listed {
    run: usize,
    index: u64,
    number: u64,
    tag: bool,
    /// Discontinuity sequence.
    discontinuities: u64,
}

/// The server.
#[derive(Clone, Debug)]
pub struct BroadcastServer {
    live: Broadcast,
    video: Vec<Packer>,
    audio: Packer,
}

impl BroadcastServer {
    /// Of this broadcast.
    pub fn new(live: Broadcast) -> Self {
        let size = |i: usize| {
            let (width, height) = size(i);
            Packer::new(Kind::Video { width, height })
        };
        let video = (0..live.kbps.len()).map(size).collect();
        Self { live, video, audio: Packer::new(Kind::Audio) }
    }

    fn listed(&self, now: Time, sound: bool) -> Vec<Listed> {
        let live = &self.live;
        let mut all: Vec<Listed> = Vec::new();
        let (mut next, mut discontinuities) = (0, 0);
        for (run, r) in live.runs.iter().enumerate() {
            let later = if sound { millis(r.sound_later_ms) } else { 0 };
            let from = r.from + i64::try_from(later).unwrap_or(0);
            let started_later = u64::try_from(r.from).is_ok_and(|from| from >= live.ends);
            let end =
                i64::try_from(now.min(r.until).min(if started_later { NEVER } else { live.ends }))
                    .unwrap_or(i64::MAX);
            let made = u64::try_from(end - from).unwrap_or(0) / live.segment;
            if made == 0 {
                continue;
            }
            if !r.keeps {
                all.clear();
            }
            if let Some(number) = r.number {
                next = number;
            }
            for index in 0..made {
                let tag = r.tag && index == 0;
                discontinuities += u64::from(tag);
                all.push(Listed { run, index, number: next, tag, discontinuities });
                next += 1;
            }
        }
        let surplus = all.len().saturating_sub(live.window);
        all.drain(..surplus);
        all
    }

    fn list(&self, mut now: Time, name: &str) -> (&'static str, String) {
        const TYPE: &str = "application/vnd.apple.mpegurl";
        let wrong = self.live.wrong.iter().find(|w| w.0.contains(&now));
        match wrong {
            Some((_, Wrong::Html)) => {
                return ("text/html", "<!doctype html><p>Back soon".into());
            }
            Some((_, Wrong::Nothing)) => return (TYPE, String::new()),
            Some((span, Wrong::Frozen)) => now = span.start,
            Some((_, Wrong::Old(by))) => now = now.saturating_sub(*by),
            _ => {}
        }
        let mut text = self.written(now, name, wrong.is_some_and(|w| w.1 == Wrong::Empty));
        if wrong.is_some_and(|w| w.1 == Wrong::CutOff) {
            text.truncate(text.len() * 2 / 3);
        }
        (TYPE, text)
    }

    fn written(&self, now: Time, name: &str, empty: bool) -> String {
        let live = &self.live;
        let mut list = self.listed(now, name == "a");
        if empty {
            list.clear();
        }
        let rung: usize = name.trim_start_matches('v').parse().unwrap_or(0);
        let skew = live.skew.get(rung).copied().unwrap_or(0);
        let first = list.first();
        let mut s = format!(
            "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:{}\n",
            live.target_s.unwrap_or_else(|| live.segment.div_ceil(secs(1))),
            first.map_or(0, |l| l.number + skew),
        );
        // Writing to a String cannot fail.
        let before = first.map_or(0, |l| l.discontinuities - u64::from(l.tag));
        if before > 0 {
            let _ = writeln!(s, "#EXT-X-DISCONTINUITY-SEQUENCE:{before}");
        }
        if live.event {
            s.push_str("#EXT-X-PLAYLIST-TYPE:EVENT\n");
        }
        let suffix = match live.form {
            Form::Ts => "ts",
            Form::Mp4 => {
                let _ = writeln!(s, "#EXT-X-MAP:URI=\"{name}/init.mp4\"");
                "m4s"
            }
        };
        for l in &list {
            if l.tag {
                s.push_str("#EXT-X-DISCONTINUITY\n");
            }
            let us = live.segment;
            let _ = writeln!(s, "#EXTINF:{}.{:06},", us / 1_000_000, us % 1_000_000);
            let _ = writeln!(s, "{name}/{}-{}.{suffix}", l.run, l.index);
        }
        if (live.ends..live.resumes).contains(&now) {
            s.push_str("#EXT-X-ENDLIST\n");
        }
        s
    }

    fn index(&self) -> String {
        let mut s = String::from("#EXTM3U\n#EXT-X-VERSION:6\n");
        let apart = self.live.form == Form::Mp4;
        if apart {
            s.push_str(
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"live\",DEFAULT=YES,URI=\"a.m3u8\"\n",
            );
        }
        for (i, kbps) in self.live.kbps.iter().enumerate() {
            let (width, height) = size(i);
            let codecs = match self.video.get(i).filter(|_| apart) {
                Some(packer) => {
                    format!(",CODECS=\"{},mp4a.40.2\",AUDIO=\"a\"", packer.codecs())
                }
                None => ",CODECS=\"avc1.42c01e,mp4a.40.2\"".into(),
            };
            let _ = writeln!(
                s,
                "#EXT-X-STREAM-INF:BANDWIDTH={},RESOLUTION={width}x{height}{codecs}\nv{i}.m3u8",
                kbps * 1000 + 64_000,
            );
        }
        s
    }

    /// A segment that has been made by `now`.
    fn segment(&self, now: Time, name: &str, run: usize, index: u64) -> Option<Payload> {
        let live = &self.live;
        let r = live.runs.get(run)?;
        let end = i64::try_from(live.segment * (index + 1)).ok()? + r.from;
        if end > i64::try_from(now.min(r.until)).ok()? {
            return None;
        }
        let (from, to) = (live.segment * index / 1000, live.segment * (index + 1) / 1000);
        if name == "a" {
            return Some(self.sound_apart(r, from, to));
        }
        let rung: usize = name.strip_prefix('v')?.parse().ok()?;
        let size = usize::try_from(live.kbps.get(rung)? * 40 / 8).ok()?;
        let pictures: Vec<Unit> = (from.div_ceil(40)..to.div_ceil(40))
            .map(|n| n * 40)
            .filter(|ms| !live.blind.iter().any(|b| b.contains(ms)))
            .map(|ms| {
                let sync = ms < from + 40;
                Unit { pts: (r.clock_ms + ms) * 90, size: if sync { 2 * size } else { size }, sync }
            })
            .collect();
        if live.form == Form::Mp4 {
            let frame = |u: &Unit| (u.pts, 3600, u32::try_from(u.size).unwrap_or(0), u.sync);
            let frames: Vec<_> = pictures.iter().map(frame).collect();
            return Some(self.video.get(rung)?.chunk(&frames, None));
        }
        let start = r.clock_ms * 90;
        let mut sound = ts::sound(start, start + from * 90, start + to * 90, 120);
        sound.retain(|u| {
            let ms = (u.pts - start) / 90;
            !live.silent.iter().any(|s| s.contains(&ms))
        });
        Some(ts::segment(crate::origin::broadcast::size(rung), &pictures, &sound).into())
    }

    fn sound_apart(&self, r: &Run, from: u64, to: u64) -> Payload {
        let frame = u64::from(AUDIO_FRAME);
        let number = |ms: u64| (ms * 48).div_ceil(frame);
        let start = r.clock_ms * 48;
        let at = |n: u64| (start + n * frame, AUDIO_FRAME, 120, true);
        let frames: Vec<_> = (number(from)..number(to)).map(at).collect();
        self.audio.chunk(&frames, None)
    }
}

/// The picture of a variant.
const fn size(rung: usize) -> (u32, u32) {
    match rung {
        0 => (320, 176),
        1 => (640, 352),
        _ => (1280, 720),
    }
}

impl Origin for BroadcastServer {
    fn open(&mut self, now: Time, request: &HttpRequest) -> Box<dyn Reply> {
        let path: Vec<&str> = request.path().split('/').skip(1).collect();
        let answer = |kind: &str, body: Payload| -> Box<dyn Reply> {
            Box::new(Timeline::answer(now, request, Head::new(200, kind), body))
        };
        match path.as_slice() {
            ["live", "index.m3u8"] => answer("application/vnd.apple.mpegurl", self.index().into()),
            ["live", list] if list.ends_with(".m3u8") => {
                let (kind, text) = self.list(now, list.trim_end_matches(".m3u8"));
                answer(kind, text.into())
            }
            ["live", "a", "init.mp4"] => answer("audio/mp4", self.audio.init().into()),
            ["live", name, "init.mp4"] => {
                let rung = name.strip_prefix('v').and_then(|r| r.parse::<usize>().ok());
                match rung.and_then(|r| self.video.get(r)) {
                    Some(packer) => answer("video/mp4", packer.init().into()),
                    None => status(now, 404),
                }
            }
            ["live", name, file] => {
                let file = file.split('.').next().unwrap_or(file);
                let parts = file.split_once('-');
                let parts = parts.and_then(|(r, n)| Some((r.parse().ok()?, n.parse().ok()?)));
                match parts.and_then(|(run, index)| self.segment(now, name, run, index)) {
                    Some(body) => answer("video/mp2t", body),
                    None => status(now, 404),
                }
            }
            _ => status(now, 404),
        }
    }

    fn rung(&self, url: &str) -> Option<u8> {
        url.rsplit('/').nth(1)?.strip_prefix('v')?.parse().ok()
    }
}
