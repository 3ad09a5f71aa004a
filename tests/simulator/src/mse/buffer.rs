//! A SourceBuffer: frames on the presentation timeline, and the ranges they make.
//!
//! Follows the coded frame processing, removal and eviction algorithms of MSE (3.5.8 to 3.5.10): a
//! video frame is accepted only after a random access point; after a hole, frames are unusable
//! until the next one; frames outside the append window are dropped, with the same effect; a
//! removal extends to the next one.

use super::frame::{Frame, Init, Parsed};
use super::parser::Parser;
use crate::payload::Payload;
use nearlive::player::Span;
use nearlive::presentation::TrackKind;
use nearlive::time::Position;

/// A frame in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The frame, in positions.
    pub frame: Frame,
    /// The driver's tag for the bytes that it came with.
    pub label: u32,
    /// It was decoded right after the frame that is kept before it.
    follows: bool,
}

/// One SourceBuffer.
#[derive(Clone, Debug)]
pub struct SourceBuffer {
    kind: TrackKind,
    mime: String,
    parser: Parser,
    init: Option<Init>,
    offset: i64,
    /// `appendWindowStart` and `appendWindowEnd`.
    window: (i64, i64),
    /// By start, no two at the same.
    frames: Vec<Shown>,
    /// Start and end, by start.
    ranges: Vec<(i64, i64)>,
    bytes: u64,
    quota: u64,
    /// The last frame that came, and its length; `None` at the start of a coded frame group.
    last: Option<(i64, i64)>,
    needs_sync: bool,
    /// Where the first frame since the parser was reset begins, if those before it are dropped.
    earlier: Option<Option<i64>>,
    parsed: Vec<Parsed>,
}

impl SourceBuffer {
    /// What it holds.
    pub const fn kind(&self) -> TrackKind {
        self.kind
    }

    /// An empty buffer for media of this type, which holds this many bytes.
    pub fn new(kind: TrackKind, mime: &str, quota: u64) -> Self {
        Self {
            kind,
            mime: mime.to_owned(),
            parser: Parser::default(),
            init: None,
            offset: 0,
            window: (0, i64::MAX),
            frames: Vec::new(),
            ranges: Vec::new(),
            bytes: 0,
            quota,
            last: None,
            needs_sync: true,
            earlier: None,
            parsed: Vec::new(),
        }
    }

    /// From now on frames before the first since the parser was reset are dropped.
    pub(super) const fn drop_earlier(&mut self) {
        self.earlier = Some(None);
    }

    /// The last initialization segment.
    pub const fn init(&self) -> Option<&Init> {
        self.init.as_ref()
    }

    /// Bytes held.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// From now on it holds at most this many bytes.
    pub fn set_quota(&mut self, bytes: u64) {
        self.quota = bytes;
    }

    /// All frames, by position.
    pub fn frames(&self) -> &[Shown] {
        &self.frames
    }

    /// Whether the parser is inside a box.
    pub fn mid_box(&self) -> bool {
        self.parser.mid_box()
    }

    /// As `SourceBuffer.buffered`.
    pub fn spans(&self) -> Vec<Span> {
        let span = |r: &(i64, i64)| Span {
            start: Position::from_micros(r.0),
            end: Position::from_micros(r.1),
        };
        self.ranges.iter().map(span).collect()
    }

    pub(super) fn ranges(&self) -> &[(i64, i64)] {
        &self.ranges
    }

    /// The range that can be played from `at`: it may begin up to two frames later, as in Chromium.
    pub fn range_at(&self, at: i64) -> Option<(i64, i64)> {
        let i = self.ranges.partition_point(|r| r.1 <= at);
        let range = *self.ranges.get(i)?;
        if range.0 <= at {
            return Some(range);
        }
        let first = self.frames.partition_point(|s| s.frame.start < range.0);
        let frame = self.frames.get(first)?.frame;
        (range.0 - at <= 2 * (frame.end - frame.start).min(MOST_FUDGE)).then_some(range)
    }

