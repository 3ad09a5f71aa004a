//! Stills: the newest key frame of the smallest rendition as a JPEG.
//!
//! ffmpeg turns the initialization segment and the first chunk of the newest segment that begins with
//! a key frame into a picture. One at a time, and one picture serves all who ask during the same
//! segment: a wall of cameras on many screens must not cost a process a tile.

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
use crate::store::{Lookup, PeriodMs, RenditionKind, Window};

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
    let (period_ms, rendition, number) = newest(&camera.store.window())?;
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

/// The newest segment of the smallest picture that begins with a key frame: not every one does.
fn newest(window: &Window) -> Option<(PeriodMs, String, u64)> {
    let video =
        |track: usize| window.renditions.get(track).filter(|r| r.kind == RenditionKind::Video);
    window.periods.iter().rev().find_map(|period| {
        let (_, rendition, number) = period
            .tracks
            .iter()
            .filter_map(|t| {
                let number = t.segments.iter().rev().find(|s| s.independent)?.number;
                let pixels = t.size.map_or(u64::MAX, |(w, h)| u64::from(w) * u64::from(h));
                Some((pixels, video(t.track)?.id.clone(), number))
            })
            .min()?;
        Some((period.ms, rendition, number))
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Budget, Camera, Limits, RenditionSpec, TrackSetup};
    use std::sync::Arc;

    #[test]
    fn a_segment_without_a_key_frame_is_passed_over() {
        let kind = RenditionKind::Video;
        let spec =
            |id: &str| RenditionSpec { id: id.into(), kind, copied: true, nominal_bps: None };
        let specs = vec![spec("v0"), spec("v1")];
        let store = Camera::new(specs, Limits::default(), Arc::new(Budget::new(1 << 20)));
        store.begin_period(0, 0, 1_000_000, false);
        for (track, width) in [(0, 1280), (1, 640)] {
            let (init, codec) = (Bytes::new(), String::new());
            let size = Some((width, 360));
            let setup = TrackSetup { init, codec, size, channels: None, timescale: 1000 };
            store.set_up(0, track, setup);
        }
        store.publish();
        assert_eq!(newest(&store.window()), None);
        for number in 0..4 {
            for track in [0, 1] {
                let segment = store.begin_segment(0, track, number, number * 1000);
                if let Some(segment) = segment.filter(|_| number > 1) {
                    segment.set_dependent();
                }
            }
        }
        assert_eq!(newest(&store.window()), Some((0, "v1".into(), 1)));
    }
}
