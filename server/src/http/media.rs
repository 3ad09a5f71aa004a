//! Manifests and media.
//!
//! A growing segment is sent chunk by chunk. A request for a segment that will begin soon is held,
//! for at most the time of two segments, instead of answered 404: the player at the live edge asks
//! once. The bytes of a media address never change, so caches may keep them; a manifest is
//! revalidated. If a client reads an answer more slowly than the camera's window moves, the answer
//! is ended: the client is no longer near the live edge, and would hold memory that the window has
//! released.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode, header};
use nearlive::time::Instant;

use super::body::{Body, length};
use super::range::{Asked, Ranges};
use super::reply::{insert, sentence, set};
use super::stream::Until;
use crate::app::{App, Served};
use crate::playlist;
use crate::store::{Lookup, PeriodMs, Reader, RenditionKind};

/// How long a request for a manifest is held while a camera starts.
const FIRST_MANIFEST: Duration = Duration::from_secs(5);

/// The longest hold of a request for a segment, whatever the segments' length.
const LONGEST_HOLD: Duration = Duration::from_secs(20);

/// The address of a segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) period_ms: PeriodMs,
    pub(super) rendition: &'a str,
    pub(super) number: u64,
}

/// `index.mpd`
pub(super) async fn mpd(app: &App, camera: &Served) -> Response<Body> {
    match ready(app, camera).await {
        Ok(()) => manifest(playlist::mpd(&camera.store.window()), "application/dash+xml"),
        Err(wait) => *wait,
    }
}

/// `index.m3u8`
pub(super) async fn multivariant(app: &App, camera: &Served) -> Response<Body> {
    match ready(app, camera).await {
        Ok(()) => manifest(playlist::multivariant(&camera.store.window()), M3U8),
        Err(wait) => *wait,
    }
}

/// `{rendition}.m3u8`
pub(super) async fn playlist(app: &App, camera: &Served, rendition: &str) -> Response<Body> {
    if let Err(wait) = ready(app, camera).await {
        return *wait;
    }
    // It lists whole segments, and some players give up on an empty list.
    let mut changed = camera.store.changed();
    let whole = async {
        while camera.store.window().lists_nothing(rendition) {
            if changed.changed().await.is_err() {
                break;
            }
        }
    };
    let _late = tokio::time::timeout(FIRST_MANIFEST, whole).await;
    match playlist::media(&camera.store.window(), rendition) {
        Some(text) => manifest(text, M3U8),
        None => no_rendition(camera, rendition),
    }
}

const M3U8: &str = "application/vnd.apple.mpegurl";

fn manifest(text: String, kind: &'static str) -> Response<Body> {
    let mut r = Response::new(Body::from(text));
    set(&mut r, header::CONTENT_TYPE, kind);
    set(&mut r, header::CACHE_CONTROL, "no-cache");
    r
}

/// Waits for the first manifest of a camera that starts; 503 with its state if that takes too long.
async fn ready(app: &App, camera: &Served) -> Result<(), Box<Response<Body>>> {
    let mut changed = camera.store.changed();
    let wait = async {
        while !camera.store.is_ready() {
            if changed.changed().await.is_err() {
                break;
            }
        }
    };
    if tokio::time::timeout(FIRST_MANIFEST, wait).await.is_ok() && camera.store.is_ready() {
        return Ok(());
    }
    let now = app.clock.wall();
    let why = camera.status.borrow().sentence(&camera.place, now);
    let why = why.unwrap_or_else(|| "the camera is being connected".to_owned());
    let mut r = sentence(StatusCode::SERVICE_UNAVAILABLE, format!("no picture yet: {why}"));
    set(&mut r, header::RETRY_AFTER, "1");
    Err(Box::new(r))
}

/// `init.mp4`
pub(super) fn init(
    app: &App,
    camera: &Served,
    period_ms: PeriodMs,
    rendition: &str,
    ranges: Option<&Ranges>,
) -> Response<Body> {
    match camera.store.init(period_ms, rendition) {
        Some(bytes) => {
            let r = whole(vec![bytes], ranges);
            media(r, kind_of(camera, rendition), app.clock.now() + camera.window)
        }
        None => {
            sentence(StatusCode::NOT_FOUND, "there is no such initialization segment (any more)")
        }
    }
}

/// `{number}.m4s`
pub(super) async fn segment(
    app: &App,
    camera: &Served,
    wanted: Wanted<'_>,
    ranges: Option<&Ranges>,
) -> Response<Body> {
    let Some(found) = held(camera, wanted).await else {
        return sentence(StatusCode::NOT_FOUND, "this segment did not begin in time");
    };
    let reader = match found {
        Lookup::Found(reader) => reader,
        Lookup::Gone => return sentence(StatusCode::GONE, "this segment has left the window"),
        Lookup::Never => {
            let why =
                "its Period has ended before this segment; the manifest shows the next Period";
            return sentence(StatusCode::GONE, why);
        }
        _ => return sentence(StatusCode::NOT_FOUND, "there is no such segment"),
    };
    let part = match ranges {
        Some(ranges) => {
            let wait = part_of_growing(reader.clone(), ranges);
            tokio::time::timeout(longest_hold(camera), wait).await.ok().flatten()
        }
        None => None,
    };
    let kind = kind_of(camera, wanted.rendition);
    let until = app.clock.now() + camera.window;
    if let Some(part) = part {
        return media(part, kind, until);
    }
    if let Some(chunks) = reader.complete() {
        return media(whole(chunks, ranges), kind, until);
    }
    let r = Response::new(Body::growing(reader));
    let mut r = media(r, kind, until + longest_hold(camera));
    // Without this, nginx would collect the chunks.
    set(&mut r, header::HeaderName::from_static("x-accel-buffering"), "no");
    r
}

