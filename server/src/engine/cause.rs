//! What is known about a camera from its engine: what it sends, and why it does not.

use std::fmt;

use nearlive::time::WallTime;

use super::kind::Kind;

/// Why there is no picture, in words that let the camera's owner act.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// 401: wrong name or password.
    PasswordRefused,
    /// 401, and the address has no login in it.
    LoginWanted,
    /// 403.
    Forbidden,
    /// 404.
    NoSuchStream,
    /// Nothing listens on the port.
    ConnectionRefused,
    /// The network has no route there.
    NoRoute,
    /// The name does not resolve to an address.
    UnknownHost,
    /// The host exists and does not answer.
    NoAnswer,
    /// The port is open but speaks another protocol, or closes the connection without an answer.
    NotRtsp,
    /// 453, 503 and similar.
    CameraError(u16),
    /// 461: it supports only another transport.
    TransportRefused,
    /// The stream has no video.
    NoVideo,
    /// Its pictures are reordered, which this run was not started for; the next one is.
    PicturesReordered,
    /// Pictures arrive, but no viewer can begin at any of them.
    NoKeyFrames,
    /// Browsers may not show its codec, and there is no rung to encode.
    CodecNotOffered(VideoCodec),
    /// It accepted, and no picture came.
    NothingCame,
    /// Pictures came, then none since that time.
    StoppedSending(WallTime),
    /// Its timestamps leapt back, and ffmpeg would stand still until they pass the old ones.
    ClockLeapt,
    /// The camera closed the connection.
    HungUp,
    /// Its picture is larger than any that is decoded: width and height.
    PictureTooBig(u32, u32),
    /// Decoding it takes more memory than one camera may have.
    TooMuchMemory,
    /// It announced H.264 and sends something else: H.265, if that can be told.
    NotWhatItSaid(Option<VideoCodec>),
    /// Endless data arrives that is not RTSP.
    NoRtsp,
    /// Much data arrives for long without a picture in it.
    NoPictureInIt,
    /// Most of its pictures are damaged.
    Undecodable,
    /// The engine crashed, by this signal.
    EngineCrashed(Kind, i32),
    /// Another process ended the engine.
    EngineKilled(Kind, i32),
    /// The engine failed, with its last words.
    EngineFailed(Kind, String),
    /// The engine could not be started.
    EngineMissing(Kind, String),
}

impl Cause {
    /// The cause as a sentence without a full stop. `place` is the camera's host and port.
    pub fn sentence(&self, place: &str, now: WallTime) -> String {
        match self {
            Self::StoppedSending(since) => {
                format!("{} {} s ago", self.lasting(place), now.since(*since).as_secs())
            }
            _ => self.lasting(place),
        }
    }

    /// The same without a time, so that it stays true as long as the cause lasts.
    pub fn lasting(&self, place: &str) -> String {
        let host = host(place);
        match self {
            Self::PasswordRefused => "the camera refused the password".into(),
            Self::LoginWanted => "the camera wants a user and a password".into(),
            Self::Forbidden => "the camera refused access for this user".into(),
            Self::NoSuchStream => "the camera has no stream at this path".into(),
            Self::ConnectionRefused => format!("nothing answers at {place} (connection refused)"),
            Self::NoRoute => format!("no route to {host}"),
            Self::UnknownHost => format!("no host is called {host}"),
            Self::NoAnswer => format!("{place} does not answer"),
            Self::NotRtsp => format!("{place} does not answer as an RTSP camera does"),
            Self::CameraError(453) => "the camera has no bandwidth left for one more viewer".into(),
            Self::CameraError(code) => format!("the camera answered with error {code}"),
            Self::TransportRefused => {
                "the camera refuses RTSP over TCP; set transport = \"udp\" for it".into()
            }
            Self::NoVideo => "the stream has no video".into(),
            Self::PicturesReordered => "the camera's pictures come in another order".into(),
            Self::NoKeyFrames => "the camera sends no key frames; set its I-frame interval (key frame \
                                  interval, GOP) to 1 or 2 seconds, and intra refresh or smart codec off"
                .into(),
            Self::CodecNotOffered(codec) => format!(
                "the camera sends {codec}, which browsers may not show; give it a ladder, or set it to H.264"
            ),
            Self::NothingCame => "the camera accepted the connection and sends no picture".into(),
            Self::StoppedSending(_) => "the camera stopped sending".into(),
            Self::ClockLeapt => "the camera's clock leapt; connecting again".into(),
            Self::HungUp => "the camera closed the connection".into(),
            Self::PictureTooBig(w, h) => format!(
                "the camera announces a picture of {w} x {h}, more than can be decoded; set a smaller one in it"
            ),
            Self::TooMuchMemory => {
                "the camera's picture takes more memory than one camera may have; set a smaller one in it".into()
            }
            Self::NotWhatItSaid(Some(codec)) => format!(
                "the camera announced H.264 and sends {codec}; set it to H.264, or restart it"
            ),
            Self::NotWhatItSaid(None) => {
                "the camera announced H.264 and sends something else; set it to H.264, or restart it".into()
            }
            Self::NoRtsp => format!("what comes from {place} without end is no RTSP; is it a camera?"),
            Self::NoPictureInIt => {
                "what the camera sends has no picture in it; set it to H.264, or restart it".into()
            }
            Self::Undecodable => {
                "most of the camera's pictures are damaged; look at its network, set it to plain H.264, or restart it".into()
            }
            Self::EngineCrashed(kind, _) => {
                let name = kind.name();
                format!("{name} crashed at what the camera sends; restart the camera, or install a newer {name}")
            }
            Self::EngineKilled(..) => "the server is starting the camera again".into(),
            Self::EngineFailed(kind, words) => format!("{} failed: {words}", kind.name()),
            Self::EngineMissing(kind, why) => {
                format!("{} could not be started: {why}", kind.name())
            }
        }
    }

