//! A server of films: DASH with `$Number$`, DASH of single files with an index (SegmentBase), HLS of
//! fragmented MP4, and HLS of transport streams with the sound in them; segments of given sizes.
//!
//! `/film/index.mpd`, `/film/files.mpd`, `/film/index.m3u8`, `/film/v0.m3u8` ...,
//! `/film/{rendition}/init.mp4`, `/film/{rendition}/{number}.m4s`, `/film/{rendition}.mp4`,
//! `/film/ts.m3u8`, `/film/ts0.m3u8` ..., `/film/v0/{number}.ts`. Numbers count from 1. A segment is
//! one fragment.

use super::cmaf::{self, AUDIO_FRAME, Kind, Packer};
use super::ts::{self, Unit};
use super::{Head, HttpRequest, Origin, Reply, Timeline, status};
use crate::clock::Time;
use crate::payload::Payload;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// DASH of the film.
pub const DASH: &str = "http://host/film/index.mpd";

/// DASH of the film, a file a rendition. It knows one Period only.
pub const FILES: &str = "http://host/film/files.mpd";

/// HLS of the film.
pub const HLS: &str = "http://host/film/index.m3u8";

/// HLS of the film, in transport streams. It knows one Period only.
pub const TS: &str = "http://host/film/ts.m3u8";

/// Where the timestamps of transport streams begin, 90 kHz ticks.
const TS_START: u64 = 126_000;

/// A film.
#[derive(Clone, Debug, Default)]
pub struct Film {
    /// Length of a segment, milliseconds.
    pub segment_ms: u64,
    /// Kilobits a second of each rung, lowest first.
    pub kbps: Vec<u64>,
    /// Bytes of each segment, in each rung.
    pub sizes: Vec<Vec<u64>>,
    /// Whether there is sound.
    pub audio: bool,
    /// Segments in a Period, each of which counts its media times from zero; 0: there is one Period.
    pub period: usize,
    /// The picture ends this much sooner than the segments of `sizes`, milliseconds: media after
    /// that does not exist.
    pub picture_lacks_ms: u64,
    /// The same for the sound.
    pub sound_lacks_ms: u64,
    /// The last picture of each segment of the highest rung lasts this much too long, milliseconds.
    pub top_overlaps_ms: u64,
    /// The manifest says that the film is this much longer than `sizes`, milliseconds.
    pub said_longer_ms: i64,
}

impl Film {
    /// A film of this many segments whose sizes are exactly their rate.
    pub fn steady(segments: usize, segment_ms: u64, kbps: &[u64]) -> Self {
        let sizes = kbps.iter().map(|k| k * segment_ms / 8).collect();
        Self {
            segment_ms,
            kbps: kbps.to_vec(),
            sizes: vec![sizes; segments],
            audio: true,
            ..Self::default()
        }
    }

    /// Reads a description with `segment_duration_ms`, `bitrates_kbps` and `segment_sizes_bits`, in
    /// this order, as Sabre's films have it. No sound.
    pub fn from_json(text: &str) -> Option<Self> {
        let after =
            |name: &str| Some(text.split_once(&format!("\"{name}\""))?.1.split_once(':')?.1);
        let numbers = |list: &str| {
            list.split(',').map(|n| n.trim().parse::<u64>().ok()).collect::<Option<Vec<u64>>>()
        };
        let digits =
            |s: &str| s.trim_start().split(|c: char| !c.is_ascii_digit()).next()?.parse().ok();
        let segment_ms = digits(after("segment_duration_ms")?)?;
        let list = after("bitrates_kbps")?.split_once('[')?.1.split_once(']')?.0;
        let kbps = numbers(list)?;
        let rows = after("segment_sizes_bits")?.split_once('[')?.1;
        let row = |row: &str| {
            let bits = numbers(row.split_once(']')?.0)?;
            Some(bits.into_iter().map(|b| b / 8).collect::<Vec<u64>>())
        };
        let sizes: Vec<_> = rows.split('[').skip(1).map(row).collect::<Option<_>>()?;
        let whole = sizes.iter().all(|s| s.len() == kbps.len());
        (whole && !sizes.is_empty()).then_some(Self { segment_ms, kbps, sizes, ..Self::default() })
    }

