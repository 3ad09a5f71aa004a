//! Maps the timestamps of one engine run to UTC, from the times at which frames arrive.
//!
//! A frame arrives at its capture time plus a delay, which is at least the time that the camera and
//! the engine hold it. So the least of `arrival - hold - timestamp` over a while is the best guess
//! of the run's offset. It is found from the first frames (they arrive late, in a burst), and then
//! followed slowly, at most [`SLEW_PPM`], so that pictures and sound never jump.
//!
//! [`Standing`] detects a fault that a new clock cannot correct: if timestamps go back, ffmpeg
//! replaces each by the last one plus a tick, until they pass the old ones.

use std::collections::VecDeque;

/// How fast the offset may change, in millionths of the time passed.
const SLEW_PPM: i64 = 200;
/// The offset is the least over this much time, microseconds.
const MEMORY_US: i64 = 10_000_000;
/// Frames seen and time passed before the first guess is trusted.
const SETTLE_FRAMES: u32 = 5;
const SETTLE_US: i64 = 300_000;
const SETTLE_AT_MOST_US: i64 = 2_000_000;
/// A frame that arrives this much before its time proves that the timestamps have leapt.
const EARLY_JUMP_US: i64 = 500_000;
/// Frames this late prove the same if their timestamps hardly advance for [`LATE_PATIENCE_US`] (a
/// leap backwards that ffmpeg has smoothed).
const LATE_JUMP_US: i64 = 2_000_000;
const LATE_PATIENCE_US: i64 = 2_000_000;
/// No frame may be this late, or late for this long, whatever its timestamps. Less late frames are
/// believed: an encoder short of processor time has a backlog and works it off.
const LATE_AT_MOST_US: i64 = 8_000_000;
const LATE_FOR_AT_MOST_US: i64 = 20_000_000;
/// Reordering moves pictures by less than this.
const BACK_JUMP_US: i64 = 1_500_000;

/// Frames follow each other at no less than this, microseconds.
const LEAST_STEP_US: i64 = 1_000;
/// The run is given up after this many frames in a row below it, over this time.
const STANDING_FRAMES: u32 = 4;
const STANDING_US: i64 = 500_000;

/// Detects timestamps that stand still while frames arrive.
#[derive(Debug, Default)]
pub(super) struct Standing {
    last_us: Option<i64>,
    since_us: i64,
    frames: u32,
    stands: bool,
}

impl Standing {
    /// Notes a frame decoded at `media_us` that arrived at `arrival_us`. Returns whether they stand
    /// still.
    pub(super) fn observe(&mut self, media_us: i64, arrival_us: i64) -> bool {
        let step = self.last_us.replace(media_us).map(|last| media_us - last);
        if step.is_none_or(|s| s.abs() >= LEAST_STEP_US) {
            (self.frames, self.since_us) = (0, arrival_us);
        } else {
            self.frames = self.frames.saturating_add(1);
        }
        self.stands = self.frames >= STANDING_FRAMES && arrival_us - self.since_us >= STANDING_US;
        self.stands
    }

    /// What the last frame showed.
    pub(super) const fn stands(&self) -> bool {
        self.stands
    }
}

/// The result of an observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Observed {
    /// The offset is not yet known well enough.
    Settling,
    /// The offset is known.
    Steady,
    /// The timestamps have leapt: a new clock is needed.
    Leapt,
}

/// The mapping of one run.
#[derive(Debug, Default)]
pub(super) struct MediaClock {
    offset_us: Option<i64>,
    /// (arrival, offset seen) with rising offsets: the first is the least remembered.
    least: VecDeque<(i64, i64)>,
    frames: u32,
    first_arrival: i64,
    last: Option<(i64, i64)>,
    /// Since when frames are late: (arrival, timestamp).
    late_since: Option<(i64, i64)>,
}

