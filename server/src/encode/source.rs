//! The film to encode: which file it is, and what is in it.
//!
//! ffmpeg decodes the first picture and writes its size as a program reads it (`framecrc`, after
//! rotation); only the length comes from what it tells people.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nearlive::time::Duration;
use serde::{Deserialize, Serialize};

use super::ladder::Picture;
use super::problem::Problem;

/// So many first bytes tell films of one size apart.
const HEAD: u64 = 64 << 10;

/// Tells a film from another, and from itself after a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprint {
    /// Bytes.
    size: u64,
    /// When it was last written, seconds and nanoseconds.
    written: (i64, i64),
    /// Of its first bytes.
    head: u64,
}

/// What is in a film.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Film {
    /// Its picture.
    pub(super) picture: Picture,
    /// Channels of its sound; `None` without.
    pub(super) channels: Option<u32>,
    /// How long it lasts, where it says so.
    pub(super) lasts: Option<Duration>,
}

/// Opens the film and takes its fingerprint.
pub(super) fn fingerprint(path: &Path) -> Result<Fingerprint, Problem> {
    let failed = |source| Problem::NoFilm { film: path.to_owned(), source };
    // Not opened before it is known to be a file: a pipe would wait for a writer.
    let about = std::fs::metadata(path).map_err(failed)?;
    if !about.is_file() {
        return Err(Problem::NoFile(path.to_owned()));
    }
    let mut head = Vec::new();
    File::open(path).and_then(|f| f.take(HEAD).read_to_end(&mut head)).map_err(failed)?;
    Ok(of(&about, &head))
}

fn of(about: &Metadata, head: &[u8]) -> Fingerprint {
    // FNV-1a: it has to be the same in every version of the program.
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    Fingerprint {
        size: about.size(),
        written: (about.mtime(), about.mtime_nsec()),
        head: head.iter().fold(0xcbf2_9ce4_8422_2325, fold),
    }
}

/// What ffmpeg found in a film: its `framecrc` on stdout, its messages on stderr.
pub(super) fn read(path: &Path, stdout: &str, stderr: &str) -> Result<Film, Problem> {
    let film = || PathBuf::from(path);
    let mut picture = Picture { width: 0, height: 0, rate: None };
    let mut channels = None;
    let mut kind = "";
    for line in stdout.lines() {
        let Some((name, value)) = line.strip_prefix('#').and_then(|l| l.split_once(": ")) else {
            continue;
        };
        // `tb 0: 1/25` stands before `media_type 0: video`, so it is looked up afterwards.
        match name.split(' ').next().unwrap_or_default() {
            "media_type" => kind = value,
            "dimensions" => (picture.width, picture.height) = pair(value, 'x').unwrap_or((0, 0)),
            "sar" => picture.width = square(picture.width, pair(value, '/')),
            "channel_layout_name" => channels = Some(if value == "mono" { 1 } else { 2 }),
            "sample_rate" => channels = channels.or(Some(2)),
            _ => {}
        }
        if name.starts_with("media_type") && kind == "video" {
            let base = format!("#tb {}: ", name.trim_start_matches("media_type "));
            let base = stdout.lines().find_map(|l| l.strip_prefix(base.as_str()));
            picture.rate = base.and_then(|b| pair(b, '/')).map(|(d, n)| (n, d));
        }
    }
    if picture.width > 0 && picture.height > 0 {
        return Ok(Film { picture, channels, lasts: lasts(stderr) });
    }
    match last_words(stderr) {
        _ if channels.is_some() => Err(Problem::NoVideo(film())),
        Some(said) if said.contains("does not contain any stream") => Err(Problem::NoVideo(film())),
        Some(said) => Err(Problem::NotAFilm { film: film(), said }),
        None => Err(Problem::NoVideo(film())),
    }
}

