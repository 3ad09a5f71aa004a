//! PURE: the meaning of a path.
//!
//! ```text
//! /                                  the wall          /{camera}/            its page
//! /api/cameras /time /healthz        facts             /{camera}/index.mpd   DASH
//! /metrics                                             /{camera}/index.m3u8  HLS
//! /nearlive.js /nearlive.wasm ...    the player        /{camera}/{rendition}.m3u8
//!                                                      /{camera}/snapshot.jpg
//! /{camera}/{period, Unix ms}/{rendition}/init.mp4     /{camera}/{period}/{rendition}/{number}.m4s
//! ```
//!
//! Names are looked up in tables and never in a file system, so no path leads outside. Each
//! resource has one spelling: a number with a leading zero is not a second address of the same
//! bytes.

/// The meaning of a path. Names borrow from the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// The camera wall.
    Wall,
    /// The list of cameras.
    Cameras,
    /// The origin's clock.
    Time,
    /// Is the server alive?
    Health,
    /// Prometheus.
    Metrics,
    /// One of the player's files.
    File(&'a str),
    /// A camera's folder without its slash.
    Slash(&'a str),
    /// Something of one camera.
    Camera(&'a str, Of<'a>),
    /// Nothing.
    Unknown,
}

/// Something of one camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of<'a> {
    /// Its player page.
    Page,
    /// The DASH manifest.
    Mpd,
    /// The HLS multivariant playlist.
    Multivariant,
    /// A rendition's HLS media playlist.
    Playlist(&'a str),
    /// A still of the newest picture.
    Snapshot,
    /// An initialization segment.
    Init {
        /// The Period's start, Unix milliseconds.
        period_ms: u64,
        /// The rendition's id.
        rendition: &'a str,
    },
    /// A media segment.
    Segment {
        /// The Period's start, Unix milliseconds.
        period_ms: u64,
        /// The rendition's id.
        rendition: &'a str,
        /// The segment's number.
        number: u64,
    },
}

/// The meaning of `path` (without its query).
pub fn route(path: &str) -> Route<'_> {
    let Some(path) = path.strip_prefix('/') else { return Route::Unknown };
    let mut parts = path.split('/');
    let parts = [parts.next(), parts.next(), parts.next(), parts.next(), parts.next()];
    match parts {
        [Some(""), None, ..] => Route::Wall,
        [Some("time"), None, ..] => Route::Time,
        [Some("healthz"), None, ..] => Route::Health,
        [Some("metrics"), None, ..] => Route::Metrics,
        [Some("api"), Some("cameras"), None, ..] => Route::Cameras,
        [Some(name), None, ..] if is_file(name) => Route::File(name),
        [Some(id), None, ..] if is_id(id) => Route::Slash(id),
        [Some(id), rest @ ..] if is_id(id) => {
            of(rest).map_or(Route::Unknown, |o| Route::Camera(id, o))
        }
        _ => Route::Unknown,
    }
}

fn of(parts: [Option<&str>; 4]) -> Option<Of<'_>> {
    match parts {
        [Some(""), None, ..] => Some(Of::Page),
        [Some("index.mpd"), None, ..] => Some(Of::Mpd),
        [Some("index.m3u8"), None, ..] => Some(Of::Multivariant),
        [Some("snapshot.jpg"), None, ..] => Some(Of::Snapshot),
        [Some(file), None, ..] => file.strip_suffix(".m3u8").filter(|r| is_id(r)).map(Of::Playlist),
        [Some(period), Some(rendition), Some(file), None] if is_id(rendition) => {
            let period_ms = number(period)?;
            if file == "init.mp4" {
                return Some(Of::Init { period_ms, rendition });
            }
            let number = number(file.strip_suffix(".m4s")?)?;
            Some(Of::Segment { period_ms, rendition, number })
        }
        _ => None,
    }
}

/// Decimal digits without a leading zero.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn is_file(text: &str) -> bool {
    text.split('.').count() >= 2 && text.split('.').all(is_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_the_design_is_known() {
        let segment = Of::Segment { period_ms: 1_795_491_661_000, rendition: "v0", number: 42 };
        for (path, meaning) in [
            ("/", Route::Wall),
            ("/api/cameras", Route::Cameras),
            ("/time", Route::Time),
            ("/healthz", Route::Health),
            ("/metrics", Route::Metrics),
            ("/nearlive.wasm", Route::File("nearlive.wasm")),
            ("/nearlive.d.ts", Route::File("nearlive.d.ts")),
            ("/demo", Route::Slash("demo")),
            ("/demo/", Route::Camera("demo", Of::Page)),
            ("/demo/index.mpd", Route::Camera("demo", Of::Mpd)),
            ("/demo/index.m3u8", Route::Camera("demo", Of::Multivariant)),
            ("/demo/snapshot.jpg", Route::Camera("demo", Of::Snapshot)),
            ("/demo/a0.m3u8", Route::Camera("demo", Of::Playlist("a0"))),
            (
                "/demo/17/v0/init.mp4",
                Route::Camera("demo", Of::Init { period_ms: 17, rendition: "v0" }),
            ),
            ("/front-door/1795491661000/v0/42.m4s", Route::Camera("front-door", segment)),
        ] {
            assert_eq!(route(path), meaning, "{path}");
        }
    }

    #[test]
    fn everything_else_is_unknown() {
        for path in [
            "",
            "*",
            "//",
            "/../etc/passwd",
            "/..",
            "/.env",
            "/demo/..",
            "/demo/../index.html",
            "/demo/%2e%2e/x",
            "/%2e%2e/",
            "/nearlive..js",
            "/demo//index.mpd",
            "/demo/1/v0/init.mp4/",
            "/demo/1/v0/x.m4s",
            "/demo/1/v0/01.m4s",
            "/demo/1/v0/+1.m4s",
            "/demo/1/v0/99999999999999999999.m4s",
            "/demo/-1/v0/1.m4s",
            "/demo/1/../1.m4s",
            "/demo/.m3u8",
            "/api/",
            "/api/cameras/",
            "/de mo/",
        ] {
            let meaning = route(path);
            assert!(
                matches!(meaning, Route::Unknown | Route::Camera("api", Of::Page)),
                "{path}: {meaning:?}"
            );
        }
    }
}
