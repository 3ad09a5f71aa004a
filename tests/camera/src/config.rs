//! What a camera is told when it starts.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

/// Settings of a camera. The defaults are those of a usual camera: 1280x720, 25 frames a second, a
/// key frame a second, 2 Mb/s, G.711 µ-law, no password, TCP and UDP.
#[derive(Clone)]
pub struct CameraConfig {
    /// Where to listen; port 0 takes a free one. Default: 127.0.0.1, port 0.
    pub listen: SocketAddr,
    /// Path of the stream in its address, without a leading slash. Default: `live`.
    pub path: String,
    /// Name in the picture and in the session description. Default: `Test camera`.
    pub name: String,
    /// Size of the picture. Default: 1280x720.
    pub size: Size,
    /// Frames a second. Default: 25.
    pub fps: FrameRate,
    /// Frames from one key frame to the next; `None` is one second of them. Default: `None`.
    pub gop_frames: Option<u32>,
    /// Video bit rate in kilobits a second. Default: 2000.
    pub bitrate_kbps: u32,
    /// How much too fast the camera's clock runs, in parts per million. Default: 0.
    pub clock_ppm: i32,
    /// Video codec. Default: H.264.
    pub codec: Codec,
    /// How H.264 pictures depend on each other. Default: each on those before it.
    pub coding: Coding,
    /// Audio codec, if there is audio. Default: µ-law.
    pub audio: Option<Law>,
    /// Who may see the stream. Default: everyone.
    pub auth: Auth,
    /// How packets may be asked for. Default: TCP and UDP.
    pub transports: Transports,
    /// With which frame a client's stream begins. Default: the next one.
    pub start: Start,
    /// The ffmpeg to run. Default: `ffmpeg`, found by the PATH.
    pub ffmpeg: PathBuf,
}

impl Default for CameraConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            path: "live".to_owned(),
            name: "Test camera".to_owned(),
            size: Size { width: 1280, height: 720 },
            fps: FrameRate { num: 25, den: 1 },
            gop_frames: None,
            bitrate_kbps: 2000,
            clock_ppm: 0,
            codec: Codec::H264,
            coding: Coding::default(),
            audio: Some(Law::Mu),
            auth: Auth::None,
            transports: Transports::default(),
            start: Start::AtOnce,
            ffmpeg: PathBuf::from("ffmpeg"),
        }
    }
}

impl CameraConfig {
    /// Frames from one key frame to the next.
    pub fn gop_frames(&self) -> u32 {
        self.gop_frames.unwrap_or_else(|| self.fps.num.div_ceil(self.fps.den)).max(1)
    }
}

/// Size of a picture in pixels; both numbers are even and from 48 to 4096.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    width: u32,
    height: u32,
}

impl Size {
    /// A size, if it is one that can be drawn and encoded.
    pub fn new(width: u32, height: u32) -> Option<Self> {
        let good = |side: u32| (48..=4096).contains(&side) && side.is_multiple_of(2);
        (good(width) && good(height)).then_some(Self { width, height })
    }

    /// Pixels in a row.
    pub fn width(self) -> usize {
        self.width as usize
    }

    /// Rows.
    pub fn height(self) -> usize {
        self.height as usize
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split_once('x')
            .and_then(|(w, h)| Self::new(w.parse().ok()?, h.parse().ok()?))
            .ok_or_else(|| format!("{text:?} is no size: give WIDTHxHEIGHT, both even, 48 to 4096"))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// Frames a second as a fraction, such as 25/1 or 30000/1001.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameRate {
    num: u32,
    den: u32,
}

impl FrameRate {
    /// A frame rate from one frame in ten seconds to 120 a second.
    pub fn new(num: u32, den: u32) -> Option<Self> {
        let good = den > 0 && num > 0 && num / den <= 120 && den / num < 10;
        good.then_some(Self { num, den })
    }

    /// The numerator.
    pub fn num(self) -> u32 {
        self.num
    }

    /// The denominator.
    pub fn den(self) -> u32 {
        self.den
    }

