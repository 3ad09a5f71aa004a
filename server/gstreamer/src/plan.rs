//! PURE: what the server wants of this run, as it writes it to stdin.
//!
//! ```text
//! nearlive-gstreamer 1
//! location rtsp://192.168.1.9:554/path
//! user admin                                  percent-encoded, as the next one; both may be missing
//! password Ab%402018%21
//! transport tcp                               or udp
//! track copy                                  its transport stream goes to descriptor 3,
//! track encode height=1/2 kbps=800            that of the next track to 4, and so on
//! track encode height=480 width=854 kbps=900
//! track audio channels=1 kbps=64
//! ```
//! No message of this module repeats a line: it may be the password.

use std::str::FromStr;

/// The first line: the version of this form.
const FIRST: &str = "nearlive-gstreamer 1";

/// The descriptor of the first track.
pub(crate) const FIRST_FD: i32 = 3;

/// One run.
#[derive(PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub(crate) struct Plan {
    /// The camera's address without a login.
    pub(crate) location: String,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) udp: bool,
    /// In the order of the descriptors.
    pub(crate) tracks: Vec<Track>,
}

/// The content of one pipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Track {
    /// The camera's pictures as they are.
    Copy,
    /// The camera's pictures, encoded again.
    Encode(Rung),
    /// The camera's sound as AAC.
    Audio { channels: i32, kbps: u32 },
}

/// One size to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rung {
    pub(crate) height: Height,
    pub(crate) width: Option<u32>,
    pub(crate) kbps: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Height {
    Pixels(u32),
    Fraction(u32),
}

impl Plan {
    /// Reads the text from stdin.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        if lines.next() != Some(FIRST) {
            return Err("the description is not of this version; run the program that belongs to the server".into());
        }
        let (mut location, mut user, mut password) = (None, None, None);
        let (mut udp, mut tracks) = (false, Vec::new());
        for (i, line) in lines.enumerate() {
            let wrong = || format!("line {} of the description cannot be read", i + 2);
            match line.split_once(' ').ok_or_else(wrong)? {
                ("location", value) => location = Some(value.to_owned()),
                ("user", value) => user = Some(decode(value).ok_or_else(wrong)?),
                ("password", value) => password = Some(decode(value).ok_or_else(wrong)?),
                ("transport", "tcp") => udp = false,
                ("transport", "udp") => udp = true,
                ("track", value) => tracks.push(track(value).ok_or_else(wrong)?),
                _ => return Err(wrong()),
            }
        }
        let location = location.ok_or("the description has no location")?;
        Ok(Self { location, user, password, udp, tracks })
    }

    /// The tracks with their descriptors.
    pub(crate) fn outputs(&self) -> impl Iterator<Item = (i32, Track)> {
        (FIRST_FD..).zip(self.tracks.iter().copied())
    }
}

fn track(text: &str) -> Option<Track> {
    let mut words = text.split(' ');
    let kind = words.next()?;
    let fields: Vec<(&str, &str)> = words.map(|w| w.split_once('=')).collect::<Option<_>>()?;
    let field = |name: &str| fields.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
    match kind {
        "copy" => Some(Track::Copy),
        "encode" => Some(Track::Encode(Rung {
            height: field("height")?.parse().ok()?,
            width: field("width").map(str::parse).transpose().ok()?,
            kbps: field("kbps")?.parse().ok()?,
        })),
        "audio" => Some(Track::Audio {
            channels: field("channels")?.parse().ok()?,
            kbps: field("kbps")?.parse().ok()?,
        }),
        _ => None,
    }
}

impl FromStr for Height {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("1/") {
            Some(part) => part.parse().map(Self::Fraction),
            None => text.parse().map(Self::Pixels),
        }
    }
}

impl Rung {
    /// Width and height of what is encoded of a picture of this size: even numbers, as 4:2:0 has no
    /// odd sizes, and never more than the camera has.
    pub(crate) fn size(&self, width: u32, height: u32) -> (u32, u32) {
        let h = match (self.height, self.width) {
            (Height::Pixels(h), Some(w)) if w > width || h > height => {
                return (even(width), even(height));
            }
            (Height::Pixels(h), _) => even(h.min(height)),
            (Height::Fraction(part), _) => even(height / part.max(1)),
        };
        // The same proportions, to the nearest even number.
        let (w, of) = (u64::from(width) * u64::from(h), u64::from(height.max(1)) * 2);
        let w = u32::try_from((w + of / 2) / of * 2).unwrap_or(u32::MAX);
        (self.width.map_or_else(|| w.max(2), even), h)
    }
}

fn even(pixels: u32) -> u32 {
    (pixels & !1).max(2)
}

/// The text of which this is percent-encoded; none with a NUL in it.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let hex = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The server's tests have the same text.
    const TEXT: &str = "nearlive-gstreamer 1\n\
        location rtsp://h/ch\n\
        user admin\n\
        password Ab%402018%21\n\
        transport tcp\n\
        track copy\n\
        track encode height=1/2 kbps=800\n\
        track encode height=480 width=854 kbps=900\n\
        track audio channels=1 kbps=64\n";

    #[test]
    fn what_the_server_writes_is_read() {
        let plan = Plan::parse(TEXT).unwrap();
        assert_eq!(plan.location, "rtsp://h/ch");
        assert_eq!(plan.user.as_deref(), Some("admin"));
        assert_eq!(plan.password.as_deref(), Some("Ab@2018!"));
        let rung = |height, width, kbps| Track::Encode(Rung { height, width, kbps });
        let tracks: Vec<_> = plan.outputs().collect();
        assert_eq!(
            tracks,
            [
                (3, Track::Copy),
                (4, rung(Height::Fraction(2), None, 800)),
                (5, rung(Height::Pixels(480), Some(854), 900)),
                (6, Track::Audio { channels: 1, kbps: 64 }),
            ]
        );
        assert!(Plan::parse(&TEXT.replace("tcp", "udp")).unwrap().udp);
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_line_and_not_repeated() {
        for (old, new, part) in [
            ("gstreamer 1", "gstreamer 2", "version"),
            ("location", "locatoin", "line 2"),
            ("%40", "%4x", "line 4"),
            ("%40", "%00", "line 4"),
            ("kbps=64", "kbps=x", "line 9"),
            ("location rtsp://h/ch\n", "", "no location"),
        ] {
            let e = Plan::parse(&TEXT.replace(old, new)).unwrap_err();
            assert!(e.contains(part) && !e.contains("2018"), "{e}");
        }
    }

    #[test]
    fn a_rung_has_the_cameras_proportions_in_even_numbers() {
        let rung = |height, width| Rung { height, width, kbps: 1 };
        for (rung, size, encoded) in [
            (rung(Height::Fraction(2), None), (1280, 720), (640, 360)),
            (rung(Height::Fraction(4), None), (1280, 720), (320, 180)),
            (rung(Height::Pixels(481), Some(855)), (1280, 720), (854, 480)),
            (rung(Height::Pixels(480), None), (1280, 720), (854, 480)),
            (rung(Height::Fraction(4), None), (320, 180), (78, 44)),
            (rung(Height::Fraction(16), None), (2, 2), (2, 2)),
            (rung(Height::Pixels(480), Some(854)), (640, 481), (640, 480)),
            (rung(Height::Pixels(480), None), (640, 361), (638, 360)),
        ] {
            assert_eq!(rung.size(size.0, size.1), encoded);
        }
    }
}
