//! PURE: makes timestamps continuous, whatever the camera writes into them.
//!
//! RTP time stamps follow a clock (RFC 3550 5.1), but some cameras write a stamp that is hours
//! away, give two frames the same stamp, or one a little before the last; and their clocks are set.
//!
//! ```text
//! stamped   0  1  2  9k  4  5        0  1  2  2  4  5        0  1  2  9k  9k+1  9k+2
//! placed    0  1  2  3   4  5        0  1  2  3  4  5        0  1  2  3   4     5
//! ```
//! A frame that does not follow the last one is placed one usual step after it. The next frame
//! decides. If it follows the frame before the strange one, that was a single error, and nothing
//! has moved. If it follows the strange one, the clock has leapt, and the placed times go on
//! without a leap.
//!
//! The encoded renditions come out of ffmpeg with times of their own. So a filter in ffmpeg does
//! the same on their way in ([`crate::engine::argv`]), with the same information.

/// The least distance of frames that are shown in the order of arrival, 90 kHz ticks.
pub(crate) const LEAST_STEP: i64 = 90;
/// A step longer than this, and than four usual ones, is strange, unless there was no frame for as
/// long.
pub(crate) const LONGEST_STEP: i64 = 3 * 90_000;
/// A frame for which the packager waited may come this much earlier than its step says.
pub(crate) const SOONER: i64 = 90_000;
/// Longer steps do not count as usual.
pub(crate) const LONGEST_USUAL: i64 = 90_000;
/// If this many frames in a row are strange, steps up to this are normal for the camera.
pub(crate) const STRANGE: u32 = 3;
pub(crate) const SLOWEST: i64 = 20 * 90_000;
/// The usual step before one was seen: 25 frames a second.
pub(crate) const FIRST_STEP: i64 = 3_600;
/// This many frames after a leap, a return to the times before it is not expected.
pub(crate) const FORGOTTEN_AFTER: u32 = 50;
/// The first stamp of a run is ffmpeg's guess ([`crate::engine::argv`]), up to this much too early.
pub(crate) const FIRST_TOO_EARLY: i64 = 30 * 90_000;
/// Reordering moves pictures by less than this.
const LONGEST_BACK: i64 = 90_000;
/// Sound may arrive this much earlier or later than its time says.
const SOUND_LEAP: i64 = 2 * 90_000;

/// A frame's stamp, and the time at which it was placed.
#[derive(Clone, Copy, Debug)]
struct Place {
    raw: i64,
    placed: i64,
}

/// The times of one track in one run.
#[derive(Debug)]
pub(super) struct Steady {
    /// The newest frame; of reordered pictures, the one shown last.
    last: Option<Place>,
    usual: i64,
    /// The last frame before the strange ones.
    base: Option<Place>,
    /// How many of those there were, and how many have followed them.
    strange: u32,
    followed: u32,
    last_arrival_us: i64,
}

impl Default for Steady {
    fn default() -> Self {
        Self {
            last: None,
            usual: FIRST_STEP,
            base: None,
            strange: 0,
            followed: 0,
            last_arrival_us: 0,
        }
    }
}

impl Steady {
    /// The time for a picture with the stamp `raw`, in the order of decoding. `bidirectional`: it
    /// may be shown before pictures that came before it.
    pub(super) fn picture(&mut self, raw: i64, bidirectional: bool, arrival_us: i64) -> i64 {
        let waited = (arrival_us - self.last_arrival_us) * 9 / 100;
        self.last_arrival_us = arrival_us;
        let Some(last) = self.last else {
            self.last = Some(Place { raw, placed: raw });
            return raw;
        };
        let is_second = self.followed == 0 && self.strange == 0;
        let longest = if is_second {
            FIRST_TOO_EARLY
        } else {
            LONGEST_STEP.max(4 * self.usual).max(waited + SOONER)
        };
        let least = if bidirectional { -LONGEST_BACK } else { LEAST_STEP };
        if let Some(base) = self.base {
            let step = raw - base.raw;
            let placed = base.placed + step;
            if (least..=longest).contains(&step) && placed >= last.placed + LEAST_STEP {
                self.base = None;
                self.last = Some(Place { raw, placed });
                return placed;
            }
        }
        let step = raw - last.raw;
        if (least..=longest).contains(&step) {
            return self.follow(last, raw, step);
        }
        if bidirectional {
            // Its neighbours precede the last one, and are further from it than this.
            return last.placed - self.usual / 5;
        }
        let before = self.base.unwrap_or(last);
        self.strange = if self.base.is_some() { self.strange + 1 } else { 1 };
        self.followed = 0;
        self.base = Some(before);
        let slow = self.strange >= STRANGE && (LEAST_STEP..=SLOWEST).contains(&step);
        if slow {
            self.usual = step;
        }
        let placed = last.placed + self.usual;
        self.last = Some(Place { raw, placed });
        placed
    }

    fn follow(&mut self, last: Place, raw: i64, step: i64) -> i64 {
        let placed = last.placed + step;
        if step > 0 {
            self.last = Some(Place { raw, placed });
            if step <= LONGEST_USUAL {
                self.usual = step;
            }
            self.followed += 1;
            self.base = self.base.filter(|_| self.followed <= FORGOTTEN_AFTER);
        }
        placed
    }