    /// Seconds a frame.
    pub(crate) fn seconds(self) -> f64 {
        f64::from(self.den) / f64::from(self.num)
    }

    /// When frame `n` is taken, in units of which there are `scale` a second.
    pub(crate) fn time_of(self, n: u64, scale: u32) -> u64 {
        let ticks = u128::from(n) * u128::from(self.den) * u128::from(scale);
        (ticks / u128::from(self.num)) as u64
    }
}

impl FromStr for FrameRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (num, den) = text.split_once('/').unwrap_or((text, "1"));
        num.parse()
            .ok()
            .zip(den.parse().ok())
            .and_then(|(num, den)| Self::new(num, den))
            .ok_or_else(|| format!("{text:?} is no frame rate: give 25 or 30000/1001"))
    }
}

/// Video codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// H.264, from libx264.
    H264,
    /// H.265, from libx265.
    H265,
}

/// Law of G.711.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// µ-law (PCMU).
    Mu,
    /// A-law (PCMA).
    A,
}

/// Who may see the stream. Its debug form has no password in it.
#[derive(Clone, PartialEq, Eq)]
pub enum Auth {
    /// Everyone.
    None,
    /// Who knows user and password, sent in the clear.
    Basic {
        /// User name.
        user: String,
        /// Password; any characters.
        password: String,
    },
    /// Who knows user and password, proved by MD5 over a nonce.
    Digest {
        /// User name.
        user: String,
        /// Password; any characters.
        password: String,
    },
}

impl Auth {
    /// User and password, if there are any.
    pub fn credentials(&self) -> Option<(&str, &str)> {
        match self {
            Self::None => None,
            Self::Basic { user, password } | Self::Digest { user, password } => {
                Some((user, password))
            }
        }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Basic { .. } => "Basic",
            Self::Digest { .. } => "Digest",
        })
    }
}

/// How the pictures of an H.264 stream depend on each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Coding {
    /// Each on those before it; an IDR picture begins each GOP.
    #[default]
    Forward,
    /// So many B pictures are shown before each other one, and come after it.
    Reordered(u8),
    /// So many B pictures, 1 to 3. Only the first picture is an IDR picture; each GOP after it begins with an
    /// I picture and a recovery point, and the B pictures shown before that come after it.
    OpenGop(u8),
    /// Only the first picture is an IDR picture. Then a column of intra blocks wanders over the
    /// pictures, and each of its rounds begins with a recovery point.
    IntraRefresh,
    /// The same, but no recovery point tells.
    Unmarked,
}

/// How packets may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transports {
    /// Interleaved in the RTSP connection.
    pub tcp: bool,
    /// By UDP.
    pub udp: bool,
}

impl Default for Transports {
    fn default() -> Self {
        Self { tcp: true, udp: true }
    }
}

/// With which frame a client's stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the next one, whatever it is.
    AtOnce,
    /// With the next key frame; audio begins at the same time.
    KeyFrame,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_rates_are_read_or_refused() {
        assert_eq!("640x360".parse(), Ok(Size { width: 640, height: 360 }));
        for text in ["640", "641x360", "0x0", "99999x360", "x"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
        assert_eq!("30000/1001".parse(), Ok(FrameRate { num: 30000, den: 1001 }));
        for text in ["0", "25/0", "500", "1/11", "-1"] {
            assert!(text.parse::<FrameRate>().is_err(), "{text}");
        }
    }

    #[test]
    fn frame_times_do_not_drift() {
        let ntsc = FrameRate { num: 30000, den: 1001 };
        assert_eq!(ntsc.time_of(30_000, 90_000), 1001 * 90_000);
        assert_eq!(FrameRate { num: 25, den: 1 }.time_of(3, 90_000), 10_800);
    }

    #[test]
    fn the_debug_form_has_no_password() {
        let auth = Auth::Digest { user: "u".into(), password: "s3cret".into() };
        assert!(!format!("{auth:?}").contains("s3cret"));
    }
}
