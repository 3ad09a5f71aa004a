//! PURE: who can play it, and what to change, as sentences.

use super::codec::name;
use super::measure::{Clock, Measured};
use super::streams::{Audio, Streams, Video};

/// A viewer waits for a key frame: longer than this is felt, milliseconds.
const LONG_GOP_MS: i64 = 2_500;

/// What was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    /// It is a camera.
    pub(super) camera: bool,
    pub(super) streams: &'a Streams,
    pub(super) measured: Option<&'a Measured>,
    pub(super) clock: Option<&'a Clock>,
    /// The camera ended it before enough came.
    pub(super) hung_up: bool,
}

/// Which browsers play it.
pub(super) fn plays(found: Found<'_>) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(video) = found.streams.video.first() {
        all.push(format!("{}: {}", name(&video.codec), video_plays(video, found.camera)));
    }
    match found.streams.audio.first() {
        Some(audio) => {
            all.push(format!("{}: {}", name(&audio.codec), audio_plays(audio, found.camera)));
        }
        None => all.push("There is no sound.".into()),
    }
    all
}

fn video_plays(video: &Video, camera: bool) -> String {
    let shown = match video.codec.as_str() {
        "h264" if is_plain(video) => return "every browser plays it.".into(),
        "h264" => "no browser can be relied on to play this profile or format of pixels",
        "hevc" => {
            "Safari plays it; Chrome, Edge and Firefox only where the device's hardware decodes it"
        }
        "vp9" => return "every browser of today plays it.".into(),
        "av1" => {
            return "Chrome, Edge and Firefox play it; Safari only where the device's hardware decodes \
                    it."
                .into();
        }
        "vp8" => return "Chrome, Edge and Firefox play it in WebM; Safari not everywhere.".into(),
        _ => "no browser plays it as video",
    };
    let remedy = if camera {
        "nearlive-server shows such a camera through its encoded, smaller pictures"
    } else {
        "encode it to H.264"
    };
    format!("{shown}; {remedy}.")
}

/// 4:2:0 in eight bits: no browser has to decode the other profiles.
fn is_plain(video: &Video) -> bool {
    let format = video.pixel_format.as_deref().unwrap_or("yuv420p");
    ["yuv420p", "yuvj420p"].contains(&format)
}

fn audio_plays(audio: &Audio, camera: bool) -> String {
    match audio.codec.as_str() {
        "aac" | "mp3" | "flac" => "every browser plays it.".into(),
        "opus" => "Chrome, Edge and Firefox play it, Safari from version 17 on.".into(),
        "vorbis" => "Chrome, Edge and Firefox play it; Safari not everywhere.".into(),
        "ac3" | "eac3" => "Safari plays it, the others mostly not; encode it to AAC.".into(),
        _ if camera => "no browser plays it in a stream; nearlive-server makes AAC of it.".into(),
        _ => "no browser plays it in a stream; encode it to AAC.".into(),
    }
}

/// What to change.
pub(super) fn changes(found: Found<'_>) -> Vec<String> {
    let mut all = Vec::new();
    let camera = found.camera;
    if let Some(video) = found.streams.video.first() {
        match video.codec.as_str() {
            "h264" if !is_plain(video) => {
                all.push("Use High, Main or Baseline profile with 8 bits and 4:2:0.".into());
            }
            "h264" | "vp8" | "vp9" | "av1" => {}
            _ if camera => all.push(format!(
                "Set the camera's video codec to H.264 (it is {}); then the picture needs no encoding.",
                name(&video.codec)
            )),
            _ => {}
        }
        if video.interlaced {
            all.push(
                "It is interlaced, and browsers show the lines: set it to progressive.".into(),
            );
        }
        let (w, h) = (video.width, video.height);
        if u64::from(w) * u64::from(h) > 2560 * 1600 {
            all.push(format!(
                "{w} x {h} is more than many phones decode: give it a smaller stream beside this one."
            ));
        }
    }
    if let Some(measured) = found.measured {
        groups(&mut all, measured, camera);
    }
    if found.hung_up {
        all.push(format!(
            "The camera closed the connection after {} s: it may allow too few viewers at a time, or be \
             restarting.",
            seconds(found.measured.map_or(0, |m| m.ms))
        ));
    }
    if let Some(clock) = found.clock {
        times(&mut all, clock);
    }
    all
}

fn groups(all: &mut Vec<String>, measured: &Measured, camera: bool) {
    let setting = if camera { "the I-frame interval (GOP)" } else { "the GOP (-g)" };
    let pictures = |seconds: i64| measured.fps_milli.map_or(0, |fps| (fps + 500) / 1000 * seconds);
    let usual = match (pictures(1), pictures(2)) {
        (0, _) => format!("set {setting} so that a key frame comes every 1 to 2 s"),
        (least, most) => format!("set {setting} to {least} to {most} pictures, 1 to 2 s"),
    };
    let longest = measured.gop_max.map_or(0, |g| g.ms);
    let shortest = measured.gop_min.map_or(longest, |g| g.ms);
    // Within a picture or two of each other they are even.
    let uneven = longest > shortest + shortest / 4 + 200;
    if measured.key_frames == 0 {
        all.push(format!(
            "No key frame came in {} s, and no viewer can begin without one: {usual}, and intra refresh \
             off.",
            seconds(measured.ms)
        ));
    } else if uneven && camera {
        all.push(format!(
            "Key frames come {} to {} s apart: a smart codec (H.264+, Smart H.264, Zipstream) looks to be \
             on; turn it off, and {usual}.",
            seconds(shortest),
            seconds(longest)
        ));
    } else if longest > LONG_GOP_MS {
        all.push(format!(
            "Up to {} s pass between key frames, and so long a viewer may wait for the first picture: \
             {usual}.",
            seconds(longest)
        ));
    }
    if measured.b_pictures > 0 && camera {
        let delay = measured.fps_milli.filter(|fps| *fps > 0).map_or(0, |fps| 1_000_000 / fps);
        all.push(format!(
            "It sends B pictures, which delay all others by {delay} ms or more: set B frames to 0, or the \
             profile to Baseline."
        ));
    }
}

