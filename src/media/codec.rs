//! Codec names of RFC 6381 section 3.3 (the `codecs` parameter), both ways.
//!
//! A name is a sample entry type, followed by fields that the codec's specification defines:
//! `avc1.64001f`, `mp4a.40.2`, `vp09.00.10.08`. [`Codec::of`] reads a name. The modules that parse
//! the media build names: [`es`](super::es) for elementary streams, `isobmff` for sample entries.
//! The helpers for that are here, because `format!` would pull the formatting machinery into the
//! Wasm module.

use super::text::{cut, halves, parts};
use alloc::string::String;

/// A family of codecs. Within a family, a SourceBuffer changes codec with a new initialization
/// segment alone; between families it needs `changeType()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Codec {
    /// H.264.
    Avc,
    /// H.265.
    Hevc,
    /// AV1.
    Av1,
    /// VP8.
    Vp8,
    /// VP9.
    Vp9,
    /// AAC of any object type.
    Aac,
    /// MPEG-1 or MPEG-2 audio layer III.
    Mp3,
    /// Opus.
    Opus,
    /// Vorbis.
    Vorbis,
    /// FLAC.
    Flac,
    /// AC-3, Dolby Digital.
    Ac3,
    /// Enhanced AC-3, Dolby Digital Plus.
    Eac3,
    /// WebVTT in MP4.
    Webvtt,
    /// TTML, IMSC1 in MP4.
    Ttml,
    /// Anything else.
    Unknown,
}

impl Codec {
    /// The family of `name`, which is one codec name, not a list.
    pub fn of(name: &str) -> Self {
        let name = name.trim_ascii();
        let (entry, detail) = halves(name, b'.');
        let is = |s: &str| entry.eq_ignore_ascii_case(s);
        let any = |list: &[&str]| list.iter().any(|s| is(s));
        if any(&["avc1", "avc3", "avc2", "avc4"]) {
            Self::Avc
        } else if any(&["hvc1", "hev1"]) {
            Self::Hevc
        } else if is("av01") {
            Self::Av1
        } else if any(&["vp8", "vp08"]) {
            Self::Vp8
        } else if any(&["vp9", "vp09"]) {
            Self::Vp9
        } else if is("mp4a") {
            Self::of_object_type(detail)
        } else if any(&["mp3", ".mp3"]) {
            Self::Mp3
        } else if is("opus") {
            Self::Opus
        } else if is("vorbis") {
            Self::Vorbis
        } else if is("flac") {
            Self::Flac
        } else if is("ac-3") {
            Self::Ac3
        } else if is("ec-3") {
            Self::Eac3
        } else if is("wvtt") {
            Self::Webvtt
        } else if is("stpp") {
            Self::Ttml
        } else {
            Self::Unknown
        }
    }

    /// `detail` is what follows `mp4a.`: the object type indication in hexadecimal (the list of
    /// mp4ra.org), and for 40 (14496-3) the audio object type in decimal.
    fn of_object_type(detail: &str) -> Self {
        let (indication, audio) = halves(detail, b'.');
        match u8::from_str_radix(indication, 16) {
            // Object types 32 to 34: layers I, II and III.
            Ok(0x40) if matches!(audio, "34" | "33" | "32") => Self::Mp3,
            Ok(0x40 | 0x66..=0x68) => Self::Aac,
            Ok(0x69 | 0x6b) => Self::Mp3,
            Ok(0xa5) => Self::Ac3,
            Ok(0xa6) => Self::Eac3,
            Ok(0xad) => Self::Opus,
            Ok(0xdd) => Self::Vorbis,
            // In practice a bare `mp4a` is AAC.
            Err(_) if detail.is_empty() => Self::Aac,
            _ => Self::Unknown,
        }
    }

    /// The families of a `codecs` list, in its order.
    pub fn list(codecs: &str) -> impl Iterator<Item = Self> {
        parts(codecs, b',').filter(|s| !s.trim_ascii().is_empty()).map(Self::of)
    }

    /// A video codec.
    pub const fn is_video(self) -> bool {
        matches!(self, Self::Avc | Self::Hevc | Self::Av1 | Self::Vp8 | Self::Vp9)
    }

    /// An audio codec.
    pub const fn is_audio(self) -> bool {
        matches!(
            self,
            Self::Aac | Self::Mp3 | Self::Opus | Self::Vorbis | Self::Flac | Self::Ac3 | Self::Eac3
        )
    }

    /// A text codec.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Webvtt | Self::Ttml)
    }
}

