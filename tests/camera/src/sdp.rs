//! The session description that DESCRIBE answers with (RFC 8866; RFC 6184 8.2, RFC 7798 7.2).

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sdp_types::{Connection, Media, MediaType, Origin, RtpMap, Session, Time, TransportProto};

use crate::source::{ParameterSets, Track};
use crate::{CameraConfig, Codec, Law};

/// RTP payload type of the video track.
pub(crate) const VIDEO_PAYLOAD_TYPE: u8 = 96;

/// The last part of a track's address.
pub(crate) fn control(track: Track) -> &'static str {
    match track {
        Track::Video => "track1",
        Track::Audio => "track2",
    }
}

/// Describes the stream; `audio` is the law of the audio track, if there is one.
pub(crate) fn describe(
    config: &CameraConfig,
    sets: &ParameterSets,
    audio: Option<Law>,
    host: IpAddr,
) -> Vec<u8> {
    let nowhere: IpAddr = if host.is_ipv4() { [0; 4].into() } else { [0u16; 8].into() };
    let mut session = Session::builder(Origin::with_ip_addr(1, 1, host), &config.name)
        .connection(Connection::from_ip_addr(nowhere))
        .time(Time::new(0, 0))
        .attribute_with_value("control", "*")
        .attribute_with_value("range", "npt=now-")
        .media(video(config, sets));
    if let Some(law) = audio {
        session = session.media(sound(law));
    }
    let mut text = Vec::new();
    // Writing to a Vec cannot fail.
    let _ = session.build().write(&mut text);
    text
}

fn video(config: &CameraConfig, sets: &ParameterSets) -> Media {
    let (name, format) = match config.codec {
        Codec::H264 => ("H264", h264_format(sets)),
        Codec::H265 => ("H265", h265_format(sets)),
    };
    let fps = config.fps.num() as f32 / config.fps.den() as f32;
    let kind = VIDEO_PAYLOAD_TYPE;
    Media::builder(MediaType::Video, 0, TransportProto::RtpAvp, kind)
        .attribute(RtpMap::builder(kind, name, Track::Video.rate()).build())
        .attribute_with_value("fmtp", format!("{kind} {format}"))
        .attribute_with_value("framerate", fps)
        .attribute_with_value("control", control(Track::Video))
        .build()
}

fn h264_format(sets: &ParameterSets) -> String {
    let mut profile = String::new();
    for byte in sets.sps.iter().skip(1).take(3) {
        profile.push_str(&format!("{byte:02X}"));
    }
    let (sps, pps) = (STANDARD.encode(&sets.sps), STANDARD.encode(&sets.pps));
    format!("packetization-mode=1;profile-level-id={profile};sprop-parameter-sets={sps},{pps}")
}

fn h265_format(sets: &ParameterSets) -> String {
    let [vps, sps, pps] = [&sets.vps, &sets.sps, &sets.pps].map(|set| STANDARD.encode(set));
    format!("sprop-vps={vps};sprop-sps={sps};sprop-pps={pps}")
}

fn sound(law: Law) -> Media {
    let (kind, name) = match law {
        Law::Mu => (law.payload_type(), "PCMU"),
        Law::A => (law.payload_type(), "PCMA"),
    };
    Media::builder(MediaType::Audio, 0, TransportProto::RtpAvp, kind)
        .attribute(RtpMap::builder(kind, name, Track::Audio.rate()).build())
        .attribute_with_value("ptime", 20)
        .attribute_with_value("control", control(Track::Audio))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_names_codecs_parameter_sets_and_tracks() {
        let sets = ParameterSets {
            vps: Vec::new(),
            sps: vec![0x67, 0x42, 0xC0, 0x1F, 9],
            pps: vec![0x68, 1],
        };
        let host = IpAddr::from([127, 0, 0, 1]);
        let text = describe(&CameraConfig::default(), &sets, Some(Law::A), host);
        let text = String::from_utf8(text).unwrap();
        for line in [
            "s=Test camera",
            "t=0 0",
            "m=video 0 RTP/AVP 96",
            "a=rtpmap:96 H264/90000",
            "a=fmtp:96 packetization-mode=1;profile-level-id=42C01F;sprop-parameter-sets=Z0LAHwk=,aAE=",
            "a=control:track1",
            "m=audio 0 RTP/AVP 8",
            "a=rtpmap:8 PCMA/8000",
            "a=control:track2",
        ] {
            assert!(text.contains(&format!("{line}\r\n")), "{line} in\n{text}");
        }
        assert!(Session::parse(text.as_bytes()).is_ok());
        let silent = describe(&CameraConfig::default(), &sets, None, host);
        assert!(!String::from_utf8(silent).unwrap().contains("m=audio"));
    }
}
