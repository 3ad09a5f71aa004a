//! MPEG-2 transport stream to CMAF, for browsers, whose MediaSource takes only the latter.
//!
//! ```text
//!   TS bytes -> ts::Demuxer -> H.264 access units -> Output::Init, Output::Fragment (Video)
//!                           -> ADTS frames        -> Output::Init, Output::Fragment (Audio)
//! ```
//!
//! Each call of [`push`](Transmuxer::push) makes one fragment per track, of the samples that are
//! complete. A picture's duration is the difference to the next one's decode time, so one picture
//! is held until that is known; the last picture of a segment gets the duration of the one before.
//!
//! Both tracks keep the stream's own times (video in 90 kHz, audio in samples); the caller moves
//! them to their place on the timeline with `timestampOffset`. Sources: RFC 8216 sections 3.2 and
//! 6.2.3 (discontinuities).
//!
//! A browser stops where sound is missing beside the picture. The transmuxer fills such places with
//! silence, once [`expect_sound`](Transmuxer::expect_sound) has given the configuration of the
//! sound.

use super::es::aac::{self, AacConfig, adts_frames};
use super::es::h264::{self, AvcConfig, AvcSample};
use super::isobmff::write::{self, Chunk, Sample, SampleEntry, Track};
use super::ts::{Demuxer, Event, StreamKind, Unit, Unwrap};
use crate::time::{MediaTime, Timescale};
use alloc::string::String;
use alloc::vec::Vec;

/// One of the two output tracks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// H.264.
    Video,
    /// AAC.
    Audio,
}

/// The transmuxer's output, in the order in which a SourceBuffer of the kind must get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// An initialization segment: before the first fragment of a kind, and when its codec's
    /// configuration changes.
    Init {
        /// The track.
        kind: Kind,
        /// RFC 6381 name.
        codec: String,
        /// The bytes to append.
        bytes: Vec<u8>,
    },
    /// Media.
    Fragment {
        /// The track.
        kind: Kind,
        /// The earliest presentation time in it, on the stream's own clock.
        start: MediaTime,
        /// The latest end of a presentation in it.
        end: MediaTime,
        /// Its first sample is a sync sample.
        sync: bool,
        /// The bytes to append.
        bytes: Vec<u8>,
    },
    /// The program has a stream of a type that is not converted to CMAF.
    Unsupported {
        /// What it carries.
        kind: StreamKind,
    },
}

/// The first time stamp is unwrapped to the value nearest to this. It is far enough from zero that
/// no time is negative, which `tfdt` could not hold.
const ORIGIN: Unwrap = Unwrap::near(1 << 33);

/// Transmuxes the segments of one playlist.
#[derive(Debug)]
pub struct Transmuxer {
    demuxer: Demuxer,
    /// Kept for its allocation.
    events: Vec<Event>,
    video: Video,
    audio: Audio,
}

impl Default for Transmuxer {
    fn default() -> Self {
        Self::with_clock(ORIGIN)
    }
}

impl Transmuxer {
    /// A transmuxer that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A transmuxer that unwraps its time stamps near those of another (its
    /// [`clock`](Self::clock)): for playlists whose renditions share a timeline.
    pub fn with_clock(clock: Unwrap) -> Self {
        Self {
            demuxer: Demuxer::with_clock(clock),
            events: Vec::new(),
            video: Video::default(),
            audio: Audio::default(),
        }
    }

    /// The state of unwrapping time stamps.
    pub const fn clock(&self) -> Unwrap {
        self.demuxer.clock()
    }

    /// The segments should have sound of this configuration; silence fills in where it is missing.
    pub fn expect_sound(&mut self, config: AacConfig) {
        self.audio.expected = Some(config);
    }

    /// The configuration of the newest sound.
    pub fn sound(&self) -> Option<&AacConfig> {
        self.audio.config.as_ref().map(|(config, _)| config)
    }

