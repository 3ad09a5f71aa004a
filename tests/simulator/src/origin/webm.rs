//! A server of films as WebM, a file a rendition, in a manifest that names no bytes of them (`/webm/index.mpd`,
//! `/webm/{rendition}.webm`), where each segment of the film is a cluster; and live chunks as ffmpeg's `webm_chunk`
//! writes them (`/chunk/live.mpd`, `/chunk/{v|a}.hdr`, `/chunk/{v|a}_{number}.chk`).

use super::film::Film;
use super::{Head, HttpRequest, Origin, Reply, Timeline, status};
use crate::clock::{Clock, Time};
use crate::payload::{Payload, count};
use nearlive::presentation::date::write_date_time;
use nearlive::time::WallTime;
use std::fmt::Write as _;

/// The film's manifest.
pub const WEBM: &str = "http://host/webm/index.mpd";

/// How its files are written.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// The film.
    pub film: Film,
    /// They end with an index, which their beginning names.
    pub index: bool,
    /// Clusters do not say their sizes, as in what browsers record.
    pub unsized_clusters: bool,
    /// So many bytes are missing at the end of each file.
    pub cut: u64,
    /// The index names clusters so many bytes further on than they are.
    pub index_off: u64,
    /// There are no tracks.
    pub trackless: bool,
    /// The server hands out whole files only (RFC 9110 14.2).
    pub whole_only: bool,
}

/// An element.
fn element(id: u32, body: impl Into<Payload>) -> Payload {
    let body: Payload = body.into();
    let size = u32::try_from(body.len()).unwrap_or(u32::MAX) | 0x1000_0000;
    let id = id.to_be_bytes();
    let id = id.get(id.iter().take_while(|byte| **byte == 0).count()..).unwrap_or_default();
    let mut all = Payload::from([id, &size.to_be_bytes()].concat());
    all.append(body);
    all
}

fn number_of(id: u32, value: u64) -> Payload {
    element(id, value.to_be_bytes().to_vec())
}

fn join(parts: impl IntoIterator<Item = Payload>) -> Payload {
    let mut all = Payload::default();
    parts.into_iter().for_each(|part| all.append(part));
    all
}

