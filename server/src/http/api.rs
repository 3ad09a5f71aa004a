//! Facts for programs: the cameras, the clock, the counters.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use axum::body::Body;
use http::{Response, header};
use nearlive::time::WallTime;
use serde::Serialize;

use super::set;
use crate::app::{App, Served};

/// One camera at `/api/cameras`.
#[derive(Serialize)]
struct Camera<'a> {
    /// Its place in addresses.
    id: &'a str,
    /// What people call it.
    name: &'a str,
    /// `connecting`, `live` or `offline`.
    state: &'static str,
    /// Since when, ISO 8601.
    since: String,
    /// Why it is not live, a sentence; null when there is nothing to say.
    cause: Option<String>,
    /// The same for programs.
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
    /// The camera's own bytes are offered. Where not, only encoded rungs are, because browsers
    /// cannot be relied on to show this codec.
    copied: bool,
}

/// `/api/cameras`
pub(super) fn cameras(app: &App) -> Response<Body> {
    let now = app.clock.wall();
    let list: Vec<Camera<'_>> = app.cameras.iter().map(|c| camera(c, now)).collect();
    // Serializing these types cannot fail; an empty list is what a failure would show.
    json(serde_json::to_string_pretty(&list).unwrap_or_else(|_| "[]".into()))
}

fn camera(served: &Served, now: WallTime) -> Camera<'_> {
    let status = served.status.borrow();
    let (width, height) = status.source.size.unzip();
    Camera {
        id: &served.id,
        name: &served.name,
        state: status.state.word(),
        since: iso(status.since),
        cause: status.sentence(&served.host, now),
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

/// `2026-11-23T09:41:01.123Z` (ISO 8601, RFC 3339), proleptic Gregorian.
fn iso(time: WallTime) -> String {
    let ms = time.as_millis();
    let (days, ms) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1000)
}

/// Year, month and day of a day counted from 1970-01-01. Years begin in March here, so that the
/// leap day is the last of its year; five months from there have 153 days.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468); // since 0000-03-01
    let era = days.div_euclid(146_097); // 400 years
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_iso_8601() {
        for (ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_123, "2000-02-29T00:00:00.123Z"),
            (1_795_491_661_007, "2026-11-24T03:41:01.007Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(iso(WallTime::from_millis(ms)), text);
        }
    }
}
