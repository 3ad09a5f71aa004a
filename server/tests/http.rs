//! What stands behind each address, without a socket: the router is called directly, on a store
//! that the test fills.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use nearlive_server::app::{App, Served};
use nearlive_server::camera::status::{State, Status};
use nearlive_server::clock::Clock;
use nearlive_server::engine::stderr::Cause;
use nearlive_server::http::gate::Gate;
use nearlive_server::http::router;
use nearlive_server::store::{
    Budget, Camera, Limits, RenditionKind, RenditionSpec, Segment, TrackSetup,
};
use tokio::sync::watch;
use tower::ServiceExt;

const PERIOD: u64 = 1_795_491_661_000;

struct Stand {
    router: Router,
    store: Arc<Camera>,
    status: watch::Sender<Status>,
    clock: Clock,
}

impl Stand {
    /// A camera `demo` with nothing in it.
    fn empty() -> Self {
        Self::with_origins(&[])
    }

    /// The same; pages of these origins may show it.
    fn with_origins(origins: &[&str]) -> Self {
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
        Self { router: router(Arc::new(app)), store, status, clock }
    }

    /// The same with a Period of one-second slots, no segment yet.
    fn playable() -> Self {
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

    fn begin(&self, number: u64) -> Arc<Segment> {
        let start = PERIOD * 90 + (number - 7) * 90_000;
        self.store.begin_segment(PERIOD, 0, number, start).expect("the Period is there")
    }

    fn chunk(&self, segment: &Segment, bytes: &'static [u8]) {
        self.store.push_chunk(segment, Bytes::from_static(bytes), 3600);
    }

    async fn ask(&self, method: Method, path: &str, fields: &[(&str, &str)]) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a request");
        self.router.clone().oneshot(request).await.expect("the router never fails")
    }

    async fn get(&self, path: &str) -> Response<Body> {
        self.ask(Method::GET, path, &[]).await
    }
}

async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(bytes.to_vec()).expect("text")
}

