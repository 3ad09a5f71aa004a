//! Connections over real sockets: what a slow, a silent and a surplus client get.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use nearlive_server::app::{App, Served};
use nearlive_server::camera::status::Status;
use nearlive_server::clock::Clock;
use nearlive_server::http::limits::Limits;
use nearlive_server::http::serve;
use nearlive_server::shutdown::Shutdown;
use nearlive_server::store::{self, Budget, Camera, RenditionKind, RenditionSpec, TrackSetup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

struct Stand {
    app: Arc<App>,
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
        place: "h:554".into(),
        window: Duration::from_secs(30),
        store: Arc::clone(&store),
        status: seen,
    });
    let listener = serve::listen(([127, 0, 0, 1], 0).into()).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let shutdown = Shutdown::default();
    let app = Arc::new(app);
    let serving = tokio::spawn(serve::run(listener, Arc::clone(&app), limits, shutdown.clone()));
    Stand { app, address, store, shutdown, serving, _status: status }
}

async fn ask(stand: &Stand, path: &str) -> TcpStream {
    ask_from([127, 0, 0, 1], stand, path).await
}

/// From this address: on Linux all that begin with 127 are this machine's.
async fn ask_from(from: [u8; 4], stand: &Stand, path: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((from, 0).into()).expect("an address of this machine");
    let mut stream = socket.connect(stand.address).await.expect("connected");
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

/// The whole of what the server still sends until it closes the connection.
async fn read_to_the_end(stream: &mut TcpStream) -> String {
    let mut seen = Vec::new();
    // A reset is an end as well.
    let _ = stream.read_to_end(&mut seen).await;
    String::from_utf8_lossy(&seen).into_owned()
}

/// A request whose answer has begun and does not end.
async fn busy(stand: &Stand) -> TcpStream {
    let mut stream = ask(stand, "/c/0/v0/0.m4s").await;
    read_until(&mut stream, "first").await;
    stream
}

async fn growing(stand: &Stand) -> Arc<store::Segment> {
    let segment = stand.store.begin_segment(0, 0, 0, 0).expect("a segment");
    stand.store.push_chunk(&segment, Bytes::from_static(b"first"), 3600);
    segment
}

#[tokio::test]
async fn a_surplus_connection_is_told_to_come_back_when_all_are_busy() {
    let stand = stand(Limits { connections: 1, ..Limits::default() }).await;
    let segment = growing(&stand).await;
    let mut first = busy(&stand).await;
    let mut second = TcpStream::connect(stand.address).await.expect("connected");
    let answer = read_until(&mut second, "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("Retry-After"), "{answer}");
    stand.store.push_chunk(&segment, Bytes::from_static(b"more"), 3600);
    read_until(&mut first, "more").await;
}

#[tokio::test]
async fn idle_connections_make_room_and_lock_nobody_out() {
    let stand = stand(Limits { per_client: 8, ..Limits::default() }).await;
    let segment = growing(&stand).await;
    let mut busy = busy(&stand).await;
    let mut kept = ask(&stand, "/healthz").await;
    read_until(&mut kept, "ok\n").await;
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(TcpStream::connect(stand.address).await.expect("connected"));
    }
    let mut new = ask(&stand, "/healthz").await;
    let answer = read_until(&mut new, "ok\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // Those that did nothing for the longest are closed, with no word.
    assert_eq!(read_to_the_end(&mut kept).await, "");
    assert_eq!(read_to_the_end(&mut silent[0]).await, "");
    // The answer that was under way goes on.
    stand.store.push_chunk(&segment, Bytes::from_static(b"more"), 3600);
    read_until(&mut busy, "more").await;
}

#[tokio::test]
async fn half_a_request_or_none_does_not_hold_a_connection() {
    let limits = Limits { head: Duration::from_millis(100), ..Limits::default() };
    let stand = stand(limits).await;
    for sent in ["", "GET / HTTP/1.1\r\nHo"] {
        let mut stream = TcpStream::connect(stand.address).await.expect("connected");
        stream.write_all(sent.as_bytes()).await.expect("sent");
        assert_eq!(read_to_the_end(&mut stream).await, "", "{sent:?}");
    }
    // Neither does the half of a second one.
    let mut stream = ask(&stand, "/healthz").await;
    read_until(&mut stream, "ok\n").await;
    stream.write_all(b"GET / HT").await.expect("sent");
    assert_eq!(read_to_the_end(&mut stream).await, "");
}

#[tokio::test]
async fn a_pause_between_requests_is_shorter_than_for_ever() {
    let limits = Limits { idle: Duration::from_millis(100), ..Limits::default() };
    let stand = stand(limits).await;
    let mut stream = ask(&stand, "/healthz").await;
    read_until(&mut stream, "ok\n").await;
    assert_eq!(read_to_the_end(&mut stream).await, "");
}

#[tokio::test]
async fn an_answer_may_take_longer_than_any_head() {
    let Limits { head, idle, .. } = Limits::default();
    let stand = stand(Limits::default()).await;
    let segment = growing(&stand).await;
    let mut stream = busy(&stand).await;
    tokio::time::pause();
    tokio::time::advance(4 * (head + idle)).await;
    tokio::time::resume();
    stand.store.push_chunk(&segment, Bytes::from_static(b"more"), 3600);
    read_until(&mut stream, "more").await;
}

#[tokio::test]
async fn a_head_without_an_end_is_answered_as_soon_as_it_is_too_long() {
    let stand = stand(Limits::default()).await;
    let mut stream = TcpStream::connect(stand.address).await.expect("connected");
    let (mut read, mut write) = stream.split();
    let long = [b"GET /".as_slice(), &[b'a'; 300_000]].concat();
    // It may close before it has taken all.
    let send = async { drop(write.write_all(&long).await) };
    let mut seen = Vec::new();
    let receive = async { drop(read.read_to_end(&mut seen).await) };
    tokio::join!(send, receive);
    let answer = String::from_utf8_lossy(&seen);
    assert!(answer.starts_with("HTTP/1.1 431") || answer.starts_with("HTTP/1.1 414"), "{answer}");
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

/// The length that an answer's head says.
fn length(head: &str) -> Option<&str> {
    head.lines().find_map(|l| l.strip_prefix("content-length: "))
}

#[tokio::test]
async fn head_says_the_length_that_get_has_and_none_where_it_is_not_known() {
    let stand = stand(Limits::default()).await;
    stand.store.begin_segment(0, 0, 0, 0).expect("a segment");
    stand.store.begin_segment(0, 0, 1, 90_000).expect("a segment that is being made");
    stand.store.publish();
    // One connection for all: the next answer begins where the one before ends.
    let mut stream = TcpStream::connect(stand.address).await.expect("connected");
    for path in [
        "/",
        "/c/",
        "/c/index.mpd",
        "/c/index.m3u8",
        "/c/v0.m3u8",
        "/c/0/v0/init.mp4",
        "/c/0/v0/0.m4s",
        "/api/cameras",
        "/time",
        "/metrics",
        "/nothing.here",
        "/c/0/v0/1.m4s",
    ] {
        let head = format!("HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n");
        stream.write_all(head.as_bytes()).await.expect("sent");
        let head = read_until(&mut stream, "\r\n\r\n").await;
        assert!(head.ends_with("\r\n\r\n"), "{path} has a body: {head}");
        let mut got = ask(&stand, path).await;
        let got = read_until(&mut got, "\r\n\r\n").await;
        // Times and counters do not always have as many digits.
        if ["/time", "/metrics", "/api/cameras"].contains(&path) {
            assert!(length(&head).is_some_and(|n| n != "0"), "{path}: {head}");
        } else {
            assert_eq!(length(&head), length(&got), "{path}");
        }
        assert_eq!(length(&head).is_none(), path.ends_with("/1.m4s"), "{path}: {head}");
    }
}

#[tokio::test]
async fn an_answer_without_a_body_by_its_kind_says_no_length() {
    let stand = stand(Limits::default()).await;
    let mut stream = TcpStream::connect(stand.address).await.expect("connected");
    stream.write_all(b"OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    let head = read_until(&mut stream, "\r\n\r\n").await;
    // RFC 9110, 8.6.
    assert!(head.starts_with("HTTP/1.1 204") && length(&head).is_none(), "{head}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_crowd_that_is_answered_without_end_locks_nobody_else_out() {
    let limits = Limits { connections: 12, per_client: 6, reserved: 0, ..Limits::default() };
    let stand = stand(limits).await;
    let segment = growing(&stand).await;
    // Each asks for what grows and for what is held after it, all at once.
    let mut crowd = Vec::new();
    for from in [[127, 0, 0, 2], [127, 0, 0, 3]] {
        for _ in 0..6 {
            let mut stream = ask_from(from, &stand, "/c/0/v0/0.m4s").await;
            let next = "GET /c/0/v0/1.m4s HTTP/1.1\r\nHost: x\r\n\r\n".repeat(15);
            stream.write_all(next.as_bytes()).await.expect("sent");
            read_until(&mut stream, "first").await;
            crowd.push(stream);
        }
    }
    // A viewer has three: two long ones and one for the rest.
    let mut picture = ask(&stand, "/c/0/v0/0.m4s").await;
    read_until(&mut picture, "first").await;
    let mut held = ask(&stand, "/c/0/v0/1.m4s").await;
    let mut rest = ask(&stand, "/healthz").await;
    read_until(&mut rest, "ok\n").await;
    // The crowd comes again, and takes nothing from who has less.
    for from in [[127, 0, 0, 2], [127, 0, 0, 3]] {
        let mut again = ask_from(from, &stand, "/healthz").await;
        drop(read_to_the_end(&mut again).await);
    }
    stand.store.push_chunk(&segment, Bytes::from_static(b"more"), 3600);
    read_until(&mut picture, "more").await;
    let next = stand.store.begin_segment(0, 0, 1, 90_000).expect("a segment");
    stand.store.push_chunk(&next, Bytes::from_static(b"second"), 3600);
    read_until(&mut picture, "0\r\n\r\n").await;
    read_until(&mut held, "second").await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_held_request_that_gives_way_is_told_to_come_back() {
    let limits = Limits { connections: 2, per_client: 2, reserved: 0, ..Limits::default() };
    let stand = stand(limits).await;
    growing(&stand).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        held.push(ask(&stand, "/c/0/v0/1.m4s").await);
    }
    // Both have come, and wait.
    while stand.app.requests.load(Ordering::Relaxed) < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut other = ask_from([127, 0, 0, 2], &stand, "/healthz").await;
    read_until(&mut other, "ok\n").await;
    let [one, two] = [held.remove(0), held.remove(0)];
    let ended = async |mut stream: TcpStream| read_to_the_end(&mut stream).await;
    let answer = tokio::select! {
        answer = ended(one) => answer,
        answer = ended(two) => answer,
    };
    let said = ["HTTP/1.1 503", "retry-after: 1", "connection: close"];
    assert!(said.iter().all(|part| answer.contains(part)), "{answer}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_is_not_taken_waits_outside_the_kernel() {
    let stand = stand(Limits::default()).await;
    let segment = stand.store.begin_segment(0, 0, 0, 0).expect("a segment");
    for _ in 0..64 {
        stand.store.push_chunk(&segment, Bytes::from(vec![0; 1 << 20]), 3600);
    }
    let mut stream = ask(&stand, "/c/0/v0/0.m4s").await;
    stream.read_exact(&mut [0; 1]).await.expect("the answer has begun");
    // What the kernel holds for the reader is the reader's; what it has not sent is ours.
    let mut last = None;
    let unsent = loop {
        let now = queued(stand.address.port());
        if now > 0 && last == Some(now) {
            break now;
        }
        last = Some(now);
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(unsent < 512 << 10, "{unsent} bytes wait");
}

/// Bytes that wait to be sent from `port` (proc_pid_net(5)).
#[cfg(target_os = "linux")]
fn queued(port: u16) -> u64 {
    let table = std::fs::read_to_string("/proc/net/tcp").expect("a table");
    let own = format!(":{port:04X}");
    let sizes = table.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let ours = fields.get(1)?.ends_with(&own);
        let (unsent, _) = fields.get(4)?.split_once(':')?;
        u64::from_str_radix(unsent, 16).ok().filter(|_| ours)
    });
    sizes.sum()
}

#[tokio::test]
async fn a_reader_that_takes_next_to_nothing_is_dropped() {
    let limits = Limits { stalled: Duration::from_millis(500), ..Limits::default() };
    let stand = stand(limits).await;
    let segment = stand.store.begin_segment(0, 0, 0, 0).expect("a segment");
    for _ in 0..64 {
        stand.store.push_chunk(&segment, Bytes::from(vec![0; 1 << 20]), 3600);
    }
    stand.store.end_segment(0, 0, 90_000);
    let mut stream = ask(&stand, "/c/0/v0/0.m4s").await;
    let mut got = 0;
    loop {
        match stream.read(&mut [0; 8]).await {
            Ok(n) if n > 0 => got += n,
            _ => break,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        // What lay in the kernel when it was dropped may still come.
        if stand.app.connections.load(Ordering::Relaxed) == 0 {
            break;
        }
    }
    assert!(got < 1 << 20, "{got}");
}
