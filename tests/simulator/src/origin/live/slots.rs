//! The content of a segment: its frames, and when each is at the server.

use super::camera::{
    AUDIO_NOTICED, Camera, Period, Rendition, VIDEO_NOTICED, signed, time_of, unix,
};
use crate::clock::{Time, millis};
use crate::origin::cmaf::AUDIO_FRAME;
use crate::rng::mix;
use std::ops::Range;

/// One chunk of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// When it is at the server.
    pub(super) at: Time,
    /// Capture time, Unix microseconds.
    pub(super) captured: i64,
    /// Microseconds.
    pub(super) lasts: i64,
    pub(super) bytes: u32,
    pub(super) sync: bool,
    /// Frames of sound in it; 1 for a picture.
    pub(super) frames: u64,
}

/// A segment: its place, its chunks, and when the server knows that it has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// Unix microseconds.
    pub(super) start: i64,
    /// Unix microseconds.
    pub(super) end: i64,
    pub(super) chunks: Vec<Chunk>,
    pub(super) complete: Time,
}

impl Camera {
    /// The nominal place of a segment; `None` before the Period.
    pub(super) fn place(&self, period: &Period, number: u64) -> Option<(i64, i64)> {
        let index = i64::try_from(number.checked_sub(period.first_number)?).ok()?;
        let d = signed(self.live.segment);
        let start = period.start.checked_add(index.checked_mul(d)?)?;
        Some((start, start + d))
    }

    /// A whole segment, as it will be when it has ended.
    pub(super) fn slot(&self, period: &Period, number: u64, rendition: Rendition) -> Option<Slot> {
        let shift = signed(self.shift(rendition));
        let (start, end) = self.place(period, number).map(|(a, b)| (a + shift, b + shift))?;
        if period.end.is_some_and(|e| start >= e) {
            return None;
        }
        let stop = period.end.map_or(end, |e| e.min(end));
        let chunks = match rendition {
            Rendition::Video(i) => self.pictures(period, start..stop, end, i)?,
            Rendition::Audio => self.sounds(start..stop),
        };
        let hold = self.hold(rendition);
        let last = chunks.last().map_or(0, |c| c.at);
        Some(Slot { start, end: stop, complete: (time_of(stop + signed(hold))).max(last), chunks })
    }

    /// How much later than the picture's its segments begin.
    pub(super) const fn shift(&self, rendition: Rendition) -> Time {
        if matches!(rendition, Rendition::Audio) { self.live.sound_shift } else { 0 }
    }

    fn hold(&self, rendition: Rendition) -> Time {
        match rendition {
            Rendition::Video(i) => self.live.rungs.get(i).map_or(0, |r| r.hold),
            Rendition::Audio => millis(45),
        }
    }

    /// The absence that overlaps a span, if any.
    fn absence(&self, span: &Range<i64>) -> Option<(i64, i64)> {
        let absences = self.live.away.iter().map(|a| (unix(a.start), unix(a.end)));
        absences.into_iter().find(|(from, to)| *from < span.end && *to > span.start)
    }

    fn pictures(
        &self,
        period: &Period,
        span: Range<i64>,
        slot_end: i64,
        rung: usize,
    ) -> Option<Vec<Chunk>> {
        let frame = signed(self.live.frame);
        let hold = self.hold(Rendition::Video(rung));
        let absence = self.absence(&span);
        let kbps = u64::from(self.live.rungs.get(rung)?.kbps);
        let per_segment = self.live.segment / self.live.frame;
        let average = kbps * self.live.frame / 8000;
        let size = |at: i64, sync: bool| {
            // A key frame has four times the average size; the others share the rest; all vary.
            let others = average * (per_segment.max(5) - 4) / (per_segment.max(5) - 1);
            let nominal = if sync { 4 * average } else { others };
            let vary = mix(at.cast_unsigned() ^ mix(kbps)) % 401;
            u32::try_from(nominal * (800 + vary) / 1000).unwrap_or(0).max(40)
        };
        let mut chunks: Vec<Chunk> = Vec::new();
        let mut at = (span.start + frame - 1).div_euclid(frame) * frame;
        let mut late = 0;
        while at < span.end && absence.is_none_or(|(from, _)| at < from) {
            let missing = self.live.missing.iter().any(|m| m.contains(&time_of(at)));
            if !missing {
                let jitter = mix(at.cast_unsigned()) % (self.live.jitter + 1);
                let arrears = self.arrears(time_of(at));
                late = (time_of(at + signed(hold + jitter + arrears))).max(late);
                let sync = (at - period.start) % signed(self.live.segment) == 0;
                let bytes = size(at, sync);
                chunks.push(Chunk { at: late, captured: at, lasts: frame, bytes, sync, frames: 1 });
            }
            at += frame;
        }
        if let Some((from, back)) = absence {
            let start = at.max(span.start);
            let noticed = (time_of(span.start) + hold).max(time_of(from) + VIDEO_NOTICED);
            let noticed = noticed.min(time_of(back) + hold).max(late);
            // The camera's return is not known before it happens.
            let end = if noticed < time_of(span.end) + hold { slot_end } else { span.end };
            if start < end {
                let bytes = size(from, true);
                let lasts = end - start;
                chunks.push(Chunk {
                    at: noticed,
                    captured: start,
                    lasts,
                    bytes,
                    sync: true,
                    frames: 1,
                });
            }
        }
        Some(chunks)
    }

    /// How much later than usual a frame leaves a starved encoder, which works off half of its time.
    fn arrears(&self, captured: Time) -> Time {
        let of = |(times, permille): &(Range<Time>, u32)| {
            let slower = u64::from(*permille).saturating_sub(1000);
            let grown = captured.min(times.end).saturating_sub(times.start) * slower / 1000;
            grown.saturating_sub(captured.saturating_sub(times.end) / 2)
        };
        self.live.starved.iter().map(of).max().unwrap_or(0)
    }

    fn sounds(&self, span: Range<i64>) -> Vec<Chunk> {
        let micros = |frame: i64| frame * i64::from(AUDIO_FRAME) * 1000 / 48;
        let length = i64::from(AUDIO_FRAME) * 1000 / 48;
        let first = (span.start * 48).div_euclid(i64::from(AUDIO_FRAME) * 1000);
        let first = if micros(first) < span.start { first + 1 } else { first };
        let absence = self.absence(&span);
        let hold = self.hold(Rendition::Audio);
        let (mut chunks, mut frame, mut late) = (Vec::new(), first, 0);
        while micros(frame) < span.end {
            let mut frames = 1;
            while frames < self.live.audio_frames && micros(frame + signed(frames)) < span.end {
                frames += 1;
            }
            let captured = micros(frame);
            let end = micros(frame + signed(frames));
            let away = absence.filter(|(from, back)| captured >= *from && captured < *back);
            let mut at = time_of(end + signed(hold));
            if let Some((from, _)) = away {
                at = at.max(time_of(from) + AUDIO_NOTICED);
            }
            late = at.max(late);
            let each: u32 = if away.is_some() { 12 } else { 340 };
            let bytes = each * u32::try_from(frames).unwrap_or(1);
            let lasts = length * signed(frames);
            chunks.push(Chunk { at: late, captured, lasts, bytes, sync: true, frames });
            frame += signed(frames);
        }
        chunks
    }
}
