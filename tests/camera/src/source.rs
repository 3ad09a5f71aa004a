//! What the camera takes, ready to be sent: units of RTP payloads on the camera's own clock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{broadcast, watch};

use crate::encoder::Killer;
use crate::fault::Faults;
use crate::{Codec, sound};

/// RTP ticks a second of both video codecs (RFC 6184 8.2.1, RFC 7798 7.1).
pub(crate) const VIDEO_RATE: u32 = 90_000;
/// Units that a client may be behind before it is dropped: about seven seconds of both tracks.
const BACKLOG: usize = 512;

/// One of the two tracks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Track {
    Video,
    Audio,
}

impl Track {
    /// RTP ticks a second.
    pub(crate) fn rate(self) -> u32 {
        match self {
            Self::Video => VIDEO_RATE,
            Self::Audio => sound::RATE,
        }
    }
}

/// A frame, or a packet of sound.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) track: Track,
    /// Time of capture in the track's ticks since the camera started.
    pub(crate) ticks: u64,
    pub(crate) key: bool,
    pub(crate) payloads: Vec<Box<[u8]>>,
}

/// Parameter sets of the newest key frame: SPS and PPS, with VPS before them for H.265.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ParameterSets {
    pub(crate) vps: Vec<u8>,
    pub(crate) sps: Vec<u8>,
    pub(crate) pps: Vec<u8>,
}

impl ParameterSets {
    /// Those among the NAL units of an access unit, if SPS and PPS are.
    pub(crate) fn of(codec: Codec, nals: &[&[u8]]) -> Option<Self> {
        let find = |kind: u8| {
            let nal = nals.iter().find(|nal| nal_type(codec, nal) == kind)?;
            Some(nal.to_vec())
        };
        match codec {
            Codec::H264 => Some(Self { vps: Vec::new(), sps: find(7)?, pps: find(8)? }),
            Codec::H265 => Some(Self { vps: find(32)?, sps: find(33)?, pps: find(34)? }),
        }
    }
}

/// Whether an access unit begins a GOP: IDR, for H.265 any random access point.
pub(crate) fn is_key(codec: Codec, nals: &[&[u8]]) -> bool {
    nals.iter().any(|nal| match (codec, nal_type(codec, nal)) {
        (Codec::H264, kind) => kind == 5,
        (Codec::H265, kind) => (16..=23).contains(&kind),
    })
}

fn nal_type(codec: Codec, nal: &[u8]) -> u8 {
    let first = nal.first().copied().unwrap_or_default();
    match codec {
        Codec::H264 => first & 0x1F,
        Codec::H265 => first >> 1 & 0x3F,
    }
}

/// The camera's own clock: starts with the camera and runs off by some ppm.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Oscillator {
    start: Instant,
    start_wall: SystemTime,
    ppm: i32,
}

impl Oscillator {
    pub(crate) fn start(ppm: i32) -> Self {
        let (start, start_wall) = both_clocks();
        Self { start, start_wall, ppm }
    }

    /// What the camera counts at a true instant.
    pub(crate) fn elapsed(&self, at: Instant) -> Duration {
        scaled(at.saturating_duration_since(self.start), 1_000_000 + i64::from(self.ppm), 1_000_000)
    }

    /// The true instant at which the camera has counted so much.
    pub(crate) fn instant(&self, elapsed: Duration) -> Instant {
        self.start + scaled(elapsed, 1_000_000, 1_000_000 + i64::from(self.ppm))
    }

    /// What the camera believes the time is; it was right when it started.
    pub(crate) fn wall(&self, at: Instant) -> SystemTime {
        self.start_wall + self.elapsed(at)
    }
}

fn scaled(time: Duration, num: i64, den: i64) -> Duration {
    let nanos = time.as_nanos() as i128 * i128::from(num.max(1)) / i128::from(den.max(1));
    Duration::from_nanos(u64::try_from(nanos).unwrap_or_default())
}

/// The true Unix time in milliseconds of an instant not long ago or ahead.
pub(crate) fn unix_ms(at: Instant) -> u64 {
    let (now, wall) = both_clocks();
    let wall = wall + at.saturating_duration_since(now) - now.saturating_duration_since(at);
    wall.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |unix| unix.as_millis() as u64)
}

