//! Stills: the newest key frame of the smallest rendition as a JPEG.
//!
//! ffmpeg turns the initialization segment and the first chunk of the newest segment into a
//! picture. One at a time, and one picture serves all who ask during the same segment: a wall of
//! cameras on many screens must not cost a process a tile.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Response, StatusCode, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Mutex;

use super::{sentence, set};
use crate::app::{App, Served};
use crate::store::{Lookup, PeriodMs, RenditionKind};

/// A picture takes a tenth of a second; a stuck ffmpeg is ended.
const LONGEST: Duration = Duration::from_secs(5);

/// Makes stills, and remembers the last one of each camera.
#[derive(Debug)]
pub struct Stills {
    ffmpeg: PathBuf,
    made: Mutex<Vec<Made>>,
}

#[derive(Debug)]
struct Made {
    camera: String,
    period_ms: PeriodMs,
    number: u64,
    picture: Bytes,
}

impl Stills {
    /// Stills by this ffmpeg.
    pub fn new(ffmpeg: PathBuf) -> Self {
        Self { ffmpeg, made: Mutex::default() }
    }
}

/// `snapshot.jpg`
pub(super) async fn answer(app: &App, camera: &Served) -> Response<Body> {
    let picture = match &app.stills {
        Some(stills) => picture(stills, camera).await,
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

async fn picture(stills: &Stills, camera: &Served) -> Option<Bytes> {
    let (period_ms, rendition, number) = newest(camera)?;
    let mut made = stills.made.lock().await;
    let same = |m: &Made| m.camera == camera.id && m.period_ms == period_ms && m.number == number;
    if let Some(known) = made.iter().find(|m| same(m)) {
        return Some(known.picture.clone());
    }
    let init = camera.store.init(period_ms, &rendition)?;
    let Lookup::Found(mut reader) = camera.store.segment(period_ms, &rendition, number) else {
        return None;
    };
    let key_frame = tokio::time::timeout(LONGEST, reader.next()).await.ok()??.into_iter().next()?;
    let work = decode(stills, init, key_frame);
    let picture = tokio::time::timeout(LONGEST, work).await.ok()??;
    made.retain(|m| m.camera != camera.id);
    made.push(Made { camera: camera.id.clone(), period_ms, number, picture: picture.clone() });
    Some(picture)
}

/// The newest segment of the smallest picture.
fn newest(camera: &Served) -> Option<(PeriodMs, String, u64)> {
    let window = camera.store.window();
    let period = window.periods.last()?;
    let track = period
        .tracks
        .iter()
        .filter(|t| {
            !t.segments.is_empty()
                && window.renditions.get(t.track).is_some_and(|r| r.kind == RenditionKind::Video)
        })
        .min_by_key(|t| t.size.map_or(u64::MAX, |(w, h)| u64::from(w) * u64::from(h)))?;
    let rendition = window.renditions.get(track.track)?.id.clone();
    Some((period.ms, rendition, track.segments.last()?.number))
}

async fn decode(stills: &Stills, init: Bytes, key_frame: Bytes) -> Option<Bytes> {
    let mut child = tokio::process::Command::new(&stills.ffmpeg)
        .args(
            "-hide_banner -loglevel error -f mp4 -i pipe:0 -frames:v 1 -f mjpeg -q:v 5 pipe:1"
                .split(' '),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    let mut stdout = child.stdout.take()?;
    let write = async move {
        // It may stop reading once it has its frame.
        let _ = stdin.write_all(&init).await;
        let _ = stdin.write_all(&key_frame).await;
    };
    let mut picture = Vec::new();
    let (read, ()) = tokio::join!(stdout.read_to_end(&mut picture), write);
    read.ok()?;
    let _ = child.wait().await;
    (!picture.is_empty()).then(|| Bytes::from(picture))
}
