//! Fills gaps so that no timeline has a hole: holds the last picture, and adds silence.

use super::grid::Period;
use super::sound;
use super::timeline::{FRAME_US, Timeline};
use super::track::Track;
use crate::store::SourceStatus;
use nearlive::media::es::aac;
use nearlive::media::isobmff::write::SampleEntry;

/// Missing pictures are replaced after this time.
const PICTURE_PATIENCE_US: i64 = 1_000_000;
/// Missing sound is filled with silence after this time.
const SOUND_PATIENCE_US: i64 = 300_000;
/// Silence ends this much before now, so that returning sound finds its place.
const SILENCE_BEHIND_US: i64 = 150_000;

/// Up to where a picture's track is filled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stood {
    /// Unix microseconds.
    pub(super) until_us: i64,
    /// It was not being filled before.
    pub(super) begins: bool,
}

/// Fills with the last key frame where no picture comes; `None` where one comes. `leads`: this
/// track decides where segments begin.
pub(super) fn stand_in(
    t: &mut Track,
    timeline: &mut Timeline,
    leads: bool,
    now_us: i64,
    status: &SourceStatus,
) -> Option<Stood> {
    let patience = PICTURE_PATIENCE_US.max(t.intervals_us.back().unwrap_or(&FRAME_US) * 4);
    let (mut period, mut number) = t.writer.place()?;
    if now_us - t.last_arrival_us < patience && !t.filling || !t.writer.has_key() {
        return None;
    }
    let camera = &timeline.camera;
    let slot_end = |period: Period, number, end_us: i64| {
        if period.listed { end_us + period.slot_us } else { period.slot_start_us(number + 1) }
    };
    let begins = !t.filling;
    if begins {
        t.filling = true;
        t.writer.still(camera, slot_end(period, number, t.writer.end_us()), status);
    }
    let oldest_us = camera.oldest_us(now_us);
    while t.writer.end_us() + 1000 + t.grace_us < now_us {
        let mut start = t.writer.end_us();
        number += 1;
        if start < oldest_us {
            // The machine slept, or its clock was set: time that no viewer could watch is left out.
            t.writer.end(camera);
            number = number.max(period.number_at(oldest_us));
            start = if period.listed { oldest_us } else { period.slot_start_us(number) };
            t.writer.skip_to(start);
        }
        if let Some(newest) = timeline.periods.back().filter(|p| p.ms > period.ms) {
            // The other tracks have gone on to a new Period without this one.
            period = *newest;
            number = newest.number_at(start.max(newest.start_us()));
        }
        t.writer.begin(camera, period, number, start);
        t.writer.still(camera, slot_end(period, number, start), status);
        if t.writer.end_us() <= start {
            break;
        }
        if leads {
            timeline.grid.filled(number, start);
        }
    }
    Some(Stood { until_us: t.writer.end_us(), begins })
}

/// Fills with silence where no sound comes.
pub(super) fn silence(t: &mut Track, timeline: &Timeline, now_us: i64, stands_until: Option<i64>) {
    let quiet = now_us - t.last_arrival_us >= SOUND_PATIENCE_US;
    if quiet || stands_until.is_some() {
        silence_until(t, timeline, stands_until.unwrap_or(now_us - SILENCE_BEHIND_US));
    }
}

/// Writes silence from where the sound ends up to `until_us`.
pub(super) fn silence_until(t: &mut Track, timeline: &Timeline, until_us: i64) {
    let Some(SampleEntry::Aac(config)) = t.writer.entry() else { return };
    let (channels, rate) = (config.channels, i64::from(config.sample_rate.max(1)));
    let Some(newest) = timeline.periods.back() else { return };
    let frame_us = i64::from(aac::SAMPLES_PER_FRAME) * 1_000_000 / rate;
    let mut at = if t.writer.place().is_some() { t.writer.end_us() } else { newest.start_us() };
    let oldest_us = timeline.camera.oldest_us(until_us);
    if at < oldest_us {
        t.writer.end(&timeline.camera);
        at = oldest_us;
    }
    // At most one window's worth at a time, whatever the clocks say.
    for _ in 0..4096 {
        if at + frame_us > until_us {
            break;
        }
        t.filling = true;
        sound::write(t, timeline, &aac::silent_frame(channels), at);
        let end = t.writer.end_us();
        if end <= at {
            break;
        }
        at = end;
    }
}