    /// Its length, milliseconds.
    pub fn length_ms(&self) -> u64 {
        self.segment_ms * crate::payload::count(self.sizes.len())
    }
}

/// The server.
#[derive(Clone, Debug)]
pub struct FilmServer {
    film: Film,
    video: Vec<Packer>,
    audio: Packer,
    /// The files that were asked for, by rendition.
    files: BTreeMap<String, File>,
}

/// A rendition as one file.
#[derive(Clone, Debug)]
struct File {
    /// Bytes of its initialization segment, and of the index behind that.
    init: usize,
    index: usize,
    all: Payload,
}

impl FilmServer {
    /// Of this film.
    pub fn new(film: Film) -> Self {
        let rung =
            |i: u32| Packer::new(Kind::Video { width: 320 * (i + 1), height: 180 * (i + 1) });
        let video = (0..).take(film.kbps.len()).map(rung).collect();
        Self { film, video, audio: Packer::new(Kind::Audio), files: BTreeMap::new() }
    }

    fn segment(&self, rendition: &str, number: usize) -> Option<Payload> {
        let index = number.checked_sub(1)?;
        let sizes = self.film.sizes.get(index)?;
        let ms = self.film.segment_ms;
        let in_period = index.checked_rem(self.film.period).unwrap_or(index);
        let start = crate::payload::count(in_period) * ms;
        if rendition == "a" {
            let frame = u64::from(AUDIO_FRAME);
            let there = self.there_ms(index, self.film.sound_lacks_ms)?;
            let (from, to) = ((start * 48).div_ceil(frame), ((start + there) * 48).div_ceil(frame));
            let frames: Vec<_> = (from..to).map(|n| (n * frame, AUDIO_FRAME, 340, true)).collect();
            return Some(self.audio.chunk(&frames, None));
        }
        let rung: usize = rendition.strip_prefix('v')?.parse().ok()?;
        let there = self.there_ms(index, self.film.picture_lacks_ms)?;
        let count = (there / 40).max(1);
        let size = sizes.get(rung)? * there / ms / (count + 3);
        let over = if rung + 1 == sizes.len() { self.film.top_overlaps_ms * 90 } else { 0 };
        let frame = |i: u64| {
            let sync = i == 0;
            let bytes = if sync { 4 * size } else { size };
            let lasts = if i + 1 == count { there * 90 - (count - 1) * 3600 + over } else { 3600 };
            let lasts = u32::try_from(lasts).unwrap_or(3600);
            (start * 90 + i * 3600, lasts, u32::try_from(bytes).unwrap_or(0).max(8), sync)
        };
        let frames: Vec<_> = (0..count).map(frame).collect();
        Some(self.video.get(rung)?.chunk(&frames, None))
    }

    /// A segment as a transport stream, picture and sound.
    fn transport(&self, rendition: &str, number: usize) -> Option<Payload> {
        let index = number.checked_sub(1)?;
        let rung: u32 = rendition.strip_prefix('v')?.parse().ok()?;
        let bytes = *self.film.sizes.get(index)?.get(rung as usize)?;
        let (ms, start) = (self.film.segment_ms, crate::payload::count(index));
        let start = TS_START + start * ms * 90;
        let pictures = self.there_ms(index, self.film.picture_lacks_ms).unwrap_or(0) / 40;
        let size = bytes * pictures * 40 / ms / (pictures + 3);
        let picture = |i: u64| Unit {
            pts: start + i * 3600,
            size: usize::try_from(if i == 0 { 4 * size } else { size }).unwrap_or(0),
            sync: i == 0,
        };
        let pictures: Vec<Unit> = (0..pictures).map(picture).collect();
        let heard =
            if self.film.audio { self.there_ms(index, self.film.sound_lacks_ms) } else { None };
        let sound = ts::sound(TS_START, start, start + heard.unwrap_or(0) * 90, 340);
        let size = (320 * (rung + 1), 180 * (rung + 1));
        (!pictures.is_empty() || !sound.is_empty())
            .then(|| ts::segment(size, &pictures, &sound).into())
    }