/// Waits until a growing segment has all bytes that `ranges` asks for; `None` if the whole segment
/// is to be sent, or when it is finished.
async fn part_of_growing(mut reader: Reader, ranges: &Ranges) -> Option<Response<Body>> {
    let needed = ranges.needs();
    if needed == 0 {
        return None;
    }
    while reader.complete().is_none() {
        let chunks = reader.so_far();
        let there = length(&chunks);
        if there >= needed
            && let Asked::Part(part) = ranges.asked(there)
        {
            // Its length is not known yet (RFC 9110, 14.4).
            return Some(partial(chunks, part, "*"));
        }
        reader.next().await?;
    }
    None
}

/// `snapshot.jpg`
pub(super) async fn snapshot(app: &App, camera: &Served) -> Response<Body> {
    let picture = match &app.stills {
        Some(stills) => stills.picture(&camera.id, &camera.store, app.clock).await,
        None => None,
    };
    match picture {
        Some(picture) => {
            let mut r = Response::new(Body::from(picture));
            set(&mut r, header::CONTENT_TYPE, "image/jpeg");
            set(&mut r, header::CACHE_CONTROL, "no-cache, max-age=1");
            r
        }
        None => {
            let mut r = sentence(StatusCode::SERVICE_UNAVAILABLE, "there is no picture yet");
            set(&mut r, header::RETRY_AFTER, "1");
            r
        }
    }
}

/// The header fields of all media.
fn media(mut r: Response<Body>, kind: &'static str, until: Instant) -> Response<Body> {
    if r.status().is_success() {
        r.extensions_mut().insert(Until(until));
        set(&mut r, header::CONTENT_TYPE, kind);
        set(&mut r, header::CACHE_CONTROL, IMMUTABLE);
    }
    r
}

const IMMUTABLE: &str = "public, max-age=31536000, immutable";

/// Looks a segment up, and waits if it is about to begin; `None` if it did not begin.
async fn held(camera: &Served, wanted: Wanted<'_>) -> Option<Lookup> {
    // Registered before the first look, so that no change is missed.
    let mut changed = camera.store.changed();
    let look = || camera.store.segment(wanted.period_ms, wanted.rendition, wanted.number);
    let first = look();
    if !matches!(first, Lookup::Soon) {
        return Some(first);
    }
    let wait = async {
        loop {
            let found = look();
            if !matches!(found, Lookup::Soon) || changed.changed().await.is_err() {
                return found;
            }
        }
    };
    tokio::time::timeout(longest_hold(camera), wait).await.ok()
}

/// Twice the length of the newest Period's segments.
fn longest_hold(camera: &Served) -> Duration {
    let slot_us = camera.store.window().periods.last().map_or(1_000_000, |p| p.duration_us);
    Duration::from_micros(slot_us.saturating_mul(2)).min(LONGEST_HOLD)
}

/// The answer with a finished resource, or the part of it that was asked for.
fn whole(chunks: Vec<Bytes>, ranges: Option<&Ranges>) -> Response<Body> {
    let total = length(&chunks);
    let mut r = match ranges.map_or(Asked::Whole, |ranges| ranges.asked(total)) {
        Asked::Whole => {
            let mut r = Response::new(Body::whole(chunks));
            insert(&mut r, header::CONTENT_LENGTH, total.to_string());
            r
        }
        Asked::Part(part) => partial(chunks, part, &total.to_string()),
        Asked::Outside => {
            let mut r = sentence(StatusCode::RANGE_NOT_SATISFIABLE, "it has no such bytes");
            insert(&mut r, header::CONTENT_RANGE, format!("bytes */{total}"));
            r
        }
    };
    set(&mut r, header::ACCEPT_RANGES, "bytes");
    r
}

/// These bytes of a resource whose length is `total`.
fn partial(chunks: Vec<Bytes>, part: Range<u64>, total: &str) -> Response<Body> {
    let place = format!("bytes {}-{}/{total}", part.start, part.end.saturating_sub(1));
    let length = part.end.saturating_sub(part.start).to_string();
    let mut r = Response::new(Body::part(chunks, part));
    *r.status_mut() = StatusCode::PARTIAL_CONTENT;
    insert(&mut r, header::CONTENT_RANGE, place);
    insert(&mut r, header::CONTENT_LENGTH, length);
    r
}

fn kind_of(camera: &Served, rendition: &str) -> &'static str {
    let audio = camera
        .store
        .renditions()
        .iter()
        .any(|r| r.id == rendition && r.kind == RenditionKind::Audio);
    if audio { "audio/mp4" } else { "video/mp4" }
}

fn no_rendition(camera: &Served, rendition: &str) -> Response<Body> {
    let known: Vec<String> = camera.store.renditions().into_iter().map(|r| r.id).collect();
    sentence(
        StatusCode::NOT_FOUND,
        format!("there is no rendition `{rendition}`; this camera has {}", known.join(", ")),
    )
}
