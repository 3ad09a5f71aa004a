//! The segment parser of a SourceBuffer: ISO BMFF bytes, or those of WebM, in pieces of any size to frames.
//!
//! Independent of `nearlive::media`, so that a mistake there does not cancel itself out here. Like
//! browsers, it keeps an unfinished box for the next append: after half a box, the next bytes are
//! taken for the rest of it, until [`Parser::reset`].
//!
//! Source: ISO/IEC 14496-12 8.8 (movie fragments) and the MSE byte stream format for ISO BMFF.

use super::frame::{Frame, Init, Parsed};
use super::webm;
use crate::payload::Payload;
use std::collections::VecDeque;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before or inside a box header.
    Header,
    /// Inside a box that is read whole: this many bytes of it so far, header included.
    Box(u64),
    /// Inside an `mdat`: this many bytes are left.
    Data(u64),
}

/// The parser.
#[derive(Clone, Debug)]
pub struct Parser {
    state: State,
    head: Vec<u8>,
    init: Option<Init>,
    /// Frames of the last `moof` whose bytes are not all there; sizes are what is missing.
    due: VecDeque<(Frame, u64)>,
    /// What reads WebM, if that was fed first.
    webm: Option<webm::Reader>,
}

impl Default for Parser {
    fn default() -> Self {
        let (head, due) = (Vec::new(), VecDeque::new());
        Self { state: State::Header, head, init: None, due, webm: None }
    }
}

impl Parser {
    /// Discards the unfinished box, not the initialization segment (MSE 3.5.4, reset parser state).
    pub fn reset(&mut self) {
        self.state = State::Header;
        self.head.clear();
        self.due.clear();
        self.webm.iter_mut().for_each(webm::Reader::reset);
    }

    /// Inside a box.
    pub fn mid_box(&self) -> bool {
        let webm = self.webm.as_ref().is_some_and(webm::Reader::mid_element);
        webm || self.state != State::Header || !self.head.is_empty()
    }

    /// Between a `moof` and the end of its `mdat`.
    pub fn mid_segment(&self) -> bool {
        let webm = self.webm.as_ref().is_some_and(webm::Reader::mid_frame);
        webm || !self.due.is_empty() || matches!(self.state, State::Data(_))
    }

    /// Reads bytes; the error is the reason for which a browser would end the stream.
    pub fn feed(&mut self, mut data: Payload, out: &mut Vec<Parsed>) -> Result<(), String> {
        let begins = self.init.is_none() && self.head.is_empty();
        if begins && data.clone().take(1).to_vec() == [webm::FIRST] {
            self.webm.get_or_insert_default();
        }
        if let Some(webm) = &mut self.webm {
            return webm.feed(data, out);
        }
        while !data.is_empty() {
            match self.state {
                State::Header => {
                    let need = if self.head.len() < 8 || self.wide() { 16 } else { 8 };
                    let need = if self.head.len() < 8 { 8 } else { need };
                    let missing = need - self.head.len().min(need);
                    data.read(missing, &mut self.head);
                    if self.head.len() >= 8 && !(self.wide() && self.head.len() < 16) {
                        self.enter()?;
                    }
                }
                State::Box(size) => {
                    let have = crate::payload::count(self.head.len());
                    let n = usize::try_from(size.saturating_sub(have)).unwrap_or(0);
                    data.read(n, &mut self.head);
                    if crate::payload::count(self.head.len()) >= size {
                        self.state = State::Header;
                        let whole = std::mem::take(&mut self.head);
                        self.whole_box(&whole, out)?;
                        self.head = whole;
                        self.head.clear();
                    }
                }
                State::Data(left) => {
                    let n = data.take(left).len();
                    self.complete(n, out);
                    self.state = if left == n { State::Header } else { State::Data(left - n) };
                    if left == n && self.due.pop_front().is_some() {
                        return Err("an mdat ends before its frames".into());
                    }
                }
            }
        }
        Ok(())
    }

    fn wide(&self) -> bool {
        be32(&self.head, 0) == Some(1)
    }

