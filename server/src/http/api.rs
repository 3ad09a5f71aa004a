//! Facts for programs: the cameras, the clock, the counters.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use http::{Response, header};
use nearlive::presentation::date::write_date_time;
use nearlive::time::WallTime;
use serde::Serialize;

use super::body::Body;
use super::reply::set;
use crate::app::{App, Served};

/// One camera at `/api/cameras`.
#[derive(Serialize)]
struct Camera<'a> {
    /// Its name in URLs.
    id: &'a str,
    /// Its name for people.
    name: &'a str,
    /// `connecting`, `live` or `offline`.
    state: &'static str,
    /// Since when, ISO 8601.
    since: String,
    /// Why it is not live, a sentence; null when there is nothing to say.
    cause: Option<String>,
    /// The cause as a stable word for programs.
    code: Option<&'static str>,
    /// Is there something to play (which may be older than the picture's loss)?
    playable: bool,
    /// What the camera sends.
    video: Option<Video>,
    /// The codec of its sound, null without one.
    audio: Option<String>,
    /// How often ffmpeg was started for it.
    runs: u64,
    /// Bytes of media in memory.
    bytes: u64,
    /// Addresses, relative to the server's root.
    page: String,
    dash: String,
    hls: String,
}

#[derive(Serialize)]
struct Video {
    codec: String,
    width: Option<u32>,
    height: Option<u32>,
    /// Whether the camera's own bytes are offered. If not, only encoded rungs are, because not
    /// every browser can show this codec.
    copied: bool,
}

/// `/api/cameras`
pub(super) fn cameras(app: &App) -> Response<Body> {
    let list: Vec<Camera<'_>> = app.cameras.iter().map(camera).collect();
    // Serializing these types cannot fail; a failure would show as an empty list.
    json(serde_json::to_string_pretty(&list).unwrap_or_else(|_| "[]".into()))
}

fn camera(served: &Served) -> Camera<'_> {
    let status = served.status.borrow();
    // ffmpeg's first message holds until there is a picture: the camera's codec may change.
    let (width, height) = served.store.copied_size().or(status.source.size).unzip();
    Camera {
        id: &served.id,
        name: &served.name,
        state: status.state.word(),
        since: iso(status.since),
        // Without a time: pages show the text for longer than the time would be true.
        cause: status.cause.as_ref().map(|c| c.lasting(&served.place)),
        code: status.cause.as_ref().map(|c| c.code()),
        playable: served.store.is_ready(),
        video: status.source.video.as_ref().map(|codec| Video {
            codec: codec.to_string(),
            width,
            height,
            copied: *codec == crate::engine::stderr::VideoCodec::H264,
        }),
        audio: status.source.audio.clone(),
        runs: status.runs,
        bytes: served.store.bytes(),
        page: format!("{}/", served.id),
        dash: format!("{}/index.mpd", served.id),
        hls: format!("{}/index.m3u8", served.id),
    }
}

/// `/time`: for UTCTiming with `urn:mpeg:dash:utc:http-iso:2014` (ISO/IEC 23009-1 5.8.4.11), to the
/// millisecond.
pub(super) fn time(app: &App) -> Response<Body> {
    let mut r = Response::new(Body::from(iso(app.clock.wall())));
    set(&mut r, header::CONTENT_TYPE, "text/plain; charset=utf-8");
    set(&mut r, header::CACHE_CONTROL, "no-store");
    r
}

/// `/metrics`: Prometheus' text format.
pub(super) fn metrics(app: &App) -> Response<Body> {
    let mut text = String::new();
    let mut put = |name: &str, kind: &str, help: &str, values: &[(String, u64)]| {
        let _ = writeln!(text, "# HELP nearlive_{name} {help}\n# TYPE nearlive_{name} {kind}");
        for (labels, value) in values {
            let _ = writeln!(text, "nearlive_{name}{labels} {value}");
        }
    };
    let all = |value: u64| vec![(String::new(), value)];
    let each = |value: &dyn Fn(&Served) -> u64| -> Vec<(String, u64)> {
        app.cameras.iter().map(|c| (format!("{{camera=\"{}\"}}", c.id), value(c))).collect()
    };
    let live = each(&|c| u64::from(c.status.borrow().state.word() == "live"));
    put("camera_live", "gauge", "1 while frames come from the camera.", &live);
    let runs = each(&|c| c.status.borrow().runs);
    put("camera_runs_total", "counter", "How often ffmpeg was started.", &runs);
    let bytes = each(&|c| c.store.bytes());
    put("camera_media_bytes", "gauge", "Media of the camera in memory.", &bytes);
    put("media_bytes", "gauge", "Media of all cameras in memory.", &all(app.budget.used()));
    let requests = app.requests.load(Ordering::Relaxed);
    put("http_requests_total", "counter", "Requests answered.", &all(requests));
    let connections = app.connections.load(Ordering::Relaxed);
    put("http_connections", "gauge", "Connections now.", &all(connections));
    let up = app.clock.now().since(app.started).as_secs();
    put("uptime_seconds", "counter", "Since the server was started.", &all(up));
    let mut r = Response::new(Body::from(text));
    set(&mut r, header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    set(&mut r, header::CACHE_CONTROL, "no-store");
    r
}

fn json(text: String) -> Response<Body> {
    let mut r = Response::new(Body::from(text));
    set(&mut r, header::CONTENT_TYPE, "application/json");
    set(&mut r, header::CACHE_CONTROL, "no-store");
    r
}

/// `2026-11-23T09:41:01.123Z` (ISO 8601), to the millisecond.
fn iso(time: WallTime) -> String {
    write_date_time(WallTime::from_millis(time.as_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_to_the_millisecond() {
        for (us, text) in [
            (1_795_491_661_007_999, "2026-11-24T03:41:01.007Z"),
            (1_795_491_661_000_999, "2026-11-24T03:41:01Z"),
        ] {
            assert_eq!(iso(WallTime::from_micros(us)), text);
        }
    }
}
