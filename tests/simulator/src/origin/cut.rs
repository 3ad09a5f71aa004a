//! A server of films that are cut from recordings: Periods and tracks with holes in them.
//!
//! `/cut/index.mpd` is DASH with SegmentTimeline and `$Time$`, `/cut/{track}/init.mp4` and
//! `/cut/{track}/{ms}.m4s` is media, by its own time in milliseconds. Two Periods show the same
//! media of a track, in different places of the timeline. `/cut/index.m3u8` is HLS of the first
//! Period, which gives only the lengths of segments.

use super::cmaf::{AUDIO_FRAME, Kind, Packer, Sized};
use super::{Head, HttpRequest, Origin, Reply, Timeline, status};
use crate::clock::Time;
use nearlive::presentation::TrackKind;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// DASH of it.
pub const DASH: &str = "http://host/cut/index.mpd";

/// HLS of its first Period.
pub const HLS: &str = "http://host/cut/index.m3u8";

/// The playlist of its first Period's sound.
pub const RADIO: &str = "http://host/cut/a.m3u8";

/// A track of a Period: segments of its media, each a start and a length in milliseconds.
#[derive(Clone, Debug)]
pub struct Strip {
    /// Its name, which is in its addresses.
    pub id: &'static str,
    /// Picture or sound.
    pub kind: TrackKind,
    /// `@lang`.
    pub language: Option<&'static str>,
    /// It has the Role "main".
    pub main: bool,
    /// RFC 6381; `None`: the true codec of its media.
    pub codecs: Option<&'static str>,
    /// `presentationTimeOffset`, milliseconds.
    pub offset_ms: u64,
    /// Start and length of its segments, milliseconds of the media.
    pub segments: Vec<(u64, u64)>,
    /// Between two key frames of a picture, on the media's own grid, milliseconds.
    pub gop_ms: u64,
    /// Pictures are shown two frames after they are decoded, so that there is room for B-frames.
    pub b_frames: bool,
}

impl Strip {
    /// Segments of 2 s over `span` of the media, milliseconds.
    pub fn new(kind: TrackKind, span: std::ops::Range<u64>) -> Self {
        let starts = span.clone().step_by(2000);
        Self {
            id: if kind == TrackKind::Video { "v" } else { "a" },
            kind,
            language: None,
            main: false,
            codecs: None,
            offset_ms: 0,
            segments: starts.map(|t| (t, 2000.min(span.end - t))).collect(),
            gop_ms: 2000,
            b_frames: false,
        }
    }

    /// The same with `presentationTimeOffset`.
    #[must_use]
    pub fn from(mut self, offset_ms: u64) -> Self {
        self.offset_ms = offset_ms;
        self
    }

    /// The same without the segments that begin in `hole`.
    #[must_use]
    pub fn without(mut self, hole: std::ops::Range<u64>) -> Self {
        self.segments.retain(|s| !hole.contains(&s.0));
        self
    }

    /// The same track under another name, in this language.
    #[must_use]
    pub fn named(mut self, id: &'static str, language: &'static str, main: bool) -> Self {
        (self.id, self.language, self.main) = (id, Some(language), main);
        self
    }
}

/// A Period.
#[derive(Clone, Debug)]
pub struct Part {
    /// Its start, milliseconds.
    pub start_ms: u64,
    /// Its duration where it says so, milliseconds.
    pub length_ms: Option<u64>,
    /// Its tracks.
    pub tracks: Vec<Strip>,
}

/// The server.
#[derive(Clone, Debug)]
pub struct CutServer {
    parts: Vec<Part>,
    length_ms: u64,
    packers: BTreeMap<&'static str, (Packer, Strip)>,
    /// In HLS, sound is in files with this ending, which need no initialization segment.
    packed: Option<&'static str>,
}

impl CutServer {
    /// Of a film of this length.
    pub fn new(length_ms: u64, parts: Vec<Part>) -> Self {
        let mut packers = BTreeMap::new();
        for strip in parts.iter().flat_map(|p| &p.tracks) {
            let kind = match strip.kind {
                TrackKind::Video => Kind::Video { width: 640, height: 360 },
                _ => Kind::Audio,
            };
            packers.entry(strip.id).or_insert_with(|| (Packer::new(kind), strip.clone()));
        }
        Self { parts, length_ms, packers, packed: None }
    }

    /// The same with sound in packed files in HLS: `aac`, `mp3`, ...
    #[must_use]
    pub fn packed(mut self, ending: &'static str) -> Self {
        self.packed = Some(ending);
        self
    }

    /// Of one Period from zero.
    pub fn whole(length_ms: u64, tracks: Vec<Strip>) -> Self {
        Self::new(length_ms, vec![Part { start_ms: 0, length_ms: None, tracks }])
    }

    fn segment(&self, id: &str, ms: u64) -> Option<crate::payload::Payload> {
        let (packer, strip) = self.packers.get(id)?;
        let all = self.parts.iter().flat_map(|p| &p.tracks).filter(|t| t.id == id);
        let (from, length) = all.flat_map(|t| &t.segments).find(|s| s.0 == ms).copied()?;
        let to = from + length;
        if strip.kind == TrackKind::Audio {
            let frame = u64::from(AUDIO_FRAME);
            let numbers = (from * 48).div_ceil(frame)..(to * 48).div_ceil(frame);
            let frames: Vec<Sized> = numbers.map(|n| (n * frame, AUDIO_FRAME, 340, true)).collect();
            return Some(packer.chunk(&frames, None));
        }
        let frame = |t: u64| {
            let lasts = u32::try_from(40.min(to - t) * 90).unwrap_or(3600);
            (t * 90, lasts, 2000, t == from || t.is_multiple_of(strip.gop_ms))
        };
        let frames: Vec<Sized> = (from..to).step_by(40).map(frame).collect();
        Some(packer.chunk_shown(&frames, if strip.b_frames { 7200 } else { 0 }))
    }