const UNKNOWN: [u8; 8] = [0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

/// The manifest of the live chunks.
pub const CHUNKS: &str = "http://host/chunk/live.mpd";

/// A live stream in chunks of about a second. The manifest says that each lasts one.
#[derive(Clone, Copy, Debug)]
pub struct Chunks {
    /// How long it has run when the page opens, seconds.
    pub age: u64,
    /// Frames of sound in a chunk, 64/3 ms each: 47 are a little more than a second.
    pub sound: u64,
}

/// How much later than the stream the manifest says that it began, microseconds: that is when it was written.
const WRITTEN_LATER: i64 = 5_000_000;

impl Chunks {
    /// A chunk, if all of it has been made at `now`.
    fn chunk(&self, track: &str, number: u64, now: Time) -> Option<Payload> {
        let index = number.checked_sub(1)?;
        let frames = if track == "v" { 25 } else { self.sound };
        // In thousandths of a millisecond.
        let lasts = if track == "v" { 40_000 } else { 21_333 };
        if (index + 1) * frames * lasts > self.age * 1_000_000 + now {
            return None;
        }
        let at = |i: u64| (index * frames + i) * lasts / 1000;
        let mut body = number_of(0xE7, at(0));
        for i in 0..frames {
            let key = i == 0 || track == "a";
            body.append(block(at(i) - at(0), key, if track == "v" { 2000 } else { 250 }));
        }
        Some(element(0x1F43_B675, body))
    }

    fn mpd(&self) -> String {
        let age = i64::try_from(self.age).unwrap_or(0) * 1_000_000;
        let began = Clock::truth(0).offset(WRITTEN_LATER - age);
        let mut s = format!(
            "<MPD xmlns=\"urn:mpeg:DASH:schema:MPD:2011\" type=\"dynamic\" minBufferTime=\"PT1S\" profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" availabilityStartTime=\"{}\" timeShiftBufferDepth=\"PT60S\" minimumUpdatePeriod=\"PT5S\"><Period id=\"0\" start=\"PT0S\">\n",
            write_date_time(began),
        );
        for (track, mime, codecs) in [("v", "video/webm", "vp9"), ("a", "audio/webm", "opus")] {
            let _ = writeln!(
                s,
                "<AdaptationSet mimeType=\"{mime}\" codecs=\"{codecs}\"><SegmentTemplate timescale=\"1000\" duration=\"1000\" media=\"{track}_$Number$.chk\" startNumber=\"1\" initialization=\"{track}.hdr\"/><Representation id=\"{track}\" bandwidth=\"400000\"/></AdaptationSet>"
            );
        }
        s.push_str("</Period></MPD>\n");
        s
    }
}

impl Origin for Chunks {
    fn open(&mut self, now: Time, request: &HttpRequest) -> Box<dyn Reply> {
        let name = request.path().strip_prefix("/chunk/").unwrap_or_default();
        let (kind, body) = match name.split_once(['.', '_']) {
            Some(("live", _)) => ("application/dash+xml", Some(self.mpd().into())),
            Some((track, "hdr")) => ("video/webm", Some(beginning(track == "v", None, false))),
            Some((track, number)) => {
                let number = number.strip_suffix(".chk").and_then(|n| n.parse().ok());
                ("video/webm", number.and_then(|number| self.chunk(track, number, now)))
            }
            None => ("", None),
        };
        match body {
            Some(body) => {
                let head = Head { date: Some(Clock::truth(now)), ..Head::new(200, kind) };
                Box::new(Timeline::answer(now, request, head, body))
            }
            None => status(now, 404),
        }
    }

    fn anchor(&self) -> Option<WallTime> {
        Some(Clock::truth(0).offset(-i64::try_from(self.age).ok()? * 1_000_000))
    }
}

/// A block of track 1, `ms` after its cluster.
fn block(ms: u64, key: bool, bytes: u64) -> Payload {
    let [high, low] = u16::try_from(ms).unwrap_or(0).to_be_bytes();
    let mut block = Payload::from(vec![0x81, high, low, if key { 0x80 } else { 0 }]);
    block.append(Payload::zeros(bytes));
    element(0xA3, block)
}

/// What stands before the clusters; `index`: where a SeekHead says that one is.
fn beginning(picture: bool, index: Option<u64>, trackless: bool) -> Payload {
    let ebml = element(0x1A45_DFA3, element(0x4282, b"webm".to_vec()));
    let segment = Payload::from([&[0x18, 0x53, 0x80, 0x67], UNKNOWN.as_slice()].concat());
    let seek = |at: u64| {
        let entry = [element(0x53AB, vec![0x1C, 0x53, 0xBB, 0x6B]), number_of(0x53AC, at)];
        element(0x114D_9B74, element(0x4DBB, join(entry)))
    };
    let seek = index.map(seek).unwrap_or_default();
    let info = element(0x1549_A966, number_of(0x2A_D7B1, 1_000_000));
    let (kind, codec, lasts) = if picture { (1, "V_VP9", 40_000) } else { (2, "A_OPUS", 21_333) };
    let entry = [
        number_of(0xD7, 1),
        number_of(0x83, kind),
        element(0x86, codec.as_bytes().to_vec()),
        number_of(0x23_E383, lasts * 1000),
    ];
    let tracks = element(0x1654_AE6B, element(0xAE, join(entry)));
    join([ebml, segment, seek, info, if trackless { Payload::default() } else { tracks }])
}

/// The bytes of a beginning that come before the first one inside the Segment.
const OUTSIDE: u64 = 30;

impl Files {
    fn cluster(&self, rung: Option<usize>, index: usize) -> Payload {
        let ms = self.film.segment_ms;
        let picture = rung.is_some();
        let frames = if picture { ms / 40 } else { ms * 3 / 64 };
        let bytes = self.film.sizes.get(index).zip(rung).and_then(|(sizes, rung)| sizes.get(rung));
        let size = bytes.map_or(320, |bytes| bytes / (frames + 3));
        let mut body = number_of(0xE7, count(index) * ms);
        for i in 0..frames {
            let at = if picture { i * 40 } else { i * 64 / 3 };
            body.append(block(
                at,
                i == 0 || !picture,
                if i == 0 && picture { 4 * size } else { size },
            ));
        }
        if !self.unsized_clusters {
            return element(0x1F43_B675, body);
        }
        let head = [&[0x1F, 0x43, 0xB6, 0x75], UNKNOWN.as_slice()].concat();
        join([Payload::from(head), body])
    }

    /// The file of a rendition: `v0` and so on, or `a`.
    pub fn file(&self, rendition: &str) -> Option<Payload> {
        let rung = match rendition.strip_prefix('v') {
            Some(rung) => Some(rung.parse().ok().filter(|it| *it < self.film.kbps.len())?),
            None => None,
        };
        let clusters: Vec<Payload> =
            (0..self.film.sizes.len()).map(|i| self.cluster(rung, i)).collect();
        let before = |index| beginning(rung.is_some(), index, self.trackless);
        let mut at = before(self.index.then_some(0)).len() - OUTSIDE;
        let mut points = Payload::default();
        for (i, cluster) in clusters.iter().enumerate() {
            let place =
                element(0xB7, join([number_of(0xF7, 1), number_of(0xF1, at + self.index_off)]));
            let time = number_of(0xB3, count(i) * self.film.segment_ms);
            points.append(element(0xBB, join([time, place])));
            at += cluster.len();
        }
        let mut file = before(self.index.then_some(at));
        clusters.into_iter().for_each(|cluster| file.append(cluster));
        if self.index {
            file.append(element(0x1C53_BB6B, points));
        }
        let length = file.len().saturating_sub(self.cut);
        Some(file.take(length))
    }

    fn mpd(&self) -> String {
        let ms = self.film.length_ms().saturating_add_signed(self.film.said_longer_ms);
        let mut s = format!(
            "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT{}.{:03}S\" minBufferTime=\"PT2S\"><Period>\n<AdaptationSet mimeType=\"video/webm\" codecs=\"vp9\">\n",
            ms / 1000,
            ms % 1000,
        );
        for (i, kbps) in self.film.kbps.iter().enumerate() {
            // Writing to a String cannot fail.
            let _ = writeln!(
                s,
                "<Representation id=\"v{i}\" bandwidth=\"{}\" width=\"{}\" height=\"{}\"><BaseURL>film.webm?v{i}</BaseURL></Representation>",
                kbps * 1000,
                320 * (i + 1),
                180 * (i + 1),
            );
        }
        s.push_str("</AdaptationSet>\n");
        if self.film.audio {
            s.push_str("<AdaptationSet mimeType=\"audio/webm\" codecs=\"opus\"><Representation id=\"a\" bandwidth=\"128000\"><BaseURL>film.webm?a</BaseURL></Representation></AdaptationSet>\n");
        }
        s.push_str("</Period></MPD>\n");
        s
    }
}

impl Origin for Files {
    fn open(&mut self, now: Time, request: &HttpRequest) -> Box<dyn Reply> {
        let path: Vec<&str> = request.path().split('/').skip(1).collect();
        let range = request.range.filter(|_| !self.whole_only);
        let request = &HttpRequest { range, ..request.clone() };
        let answer = |kind: &str, body: Payload| -> Box<dyn Reply> {
            Box::new(Timeline::answer(now, request, Head::new(200, kind), body))
        };
        match path.as_slice() {
            ["webm", "index.mpd"] => answer("application/dash+xml", self.mpd().into()),
            // Only the query tells the files apart.
            ["webm", "film.webm"] => {
                match self.file(request.url.rsplit('?').next().unwrap_or("")) {
                    Some(body) => answer("video/webm", body),
                    None => status(now, 404),
                }
            }
            _ => status(now, 404),
        }
    }

    fn rung(&self, url: &str) -> Option<u8> {
        url.rsplit_once("film.webm?v")?.1.parse().ok()
    }
}
