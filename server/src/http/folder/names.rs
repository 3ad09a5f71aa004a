//! PURE: what the name of a file in the folder says about it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path};

/// What a file is to a player.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A list that changes: DASH.
    Dash,
    /// A list that changes: HLS.
    Hls,
    /// Media in a file of its own, or a segment.
    Film,
    /// Anything else.
    Other,
}

impl Kind {
    /// The kind of the file with this name.
    pub(super) fn of(name: &Path) -> Self {
        match ending(name).as_str() {
            "mpd" => Self::Dash,
            "m3u8" => Self::Hls,
            "mp4" | "webm" | "m4v" => Self::Film,
            _ => Self::Other,
        }
    }

    /// Whether it names other files.
    pub(super) fn is_manifest(self) -> bool {
        matches!(self, Self::Dash | Self::Hls)
    }

    /// The name of the kind, for people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Dash => "DASH",
            Self::Hls => "HLS",
            Self::Film => "film",
            Self::Other => "file",
        }
    }
}

/// The media type of the file with this name.
pub(super) fn content_type(name: &Path) -> &'static str {
    match ending(name).as_str() {
        "mpd" => "application/dash+xml",
        "m3u8" => "application/vnd.apple.mpegurl",
        "ts" => "video/mp2t",
        "m4s" | "cmfv" | "cmfa" => "video/iso.segment",
        "mp4" | "m4v" => "video/mp4",
        "m4a" => "audio/mp4",
        // ffmpeg's webm_chunk muxer writes the last two.
        "webm" | "chk" | "hdr" => "video/webm",
        "weba" => "audio/webm",
        "aac" => "audio/aac",
        "mp3" => "audio/mpeg",
        "ogg" | "oga" | "opus" => "audio/ogg",
        "vtt" => "text/vtt; charset=utf-8",
        "ttml" => "application/ttml+xml",
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "webp" => "image/webp",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        "ico" => "image/x-icon",
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Whether a file is none of a viewer's business: a dot file, something in a dot folder, or a file
/// that is being written under another name.
pub(super) fn is_hidden(path: &Path) -> bool {
    ending(path) == "tmp" || path.components().any(|part| !is_plain(part))
}

fn is_plain(part: Component<'_>) -> bool {
    matches!(part, Component::Normal(name) if !name.as_bytes().starts_with(b"."))
}

fn ending(name: &Path) -> String {
    name.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ffmpeg_writes_has_its_type() {
        for (name, kind, media) in [
            ("playlist.m3u8", Kind::Hls, "application/vnd.apple.mpegurl"),
            ("live.MPD", Kind::Dash, "application/dash+xml"),
            ("playlist17.ts", Kind::Other, "video/mp2t"),
            ("chunk-stream0-00001.m4s", Kind::Other, "video/iso.segment"),
            ("video 160x90.webm", Kind::Film, "video/webm"),
            ("in.mp4", Kind::Film, "video/mp4"),
            ("a.aac", Kind::Other, "audio/aac"),
            ("subs_vtt.vtt", Kind::Other, "text/vtt; charset=utf-8"),
            ("still.jpg", Kind::Other, "image/jpeg"),
            ("enc.key", Kind::Other, "application/octet-stream"),
            ("m3u8", Kind::Other, "application/octet-stream"),
        ] {
            let name = Path::new(name);
            assert_eq!((Kind::of(name), content_type(name)), (kind, media), "{name:?}");
        }
    }

    #[test]
    fn dot_files_and_drafts_are_hidden() {
        for (path, hidden) in [
            ("a/b.ts", false),
            ("a.b/c..ts", false),
            (".env", true),
            ("a/.git/config", true),
            ("../a", true),
            ("/a", true),
            ("live.m3u8.tmp", true),
            ("init.TMP", true),
            ("tmp/a.ts", false),
        ] {
            assert_eq!(is_hidden(Path::new(path)), hidden, "{path}");
        }
    }
}
