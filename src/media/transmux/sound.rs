//! ADTS frames to fragments of sound, and silence where sound is missing.

use super::output::{Kind, Output, fragment, init};
use super::picture::Run;
use crate::media::es::aac::{self, AacConfig, adts_frames};
use crate::media::isobmff::write::{Sample, SampleEntry};
use crate::media::ts::Unit;
use crate::time::{MediaTime, Timescale};
use alloc::vec::Vec;

/// Samples by which a PES time may differ from the count of samples before the sound is moved:
/// packagers round times, some to whole milliseconds, and moving causes a gap or an overlap.
const ROUNDING: i64 = 256;

/// A shorter lack of sound than this, in 90 kHz ticks, is not filled: packagers put sound beside
/// earlier or later pictures, and begin and end it where they like.
const LACKING: i64 = 45_000;

/// The audio track.
#[derive(Debug, Default)]
pub(super) struct Audio {
    /// Sound is expected, with this configuration until some has come.
    pub(super) expected: Option<AacConfig>,
    pub(super) config: Option<(AacConfig, Timescale)>,
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
    /// What comes next does not follow: discards what is held.
    pub(super) fn restart(&mut self) {
        self.pending.clear();
        self.next = None;
        self.drop_cut_off();
    }

    /// The next part of a frame is missing.
    pub(super) fn drop_cut_off(&mut self) {
        self.cut_off.clear();
        self.cut_off_pts = None;
    }

    /// Takes a PES; `seen` is the run of pictures so far.
    pub(super) fn unit(&mut self, unit: Unit, seen: Option<Run>, out: &mut Vec<Output>) {
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
    pub(super) fn stand_in(&mut self, picture: Run, came: bool, out: &mut Vec<Output>) {
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

    /// Makes a fragment of the frames that are held.
    pub(super) fn emit(&mut self, out: &mut Vec<Output>) {
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
