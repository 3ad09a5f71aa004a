//! ffmpeg and ffprobe read the camera over each transport, with each kind of password.

#![allow(clippy::unwrap_used)] // helpers of tests fail by panicking

mod common;

use common::{Rig, VIDEO, clocks_in, eventually, run, small, unix_ms};
use nearlive_camera::{Auth, CameraConfig, Codec, Law, Size, Start, Transports, clock};

/// Reads frames over a transport and checks the time in every one of them.
fn reads(config: CameraConfig, transport: &str) {
    let size = config.size;
    let rig = Rig::start(config);
    let before = unix_ms();
    let url = rig.camera.url();
    let clocks = clocks_in(&["-rtsp_transport", transport, "-i", &url], size, 12);
    let after = unix_ms();
    let times: Vec<u64> = clocks.into_iter().flatten().collect();
    assert_eq!(times.len(), 12, "every frame has a readable clock");
    for pair in times.windows(2) {
        // Busy machines skip frames; the grid of 50 ms stays.
        let step = pair[1] - pair[0];
        assert!(step >= 49 && (step + 1) % 50 <= 2, "{times:?}");
    }
    // However slow the reader is, the first frame is from the time of its reading, or from as long
    // before it as a busy machine takes to encode it.
    let (age, reading) = (clock::age_ms(after, times[0]), (after - before) as i64);
    assert!(age.is_some_and(|age| (0..reading + 10_000).contains(&age)), "{age:?} of {reading} ms");
}

fn digest() -> Auth {
    Auth::Digest { user: "admin".into(), password: "Ab@2018!:%/".into() }
}

#[test]
fn tcp_without_password() {
    reads(small(), "tcp");
}

#[test]
fn tcp_with_basic() {
    let auth = Auth::Basic { user: "admin".into(), password: "Ab@2018!:%/".into() };
    reads(CameraConfig { auth, ..small() }, "tcp");
}

#[test]
fn tcp_with_digest() {
    reads(CameraConfig { auth: digest(), ..small() }, "tcp");
}

#[test]
fn udp_without_password() {
    reads(small(), "udp");
}

#[test]
fn udp_with_digest() {
    reads(CameraConfig { auth: digest(), ..small() }, "udp");
}

#[test]
fn a_start_with_the_key_frame() {
    reads(CameraConfig { start: Start::KeyFrame, ..small() }, "tcp");
}

#[test]
fn h265() {
    // ffmpeg shows what it makes of frames before the first key frame, so begin with one.
    let (codec, start) = (Codec::H265, Start::KeyFrame);
    reads(CameraConfig { codec, start, ..small() }, "tcp");
    reads(CameraConfig { codec, start, ..small() }, "udp");
}

#[test]
fn a_picture_scaled_by_the_reader_still_tells_the_time() {
    let rig = Rig::start(CameraConfig { size: Size::new(1280, 720).unwrap(), ..small() });
    let small = Size::new(640, 360).unwrap();
    let url = rig.camera.url();
    let clocks = clocks_in(&["-i", &url, "-vf", "scale=640:360"], small, 5);
    assert_eq!(clocks.iter().flatten().count(), 5);
}

#[test]
fn a_wrong_password_is_refused() {
    for auth in [digest(), Auth::Basic { user: "admin".into(), password: "x".into() }] {
        let rig = Rig::start(CameraConfig { auth, ..small() });
        for login in ["admin:wrong@", ""] {
            let url =
                rig.camera.url_without_password().replace("rtsp://", &format!("rtsp://{login}"));
            let output = run("ffprobe", &["-rtsp_transport", "tcp", &url]);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success() && said.contains("401"), "{said}");
        }
    }
}

#[test]
fn a_transport_that_is_not_offered_is_refused() {
    let tcp_only = Transports { tcp: true, udp: false };
    let udp_only = Transports { tcp: false, udp: true };
    for (transports, ask) in [(tcp_only, "udp"), (udp_only, "tcp")] {
        let rig = Rig::start(CameraConfig { transports, ..small() });
        let output = run("ffprobe", &["-rtsp_transport", ask, &rig.camera.url()]);
        assert!(!output.status.success(), "{ask}");
    }
}

#[test]
fn ffprobe_finds_codecs_size_and_sound() {
    for (audio, name) in [(Some(Law::Mu), "pcm_mulaw"), (Some(Law::A), "pcm_alaw"), (None, "")] {
        let rig = Rig::start(CameraConfig { audio, ..small() });
        let entries = "stream=codec_name,width,height,sample_rate";
        let url = rig.camera.url();
        let args = ["-show_entries", entries, "-of", "compact=p=0", "-rtsp_transport", "tcp", &url];
        let output = run("ffprobe", &args);
        let found = String::from_utf8_lossy(&output.stdout);
        assert!(found.contains("codec_name=h264|width=320|height=180"), "{found}");
        assert_eq!(found.contains("sample_rate=8000"), audio.is_some(), "{found}");
        assert!(found.contains(name), "{found}");
    }
}

#[test]
fn several_clients_see_the_same_frames() {
    let rig = Rig::start(small());
    let (mut one, mut two) = (rig.play(), rig.play());
    let times = |transport| {
        clocks_in(&["-rtsp_transport", transport, "-i", &rig.camera.url()], small().size, 5)
    };
    std::thread::scope(|scope| {
        for transport in ["tcp", "udp"] {
            scope.spawn(move || assert_eq!(times(transport).iter().flatten().count(), 5));
        }
        let first = two.packet_of(VIDEO).time();
        eventually("the same frame", || (one.packet_of(VIDEO).time() == first).then_some(()));
    });
}