/// Whether two MIME types name the same container and the same families of codecs.
pub(crate) fn same_families(a: &str, b: &str) -> bool {
    let [(container, codecs), (other, others)] = [a, b].map(|it| halves(it, b';'));
    let families = |codecs| {
        let codecs: &str = codecs;
        let list = halves(codecs, b'=').1;
        Codec::list(cut(list.strip_prefix('"').unwrap_or(list), b"\"").0)
    };
    a == b
        || (container == other
            && families(codecs).eq(families(others))
            && !families(codecs).any(|it| it == Codec::Unknown))
}

/// Appends `v` in decimal.
pub(crate) fn push_decimal(s: &mut String, v: u32) {
    push_number(s, v, 10);
}

/// Appends `v` in decimal, with at least two digits.
pub(crate) fn push_two_digits(s: &mut String, v: u8) {
    if v < 10 {
        s.push('0');
    }
    push_decimal(s, u32::from(v));
}

/// Appends `v` as two lower-case hexadecimal digits.
pub(crate) fn push_hex(s: &mut String, v: u8) {
    s.push(digit(u32::from(v >> 4)));
    s.push(digit(u32::from(v & 15)));
}

/// Appends `v` in hexadecimal without leading zeros.
pub(crate) fn push_hex_short(s: &mut String, v: u32) {
    push_number(s, v, 16);
}

fn push_number(s: &mut String, v: u32, radix: u32) {
    if v >= radix {
        push_number(s, v / radix, radix);
    }
    s.push(digit(v % radix));
}

fn digit(v: u32) -> char {
    char::from_digit(v, 16).unwrap_or('0')
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn types_are_of_the_same_families_whatever_their_profiles() {
        let table = [
            ("video/mp4; codecs=\"avc1.64001f\"", "video/mp4; codecs=\"avc1.42c00d\"", true),
            ("video/mp4; codecs=\"avc1.64001f\"", "video/mp4; codecs=\"hvc1.1.6.L93\"", false),
            ("video/mp4; codecs=\"avc1.64001f\"", "video/webm; codecs=\"avc1.64001f\"", false),
            ("audio/mp4; codecs=\"mp4a.40.2\"", "audio/mp4; codecs=\"mp4a.40.5\"", true),
            (
                "video/mp4; codecs=\"avc1.4d401f,mp4a.40.2\"",
                "video/mp4; codecs=\"avc1.4d401f\"",
                false,
            ),
            ("video/mp4; codecs=\"dvh1.05.06\"", "video/mp4; codecs=\"dvh1.05.03\"", false),
            ("video/mp4", "video/mp4", true),
        ];
        for (a, b, same) in table {
            assert_eq!(same_families(a, b), same, "{a} and {b}");
        }
    }

    #[test]
    fn names_have_families() {
        let table = [
            ("avc1.64001f", Codec::Avc),
            ("AVC3.42E01E", Codec::Avc),
            ("hvc1.1.6.L93.B0", Codec::Hevc),
            ("hev1.2.4.L120", Codec::Hevc),
            ("av01.0.04M.08", Codec::Av1),
            ("vp8", Codec::Vp8),
            ("vp09.00.10.08", Codec::Vp9),
            ("mp4a.40.2", Codec::Aac),
            ("mp4a.40.29", Codec::Aac),
            ("mp4a.67", Codec::Aac),
            ("mp4a", Codec::Aac),
            ("mp4a.40.34", Codec::Mp3),
            ("mp4a.6B", Codec::Mp3),
            ("mp4a.a5", Codec::Ac3),
            ("mp4a.zz", Codec::Unknown),
            ("Opus", Codec::Opus),
            ("fLaC", Codec::Flac),
            ("ec-3", Codec::Eac3),
            ("wvtt", Codec::Webvtt),
            ("stpp.ttml.im1t", Codec::Ttml),
            ("dvh1.05.06", Codec::Unknown),
            ("", Codec::Unknown),
        ];
        for (name, codec) in table {
            assert_eq!(Codec::of(name), codec, "{name}");
        }
    }

    #[test]
    fn a_list_keeps_its_order() {
        let got: Vec<_> = Codec::list(" mp4a.40.2 , avc1.4d401f,").collect();
        assert_eq!(got, [Codec::Aac, Codec::Avc]);
        assert!(got[0].is_audio() && got[1].is_video() && !got[1].is_text());
    }

    #[test]
    fn numbers_are_written() {
        let mut s = String::new();
        push_decimal(&mut s, 4_294_967_295);
        push_two_digits(&mut s, 7);
        push_hex(&mut s, 0x0f);
        push_hex_short(&mut s, 0x60);
        assert_eq!(s, "4294967295070f60");
    }
}
