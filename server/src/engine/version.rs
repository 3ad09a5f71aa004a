//! Checks whether this ffmpeg, or GStreamer, can do the work.
//!
//! `-fps_mode` and `-enc_time_base` with `option` lines in an ffconcat list need 5.1. Builds from
//! git call themselves `N-1234-g...` and are taken as new.

use std::io::{self, ErrorKind, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::Error;

/// The list of encoders takes 10 kB.
const LONGEST: u64 = 1 << 20;
/// The oldest that works, as major and minor.
const OLDEST: (u32, u32) = (5, 1);

/// The encoders of an ffmpeg.
#[derive(Clone, Debug)]
pub struct Encoders(String);

impl Encoders {
    /// Those in a list as ffmpeg writes it.
    pub fn of(list: &str) -> Self {
        Self(list.to_owned())
    }

    /// Whether the one of this name is there.
    pub fn has(&self, name: &str) -> bool {
        self.0.split_whitespace().any(|word| word == name)
    }
}

/// Runs `ffmpeg -version` and looks for the encoders. Returns the version as ffmpeg writes it.
pub fn check(ffmpeg: &Path, needs_h264: bool) -> Result<String, Error> {
    let (found, encoders) = look(ffmpeg)?;
    if needs_h264 && !encoders.has("libx264") {
        return Err(Error::FfmpegLacks("the encoder libx264"));
    }
    if !encoders.has("aac") {
        return Err(Error::FfmpegLacks("the encoder aac"));
    }
    Ok(found)
}

/// The version as ffmpeg writes it, and its encoders.
pub fn look(ffmpeg: &Path) -> Result<(String, Encoders), Error> {
    let banner = output(ffmpeg, &["-hide_banner", "-version"]).map_err(|e| of_ffmpeg(ffmpeg, e))?;
    let found = read(&banner).ok_or_else(|| Error::NotFfmpeg(ffmpeg.to_owned()))?;
    if !is_new_enough(found) {
        return Err(Error::FfmpegTooOld { found: found.to_owned() });
    }
    let encoders =
        output(ffmpeg, &["-hide_banner", "-encoders"]).map_err(|e| of_ffmpeg(ffmpeg, e))?;
    Ok((found.to_owned(), Encoders::of(&encoders)))
}

/// Lets `nearlive-gstreamer` look for what GStreamer needs. Returns its line about the version.
pub fn check_gstreamer(runner: &Path) -> Result<String, Error> {
    let text = output(runner, &["--check"]).map_err(|e| Error::Gstreamer(e.to_string()))?;
    let line = text.lines().next().unwrap_or_default();
    match line.strip_prefix("nearlive-gstreamer ") {
        Some(version) => Ok(version.to_owned()),
        None if line.is_empty() => Err(Error::Gstreamer("it says nothing".into())),
        None => Err(Error::Gstreamer(line.to_owned())),
    }
}

fn of_ffmpeg(ffmpeg: &Path, e: io::Error) -> Error {
    match e.kind() {
        ErrorKind::NotFound => Error::FfmpegMissing(ffmpeg.to_owned()),
        _ => Error::FfmpegBroken { path: ffmpeg.to_owned(), source: e },
    }
}

/// The output, up to more than any ffmpeg prints.
fn output(program: &Path, arguments: &[&str]) -> io::Result<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut text = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        // Another program may never end.
        stdout.take(LONGEST).read_to_end(&mut text)?;
    }
    if text.len() as u64 == LONGEST {
        let _ = child.kill();
    }
    child.wait()?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// The third word of `ffmpeg version 5.1.9-0+deb12u1 Copyright ...`.
fn read(banner: &str) -> Option<&str> {
    banner.lines().next()?.strip_prefix("ffmpeg version ")?.split(' ').next()
}

fn is_new_enough(version: &str) -> bool {
    let digits = version.trim_start_matches('n');
    if version.starts_with("N-") || version.starts_with("git-") {
        return true;
    }
    let mut parts = digits.split(|c: char| !c.is_ascii_digit()).map(|p| p.parse::<u32>().ok());
    let Some(Some(major)) = parts.next() else { return false };
    (major, parts.next().flatten().unwrap_or(0)) >= OLDEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        for (banner, good) in [
            ("ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026", true),
            ("ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright", false),
            ("ffmpeg version n7.0 Copyright", true),
            ("ffmpeg version 10.0 Copyright", true),
            ("ffmpeg version 5.0.1 Copyright", false),
            ("ffmpeg version N-110-g1234 Copyright", true),
            ("ffmpeg version wrong Copyright", false),
        ] {
            let version = read(banner).expect("a version");
            assert_eq!(is_new_enough(version), good, "{version}");
        }
    }

    #[test]
    fn an_ffmpeg_that_is_not_there_is_named() {
        let e = check(Path::new("/nowhere/ffmpeg"), true).expect_err("missing");
        assert!(e.to_string().contains("/nowhere/ffmpeg"), "{e}");
    }

    #[test]
    fn a_gstreamer_that_is_not_there_or_lacks_something_is_told() {
        for program in ["/nowhere/nearlive-gstreamer", "/bin/true", "/bin/echo"] {
            let e = check_gstreamer(Path::new(program)).expect_err("none").to_string();
            assert!(e.contains("engine = \"gstreamer\"") && e.contains("make gstreamer"), "{e}");
        }
    }
}