    /// How much of a segment exists, milliseconds, if a track ends this much sooner than it should;
    /// `None`: nothing.
    fn there_ms(&self, index: usize, lacks: u64) -> Option<u64> {
        let end = self.film.length_ms().checked_sub(lacks)?;
        let start = crate::payload::count(index) * self.film.segment_ms;
        end.checked_sub(start).filter(|ms| *ms > 0).map(|ms| ms.min(self.film.segment_ms))
    }

    fn packer(&self, rendition: &str) -> Option<&Packer> {
        if rendition == "a" {
            return Some(&self.audio);
        }
        self.video.get(rendition.strip_prefix('v')?.parse::<usize>().ok()?)
    }

    /// A rendition as one file: its initialization segment, its index, its segments.
    fn make_file(&self, rendition: &str) -> Option<File> {
        let packer = self.packer(rendition)?;
        let hz = packer.timescale().hz();
        let ticks = u32::try_from(self.film.segment_ms * u64::from(hz) / 1000).ok()?;
        let segments = || (1..=self.film.sizes.len()).map_while(|n| self.segment(rendition, n));
        let entries: Option<Vec<_>> =
            segments().map(|s| Some((u32::try_from(s.len()).ok()?, ticks))).collect();
        let (init, index) = (packer.init(), cmaf::index(hz, &entries?));
        let mut file = File { init: init.len(), index: index.len(), all: Payload::default() };
        file.all = Payload::from([init, index].concat());
        segments().for_each(|it| file.all.append(it));
        Some(file)
    }

    fn file(&mut self, rendition: &str) -> Option<&File> {
        if !self.files.contains_key(rendition) {
            let file = self.make_file(rendition)?;
            self.files.insert(rendition.to_owned(), file);
        }
        self.files.get(rendition)
    }

    fn files_mpd(&mut self) -> String {
        let mut s = self.mpd_head();
        s.push_str("<Period>\n");
        let rungs: Vec<String> = (0..self.video.len()).map(|i| format!("v{i}")).collect();
        let sound = if self.film.audio { vec!["a".to_owned()] } else { Vec::new() };
        for (mime, names) in [("video/mp4", rungs), ("audio/mp4", sound)] {
            if names.is_empty() {
                continue;
            }
            let _ = writeln!(s, "<AdaptationSet mimeType=\"{mime}\">");
            for name in names {
                let Some((init, index)) = self.file(&name).map(|it| (it.init, it.index)) else {
                    continue;
                };
                let codecs = self.packer(&name).map(Packer::codecs).unwrap_or_default();
                let rung = name.strip_prefix('v').and_then(|n| n.parse::<usize>().ok());
                let kbps = rung.and_then(|i| self.film.kbps.get(i)).unwrap_or(&128);
                let _ = writeln!(
                    s,
                    "<Representation id=\"{name}\" bandwidth=\"{}\" codecs=\"{codecs}\"><BaseURL>{name}.mp4</BaseURL><SegmentBase indexRange=\"{init}-{}\"><Initialization range=\"0-{}\"/></SegmentBase></Representation>",
                    kbps * 1000,
                    init + index - 1,
                    init - 1,
                );
            }
            s.push_str("</AdaptationSet>\n");
        }
        s.push_str("</Period>\n</MPD>\n");
        s
    }