    /// The frame on the screen at `at`.
    pub fn shown_at(&self, at: i64) -> Option<Shown> {
        let i = self.frames.partition_point(|s| s.frame.start <= at);
        self.frames.get(i.checked_sub(1)?).copied()
    }

    /// How many frames begin after `from` and not after `to`.
    pub fn count(&self, from: i64, to: i64) -> usize {
        let upto = |at: i64| self.frames.partition_point(|s| s.frame.start <= at);
        upto(to).saturating_sub(upto(from))
    }

    /// Makes room for this many bytes by removing media behind the position; false if there is
    /// still not enough (QuotaExceededError).
    pub fn make_room(&mut self, bytes: u64, position: i64) -> bool {
        if self.bytes + bytes > self.quota {
            let playing = self.frames.partition_point(|s| s.frame.start <= position);
            let sync = |s: &Shown| s.frame.sync;
            let keep = self.frames.get(..playing).unwrap_or_default().iter().rposition(sync);
            let (mut n, mut freed) = (0, 0);
            let missing = self.bytes + bytes - self.quota;
            while n < keep.unwrap_or(0) && freed < missing {
                freed += self.frames.get(n).map_or(0, |s| s.frame.bytes);
                n += 1;
            }
            if n > 0 {
                self.cut(0, n);
                self.rebuild();
            }
        }
        self.bytes + bytes <= self.quota
    }

    /// `appendBuffer`; the error ends the stream, as in browsers.
    pub fn append(&mut self, data: Payload, label: u32) -> Result<(), String> {
        let mut parsed = std::mem::take(&mut self.parsed);
        let result = self.parser.feed(data, &mut parsed);
        for item in parsed.drain(..) {
            match item {
                Parsed::Frame(frame) => self.insert(frame, label),
                Parsed::Init(init) => {
                    if !self.mime.is_empty() && !accepts(&self.mime, &init.codec) {
                        return Err(format!("{} is not {}", init.codec, self.mime));
                    }
                    // 3.5.7: the next frame has to be a random access point.
                    self.needs_sync = true;
                    self.init = Some(init);
                }
            }
        }
        self.parsed = parsed;
        result
    }

    /// 3.5.8, coded frame processing.
    fn insert(&mut self, frame: Frame, label: u32) {
        let mut frame =
            Frame { start: frame.start + self.offset, end: frame.end + self.offset, ..frame };
        if self.kind != TrackKind::Video {
            // Chromium cuts sound to the window, to the sample.
            let (start, end) = self.window;
            frame.start = frame.start.max(start.min(frame.end));
            frame.end = frame.end.min(end.max(frame.start));
        }
        if frame.start < self.window.0 || frame.end > self.window.1 || frame.end <= frame.start {
            self.needs_sync = true;
            return;
        }
        if let Some(first) = &mut self.earlier
            && frame.start < *first.get_or_insert(frame.start)
        {
            return;
        }
        let follows = self.last.is_some_and(|(last, length)| {
            frame.decode >= last && frame.decode - last <= 2 * length
        });
        if self.last.is_some() && !follows {
            self.needs_sync = true;
        }
        if self.needs_sync && !frame.sync && self.kind == TrackKind::Video {
            self.last = None;
            return;
        }
        self.needs_sync = false;
        self.last = Some((frame.decode, frame.end - frame.start));
        let shown = Shown { frame, label, follows };
        self.bytes += frame.bytes;
        let at_end = self.frames.last().is_none_or(|s| s.frame.end <= frame.start);
        if at_end {
            self.extend_ranges(shown);
            self.frames.push(shown);
            return;
        }
        let from = self.frames.partition_point(|s| s.frame.start < frame.start);
        let mut to = self.frames.partition_point(|s| s.frame.start < frame.end).max(from);
        if let Some(before) = from.checked_sub(1).and_then(|i| self.frames.get_mut(i)) {
            before.frame.end = before.frame.end.min(frame.start);
        }
        if to > from && self.kind == TrackKind::Video {
            // Frames that depend on a removed one are removed as well.
            while self.frames.get(to).is_some_and(|s| !s.frame.sync) {
                to += 1;
            }
        }
        self.cut(from, to);
        self.frames.insert(from, shown);
        self.rebuild();
    }

