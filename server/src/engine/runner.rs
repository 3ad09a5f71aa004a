//! PURE: what `nearlive-gstreamer` is told, and what its lines mean.
//!
//! Its own documentation (`server/gstreamer`) says what the description and the lines look like.

use std::fmt::Write as _;

use super::argv::{Output, Plan};
use super::cause::{Cause, Source, VideoCodec};
use super::kind::Kind;
use crate::config::{Audio, Height, Rung, Transport};

/// The meaning of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// What the camera sends.
    Source(Source),
    /// Why the run ends.
    Cause(Cause),
    /// Why it ends, in words that are for people.
    Failed(&'a str),
    /// So many more pictures are damaged.
    Spoilt(u64),
    /// Nothing for the server.
    Note,
    /// Something else: what the loader says, or a panic.
    Other(&'a str),
}

/// The description for its stdin. It contains the password: write it to the pipe only.
pub(super) fn description(plan: &Plan) -> String {
    let (location, user, password) = plan.address.apart();
    let mut text = format!("nearlive-gstreamer 1\nlocation {}\n", location.expose());
    // None of them has a line break: they are percent-encoded. Writing to a string cannot fail.
    if let Some(user) = user.filter(|user| !user.is_empty()) {
        let _ = writeln!(text, "user {user}");
    }
    if let Some(password) = password {
        let _ = writeln!(text, "password {}", password.expose());
    }
    let _ = writeln!(
        text,
        "transport {}",
        match plan.transport {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        }
    );
    for output in &plan.tracks {
        let _ = match output {
            Output::Copy => writeln!(text, "track copy"),
            Output::Encode(rung) => writeln!(text, "track encode {}", size(rung)),
            Output::Audio(audio) => {
                let Audio::Aac { channels, kbps } = audio else { continue };
                writeln!(text, "track audio channels={channels} kbps={kbps}")
            }
        };
    }
    text
}

fn size(rung: &Rung) -> String {
    let kbps = rung.kbps;
    match (rung.height, rung.width) {
        (Height::Fraction(part), _) => format!("height=1/{part} kbps={kbps}"),
        (Height::Pixels(height), None) => format!("height={height} kbps={kbps}"),
        (Height::Pixels(height), Some(width)) => {
            format!("height={height} width={width} kbps={kbps}")
        }
    }
}

/// Reads one line.
pub(super) fn read(line: &str) -> Said<'_> {
    match line.split_once(' ') {
        Some(("source", fields)) => Said::Source(source(fields)),
        Some(("spoilt", many)) => many.trim().parse().map_or(Said::Note, Said::Spoilt),
        Some(("error", what)) => cause(what.trim()).map_or(Said::Failed(what), Said::Cause),
        Some(("note", _)) => Said::Note,
        _ => Said::Other(line),
    }
}