    /// Takes the next bytes of a segment.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Output>) {
        let mut events = core::mem::take(&mut self.events);
        self.demuxer.push(bytes, &mut events);
        self.handle(&mut events, out);
        self.events = events;
        self.video.emit(false, out);
        self.audio.emit(out);
    }

    /// The segment has ended: emits all that is held. The next bytes are those of the segment after
    /// it, unless [`seek`](Self::seek) or [`discontinuity`](Self::discontinuity) comes first.
    pub fn end_segment(&mut self, out: &mut Vec<Output>) {
        let mut events = core::mem::take(&mut self.events);
        self.demuxer.flush(&mut events);
        self.handle(&mut events, out);
        self.events = events;
        self.video.emit(true, out);
        if let Some(to) = self.video.run {
            self.audio.stand_in(to, false, out);
        }
        self.audio.emit(out);
    }

    /// The next bytes are another part of the same timeline. Discards what is held.
    pub fn seek(&mut self) {
        self.restart(self.demuxer.clock());
    }

    /// The next bytes have a clock of their own (EXT-X-DISCONTINUITY). Discards what is held.
    pub fn discontinuity(&mut self) {
        self.restart(ORIGIN);
    }

    fn restart(&mut self, clock: Unwrap) {
        self.demuxer = Demuxer::with_clock(clock);
        self.video.pending.clear();
        self.video.head = Head::default();
        self.video.run = None;
        self.audio.restart();
    }

    fn handle(&mut self, events: &mut Vec<Event>, out: &mut Vec<Output>) {
        for event in events.drain(..) {
            match event {
                Event::Unit(unit) if unit.kind == StreamKind::H264 => self.video.unit(&unit, out),
                Event::Unit(unit) if unit.kind == StreamKind::Aac => {
                    self.audio.unit(unit, self.video.run, out);
                }
                Event::Stream {
                    kind: StreamKind::H264 | StreamKind::Aac | StreamKind::Id3,
                    ..
                }
                | Event::Unit(_) => {}
                Event::Stream { kind, .. } => out.push(Output::Unsupported { kind }),
                // Decoders hide a missing picture better than a missing second: go on.
                Event::Lost { .. } => self.audio.drop_cut_off(),
            }
        }
    }
}

/// `track_ID` of both: each has its own SourceBuffer.
const TRACK: u32 = 1;

/// A longer step to the next decode time, in ticks, is a new beginning, not a duration.
const LONGEST_PICTURE: i64 = 10 * 90_000;

/// Pictures of two segments are contiguous if their times differ by no more than this, ticks.
const HOLE: i64 = 90_000;

/// No more than this is kept of what comes before a picture's first slice, bytes.
const LONGEST_HEAD: usize = 64 << 10;

#[derive(Debug)]
struct Picture {
    pts: i64,
    dts: i64,
    sync: bool,
    data: Vec<u8>,
}

/// The beginning of a picture: what comes before its first slice.
#[derive(Debug, Default)]
struct Head {
    data: Vec<u8>,
    /// The presentation and decode time of the first part that has one. Parts after it may have none, the
    /// slice neither.
    time: Option<(i64, i64)>,
}

#[derive(Debug)]
struct Video {
    config: Option<AvcConfig>,
    /// What came before the first slice of the next picture, in PES packets of its own (GStreamer's
    /// `mpegtsmux` puts each NAL unit into one).
    head: Head,
    pending: Vec<Picture>,
    /// Duration of the last picture for which it is known, ticks.
    duration: u32,
    sequence: u32,
    /// The span of the contiguous pictures, up to the newest.
    run: Option<Run>,
}

/// A span of presentation time, 90 kHz ticks.
#[derive(Clone, Copy, Debug)]
struct Run {
    start: i64,
    end: i64,
}

impl Default for Video {
    fn default() -> Self {
        // Assumes 25 pictures a second until two pictures have been seen.
        Self {
            config: None,
            head: Head::default(),
            pending: Vec::new(),
            duration: 3600,
            sequence: 0,
            run: None,
        }
    }
}

impl Video {
    fn unit(&mut self, unit: &Unit, out: &mut Vec<Output>) {
        let mut sample = h264::access_unit(&unit.data);
        let mut time = unit.pts.zip(unit.dts);
        // Without a time, and with nothing begun, it goes on with the picture before.
        if time.is_some() || !self.head.data.is_empty() {
            if self.head.data.len() + unit.data.len() > LONGEST_HEAD && !has_slice(&sample) {
                return;
            }
            let mut head = core::mem::take(&mut self.head);
            time = time.or(head.time);
            if !has_slice(&sample) {
                head.data.extend_from_slice(&unit.data);
                self.head = Head { time: head.time.or(time), ..head };
                return;
            }
            if !head.data.is_empty() {
                head.data.extend_from_slice(&unit.data);
                sample = h264::access_unit(&head.data);
            }
        }
        if let Some(config) = sample.config
            && self.config.as_ref() != Some(&config)
        {
            self.emit(true, out);
            let entry = SampleEntry::Avc(config.clone());
            out.push(init(Kind::Video, Timescale::NINETY_KHZ, entry));
            self.config = Some(config);
        }
        if self.config.is_none() {
            return;
        }
        let Some((pts, dts)) = time else {
            // 13818-1 2.4.3.7: a PES in which no access unit begins has no time.
            if let Some(last) = self.pending.last_mut() {
                last.data.extend_from_slice(&sample.data);
            }
            return;
        };
        if let Some(last) = self.pending.last_mut()
            && (last.pts, last.dts) == (pts, dts)
        {
            // Another slice of it.
            last.data.extend_from_slice(&sample.data);
            return;
        }
        if let Some(last) = self.pending.last()
            && !(1..=LONGEST_PICTURE).contains(&(dts - last.dts))
        {
            self.emit(true, out);
        }
        self.note_run(pts);
        let sync = sample.idr || sample.recovery_point;
        self.pending.push(Picture { pts, dts, sync, data: sample.data });
    }

