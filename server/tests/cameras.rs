//! The supervisor with each engine against the test camera and its faults.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::Arc;

use common::{PATIENCE, Watched, around, camera_by, small, supervise};
use nearlive::media::scan::{Fact, Scanner};
use nearlive_camera::{Auth, Camera, CameraConfig, Codec, Coding, Fault, Size, Start, Transports};
use nearlive_server::camera::status::{State, Status};
use nearlive_server::camera::supervisor::Supervisor;
use nearlive_server::config::Transport;
use nearlive_server::engine::kind::Kind;
use nearlive_server::engine::stderr::{Cause, VideoCodec};
use nearlive_server::package::Packager;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use nearlive_server::shutdown::Shutdown;
use nearlive_server::store::{self, Budget, Limits, Lookup, RenditionKind, RenditionSpec};
use tokio::sync::watch;

by_each_engine! {
    every_track_comes_from_a_camera_with_a_difficult_password,
    each_fault_has_its_cause_and_passes,
    b_pictures_play_in_their_order_and_none_is_lost,
    whatever_time_the_camera_announces_the_first_picture_is_shown_a_step_before_the_second,
    lone_frames_that_are_stamped_hours_away_end_nothing,
    a_camera_whose_clock_is_set_is_served_on,
    an_open_gop_is_live_and_begins_each_segment_with_an_idr_picture,
    recovery_points_are_places_to_begin_at_and_the_owner_is_told,
    a_camera_without_any_place_to_begin_at_is_told_what_to_set,
    a_pulled_plug_is_seen_although_the_connection_stays_open,
    a_camera_that_wants_a_login_says_so_when_none_was_given,
    a_port_that_speaks_another_protocol_is_no_camera,
    a_wrong_password_is_told_and_not_hammered_at,
    a_camera_without_sound_is_live_without_it,
    what_changes_within_the_stream_does_not_end_the_run,
    of_an_h265_camera_the_encoded_rungs_play,
    a_camera_that_takes_its_time_is_waited_for,
    a_camera_that_refuses_tcp_says_so_and_works_by_udp,
}

