//! The clocks of the player, each a type of its own so that they cannot be mixed up.
//!
//! | type | counts | origin |
//! |---|---|---|
//! | [`Duration`] | microseconds, a length | none |
//! | [`Instant`] | monotonic microseconds | arbitrary, the driver's |
//! | [`WallTime`] | UTC microseconds | 1970-01-01T00:00:00Z |
//! | [`Position`] | microseconds on the presentation timeline (`currentTime`) | the presentation's |
//! | [`MediaTime`] | ticks of a track's own timescale | the track's |
//!
//! Nothing here reads a clock: time is always an argument.

use core::cmp::Ordering;
use core::iter::Sum;
use core::num::NonZeroU32;
use core::ops::{Add, AddAssign, Div, Mul, Sub};

/// A length of time in whole microseconds. Arithmetic saturates.
///
/// The standard library's type counts seconds and nanoseconds: more code at each use, which every viewer
/// would download.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

impl Duration {
    /// No time.
    pub const ZERO: Self = Self(0);
    /// Longer than anything.
    pub const MAX: Self = Self(u64::MAX);

    /// So many seconds.
    pub const fn from_secs(s: u64) -> Self {
        Self(s.saturating_mul(1_000_000))
    }

    /// So many milliseconds.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    /// So many microseconds.
    pub const fn from_micros(us: u64) -> Self {
        Self(us)
    }

    /// Whole seconds.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Whole milliseconds.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1000
    }

    /// Microseconds.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// No time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Zero where `other` is longer.
    #[inline(never)]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The difference, whichever is longer.
    pub const fn abs_diff(self, other: Self) -> Self {
        Self(self.0.abs_diff(other.0))
    }
}

impl From<core::time::Duration> for Duration {
    fn from(d: core::time::Duration) -> Self {
        Self(u64::try_from(d.as_micros()).unwrap_or(u64::MAX))
    }
}

impl From<Duration> for core::time::Duration {
    fn from(d: Duration) -> Self {
        Self::from_micros(d.0)
    }
}

// The server reckons with the standard library's lengths, as its runtime does.
impl PartialEq<core::time::Duration> for Duration {
    fn eq(&self, other: &core::time::Duration) -> bool {
        *self == Self::from(*other)
    }
}

impl PartialOrd<core::time::Duration> for Duration {
    fn partial_cmp(&self, other: &core::time::Duration) -> Option<Ordering> {
        self.partial_cmp(&Self::from(*other))
    }
}

impl Add for Duration {
    type Output = Self;
    #[inline(never)]
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sub for Duration {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.saturating_sub(other)
    }
}

impl Mul<u32> for Duration {
    type Output = Self;
    #[inline(never)]
    fn mul(self, n: u32) -> Self {
        Self(self.0.saturating_mul(u64::from(n)))
    }
}

impl Div<u32> for Duration {
    type Output = Self;
    /// By zero it is what it was.
    #[inline(never)]
    fn div(self, n: u32) -> Self {
        Self(self.0.checked_div(u64::from(n)).unwrap_or(self.0))
    }
}

impl AddAssign for Duration {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Duration {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::ZERO, Add::add)
    }
}

/// Signed difference of two times in microseconds, saturating.
fn diff(a: i64, b: i64) -> i64 {
    a.saturating_sub(b)
}

/// A length in microseconds, saturating, to be reckoned with times.
#[inline(never)]
pub fn micros(d: Duration) -> i64 {
    i64::try_from(d.0).unwrap_or(i64::MAX)
}

/// A reading of the driver's monotonic clock, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The reading `us` microseconds after the clock's origin.
    pub const fn from_micros(us: u64) -> Self {
        Self(us)
    }

    /// Microseconds since the clock's origin.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Time from `earlier` to `self`; zero when `earlier` is later.
    #[inline(never)]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;
    #[inline(never)]
    fn add(self, d: Duration) -> Self {
        Self(self.0.saturating_add(d.0))
    }
}

impl Add<core::time::Duration> for Instant {
    type Output = Self;
    fn add(self, d: core::time::Duration) -> Self {
        self + Duration::from(d)
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;
    fn sub(self, d: Duration) -> Self {
        Self(self.0.saturating_sub(d.0))
    }
}

macro_rules! signed_time {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// The time `us` microseconds after the origin (before it when negative).
            pub const fn from_micros(us: i64) -> Self {
                Self(us)
            }

            /// The time `ms` milliseconds after the origin.
            pub const fn from_millis(ms: i64) -> Self {
                Self(ms.saturating_mul(1000))
            }

            /// Microseconds since the origin.
            pub const fn as_micros(self) -> i64 {
                self.0
            }

            /// Whole milliseconds since the origin, rounded down.
            pub const fn as_millis(self) -> i64 {
                self.0.div_euclid(1000)
            }

            /// Time from `earlier` to `self`; zero when `earlier` is later.
            #[inline(never)]
            pub fn since(self, earlier: Self) -> Duration {
                Duration::from_micros(u64::try_from(diff(self.0, earlier.0)).unwrap_or(0))
            }

            /// Signed microseconds from `other` to `self`.
            #[inline(never)]
            pub fn micros_from(self, other: Self) -> i64 {
                diff(self.0, other.0)
            }

            /// This time moved by a signed number of microseconds.
            #[inline(never)]
            pub const fn offset(self, us: i64) -> Self {
                Self(self.0.saturating_add(us))
            }
        }

