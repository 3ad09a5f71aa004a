//! Stills: the newest key frame of the smallest rendition as a JPEG.
//!
//! ffmpeg turns the initialization segment and the first chunk of the newest segment that begins
//! with a key frame into a picture: one at a time per camera, a few at a time in all. A decode
//! belongs to no request: it continues when its client has left, and its picture serves all clients
//! until there is a newer key frame. So any number of requests costs one decode per key frame, and
//! at most one a second: a wall of cameras on many screens must not cost a process per tile.

use std::collections::HashMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use nearlive::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Semaphore, watch};

use crate::clock::Clock;
use crate::engine::Engine;
use crate::engine::group::Group;
use crate::engine::limits::{MOST_AT_ONCE, MOST_PIXELS};
use crate::store::{self, Lookup, PeriodMs, RenditionKind, Window};

/// A picture takes a tenth of a second; an ffmpeg that hangs is ended after this.
const LONGEST: Duration = Duration::from_secs(5);

/// A picture of at most this age is new enough, even if there is a newer key frame.
const FRESH: Duration = Duration::from_secs(1);

/// Makes stills, and remembers the newest one of each camera. Clones share them.
#[derive(Clone, Debug)]
pub struct Stills {
    engine: Engine,
    at_once: Arc<Semaphore>,
    cameras: Arc<Mutex<HashMap<String, Known>>>,
}

/// The still of one camera.
#[derive(Debug, Default)]
struct Known {
    made: Option<Made>,
    /// The decode that is under way.
    making: Option<watch::Receiver<Option<Picture>>>,
}

/// `None`: the key frame cannot be decoded.
type Picture = Option<Bytes>;

#[derive(Debug)]
struct Made {
    of: KeyFrame,
    begun: Instant,
    picture: Picture,
}

/// The place of a key frame.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KeyFrame {
    period_ms: PeriodMs,
    rendition: String,
    number: u64,
}

impl Stills {
    /// Stills by this ffmpeg, with this many decodes at a time.
    pub fn new(engine: Engine, at_once: usize) -> Self {
        Self { engine, at_once: Arc::new(Semaphore::new(at_once)), cameras: Arc::default() }
    }

    /// The camera's newest key frame, or one that is new enough, as a JPEG; `None` if there is
    /// none, or if it cannot be decoded.
    pub(super) async fn picture(
        &self,
        camera: &str,
        store: &Arc<store::Camera>,
        clock: Clock,
    ) -> Option<Bytes> {
        let of = newest(&store.window())?;
        let mut making = {
            let mut cameras = self.lock();
            let known = cameras.entry(camera.to_owned()).or_default();
            let now = clock.now();
            if let Some(made) = known.made.as_ref()
                && (made.of == of || now < made.begun + FRESH)
            {
                return made.picture.clone();
            }
            // A decode whose task has ended will never finish.
            match known.making.as_ref().filter(|making| making.has_changed().is_ok()) {
                Some(making) => making.clone(),
                None => {
                    let (done, making) = watch::channel(None);
                    let (stills, id) = (self.clone(), camera.to_owned());
                    let store = Arc::clone(store);
                    tokio::spawn(async move {
                        let picture = make(&stills, &store, &of).await;
                        let known = Known {
                            made: Some(Made { of, begun: now, picture: picture.clone() }),
                            making: None,
                        };
                        stills.lock().insert(id, known);
                        done.send_replace(Some(picture));
                    });
                    known.making.insert(making).clone()
                }
            }
        };
        making.wait_for(Option::is_some).await.ok()?.clone()?
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.cameras.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn make(stills: &Stills, store: &store::Camera, of: &KeyFrame) -> Picture {
    let init = store.init(of.period_ms, &of.rendition)?;
    let Lookup::Found(mut reader) = store.segment(of.period_ms, &of.rendition, of.number) else {
        return None;
    };
    let key_frame = tokio::time::timeout(LONGEST, reader.next()).await.ok()??.into_iter().next()?;
    let _turn = stills.at_once.acquire().await.ok()?;
    let work = decode(stills, init, key_frame);
    tokio::time::timeout(LONGEST, work).await.ok()?
}

/// The newest segment of the smallest picture that begins with a key frame: not every one does.
fn newest(window: &Window) -> Option<KeyFrame> {
    let video =
        |track: usize| window.renditions.get(track).filter(|r| r.kind == RenditionKind::Video);
    window.periods.iter().rev().find_map(|period| {
        let (_, rendition, number) = period
            .tracks
            .iter()
            .filter_map(|t| {
                let number = t.segments.iter().rev().find(|s| s.sap_type > 0)?.number;
                let pixels = t.size.map_or(u64::MAX, |(w, h)| u64::from(w) * u64::from(h));
                Some((pixels, video(t.track)?.id.clone(), number))
            })
            .min()?;
        Some(KeyFrame { period_ms: period.ms, rendition, number })
    })
}

async fn decode(stills: &Stills, init: Bytes, key_frame: Bytes) -> Option<Bytes> {
    let limits = format!("-max_alloc {MOST_AT_ONCE} -max_pixels {MOST_PIXELS}");
    let mut child = tokio::process::Command::from(stills.engine.command())
        .args(limits.split(' '))
        .args(
            "-hide_banner -loglevel error -threads 1 -f mp4 -i pipe:0 -frames:v 1 -f mjpeg -q:v 5 \
             -threads 1 pipe:1"
                .split(' '),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    let _group = Group::of(&child);
    let mut stdin = child.stdin.take()?;
    let mut stdout = child.stdout.take()?;
    let write = async move {
        // ffmpeg may stop reading once it has its frame.
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
                    segment.begins_with(0);
                }
            }
        }
        let of = KeyFrame { period_ms: 0, rendition: "v1".into(), number: 1 };
        assert_eq!(newest(&store.window()), Some(of));
    }
}
