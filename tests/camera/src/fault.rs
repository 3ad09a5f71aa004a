//! Faults: what can go wrong with a real camera, on command.
//!
//! A [`Fault`] lasts until [`crate::Control::clear`]; hanging up and a jump of the timestamps
//! happen once. Several faults may hold at the same time. The text forms are what the command reads
//! on its standard input.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::Size;

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The port is closed: connections are refused, open ones are closed.
    Refuse,
    /// The plug is pulled: open connections stay open but silent, new ones are refused.
    Unplug,
    /// Every request for the stream is answered 401, whatever the credentials.
    Unauthorized,
    /// Every request for the stream is answered 404.
    NotFound,
    /// Requests are answered, but no packet is sent.
    Stall,
    /// Every open connection is closed, once; new ones are welcome.
    HangUp,
    /// The encoder starts again at another size, with a new SPS.
    Resize(Size),
    /// The RTP timestamps leap by so many seconds, once.
    TimestampJump {
        /// Forwards, or backwards if negative.
        seconds: i32,
    },
    /// Every 50th frame is stamped so many seconds away from its time.
    Outliers {
        /// Ahead, or back if negative.
        seconds: i32,
    },
    /// The time in RTP-Info is not that of the first packet.
    WrongInfo {
        /// It is so much later, or earlier if negative.
        seconds: i32,
    },
    /// Packets sent by UDP are lost at random.
    Loss {
        /// Of all packets, 0 to 100.
        percent: u8,
    },
    /// Packets are held back and sent in bursts, one in so much time, as over bad Wi-Fi.
    Burst(Duration),
    /// PLAY is answered only after this time.
    SlowStart(Duration),
    /// The camera has no audio track: none is described, and none can be set up.
    NoAudio,
    /// Audio that was described and set up sends nothing.
    AudioStops,
    /// Key frames come at irregular distances of 0.5 to 1.5 GOPs.
    IrregularKeyFrames,
    /// The GOP has so many frames from now on.
    Gop {
        /// Frames from one key frame to the next.
        frames: u32,
    },
}

/// All faults that hold, and counts of those that happen once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults {
    pub(crate) refuse: bool,
    pub(crate) unplug: bool,
    pub(crate) unauthorized: bool,
    pub(crate) not_found: bool,
    pub(crate) stall: bool,
    pub(crate) no_audio: bool,
    pub(crate) audio_stops: bool,
    pub(crate) irregular: bool,
    pub(crate) size: Option<Size>,
    pub(crate) gop_frames: Option<u32>,
    pub(crate) outlier_seconds: i32,
    pub(crate) info_seconds: i32,
    pub(crate) loss_percent: u8,
    pub(crate) slow_start: Duration,
    pub(crate) burst: Duration,
    /// How often everyone was hung up on.
    pub(crate) hang_ups: u32,
    /// Sum of all jumps.
    pub(crate) jump_seconds: i32,
}

impl Faults {
    pub(crate) fn set(&mut self, fault: Fault) {
        match fault {
            Fault::Refuse => self.refuse = true,
            Fault::Unplug => self.unplug = true,
            Fault::Unauthorized => self.unauthorized = true,
            Fault::NotFound => self.not_found = true,
            Fault::Stall => self.stall = true,
            Fault::HangUp => self.hang_ups = self.hang_ups.wrapping_add(1),
            Fault::Resize(size) => self.size = Some(size),
            Fault::TimestampJump { seconds } => {
                self.jump_seconds = self.jump_seconds.wrapping_add(seconds);
            }
            Fault::Outliers { seconds } => self.outlier_seconds = seconds,
            Fault::WrongInfo { seconds } => self.info_seconds = seconds,
            Fault::Loss { percent } => self.loss_percent = percent,
            Fault::Burst(every) => self.burst = every,
            Fault::SlowStart(delay) => self.slow_start = delay,
            Fault::NoAudio => self.no_audio = true,
            Fault::AudioStops => self.audio_stops = true,
            Fault::IrregularKeyFrames => self.irregular = true,
            Fault::Gop { frames } => self.gop_frames = Some(frames.max(1)),
        }
    }

