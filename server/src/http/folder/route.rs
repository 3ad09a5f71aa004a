//! PURE: the meaning of a path where a folder is handed out.
//!
//! ```text
//! /                      all that plays              /{path in the folder}    the file
//! /?play={path}          the page that plays it      /nearlive.js ...         the player
//! /time /healthz /metrics                            facts, as of cameras
//! ```
//!
//! A path is decoded once, and each of its parts is the name of a file or folder: none of them is
//! empty or `..`, begins with a dot, or has a slash in it.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use super::names;
use crate::camera::secret::{percent_bytes, push_encoded};

/// The meaning of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// All that plays.
    Front,
    /// The page that plays this file.
    Play(PathBuf),
    /// The origin's clock.
    Time,
    /// Is the server alive?
    Health,
    /// Prometheus.
    Metrics,
    /// A file of the folder.
    File(PathBuf),
    /// Nothing.
    Unknown,
}

/// The meaning of this path and query.
pub(super) fn route(path: &str, query: Option<&str>) -> Route {
    let wanted = query.unwrap_or_default().split('&').find_map(|field| field.strip_prefix("play="));
    match (path, wanted) {
        ("/", None) => Route::Front,
        ("/", Some(wanted)) => {
            // Scripts encode the slashes as well.
            let wanted = wanted.replace("%2F", "/").replace("%2f", "/");
            inside(&wanted).map_or(Route::Unknown, Route::Play)
        }
        ("/time", _) => Route::Time,
        ("/healthz", _) => Route::Health,
        ("/metrics", _) => Route::Metrics,
        _ => path.strip_prefix('/').and_then(inside).map_or(Route::Unknown, Route::File),
    }
}

/// The path in the folder that `text` is the address of.
fn inside(text: &str) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for part in text.split('/') {
        let name = percent_bytes(part);
        if name.is_empty() || name.starts_with(b".") || name.iter().any(|b| [b'/', 0].contains(b)) {
            return None;
        }
        path.push(OsString::from_vec(name));
    }
    (!names::is_hidden(&path)).then_some(path)
}

/// The address of a path in the folder, relative to the front page.
pub(super) fn address(path: &Path) -> String {
    let mut out = String::new();
    for &byte in path.as_os_str().as_bytes() {
        push_encoded(&mut out, byte, |b| b.is_ascii_alphanumeric() || b"-._~/".contains(&b));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded_once_and_come_back() {
        for (sent, path) in [
            ("/playlist.m3u8", "playlist.m3u8"),
            ("/hls/My%20Camera.m3u8", "hls/My Camera.m3u8"),
            ("/T%C3%BCr/1.ts", "Tür/1.ts"),
            ("/Tür/1.ts", "Tür/1.ts"),
            ("/100%", "100%"),
            ("/a%2525", "a%25"),
            ("/a+b&c'd.ts", "a+b&c'd.ts"),
            ("/a..b/c.ts", "a..b/c.ts"),
        ] {
            assert_eq!(route(sent, None), Route::File(path.into()), "{sent}");
            let again = format!("/{}", address(Path::new(path)));
            assert_eq!(route(&again, None), Route::File(path.into()), "{again}");
        }
        assert_eq!(address(Path::new("a b/ü'.ts")), "a%20b/%C3%BC%27.ts");
    }

    #[test]
    fn no_path_leads_out_or_to_what_is_hidden() {
        for path in [
            "",
            "*",
            "//",
            "/../etc/passwd",
            "/hls/../../etc/passwd",
            "/%2e%2e/etc/passwd",
            "/..%2fetc%2fpasswd",
            "/hls%2Fplaylist.m3u8",
            "//etc/passwd",
            "/hls//a.ts",
            "/hls/./a.ts",
            "/hls/",
            "/.env",
            "/%2eenv",
            "/hls/.git/config",
            "/a%00.ts",
            "/live.m3u8.tmp",
        ] {
            assert_eq!(route(path, None), Route::Unknown, "{path}");
            let wanted = path.strip_prefix('/').filter(|it| *it != "hls%2Fplaylist.m3u8");
            if let Some(wanted) = wanted {
                assert_eq!(route("/", Some(&format!("play={wanted}"))), Route::Unknown, "{path}");
            }
        }
    }

    #[test]
    fn a_page_plays_what_its_query_names() {
        assert_eq!(route("/", Some("v=1")), Route::Front);
        let play = route("/", Some("x=1&play=hls/a%20b%26c.m3u8"));
        assert_eq!(play, Route::Play("hls/a b&c.m3u8".into()));
        assert_eq!(route("/", Some("play=hls%2Fa.mpd")), Route::Play("hls/a.mpd".into()));
        assert_eq!(route("/healthz", Some("x")), Route::Health);
    }
}
