//! What stands behind each address, without a socket: the answers are asked for directly, on a store
//! that the test fills.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, Version, header};
use http_body_util::BodyExt;
use nearlive_server::camera::status::State;
use nearlive_server::engine::stderr::{Cause, Source, VideoCodec};
use nearlive_server::store::TrackSetup;
use stand::{PERIOD, Stand, field, text};

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
async fn a_list_of_whole_segments_is_waited_for_until_there_is_one() {
    let stand = Stand::playable();
    let segment = stand.begin(7);
    stand.chunk(&segment, b"abc");
    let waiting = stand.get("/demo/v0.m3u8");
    tokio::pin!(waiting);
    assert!(futures_now(waiting.as_mut()).await.is_none());
    stand.begin(8);
    let list = text(waiting.await).await;
    assert!(list.contains("/v0/7.m4s") && !list.contains("/v0/8.m4s"), "{list}");
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
async fn the_list_of_cameras_tells_the_size_that_the_picture_has_now() {
    let stand = Stand::playable();
    let size = async || {
        let list = text(stand.get("/api/cameras").await).await;
        let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
        let of = |side: &str| list[0]["video"][side].as_u64().expect("a number");
        (of("width"), of("height"))
    };
    // What ffmpeg said at its start.
    let source = Source { video: Some(VideoCodec::H264), size: Some((640, 360)), audio: None };
    stand.status.send_modify(|s| s.source = source);
    assert_eq!(size().await, (1280, 720), "of the Period that there is");
    let begin = |ms, track, width, height| {
        stand.store.begin_period(ms, 8, 1_000_000, false);
        let (init, codec) = (Bytes::from_static(b"init"), "avc1.64001f".into());
        let size = Some((width, height));
        let setup = TrackSetup { init, codec, size, channels: None, timescale: 90_000 };
        stand.store.set_up(ms, track, setup);
    };
    begin(PERIOD + 1500, 0, 1920, 1080);
    assert_eq!(size().await, (1280, 720), "no manifest shows the new one yet");
    stand.store.publish();
    assert_eq!(size().await, (1920, 1080));
    begin(PERIOD + 3000, 1, 320, 180);
    stand.store.publish();
    assert_eq!(size().await, (640, 360), "the camera's own picture is not given out");
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

#[tokio::test(start_paused = true)]
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

#[tokio::test]
async fn a_request_says_once_and_well_for_which_host_it_is() {
    let stand = Stand::empty();
    let status = async |version: Version, target: &str, hosts: &[&[u8]]| {
        let request = Request::get(target).version(version).body(());
        let mut request = request.expect("a request");
        for host in hosts {
            let host = http::HeaderValue::from_bytes(host).expect("a value");
            request.headers_mut().append(header::HOST, host);
        }
        stand.answer(request).await.status()
    };
    let (bad, ok) = (StatusCode::BAD_REQUEST, StatusCode::OK);
    let foreign = StatusCode::MISDIRECTED_REQUEST;
    let one = Version::HTTP_11;
    for (version, target, hosts, expected) in [
        (one, "/api/cameras", &[&b"localhost"[..]][..], ok),
        (one, "/api/cameras", &[b"localhost.:80"], ok),
        (one, "/api/cameras", &[], bad),
        (one, "http://localhost/api/cameras", &[], bad),
        (Version::HTTP_10, "/api/cameras", &[], ok),
        (one, "/api/cameras", &[b"localhost", b"evil.example"], bad),
        (one, "/api/cameras", &[b"localhost", b"localhost"], bad),
        (Version::HTTP_10, "/api/cameras", &[b"localhost", b"localhost"], bad),
        (one, "/api/cameras", &[b"", b""], bad),
        (one, "/api/cameras", &[b""], bad),
        (one, "/api/cameras", &[b"\xe9vil.example"], bad),
        (one, "/api/cameras", &[b"localhost, evil.example"], bad),
        (one, "/api/cameras", &[b"x@localhost"], bad),
        (one, "/api/cameras", &[b"localhost:80:80"], bad),
        (one, "/api/cameras", &[b"evil.example"], foreign),
        // In the absolute form the name of the target counts.
        (one, "http://localhost/api/cameras", &[b"evil.example"], ok),
        (one, "http://evil.example/api/cameras", &[b"localhost"], foreign),
        (one, "http://x@localhost/api/cameras", &[b"localhost"], bad),
        (one, "ftp://localhost/api/cameras", &[b"localhost"], bad),
        (one, "localhost:80", &[b"localhost"], bad),
    ] {
        let got = status(version, target, hosts).await;
        assert_eq!(got, expected, "{version:?} {target} {hosts:?}");
    }
}

#[tokio::test]
async fn a_part_of_a_segment_is_what_the_rfc_says() {
    let stand = Stand::playable();
    let seven = stand.begin(7);
    stand.chunk(&seven, b"abc");
    stand.chunk(&seven, b"defg");
    stand.begin(8);
    let path = format!("/demo/{PERIOD}/v0/7.m4s");
    for (range, status, place, body) in [
        ("bytes=+1-2", 200, "", "abcdefg"),
        ("bytes=5-2", 200, "", "abcdefg"),
        ("bytes=0-1,3-4", 200, "", "abcdefg"),
        ("bytes=0-", 206, "bytes 0-6/7", "abcdefg"),
        ("bytes=0-99", 206, "bytes 0-6/7", "abcdefg"),
        ("bytes=-99", 206, "bytes 0-6/7", "abcdefg"),
        ("bytes=-2", 206, "bytes 5-6/7", "fg"),
        ("bytes=6-6", 206, "bytes 6-6/7", "g"),
        ("bytes=7-", 416, "bytes */7", "it has no such bytes\n"),
        ("bytes=700-800", 416, "bytes */7", "it has no such bytes\n"),
        ("bytes=99999999999999999999-", 416, "bytes */7", "it has no such bytes\n"),
    ] {
        let part = stand.ask(Method::GET, &path, &[("range", range)]).await;
        assert_eq!(part.status(), status, "{range}");
        assert_eq!(field(&part, header::CONTENT_RANGE), place, "{range}");
        assert_eq!(field(&part, header::ACCEPT_RANGES), "bytes", "{range}");
        let length = field(&part, header::CONTENT_LENGTH).to_owned();
        let got = text(part).await;
        assert_eq!(got, body, "{range}");
        assert!(status == 416 || length == got.len().to_string(), "{range}: {length}");
    }
    let beside = [("range", "bytes=2-4"), ("if-range", "\"other\"")];
    assert_eq!(stand.ask(Method::GET, &path, &beside).await.status(), StatusCode::OK);
    let head = stand.ask(Method::HEAD, &path, &[("range", "bytes=2-4")]).await;
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(field(&head, header::CONTENT_LENGTH), "7");
}

#[tokio::test]
async fn a_part_of_a_segment_that_grows_is_waited_for() {
    let stand = Stand::playable();
    let seven = stand.begin(7);
    stand.chunk(&seven, b"abc");
    let path = format!("/demo/{PERIOD}/v0/7.m4s");
    let there = stand.ask(Method::GET, &path, &[("range", "bytes=1-2")]).await;
    assert_eq!(field(&there, header::CONTENT_RANGE), "bytes 1-2/*");
    assert_eq!(text(there).await, "bc");
    let fields = ["bytes=2-4", "bytes=4-", "bytes=9-", "bytes=-2"].map(|range| [("range", range)]);
    let mut parts = fields.iter().map(|f| Box::pin(stand.ask(Method::GET, &path, f)));
    let [mut some, mut rest, mut beyond, mut last] = [(); 4].map(|()| parts.next().expect("one"));
    for part in [&mut some, &mut rest, &mut beyond, &mut last] {
        assert!(futures_now(part).await.is_none(), "it is held");
    }
    stand.chunk(&seven, b"def");
    let some = some.await;
    assert_eq!(field(&some, header::CONTENT_RANGE), "bytes 2-4/*");
    assert_eq!(text(some).await, "cde");
    assert!(futures_now(&mut rest).await.is_none(), "its end is not known");
    stand.begin(8);
    let rest = rest.await;
    assert_eq!(field(&rest, header::CONTENT_RANGE), "bytes 4-5/6");
    assert_eq!(text(rest).await, "ef");
    assert_eq!(beyond.await.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(text(last.await).await, "ef");
    // From the start on is all of it: that comes at once.
    let path = format!("/demo/{PERIOD}/v0/8.m4s");
    let eight = stand.ask(Method::GET, &path, &[("range", "bytes=0-")]).await;
    assert_eq!(eight.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_second_spelling_of_an_address_is_none() {
    let stand = Stand::playable();
    stand.begin(7);
    for path in [
        "//demo/index.mpd",
        "/demo//index.mpd",
        "/%64emo/index.mpd",
        "/demo%2findex.mpd",
        "/demo/index.mpd%00",
        "/demo/index.mpd.",
        "/demo./index.mpd",
        "/demo/./index.mpd",
        "/demo/index.mpd/",
        "/DEMO/index.mpd",
        "/demo/index%2empd",
        "/page.css.",
    ] {
        assert_eq!(stand.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(stand.get("/demo/index.mpd?a=/../b").await.status(), StatusCode::OK);
}
