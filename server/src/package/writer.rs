//! One rendition's output: frames in, chunks in the store's growing segments out.

use super::frames::Access;
use super::grid::Period;
use crate::store::{Camera, Segment, SourceStatus, TrackSetup};
use bytes::Bytes;
use nearlive::media::es::aac;
use nearlive::media::es::repeat::Repeats;
use nearlive::media::isobmff::write::{self, Chunk, ProducerTime, Sample, SampleEntry};
use nearlive::time::{Timescale, WallTime};
use std::sync::Arc;

/// The scheme of the messages about the camera's state.
pub const SOURCE_SCHEME: &str = "urn:nearlive:source:2026";

/// A picture is repeated at most so often in a second.
const MOST_A_SECOND: u32 = 60;
/// The same, at least: the last pictures before an absence may have come with gaps.
const LEAST_A_SECOND: u32 = 10;

/// Sound that deviates less than this from its clock is not moved.
const AUDIO_TOLERANCE_TICKS: i64 = 48;

/// A picture that leaves the engine this long after its capture states when it did, so that players
/// do not blame the network.
const LATE_US: i64 = 120_000;

/// One sample to write.
#[derive(Clone, Copy, Debug)]
pub(super) struct Picture<'a> {
    pub(super) data: &'a [u8],
    pub(super) access: Access,
    /// Decoding and presentation time, UTC microseconds.
    pub(super) dts_us: i64,
    pub(super) pts_us: i64,
    /// When it came from the engine.
    pub(super) arrival_us: i64,
}

/// A rendition being written.
#[derive(Debug)]
pub(super) struct Writer {
    track: usize,
    timescale: Timescale,
    entry: Option<SampleEntry>,
    open: Option<Open>,
    /// Where the media written so far ends, ticks.
    end_ticks: i64,
    last_dts: Option<i64>,
    last_delta: u32,
    sequence: u32,
    last_key: Option<Key>,
    /// The camera's state was written since it was set up.
    spoke: bool,
    /// The next picture has to say that the camera is well.
    owes_well: bool,
}

#[derive(Debug)]
struct Open {
    period: Period,
    number: u64,
    start_ticks: i64,
    segment: Arc<Segment>,
    is_empty: bool,
}

/// The last key frame, shown while the camera is away.
#[derive(Debug)]
struct Key {
    data: Vec<u8>,
    captured_us: i64,
}

impl Writer {
    pub(super) const fn new(track: usize, timescale: Timescale) -> Self {
        Self {
            track,
            timescale,
            entry: None,
            open: None,
            end_ticks: 0,
            last_dts: None,
            last_delta: timescale.hz() / 25,
            sequence: 0,
            last_key: None,
            spoke: false,
            owes_well: false,
        }
    }

    /// Its codec, once known.
    pub(super) const fn entry(&self) -> Option<&SampleEntry> {
        self.entry.as_ref()
    }

    /// Its samples have the codec `entry` from now on.
    pub(super) fn set_entry(&mut self, entry: SampleEntry) {
        self.entry = Some(entry);
    }

    /// The Period and the number of the segment being written.
    pub(super) fn place(&self) -> Option<(Period, u64)> {
        self.open.as_ref().map(|o| (o.period, o.number))
    }

    /// First time of the segment being written, microseconds.
    pub(super) fn segment_start_us(&self) -> Option<i64> {
        self.open.as_ref().map(|o| self.timescale.to_micros(o.start_ticks))
    }

    /// Where the media written so far ends, microseconds.
    pub(super) fn end_us(&self) -> i64 {
        self.timescale.to_micros(self.end_ticks)
    }

    /// Makes the rendition part of the newest Period.
    pub(super) fn set_up(&self, camera: &Camera, period: Period) {
        let Some(entry) = self.entry.clone() else { return };
        let (size, channels) = match &entry {
            SampleEntry::Avc(c) => (Some((c.resolution.width, c.resolution.height)), None),
            SampleEntry::Aac(c) => (None, Some(c.channels)),
        };
        let codec = entry.codec_string();
        let id = u32::try_from(self.track + 1).unwrap_or(1);
        let init = write::init_segment(&write::Track { id, timescale: self.timescale, entry });
        let timescale = self.timescale.hz();
        let setup = TrackSetup { init: Bytes::from(init), codec, size, channels, timescale };
        camera.set_up(ms(period), self.track, setup);
    }