impl MediaClock {
    /// Notes a frame with timestamp `media_us` that arrived at `arrival_us`, of which the camera
    /// and the engine are known to have held it for `hold_us`.
    pub(super) fn observe(&mut self, media_us: i64, arrival_us: i64, hold_us: i64) -> Observed {
        let seen = arrival_us - hold_us - media_us;
        if self.frames == 0 {
            self.first_arrival = arrival_us;
        }
        self.frames = self.frames.saturating_add(1);
        let step = self.last.map(|(m, a)| (media_us - m, arrival_us - a));
        self.last = Some((media_us, arrival_us));
        if step.is_some_and(|(m, _)| m < -BACK_JUMP_US) {
            return Observed::Leapt;
        }
        if let Some(offset) = self.offset_us
            && self.has_leapt(seen - offset, arrival_us, media_us)
        {
            return Observed::Leapt;
        }
        while self.least.back().is_some_and(|(_, s)| *s >= seen) {
            self.least.pop_back();
        }
        self.least.push_back((arrival_us, seen));
        while self.least.front().is_some_and(|(a, _)| *a < arrival_us - MEMORY_US) {
            self.least.pop_front();
        }
        let least = self.least.front().map_or(seen, |(_, s)| *s);
        match self.offset_us {
            Some(offset) => {
                let (media_step, _) = step.unwrap_or_default();
                let most = media_step.clamp(0, 1_000_000) * SLEW_PPM / 1_000_000;
                self.offset_us = Some(offset + (least - offset).clamp(-most, most));
                Observed::Steady
            }
            None => {
                let elapsed = arrival_us - self.first_arrival;
                // In a burst, frames arrive faster than they were made.
                let paced = step.is_some_and(|(m, a)| a * 2 >= m);
                let settled = self.frames >= SETTLE_FRAMES && elapsed >= SETTLE_US && paced;
                if settled || elapsed >= SETTLE_AT_MOST_US {
                    self.offset_us = Some(least);
                    Observed::Steady
                } else {
                    Observed::Settling
                }
            }
        }
    }

    fn has_leapt(&mut self, behind: i64, arrival_us: i64, media_us: i64) -> bool {
        if behind < -EARLY_JUMP_US {
            return true;
        }
        if behind <= LATE_JUMP_US {
            self.late_since = None;
            return false;
        }
        let (since, first) = *self.late_since.get_or_insert((arrival_us, media_us));
        let late_for = arrival_us - since;
        late_for > LATE_PATIENCE_US
            && (behind > LATE_AT_MOST_US
                || late_for > LATE_FOR_AT_MOST_US
                || (media_us - first) * 8 < late_for)
    }

