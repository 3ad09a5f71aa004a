//! A `TrackEntry` (RFC 9559 5.1.4): its codec, as RFC 6381 names it.

use super::ebml::{child, number};
use super::id;
use crate::media::codec::{push_decimal, push_two_digits};
use crate::media::isobmff::scan::InitTrack;
use crate::time::Timescale;
use crate::units::Resolution;
use alloc::string::{String, ToString};

/// Reads a `TrackEntry`; `None` without a number.
pub(super) fn track(entry: &[u8], tick_ns: u32) -> Option<InitTrack> {
    let id = u32::try_from(number(entry, id::TRACK_NUMBER)?).ok()?;
    let video = child(entry, id::VIDEO).unwrap_or_default();
    let side = |id| number(video, id).and_then(|it| u32::try_from(it).ok()).unwrap_or_default();
    let codec_id = child(entry, id::CODEC_ID).unwrap_or_default();
    let private = child(entry, id::CODEC_PRIVATE).unwrap_or_default();
    let each = number(entry, id::DEFAULT_DURATION).unwrap_or_default();
    Some(InitTrack {
        id,
        timescale: Timescale::NANOS,
        codec: codec(codec_id, private),
        handler: match number(entry, id::TRACK_TYPE) {
            Some(1) => *b"vide",
            Some(2) => *b"soun",
            _ => *b"data",
        },
        resolution: Resolution { width: side(id::PIXEL_WIDTH), height: side(id::PIXEL_HEIGHT) },
        edit_start: 0,
        edit_delay: 0,
        default_sample_duration: u32::try_from(each).unwrap_or(0),
        default_sample_size: 0,
        default_sample_flags: 0,
        tick_ns,
    })
}

/// The RFC 6381 name of a `CodecID` with its `CodecPrivate`; of one that is not known, the `CodecID`.
fn codec(id: &[u8], private: &[u8]) -> String {
    let id = id.strip_suffix(&[0]).unwrap_or(id);
    let plain = match id {
        b"V_VP8" => "vp8",
        b"V_VP9" => return vp9(private),
        b"V_AV1" => return av1(private).unwrap_or_else(|| "av01.0.08M.08".to_string()),
        b"A_OPUS" => "opus",
        b"A_VORBIS" => "vorbis",
        _ => return String::from_utf8_lossy(id).into_owned(),
    };
    plain.to_string()
}

/// VP9 by its codec features, where the file has them (webmproject.org, "VP9 Codec Feature Metadata": id, length,
/// value). Without them browsers take the plain name.
fn vp9(private: &[u8]) -> String {
    let feature = |id: u8| {
        let mut rest = private;
        while let [key, length, tail @ ..] = rest {
            let (value, after) = tail.split_at_checked(usize::from(*length))?;
            match value {
                [value] if *key == id => return Some(*value),
                _ => rest = after,
            }
        }
        None
    };
    match (feature(1), feature(2)) {
        (Some(profile), Some(level)) => {
            let mut name = String::from("vp09");
            for field in [profile, level, feature(3).unwrap_or(8)] {
                name.push('.');
                push_two_digits(&mut name, field);
            }
            name
        }
        _ => "vp9".to_string(),
    }
}

/// AV1 by the first bytes of its `av1C` (AV1 in ISOBMFF 2.3.3): `av01.P.LLT.DD`.
fn av1(private: &[u8]) -> Option<String> {
    let [_, one, two, ..] = private else { return None };
    let (profile, level) = (one >> 5, one & 0x1f);
    let tier = if two & 0x80 == 0 { "M" } else { "H" };
    let depth = match (two & 0x40 != 0, two & 0x20 != 0) {
        (false, _) => 8,
        (true, true) if profile == 2 => 12,
        (true, _) => 10,
    };
    let mut name = String::from("av01.");
    push_decimal(&mut name, profile.into());
    name.push('.');
    push_two_digits(&mut name, level);
    name.push_str(tier);
    name.push('.');
    push_two_digits(&mut name, depth);
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_have_the_names_that_browsers_know() {
        let cases: [(&[u8], &[u8], &str); 9] = [
            (b"V_VP8", b"", "vp8"),
            (b"V_VP9", b"", "vp9"),
            (b"V_VP9", &[1, 1, 0, 2, 1, 31, 3, 1, 8, 4, 1, 1], "vp09.00.31.08"),
            (b"V_VP9", &[2, 1, 10, 1, 1, 2, 3, 1, 10], "vp09.02.10.10"),
            (b"V_VP9", &[1, 9, 0], "vp9"),
            (b"V_AV1", &[0x81, 0x04, 0x0c, 0], "av01.0.04M.08"),
            (b"V_AV1", &[0x81, 0x4d, 0xe0, 0], "av01.2.13H.12"),
            (b"A_OPUS\0", b"", "opus"),
            (b"V_MPEG4/ISO/AVC", b"", "V_MPEG4/ISO/AVC"),
        ];
        for (id, private, name) in cases {
            assert_eq!(codec(id, private), name);
        }
    }
}