async fn live(engine: Kind, config: CameraConfig) -> (Camera, Watched) {
    let source = Camera::start(config).await.unwrap();
    let mut watched = supervise(camera_by(engine, &source.url_as_typed()), around("ffmpeg"));
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

async fn every_track_comes_from_a_camera_with_a_difficult_password(engine: Kind) {
    for digest in [true, false] {
        let (user, password) = ("admin".to_owned(), "Ab@2018!:%x/1".to_owned());
        // A slash has to be escaped by whoever types it; all else works as it is.
        let auth =
            if digest { Auth::Digest { user, password } } else { Auth::Basic { user, password } };
        let source = Camera::start(CameraConfig { auth, ..small() }).await.unwrap();
        let url = source.url_as_typed().replace("%x/1", "%x%2F1");
        let mut watched = supervise(camera_by(engine, &url), around("ffmpeg"));
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

async fn each_fault_has_its_cause_and_passes(engine: Kind) {
    let (source, mut watched) = live(engine, small()).await;
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

/// A camera whose copied picture goes through the packager into a store, with one encoded rung.
struct Served {
    source: Camera,
    store: Arc<store::Camera>,
    status: watch::Receiver<Status>,
    shutdown: Shutdown,
    task: tokio::task::JoinHandle<()>,
}

impl Served {
    async fn start(engine: Kind, config: CameraConfig) -> Self {
        Self::with(engine, config, &[]).await
    }

    async fn with(engine: Kind, config: CameraConfig, faults: &[Fault]) -> Self {
        let source = Camera::start(config).await.unwrap();
        faults.iter().for_each(|fault| source.control().set(*fault));
        let mut config = camera_by(engine, &source.url_as_typed());
        config.ladder.truncate(1);
        let spec = |id: &str, kind, copied| RenditionSpec {
            id: id.into(),
            kind,
            copied,
            nominal_bps: None,
        };
        let renditions = vec![
            spec("v0", RenditionKind::Video, true),
            spec("v1", RenditionKind::Video, false),
            spec("a0", RenditionKind::Audio, false),
        ];
        let budget = Arc::new(Budget::new(64 << 20));
        let store = store::Camera::new(renditions, Limits::default(), budget);
        let around = around("ffmpeg");
        let shutdown = around.shutdown.clone();
        let packager = Packager::new(Arc::clone(&store));
        let (supervisor, status) = Supervisor::new(config, around, packager);
        Self { source, store, status, shutdown, task: tokio::spawn(supervisor.run()) }
    }

    /// Waits for `n` whole segments of each rendition, in the Periods that began at `since_ms` or later.
    async fn segments(&self, since_ms: u64, n: usize) {
        common::eventually("whole segments", async || {
            let periods = self.store.window().periods;
            let new = || periods.iter().filter(|p| p.ms >= since_ms).flat_map(|p| &p.tracks);
            let whole = |track| {
                let of_track = new().filter(|t| t.track == track).flat_map(|t| &t.segments);
                of_track.filter(|s| s.complete).count() >= n
            };
            (whole(0) && whole(1)).then_some(())
        })
        .await;
    }

    /// When the pictures of a rendition are shown, milliseconds, in the order of decoding.
    fn shown_ms(&self, rendition: &str) -> Vec<i64> {
        let window = self.store.window();
        let track = window.renditions.iter().position(|r| r.id == rendition).unwrap();
        let mut out = Vec::new();
        for period in &window.periods {
            let Some(info) = period.tracks.iter().find(|t| t.track == track) else { continue };
            for s in &info.segments {
                let found = self.store.segment(period.ms, rendition, s.number);
                let Lookup::Found(reader) = found else { continue };
                let (mut scanner, mut facts) = (Scanner::new(&[]), Vec::new());
                scanner.feed(&self.store.init(period.ms, rendition).unwrap(), &mut facts);
                reader.so_far().iter().for_each(|chunk| scanner.feed(chunk, &mut facts));
                out.extend(facts.iter().filter_map(|fact| match fact {
                    Fact::Fragment(f) => Some(f.start.as_micros() / 1000),
                    _ => None,
                }));
            }
        }
        out
    }

    /// Each picture is shown one step after another, whatever their order, and near the wall clock.
    fn check_steps(&self, renditions: &[&str]) {
        for rendition in renditions {
            let mut shown = self.shown_ms(rendition);
            shown.sort_unstable();
            for w in shown.windows(2) {
                let step = w[1] - w[0];
                // The camera leaves frames out when it gets no turn, and says so by their times.
                assert!(step >= 45 && step % 50 <= 5 || step % 50 >= 45, "{rendition}: {shown:?}");
            }
            let now =
                i64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis());
            let behind = now.unwrap() - shown.last().unwrap();
            assert!((-500..20_000).contains(&behind), "{rendition} is {behind} ms behind");
        }
    }

    async fn until(&mut self, what: &str, is: impl Fn(&Status) -> bool) -> Status {
        let found = tokio::time::timeout(PATIENCE, self.status.wait_for(|s| is(s))).await;
        found.unwrap_or_else(|_| panic!("never {what}")).unwrap().clone()
    }

    async fn end(self) {
        self.shutdown.trigger();
        tokio::time::timeout(PATIENCE, self.task).await.expect("it ends").unwrap();
        self.source.stop().await;
    }
}

async fn b_pictures_play_in_their_order_and_none_is_lost(engine: Kind) {
    for b in 1..=3 {
        let coding = Coding::Reordered(b);
        let mut served =
            Served::start(engine, CameraConfig { coding, audio: None, ..small() }).await;
        served.until("live", |s| s.state == State::Live).await;
        served.segments(0, 3).await;
        let decoded = served.shown_ms("v0");
        assert!(!decoded.is_sorted(), "{b} B pictures come after one that is shown after them");
        served.check_steps(&["v0", "v1"]);
        assert_eq!(served.status.borrow().state, State::Live);
        served.end().await;
    }
}

async fn whatever_time_the_camera_announces_the_first_picture_is_shown_a_step_before_the_second(
    engine: Kind,
) {
    for (coding, seconds) in [
        (Coding::Forward, 5),
        (Coding::Forward, -5),
        (Coding::Reordered(1), -5),
        (Coding::Reordered(2), 1),
        (Coding::Reordered(3), 5),
    ] {
        let start = Start::KeyFrame;
        let config = CameraConfig { coding, start, audio: None, ..small() };
        let mut served = Served::with(engine, config, &[Fault::WrongInfo { seconds }]).await;
        served.until("live", |s| s.state == State::Live).await;
        served.segments(0, 3).await;
        served.check_steps(&["v0", "v1"]);
        let first = ["v0", "v1"].map(|rendition| served.shown_ms(rendition)[0]);
        assert_eq!(first[0], first[1], "the encoded rendition begins with the same picture");
        served.end().await;
    }
}

async fn lone_frames_that_are_stamped_hours_away_end_nothing(engine: Kind) {
    for seconds in [-9_800, 20_000, 5] {
        let mut served = Served::start(engine, small()).await;
        served.source.control().set(Fault::Outliers { seconds });
        served.until("live", |s| s.state == State::Live).await;
        served.segments(0, 7).await;
        // ffmpeg 5.1 gives what it encodes other times after such a frame: the copied picture is judged.
        served.check_steps(if engine == Kind::Ffmpeg { &["v0"] } else { &["v0", "v1"] });
        let status = served.status.borrow().clone();
        assert_eq!((status.state, status.runs), (State::Live, 1), "{seconds}");
        assert!(served.store.window().periods.len() <= 2, "{:?}", served.store.window());
        served.end().await;
    }
}

async fn a_camera_whose_clock_is_set_is_served_on(engine: Kind) {
    for seconds in [600, -600] {
        let mut served = Served::start(engine, small()).await;
        served.until("live", |s| s.state == State::Live).await;
        served.segments(0, 2).await;
        served.source.control().set(Fault::TimestampJump { seconds });
        let since = u64::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis());
        common::eventually("pictures of now", async || {
            let newest = served.shown_ms("v1").last().copied()?;
            (newest > i64::try_from(since.unwrap()).unwrap() + 3_000).then_some(())
        })
        .await;
        served.until("live", |s| s.state == State::Live).await;
        served.end().await;
    }
}

async fn an_open_gop_is_live_and_begins_each_segment_with_an_idr_picture(engine: Kind) {
    let coding = Coding::OpenGop(2);
    let mut served = Served::start(engine, CameraConfig { coding, audio: None, ..small() }).await;
    served.until("live", |s| s.state == State::Live).await;
    served.segments(0, 4).await;
    let window = served.store.window();
    let segments = window.periods.iter().flat_map(|p| &p.tracks).flat_map(|t| &t.segments);
    let types: Vec<_> = segments.map(|s| s.sap_type).collect();
    assert!(types.iter().all(|t| *t == 1), "{types:?}");
    let status = served.status.borrow().clone();
    assert_eq!((status.state, status.cause), (State::Live, None));
    served.end().await;
}

async fn recovery_points_are_places_to_begin_at_and_the_owner_is_told(engine: Kind) {
    let coding = Coding::IntraRefresh;
    let mut served = Served::start(engine, CameraConfig { coding, ..small() }).await;
    common::eventually("segments", async || {
        (served.store.is_ready() && served.shown_ms("v0").len() > 60).then_some(())
    })
    .await;
    let window = served.store.window();
    let segments = window.periods.iter().flat_map(|p| &p.tracks).filter(|t| t.track == 0);
    let types: Vec<_> = segments.flat_map(|t| &t.segments).map(|s| s.sap_type).collect();
    assert!(types.iter().all(|t| *t == 4), "{types:?}");
    assert!(nearlive_server::playlist::mpd(&window).contains("startWithSAP=\"4\""));
    // Not every browser begins there.
    served.until("told", |s| s.cause == Some(Cause::NoKeyFrames)).await;
    served.end().await;
}

async fn a_camera_without_any_place_to_begin_at_is_told_what_to_set(engine: Kind) {
    let coding = Coding::Unmarked;
    let mut served = Served::start(engine, CameraConfig { coding, ..small() }).await;
    let status = served.until("offline", |s| s.state == State::Offline).await;
    assert_eq!(status.cause, Some(Cause::NoKeyFrames));
    assert!(status.sentence("h", status.since).unwrap().contains("I-frame interval"));
    assert_eq!(status.runs, 1, "it goes on, and waits for one");
    served.end().await;
}

async fn a_pulled_plug_is_seen_although_the_connection_stays_open(engine: Kind) {
    let (source, mut watched) = live(engine, small()).await;
    source.control().set(Fault::Unplug);
    caused(&mut watched, "stopped", stopped).await;
    caused(&mut watched, "refused", |c| *c == Cause::ConnectionRefused).await;
    source.control().clear();
    live_again(&mut watched).await;
    watched.end().await;
    source.stop().await;
}

async fn a_camera_that_wants_a_login_says_so_when_none_was_given(engine: Kind) {
    let auth = Auth::Digest { user: "u".into(), password: "p".into() };
    let source = Camera::start(CameraConfig { auth, ..small() }).await.unwrap();
    let url = source.url_as_typed().replace("u:p@", "");
    let mut watched = supervise(camera_by(engine, &url), around("ffmpeg"));
    assert_eq!(offline(&mut watched).await, Cause::LoginWanted);
    watched.end().await;
    source.stop().await;
}

async fn a_port_that_speaks_another_protocol_is_no_camera(engine: Kind) {
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
    let mut watched = supervise(camera_by(engine, &url), around("ffmpeg"));
    assert_eq!(offline(&mut watched).await, Cause::NotRtsp);
    watched.end().await;
    web.abort();
}

async fn a_wrong_password_is_told_and_not_hammered_at(engine: Kind) {
    let auth = Auth::Digest { user: "u".into(), password: "right".into() };
    let source = Camera::start(CameraConfig { auth, ..small() }).await.unwrap();
    let url = source.url_as_typed().replace("right", "wrong");
    let mut watched = supervise(camera_by(engine, &url), around("ffmpeg"));
    assert_eq!(offline(&mut watched).await, Cause::PasswordRefused);
    assert_eq!(watched.status.borrow().runs, 1);
    // The next try is half a minute away (backoff's own tests); the end does not wait for it.
    watched.end().await;
    source.stop().await;
}

async fn a_camera_without_sound_is_live_without_it(engine: Kind) {
    let (source, watched) = live(engine, CameraConfig { audio: None, ..small() }).await;
    assert_eq!(watched.status.borrow().source.audio, None);
    assert_eq!(watched.status.borrow().runs, 1);
    assert_eq!(watched.sink.bytes_of(3), 0);
    watched.end().await;
    source.stop().await;
}

async fn what_changes_within_the_stream_does_not_end_the_run(engine: Kind) {
    let (source, mut watched) = live(engine, small()).await;
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

async fn of_an_h265_camera_the_encoded_rungs_play(engine: Kind) {
    let (source, watched) = live(engine, CameraConfig { codec: Codec::H265, ..small() }).await;
    assert_eq!(watched.status.borrow().source.video, Some(VideoCodec::Hevc));
    common::eventually("the encoded rungs flow", async || {
        (watched.sink.bytes_of(1) > 10_000 && watched.sink.bytes_of(2) > 5_000).then_some(())
    })
    .await;
    assert_eq!(watched.sink.bytes_of(0), 0);
    watched.end().await;
    source.stop().await;
}

async fn a_camera_that_takes_its_time_is_waited_for(engine: Kind) {
    let source = Camera::start(small()).await.unwrap();
    source.control().set(Fault::SlowStart(std::time::Duration::from_secs(4)));
    let mut watched = supervise(camera_by(engine, &source.url_as_typed()), around("ffmpeg"));
    let status = watched.until("live", |s| s.state == State::Live).await;
    assert_eq!(status.runs, 1);
    watched.end().await;
    source.stop().await;
}

async fn a_camera_that_refuses_tcp_says_so_and_works_by_udp(engine: Kind) {
    let transports = Transports { tcp: false, udp: true };
    let source = Camera::start(CameraConfig { transports, ..small() }).await.unwrap();
    let mut config = camera_by(engine, &source.url());
    let mut watched = supervise(config.clone(), around("ffmpeg"));
    assert_eq!(offline(&mut watched).await, Cause::TransportRefused);
    watched.end().await;

    config.transport = Transport::Udp;
    let mut watched = supervise(config, around("ffmpeg"));
    watched.until("live", |s| s.state == State::Live).await;
    watched.end().await;
    source.stop().await;
}