    /// Ends all that lasts; what happened once stays as it happened.
    pub(crate) fn clear(&mut self) {
        *self =
            Self { hang_ups: self.hang_ups, jump_seconds: self.jump_seconds, ..Self::default() };
    }

    /// Nothing listens at the camera's port.
    pub(crate) fn closed(&self) -> bool {
        self.refuse || self.unplug
    }

    /// No packet is sent.
    pub(crate) fn silent(&self) -> bool {
        self.stall || self.unplug
    }
}

/// A command that is none; says what would be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownFault(String);

impl fmt::Display for UnknownFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no such fault: {:?}; there are: {FAULTS}", self.0)
    }
}

impl std::error::Error for UnknownFault {}

/// The text forms of all faults.
pub const FAULTS: &str = "refuse, unplug, 401, 404, stall, hangup, resize WxH, jump SECONDS, \
     outliers SECONDS, info SECONDS, loss PERCENT, burst SECONDS, slow SECONDS, no-audio, audio-stops, irregular, \
     gop FRAMES";

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let mut words = text.split_whitespace();
        let (word, argument) = (words.next().unwrap_or_default(), words.next());
        let fault = match (word, argument) {
            ("refuse", None) => Some(Self::Refuse),
            ("unplug", None) => Some(Self::Unplug),
            ("401", None) => Some(Self::Unauthorized),
            ("404", None) => Some(Self::NotFound),
            ("stall", None) => Some(Self::Stall),
            ("hangup", None) => Some(Self::HangUp),
            ("no-audio", None) => Some(Self::NoAudio),
            ("audio-stops", None) => Some(Self::AudioStops),
            ("irregular", None) => Some(Self::IrregularKeyFrames),
            ("resize", Some(size)) => size.parse().ok().map(Self::Resize),
            ("jump", Some(n)) => n.parse().ok().map(|seconds| Self::TimestampJump { seconds }),
            ("outliers", Some(n)) => n.parse().ok().map(|seconds| Self::Outliers { seconds }),
            ("info", Some(n)) => n.parse().ok().map(|seconds| Self::WrongInfo { seconds }),
            ("gop", Some(n)) => n.parse().ok().map(|frames| Self::Gop { frames }),
            ("loss", Some(n)) => {
                n.parse().ok().filter(|&p| p <= 100).map(|percent| Self::Loss { percent })
            }
            ("burst", Some(n)) => seconds(n).map(Self::Burst),
            ("slow", Some(n)) => seconds(n).map(Self::SlowStart),
            _ => None,
        };
        fault.filter(|_| words.next().is_none()).ok_or_else(|| UnknownFault(text.to_owned()))
    }
}

fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f32(text.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read() {
        let size = Size::new(640, 360).unwrap();
        for (text, fault) in [
            ("stall", Fault::Stall),
            ("resize 640x360", Fault::Resize(size)),
            ("jump -3600", Fault::TimestampJump { seconds: -3600 }),
            ("loss 5", Fault::Loss { percent: 5 }),
            ("slow 1.5", Fault::SlowStart(Duration::from_millis(1500))),
            ("burst 0.5", Fault::Burst(Duration::from_millis(500))),
            ("outliers -9800", Fault::Outliers { seconds: -9800 }),
            ("info -3", Fault::WrongInfo { seconds: -3 }),
            ("gop 100", Fault::Gop { frames: 100 }),
        ] {
            assert_eq!(text.parse(), Ok(fault));
        }
        for text in ["", "stal", "stall 3", "loss 101", "loss", "resize 5", "slow -1", "gop 5 5"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }

    #[test]
    fn clear_ends_what_lasts_and_keeps_what_happened() {
        let mut faults = Faults::default();
        for fault in [Fault::Stall, Fault::Unplug, Fault::HangUp] {
            faults.set(fault);
        }
        faults.set(Fault::TimestampJump { seconds: 5 });
        assert!(faults.silent() && faults.closed());
        faults.clear();
        assert!(!faults.silent() && !faults.closed());
        assert_eq!((faults.hang_ups, faults.jump_seconds), (1, 5));
    }
}
