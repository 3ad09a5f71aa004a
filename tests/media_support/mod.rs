//! Real media for the container tests: ffmpeg makes it, ffmpeg and ffprobe judge what we write.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write;
use std::process::{Command, Stdio};

/// Runs `program` (ffmpeg or ffprobe) with the words of `args`, `input` on its standard input;
/// gives what it wrote. Whatever it complains about fails the test.
pub(crate) fn run(program: &str, args: &str, input: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(["-hide_banner", "-loglevel", "warning"])
        .args(args.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{program} is needed for this test (`make setup`): {e}"));
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    let output = std::thread::scope(|s| {
        // It may stop reading early (ffprobe does): then the rest of the input does not matter.
        s.spawn(move || stdin.write_all(input).ok());
        child.wait_with_output().expect("the child was started")
    });
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{program} {args}: {complaints}");
    output.stdout
}

/// Makes media with ffmpeg.
pub(crate) fn ffmpeg(args: &str) -> Vec<u8> {
    run("ffmpeg", args, &[])
}

/// `ffprobe -of csv=p=0` of `media`, a line an entry.
pub(crate) fn ffprobe(args: &str, media: &[u8]) -> Vec<String> {
    let out = run("ffprobe", &format!("{args} -of csv=p=0 -i pipe:0"), media);
    String::from_utf8(out)
        .unwrap()
        .lines()
        .map(|l| l.trim_end_matches(',').to_owned())
        .filter(|l| !l.is_empty())
        .collect()
}

/// A moving picture and a tone, `seconds` long, in the options' place for an input.
pub(crate) fn test_input(seconds: &str) -> String {
    format!(
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration={seconds} \
         -f lavfi -i sine=frequency=440:sample_rate=48000:duration={seconds}"
    )
}

/// H.264 without B-frames, a key frame a second.
pub(crate) const H264: &str = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -bf 0 -g 25";

/// Stereo AAC.
pub(crate) const AAC: &str = "-c:a aac -ac 2 -b:a 96k";

/// As the server gets it: transport stream, PES lengths stated.
pub(crate) fn camera_ts(seconds: &str) -> Vec<u8> {
    let input = test_input(seconds);
    ffmpeg(&format!(
        "{input} {H264} {AAC} -f mpegts -muxdelay 0 -muxpreload 0 -omit_video_pes_length 0 pipe:1"
    ))
}

/// A checksum of every decoded picture or block of samples.
pub(crate) fn decoded(format: &str, map: &str, media: &[u8]) -> Vec<String> {
    let out = run("ffmpeg", &format!("-f {format} -i pipe:0 {map} -f framemd5 -"), media);
    String::from_utf8(out)
        .unwrap()
        .lines()
        .filter(|l| !l.starts_with('#'))
        .map(|l| l.rsplit(',').next().unwrap().trim().to_owned())
        .collect()
}

/// Elements of WebM (RFC 8794), as they are written.
pub(crate) mod ebml {
    pub(crate) const CLUSTER: &[u8] = &[0x1f, 0x43, 0xb6, 0x75];
    pub(crate) const UNKNOWN: &[u8] = &[0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];

    /// An element whose size is written in four bytes.
    pub(crate) fn element(id: &[u8], body: &[u8]) -> Vec<u8> {
        let size = (0x1000_0000 | body.len() as u32).to_be_bytes();
        [id, &size, body].concat()
    }

    pub(crate) fn number(id: &[u8], value: u32) -> Vec<u8> {
        element(id, &value.to_be_bytes())
    }
}
