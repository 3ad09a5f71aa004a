//! Each fault does what it says, and ends when it is cleared.

mod common;

use std::net::TcpStream;
use std::time::{Duration, Instant};

use common::{AUDIO, Client, Rig, VIDEO, clocks_in, eventually, small};
use nearlive_camera::{Auth, CameraConfig, Fault, Size};

/// RTP ticks of a frame of the small camera: 90000 / 20.
const FRAME: u32 = 4500;

/// Longer than what is on its way takes: packets come every 20 ms.
const SILENCE: Duration = Duration::from_millis(500);

#[test]
fn refuse_closes_the_port_and_the_connections_and_opens_it_again() {
    let rig = Rig::start(small());
    let mut client = rig.play();
    client.packet_of(VIDEO);
    rig.control.set(Fault::Refuse);
    assert!(client.ends());
    eventually("refused", || TcpStream::connect(rig.camera.address()).err());
    rig.control.clear();
    let mut client = eventually("open again", || Client::connect(&rig.camera).ok());
    client.play_all();
    client.packet_of(VIDEO);
}

#[test]
fn unplug_leaves_connections_open_and_silent() {
    let rig = Rig::start(small());
    let mut client = rig.play();
    client.packet_of(VIDEO);
    rig.control.set(Fault::Unplug);
    eventually("refused", || TcpStream::connect(rig.camera.address()).err());
    client.falls_silent(SILENCE);
    client.send("OPTIONS", "", "");
    assert!(client.silent_for(SILENCE));
    rig.control.clear();
    client.packet_of(VIDEO);
}

#[test]
fn a_stalled_camera_answers_but_sends_nothing() {
    let rig = Rig::start(small());
    let mut client = rig.play();
    client.packet_of(VIDEO);
    rig.control.set(Fault::Stall);
    client.falls_silent(SILENCE);
    assert_eq!(client.request("GET_PARAMETER", "", "").status, 200);
    assert!(client.silent_for(SILENCE));
    rig.control.clear();
    client.packet_of(VIDEO);
}

#[test]
fn hanging_up_happens_once() {
    let rig = Rig::start(small());
    let (mut one, mut two) = (rig.play(), rig.play());
    rig.control.set(Fault::HangUp);
    assert!(one.ends() && two.ends());
    rig.play().packet_of(VIDEO);
}

#[test]
fn the_right_password_is_refused_on_command() {
    let auth = Auth::Basic { user: "u".into(), password: "p".into() };
    let rig = Rig::start(CameraConfig { auth, ..small() });
    let login = "Authorization: Basic dTpw\r\n";
    assert_eq!(rig.connect().request("DESCRIBE", "", login).status, 200);
    rig.control.set(Fault::Unauthorized);
    let answer = rig.connect().request("DESCRIBE", "", login);
    assert_eq!(answer.status, 401);
    assert!(common::header(&answer.head, "WWW-Authenticate").unwrap().starts_with("Basic"));
    rig.control.clear();
    assert_eq!(rig.connect().request("DESCRIBE", "", login).status, 200);
}

#[test]
fn the_stream_is_not_found_on_command_and_elsewhere_never() {
    let rig = Rig::start(small());
    assert_eq!(rig.connect().request("DESCRIBE", "x", "").status, 404);
    rig.control.set(Fault::NotFound);
    assert_eq!(rig.connect().request("DESCRIBE", "", "").status, 404);
    rig.control.clear();
    assert_eq!(rig.connect().request("DESCRIBE", "", "").status, 200);
}

#[test]
fn a_new_size_comes_with_new_parameter_sets() {
    let rig = Rig::start(small());
    let sets = |client: &mut Client| {
        let text = client.request("DESCRIBE", "", "").body;
        let (_, sets) = text.split_once("sprop-parameter-sets=").unwrap();
        sets.lines().next().unwrap().to_owned()
    };
    let mut client = rig.connect();
    let old = sets(&mut client);
    let size = Size::new(480, 272).unwrap();
    rig.control.set(Fault::Resize(size));
    eventually("other sets", || (sets(&mut client) != old).then_some(()));
    assert!(clocks_in(&["-i", &rig.camera.url()], size, 3).iter().all(Option::is_some));
    rig.control.clear();
    eventually("the old sets", || (sets(&mut client) == old).then_some(()));
}

