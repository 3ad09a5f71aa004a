//! Quantities that are not times, as types: no public function takes a bare number for one.

use crate::time::Duration;

/// Bits in a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bitrate(u64);

impl Bitrate {
    /// `bps` bits a second.
    pub const fn from_bps(bps: u64) -> Self {
        Self(bps)
    }

    /// `kbps` thousand bits a second.
    pub const fn from_kbps(kbps: u64) -> Self {
        Self(kbps.saturating_mul(1000))
    }

    /// Bits a second.
    pub const fn as_bps(self) -> u64 {
        self.0
    }

    /// The rate at which `bytes` arrive in `time`; `None` for a time of zero.
    pub fn of(bytes: u64, time: Duration) -> Option<Self> {
        bytes.saturating_mul(8_000_000).checked_div(time.as_micros()).map(Self)
    }

    /// How long `bytes` take at this rate; `None` at rate zero.
    #[inline(never)]
    pub fn time_for(self, bytes: u64) -> Option<Duration> {
        bytes.saturating_mul(8_000_000).checked_div(self.0).map(Duration::from_micros)
    }

    /// Bytes that flow at this rate in `time`.
    pub fn bytes_in(self, time: Duration) -> u64 {
        self.0.saturating_mul(time.as_micros()) / 8_000_000
    }

    /// This rate times `permille` / 1000.
    #[inline(never)]
    pub const fn scaled(self, permille: u32) -> Self {
        Self(self.0.saturating_mul(permille as u64) / 1000)
    }
}

/// A range of bytes of a resource, both ends included as in RFC 9110 section 14.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByteRange {
    /// The first byte.
    pub first: u64,
    /// The last byte; `None` for "to the end".
    pub last: Option<u64>,
}

impl ByteRange {
    /// How many bytes the range names; `None` when it is open.
    pub fn len(&self) -> Option<u64> {
        Some(self.last?.saturating_sub(self.first).saturating_add(1))
    }

    /// A range always names at least one byte.
    pub const fn is_empty(&self) -> bool {
        false
    }
}

/// Width and height of a picture in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resolution {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// Frames in a second, as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameRate {
    /// Frames.
    pub frames: u32,
    /// In so many seconds; never zero.
    pub seconds: core::num::NonZeroU32,
}

/// A playback rate in thousandths of the normal speed: 1000 is 1x.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u32);

impl Rate {
    /// The normal speed.
    pub const NORMAL: Self = Self(1000);

    /// `permille` thousandths of the normal speed.
    pub const fn from_permille(permille: u32) -> Self {
        Self(permille)
    }

    /// Thousandths of the normal speed.
    pub const fn permille(self) -> u32 {
        self.0
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self::NORMAL
    }
}
