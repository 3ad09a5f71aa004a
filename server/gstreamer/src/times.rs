//! PURE: the times of pictures and sound.
//!
//! GStreamer would correct a camera's times by the times at which its packets come. The server does
//! that itself, for all engines alike, so what it gets are the camera's own: the RTP time stamps
//! ([`Stamps`]). Two streams have nothing in common but the clock that the camera tells now and then
//! in its sender reports (RFC 3550 6.4.1); until then, what comes at the same time belongs together.
//!
//! Encoders take no times that leap, so they get steady ones ([`Disguise`]), and what they return
//! gets the camera's times back: a picture has the same time in all sizes, whatever the camera writes.

/// Nanoseconds, as GStreamer counts.
pub(crate) type Ns = i64;

const SECOND: Ns = 1_000_000_000;

/// Where times begin: a stamp may be hours before the first one (a negative time does not exist).
pub(crate) const ORIGIN: Ns = 1_000_000 * SECOND;

/// Sound is moved when it is off by more than this.
const SOUND_OFF: Ns = SECOND * 6 / 100;
/// A camera whose clocks differ by more than this tells nonsense.
const NONSENSE: Ns = 10 * SECOND;

/// The RTP time stamps of one stream as times.
#[derive(Debug)]
pub(crate) struct Stamps {
    rate: i64,
    /// The newest stamp, and how many ticks after the first one it is.
    last: Option<(u32, i64)>,
    /// The time of the first stamp.
    base: Ns,
}

impl Stamps {
    /// Of a stream with so many ticks a second.
    pub(crate) fn new(rate: i32) -> Self {
        Self { rate: i64::from(rate.max(1)), last: None, base: ORIGIN }
    }

    /// The time of a packet with this stamp; `now`: nanoseconds since the run began.
    pub(crate) fn time(&mut self, stamp: u32, now: Ns) -> Ns {
        let ticks = match self.last {
            Some((last, ticks)) => ticks + step(last, stamp),
            None => {
                self.base = ORIGIN + now;
                0
            }
        };
        self.last = Some((stamp, ticks));
        self.at(ticks)
    }

    /// The time of a stamp near the newest one.
    pub(crate) fn near(&self, stamp: u32) -> Option<Ns> {
        let (last, ticks) = self.last?;
        Some(self.at(ticks + step(last, stamp)))
    }

    fn at(&self, ticks: i64) -> Ns {
        let time = i128::from(ticks) * i128::from(SECOND) / i128::from(self.rate);
        self.base.saturating_add(i64::try_from(time).unwrap_or(0)).max(0)
    }
}

/// Stamps have 32 bits and begin anew.
fn step(from: u32, to: u32) -> i64 {
    i64::from(to.wrapping_sub(from).cast_signed())
}

/// A sender report: a time of the camera's clock, and the stamp that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) clock: Ns,
    pub(crate) stamp: u32,
}

impl Report {
    /// From an RTCP packet (RFC 3550 6.4.1).
    pub(crate) fn read(packet: &[u8]) -> Option<Self> {
        let word = |at: usize| {
            let bytes = packet.get(at..at + 4)?;
            bytes.try_into().ok().map(u32::from_be_bytes)
        };
        if packet.get(1) != Some(&200) {
            return None;
        }
        let (seconds, part) = (i64::from(word(8)?), i64::from(word(12)?));
        let clock = seconds * SECOND + ((part * SECOND) >> 32);
        (seconds > 0).then_some(Self { clock, stamp: word(16)? })
    }
}

/// By how much sound is moved so that it belongs to the pictures.
#[derive(Debug, Default)]
pub(crate) struct LipSync {
    /// The camera's clock minus our time: of pictures, of sound.
    clocks: [Option<Ns>; 2],
    moved: Ns,
}