    /// Extends the run by a picture, or begins a new run. A picture that is held lasts until the
    /// next one, however late that is.
    fn note_run(&mut self, pts: i64) {
        let end = pts.saturating_add(i64::from(self.duration));
        let held = !self.pending.is_empty();
        match &mut self.run {
            Some(run) if pts >= run.end - HOLE && (held || pts <= run.end + HOLE) => {
                run.start = run.start.min(pts);
                run.end = run.end.max(end);
            }
            run => *run = Some(Run { start: pts, end }),
        }
    }

    /// Makes a fragment of the pictures whose durations are known, or of all.
    fn emit(&mut self, all: bool, out: &mut Vec<Output>) {
        let held = usize::from(!all);
        let Some(ready) = self.pending.len().checked_sub(held) else { return };
        let rest = self.pending.split_off(ready);
        let pictures = core::mem::replace(&mut self.pending, rest);
        let Some(first) = pictures.first() else { return };
        let (mut start, mut end) = (i64::MAX, i64::MIN);
        let mut samples = Vec::with_capacity(pictures.len());
        for (i, p) in pictures.iter().enumerate() {
            let next = pictures.get(i + 1).or_else(|| self.pending.first());
            if let Some(next) = next {
                self.duration = u32::try_from(next.dts - p.dts).unwrap_or(self.duration);
            }
            start = start.min(p.pts);
            end = end.max(p.pts.saturating_add(i64::from(self.duration)));
            samples.push(Sample {
                data: &p.data,
                duration: self.duration,
                composition_offset: i32::try_from(p.pts - p.dts).unwrap_or(0),
                sync: p.sync,
            });
        }
        self.sequence = self.sequence.wrapping_add(1);
        let bytes = fragment(self.sequence, first.dts, &samples);
        let time = |ticks| MediaTime::new(ticks, Timescale::NINETY_KHZ);
        let (start, end, sync) = (time(start), time(end), first.sync);
        out.push(Output::Fragment { kind: Kind::Video, start, end, sync, bytes });
    }
}

fn has_slice(sample: &AvcSample) -> bool {
    h264::sample_units(&sample.data).any(|nal| matches!(nal.first().map(|b| b & 0x1f), Some(1..=5)))
}

/// Samples by which a PES time may differ from the count of samples before the sound is moved:
/// packagers round times, some to whole milliseconds, and moving causes a gap or an overlap.
const ROUNDING: i64 = 256;

/// A shorter lack of sound than this, in 90 kHz ticks, is not filled: packagers put sound beside
/// earlier or later pictures, and begin and end it where they like.
const LACKING: i64 = 45_000;

#[derive(Debug, Default)]
struct Audio {
    /// Sound is expected, with this configuration until some has come.
    expected: Option<AacConfig>,
    config: Option<(AacConfig, Timescale)>,
    /// Contiguous raw frames; the last ends at `next`.
    pending: Vec<Vec<u8>>,
    /// Where the next frame begins, in samples.
    next: Option<i64>,
    /// The first part of a frame that continues in the next PES.
    cut_off: Vec<u8>,
    /// The time of that frame, if it was the first to begin in its PES.
    cut_off_pts: Option<i64>,
    sequence: u32,
}

impl Audio {
    fn restart(&mut self) {
        self.pending.clear();
        self.next = None;
        self.drop_cut_off();
    }

    fn drop_cut_off(&mut self) {
        self.cut_off.clear();
        self.cut_off_pts = None;
    }

    /// Takes a PES; `seen` is the run of pictures so far.
    fn unit(&mut self, unit: Unit, seen: Option<Run>, out: &mut Vec<Output>) {
        if let (Some(pts), Some(seen)) = (unit.pts, seen)
            && pts - LACKING <= seen.end
        {
            // Beyond the end of the pictures no sound is missing: the clock may have jumped.
            self.stand_in(Run { end: pts, ..seen }, true, out);
        }
        let mut data = core::mem::take(&mut self.cut_off);
        let cut_off_pts = self.cut_off_pts.take();
        // 13818-1 2.4.3.7: the time is that of the first frame that begins in the PES.
        let first = usize::from(!data.is_empty());
        let pts_of = |frame: usize| {
            if frame == first {
                unit.pts
            } else if frame == 0 {
                cut_off_pts
            } else {
                None
            }
        };
        if data.is_empty() {
            data = unit.data;
        } else {
            data.extend_from_slice(&unit.data);
        }
        let mut count = 0;
        let mut frames = adts_frames(&data);
        for (config, frame) in frames.by_ref() {
            self.frame(config, frame.data, pts_of(count), out);
            count += 1;
        }
        self.cut_off = frames.rest().to_vec();
        self.cut_off_pts = pts_of(count);
    }

