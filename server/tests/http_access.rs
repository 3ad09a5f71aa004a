//! Who may read, show and frame what, without a socket.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod stand;

use http::{Method, StatusCode, header};
use stand::{PERIOD, Stand, field, text};

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
async fn other_origins_may_show_only_what_they_may_read() {
    const POLICY: &str = "cross-origin-resource-policy";
    let stand = Stand::playable();
    let seven = stand.begin(7);
    stand.chunk(&seven, b"abc");
    stand.begin(8);
    let segment = format!("/demo/{PERIOD}/v0/7.m4s");
    let init = format!("/demo/{PERIOD}/v0/init.mp4");
    for path in [
        "/",
        "/demo/",
        "/demo/index.mpd",
        "/demo/index.m3u8",
        "/demo/v0.m3u8",
        "/demo/snapshot.jpg",
        "/api/cameras",
        "/metrics",
        "/time",
        "/nothing/here",
        &segment,
        &init,
    ] {
        for (fields, policy) in [
            (&[][..], "same-origin"),
            (&[("origin", "https://evil.example")], "same-origin"),
            (&[("origin", "null")], "same-origin"),
            (&[("origin", "http://192.168.1.5:8123")], "cross-origin"),
        ] {
            let response = stand.ask(Method::GET, path, fields).await;
            let got = response.headers().get(POLICY).expect("always there");
            assert_eq!(got, policy, "{path} {fields:?}");
            let framing = field(&response, header::CONTENT_SECURITY_POLICY);
            assert!(framing.starts_with("frame-ancestors 'self' "), "{path}: {framing}");
            assert!(!framing.contains("evil"), "{path}: {framing}");
        }
    }
    for path in ["/page.css", "/wall.mjs", "/icon.svg"] {
        let response = stand.get(path).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers().get(POLICY).expect("always there"), "cross-origin", "{path}");
    }
}

#[tokio::test]
async fn a_page_may_be_framed_by_those_who_may_see_it() {
    let stand = Stand::with_origins(&["https://site.example"]);
    for (referer, named) in [
        ("http://192.168.1.5:8123/lovelace", true),
        ("https://evil.example/192.168.1.5:8123", false),
    ] {
        let page = stand.ask(Method::GET, "/demo/", &[("referer", referer)]).await;
        let framing = field(&page, header::CONTENT_SECURITY_POLICY);
        assert_eq!(framing.contains(" http://192.168.1.5:8123"), named, "{framing}");
        assert!(
            framing.contains(" https://site.example") && !framing.contains("evil"),
            "{framing}"
        );
        let vary: Vec<_> = page.headers().get_all(header::VARY).iter().collect();
        assert!(vary.iter().any(|v| *v == "referer"), "{vary:?}");
    }
    let all = Stand::with_origins(&["*"]).get("/demo/").await;
    assert_eq!(field(&all, header::CONTENT_SECURITY_POLICY), "");
}

#[tokio::test]
async fn a_browser_that_says_that_another_site_asks_is_believed() {
    let stand = Stand::playable();
    let no_cors = ("sec-fetch-mode", "no-cors");
    for (path, fields, status) in [
        ("/demo/snapshot.jpg", vec![("sec-fetch-site", "cross-site"), no_cors], 403),
        ("/demo/index.mpd", vec![("sec-fetch-site", "same-site"), no_cors], 403),
        (
            "/demo/index.mpd",
            vec![
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "cors"),
                ("origin", "https://evil.example"),
            ],
            403,
        ),
        (
            "/demo/index.mpd",
            vec![
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", "cors"),
                ("origin", "http://localhost:8000"),
            ],
            200,
        ),
        ("/demo/index.mpd", vec![("sec-fetch-site", "same-origin"), no_cors], 200),
        ("/demo/", vec![("sec-fetch-site", "none"), ("sec-fetch-mode", "navigate")], 200),
        // A link on another site leads to the page.
        ("/demo/", vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], 200),
        ("/page.css", vec![("sec-fetch-site", "cross-site"), no_cors], 200),
    ] {
        let response = stand.ask(Method::GET, path, &fields).await;
        assert_eq!(response.status(), status, "{path} {fields:?}");
    }
}
