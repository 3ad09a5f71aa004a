//! Stills: what asking for them costs. A script stands in ffmpeg's place and writes down each run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use common::{eventually, runs, script};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use nearlive_server::app::{App, Served};
use nearlive_server::camera::status::Status;
use nearlive_server::clock::Clock;
use nearlive_server::engine::Engine;
use nearlive_server::http::answer;
use nearlive_server::http::still::Stills;
use nearlive_server::store::{Budget, Camera, Limits, RenditionKind, RenditionSpec, TrackSetup};
use tokio::sync::watch;

struct Stand {
    app: App,
    stores: Vec<Arc<Camera>>,
    folder: PathBuf,
    _status: watch::Sender<Status>,
}

impl Stand {
    /// Cameras `a` and `b` with a key frame each, and an ffmpeg that does `body` in a folder of its own
    /// after it has written a line into `runs` there.
    fn new(name: &str, at_once: usize, body: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let body = format!("cd '{}'\necho run >> runs\n{body}", folder.display());
        let ffmpeg = script(&format!("ffmpeg-{name}"), &body);
        let clock = Clock::start();
        let budget = Arc::new(Budget::new(1 << 30));
        let mut app = App::new(clock, Arc::clone(&budget));
        app.stills =
            Some(Stills::new(Engine { ffmpeg, gstreamer: "none".into(), wrapper: None }, at_once));
        let (status, seen) = watch::channel(Status::new(clock.wall()));
        let mut stores = Vec::new();
        for id in ["a", "b"] {
            let kind = RenditionKind::Video;
            let spec = RenditionSpec { id: "v0".into(), kind, copied: true, nominal_bps: None };
            let store = Camera::new(vec![spec], Limits::default(), Arc::clone(&budget));
            store.begin_period(0, 0, 1_000_000, false);
            let init = Bytes::from_static(b"init");
            let codec = "avc1.64001f".into();
            let setup = TrackSetup { init, codec, size: None, channels: None, timescale: 90_000 };
            store.set_up(0, 0, setup);
            store.publish();
            stores.push(Arc::clone(&store));
            app.cameras.push(Served {
                id: id.into(),
                name: id.into(),
                place: "h:554".into(),
                window: Duration::from_secs(30),
                store,
                status: seen.clone(),
            });
        }
        let stand = Self { app, stores, folder, _status: status };
        stand.key_frame(0);
        stand
    }

    /// A segment with a key frame for each camera.
    fn key_frame(&self, number: u64) {
        for store in &self.stores {
            let segment = store.begin_segment(0, 0, number, number * 90_000).unwrap();
            store.push_chunk(&segment, Bytes::from_static(b"key"), 3600);
        }
    }

    async fn still(&self, camera: &str) -> (StatusCode, Bytes) {
        let request = Request::get(format!("/{camera}/snapshot.jpg")).header("host", "localhost");
        let response = answer(&self.app, request.body(()).unwrap()).await;
        let status = response.status();
        (status, response.into_body().collect().await.unwrap().to_bytes())
    }

    fn runs(&self) -> usize {
        std::fs::read_to_string(self.folder.join("runs")).unwrap_or_default().lines().count()
    }

    fn allow(&self) {
        std::fs::write(self.folder.join("go"), "").unwrap();
    }
}

const WAIT: &str = "until [ -e go ]; do sleep 0.02; done\nprintf picture";

#[tokio::test]
async fn who_asks_and_leaves_costs_one_decode_with_all_the_others() {
    let stand = Stand::new("still-left", 1, WAIT);
    for _ in 0..20 {
        let asked = tokio::time::timeout(Duration::from_millis(5), stand.still("a"));
        assert!(asked.await.is_err(), "it takes longer than that");
    }
    stand.allow();
    let asked = (stand.still("a"), stand.still("a"), stand.still("a"));
    let (one, two, three) = tokio::join!(asked.0, asked.1, asked.2);
    let picture = (StatusCode::OK, Bytes::from_static(b"picture"));
    assert_eq!([&one, &two, &three], [&picture; 3]);
    assert_eq!(stand.runs(), 1);
}

#[tokio::test]
async fn a_newer_key_frame_is_a_new_still() {
    let stand = Stand::new("still-new", 1, "printf picture");
    stand.still("a").await;
    stand.key_frame(1);
    eventually("another one", async || {
        let (status, _) = stand.still("a").await;
        (status == StatusCode::OK && stand.runs() == 2).then_some(())
    })
    .await;
}

#[tokio::test]
async fn one_camera_does_not_wait_for_another() {
    // Each waits until both are there.
    let both =
        "touch $$.here\nuntil [ $(ls | grep -c here) = 2 ]; do sleep 0.02; done\nprintf picture";
    let stand = Stand::new("still-both", 2, both);
    let (one, two) = tokio::join!(stand.still("a"), stand.still("b"));
    assert_eq!([one.0, two.0], [StatusCode::OK; 2]);
}

#[tokio::test]
async fn not_more_are_decoded_at_a_time_than_may_be() {
    let alone = "mkdir alone || exit 1\nsleep 0.2\nrmdir alone\nprintf picture";
    let stand = Stand::new("still-alone", 1, alone);
    let (one, two) = tokio::join!(stand.still("a"), stand.still("b"));
    assert_eq!([one.0, two.0], [StatusCode::OK; 2]);
}

#[tokio::test]
async fn a_key_frame_that_cannot_be_decoded_is_tried_once() {
    let stand = Stand::new("still-broken", 1, "exit 1");
    for _ in 0..3 {
        assert_eq!(stand.still("a").await.0, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert_eq!(stand.runs(), 1);
}

#[tokio::test]
async fn a_decoder_behind_a_shell_that_is_stuck_is_ended_with_it() {
    let stand = Stand::new("still-behind", 1, "sh -c 'echo $$ > pid; exec sleep 1000'");
    assert_eq!(stand.still("a").await.0, StatusCode::SERVICE_UNAVAILABLE);
    let pid = std::fs::read_to_string(stand.folder.join("pid")).unwrap().trim().parse().unwrap();
    eventually("it is gone", async || (!runs(pid)).then_some(())).await;
}