#[test]
fn timestamps_leap_once() {
    for seconds in [3600, -3600] {
        let rig = Rig::start(small());
        let mut client = rig.play();
        let before = client.packet_of(VIDEO).time();
        rig.control.set(Fault::TimestampJump { seconds });
        let jump = (seconds as u32).wrapping_mul(90_000);
        let near = |time: u32| time.wrapping_sub(before).wrapping_sub(jump) < 600 * 90_000;
        eventually("a leap", || near(client.packet_of(VIDEO).time()).then_some(()));
        rig.control.clear();
        assert!(near(client.packet_of(VIDEO).time()), "it does not leap back");
    }
}

#[test]
fn a_slow_camera_answers_play_late() {
    let rig = Rig::start(small());
    let delay = Duration::from_millis(700);
    rig.control.set(Fault::SlowStart(delay));
    let start = Instant::now();
    rig.play().packet_of(VIDEO);
    assert!(start.elapsed() >= delay);
}

#[test]
fn a_camera_without_audio_describes_none() {
    let rig = Rig::start(small());
    rig.control.set(Fault::NoAudio);
    let mut client = rig.connect();
    assert!(!client.request("DESCRIBE", "", "").body.contains("m=audio"));
    let transport = "Transport: RTP/AVP/TCP;unicast;interleaved=2-3\r\n";
    assert_eq!(client.request("SETUP", "/track2", transport).status, 404);
    rig.control.clear();
    assert!(client.request("DESCRIBE", "", "").body.contains("m=audio"));
}

#[test]
fn audio_vanishes_while_video_goes_on() {
    let rig = Rig::start(small());
    let mut client = rig.play();
    client.packet_of(AUDIO);
    rig.control.set(Fault::AudioStops);
    eventually("twenty packets without sound", || {
        (0..20).all(|_| client.packet().unwrap().channel != AUDIO).then_some(())
    });
    rig.control.clear();
    client.packet_of(AUDIO);
}

#[test]
fn the_gop_changes_on_command() {
    let rig = Rig::start(small());
    let mut client = rig.play();
    let distances = |keys: Vec<u32>| -> Vec<u32> {
        keys.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]) / FRAME).collect()
    };
    rig.control.set(Fault::Gop { frames: 4 });
    // A machine too busy for a frame leaves a hole, which makes a distance longer.
    eventually("a GOP of 4", || (distances(client.key_frames(3)) == [4, 4]).then_some(()));
    rig.control.clear();
    rig.control.set(Fault::IrregularKeyFrames);
    eventually("irregular GOPs", || {
        let found = distances(client.key_frames(5));
        let (least, most) = (found.iter().min()?, found.iter().max()?);
        (*most >= least + 3).then_some(())
    });
    rig.control.clear();
    eventually("the GOP of 10", || (distances(client.key_frames(3)) == [10, 10]).then_some(()));
}

#[test]
fn packets_by_udp_are_lost() {
    let rig = Rig::start(small());
    rig.control.set(Fault::Loss { percent: 30 });
    let url = rig.camera.url();
    let args = ["-loglevel", "warning", "-rtsp_transport", "udp", "-i", &url];
    let output =
        common::run("ffmpeg", &[&args[..], &["-t", "2", "-c", "copy", "-f", "null", "-"]].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("missed") || said.contains("RTP"), "{said}");
}

#[test]
fn packets_come_in_bursts() {
    let rig = Rig::start(small());
    let mut client = rig.play();
    client.packet_of(VIDEO);
    rig.control.set(Fault::Burst(Duration::from_millis(400)));
    // Between bursts is a silence that packets every 20 ms never leave.
    client.falls_silent(Duration::from_millis(150));
    let burst: Vec<u32> = (0..4).map(|_| client.packet_of(VIDEO).time()).collect();
    assert!(burst.is_sorted_by_key(|time| time.wrapping_sub(burst[0])), "{burst:?}");
    rig.control.clear();
    client.packet_of(VIDEO);
}