        impl Add<Duration> for $name {
            type Output = Self;
            #[inline(never)]
            fn add(self, d: Duration) -> Self {
                self.offset(micros(d))
            }
        }

        impl Sub<core::time::Duration> for $name {
            type Output = Self;
            fn sub(self, d: core::time::Duration) -> Self {
                self - Duration::from(d)
            }
        }

        impl Sub<Duration> for $name {
            type Output = Self;
            fn sub(self, d: Duration) -> Self {
                self.offset(micros(d).saturating_neg())
            }
        }
    };
}

signed_time! {
    /// A UTC wall-clock time, in microseconds since 1970-01-01T00:00:00Z.
    WallTime
}

signed_time! {
    /// A place on the presentation timeline: what `HTMLMediaElement.currentTime` counts.
    Position
}

/// A span of the timeline, end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// First.
    pub start: Position,
    /// First after it.
    pub end: Position,
}

/// Ticks in a second of a track's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timescale(NonZeroU32);

impl Timescale {
    /// 90 kHz, the clock of MPEG-2 systems and of RTP video.
    pub const NINETY_KHZ: Self = Self::literal(90_000);
    /// 48 kHz, the audio clock of the companion server.
    pub const AUDIO_48K: Self = Self::literal(48_000);
    /// One tick a second.
    pub const SECONDS: Self = Self::literal(1);
    /// One tick a nanosecond.
    pub const NANOS: Self = Self::literal(1_000_000_000);
    /// One tick a microsecond.
    pub const MICROS: Self = Self::literal(1_000_000);

    const fn literal(hz: u32) -> Self {
        match NonZeroU32::new(hz) {
            Some(hz) => Self(hz),
            None => Self(NonZeroU32::MIN),
        }
    }

    /// `None` when `hz` is zero.
    pub fn new(hz: u32) -> Option<Self> {
        NonZeroU32::new(hz).map(Self)
    }

    /// Ticks in a second.
    pub const fn hz(self) -> u32 {
        self.0.get()
    }

    /// `ticks` of this clock in microseconds, rounded down, saturating.
    pub fn to_micros(self, ticks: i64) -> i64 {
        scaled(ticks, 1_000_000, i64::from(self.hz()), 0)
    }

    /// `us` microseconds in ticks of this clock, rounded to the nearest, saturating.
    pub fn from_micros(self, us: i64) -> i64 {
        scaled(us, i64::from(self.hz()), 1_000_000, 500_000)
    }

    /// The last tick of this clock that begins no later than `us` microseconds, saturating.
    pub fn tick_at(self, us: i64) -> i64 {
        // As long as a tick is shorter than a microsecond several begin within one.
        scaled(us.saturating_add(1), i64::from(self.hz()), 1_000_000, -1)
    }
}

/// `(v * times + plus) / over`, rounded down, saturating; `times` and `over` have 32 bits, and `over`
/// is positive. (Numbers of 128 bits would cost every viewer their division.)
fn scaled(v: i64, times: i64, over: i64, plus: i64) -> i64 {
    let (whole, rest) = (v.div_euclid(over), v.rem_euclid(over));
    let small = rest.saturating_mul(times).saturating_add(plus).div_euclid(over);
    match whole.checked_mul(times).and_then(|whole| whole.checked_add(small)) {
        Some(v) => v,
        None if whole < 0 => i64::MIN,
        None => i64::MAX,
    }
}

/// A time or a length in ticks of a [`Timescale`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MediaTime {
    /// Ticks, negative before the track's origin.
    pub ticks: i64,
    /// Ticks in a second.
    pub scale: Timescale,
}

impl MediaTime {
    /// `ticks` of `scale`.
    pub const fn new(ticks: i64, scale: Timescale) -> Self {
        Self { ticks, scale }
    }

    /// The same time in microseconds, rounded down.
    pub fn as_micros(self) -> i64 {
        self.scale.to_micros(self.ticks)
    }

    /// The same time in ticks of another clock, rounded to the nearest.
    pub fn rescale(self, scale: Timescale) -> Self {
        let (from, to) = (i64::from(self.scale.hz()), i64::from(scale.hz()));
        Self::new(scaled(self.ticks, to, from, from / 2), scale)
    }

    /// As a length; zero when negative.
    pub fn to_duration(self) -> Duration {
        Duration::from_micros(u64::try_from(self.as_micros()).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unix_time_at_90_khz_survives_the_way_to_micros_and_back() {
        let now_us = 1_795_491_661_123_456;
        let ticks = Timescale::NINETY_KHZ.from_micros(now_us);
        assert!((Timescale::NINETY_KHZ.to_micros(ticks) - now_us).abs() <= 12);
    }

    #[test]
    fn differences_saturate_instead_of_wrapping() {
        assert_eq!(WallTime::from_micros(1).since(WallTime::from_micros(5)), Duration::ZERO);
        assert_eq!(Position::from_micros(i64::MAX).offset(5).as_micros(), i64::MAX);
        assert_eq!(Instant::from_micros(3) - Duration::from_secs(1), Instant::from_micros(0));
    }

    #[test]
    fn rescaling_rounds_to_the_nearest_tick() {
        let t = MediaTime::new(1, Timescale::NINETY_KHZ).rescale(Timescale::AUDIO_48K);
        assert_eq!(t.ticks, 1);
    }
}
