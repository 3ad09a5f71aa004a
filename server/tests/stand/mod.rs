//! A camera whose store a test fills, behind answers that are called directly.

// Each test binary uses its own part of this, and a test helper fails by panicking.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::BodyExt;
use nearlive_server::app::{App, Served};
use nearlive_server::camera::status::Status;
use nearlive_server::clock::Clock;
use nearlive_server::http::gate::Gate;
use nearlive_server::http::{self as server, Body};
use nearlive_server::store::{
    Budget, Camera, Limits, RenditionKind, RenditionSpec, Segment, TrackSetup,
};
use tokio::sync::watch;

pub const PERIOD: u64 = 1_795_491_661_000;

pub struct Stand {
    pub app: App,
    pub store: Arc<Camera>,
    pub status: watch::Sender<Status>,
    pub clock: Clock,
}

impl Stand {
    /// A camera `demo` with nothing in it.
    pub fn empty() -> Self {
        Self::with_origins(&[])
    }

    /// The same; pages of these origins may show it.
    pub fn with_origins(origins: &[&str]) -> Self {
        let clock = Clock::start();
        let budget = Arc::new(Budget::new(1 << 30));
        let spec = |id: &str, kind, copied| RenditionSpec {
            id: id.into(),
            kind,
            copied,
            nominal_bps: None,
        };
        let specs =
            vec![spec("v0", RenditionKind::Video, true), spec("a0", RenditionKind::Audio, false)];
        let store = Camera::new(specs, Limits::default(), Arc::clone(&budget));
        let (status, seen) = watch::channel(Status::new(clock.wall()));
        let mut app = App::new(clock, budget);
        app.gate = Gate::new(origins.iter().map(|o| (*o).to_owned()));
        app.cameras.push(Served {
            id: "demo".into(),
            name: "Demo".into(),
            place: "10.0.0.9:554".into(),
            window: Duration::from_secs(30),
            store: Arc::clone(&store),
            status: seen,
        });
        Self { app, store, status, clock }
    }

    /// The same with a Period of one-second slots, no segment yet.
    pub fn playable() -> Self {
        let stand = Self::empty();
        stand.store.begin_period(PERIOD, 7, 1_000_000, false);
        for track in [0, 1] {
            let init = Bytes::from_static(b"init");
            let codec = if track == 0 { "avc1.64001f" } else { "mp4a.40.2" };
            let timescale = if track == 0 { 90_000 } else { 48_000 };
            let size = (track == 0).then_some((1280, 720));
            let setup = TrackSetup { init, codec: codec.into(), size, channels: None, timescale };
            stand.store.set_up(PERIOD, track, setup);
        }
        stand.store.publish();
        stand
    }

    pub fn begin(&self, number: u64) -> Arc<Segment> {
        let start = PERIOD * 90 + (number - 7) * 90_000;
        self.store.begin_segment(PERIOD, 0, number, start).expect("the Period is there")
    }

    pub fn chunk(&self, segment: &Segment, bytes: &'static [u8]) {
        self.store.push_chunk(segment, Bytes::from_static(bytes), 3600);
    }

    pub async fn ask(&self, method: Method, path: &str, fields: &[(&str, &str)]) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(path);
        if !fields.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost");
        }
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        self.answer(request.body(()).expect("a request")).await
    }

    pub async fn answer(&self, request: Request<()>) -> Response<Body> {
        server::answer(&self.app, request).await
    }

    pub async fn get(&self, path: &str) -> Response<Body> {
        self.ask(Method::GET, path, &[]).await
    }
}

pub async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(bytes.to_vec()).expect("text")
}

pub fn field(response: &Response<Body>, name: header::HeaderName) -> &str {
    response.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
}
