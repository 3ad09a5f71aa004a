//! PURE: the report, for people and for programs.

use std::fmt::Write as _;

use serde::Serialize;

use super::advice::{self, Found, seconds};
use super::codec::name;
use super::measure::{Clock, Gop, Measured};
use super::streams::{Audio, Streams, Video};

/// All that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Report {
    /// What was looked at, without a login.
    pub(super) of: String,
    pub(super) camera: bool,
    pub(super) streams: Streams,
    /// Of the first video stream.
    pub(super) measured: Option<Measured>,
    pub(super) clock: Option<Clock>,
    /// The camera ended it before enough came.
    pub(super) hung_up: bool,
    /// Of the first audio stream.
    pub(super) audio_bits_per_second: Option<u64>,
}

/// The form for programs. Numbers that were not measured are null.
#[derive(Serialize)]
struct Json<'a> {
    source: &'a str,
    /// `camera` or `media`.
    kind: &'a str,
    video: &'a [Video],
    audio: &'a [Audio],
    /// Of the first video stream.
    measured: Option<&'a Measured>,
    clock: Option<&'a Clock>,
    audio_bits_per_second: Option<u64>,
    /// Which browsers play it, a sentence for each of picture and sound.
    plays: Vec<String>,
    /// What to change, a sentence each; empty where all is well.
    changes: Vec<String>,
}

/// An error, for programs.
#[derive(Serialize)]
struct Problem<'a> {
    error: &'a str,
}

impl Report {
    fn found(&self) -> Found<'_> {
        Found {
            camera: self.camera,
            streams: &self.streams,
            measured: self.measured.as_ref(),
            clock: self.clock.as_ref(),
            hung_up: self.hung_up,
        }
    }

    /// For programs: one JSON object.
    pub(super) fn json(&self) -> String {
        let json = Json {
            source: &self.of,
            kind: if self.camera { "camera" } else { "media" },
            video: &self.streams.video,
            audio: &self.streams.audio,
            measured: self.measured.as_ref(),
            clock: self.clock.as_ref(),
            audio_bits_per_second: self.audio_bits_per_second,
            plays: advice::plays(self.found()),
            changes: advice::changes(self.found()),
        };
        // Only maps with keys that are no text fail.
        serde_json::to_string_pretty(&json).unwrap_or_default() + "\n"
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut out = format!("{}\n", self.of);
        for (i, video) in self.streams.video.iter().enumerate() {
            row(&mut out, if i == 0 { "picture" } else { "" }, &picture(video));
            if let Some(measured) = self.measured.as_ref().filter(|_| i == 0) {
                rows(&mut out, measured);
            }
        }
        for (i, audio) in self.streams.audio.iter().enumerate() {
            let rate = self.audio_bits_per_second.filter(|_| i == 0);
            row(&mut out, if i == 0 { "sound" } else { "" }, &sound(audio, rate));
        }
        if let Some(clock) = &self.clock {
            row(&mut out, "clock", &times(clock));
        }
        list(&mut out, "Who plays it", &advice::plays(self.found()));
        let changes = advice::changes(self.found());
        let nothing = ["Nothing: it is as browsers like it.".to_owned()];
        list(&mut out, "What to change", if changes.is_empty() { &nothing } else { &changes });
        out
    }
}

/// An error as one JSON object.
pub(super) fn problem(sentence: &str) -> String {
    serde_json::to_string_pretty(&Problem { error: sentence }).unwrap_or_default() + "\n"
}

fn picture(video: &Video) -> String {
    let mut text = name(&video.codec);
    if let Some(profile) = &video.profile {
        let _ = write!(text, " {profile}");
    }
    if let Some(level) = &video.level {
        let _ = write!(text, ", level {level}");
    }
    if let Some(codecs) = &video.codecs {
        let _ = write!(text, " ({codecs})");
    }
    if video.width > 0 {
        let _ = write!(text, ", {} x {}", video.width, video.height);
    }
    if video.interlaced {
        text.push_str(", interlaced");
    }
    if let Some(fps) = video.fps_milli {
        let _ = write!(text, ", announced at {} fps", thousandths(fps));
    }
    text
}

fn rows(out: &mut String, measured: &Measured) {
    let fps = measured.fps_milli.and_then(|fps| u64::try_from(fps).ok());
    let rate =
        measured.bits_per_second.map_or_else(String::new, |bits| format!(", {}", kbps(bits)));
    let fps = fps.map_or_else(String::new, |fps| format!("{} fps", thousandths(fps)));
    let of = format!(" (measured: {} pictures, {} s)", measured.pictures, seconds(measured.ms));
    row(out, "", &format!("{fps}{rate}{of}"));
    let between = match (measured.gop_min, measured.gop_max) {
        (Some(min), Some(max)) if min == max => format!("key frames every {}", gop(max)),
        (Some(min), Some(max)) => format!("key frames every {} to {}", gop(min), gop(max)),
        (_, Some(max)) if measured.key_frames > 0 => {
            format!("one key frame, and none in the {} after it", gop(max))
        }
        _ if measured.key_frames > 0 => "one key frame".into(),
        _ => "no key frame".into(),
    };
    let b = match measured.b_pictures {
        0 => "no B pictures".to_owned(),
        n => format!("{n} B pictures"),
    };
    row(out, "", &format!("{between}, {b}"));
}