    /// A short word for programs, stable.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PasswordRefused => "password-refused",
            Self::LoginWanted => "login-wanted",
            Self::Forbidden => "forbidden",
            Self::NoSuchStream => "no-such-stream",
            Self::ConnectionRefused => "connection-refused",
            Self::NoRoute => "no-route",
            Self::UnknownHost => "unknown-host",
            Self::NoAnswer => "no-answer",
            Self::NotRtsp => "not-rtsp",
            Self::CameraError(_) => "camera-error",
            Self::TransportRefused => "transport-refused",
            Self::NoVideo => "no-video",
            Self::PicturesReordered => "pictures-reordered",
            Self::NoKeyFrames => "no-key-frames",
            Self::CodecNotOffered(_) => "codec-not-offered",
            Self::NothingCame => "nothing-came",
            Self::StoppedSending(_) => "stopped-sending",
            Self::ClockLeapt => "clock-leapt",
            Self::HungUp => "hung-up",
            Self::PictureTooBig(..) => "picture-too-big",
            Self::TooMuchMemory => "too-much-memory",
            Self::NotWhatItSaid(_) => "not-what-it-said",
            Self::NoRtsp => "no-rtsp",
            Self::NoPictureInIt => "no-picture-in-it",
            Self::Undecodable => "undecodable",
            Self::EngineCrashed(..) => "engine-crashed",
            Self::EngineKilled(..) => "engine-killed",
            Self::EngineFailed(..) => "engine-failed",
            Self::EngineMissing(..) => "engine-missing",
        }
    }

    /// Cameras lock a user out after some wrong passwords: do not repeat such tries quickly.
    pub fn is_refused_login(&self) -> bool {
        matches!(self, Self::PasswordRefused | Self::LoginWanted | Self::Forbidden)
    }

    /// A try takes much processor time, and the camera will hardly be different in a second.
    pub fn is_costly(&self) -> bool {
        matches!(
            self,
            Self::PictureTooBig(..)
                | Self::TooMuchMemory
                | Self::NoRtsp
                | Self::NoPictureInIt
                | Self::NotWhatItSaid(_)
                | Self::EngineCrashed(..)
        )
    }

    /// The more specific cause wins over its consequence.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::EngineFailed(..) => 0,
            Self::NoAnswer | Self::NotRtsp | Self::HungUp => 1,
            Self::PicturesReordered | Self::TooMuchMemory => 2,
            _ => 3,
        }
    }
}

/// Video codecs as ffmpeg names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VideoCodec {
    /// H.264.
    H264,
    /// H.265.
    Hevc,
    /// Another, by ffmpeg's name.
    Other(String),
}

impl fmt::Display for VideoCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::H264 => f.write_str("H.264"),
            Self::Hevc => f.write_str("H.265"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

/// What the camera sends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Of the first video stream.
    pub video: Option<VideoCodec>,
    /// Width and height in pixels, when ffmpeg knew them at the start.
    pub size: Option<(u32, u32)>,
    /// The first audio stream's codec, by ffmpeg's name.
    pub audio: Option<String>,
}

/// `host:port` without the port.
fn host(place: &str) -> &str {
    match place.rsplit_once(':') {
        Some((host, _)) if host.ends_with(']') || !host.contains(':') => host,
        _ => place,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_place_without_its_port() {
        for (place, only) in
            [("h:554", "h"), ("h", "h"), ("[fe80::1]:554", "[fe80::1]"), ("fe80::1", "fe80::1")]
        {
            assert_eq!(host(place), only);
        }
    }
}