    fn mpd_head(&self) -> String {
        let ms = self.film.length_ms().saturating_add_signed(self.film.said_longer_ms);
        format!(
            "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" mediaPresentationDuration=\"PT{}.{:03}S\" minBufferTime=\"PT2S\">\n",
            ms / 1000,
            ms % 1000,
        )
    }

    fn mpd(&self) -> String {
        let mut s = self.mpd_head();
        let count = self.film.sizes.len();
        for first in
            (0..count).step_by(if self.film.period == 0 { count } else { self.film.period })
        {
            self.period(&mut s, first);
        }
        s.push_str("</MPD>\n");
        s
    }

    fn period(&self, s: &mut String, first: usize) {
        let start = crate::payload::count(first) * self.film.segment_ms;
        // Writing to a String cannot fail.
        let _ = writeln!(
            s,
            "<Period id=\"p{first}\" start=\"PT{}.{:03}S\">",
            start / 1000,
            start % 1000
        );
        let template = format!(
            "<SegmentTemplate timescale=\"1000\" duration=\"{}\" startNumber=\"{}\" initialization=\"$RepresentationID$/init.mp4\" media=\"$RepresentationID$/$Number$.m4s\"/>\n",
            self.film.segment_ms,
            first + 1
        );
        let _ = write!(s, "<AdaptationSet mimeType=\"video/mp4\">\n{template}");
        for (i, (kbps, p)) in self.film.kbps.iter().zip(&self.video).enumerate() {
            let _ = writeln!(
                s,
                "<Representation id=\"v{i}\" bandwidth=\"{}\" width=\"{}\" height=\"{}\" codecs=\"{}\"/>",
                kbps * 1000,
                320 * (i + 1),
                180 * (i + 1),
                p.codecs(),
            );
        }
        s.push_str("</AdaptationSet>\n");
        if self.film.audio {
            let codecs = self.audio.codecs();
            let _ = write!(
                s,
                "<AdaptationSet mimeType=\"audio/mp4\">\n{template}<Representation id=\"a\" bandwidth=\"128000\" codecs=\"{codecs}\"/>\n</AdaptationSet>\n"
            );
        }
        s.push_str("</Period>\n");
    }

    fn multivariant(&self) -> String {
        let mut s = String::from("#EXTM3U\n#EXT-X-VERSION:7\n");
        let audio = if self.film.audio {
            s.push_str(
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"film\",DEFAULT=YES,URI=\"a.m3u8\"\n",
            );
            ",mp4a.40.2\",AUDIO=\"a\""
        } else {
            "\""
        };
        for (i, (kbps, p)) in self.film.kbps.iter().zip(&self.video).enumerate() {
            let _ = writeln!(
                s,
                "#EXT-X-STREAM-INF:BANDWIDTH={},RESOLUTION={}x{},CODECS=\"{}{audio}\nv{i}.m3u8",
                kbps * 1000 + 128_000,
                320 * (i + 1),
                180 * (i + 1),
                p.codecs(),
            );
        }
        s
    }

    fn multivariant_ts(&self) -> String {
        let mut s = String::from("#EXTM3U\n#EXT-X-VERSION:3\n");
        for (i, kbps) in self.film.kbps.iter().enumerate() {
            let (bandwidth, width, height) = (kbps * 1100 + 160_000, 320 * (i + 1), 180 * (i + 1));
            // Writing to a String cannot fail.
            let _ = writeln!(
                s,
                "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},RESOLUTION={width}x{height}\nts{i}.m3u8"
            );
        }
        s
    }

    fn playlist_ts(&self, rung: &str) -> String {
        let ms = self.film.segment_ms;
        let seconds = ms.div_ceil(1000);
        let mut s = format!("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{seconds}\n");
        for n in 1..=self.film.sizes.len() {
            let _ = writeln!(s, "#EXTINF:{}.{:03},\nv{rung}/{n}.ts", ms / 1000, ms % 1000);
        }
        s.push_str("#EXT-X-ENDLIST\n");
        s
    }