    /// A box header is complete.
    fn enter(&mut self) -> Result<(), String> {
        let kind = self.head.get(4..8).unwrap_or_default();
        let name = String::from_utf8_lossy(kind).into_owned();
        let size = match be32(&self.head, 0) {
            Some(1) => be64(&self.head, 8).unwrap_or(0),
            Some(n) => u64::from(n),
            None => 0,
        };
        let header = crate::payload::count(self.head.len());
        if size < header || !KNOWN.contains(&name.as_str()) {
            return Err(format!("no box begins with {:02x?}", self.head));
        }
        if name == "mdat" {
            if self.due.is_empty() {
                return Err("an mdat without a moof".into());
            }
            self.head.clear();
            self.state = State::Data(size - header);
        } else if size > MOST_METADATA {
            return Err(format!("a {name} of {size} bytes"));
        } else {
            self.state = State::Box(size);
        }
        Ok(())
    }

    fn whole_box(&mut self, whole: &[u8], out: &mut Vec<Parsed>) -> Result<(), String> {
        let name = whole.get(4..8).unwrap_or_default();
        let body = whole.get(8..).unwrap_or_default();
        if !self.due.is_empty() && name != b"free" {
            return Err("a moof without its mdat".into());
        }
        match name {
            b"moov" => {
                let init = read_moov(body).ok_or("a moov that cannot be read")?;
                out.push(Parsed::Init(init.clone()));
                self.init = Some(init);
            }
            b"moof" => {
                let init = self.init.as_ref().ok_or("media before an initialization segment")?;
                let frames = read_moof(body, init).ok_or("a moof that cannot be read")?;
                if frames.is_empty() {
                    return Err("a moof without frames".into());
                }
                self.due.extend(frames.into_iter().map(|f| (f, f.bytes)));
            }
            _ => {}
        }
        Ok(())
    }

    fn complete(&mut self, mut n: u64, out: &mut Vec<Parsed>) {
        while let Some((frame, missing)) = self.due.front_mut() {
            if *missing > n {
                *missing -= n;
                return;
            }
            n -= *missing;
            out.push(Parsed::Frame(*frame));
            self.due.pop_front();
        }
    }
}

/// Boxes that may stand at the top of a stream.
const KNOWN: [&str; 10] =
    ["ftyp", "styp", "moov", "moof", "mdat", "prft", "emsg", "sidx", "free", "skip"];

/// More than any real `moov` or `moof` has.
const MOST_METADATA: u64 = 4 << 20;

fn be32(b: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(b.get(at..at + 4)?.try_into().ok()?))
}

fn be64(b: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(b.get(at..at + 8)?.try_into().ok()?))
}

/// The content of the first box of this name.
fn child<'a>(mut body: &'a [u8], name: &[u8; 4]) -> Option<&'a [u8]> {
    loop {
        let size = usize::try_from(be32(body, 0)?).ok()?;
        let whole = body.get(..size).filter(|w| w.len() >= 8)?;
        if whole.get(4..8)? == name {
            return whole.get(8..);
        }
        body = body.get(size..)?;
    }
}

fn read_moov(moov: &[u8]) -> Option<Init> {
    let mvhd = child(moov, b"mvhd")?;
    let mdia = child(child(moov, b"trak")?, b"mdia")?;
    let (mdhd, tkhd) = (child(mdia, b"mdhd")?, child(child(moov, b"trak")?, b"tkhd")?);
    let wide = |b: &[u8]| b.first() == Some(&1);
    let timescale = be32(mdhd, if wide(mdhd) { 20 } else { 12 })?;
    let length = |b: &[u8]| if wide(b) { be64(b, 24) } else { be32(b, 16).map(u64::from) };
    let mvex = child(moov, b"mvex")?;
    let trex = child(mvex, b"trex")?;
    let stsd = child(child(child(mdia, b"minf")?, b"stbl")?, b"stsd")?;
    Some(Init {
        codec: String::from_utf8_lossy(stsd.get(12..16)?).into_owned(),
        unbounded: child(mvex, b"mehd").is_none() && length(mvhd)? == 0,
        track: be32(tkhd, if wide(tkhd) { 20 } else { 12 })?,
        timescale: Some(timescale).filter(|t| *t > 0)?,
        defaults: [be32(trex, 12)?, be32(trex, 16)?, be32(trex, 20)?],
    })
}