/// The last thing that ffmpeg said, without who said it and of which file: both stand before
/// colons.
pub(super) fn last_words(stderr: &str) -> Option<String> {
    let last = stderr.lines().rfind(|l| l.contains("[error]") || l.contains("[fatal]"))?;
    let text = last.rsplit_once("] ").map_or(last, |(_, text)| text);
    let text = text.rsplit_once(": ").map_or(text, |(_, text)| text).trim();
    (!text.is_empty()).then(|| text.chars().take(200).collect())
}

/// `a/b`, `axb`.
fn pair(text: &str, between: char) -> Option<(u32, u32)> {
    let (a, b) = text.trim().split_once(between)?;
    Some((a.parse().ok()?, b.parse().ok()?)).filter(|(_, b)| *b > 0)
}

/// The columns of the same picture with square pixels.
fn square(width: u32, pixel: Option<(u32, u32)>) -> u32 {
    let (w, h) = pixel.filter(|(w, h)| *w > 0 && *h > 0).unwrap_or((1, 1));
    let wide = (u64::from(width) * u64::from(w) + u64::from(h) / 2) / u64::from(h);
    // A pixel of another shape than 4 : 1 is an error of the file.
    let sane = w <= h.saturating_mul(4) && h <= w.saturating_mul(4);
    if sane { u32::try_from(wide).unwrap_or(width) } else { width }
}

/// `Duration: 00:01:30.05, start: ...`
fn lasts(stderr: &str) -> Option<Duration> {
    let (_, rest) = stderr.split_once("Duration: ")?;
    let text = rest.split([',', '\n']).next()?;
    let mut seconds = 0u64;
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    for field in whole.split(':') {
        seconds = seconds.checked_mul(60)?.checked_add(field.trim().parse().ok()?)?;
    }
    let hundredths: u64 = part.parse().ok().filter(|n| *n < 100)?;
    Some(Duration::from_millis(seconds.checked_mul(1000)? + hundredths * 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIDEO: &str = "#tb 0: 1001/30000\n#media_type 0: video\n#codec_id 0: rawvideo\n\
                         #dimensions 0: 720x576\n#sar 0: 16/15\n";
    const SOUND: &str = "#tb 1: 1/44100\n#media_type 1: audio\n#sample_rate 1: 44100\n\
                         #channel_layout_name 1: mono\n1, 0, 0, 1024, 2048, 0xeceff6d5\n";

    fn film(stdout: &str, stderr: &str) -> Result<Film, String> {
        read(Path::new("in.mp4"), stdout, stderr).map_err(|e| e.to_string())
    }

    #[test]
    fn a_film_has_the_size_that_is_shown_and_its_rate_and_its_length() {
        let seen = film(&[VIDEO, SOUND].concat(), "  Duration: 01:02:03.45, start: 0.0\n");
        let picture = Picture { width: 768, height: 576, rate: Some((30_000, 1001)) };
        let lasts = Some(Duration::from_millis(3_723_450));
        assert_eq!(seen, Ok(Film { picture, channels: Some(1), lasts }));
        let silent = film(VIDEO, "  Duration: N/A, start: 0.0\n").expect("a film");
        assert_eq!((silent.channels, silent.lasts), (None, None));
        let wide = film(&[VIDEO, &SOUND.replace("mono", "5.1")].concat(), "").expect("a film");
        assert_eq!(wide.channels, Some(2));
        let strange = film(&VIDEO.replace("16/15", "0/1"), "").expect("a film");
        assert_eq!(strange.picture.width, 720);
    }

    #[test]
    fn what_has_no_picture_is_told_from_what_is_no_film() {
        for (stdout, stderr, part) in [
            (SOUND, "", "in.mp4 has no video"),
            ("", "[error] Output file #0 does not contain any stream", "has no video"),
            (
                "",
                "[mov @ 0x1] [error] moov atom not found\n[error] file:a: b.mp4: Invalid data found\n",
                "no film that ffmpeg can read (Invalid data found)",
            ),
        ] {
            let e = film(stdout, stderr).expect_err("no film");
            assert!(e.contains(part), "{e}");
        }
    }
}
