//! The player and the pages that were put into the program when it was built.

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};

use super::body::Body;

/// One file.
pub(super) struct Embedded {
    name: &'static str,
    plain: &'static [u8],
    gzip: Option<&'static [u8]>,
    brotli: Option<&'static [u8]>,
    tag: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// Stands in for `www/index.html`.
const NO_WALL: &str = include_str!("wall.html");
/// Stands in for `www/camera.html`.
const NO_PAGE: &str = include_str!("camera.html");
/// Shown instead of a page that needs the player, if the program was built without it.
const NO_PLAYER: &str = include_str!("no-player.html");

/// The camera wall.
pub(super) fn wall(headers: &HeaderMap) -> Response<Body> {
    page("index.html", NO_WALL, headers)
}

/// A camera's page.
pub(super) fn camera(headers: &HeaderMap) -> Response<Body> {
    page("camera.html", NO_PAGE, headers)
}

fn page(name: &str, plain: &'static str, headers: &HeaderMap) -> Response<Body> {
    if !has_player() {
        return html(NO_PLAYER);
    }
    match find(name) {
        Some(file) => answer(file, headers),
        None => html(plain),
    }
}

/// One of the player's files; `None` when there is no such file.
pub(super) fn file(name: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    // These two have addresses of their own.
    find(name)
        .filter(|f| !["index.html", "camera.html"].contains(&f.name))
        .map(|f| answer(f, headers))
}

/// Whether the program was built with the player.
pub(super) fn has_player() -> bool {
    find("nearlive.js").is_some()
}

/// A file that pages of a folder need: the player and the style. The names of all others are the
/// folder's own.
pub(super) fn for_folder(name: &str) -> Option<&str> {
    let needed = name.starts_with("nearlive") || ["icon.svg", "page.css"].contains(&name);
    (needed && find(name).is_some()).then_some(name)
}

fn find(name: &str) -> Option<&'static Embedded> {
    FILES.iter().find(|f| f.name == name)
}

fn html(text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, value("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, value("no-cache"));
    response
}

fn answer(file: &'static Embedded, asked: &HeaderMap) -> Response<Body> {
    let list = |name| asked.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let known = list(header::IF_NONE_MATCH).split(',').any(|t| {
        let t = t.trim();
        t.strip_prefix("W/").unwrap_or(t) == file.tag
    });
    let encoded = encoded(file, list(header::ACCEPT_ENCODING));
    let mut response = if known {
        let mut response = Response::new(Body::default());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        Response::new(Body::from(Bytes::from_static(
            encoded.map_or(file.plain, |(_, bytes)| bytes),
        )))
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, value(content_type(file.name)));
    // The name stays the same while the bytes change with each release: revalidate each time.
    headers.insert(header::CACHE_CONTROL, value("no-cache"));
    headers.insert(header::ETAG, value(file.tag));
    headers.insert(header::VARY, value("accept-encoding"));
    if let Some((name, _)) = encoded.filter(|_| !known) {
        headers.insert(header::CONTENT_ENCODING, value(name));
    }
    response
}

/// The smallest form of the file that the client accepts, with the name of its coding.
fn encoded(file: &'static Embedded, list: &str) -> Option<(&'static str, &'static [u8])> {
    let forms = [("br", file.brotli), ("gzip", file.gzip)];
    forms.into_iter().find_map(|(name, bytes)| Some((name, bytes?)).filter(|_| accepts(list, name)))
}

/// Whether `list` accepts `coding`: an entry with its name wins over `*` (RFC 9110, 12.5.3).
fn accepts(list: &str, coding: &str) -> bool {
    let takes = |wanted: &str| {
        list.split(',').find_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let refused = parts.any(|p| p.trim_end_matches(['0', '.']) == "q=");
            name.eq_ignore_ascii_case(wanted).then_some(!refused)
        })
    };
    takes(coding).or_else(|| takes("*")).unwrap_or(false)
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "ico" => "image/x-icon",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "map" => "application/json",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        _ => "text/plain; charset=utf-8",
    }
}

fn value(text: &'static str) -> http::HeaderValue {
    http::HeaderValue::from_static(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_is_sent_to_those_who_take_it() {
        for (list, takes) in [
            ("gzip, deflate, br", true),
            ("br, GZIP;q=0.5", true),
            ("*", true),
            ("gzip;q=0", false),
            ("gzip; q=0.0", false),
            ("gzip;q=0, *", false),
            ("*, gzip;q=0", false),
            ("*;q=0, gzip", true),
            ("br, *;q=0", false),
            ("br", false),
            ("", false),
        ] {
            assert_eq!(accepts(list, "gzip"), takes, "{list}");
        }
    }

    #[test]
    fn brotli_goes_before_gzip() {
        static FILE: Embedded = Embedded {
            name: "a.js",
            plain: b"plain",
            gzip: Some(b"gz"),
            brotli: Some(b"br"),
            tag: "\"0\"",
        };
        let name = |list| encoded(&FILE, list).map(|(name, _)| name);
        assert_eq!(name("gzip, deflate, br, zstd"), Some("br"));
        assert_eq!(name("gzip, br;q=0"), Some("gzip"));
        assert_eq!(name("deflate"), None);
    }

    #[test]
    fn wasm_has_the_type_that_streaming_compilation_needs() {
        assert_eq!(content_type("nearlive.wasm"), "application/wasm");
        assert_eq!(content_type("nearlive.d.ts"), "text/plain; charset=utf-8");
    }
}
