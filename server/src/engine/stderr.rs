//! PURE: what ffmpeg's stderr says about the camera.
//!
//! ffmpeg's exit status tells little (0 after a stall and after a hang-up), its lines tell more.
//! [`Reader`] gets each line unchanged and keeps the gravest [`Cause`], a description of the input,
//! and the number of pictures that could not be decoded. It knows the texts of ffmpeg 5.1 to 7. A
//! line that matches none of them is kept as the last words of a run that failed, and cleaned
//! before it is shown.

use std::fmt;

use nearlive::time::WallTime;

use crate::camera::secret::{Redactor, Secret};

/// Most bytes of the last words in a message.
const LONGEST_WORDS: usize = 240;

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
    /// ffmpeg crashed, by this signal.
    EngineCrashed(i32),
    /// Another process ended ffmpeg.
    EngineKilled(i32),
    /// ffmpeg failed, with its last words.
    EngineFailed(String),
    /// ffmpeg could not be started.
    EngineMissing(String),
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
            Self::EngineCrashed(_) => {
                "ffmpeg crashed at what the camera sends; restart the camera, or install a newer ffmpeg".into()
            }
            Self::EngineKilled(_) => "the server is starting the camera again".into(),
            Self::EngineFailed(words) => format!("ffmpeg failed: {words}"),
            Self::EngineMissing(why) => format!("ffmpeg could not be started: {why}"),
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
            Self::EngineCrashed(_) => "engine-crashed",
            Self::EngineKilled(_) => "engine-killed",
            Self::EngineFailed(_) => "engine-failed",
            Self::EngineMissing(_) => "engine-missing",
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
                | Self::EngineCrashed(_)
        )
    }

    /// The more specific cause wins over its consequence.
    fn rank(&self) -> u8 {
        match self {
            Self::EngineFailed(_) => 0,
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

/// Whether ffmpeg says this about every frame of a healthy camera: the decoding times are made up
/// on the way, and are not used.
pub fn is_routine(line: &str) -> bool {
    ["Non-monotonous DTS", "Non-monotonic DTS", "Invalid DTS:", "Timestamps are unset in a packet"]
        .iter()
        .any(|text| line.contains(text))
}

/// Reads stderr line by line.
#[derive(Debug, Default)]
pub struct Reader {
    section: Section,
    source: Source,
    cause: Option<Cause>,
    /// As ffmpeg wrote them, and whether their end is missing.
    last_words: (Secret, bool),
    spoilt: u64,
    /// The last line was about a damaged picture.
    was_spoilt: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Section {
    #[default]
    Before,
    Input,
    After,
}

impl Reader {
    /// Takes one line; `cut`: its end is missing. Returns true when it completed the description of
    /// the source.
    pub fn line(&mut self, line: &str, cut: bool) -> bool {
        let (level, text) = split_level(line);
        let done = match self.section {
            Section::Before if text.starts_with("Input #0") => {
                self.section = Section::Input;
                false
            }
            Section::Input if text.starts_with("Output #") || text.starts_with("Stream map") => {
                self.section = Section::After;
                true
            }
            Section::Input => {
                self.stream(text);
                false
            }
            _ => false,
        };
        self.count_spoilt(text);
        // The camera's name for itself comes at level info.
        if let Some(cause) = cause_of(text).filter(|_| level != "info") {
            if self.cause.as_ref().is_none_or(|old| cause.rank() > old.rank()) {
                self.cause = Some(cause);
            }
        } else if matches!(level, "error" | "fatal" | "panic") {
            self.last_words = (Secret::new(text), cut);
        }
        done
    }

    /// ffmpeg has a line for each picture that it could not decode well, and one for several equal lines.
    fn count_spoilt(&mut self, text: &str) {
        if let Some(rest) = text.trim_start().strip_prefix("Last message repeated ") {
            let times = rest.split(' ').next().and_then(|n| n.parse::<u64>().ok());
            self.spoilt += times.filter(|_| self.was_spoilt).unwrap_or(0);
            return;
        }
        self.was_spoilt = [
            "Error while decoding stream",
            "Error submitting packet to decoder",
            "corrupt decoded frame",
            "missing picture in access unit",
        ]
        .iter()
        .any(|words| text.contains(words));
        self.spoilt += u64::from(self.was_spoilt);
    }

    /// How many pictures could not be decoded, or not well.
    pub const fn spoilt(&self) -> u64 {
        self.spoilt
    }

    /// Why this run is of no use although ffmpeg continues.
    pub fn useless(&self) -> Option<&Cause> {
        self.cause.as_ref().filter(|cause| matches!(cause, Cause::PictureTooBig(..)))
    }

    /// What the camera sends, as far as it is known.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The cause that ended a run, from the lines alone; with `failed`, the last words if there is
    /// no other.
    pub fn cause(self, failed: bool, redactor: &Redactor) -> Option<Cause> {
        let (words, cut) = self.last_words;
        self.cause.or_else(|| {
            let mut words = redactor.clean_foreign(words.expose(), cut);
            words.truncate(words.floor_char_boundary(LONGEST_WORDS));
            (failed && !words.is_empty()).then_some(Cause::EngineFailed(words))
        })
    }

    /// `Stream #0:0: Video: h264 (Main), yuv420p(tv, bt709), 1280x720 [SAR 1:1 ...], 25 fps, ...`
    fn stream(&mut self, text: &str) {
        let Some(rest) = text.trim_start().strip_prefix("Stream #0:") else { return };
        if let Some((_, video)) = rest.split_once(" Video: ") {
            if self.source.video.is_none() {
                self.source.video = Some(match codec_word(video) {
                    "h264" => VideoCodec::H264,
                    "hevc" => VideoCodec::Hevc,
                    other => VideoCodec::Other(other.to_owned()),
                });
                self.source.size = video.split(", ").find_map(picture_size);
            }
        } else if let Some((_, audio)) = rest.split_once(" Audio: ") {
            self.source.audio.get_or_insert_with(|| codec_word(audio).to_owned());
        }
    }
}

fn codec_word(text: &str) -> &str {
    text.split([' ', ',']).next().unwrap_or(text)
}

/// `1280x720` or `1280x720 [SAR 1:1 DAR 16:9]`.
fn picture_size(field: &str) -> Option<(u32, u32)> {
    let (w, h) = field.split(' ').next()?.split_once('x')?;
    Some((w.parse().ok()?, h.parse().ok()?))
}

/// `[rtsp @ 0x55] [error] text`, `[error] text` or `text`: the level, and the text after it.
fn split_level(line: &str) -> (&str, &str) {
    for level in ["error", "fatal", "panic", "warning", "info"] {
        let mark = line
            .find(level)
            .filter(|i| line[..*i].ends_with('[') && line[i + level.len()..].starts_with("] "));
        if let Some(i) = mark {
            return (level, &line[i + level.len() + 2..]);
        }
    }
    ("", line)
}

/// `host:port` without the port.
fn host(place: &str) -> &str {
    match place.rsplit_once(':') {
        Some((host, _)) if host.ends_with(']') || !host.contains(':') => host,
        _ => place,
    }
}

fn cause_of(text: &str) -> Option<Cause> {
    let has = |needle: &str| text.contains(needle);
    Some(match () {
        () if has("401 Unauthorized") => Cause::PasswordRefused,
        () if has("403 Forbidden") => Cause::Forbidden,
        () if has("404 Not Found") || has("404 Stream Not Found") => Cause::NoSuchStream,
        () if has("461 Unsupported") || has("Nonmatching transport") => Cause::TransportRefused,
        () if has("Connection refused") => Cause::ConnectionRefused,
        () if has("No route to host") || has("Network is unreachable") || has("Host is down") => {
            Cause::NoRoute
        }
        () if has("Failed to resolve hostname") => Cause::UnknownHost,
        () if has("Stream map '0:v:0' matches no streams") => Cause::NoVideo,
        () if has("first pts") && has("value must be set") => Cause::PicturesReordered,
        () if has("method ") && has(" failed: ") => Cause::CameraError(status_of(text)?),
        () if has("Connection timed out") || has("Operation timed out") => Cause::NoAnswer,
        () if has("Invalid data found when processing input") && has("pipe:0") => Cause::NotRtsp,
        () if has("Picture size ") && has("exceeds specified max pixel count") => {
            let (_, rest) = text.split_once("Picture size ")?;
            let (w, h) = picture_size(rest)?;
            Cause::PictureTooBig(w, h)
        }
        () if has("Cannot allocate memory") => Cause::TooMuchMemory,
        () if has("Connection reset by peer") || has("Broken pipe") => Cause::HungUp,
        () => return None,
    })
}

/// The status in `method DESCRIBE failed: 503 Service Unavailable`.
fn status_of(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once(" failed: ")?;
    rest.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Reader {
        let mut reader = Reader::default();
        for line in lines {
            reader.line(line, false);
        }
        reader
    }

    #[test]
    fn each_way_to_fail_has_its_sentence() {
        let now = WallTime::from_millis(20_000);
        for (lines, sentence) in [
            (
                &[
                    "[rtsp @ 0x5] [error] method DESCRIBE failed: 401 Unauthorized",
                    "[error] pipe:0: Server returned 401 Unauthorized (authorization failed)",
                ][..],
                "the camera refused the password",
            ),
            (
                &["[rtsp @ 0x5] [error] method DESCRIBE failed: 404 Not Found"],
                "the camera has no stream at this path",
            ),
            (
                &[
                    "[tcp @ 0x5] [error] Connection to tcp://10.0.0.9:554?timeout=5000000 failed: Connection refused",
                    "[error] pipe:0: Connection refused",
                ],
                "nothing answers at 10.0.0.9:554 (connection refused)",
            ),
            (
                &["[tcp @ 0x5] [error] Connection to tcp://10.0.0.9:554 failed: No route to host"],
                "no route to 10.0.0.9",
            ),
            (
                &[
                    "[tcp @ 0x5] [error] Failed to resolve hostname x: Name or service not known",
                    "[error] pipe:0: Input/output error",
                ],
                "no host is called 10.0.0.9",
            ),
            (
                &["[error] pipe:0: Invalid data found when processing input"],
                "10.0.0.9:554 does not answer as an RTSP camera does",
            ),
            (
                &[
                    "[rtsp @ 0x5] [error] method DESCRIBE failed: 503 Service Unavailable",
                    "[error] pipe:0: Server returned 5XX Server Error reply",
                ],
                "the camera answered with error 503",
            ),
            (&["[fatal] Stream map '0:v:0' matches no streams."], "the stream has no video"),
            (
                &[
                    "[h264 @ 0x5] [IMGUTILS @ 0x7] [error] Picture size 16000x16000 exceeds specified max pixel count 35651584, see the documentation if you wish to increase it",
                    "[error] Error configuring filter graph",
                ],
                "the camera announces a picture of 16000 x 16000, more than can be decoded; set a smaller one in it",
            ),
            (
                &["[error] pipe:0: Cannot allocate memory"],
                "the camera's picture takes more memory than one camera may have; set a smaller one in it",
            ),
            (&["[fatal] Unknown encoder 'libx264'"], "ffmpeg failed: Unknown encoder 'libx264'"),
        ] {
            let cause = read(lines).cause(true, &Redactor::default()).expect("a cause");
            assert_eq!(cause.sentence("10.0.0.9:554", now), sentence);
        }
        let stopped = Cause::StoppedSending(WallTime::from_millis(8_000));
        assert_eq!(stopped.sentence("h", now), "the camera stopped sending 12 s ago");
        assert_eq!(stopped.lasting("h"), "the camera stopped sending");
        let killed = Cause::EngineKilled(9);
        assert_eq!(killed.sentence("h", now), "the server is starting the camera again");
    }

    #[test]
    fn a_host_is_a_place_without_its_port() {
        for (place, only) in
            [("h:554", "h"), ("h", "h"), ("[fe80::1]:554", "[fe80::1]"), ("fe80::1", "fe80::1")]
        {
            assert_eq!(host(place), only);
        }
    }

    #[test]
    fn a_timeout_does_not_hide_what_was_said_before_it() {
        let reader = read(&[
            "[rtsp @ 0x5] [error] method SETUP failed: 461 Unsupported transport",
            "[error] pipe:0: Connection timed out",
        ]);
        assert_eq!(reader.cause(true, &Redactor::default()), Some(Cause::TransportRefused));
    }

    #[test]
    fn a_run_that_did_not_reckon_with_b_pictures_says_so() {
        let reader = read(&[
            "[mpegts @ 0x5] [error] first pts and dts value must be set",
            "[error] av_interleaved_write_frame(): Invalid data found when processing input",
        ]);
        assert_eq!(reader.cause(true, &Redactor::default()), Some(Cause::PicturesReordered));
    }

    #[test]
    fn what_is_said_of_every_frame_is_routine() {
        assert!(is_routine(
            "[mpegts @ 0x5] [warning] Non-monotonous DTS in output stream 0:0; previous: 84, current: 0"
        ));
        assert!(!is_routine("[h264 @ 0x5] [error] error while decoding MB 5 6"));
    }

    #[test]
    fn warnings_are_no_causes() {
        let reader = read(&[
            "[rtsp @ 0x5] [warning] Stream #0: not enough frames to estimate rate",
            "[mpegts @ 0x5] [warning] frame size not set",
        ]);
        assert_eq!(reader.cause(true, &Redactor::default()), None);
    }

    #[test]
    fn what_a_camera_calls_itself_is_no_cause() {
        let reader = read(&["[info]     title           : 401 Unauthorized Connection refused"]);
        assert_eq!(reader.cause(true, &Redactor::default()), None);
    }

    #[test]
    fn pictures_that_cannot_be_decoded_are_counted() {
        let reader = read(&[
            "[h264 @ 0x5] [error] no frame!",
            "[error] Error while decoding stream #0:0: Invalid data found when processing input",
            "    Last message repeated 3 times",
            "[vist#0:0/h264 @ 0x5] [dec:h264 @ 0x6] [error] Error submitting packet to decoder: Invalid data found when processing input",
            "[warning] pipe:0: corrupt decoded frame in stream 0",
            "[mpegts @ 0x5] [warning] frame size not set",
            "    Last message repeated 9 times",
        ]);
        assert_eq!(reader.spoilt(), 6);
    }

    #[test]
    fn the_last_words_have_no_secret_and_an_end() {
        let redactor = Redactor::default();
        redactor.learn("u", &Secret::new("hunter2"));
        let reader = read(&[&format!("[error] hunter2 {}", "x".repeat(900))]);
        let Some(Cause::EngineFailed(words)) = reader.cause(true, &redactor) else {
            panic!("none")
        };
        assert!(words.starts_with("*** x") && words.len() <= LONGEST_WORDS, "{words}");
    }

    #[test]
    fn the_source_is_read_from_the_input_and_not_from_the_outputs() {
        let mut reader = Reader::default();
        let done: Vec<bool> = [
            "[info] Input #0, concat, from 'pipe:0':",
            "[info]   Stream #0:0: Video: hevc (Main), yuv420p(tv, bt709), 1920x1080 [SAR 1:1 DAR 16:9], 25 fps, 90k tbn",
            "[info]   Stream #0:1: Audio: pcm_alaw, 8000 Hz, mono, s16, 64 kb/s",
            "[info] Output #0, mpegts, to 'pipe:3':",
            "[info]   Stream #0:0: Video: h264, yuv420p, 640x360, q=2-31, 25 fps",
        ]
        .iter()
        .map(|l| reader.line(l, false))
        .collect();
        assert_eq!(done, [false, false, false, true, false]);
        let source = reader.source();
        assert_eq!(source.video, Some(VideoCodec::Hevc));
        assert_eq!(source.size, Some((1920, 1080)));
        assert_eq!(source.audio.as_deref(), Some("pcm_alaw"));
    }

    #[test]
    fn a_source_of_unknown_size_is_still_a_source() {
        let mut reader = Reader::default();
        reader.line("[info] Input #0, concat, from 'pipe:0':", false);
        reader.line("[info]   Stream #0:0: Video: h264, none, 90k tbr, 90k tbn", false);
        assert_eq!(reader.source().video, Some(VideoCodec::H264));
        assert_eq!(reader.source().size, None);
    }
}