    fn cut(&mut self, from: usize, to: usize) {
        let gone: u64 = self.frames.drain(from..to).map(|s| s.frame.bytes).sum();
        if let Some(next) = self.frames.get_mut(from).filter(|_| to > from) {
            next.follows = false;
        }
        self.bytes -= gone.min(self.bytes);
    }

    fn extend_ranges(&mut self, next: Shown) {
        let length = self.frames.last().map_or(0, |s| s.frame.end - s.frame.start);
        match self.ranges.last_mut() {
            // A hole of one frame is played over (Chromium: two frame intervals), and what follows in
            // decoding time belongs to the range whatever its presentation time.
            Some(r) if next.follows || next.frame.start - r.1 <= length.min(MOST_FUDGE) => {
                r.1 = next.frame.end;
            }
            _ => self.ranges.push((next.frame.start, next.frame.end)),
        }
    }

    fn rebuild(&mut self) {
        let frames = std::mem::take(&mut self.frames);
        self.ranges.clear();
        for shown in frames {
            self.extend_ranges(shown);
            self.frames.push(shown);
        }
    }

    /// `abort()`.
    pub fn abort(&mut self) {
        self.parser.reset();
        self.last = None;
        self.needs_sync = true;
        self.earlier = self.earlier.map(|_| None);
    }

    /// `changeType()`.
    pub fn change_type(&mut self, mime: &str) {
        self.abort();
        self.mime = mime.to_owned();
    }

    /// `timestampOffset`; the error is the exception.
    pub fn set_offset(&mut self, micros: i64) -> Result<(), String> {
        if self.parser.mid_segment() {
            return Err("timestampOffset while a media segment is parsed".into());
        }
        if self.offset != micros {
            self.offset = micros;
            self.last = None;
        }
        Ok(())
    }

    /// `appendWindowStart` and `appendWindowEnd`, microseconds; no end is infinite.
    pub fn set_window(&mut self, start: i64, end: Option<i64>) {
        self.window = (start, end.unwrap_or(i64::MAX));
    }

    /// 3.5.9, coded frame removal: reaches on to the next random access point.
    pub fn remove(&mut self, span: Span) {
        let (start, end) = (span.start.as_micros(), span.end.as_micros());
        let from = self.frames.partition_point(|s| s.frame.start < start);
        let mut to = self.frames.partition_point(|s| s.frame.start < end).max(from);
        if self.kind == TrackKind::Video {
            while self.frames.get(to).is_some_and(|s| !s.frame.sync) {
                to += 1;
            }
        }
        self.cut(from, to);
        self.rebuild();
    }
}

/// No longer hole is played over, whatever the length of frames.
const MOST_FUDGE: i64 = 125_000;