    /// Begins segment `number` of `period` at `start_us`.
    pub(super) fn begin(&mut self, camera: &Camera, period: Period, number: u64, start_us: i64) {
        self.set_up(camera, period);
        let start_ticks = self.timescale.from_micros(start_us);
        let start = u64::try_from(start_ticks).unwrap_or(0);
        if let Some(open) = self.open.as_ref().filter(|o| o.period.ms != period.ms) {
            let end = u64::try_from(self.end_ticks).unwrap_or(0);
            camera.end_segment(ms(open.period), self.track, end);
            self.last_dts = None;
        }
        self.owes_well = self.spoke;
        self.open = camera
            .begin_segment(ms(period), self.track, number, start)
            .map(|segment| Open { period, number, start_ticks, segment, is_empty: true });
    }

    /// Ends the open segment where its media ends: the next media is later than that.
    pub(super) fn end(&self, camera: &Camera) {
        if let Some(open) = &self.open {
            camera.end_segment(
                ms(open.period),
                self.track,
                u64::try_from(self.end_ticks).unwrap_or(0),
            );
        }
    }

    /// Nothing that was written exists any more.
    pub(super) fn forget(&mut self) {
        self.open = None;
        self.end_ticks = 0;
        self.last_dts = None;
    }

    /// The media continues at `us`.
    pub(super) fn skip_to(&mut self, us: i64) {
        self.end_ticks = self.timescale.from_micros(us);
    }

    /// Writes one picture into the open segment.
    pub(super) fn picture(&mut self, camera: &Camera, picture: Picture<'_>) {
        let dts = self.timescale.from_micros(picture.dts_us);
        let pts = self.timescale.from_micros(picture.pts_us);
        let delta = self.last_dts.map(|last| dts - last).and_then(|d| u32::try_from(d).ok());
        let delta = delta.filter(|d| *d > 0 && *d <= self.timescale.hz() * 2);
        let (decode_time, duration) = self.placed(dts, delta);
        self.last_delta = delta.unwrap_or(self.last_delta);
        self.last_dts = Some(dts);
        let key = picture.access != Access::None;
        if key {
            let captured_us = picture.pts_us;
            self.last_key = Some(Key { data: picture.data.to_vec(), captured_us });
        }
        if let Some(open) = self.open.as_ref().filter(|o| o.is_empty) {
            open.segment.begins_with(picture.access.sap_type());
        }
        let sample = Sample {
            data: picture.data,
            duration,
            composition_offset: i32::try_from(pts - decode_time).unwrap_or(0),
            // Also for an I picture or a recovery point: players begin only at marked samples.
            sync: key,
        };
        let producer = ProducerTime {
            wall: WallTime::from_micros(picture.pts_us),
            finalized: (picture.arrival_us - picture.pts_us >= LATE_US)
                .then(|| WallTime::from_micros(picture.arrival_us)),
            media_ticks: u64::try_from(pts).unwrap_or(0),
        };
        // The first real picture after a replacement, and each segment from then on, says that the
        // camera is well again: a player may have skipped the one before.
        let message = if core::mem::take(&mut self.owes_well) {
            let well = SourceStatus { state: "live", cause: String::new() };
            source_message(self.timescale, dts, self.last_delta, &well)
        } else {
            Vec::new()
        };
        self.chunk(camera, decode_time, &[sample], Some(producer), message);
    }

    /// The decoding time and the duration to write for a picture at `dts`, `delta` after the last one.
    ///
    /// If frames are missing before it, its decoding time is where the last one's duration ends,
    /// and it lasts to where it would have ended: only its composition offset shows that it is
    /// late. A leap in decoding time of over two durations would make browsers drop everything up
    /// to the next key frame (Media Source Extensions, coded frame processing, step 1.6).
    fn placed(&self, dts: i64, delta: Option<u32>) -> (i64, u32) {
        let nominal = self.last_delta;
        let gap = dts - self.end_ticks;
        if delta.is_some() && gap > i64::from(nominal / 2) {
            let duration = u32::try_from(gap).unwrap_or(0).saturating_add(nominal);
            return (self.end_ticks, duration);
        }
        (dts, delta.unwrap_or(nominal))
    }

    /// Writes frames of sound, the first at `start_us`, into the open segment.
    pub(super) fn sound(&mut self, camera: &Camera, frames: &[&[u8]], start_us: i64) {
        let want = self.timescale.from_micros(start_us);
        let runs_on = self.open.is_some() && (want - self.end_ticks).abs() < AUDIO_TOLERANCE_TICKS;
        let start = if runs_on { self.end_ticks } else { want };
        let samples: Vec<_> = frames
            .iter()
            .map(|data| Sample {
                data,
                duration: aac::SAMPLES_PER_FRAME,
                composition_offset: 0,
                sync: true,
            })
            .collect();
        self.chunk(camera, start, &samples, None, Vec::new());
    }