    /// The UTC time, in microseconds, of timestamp `media_us`; `None` until the offset is known.
    pub(super) fn utc_us(&self, media_us: i64) -> Option<i64> {
        self.offset_us.map(|o| media_us + o)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: i64 = 1_795_000_000_000_000;
    const FRAME: i64 = 40_000;

    /// Frames captured at `BASE + i * FRAME` whose camera clock runs `ppm` fast.
    fn run(clock: &mut MediaClock, frames: i64, ppm: i64, delay: impl Fn(i64) -> i64) -> Observed {
        let mut seen = Observed::Settling;
        for i in 0..frames {
            let captured = i * FRAME;
            let media = captured + captured * ppm / 1_000_000;
            seen = clock.observe(media, BASE + captured + delay(i), FRAME);
        }
        seen
    }

    #[test]
    fn a_burst_at_the_start_does_not_shift_the_clock() {
        let mut clock = MediaClock::default();
        // The first 12 frames come together, half a second late; then each 60 ms after capture.
        run(
            &mut clock,
            40,
            0,
            |i| if i < 12 { 60_000 + (12 - i) * FRAME + i * 500 } else { 60_000 },
        );
        let off = clock.utc_us(0).unwrap() - BASE;
        assert_eq!(off, 20_000, "60 ms of delay of which 40 are known");
    }

    #[test]
    fn jitter_never_makes_time_jump_and_drift_is_followed() {
        let mut clock = MediaClock::default();
        let jitter = |i: i64| 50_000 + (i * 7919 % 97) * 1000;
        run(&mut clock, 25 * 600, 100, jitter);
        let captured = 25 * 600 * FRAME;
        let media = captured + captured * 100 / 1_000_000;
        let error = clock.utc_us(media).unwrap() - (BASE + captured + 10_000);
        assert!(error.abs() < 5_000, "{error} us off after ten minutes at 100 ppm");
    }

    #[test]
    fn a_leap_of_the_timestamps_is_seen_at_once_and_a_late_burst_is_not_one() {
        let mut clock = MediaClock::default();
        assert_eq!(run(&mut clock, 100, 0, |_| 50_000), Observed::Steady);
        let t = 100 * FRAME;
        // The link stalls for four seconds, then everything comes.
        for i in 0..100 {
            let late = 4_000_000 - i * FRAME;
            assert_ne!(
                clock.observe(t + i * FRAME, BASE + t + i * FRAME + late, FRAME),
                Observed::Leapt
            );
        }
        let t = 300 * FRAME;
        assert_eq!(clock.observe(t + 60_000_000, BASE + t, FRAME), Observed::Leapt);
    }

    #[test]
    fn timestamps_that_go_back_are_a_leap() {
        let mut clock = MediaClock::default();
        run(&mut clock, 100, 0, |_| 50_000);
        let t = 100 * FRAME;
        assert_eq!(clock.observe(t - 4_000_000, BASE + t + 50_000, FRAME), Observed::Leapt);
        // Evened out on the way: they stand still instead.
        let mut clock = MediaClock::default();
        run(&mut clock, 100, 0, |_| 50_000);
        let leapt = (100..300)
            .find(|i| clock.observe(t + i - 100, BASE + i * FRAME, FRAME) == Observed::Leapt);
        assert!(leapt.is_some_and(|i| (150..210).contains(&i)), "{leapt:?}");
    }

    #[test]
    fn timestamps_that_stand_still_are_seen_within_a_second() {
        let mut standing = Standing::default();
        let seen = (0..100).find(|i| {
            // Each a tick after the one before, from the 50th on.
            let media = if *i < 50 { i * FRAME } else { 49 * FRAME + (i - 49) * 11 };
            standing.observe(media, BASE + i * FRAME)
        });
        assert!(seen.is_some_and(|i| (60..75).contains(&i)), "{seen:?}");
    }

    #[test]
    fn a_burst_of_late_frames_does_not_stand_still() {
        let mut standing = Standing::default();
        for i in 0..200 {
            assert!(!standing.observe(i * FRAME, BASE + i * 100), "frame {i}");
        }
        // Nor does one timestamp that comes twice, before a pause.
        assert!(!standing.observe(199 * FRAME, BASE + 10_000_000));
    }

    #[test]
    fn frames_of_a_starved_encoder_keep_their_time_however_irregularly_they_come() {
        let mut clock = MediaClock::default();
        run(&mut clock, 250, 0, |_| 50_000);
        let before = clock.utc_us(0).unwrap();
        // A backlog grows to 4 s, stays for 8 s, and is worked off; all with bursts of 7 frames.
        let mut late = 0;
        for i in 250..1000 {
            late = if i < 450 {
                late + 20_000
            } else if i < 650 {
                late
            } else {
                late - 30_000
            };
            let delay = late.max(0) + (6 - i % 7) * FRAME + 50_000;
            let seen = clock.observe(i * FRAME, BASE + i * FRAME + delay, FRAME);
            assert_eq!(seen, Observed::Steady, "frame {i}, {late} us late");
        }
        let moved = clock.utc_us(0).unwrap() - before;
        assert!(moved.abs() < 10_000, "{moved} us");
    }
}