/// Whether a buffer of this type accepts this sample entry.
fn accepts(mime: &str, codec: &str) -> bool {
    let Some((_, codecs)) = mime.split_once("codecs=") else { return true };
    codecs.contains(codec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::cmaf::{Kind, Packer};

    const MS: i64 = 1000;

    fn packer() -> Packer {
        Packer::new(Kind::Video { width: 640, height: 360 })
    }

    /// Frames of 40 ms from `from` to `to` ms, a key frame at each of `keys`.
    fn frames(from: u64, to: u64, keys: &[u64]) -> Payload {
        let mut all = Payload::default();
        for ms in (from..to).step_by(40) {
            all.append(packer().chunk(&[(ms * 90, 3600, 1000, keys.contains(&ms))], None));
        }
        all
    }

    fn buffer() -> SourceBuffer {
        let mut b =
            SourceBuffer::new(TrackKind::Video, "video/mp4; codecs=\"avc1.64001f\"", 200_000);
        b.append(packer().init().into(), 0).unwrap();
        b
    }

    fn ranges(b: &SourceBuffer) -> Vec<(i64, i64)> {
        b.ranges().iter().map(|r| (r.0 / MS, r.1 / MS)).collect()
    }

    fn span(start: i64, end: i64) -> Span {
        Span { start: Position::from_millis(start), end: Position::from_millis(end) }
    }

    #[test]
    fn nothing_is_kept_before_a_key_frame_and_after_a_hole_until_the_next() {
        let mut b = buffer();
        b.append(frames(40, 1000, &[200, 600]), 0).unwrap();
        assert_eq!(ranges(&b), [(200, 1000)]);
        let mut b = buffer();
        b.append(frames(0, 400, &[0]), 0).unwrap();
        b.append(frames(520, 1000, &[800]), 0).unwrap();
        assert_eq!(ranges(&b), [(0, 400), (800, 1000)]);
    }

    #[test]
    fn a_single_lost_frame_is_played_over() {
        let mut b = buffer();
        b.append(frames(0, 400, &[0]), 0).unwrap();
        b.append(frames(440, 600, &[]), 0).unwrap();
        assert_eq!(ranges(&b), [(0, 600)]);
    }

    #[test]
    fn a_lower_rung_from_its_key_frame_replaces_what_depended_on_the_frames_it_overwrites() {
        let mut b = buffer();
        b.append(frames(0, 2000, &[0, 1000]), 0).unwrap();
        b.append(packer().init().into(), 1).unwrap();
        b.append(frames(400, 600, &[400]), 1).unwrap();
        assert_eq!(ranges(&b), [(0, 600), (1000, 2000)]);
        assert_eq!(b.shown_at(450 * MS).map(|s| s.label), Some(1));
    }

    #[test]
    fn a_removal_reaches_on_to_the_next_key_frame() {
        let mut b = buffer();
        b.append(frames(0, 3000, &[0, 1000, 2000]), 0).unwrap();
        b.remove(span(0, 1200));
        assert_eq!(ranges(&b), [(2000, 3000)]);
        b.remove(span(0, 2500));
        assert_eq!((ranges(&b), b.bytes()), (Vec::new(), 0));
    }

    #[test]
    fn a_full_buffer_gives_up_what_is_behind_and_then_refuses() {
        let mut b = buffer();
        b.append(frames(0, 8000, &[0, 1000, 2000, 3000, 4000, 5000, 6000, 7000]), 0).unwrap();
        assert_eq!(b.bytes(), 200_000);
        assert!(b.make_room(25_000, 2500 * MS));
        assert_eq!(ranges(&b), [(1000, 8000)]);
        assert!(!b.make_room(60_000, 2500 * MS));
    }

    #[test]
    fn a_picture_that_reaches_out_of_the_window_is_dropped_and_what_depends_on_it() {
        let mut b = buffer();
        b.set_window(100 * MS, Some(1_950 * MS));
        b.append(frames(0, 2200, &[0, 1000]), 0).unwrap();
        assert_eq!(ranges(&b), [(1000, 1920)]);
        b.set_window(0, None);
        b.append(frames(2000, 2200, &[2000]), 0).unwrap();
        assert_eq!(ranges(&b), [(1000, 1920), (2000, 2200)]);
    }

    #[test]
    fn sound_is_cut_to_the_window() {
        let audio = Packer::new(Kind::Audio);
        let mut b = SourceBuffer::new(TrackKind::Audio, "", 1 << 20);
        b.append(audio.init().into(), 0).unwrap();
        b.set_window(30 * MS, Some(50 * MS));
        let frame = |n: u64| (n * 1024, 1024, 300, true);
        b.append(audio.chunk(&[frame(0), frame(1), frame(2), frame(3)], None), 0).unwrap();
        assert_eq!(ranges(&b), [(30, 50)]);
    }

    #[test]
    fn another_codec_needs_change_type() {
        let mut b =
            SourceBuffer::new(TrackKind::Video, "video/mp4; codecs=\"hvc1.1.6.L93\"", 1 << 20);
        assert!(b.append(packer().init().into(), 0).is_err());
        b.change_type("video/mp4; codecs=\"avc1.64001f\"");
        assert!(b.append(packer().init().into(), 0).is_ok());
    }
}