    fn mpd(&self) -> String {
        let seconds = |ms: u64| format!("PT{}.{:03}S", ms / 1000, ms % 1000);
        let mut s = format!(
            "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" mediaPresentationDuration=\"{}\" minBufferTime=\"PT2S\">\n",
            seconds(self.length_ms)
        );
        // Writing to a String cannot fail.
        for (i, part) in self.parts.iter().enumerate() {
            let length = part
                .length_ms
                .map(|ms| format!(" duration=\"{}\"", seconds(ms)))
                .unwrap_or_default();
            let start = seconds(part.start_ms);
            let _ = writeln!(s, "<Period id=\"p{i}\" start=\"{start}\"{length}>");
            for strip in &part.tracks {
                self.set(&mut s, strip);
            }
            s.push_str("</Period>\n");
        }
        s.push_str("</MPD>\n");
        s
    }

    fn set(&self, s: &mut String, strip: &Strip) {
        let kind = if strip.kind == TrackKind::Video { "video" } else { "audio" };
        let language = strip.language.map(|l| format!(" lang=\"{l}\"")).unwrap_or_default();
        let _ = writeln!(s, "<AdaptationSet mimeType=\"{kind}/mp4\"{language}>");
        if strip.main {
            s.push_str("<Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"main\"/>\n");
        }
        let _ = write!(
            s,
            "<SegmentTemplate timescale=\"1000\" presentationTimeOffset=\"{}\" initialization=\"$RepresentationID$/init.mp4\" media=\"$RepresentationID$/$Time$.m4s\"><SegmentTimeline>",
            strip.offset_ms
        );
        for (t, d) in &strip.segments {
            let _ = write!(s, "<S t=\"{t}\" d=\"{d}\"/>");
        }
        let codecs = self.codecs(strip);
        let _ = writeln!(
            s,
            "</SegmentTimeline></SegmentTemplate>\n<Representation id=\"{}\" bandwidth=\"400000\" codecs=\"{codecs}\"/>\n</AdaptationSet>",
            strip.id
        );
    }

    fn codecs(&self, strip: &Strip) -> String {
        let own = || self.packers.get(strip.id).map(|p| p.0.codecs()).unwrap_or_default();
        strip.codecs.map_or_else(own, str::to_owned)
    }

    fn first(&self, kind: TrackKind) -> Option<&Strip> {
        self.parts.first()?.tracks.iter().find(|t| t.kind == kind)
    }

    fn multivariant(&self) -> String {
        let codecs: Vec<String> = [TrackKind::Video, TrackKind::Audio]
            .into_iter()
            .filter_map(|kind| Some(self.codecs(self.first(kind)?)))
            .collect();
        format!(
            "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"film\",DEFAULT=YES,URI=\"a.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=500000,RESOLUTION=640x360,CODECS=\"{}\",AUDIO=\"a\"\nv.m3u8\n",
            codecs.join(",")
        )
    }

    fn playlist(&self, kind: TrackKind) -> String {
        let mut s = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n");
        let packed = self.packed.filter(|_| kind == TrackKind::Audio);
        let ending = packed.unwrap_or("m4s");
        if let Some(Strip { id, segments, .. }) = self.first(kind) {
            if packed.is_none() {
                let _ = writeln!(s, "#EXT-X-MAP:URI=\"{id}/init.mp4\"");
            }
            for (t, d) in segments {
                let _ = writeln!(s, "#EXTINF:{}.{:03},\n{id}/{t}.{ending}", d / 1000, d % 1000);
            }
        }
        s.push_str("#EXT-X-ENDLIST\n");
        s
    }
}

impl Origin for CutServer {
    fn open(&mut self, now: Time, request: &HttpRequest) -> Box<dyn Reply> {
        let path: Vec<&str> = request.path().split('/').skip(1).collect();
        let answer = |kind: &str, body: crate::payload::Payload| -> Box<dyn Reply> {
            Box::new(Timeline::answer(now, request, Head::new(200, kind), body))
        };
        let list = "application/vnd.apple.mpegurl";
        match path.as_slice() {
            ["cut", "index.mpd"] => answer("application/dash+xml", self.mpd().into()),
            ["cut", "index.m3u8"] => answer(list, self.multivariant().into()),
            ["cut", "v.m3u8"] => answer(list, self.playlist(TrackKind::Video).into()),
            ["cut", "a.m3u8"] => answer(list, self.playlist(TrackKind::Audio).into()),
            ["cut", id, "init.mp4"] => match self.packers.get(id) {
                Some((packer, _)) => answer("video/mp4", packer.init().into()),
                None => status(now, 404),
            },
            ["cut", id, name] => {
                let ms = name.strip_suffix(".m4s").and_then(|n| n.parse().ok());
                match ms.and_then(|ms| self.segment(id, ms)) {
                    Some(body) => answer("video/mp4", body),
                    None => status(now, 404),
                }
            }
            _ => status(now, 404),
        }
    }

    fn rung(&self, url: &str) -> Option<u8> {
        // The last letter of a track's name gives the number of its content.
        let id = url.rsplit('/').nth(1)?;
        let last = id.bytes().last()?;
        Some(if last.is_ascii_digit() { last - b'0' } else { 0 })
    }
}