    /// The time for a frame of sound with the stamp `raw`. Sound may pause, so its arrival tells
    /// whether it follows the last frame.
    pub(super) fn sound(&mut self, raw: i64, arrival_us: i64) -> i64 {
        let waited = (arrival_us - self.last_arrival_us) * 9 / 100;
        self.last_arrival_us = arrival_us;
        let placed = match self.last {
            Some(last) => {
                let step = raw - last.raw;
                if step.abs() > LONGEST_USUAL && (step - waited).abs() > SOUND_LEAP {
                    last.placed + self.usual
                } else {
                    if (1..=LONGEST_USUAL).contains(&step) {
                        self.usual = step;
                    }
                    last.placed + step
                }
            }
            None => raw,
        };
        self.last = Some(Place { raw, placed });
        placed
    }

    /// The usual step from one picture to the next one shown.
    pub(super) const fn usual(&self) -> i64 {
        self.usual
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: i64 = 3_600;
    const HOUR: i64 = 3_600 * 90_000;

    fn placed(stamps: &[i64]) -> Vec<i64> {
        // They come as if nothing were wrong with them.
        let mut steady = Steady::default();
        let mut at = (0..).map(|i| i * 40_000);
        stamps.iter().map(|s| steady.picture(*s, false, at.next().unwrap())).collect()
    }

    /// 200 frames in order, of which `stamp` makes others.
    fn with(stamp: impl Fn(i64) -> i64) -> Vec<i64> {
        placed(&(0..200).map(|i| stamp(i) + i * T).collect::<Vec<_>>())
    }

    fn in_order() -> Vec<i64> {
        (0..200).map(|i| i * T).collect()
    }

    #[test]
    fn lone_frames_out_of_line_are_placed_between_their_neighbours() {
        for off in [3 * HOUR, -3 * HOUR, 10 * HOUR, -T, -2 * T, 4 * 90_000, -4 * 90_000] {
            assert_eq!(with(|i| if i % 50 == 30 { off } else { 0 }), in_order(), "one by {off}");
            let two = with(|i| if i % 50 == 30 || i % 50 == 31 { off } else { 0 });
            if off.abs() > T {
                assert_eq!(two, in_order(), "two by {off}");
            }
        }
    }

    #[test]
    fn every_other_frame_out_of_line_is_a_steady_stream_all_the_same() {
        assert_eq!(with(|i| if i % 2 == 1 { 5 * HOUR } else { 0 }), in_order());
    }

    #[test]
    fn stamps_of_no_order_at_all_rise_with_the_frames() {
        let got = with(|i| if i < 50 { 0 } else { i * 7_919 % 101 * HOUR });
        assert_eq!(got, in_order());
    }

    #[test]
    fn a_clock_that_is_set_for_good_leaves_no_leap() {
        for off in [HOUR, -HOUR, -2 * 90_000] {
            assert_eq!(with(|i| if i >= 100 { off } else { 0 }), in_order(), "{off}");
        }
    }

    #[test]
    fn frames_that_are_missing_leave_their_gap() {
        let stamps: Vec<i64> =
            (0..100).map(|i| if i < 50 { i * T } else { (i + 40) * T }).collect();
        assert_eq!(placed(&stamps), stamps);
        // However long the gap is, where the frames were waited for.
        let mut steady = Steady::default();
        for i in (0..50).chain(140..200) {
            assert_eq!(steady.picture(i * T, false, i * 40_000), i * T, "{i}");
        }
        // And a camera of a frame every five seconds keeps them.
        let slow: Vec<i64> = (0..20).map(|i| i * 5 * 90_000).collect();
        let got = placed(&slow);
        assert!(got[5..].windows(2).all(|w| w[1] - w[0] == 5 * 90_000), "{got:?}");
    }

    #[test]
    fn the_second_picture_is_believed_however_early_the_first_one_is_stamped() {
        for gap in [T, 11 * 90_000, 29 * 90_000] {
            let stamps: Vec<i64> = (0..50).map(|i| if i == 0 { 0 } else { gap + i * T }).collect();
            assert_eq!(placed(&stamps), stamps, "{gap}");
        }
    }

    #[test]
    fn pictures_in_the_order_of_decoding_keep_their_times() {
        let mut steady = Steady::default();
        let order =
            [(0, false), (3, false), (1, true), (2, true), (6, false), (4, true), (5, true)];
        for (at, b) in order {
            assert_eq!(steady.picture(at * T, b, 0), at * T);
        }
        // One of them hours away stays near the others, and moves none.
        let strange = steady.picture(9 * T + HOUR, true, 0);
        assert!((5 * T..6 * T).contains(&strange), "{strange}");
        assert_eq!(steady.picture(9 * T, false, 0), 9 * T);
        assert_eq!(steady.picture(8 * T, true, 0), 8 * T);
    }

    #[test]
    fn sound_pauses_and_comes_in_bursts_but_does_not_leap() {
        let (mut steady, frame) = (Steady::default(), 1_920);
        let us = |ticks: i64| ticks * 100 / 9;
        let sequence = [
            (0, 0, 0),
            (frame, us(frame), frame),
            // A pause of five seconds.
            (5 * 90_000, us(5 * 90_000), 5 * 90_000),
            // The link stands for four seconds, and then all comes together.
            (5 * 90_000 + frame, us(9 * 90_000), 5 * 90_000 + frame),
            (5 * 90_000 + 2 * frame, us(9 * 90_000), 5 * 90_000 + 2 * frame),
            // The clock is set.
            (HOUR, us(9 * 90_000 + frame), 5 * 90_000 + 3 * frame),
            (HOUR + frame, us(9 * 90_000 + 2 * frame), 5 * 90_000 + 4 * frame),
        ];
        for (raw, arrival, at) in sequence {
            assert_eq!(steady.sound(raw, arrival), at, "{raw} at {arrival}");
        }
    }
}