fn field(response: &Response<Body>, name: header::HeaderName) -> &str {
    response.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

#[tokio::test]
async fn a_growing_segment_is_sent_chunk_by_chunk() {
    let stand = Stand::playable();
    let segment = stand.begin(7);
    stand.chunk(&segment, b"one");
    let response = stand.get(&format!("/demo/{PERIOD}/v0/7.m4s")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(field(&response, header::CONTENT_TYPE), "video/mp4");
    assert_eq!(field(&response, header::CONTENT_LENGTH), "", "its length is not known yet");
    let mut body = response.into_body();
    let mut next = async || body.frame().await.map(|f| f.expect("sent").into_data().expect("data"));
    assert_eq!(next().await.as_deref(), Some(&b"one"[..]));
    stand.chunk(&segment, b"two");
    stand.chunk(&segment, b"three");
    assert_eq!(next().await.as_deref(), Some(&b"two"[..]), "one chunk of HTTP a chunk of media");
    assert_eq!(next().await.as_deref(), Some(&b"three"[..]));
    stand.begin(8);
    assert_eq!(next().await, None, "the next segment ends it");
}

#[tokio::test]
async fn a_segment_that_will_begin_soon_is_waited_for() {
    let stand = Stand::playable();
    let seven = stand.begin(7);
    stand.chunk(&seven, b"seven");
    let path = format!("/demo/{PERIOD}/v0/8.m4s");
    let waiting = stand.get(&path);
    tokio::pin!(waiting);
    assert!(futures_now(waiting.as_mut()).await.is_none(), "it is held");
    let eight = stand.begin(8);
    stand.chunk(&eight, b"eight");
    stand.store.end_segment(PERIOD, 0, PERIOD * 90 + 180_000);
    let response = waiting.await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(text(response).await, "eight");
}

#[tokio::test(start_paused = true)]
async fn a_segment_that_does_not_begin_is_not_waited_for_longer_than_two_slots() {
    let stand = Stand::playable();
    stand.begin(7);
    let before = tokio::time::Instant::now();
    let response = stand.get(&format!("/demo/{PERIOD}/v0/8.m4s")).await;
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(field(&response, header::CACHE_CONTROL), "no-store");
    assert_eq!(before.elapsed().as_secs(), 2);
}

#[tokio::test]
async fn a_finished_segment_may_be_kept_and_read_in_parts() {
    let stand = Stand::playable();
    let segment = stand.begin(7);
    stand.chunk(&segment, b"abc");
    stand.chunk(&segment, b"defg");
    stand.begin(8);
    let path = format!("/demo/{PERIOD}/v0/7.m4s");
    let whole = stand.get(&path).await;
    assert_eq!(field(&whole, header::CONTENT_LENGTH), "7");
    assert!(field(&whole, header::CACHE_CONTROL).contains("immutable"));
    assert_eq!(text(whole).await, "abcdefg");

    let part = stand.ask(Method::GET, &path, &[("range", "bytes=2-4")]).await;
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(field(&part, header::CONTENT_RANGE), "bytes 2-4/7");
    assert_eq!(field(&part, header::CONTENT_LENGTH), "3");
    assert_eq!(text(part).await, "cde");

    let outside = stand.ask(Method::GET, &path, &[("range", "bytes=7-")]).await;
    assert_eq!(outside.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(field(&outside, header::CONTENT_RANGE), "bytes */7");

    let head = stand.ask(Method::HEAD, &path, &[]).await;
    assert_eq!(field(&head, header::CONTENT_LENGTH), "7");
    assert_eq!(text(head).await, "");
}

#[tokio::test]
async fn addresses_without_media_say_what_is_wrong() {
    let stand = Stand::playable();
    stand.begin(7);
    for (path, status, part) in [
        (format!("/demo/{}/v0/7.m4s", PERIOD - 1), StatusCode::GONE, "left the window"),
        (format!("/demo/{}/v0/7.m4s", PERIOD + 1), StatusCode::NOT_FOUND, "no such segment"),
        (format!("/demo/{PERIOD}/v9/7.m4s"), StatusCode::NOT_FOUND, "no such segment"),
        (format!("/demo/{PERIOD}/v0/900.m4s"), StatusCode::NOT_FOUND, "no such segment"),
        (format!("/demo/{PERIOD}/v9/init.mp4"), StatusCode::NOT_FOUND, "no such initialization"),
        ("/demo/v9.m3u8".into(), StatusCode::NOT_FOUND, "this camera has v0, a0"),
        ("/other/index.mpd".into(), StatusCode::NOT_FOUND, "no camera `other`"),
        ("/nearlive.exe".into(), StatusCode::NOT_FOUND, "no file `nearlive.exe`"),
        ("/demo/../../etc/passwd".into(), StatusCode::NOT_FOUND, "nothing at this address"),
        ("/%2e%2e/%2e%2e/etc/passwd".into(), StatusCode::NOT_FOUND, "nothing at this address"),
    ] {
        let response = stand.get(&path).await;
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(field(&response, header::CACHE_CONTROL), "no-store", "{path}");
        let body = text(response).await;
        assert!(body.contains(part), "{path}: {body}");
    }
}

#[tokio::test]
async fn an_initialization_segment_has_its_type() {
    let stand = Stand::playable();
    let video = stand.get(&format!("/demo/{PERIOD}/v0/init.mp4")).await;
    assert_eq!(field(&video, header::CONTENT_TYPE), "video/mp4");
    let audio = stand.get(&format!("/demo/{PERIOD}/a0/init.mp4")).await;
    assert_eq!(field(&audio, header::CONTENT_TYPE), "audio/mp4");
    assert_eq!(text(audio).await, "init");
}

#[tokio::test]
async fn pages_of_private_networks_may_read_everything_and_strangers_the_player_only() {
    let stand = Stand::playable();
    for path in ["/", "/demo/index.mpd", "/api/cameras", "/time", "/nothing/at/all"] {
        let near = [("origin", "http://localhost:8000")];
        let response = stand.ask(Method::GET, path, &near).await;
        let allowed = field(&response, header::ACCESS_CONTROL_ALLOW_ORIGIN);
        assert_eq!(allowed, "http://localhost:8000", "{path}");
        let exposed = field(&response, header::ACCESS_CONTROL_EXPOSE_HEADERS);
        assert!(exposed.contains("date") && exposed.contains("content-length"), "{path}");
        assert!(response.headers().contains_key("timing-allow-origin"), "{path}");
        for origin in ["https://evil.example", "null"] {
            let response = stand.ask(Method::GET, path, &[("origin", origin)]).await;
            assert!(!response.headers().contains_key("access-control-allow-origin"), "{path}");
            let vary: Vec<_> = response.headers().get_all(header::VARY).iter().collect();
            assert!(vary.iter().any(|v| *v == "origin"), "{path}: {vary:?}");
        }
    }
    let far = [("origin", "https://site.example")];
    let player = stand.ask(Method::GET, "/nearlive.js", &far).await;
    assert_eq!(field(&player, header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    let asked = [("origin", "http://10.0.0.2"), ("access-control-request-method", "GET")];
    let preflight = stand.ask(Method::OPTIONS, "/demo/index.mpd", &asked).await;
    assert_eq!(preflight.status(), StatusCode::NO_CONTENT);
    assert!(field(&preflight, header::ACCESS_CONTROL_ALLOW_HEADERS).contains("cmcd-request"));
    let post = stand.ask(Method::POST, "/api/cameras", &[]).await;
    assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(field(&post, header::ALLOW), "GET, HEAD, OPTIONS");
}

#[tokio::test]
async fn only_a_site_that_was_named_may_reach_from_the_internet_into_the_house() {
    const NETWORK: &str = "access-control-allow-private-network";
    let named = "https://site.example";
    let stand = Stand::with_origins(&[named]);
    for (origin, may) in [(named, true), ("https://evil.example", false)] {
        let asked = [("origin", origin), ("access-control-request-private-network", "true")];
        let preflight = stand.ask(Method::OPTIONS, "/demo/index.mpd", &asked).await;
        assert_eq!(preflight.headers().contains_key(NETWORK), may, "{origin}");
        let allowed = field(&preflight, header::ACCESS_CONTROL_ALLOW_ORIGIN);
        assert_eq!(allowed == origin, may, "{origin}: {allowed}");
    }
}

#[tokio::test]
async fn a_foreign_name_that_leads_to_this_server_is_not_answered() {
    let stand = Stand::with_origins(&["https://site.example"]);
    for host in ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "pi.local", "site.example:81"] {
        let response = stand.ask(Method::GET, "/api/cameras", &[("host", host)]).await;
        assert_eq!(response.status(), StatusCode::OK, "{host}");
    }
    for (host, path) in [
        ("evil.example:8080", "/api/cameras"),
        ("evil.example", "/demo/index.mpd"),
        ("localhost", "http://evil.example/demo/index.mpd"),
    ] {
        let response = stand.ask(Method::GET, path, &[("host", host)]).await;
        assert_eq!(response.status(), StatusCode::MISDIRECTED_REQUEST, "{host} {path}");
        assert!(!response.headers().contains_key("access-control-allow-origin"), "{host} {path}");
        let body = text(response).await;
        assert!(body.contains("--origin http://evil.example"), "{body}");
    }
}

#[tokio::test]
async fn manifests_have_their_types_and_are_never_kept() {
    let stand = Stand::playable();
    for (path, kind) in [
        ("/demo/index.mpd", "application/dash+xml"),
        ("/demo/index.m3u8", "application/vnd.apple.mpegurl"),
    ] {
        let response = stand.get(path).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(field(&response, header::CONTENT_TYPE), kind);
        assert_eq!(field(&response, header::CACHE_CONTROL), "no-cache");
    }
}

#[tokio::test(start_paused = true)]
async fn a_camera_that_never_gave_a_picture_says_why_instead_of_a_manifest() {
    let stand = Stand::empty();
    let now = stand.clock.wall();
    stand.status.send_modify(|s| s.enter(State::Offline, Some(Cause::PasswordRefused), now));
    let response = stand.get("/demo/index.mpd").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(field(&response, header::RETRY_AFTER), "1");
    assert_eq!(text(response).await, "no picture yet: the camera refused the password\n");
}

#[tokio::test]
async fn the_first_manifest_is_waited_for() {
    let stand = Stand::empty();
    let waiting = stand.get("/demo/index.mpd");
    tokio::pin!(waiting);
    assert!(futures_now(waiting.as_mut()).await.is_none());
    stand.store.begin_period(PERIOD, 7, 1_000_000, false);
    let init = Bytes::from_static(b"init");
    let codec = "avc1.64001f".into();
    let timescale = 90_000;
    stand.store.set_up(
        PERIOD,
        0,
        TrackSetup { init, codec, size: None, channels: None, timescale },
    );
    stand.store.publish();
    assert_eq!(waiting.await.status(), StatusCode::OK);
}

#[tokio::test]
async fn the_list_of_cameras_tells_state_and_cause() {
    let stand = Stand::playable();
    let since = stand.clock.wall().offset(-12_000_000);
    let cause = Cause::StoppedSending(since);
    stand.status.send_modify(|s| s.enter(State::Offline, Some(cause), since));
    let response = stand.get("/api/cameras").await;
    assert_eq!(field(&response, header::CONTENT_TYPE), "application/json");
    let list: serde_json::Value = serde_json::from_str(&text(response).await).expect("JSON");
    let camera = &list[0];
    assert_eq!(camera["id"], "demo");
    assert_eq!(camera["state"], "offline");
    assert_eq!(camera["code"], "stopped-sending");
    assert_eq!(camera["cause"], "the camera stopped sending");
    assert_eq!(camera["playable"], true);
    assert_eq!(camera["dash"], "demo/index.mpd");
}

#[tokio::test]
async fn a_folder_without_its_slash_leads_to_the_one_with_it() {
    let stand = Stand::playable();
    let response = stand.get("/demo").await;
    assert_eq!(response.status(), StatusCode::PERMANENT_REDIRECT);
    assert_eq!(field(&response, header::LOCATION), "demo/");
    let page = stand.get("/demo/").await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(field(&page, header::CONTENT_TYPE).starts_with("text/html"));
}

#[tokio::test]
async fn the_counters_are_prometheus_text() {
    let stand = Stand::playable();
    let body = text(stand.get("/metrics").await).await;
    assert!(body.contains("nearlive_camera_live{camera=\"demo\"} 0\n"), "{body}");
    assert!(body.contains("# TYPE nearlive_media_bytes gauge\nnearlive_media_bytes 0\n"), "{body}");
}

/// The future's result if it has one after it was polled once.
async fn futures_now<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut future).poll(cx) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn a_held_request_is_answered_at_once_when_its_period_ends_without_it() {
    let stand = Stand::playable();
    let segment = stand.begin(7);
    stand.chunk(&segment, b"one");
    let path = format!("/demo/{PERIOD}/v0/8.m4s");
    let asked = stand.get(&path);
    let next = async {
        tokio::task::yield_now().await;
        stand.store.begin_period(PERIOD + 1500, 8, 1_000_000, false);
        stand.store.end_segment(PERIOD, 0, PERIOD * 90 + 135_000);
        stand.store.publish();
    };
    let (response, ()) =
        tokio::time::timeout(Duration::from_millis(500), async { tokio::join!(asked, next) })
            .await
            .expect("it is not held any longer");
    assert_eq!(response.status(), StatusCode::GONE);
    assert!(text(response).await.contains("its Period has ended"));
    assert_eq!(stand.get(&format!("/demo/{PERIOD}/v0/7.m4s")).await.status(), StatusCode::OK);
    assert_eq!(stand.get(&format!("/demo/{PERIOD}/v0/init.mp4")).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_second_visit_downloads_nothing() {
    let stand = Stand::empty();
    // The page's style is there without the player as well.
    let takes = ("accept-encoding", "gzip, deflate, br");
    let first = stand.ask(Method::GET, "/page.css", &[takes]).await;
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(field(&first, header::CONTENT_ENCODING), "br");
    let tag = field(&first, header::ETAG).to_owned();
    let again = [takes, ("if-none-match", tag.as_str())];
    let second = stand.ask(Method::GET, "/page.css", &again).await;
    assert_eq!(second.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(field(&second, header::ETAG), tag);
    assert_eq!(text(second).await, "");
}

#[tokio::test]
async fn a_camera_that_is_not_there_has_a_page_that_leads_back_to_the_wall() {
    let stand = Stand::empty();
    let browser = [("accept", "text/html,application/xhtml+xml,*/*;q=0.8")];
    for (path, wall) in [("/nocam", "href=\"./\""), ("/nocam/", "href=\"../\"")] {
        let page = stand.ask(Method::GET, path, &browser).await;
        assert_eq!(page.status(), StatusCode::NOT_FOUND);
        assert_eq!(field(&page, header::CONTENT_TYPE), "text/html; charset=utf-8");
        let page = text(page).await;
        assert!(page.contains(wall) && page.contains("nocam") && !page.contains('{'), "{page}");
        let plain = stand.ask(Method::GET, path, &[("accept", "*/*")]).await;
        assert!(field(&plain, header::CONTENT_TYPE).starts_with("text/plain"));
        assert!(text(plain).await.starts_with("there is no camera `nocam`"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_no_name_or_stands_twice_is_refused() {
    let stand = Stand::empty();
    for hosts in [&[&b"localhost"[..], b"evil.example"][..], &[b"\xe9vil.example"], &[b"", b""]] {
        let mut request =
            http::Request::get("/api/cameras").body(axum::body::Body::empty()).unwrap();
        for host in hosts {
            let host = http::HeaderValue::from_bytes(host).unwrap();
            request.headers_mut().append(header::HOST, host);
        }
        let response = stand.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{hosts:?}");
    }
}
