//! The supervisor with ffmpeg against the test camera and its faults.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::Arc;

use common::{PATIENCE, Watched, around, camera, small, supervise};
use nearlive_camera::{Auth, Camera, CameraConfig, Codec, Fault, Size, Transports};
use nearlive_server::camera::status::{State, Status};
use nearlive_server::camera::supervisor::Supervisor;
use nearlive_server::config::Transport;
use nearlive_server::engine::stderr::{Cause, VideoCodec};
use nearlive_server::package::Packager;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use nearlive_server::store::{self, Budget, Limits, RenditionKind, RenditionSpec};

async fn live(config: CameraConfig) -> (Camera, Watched) {
    let source = Camera::start(config).await.unwrap();
    let mut watched = supervise(camera(&source.url_as_typed()), around("ffmpeg"));
    watched.until("live", |s| s.state == State::Live).await;
    (source, watched)
}

async fn offline(watched: &mut Watched) -> Cause {
    watched.until("offline", |s| s.state == State::Offline).await.cause.unwrap()
}

/// Waits for this cause. Before it there may be another, where the machine is too busy for a camera.
async fn caused(watched: &mut Watched, what: &str, is: impl Fn(&Cause) -> bool) {
    watched.until(what, |s| s.cause.as_ref().is_some_and(&is)).await;
}

fn stopped(cause: &Cause) -> bool {
    matches!(cause, Cause::StoppedSending(_))
}

