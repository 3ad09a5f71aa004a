//! H.264 access units to fragments of pictures.

use super::output::{Kind, Output, fragment, init};
use crate::media::es::h264::{self, AvcConfig, AvcSample};
use crate::media::isobmff::write::{Sample, SampleEntry};
use crate::media::ts::Unit;
use crate::time::{MediaTime, Timescale};
use alloc::vec::Vec;

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

/// The video track.
#[derive(Debug)]
pub(super) struct Video {
    config: Option<AvcConfig>,
    /// What came before the first slice of the next picture, in PES packets of its own (GStreamer's
    /// `mpegtsmux` puts each NAL unit into one).
    head: Head,
    pending: Vec<Picture>,
    /// Duration of the last picture for which it is known, ticks.
    duration: u32,
    sequence: u32,
    /// The span of the contiguous pictures, up to the newest.
    pub(super) run: Option<Run>,
}

/// A span of presentation time, 90 kHz ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) start: i64,
    pub(super) end: i64,
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
    /// What comes next does not follow: discards what is held.
    pub(super) fn restart(&mut self) {
        self.pending.clear();
        self.head = Head::default();
        self.run = None;
    }

    /// Takes a PES.
    pub(super) fn unit(&mut self, unit: &Unit, out: &mut Vec<Output>) {
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
    pub(super) fn emit(&mut self, all: bool, out: &mut Vec<Output>) {
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