/// The same moment on both clocks. A thread may lose its turn between two readings for tens of
/// milliseconds, which would be an error of the time in the picture: of a few attempts the one
/// counts whose readings are closest together.
fn both_clocks() -> (Instant, SystemTime) {
    const CLOSE: Duration = Duration::from_micros(20);
    const ATTEMPTS: usize = 10;
    let read = || {
        let before = Instant::now();
        let wall = SystemTime::now();
        let gap = before.elapsed();
        (gap, before + gap / 2, wall)
    };
    let mut best = read();
    for _ in 1..ATTEMPTS {
        if best.0 <= CLOSE {
            break;
        }
        let next = read();
        if next.0 < best.0 {
            best = next;
        }
    }
    (best.1, best.2)
}

/// What capture, sound and connections share.
pub(crate) struct Source {
    pub(crate) oscillator: Oscillator,
    pub(crate) units: broadcast::Sender<std::sync::Arc<Unit>>,
    pub(crate) parameter_sets: watch::Sender<ParameterSets>,
    pub(crate) faults: watch::Sender<Faults>,
    stopped: AtomicBool,
    killer: Mutex<Option<Killer>>,
}

impl Source {
    pub(crate) fn new(ppm: i32) -> Self {
        Self {
            oscillator: Oscillator::start(ppm),
            units: broadcast::Sender::new(BACKLOG),
            parameter_sets: watch::Sender::new(ParameterSets::default()),
            faults: watch::Sender::new(Faults::default()),
            stopped: AtomicBool::new(false),
            killer: Mutex::new(None),
        }
    }

    /// Sends a unit to every client that plays; it is no error if there is none.
    pub(crate) fn publish(&self, unit: Unit) {
        let _ = self.units.send(std::sync::Arc::new(unit));
    }

    /// The faults that hold now.
    pub(crate) fn faults(&self) -> Faults {
        self.faults.borrow().clone()
    }

    pub(crate) fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Ends capture and encoder.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        if let Some(killer) = &*self.killer.lock().unwrap_or_else(PoisonError::into_inner) {
            crate::encoder::kill(killer);
        }
    }

    /// Names the encoder that [`Source::stop`] has to end; one that comes too late ends at once.
    pub(crate) fn watch_encoder(&self, killer: Killer) {
        let mut slot = self.killer.lock().unwrap_or_else(PoisonError::into_inner);
        if self.stopped() {
            crate::encoder::kill(&killer);
        }
        *slot = Some(killer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_clock_counts_more_and_comes_back_to_the_same_instant() {
        let clock = Oscillator { ppm: 100, ..Oscillator::start(100) };
        let hour = clock.start + Duration::from_secs(3600);
        assert_eq!(clock.elapsed(hour), Duration::from_millis(3_600_360));
        let error = clock.instant(clock.elapsed(hour)).saturating_duration_since(hour);
        assert!(error < Duration::from_micros(1));
        assert_eq!(clock.elapsed(clock.start), Duration::ZERO);
    }

    #[test]
    fn key_frames_and_parameter_sets_are_recognised() {
        let (sps, pps, idr, slice) = (&[0x67, 1][..], &[0x68, 2][..], &[0x65, 3][..], &[0x41][..]);
        let sets = ParameterSets::of(Codec::H264, &[sps, pps, idr]);
        assert_eq!(sets.map(|s| (s.sps, s.pps)), Some((sps.to_vec(), pps.to_vec())));
        assert!(is_key(Codec::H264, &[sps, pps, idr]) && !is_key(Codec::H264, &[slice]));
        assert_eq!(ParameterSets::of(Codec::H264, &[idr]), None);
        let (vps, sps, pps, idr) = (&[0x40, 1][..], &[0x42, 1][..], &[0x44, 1][..], &[0x26, 1][..]);
        assert!(ParameterSets::of(Codec::H265, &[vps, sps, pps, idr]).is_some());
        assert!(is_key(Codec::H265, &[idr]) && !is_key(Codec::H265, &[&[0x02, 1]]));
    }
}
