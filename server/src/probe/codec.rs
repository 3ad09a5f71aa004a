//! PURE: names of codecs, from what ffmpeg says of them.

use nearlive::media::es::h264::{Sps, nal_units};
use nearlive::media::es::hevc::HevcProfile;

/// The RFC 6381 name of a video codec.
pub(super) fn video(
    codec: &str,
    extradata: &[u8],
    profile: Option<&str>,
    level: Option<i32>,
) -> Option<String> {
    match codec {
        "h264" => avc(extradata),
        "hevc" => hevc(extradata),
        "vp8" => Some("vp8".into()),
        // ffmpeg seldom knows the level; the name has to have one, and the lowest claims least.
        "vp9" => {
            let number = profile?.strip_prefix("Profile ")?;
            let bits = if matches!(number, "0" | "1") { 8 } else { 10 };
            Some(format!("vp09.0{number}.{:02}.{bits:02}", level.unwrap_or(10)))
        }
        "av1" => {
            let number =
                ["Main", "High", "Professional"].iter().position(|p| Some(*p) == profile)?;
            Some(format!("av01.{number}.{:02}M.08", level?))
        }
        _ => None,
    }
}

/// The RFC 6381 name of an audio codec that browsers know.
pub(super) fn audio(codec: &str, profile: Option<&str>) -> Option<String> {
    Some(match (codec, profile) {
        ("aac", Some("HE-AACv2")) => "mp4a.40.29".into(),
        ("aac", Some("HE-AAC")) => "mp4a.40.5".into(),
        ("aac", _) => "mp4a.40.2".into(),
        ("mp3", _) => "mp3".into(),
        ("opus" | "vorbis" | "flac", _) => codec.into(),
        ("ac3", _) => "ac-3".into(),
        ("eac3", _) => "ec-3".into(),
        _ => return None,
    })
}

/// A level as people write it.
pub(super) fn level(codec: &str, level: i32) -> Option<String> {
    match codec {
        "h264" => Some(format!("{}.{}", level / 10, level % 10)),
        "hevc" => Some(format!("{}.{}", level / 30, level % 30 / 3)),
        _ => None,
    }
}

/// The name of a codec for people.
pub(super) fn name(codec: &str) -> String {
    let known = match codec {
        "h264" => "H.264",
        "hevc" => "H.265",
        "vp8" => "VP8",
        "vp9" => "VP9",
        "av1" => "AV1",
        "mjpeg" => "MJPEG",
        "mpeg4" => "MPEG-4 part 2",
        "mpeg2video" => "MPEG-2",
        "aac" => "AAC",
        "mp3" => "MP3",
        "opus" => "Opus",
        "vorbis" => "Vorbis",
        "flac" => "FLAC",
        "ac3" => "AC-3",
        "eac3" => "E-AC-3",
        "pcm_mulaw" => "G.711 (mu-law)",
        "pcm_alaw" => "G.711 (A-law)",
        "adpcm_g722" => "G.722",
        "adpcm_g726" | "adpcm_g726le" => "G.726",
        "" => "unknown",
        other => other,
    };
    known.to_owned()
}

/// From `avcC` (14496-15 5.3.3.1) or parameter sets in Annex B.
fn avc(extradata: &[u8]) -> Option<String> {
    let three = match extradata {
        [1, profile, constraints, level, ..] => [*profile, *constraints, *level],
        _ => {
            let sps = nal_units(extradata).find(|nal| Sps::read(nal).is_some())?;
            [*sps.get(1)?, *sps.get(2)?, *sps.get(3)?]
        }
    };
    Some(three.iter().fold("avc1.".to_owned(), |name, byte| name + &format!("{byte:02x}")))
}

/// From `hvcC` (14496-15 8.3.3.1) or parameter sets in Annex B.
fn hevc(extradata: &[u8]) -> Option<String> {
    let profile = match extradata {
        [1, rest @ ..] => HevcProfile::read(rest)?,
        _ => {
            let sps =
                nal_units(extradata).find(|nal| nal.first().is_some_and(|b| b >> 1 & 63 == 33))?;
            // Two bytes of header, one of ids (ITU-T H.265, 7.3.2.2).
            HevcProfile::read(unescaped(sps).get(3..)?)?
        }
    };
    Some(profile.codec_string("hvc1"))
}

/// Without the bytes that keep start codes out (ITU-T H.265, 7.3.1.1).
fn unescaped(nal: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(nal.len());
    let mut zeros = 0;
    for &byte in nal {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_browsers_ask_for() {
        let avcc = [1, 0x42, 0xc0, 0x1e, 0xff, 0xe1];
        // hvcC, and the same profile in a sequence parameter set with its escapes.
        let hvcc = [1, 1, 0x60, 0, 0, 0, 0x90, 0, 0, 0, 0, 0, 93, 0xf0];
        let annex_b = [
            0, 0, 1, 0x42, 1, 1, 1, 0x60, 0, 0, 3, 0, 0x90, 0, 0, 3, 0, 0, 3, 0, 93, 0xa0, 2, 0x80,
        ];
        for (codec, extradata, profile, level, name) in [
            ("h264", &avcc[..], Some("Baseline"), Some(30), Some("avc1.42c01e")),
            ("h264", &[], Some("High"), Some(31), None),
            ("hevc", &hvcc, Some("Main"), Some(93), Some("hvc1.1.6.L93.90")),
            ("hevc", &annex_b, Some("Main"), Some(93), Some("hvc1.1.6.L93.90")),
            ("hevc", &[0, 0, 1, 0x42], None, None, None),
            ("vp9", &[], Some("Profile 0"), None, Some("vp09.00.10.08")),
            ("av1", &[], Some("Main"), Some(8), Some("av01.0.08M.08")),
            ("mjpeg", &[], None, None, None),
        ] {
            assert_eq!(video(codec, extradata, profile, level).as_deref(), name, "{codec}");
        }
        assert_eq!(audio("aac", Some("LC")).as_deref(), Some("mp4a.40.2"));
        assert_eq!(audio("aac", Some("HE-AAC")).as_deref(), Some("mp4a.40.5"));
        assert_eq!(audio("pcm_alaw", None), None);
    }

    #[test]
    fn levels_are_written_as_people_do() {
        assert_eq!(level("h264", 31).as_deref(), Some("3.1"));
        assert_eq!(level("h264", 40).as_deref(), Some("4.0"));
        assert_eq!(level("hevc", 93).as_deref(), Some("3.1"));
        assert_eq!(level("hevc", 120).as_deref(), Some("4.0"));
        assert_eq!(level("vp9", 10), None);
    }
}
