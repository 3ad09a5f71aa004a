//! Checks whether this ffmpeg can do the work.
//!
//! `-fps_mode` and `-enc_time_base` with `option` lines in an ffconcat list need 5.1. Builds from
//! git call themselves `N-1234-g...` and are taken as new.

use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::Error;

/// The list of encoders takes 10 kB.
const LONGEST: u64 = 1 << 20;
/// The oldest that works, as major and minor.
const OLDEST: (u32, u32) = (5, 1);

/// Runs `ffmpeg -version` and looks for the encoders. Returns the version as ffmpeg writes it.
pub fn check(ffmpeg: &Path, needs_h264: bool) -> Result<String, Error> {
    let banner = output(ffmpeg, "-version")?;
    let found = read(&banner).ok_or_else(|| Error::NotFfmpeg(ffmpeg.to_owned()))?;
    if !is_new_enough(found) {
        return Err(Error::FfmpegTooOld { found: found.to_owned() });
    }
    let encoders = output(ffmpeg, "-encoders")?;
    let has = |name: &str| encoders.split_whitespace().any(|word| word == name);
    if needs_h264 && !has("libx264") {
        return Err(Error::FfmpegLacks("the encoder libx264"));
    }
    if !has("aac") {
        return Err(Error::FfmpegLacks("the encoder aac"));
    }
    Ok(found.to_owned())
}

/// The output, up to more than any ffmpeg prints.
fn output(ffmpeg: &Path, option: &str) -> Result<String, Error> {
    let broken = |source| Error::FfmpegBroken { path: ffmpeg.to_owned(), source };
    let mut child = Command::new(ffmpeg)
        .args(["-hide_banner", option])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| match e.kind() {
            ErrorKind::NotFound => Error::FfmpegMissing(ffmpeg.to_owned()),
            _ => broken(e),
        })?;
    let mut text = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        // Another program may never end.
        stdout.take(LONGEST).read_to_end(&mut text).map_err(broken)?;
    }
    if text.len() as u64 == LONGEST {
        let _ = child.kill();
    }
    child.wait().map_err(broken)?;
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
}