    /// Writes the last key frame as the picture for all the time up to `until_us`, with the
    /// camera's state. Its `prft` is the real time of its capture.
    ///
    /// Pictures that repeat it keep the camera's rhythm: of a single one that lasts, Firefox shows nothing
    /// before the next one has come, and WebKit takes it for as short as all others.
    pub(super) fn still(&mut self, camera: &Camera, until_us: i64, status: &SourceStatus) {
        let Some(key) = self.last_key.take() else { return };
        let start = self.end_ticks;
        let duration = self.timescale.from_micros(until_us) - start;
        if let Ok(duration) = u32::try_from(duration)
            && duration > 0
        {
            let repeats = self.repeats(&key, duration);
            let each = duration / u32::try_from(repeats.len() + 1).unwrap_or(1);
            let last = duration - each * u32::try_from(repeats.len()).unwrap_or(0);
            let data = core::iter::once(&key.data).chain(&repeats).enumerate();
            let samples: Vec<_> = data
                .map(|(i, data)| Sample {
                    data,
                    duration: if i == repeats.len() { last } else { each },
                    composition_offset: 0,
                    sync: i == 0,
                })
                .collect();
            let producer = ProducerTime {
                wall: WallTime::from_micros(key.captured_us),
                finalized: None,
                media_ticks: u64::try_from(start).unwrap_or(0),
            };
            let message = source_message(self.timescale, start, duration, status);
            self.chunk(camera, start, &samples, Some(producer), message);
            self.last_dts = None;
            self.spoke = true;
            self.owes_well = true;
        }
        self.last_key = Some(key);
    }

    /// Samples that show the key frame again, about as many as the camera sends in `duration`; none where they cannot
    /// be made.
    fn repeats(&self, key: &Key, duration: u32) -> Vec<Vec<u8>> {
        let Some(SampleEntry::Avc(config)) = &self.entry else { return Vec::new() };
        let Some(repeats) = Repeats::of(config, &key.data) else { return Vec::new() };
        let hz = self.timescale.hz();
        let step = self.last_delta.clamp(hz / MOST_A_SECOND, hz / LEAST_A_SECOND);
        (1..duration / step).map(|n| repeats.nth(n)).collect()
    }

    /// Whether there is a picture to show while none comes.
    pub(super) const fn has_key(&self) -> bool {
        self.last_key.is_some()
    }

    fn chunk(
        &mut self,
        camera: &Camera,
        start: i64,
        samples: &[Sample<'_>],
        producer: Option<ProducerTime>,
        mut bytes: Vec<u8>,
    ) {
        let Some(open) = &mut self.open else { return };
        open.is_empty = false;
        let Ok(decode_time) = u64::try_from(start) else { return };
        self.sequence = self.sequence.wrapping_add(1);
        let track = u32::try_from(self.track + 1).unwrap_or(1);
        let sequence = self.sequence;
        write::chunk(&Chunk { track, sequence, decode_time, samples, producer }, &mut bytes);
        let duration: u64 = samples.iter().map(|s| u64::from(s.duration)).sum();
        self.end_ticks = start + i64::try_from(duration).unwrap_or(0);
        camera.push_chunk(&open.segment, Bytes::from(bytes), duration);
    }
}

fn ms(period: Period) -> u64 {
    u64::try_from(period.ms).unwrap_or(0)
}

/// An `emsg` of version 1 (ISO/IEC 23009-1 5.10.3.3) with the camera's state and its cause.
fn source_message(
    timescale: Timescale,
    start: i64,
    duration: u32,
    status: &SourceStatus,
) -> Vec<u8> {
    let mut body = vec![1, 0, 0, 0];
    body.extend(timescale.hz().to_be_bytes());
    body.extend(u64::try_from(start).unwrap_or(0).to_be_bytes());
    body.extend(duration.to_be_bytes());
    // One id per message: players may drop a repeated one.
    body.extend(u32::try_from(start & 0xffff_ffff).unwrap_or(0).to_be_bytes());
    for text in [SOURCE_SCHEME, status.state] {
        body.extend(text.as_bytes());
        body.push(0);
    }
    body.extend(status.cause.as_bytes());
    let size = u32::try_from(body.len() + 8).unwrap_or(0);
    [&size.to_be_bytes()[..], b"emsg", &body].concat()
}
