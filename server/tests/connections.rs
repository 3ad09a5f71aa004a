//! Connections over real sockets: what a slow, a silent and a surplus client get.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use nearlive_server::app::{App, Served};
use nearlive_server::camera::status::Status;
use nearlive_server::clock::Clock;
use nearlive_server::http::serve::{self, Limits};
use nearlive_server::shutdown::Shutdown;
use nearlive_server::store::{self, Budget, Camera, RenditionKind, RenditionSpec, TrackSetup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

struct Stand {
    address: std::net::SocketAddr,
    store: Arc<Camera>,
    shutdown: Shutdown,
    serving: JoinHandle<()>,
    _status: watch::Sender<Status>,
}

async fn stand(limits: Limits) -> Stand {
    let clock = Clock::start();
    let budget = Arc::new(Budget::new(1 << 30));
    let spec = RenditionSpec {
        id: "v0".into(),
        kind: RenditionKind::Video,
        copied: true,
        nominal_bps: None,
    };
    let store = Camera::new(vec![spec], store::Limits::default(), Arc::clone(&budget));
    store.begin_period(0, 0, 1_000_000, false);
    let init = Bytes::from_static(b"init");
    let codec = "avc1.64001f".into();
    store.set_up(0, 0, TrackSetup { init, codec, size: None, channels: None, timescale: 90_000 });
    let (status, seen) = watch::channel(Status::new(clock.wall()));
    let mut app = App::new(clock, budget);
    app.cameras.push(Served {
        id: "c".into(),
        name: "C".into(),
        host: "h".into(),
        window: Duration::from_secs(30),
        store: Arc::clone(&store),
        status: seen,
    });
    let listener = serve::listen(([127, 0, 0, 1], 0).into()).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let shutdown = Shutdown::default();
    let serving = tokio::spawn(serve::run(listener, Arc::new(app), limits, shutdown.clone()));
    Stand { address, store, shutdown, serving, _status: status }
}

async fn ask(stand: &Stand, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(stand.address).await.expect("connected");
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream
}

/// Reads until `end` is in what was read.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains(end) {
        let n = stream.read_buf(&mut seen).await.expect("read");
        assert!(n > 0, "ended before {end:?}: {}", String::from_utf8_lossy(&seen));
    }
    String::from_utf8_lossy(&seen).into_owned()
}

#[tokio::test]
async fn each_chunk_of_a_growing_segment_is_on_the_wire_before_the_next_is_made() {
    let stand = stand(Limits::default()).await;
    let segment = stand.store.begin_segment(0, 0, 0, 0).expect("a segment");
    let mut stream = ask(&stand, "/c/0/v0/0.m4s").await;
    for chunk in [&b"first"[..], b"second", b"third"] {
        stand.store.push_chunk(&segment, Bytes::from_static(chunk), 3600);
        let text = String::from_utf8_lossy(chunk).into_owned();
        read_until(&mut stream, &format!("{}\r\n", text)).await;
    }
    stand.store.end_segment(0, 0, 90_000);
    read_until(&mut stream, "0\r\n\r\n").await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_dropped() {
    let limits = Limits { stalled: Duration::from_millis(200), ..Limits::default() };
    let stand = stand(limits).await;
    let segment = stand.store.begin_segment(0, 0, 0, 0).expect("a segment");
    // More than the socket buffers of both sides hold.
    for _ in 0..64 {
        stand.store.push_chunk(&segment, Bytes::from(vec![0; 1 << 20]), 3600);
    }
    stand.store.end_segment(0, 0, 90_000);
    let mut stream = ask(&stand, "/c/0/v0/0.m4s").await;
    let mut head = [0; 1];
    stream.read_exact(&mut head).await.expect("the answer has begun");
    // The count falls when the server has let go of the connection.
    loop {
        let mut other = ask(&stand, "/metrics").await;
        let text = read_until(&mut other, "nearlive_uptime_seconds ").await;
        if text.contains("\nnearlive_http_connections 1\n") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut rest = Vec::new();
    let ended = stream.read_to_end(&mut rest).await;
    assert!(ended.is_err() || rest.len() < 64 << 20, "it got everything");
}

#[tokio::test]
async fn a_surplus_connection_is_told_to_come_back() {
    let stand = stand(Limits { connections: 1, ..Limits::default() }).await;
    let mut first = ask(&stand, "/healthz").await;
    read_until(&mut first, "ok\n").await;
    let mut second = TcpStream::connect(stand.address).await.expect("connected");
    let answer = read_until(&mut second, "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("Retry-After"), "{answer}");
}

#[tokio::test]
async fn half_a_request_does_not_hold_a_connection() {
    let stand = stand(Limits { idle: Duration::from_millis(100), ..Limits::default() }).await;
    let mut stream = TcpStream::connect(stand.address).await.expect("connected");
    stream.write_all(b"GET / HTTP/1.1\r\nHo").await.expect("sent");
    let mut seen = Vec::new();
    stream.read_to_end(&mut seen).await.expect("closed by the server");
}

#[tokio::test]
async fn the_end_does_not_wait_for_readers_of_a_growing_segment() {
    let stand = stand(Limits::default()).await;
    let segment = stand.store.begin_segment(0, 0, 0, 0).expect("a segment");
    stand.store.push_chunk(&segment, Bytes::from_static(b"first"), 3600);
    let mut stream = ask(&stand, "/c/0/v0/0.m4s").await;
    read_until(&mut stream, "first").await;
    stand.shutdown.trigger();
    let ended = tokio::time::timeout(Duration::from_secs(10), stand.serving).await;
    ended.expect("it ends").expect("without a panic");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let stand = stand(Limits::default()).await;
    let e = serve::listen(stand.address).await.expect_err("taken").to_string();
    assert!(e.contains(&stand.address.port().to_string()) && e.contains("--listen"), "{e}");
}