fn gop(gop: Gop) -> String {
    format!("{} s ({} pictures)", seconds(gop.ms), gop.pictures)
}

fn sound(audio: &Audio, rate: Option<u64>) -> String {
    let mut text = name(&audio.codec);
    if let Some(codecs) = &audio.codecs {
        let _ = write!(text, " ({codecs})");
    }
    let channels = match audio.channels {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        n => format!("{n} channels"),
    };
    let _ = write!(text, ", {} Hz, {channels}", audio.sample_rate);
    if let Some(rate) = rate {
        let _ = write!(text, ", {}", kbps(rate));
    }
    text
}

fn times(clock: &Clock) -> String {
    let goes = if clock.keeps_time() { "goes with" } else { "does not go with" };
    let jumps = match clock.jumps {
        0 => "no jumps".to_owned(),
        1 => format!("one jump of {} s", seconds(clock.jump_ms)),
        n => format!("{n} jumps, the biggest of {} s", seconds(clock.jump_ms)),
    };
    let (media, wall) = (seconds(clock.media_ms), seconds(clock.wall_ms));
    format!("{goes} ours ({media} s of its times in {wall} s), {jumps}")
}

fn row(out: &mut String, name: &str, text: &str) {
    let _ = writeln!(out, "  {name:<9}{text}");
}

fn list(out: &mut String, title: &str, sentences: &[String]) {
    let _ = writeln!(out, "\n{title}");
    for sentence in sentences {
        let _ = writeln!(out, "  - {sentence}");
    }
}

fn kbps(bits: u64) -> String {
    format!("{} kbit/s", (bits + 500) / 1000)
}

/// With at most two digits after the point.
fn thousandths(n: u64) -> String {
    let hundredths = (n + 5) / 10;
    match (hundredths / 100, hundredths % 100) {
        (whole, 0) => format!("{whole}"),
        (whole, part) if part % 10 == 0 => format!("{whole}.{}", part / 10),
        (whole, part) => format!("{whole}.{part:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let video = Video {
            codec: "h264".into(),
            codecs: Some("avc1.64001f".into()),
            profile: Some("High".into()),
            level: Some("3.1".into()),
            width: 1280,
            height: 720,
            fps_milli: Some(29_970),
            ..Video::default()
        };
        let audio =
            Audio { codec: "pcm_mulaw".into(), sample_rate: 8000, channels: 1, ..Audio::default() };
        let measured = Measured {
            pictures: 250,
            ms: 9_960,
            fps_milli: Some(25_000),
            gop_min: Some(Gop { pictures: 25, ms: 1000 }),
            gop_max: Some(Gop { pictures: 50, ms: 2000 }),
            key_frames: 6,
            bits_per_second: Some(2_000_400),
            ..Measured::default()
        };
        Report {
            of: "rtsp://10.0.0.9:554".into(),
            camera: true,
            streams: Streams { video: vec![video], audio: vec![audio] },
            measured: Some(measured),
            clock: Some(Clock { media_ms: 9000, wall_ms: 9010, jumps: 0, jump_ms: 0 }),
            hung_up: false,
            audio_bits_per_second: Some(64_000),
        }
    }

    #[test]
    fn people_read_it_in_lines() {
        let text = report().text();
        for line in [
            "rtsp://10.0.0.9:554\n",
            "  picture  H.264 High, level 3.1 (avc1.64001f), 1280 x 720, announced at 29.97 fps\n",
            "           25 fps, 2000 kbit/s (measured: 250 pictures, 10.0 s)\n",
            "           key frames every 1.0 s (25 pictures) to 2.0 s (50 pictures), no B pictures\n",
            "  sound    G.711 (mu-law), 8000 Hz, mono, 64 kbit/s\n",
            "  clock    goes with ours (9.0 s of its times in 9.0 s), no jumps\n",
            "\nWho plays it\n  - H.264: every browser plays it.\n",
            "\nWhat to change\n  - Key frames come 1.0 to 2.0 s apart",
        ] {
            assert!(text.contains(line), "{line}{text}");
        }
    }

    #[test]
    fn programs_read_the_same_as_json() {
        let json: serde_json::Value = serde_json::from_str(&report().json()).unwrap();
        assert_eq!(json["source"], "rtsp://10.0.0.9:554");
        assert_eq!(json["kind"], "camera");
        assert_eq!(json["video"][0]["codecs"], "avc1.64001f");
        assert_eq!(json["measured"]["gop_max"]["pictures"], 50);
        assert_eq!(json["clock"]["jumps"], 0);
        assert!(json["plays"][1].as_str().unwrap().starts_with("G.711"));
        assert_eq!(json["changes"].as_array().unwrap().len(), 1);
        let problem: serde_json::Value = serde_json::from_str(&problem("a \"b\"")).unwrap();
        assert_eq!(problem["error"], "a \"b\"");
    }
}
