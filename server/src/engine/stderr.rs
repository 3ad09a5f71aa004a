//! PURE: what ffmpeg's stderr says about the camera. (GStreamer's lines are read by [`runner`].)
//!
//! ffmpeg's exit status tells little (0 after a stall and after a hang-up), its lines tell more.
//! [`Reader`] gets each line unchanged and keeps the gravest [`Cause`], a description of the input,
//! and the number of pictures that could not be decoded. It knows the texts of ffmpeg 5.1 to 7. A
//! line that matches none of them is kept as the last words of a run that failed, and cleaned
//! before it is shown.

pub use super::cause::{Cause, Source, VideoCodec};
use super::kind::Kind;
use super::runner::{self, Said};
use crate::camera::secret::{Redactor, Secret};

/// Most bytes of the last words in a message.
const LONGEST_WORDS: usize = 240;

/// Whether ffmpeg says this about every frame of a healthy camera: the decoding times are made up
/// on the way, and are not used. (GStreamer says nothing of the kind.)
pub fn is_routine(line: &str) -> bool {
    ["Non-monotonous DTS", "Non-monotonic DTS", "Invalid DTS:", "Timestamps are unset in a packet"]
        .iter()
        .any(|text| line.contains(text))
}

/// Reads stderr line by line.
#[derive(Debug, Default)]
pub struct Reader {
    engine: Kind,
    section: Section,
    source: Source,
    cause: Option<Cause>,
    /// As ffmpeg wrote them, and whether their end is missing.
    last_words: (Secret, bool),
    /// The last line in no form that is known, likewise.
    other_words: (Secret, bool),
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
    /// A reader of what this engine says.
    pub fn of(engine: Kind) -> Self {
        Self { engine, ..Self::default() }
    }

    /// The engine whose words these are.
    pub const fn engine(&self) -> Kind {
        self.engine
    }

    /// Takes one line; `cut`: its end is missing. Returns true when it completed the description of
    /// the source.
    pub fn line(&mut self, line: &str, cut: bool) -> bool {
        if self.engine == Kind::Gstreamer {
            return self.take(runner::read(line), cut);
        }
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
            self.grave(cause);
        } else if matches!(level, "error" | "fatal" | "panic") {
            self.last_words = (Secret::new(text), cut);
        }
        done
    }

    /// What GStreamer has said.
    fn take(&mut self, said: Said<'_>, cut: bool) -> bool {
        match said {
            Said::Source(source) => {
                self.source = source;
                return true;
            }
            Said::Cause(cause) => self.grave(cause),
            Said::Failed(words) => self.last_words = (Secret::new(words), cut),
            Said::Spoilt(many) => self.spoilt += many,
            // What the loader or a panic says; counts if nothing of ours follows.
            Said::Other(words) => self.other_words = (Secret::new(words), cut),
            Said::Note => {}
        }
        false
    }

    fn grave(&mut self, cause: Cause) {
        if self.cause.as_ref().is_none_or(|old| cause.rank() > old.rank()) {
            self.cause = Some(cause);
        }
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
        let own = !self.last_words.0.expose().is_empty();
        let engine = self.engine;
        let (words, cut) = if own { self.last_words } else { self.other_words };
        self.cause.or_else(|| {
            let mut words = redactor.clean_foreign(words.expose(), cut);
            words.truncate(words.floor_char_boundary(LONGEST_WORDS));
            (failed && !words.is_empty()).then_some(Cause::EngineFailed(engine, words))
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
    use nearlive::time::WallTime;

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
        let killed = Cause::EngineKilled(Kind::Ffmpeg, 9);
        assert_eq!(killed.sentence("h", now), "the server is starting the camera again");
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
        let Some(Cause::EngineFailed(Kind::Ffmpeg, words)) = reader.cause(true, &redactor) else {
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