    fn frame(&mut self, config: AacConfig, data: &[u8], pts: Option<i64>, out: &mut Vec<Output>) {
        let Some(scale) = self.configure(config, out) else { return };
        if let Some(pts) = pts {
            let at = MediaTime::new(pts, Timescale::NINETY_KHZ).rescale(scale).ticks;
            if self.next.is_none_or(|next| (at - next).abs() > ROUNDING) {
                self.emit(out);
                self.next = Some(at);
            }
        }
        if let Some(next) = &mut self.next {
            *next += i64::from(aac::SAMPLES_PER_FRAME);
            self.pending.push(data.to_vec());
        }
    }

    /// Fills in silence up to the end of `picture`, where sound is expected and more than a little
    /// is missing. `came`: sound continues there.
    fn stand_in(&mut self, picture: Run, came: bool, out: &mut Vec<Output>) {
        let Some(expected) = self.expected.clone() else { return };
        let config = self.config.as_ref().map_or(expected, |(config, _)| config.clone());
        let channels = config.channels;
        let Some(scale) = self.configure(config, out) else { return };
        let samples = |ticks| MediaTime::new(ticks, Timescale::NINETY_KHZ).rescale(scale).ticks;
        let (start, end) = (samples(picture.start), samples(picture.end));
        let frame = i64::from(aac::SAMPLES_PER_FRAME);
        // Sound that ended before these pictures began belongs to another clock.
        let follows = self.next.filter(|next| *next >= start - samples(LACKING));
        let from = follows.unwrap_or(start);
        let little = if came && follows.is_some() { frame - ROUNDING } else { samples(LACKING) };
        if end - from < little {
            return;
        }
        if follows.is_none() {
            self.emit(out);
        }
        let silence = aac::silent_frame(channels);
        let mut next = from;
        while next + frame <= end + ROUNDING {
            self.pending.push(silence.clone());
            next += frame;
        }
        self.next = Some(next);
        self.drop_cut_off();
    }

    /// Makes an initialization segment if `config` is new. Returns the track's timescale.
    fn configure(&mut self, config: AacConfig, out: &mut Vec<Output>) -> Option<Timescale> {
        if let Some((current, scale)) = &self.config
            && *current == config
        {
            return Some(*scale);
        }
        self.emit(out);
        self.next = None;
        let scale = Timescale::new(config.sample_rate)?;
        out.push(init(Kind::Audio, scale, SampleEntry::Aac(config.clone())));
        self.config = Some((config, scale));
        Some(scale)
    }

    fn emit(&mut self, out: &mut Vec<Output>) {
        let (Some((_, scale)), Some(end)) = (&self.config, self.next) else { return };
        if self.pending.is_empty() {
            return;
        }
        let duration = aac::SAMPLES_PER_FRAME;
        let frames = core::mem::take(&mut self.pending);
        let samples: Vec<Sample<'_>> = frames
            .iter()
            .map(|data| Sample { data, duration, composition_offset: 0, sync: true })
            .collect();
        let count = i64::try_from(frames.len()).unwrap_or(0);
        let start = end - count * i64::from(duration);
        self.sequence = self.sequence.wrapping_add(1);
        let bytes = fragment(self.sequence, start, &samples);
        let (start, end) = (MediaTime::new(start, *scale), MediaTime::new(end, *scale));
        out.push(Output::Fragment { kind: Kind::Audio, start, end, sync: true, bytes });
    }
}

fn init(kind: Kind, timescale: Timescale, entry: SampleEntry) -> Output {
    let codec = entry.codec_string();
    Output::Init { kind, codec, bytes: write::init_segment(&Track { id: TRACK, timescale, entry }) }
}

fn fragment(sequence: u32, decode_time: i64, samples: &[Sample<'_>]) -> Vec<u8> {
    let decode_time = u64::try_from(decode_time).unwrap_or(0);
    let mut bytes = Vec::new();
    write::chunk(
        &Chunk { track: TRACK, sequence, decode_time, samples, producer: None },
        &mut bytes,
    );
    bytes
}