impl LipSync {
    /// Notes that a stream's time `time` is `clock` by the camera.
    pub(crate) fn report(&mut self, sound: bool, clock: Ns, time: Ns) {
        self.clocks[usize::from(sound)] = Some(clock.saturating_sub(time));
        if let [Some(picture), Some(sound)] = self.clocks {
            let off = sound.saturating_sub(picture);
            if (off - self.moved).abs() > SOUND_OFF && off.abs() < NONSENSE {
                self.moved = off;
            }
        }
    }

    /// What is added to the times of sound.
    pub(crate) const fn moved(&self) -> Ns {
        self.moved
    }
}

/// Steady times for an encoder in place of the camera's.
#[derive(Debug, Default)]
pub(crate) struct Disguise {
    /// The newest picture: its true time, and the one that it was given.
    last: Option<(Ns, Ns)>,
    usual: Ns,
}

/// A step that a camera may make between two pictures.
const LEAST: Ns = SECOND / 1000;
const MOST: Ns = SECOND;
/// The step before one was seen.
const FIRST_STEP: Ns = SECOND / 25;

impl Disguise {
    /// The time that the encoder gets for a picture of `time`.
    pub(crate) fn put_on(&mut self, time: Ns) -> Ns {
        let given = match self.last {
            None => {
                self.usual = FIRST_STEP;
                0
            }
            Some((last, given)) => {
                let step = time.saturating_sub(last);
                if (LEAST..=MOST).contains(&step) {
                    self.usual = step;
                }
                given + self.usual
            }
        };
        self.last = Some((time, given));
        given
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_times_whatever_is_their_first_and_however_they_leap() {
        let mut stamps = Stamps::new(90_000);
        let first = 0_u32.wrapping_sub(3_600);
        let begin = ORIGIN + 5;
        assert_eq!(stamps.time(first, 5), begin);
        assert_eq!(stamps.time(0, 9), begin + SECOND / 25);
        assert_eq!(stamps.time(90_000 * 9_000, 9), begin + SECOND / 25 + 9_000 * SECOND);
        assert_eq!(stamps.time(3_600, 9), begin + 2 * SECOND / 25);
        assert_eq!(stamps.near(0), Some(begin + SECOND / 25));
        assert_eq!(Stamps::new(8_000).near(0), None);
    }

    #[test]
    fn sound_that_came_early_is_moved_to_its_pictures_when_the_camera_tells_the_time() {
        let mut sync = LipSync::default();
        sync.report(false, 100 * SECOND, 10 * SECOND);
        assert_eq!(sync.moved(), 0);
        // At 100 s by the camera it was 10 s for the pictures, and 9.7 s for sound.
        sync.report(true, 100 * SECOND, 97 * SECOND / 10);
        assert_eq!(sync.moved(), 3 * SECOND / 10);
        sync.report(true, 105 * SECOND, 147 * SECOND / 10 + SECOND / 50);
        assert_eq!(sync.moved(), 3 * SECOND / 10, "it does not follow each report");
        sync.report(true, 3_000 * SECOND, 20 * SECOND);
        assert_eq!(sync.moved(), 3 * SECOND / 10, "nor nonsense");
    }

    #[test]
    fn a_sender_report_is_read_and_nothing_else() {
        let mut packet = vec![0x80, 200, 0, 6, 1, 2, 3, 4];
        for word in [10_u32, 1 << 31, 77, 0, 0] {
            packet.extend(word.to_be_bytes());
        }
        let report = Report { clock: 10 * SECOND + SECOND / 2, stamp: 77 };
        assert_eq!(Report::read(&packet), Some(report));
        assert_eq!(Report::read(&packet[..18]), None);
        packet[1] = 201;
        assert_eq!(Report::read(&packet), None);
    }

    #[test]
    fn an_encoder_gets_steady_times() {
        let t = SECOND / 20;
        let mut disguise = Disguise::default();
        let times = [0, t, 9_000 * SECOND, 3 * t, 3 * t, 5 * t];
        let given: Vec<_> = times.iter().map(|at| disguise.put_on(ORIGIN + at)).collect();
        assert_eq!(given, [0, t, 2 * t, 3 * t, 4 * t, 4 * t + 2 * t]);
    }
}