async fn live_again(watched: &mut Watched) {
    watched.until("live again", |s| s.state == State::Live).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_track_comes_from_a_camera_with_a_difficult_password() {
    for digest in [true, false] {
        let (user, password) = ("admin".to_owned(), "Ab@2018!:%x/1".to_owned());
        // A slash has to be escaped by whoever types it; all else works as it is.
        let auth =
            if digest { Auth::Digest { user, password } } else { Auth::Basic { user, password } };
        let source = Camera::start(CameraConfig { auth, ..small() }).await.unwrap();
        let url = source.url_as_typed().replace("%x/1", "%x%2F1");
        let mut watched = supervise(camera(&url), around("ffmpeg"));
        let status = watched.until("live", |s| s.state == State::Live).await;
        assert_eq!(status.source.video, Some(VideoCodec::H264));
        assert_eq!(status.source.audio.as_deref(), Some("pcm_mulaw"));
        common::eventually("all four tracks flow", async || {
            (0..4).all(|track| watched.sink.bytes_of(track) > 10_000).then_some(())
        })
        .await;
        watched.end().await;
        source.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_has_its_cause_and_passes() {
    let (source, mut watched) = live(small()).await;
    let control = source.control();

    control.set(Fault::HangUp);
    caused(&mut watched, "hung up", |c| *c == Cause::HungUp).await;
    live_again(&mut watched).await;

    control.set(Fault::Stall);
    caused(&mut watched, "stopped", stopped).await;
    control.clear();
    live_again(&mut watched).await;

    control.set(Fault::Refuse);
    caused(&mut watched, "refused", |c| *c == Cause::ConnectionRefused).await;
    control.clear();
    live_again(&mut watched).await;

    control.set(Fault::NotFound);
    control.set(Fault::HangUp);
    caused(&mut watched, "not found", |c| *c == Cause::NoSuchStream).await;
    control.clear();
    live_again(&mut watched).await;

    watched.end().await;
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leap_of_the_cameras_clock_is_over_with_the_next_run() {
    let source = Camera::start(small()).await.unwrap();
    let mut config = camera(&source.url_as_typed());
    config.ladder.clear();
    config.audio = nearlive_server::config::Audio::Off;
    let spec = RenditionSpec {
        id: "v0".into(),
        kind: RenditionKind::Video,
        copied: true,
        nominal_bps: None,
    };
    let budget = Arc::new(Budget::new(64 << 20));
    let store = store::Camera::new(vec![spec], Limits::default(), budget);
    let around = around("ffmpeg");
    let shutdown = around.shutdown.clone();
    let (supervisor, mut status) =
        Supervisor::new(config, around, Packager::new(Arc::clone(&store)));
    let task = tokio::spawn(supervisor.run());
    let mut until = async |what, is: &dyn Fn(&Status) -> bool| {
        let found = tokio::time::timeout(PATIENCE, status.wait_for(is)).await;
        found.unwrap_or_else(|_| panic!("never {what}")).unwrap().clone()
    };
    until("live", &|s| s.state == State::Live).await;
    common::eventually("it plays", async || store.is_ready().then_some(())).await;

    // Longer than anybody would wait for it to pass by itself.
    source.control().set(Fault::TimestampJump { seconds: 600 });
    let offline = until("offline", &|s| s.cause == Some(Cause::ClockLeapt)).await;
    until("live again", &|s| s.state == State::Live && s.runs > offline.runs).await;
    common::eventually("a whole segment of the new run", async || {
        let since = u64::try_from(offline.since.as_millis()).unwrap();
        let periods = store.window().periods;
        let new = periods.iter().filter(|p| p.ms > since).flat_map(|p| &p.tracks);
        new.flat_map(|t| &t.segments).any(|s| s.complete).then_some(())
    })
    .await;
    shutdown.trigger();
    tokio::time::timeout(PATIENCE, task).await.expect("it ends").unwrap();
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pulled_plug_is_seen_although_the_connection_stays_open() {
    let (source, mut watched) = live(small()).await;
    source.control().set(Fault::Unplug);
    caused(&mut watched, "stopped", stopped).await;
    caused(&mut watched, "refused", |c| *c == Cause::ConnectionRefused).await;
    source.control().clear();
    live_again(&mut watched).await;
    watched.end().await;
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_wants_a_login_says_so_when_none_was_given() {
    let auth = Auth::Digest { user: "u".into(), password: "p".into() };
    let source = Camera::start(CameraConfig { auth, ..small() }).await.unwrap();
    let url = source.url_as_typed().replace("u:p@", "");
    let mut watched = supervise(camera(&url), around("ffmpeg"));
    assert_eq!(offline(&mut watched).await, Cause::LoginWanted);
    watched.end().await;
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_speaks_another_protocol_is_no_camera() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("rtsp://{}/", listener.local_addr().unwrap());
    let web = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let answer =
                b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(answer).await;
            let _ = stream.read_to_end(&mut Vec::new()).await;
        }
    });
    let mut watched = supervise(camera(&url), around("ffmpeg"));
    assert_eq!(offline(&mut watched).await, Cause::NotRtsp);
    watched.end().await;
    web.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_and_not_hammered_at() {
    let auth = Auth::Digest { user: "u".into(), password: "right".into() };
    let source = Camera::start(CameraConfig { auth, ..small() }).await.unwrap();
    let url = source.url_as_typed().replace("right", "wrong");
    let mut watched = supervise(camera(&url), around("ffmpeg"));
    assert_eq!(offline(&mut watched).await, Cause::PasswordRefused);
    assert_eq!(watched.status.borrow().runs, 1);
    // The next try is half a minute away (backoff's own tests); the end does not wait for it.
    watched.end().await;
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_without_sound_is_live_without_it() {
    let (source, watched) = live(CameraConfig { audio: None, ..small() }).await;
    assert_eq!(watched.status.borrow().source.audio, None);
    assert_eq!(watched.status.borrow().runs, 2);
    watched.end().await;
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_within_the_stream_does_not_end_the_run() {
    let (source, mut watched) = live(small()).await;
    for fault in [
        Fault::AudioStops,
        Fault::Resize(Size::new(480, 270).unwrap()),
        Fault::TimestampJump { seconds: 40 },
        Fault::TimestampJump { seconds: -70 },
    ] {
        source.control().set(fault);
        // Frames that were under way have passed; these came after the fault.
        for track in [0, 1] {
            let before = watched.sink.bytes_of(track);
            common::eventually("pictures go on", async || {
                (watched.sink.bytes_of(track) > before + 20_000).then_some(())
            })
            .await;
        }
    }
    let status = watched.until("live", |s| s.state == State::Live).await;
    assert_eq!(status.runs, 1);
    watched.end().await;
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_h265_camera_the_encoded_rungs_play() {
    let (source, watched) = live(CameraConfig { codec: Codec::H265, ..small() }).await;
    assert_eq!(watched.status.borrow().source.video, Some(VideoCodec::Hevc));
    common::eventually("the encoded rungs flow", async || {
        (watched.sink.bytes_of(1) > 10_000 && watched.sink.bytes_of(2) > 5_000).then_some(())
    })
    .await;
    assert_eq!(watched.sink.bytes_of(0), 0);
    watched.end().await;
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_takes_its_time_is_waited_for() {
    let source = Camera::start(small()).await.unwrap();
    source.control().set(Fault::SlowStart(std::time::Duration::from_secs(4)));
    let mut watched = supervise(camera(&source.url_as_typed()), around("ffmpeg"));
    let status = watched.until("live", |s| s.state == State::Live).await;
    assert_eq!(status.runs, 1);
    watched.end().await;
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_refuses_tcp_says_so_and_works_by_udp() {
    let transports = Transports { tcp: false, udp: true };
    let source = Camera::start(CameraConfig { transports, ..small() }).await.unwrap();
    let mut config = camera(&source.url());
    let mut watched = supervise(config.clone(), around("ffmpeg"));
    assert_eq!(offline(&mut watched).await, Cause::TransportRefused);
    watched.end().await;

    config.transport = Transport::Udp;
    let mut watched = supervise(config, around("ffmpeg"));
    watched.until("live", |s| s.state == State::Live).await;
    watched.end().await;
    source.stop().await;
}