fn source(fields: &str) -> Source {
    let field = |name: &str| {
        fields.split(' ').find_map(|f| f.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
    };
    Source {
        video: field("video").map(|name| match name.as_str() {
            "H264" => VideoCodec::H264,
            "H265" => VideoCodec::Hevc,
            "JPEG" => VideoCodec::Other("mjpeg".into()),
            "MP4V-ES" => VideoCodec::Other("mpeg4".into()),
            _ => VideoCodec::Other(name.to_lowercase()),
        }),
        size: None,
        audio: field("audio").map(|name| audio(&name)),
    }
}

/// A name in the camera's description (IANA, "RTP Payload Format Media Types") as ffmpeg's name of
/// the codec, which is the server's.
fn audio(name: &str) -> String {
    match name.to_uppercase().as_str() {
        "PCMU" => "pcm_mulaw".into(),
        "PCMA" => "pcm_alaw".into(),
        "L16" => "pcm_s16be".into(),
        "MPEG4-GENERIC" | "MP4A-LATM" => "aac".into(),
        "MPA" => "mp3".into(),
        g if g.starts_with("G726") || g.starts_with("AAL2-G726") => "adpcm_g726".into(),
        _ => name.to_lowercase(),
    }
}

/// The cause in `error WORD ...`; `None`: the words themselves are all that is known.
fn cause(what: &str) -> Option<Cause> {
    let (word, rest) = what.split_once(' ').unwrap_or((what, ""));
    let mut numbers = rest.split(' ').map(str::parse::<u32>);
    Some(match word {
        "status" => match u16::try_from(numbers.next()?.ok()?).ok()? {
            401 => Cause::PasswordRefused,
            403 => Cause::Forbidden,
            404 => Cause::NoSuchStream,
            461 => Cause::TransportRefused,
            code => Cause::CameraError(code),
        },
        "refused" => Cause::ConnectionRefused,
        "unreachable" => Cause::NoRoute,
        "unresolved" => Cause::UnknownHost,
        "silent" => Cause::NoAnswer,
        "not-rtsp" => Cause::NotRtsp,
        "transport" => Cause::TransportRefused,
        "closed" => Cause::HungUp,
        "no-video" => Cause::NoVideo,
        "too-big" => Cause::PictureTooBig(numbers.next()?.ok()?, numbers.next()?.ok()?),
        "lacks" => Cause::EngineFailed(
            Kind::Gstreamer,
            format!("it has no element {rest}; `nearlive-gstreamer --check` says what to install"),
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::address::Address;

    #[test]
    fn the_description_is_what_the_runner_reads() {
        let rung = |height, width, kbps| Output::Encode(Rung { height, width, kbps });
        let plan = Plan {
            engine: Kind::Gstreamer,
            address: Address::parse("rtsp://admin:Ab@2018!@h/ch").expect("valid"),
            transport: Transport::Tcp,
            reordered: false,
            tracks: vec![
                Output::Copy,
                rung(Height::Fraction(2), None, 800),
                rung(Height::Pixels(480), Some(854), 900),
                Output::Audio(Audio::MONO),
            ],
        };
        // The runner's tests have the same text.
        let text = "nearlive-gstreamer 1\n\
            location rtsp://h/ch\n\
            user admin\n\
            password Ab%402018%21\n\
            transport tcp\n\
            track copy\n\
            track encode height=1/2 kbps=800\n\
            track encode height=480 width=854 kbps=900\n\
            track audio channels=1 kbps=64\n";
        assert_eq!(description(&plan), text);
    }

    #[test]
    fn each_line_has_its_meaning() {
        for (line, said) in [
            ("error status 401", Said::Cause(Cause::PasswordRefused)),
            ("error status 404", Said::Cause(Cause::NoSuchStream)),
            ("error status 453", Said::Cause(Cause::CameraError(453))),
            ("error refused", Said::Cause(Cause::ConnectionRefused)),
            ("error unreachable", Said::Cause(Cause::NoRoute)),
            ("error unresolved", Said::Cause(Cause::UnknownHost)),
            ("error silent", Said::Cause(Cause::NoAnswer)),
            ("error not-rtsp", Said::Cause(Cause::NotRtsp)),
            ("error transport", Said::Cause(Cause::TransportRefused)),
            ("error closed", Said::Cause(Cause::HungUp)),
            ("error no-video", Said::Cause(Cause::NoVideo)),
            ("error too-big 16000 9000", Said::Cause(Cause::PictureTooBig(16_000, 9000))),
            ("error failed by a bad seed", Said::Failed("failed by a bad seed")),
            ("error status", Said::Failed("status")),
            ("spoilt 3", Said::Spoilt(3)),
            ("spoilt x", Said::Note),
            ("note the camera is slow", Said::Note),
            (
                "[fatal] nearlive-gstreamer: No such file",
                Said::Other("[fatal] nearlive-gstreamer: No such file"),
            ),
        ] {
            assert_eq!(read(line), said, "{line}");
        }
    }

    #[test]
    fn a_source_has_the_names_that_ffmpeg_gives() {
        for (line, video, audio) in [
            ("source video=H264 audio=PCMU", VideoCodec::H264, Some("pcm_mulaw")),
            ("source video=H265 audio=MPEG4-GENERIC", VideoCodec::Hevc, Some("aac")),
            ("source video=JPEG", VideoCodec::Other("mjpeg".into()), None),
            ("source video=H264 audio=G726-32", VideoCodec::H264, Some("adpcm_g726")),
        ] {
            let Said::Source(source) = read(line) else { panic!("{line}") };
            assert_eq!((source.video, source.audio.as_deref()), (Some(video), audio));
        }
    }
}
