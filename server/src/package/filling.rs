//! What stands in for what does not come, so that no timeline has a hole: the last picture, held, and
//! silence.

use super::grid::Period;
use super::news::Afresh;
use super::{FRAME_US, Packager};
use crate::store::SourceStatus;
use nearlive::media::es::aac;
use nearlive::media::isobmff::write::SampleEntry;

/// Pictures that do not come for this long are stood in for.
const PICTURE_PATIENCE_US: i64 = 1_000_000;
/// Sound that does not come for this long is filled with silence.
const SOUND_PATIENCE_US: i64 = 300_000;
/// Silence is written up to this much before now, so that sound that comes back finds its place.
const SILENCE_BEHIND_US: i64 = 150_000;

impl Packager {
    /// Fills with the last key frame where no picture comes; says up to when, microseconds.
    pub(super) fn stand_in(
        &mut self,
        track: usize,
        now_us: i64,
        status: &SourceStatus,
    ) -> Option<i64> {
        let t = &mut self.tracks[track];
        let patience = PICTURE_PATIENCE_US.max(t.intervals_us.back().unwrap_or(&FRAME_US) * 4);
        let (mut period, mut number) = t.writer.place()?;
        if now_us - t.last_arrival_us < patience && !t.filling || !t.writer.has_key() {
            return None;
        }
        let slot_end = |period: Period, number, end_us: i64| {
            if period.listed { end_us + period.slot_us } else { period.slot_start_us(number + 1) }
        };
        if !t.filling {
            t.filling = true;
            t.writer.still(&self.camera, slot_end(period, number, t.writer.end_us()), status);
            self.afresh.get_or_insert(Afresh::Gap);
        }
        let oldest_us = self.camera.oldest_us(now_us);
        while t.writer.end_us() + 1000 + t.grace_us < now_us {
            let mut start = t.writer.end_us();
            number += 1;
            if start < oldest_us {
                // The machine slept, or its clock was set: what nobody could see is left out.
                t.writer.end(&self.camera);
                number = number.max(period.number_at(oldest_us));
                start = if period.listed { oldest_us } else { period.slot_start_us(number) };
                t.writer.skip_to(start);
            }
            if let Some(newest) = self.periods.back().filter(|p| p.ms > period.ms) {
                // The others have gone on to a new Period without this one.
                period = *newest;
                number = newest.number_at(start.max(newest.start_us()));
            }
            t.writer.begin(&self.camera, period, number, start);
            t.writer.still(&self.camera, slot_end(period, number, start), status);
            if t.writer.end_us() <= start {
                break;
            }
            if track == self.leader {
                self.grid.filled(number, start);
            }
        }
        Some(t.writer.end_us())
    }

    /// Fills with silence where no sound comes.
    pub(super) fn silence(&mut self, track: usize, now_us: i64, stands_until: Option<i64>) {
        let quiet = now_us - self.tracks[track].last_arrival_us >= SOUND_PATIENCE_US;
        if quiet || stands_until.is_some() {
            let until = stands_until.unwrap_or(now_us - SILENCE_BEHIND_US);
            self.fill_with_silence(track, until);
        }
    }

    /// Writes silence from where the sound ends up to `until_us`.
    pub(super) fn fill_with_silence(&mut self, track: usize, until_us: i64) {
        let writer = &self.tracks[track].writer;
        let Some(SampleEntry::Aac(config)) = writer.entry() else { return };
        let (channels, rate) = (config.channels, i64::from(config.sample_rate.max(1)));
        let Some(newest) = self.periods.back() else { return };
        let frame_us = i64::from(aac::SAMPLES_PER_FRAME) * 1_000_000 / rate;
        let mut at = if writer.place().is_some() { writer.end_us() } else { newest.start_us() };
        let oldest_us = self.camera.oldest_us(until_us);
        if at < oldest_us {
            self.tracks[track].writer.end(&self.camera);
            at = oldest_us;
        }
        // No more than a window's worth at a time, whatever the clocks say.
        for _ in 0..4096 {
            if at + frame_us > until_us {
                break;
            }
            self.tracks[track].filling = true;
            self.write_sound(track, &aac::silent_frame(channels), at);
            let end = self.tracks[track].writer.end_us();
            if end <= at {
                break;
            }
            at = end;
        }
    }
}