fn times(all: &mut Vec<String>, clock: &Clock) {
    if clock.jumps > 0 {
        all.push(format!(
            "Its clock jumped {} in {} s, by up to {} s: the server bears that; set the camera's time by \
             NTP, or update its firmware.",
            if clock.jumps == 1 { "once".to_owned() } else { format!("{} times", clock.jumps) },
            seconds(clock.wall_ms),
            seconds(clock.jump_ms)
        ));
    }
    if !clock.keeps_time() {
        all.push(format!(
            "Its times run at {} % of the wall clock: set a constant frame rate in the camera, and if that \
             does not help restart it.",
            clock.media_ms * 100 / clock.wall_ms.max(1)
        ));
    }
}

/// Seconds with one digit after the point.
pub(super) fn seconds(ms: i64) -> String {
    let tenths = (ms.abs() + 50) / 100;
    let sign = if ms < 0 && tenths > 0 { "-" } else { "" };
    format!("{sign}{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::super::measure::Gop;
    use super::*;

    fn streams(video: &str, audio: Option<&str>) -> Streams {
        let video = Video { codec: video.into(), width: 1280, height: 720, ..Video::default() };
        let audio = audio.map(|codec| Audio { codec: codec.into(), ..Audio::default() });
        Streams { video: vec![video], audio: audio.into_iter().collect() }
    }

    fn found(streams: &Streams, camera: bool) -> Found<'_> {
        Found { camera, streams, measured: None, clock: None, hung_up: false }
    }

    #[test]
    fn who_plays_what() {
        for (video, audio, camera, parts) in [
            ("h264", Some("aac"), true, ["H.264: every browser", "AAC: every browser"]),
            ("hevc", None, true, ["H.265: Safari plays it; Chrome", "no sound"]),
            ("hevc", Some("opus"), false, ["encode it to H.264", "Opus: Chrome, Edge"]),
            ("mjpeg", Some("pcm_mulaw"), true, ["MJPEG: no browser", "nearlive-server makes AAC"]),
            ("mpeg2video", Some("pcm_s16le"), false, ["MPEG-2: no browser", "encode it to AAC"]),
        ] {
            let streams = streams(video, audio);
            let said = plays(found(&streams, camera)).join(" ");
            assert!(parts.iter().all(|part| said.contains(part)), "{said}");
        }
        let mut deep = streams("h264", None);
        deep.video[0].pixel_format = Some("yuv422p10le".into());
        assert!(plays(found(&deep, false))[0].contains("no browser can be relied on"));
        assert!(changes(found(&deep, false))[0].contains("4:2:0"));
    }

    #[test]
    fn a_good_camera_has_nothing_to_change_and_each_fault_has_its_sentence() {
        let gop = |ms: i64| Some(Gop { pictures: (ms / 40) as usize, ms });
        let good = Measured {
            fps_milli: Some(25_000),
            gop_min: gop(1000),
            gop_max: gop(1040),
            key_frames: 9,
            ms: 10_000,
            ..Measured::default()
        };
        let clock = Clock { media_ms: 9_000, wall_ms: 9_020, jumps: 0, jump_ms: 0 };
        let streams = streams("h264", None);
        let said = |measured: Measured, clock: Clock| {
            let found = Found {
                camera: true,
                streams: &streams,
                measured: Some(&measured),
                clock: Some(&clock),
                hung_up: false,
            };
            changes(found).join(" ")
        };
        assert_eq!(said(good.clone(), clock), "");
        for (measured, clock, part) in [
            (
                Measured { gop_min: gop(10_000), gop_max: gop(10_000), ..good.clone() },
                clock,
                "Up to 10.0 s pass",
            ),
            (
                Measured { gop_max: gop(8_000), ..good.clone() },
                clock,
                "1.0 to 8.0 s apart: a smart codec",
            ),
            (
                Measured { key_frames: 0, gop_min: None, gop_max: None, ..good.clone() },
                clock,
                "No key frame came in 10.0 s",
            ),
            (
                Measured { gop_min: gop(4_000), gop_max: gop(4_000), ..good.clone() },
                clock,
                "to 25 to 50 pictures, 1 to 2 s",
            ),
            (Measured { b_pictures: 4, ..good.clone() }, clock, "delay all others by 40 ms"),
            (
                good.clone(),
                Clock { jumps: 2, jump_ms: -3_600_000, ..clock },
                "2 times in 9.0 s, by up to -3600.0 s",
            ),
            (good.clone(), Clock { media_ms: 18_000, ..clock }, "at 199 % of the wall clock"),
        ] {
            let said = said(measured, clock);
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn a_camera_of_h265_is_told_what_to_set() {
        let mut streams = streams("hevc", None);
        streams.video[0].width = 3840;
        streams.video[0].height = 2160;
        let said = changes(found(&streams, true)).join(" ");
        assert!(said.contains("to H.264 (it is H.265)") && said.contains("3840 x 2160"), "{said}");
        assert!(!changes(found(&streams, false)).join(" ").contains("camera"));
    }
}