    fn playlist(&self, rendition: &str) -> String {
        let ms = self.film.segment_ms;
        let mut s = format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{}\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MAP:URI=\"{rendition}/init.mp4\"\n",
            ms.div_ceil(1000)
        );
        for n in 1..=self.film.sizes.len() {
            let _ = writeln!(s, "#EXTINF:{}.{:03},\n{rendition}/{n}.m4s", ms / 1000, ms % 1000);
        }
        s.push_str("#EXT-X-ENDLIST\n");
        s
    }
}

impl Origin for FilmServer {
    fn open(&mut self, now: Time, request: &HttpRequest) -> Box<dyn Reply> {
        let path: Vec<&str> = request.path().split('/').skip(1).collect();
        let answer = |kind: &str, body: Payload| -> Box<dyn Reply> {
            Box::new(Timeline::answer(now, request, Head::new(200, kind), body))
        };
        match path.as_slice() {
            ["film", "index.mpd"] => answer("application/dash+xml", self.mpd().into()),
            ["film", "files.mpd"] => answer("application/dash+xml", self.files_mpd().into()),
            ["film", "index.m3u8"] => {
                answer("application/vnd.apple.mpegurl", self.multivariant().into())
            }
            ["film", "ts.m3u8"] => {
                answer("application/vnd.apple.mpegurl", self.multivariant_ts().into())
            }
            ["film", list] if list.ends_with(".m3u8") => {
                let name = list.strip_suffix(".m3u8").unwrap_or(list);
                let list = match name.strip_prefix("ts") {
                    Some(rung) => self.playlist_ts(rung),
                    None => self.playlist(name),
                };
                answer("application/vnd.apple.mpegurl", list.into())
            }
            ["film", file] => match file.strip_suffix(".mp4").and_then(|r| self.file(r)) {
                Some(file) => answer("video/mp4", file.all.clone()),
                None => status(now, 404),
            },
            ["film", rendition, "init.mp4"] => match self.packer(rendition) {
                Some(packer) => answer("video/mp4", packer.init().into()),
                None => status(now, 404),
            },
            ["film", rendition, name] => {
                let Some((number, form)) = name.split_once('.') else { return status(now, 404) };
                let number = number.parse().ok();
                let (kind, body) = match form {
                    "m4s" => ("video/mp4", number.and_then(|n| self.segment(rendition, n))),
                    "ts" => ("video/mp2t", number.and_then(|n| self.transport(rendition, n))),
                    _ => return status(now, 404),
                };
                body.map_or_else(|| status(now, 404), |body| answer(kind, body))
            }
            _ => status(now, 404),
        }
    }

    fn rung(&self, url: &str) -> Option<u8> {
        let mut parts = url.rsplit('/');
        let name = parts.next()?;
        if let Some(file) = name.strip_suffix(".mp4").and_then(|n| n.strip_prefix('v')) {
            return file.parse().ok();
        }
        let rung = parts.next()?.strip_prefix('v')?.parse().ok()?;
        (name != "init.mp4").then_some(rung)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_is_read_from_its_description() {
        let text = r#"{ "segment_duration_ms": 3000, "bitrates_kbps": [ 230, 331 ],
            "segment_sizes_bits": [ [ 886360, 1180512 ], [ 382840, 662120 ] ] }"#;
        let film = Film::from_json(text).unwrap();
        assert_eq!((film.segment_ms, film.kbps.len(), film.length_ms()), (3000, 2, 6000));
        assert_eq!(film.sizes, [[110_795, 147_564], [47_855, 82_765]]);
    }

    #[test]
    fn a_segment_has_the_size_it_was_given() {
        let server = FilmServer::new(Film::steady(2, 3000, &[1000]));
        let len = server.segment("v0", 2).unwrap().len();
        // Boxes: 16 bytes a frame and some more.
        assert!((370_000..380_000).contains(&len), "{len}");
    }
}