fn read_moof(moof: &[u8], init: &Init) -> Option<Vec<Frame>> {
    let traf = child(moof, b"traf")?;
    let tfhd = child(traf, b"tfhd")?;
    if be32(tfhd, 4)? != init.track {
        return None;
    }
    let flags = be32(tfhd, 0)?;
    let mut at = 8;
    let mut optional = |bit: u32, size: usize| {
        let here = (flags & bit != 0).then_some(at);
        at += if here.is_some() { size } else { 0 };
        here
    };
    optional(0x1, 8);
    optional(0x2, 4);
    let places = [optional(0x8, 4), optional(0x10, 4), optional(0x20, 4)];
    let mut defaults = init.defaults;
    for (value, place) in defaults.iter_mut().zip(places) {
        if let Some(place) = place {
            *value = be32(tfhd, place)?;
        }
    }
    let tfdt = child(traf, b"tfdt")?;
    let base = if tfdt.first() == Some(&1) { be64(tfdt, 4)? } else { u64::from(be32(tfdt, 4)?) };
    let mut time = i64::try_from(base).ok()?;
    let trun = child(traf, b"trun")?;
    let flags = be32(trun, 0)? & 0x00ff_ffff;
    let count = be32(trun, 4)?;
    let mut at = 8 + if flags & 0x1 != 0 { 4 } else { 0 };
    let mut first_flags = None;
    if flags & 0x4 != 0 {
        first_flags = be32(trun, at);
        at += 4;
    }
    let micros =
        |ticks: i64| i64::try_from(i128::from(ticks) * 1_000_000 / i128::from(init.timescale)).ok();
    let mut frames = Vec::new();
    for _ in 0..count {
        let mut field = |bit: u32, default: Option<u32>| {
            if flags & bit == 0 {
                return default;
            }
            at += 4;
            be32(trun, at - 4)
        };
        let duration = i64::from(field(0x100, Some(defaults[0]))?);
        let bytes = u64::from(field(0x200, Some(defaults[1]))?);
        let own_flags = field(0x400, first_flags.take().or(Some(defaults[2])))?;
        let offset = i64::from(field(0x800, Some(0))?.cast_signed());
        let start = micros(time + offset)?;
        let end = micros(time + offset + duration)?;
        let decode = micros(time)?;
        frames.push(Frame { decode, start, end, sync: own_flags & 0x1_0000 == 0, bytes });
        time += duration;
    }
    Some(frames)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::cmaf::{Kind, Packer};

    fn stream() -> (Payload, Payload) {
        let packer = Packer::new(Kind::Video { width: 1280, height: 720 });
        let mut media = packer.chunk(&[(90_000, 3600, 1000, true)], None);
        media.append(packer.chunk(&[(93_600, 3600, 500, false)], None));
        (packer.init().into(), media)
    }

    fn frames(out: &[Parsed]) -> Vec<(i64, bool)> {
        let frame = |p: &Parsed| match p {
            Parsed::Frame(f) => Some((f.start, f.sync)),
            Parsed::Init(_) => None,
        };
        out.iter().filter_map(frame).collect()
    }

    #[test]
    fn frames_come_out_as_their_last_byte_goes_in_however_the_bytes_are_cut() {
        for cut in [1, 7, 100, 5000] {
            let (mut all, media) = stream();
            all.append(media);
            let (mut p, mut out) = (Parser::default(), Vec::new());
            while !all.is_empty() {
                p.feed(all.take(cut), &mut out).unwrap();
            }
            assert_eq!(frames(&out), [(1_000_000, true), (1_040_000, false)]);
            assert!(!p.mid_box());
        }
    }

    #[test]
    fn half_a_box_makes_the_next_initialization_segment_fatal_unless_reset() {
        for reset in [true, false] {
            let (init, mut media) = stream();
            let (mut p, mut out) = (Parser::default(), Vec::new());
            p.feed(init.clone(), &mut out).unwrap();
            p.feed(media.take(300), &mut out).unwrap();
            assert!(p.mid_box());
            if reset {
                p.reset();
            }
            let mut rest = init;
            rest.append(stream().1);
            assert_eq!(p.feed(rest, &mut out).is_ok(), reset);
        }
    }

    #[test]
    fn media_needs_an_initialization_segment() {
        let mut out = Vec::new();
        let got = Parser::default().feed(stream().1, &mut out);
        assert_eq!(got, Err("media before an initialization segment".into()));
    }
}
