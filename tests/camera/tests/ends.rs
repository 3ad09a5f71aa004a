//! However a camera ends, its ffmpeg ends too; and a broken ffmpeg does not end the camera.

#![allow(clippy::unwrap_used)] // helpers of tests fail by panicking

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use common::{Rig, VIDEO, eventually, small};
use nearlive_camera::{Camera, CameraConfig, Error, Size};

/// Process ids of the ffmpegs that process `parent` has started, and that encode pictures of a size
/// that only one test uses. (Another checkout may run the same test at the same time.)
fn encoders(parent: u32, size: &str) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap();
    let ids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    ids.filter(|id: &u32| {
        let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
        words.windows(2).any(|w| w[0] == b"-video_size" && w[1] == size.as_bytes())
            && parent_of(*id) == Some(parent)
    })
    .collect()
}

/// The same of this process.
fn own(size: &str) -> Vec<u32> {
    encoders(std::process::id(), size)
}

fn parent_of(id: u32) -> Option<u32> {
    // "pid (name) state ppid ...": the name may hold spaces and brackets.
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Whether this process is there: one that has ended and was not waited for has no command line.
fn runs(id: u32) -> bool {
    std::fs::read(format!("/proc/{id}/cmdline")).is_ok_and(|line| !line.is_empty())
}

fn sized(width: u32) -> (CameraConfig, String) {
    let size = Size::new(width, 64).unwrap();
    (CameraConfig { size, ..small() }, size.to_string())
}

fn kill(id: u32, how: &str) {
    assert!(Command::new("kill").args([how, &id.to_string()]).status().unwrap().success());
}

#[test]
fn dropping_a_camera_ends_its_encoder() {
    let (config, size) = sized(100);
    let rig = Rig::start(config);
    assert_eq!(own(&size).len(), 1);
    drop(rig);
    eventually("no encoder", || own(&size).is_empty().then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_a_camera_waits_for_its_encoder() {
    let (config, size) = sized(102);
    let camera = Camera::start(config).await.unwrap();
    let address = camera.address();
    camera.stop().await;
    assert!(own(&size).is_empty());
    eventually("refused", || std::net::TcpStream::connect(address).err());
}

#[test]
fn a_killed_encoder_is_started_again() {
    let (config, size) = sized(104);
    let rig = Rig::start(config);
    let mut client = rig.play();
    let old = own(&size)[0];
    kill(old, "-KILL");
    eventually("another one", || own(&size).iter().any(|id| *id != old).then_some(()));
    client.drain();
    assert_eq!(client.key_frames(2).len(), 2);
}

#[test]
fn the_command_leaves_no_encoder_whatever_ends_it() {
    for (width, how) in [(106, "-KILL"), (108, "-TERM"), (110, "-INT")] {
        let size = format!("{width}x64");
        let mut camera = Command::new(env!("CARGO_BIN_EXE_nearlive-camera"))
            .args(["--listen", "127.0.0.1:0", "--size", &size, "--fps", "10"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(camera.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("rtsp://127.0.0.1:"), "{line}");
        let encoders = encoders(camera.id(), &size);
        assert_eq!(encoders.len(), 1);
        kill(camera.id(), how);
        camera.wait().unwrap();
        eventually("no encoder", || (!runs(encoders[0])).then_some(()));
    }
}

#[tokio::test]
async fn a_missing_or_broken_ffmpeg_is_told_in_a_sentence() {
    let missing = CameraConfig { ffmpeg: "/nonexistent/ffmpeg".into(), ..small() };
    let error = Camera::start(missing).await.err().unwrap();
    assert!(matches!(error, Error::NoFfmpeg { .. }));
    assert!(error.to_string().contains("/nonexistent/ffmpeg"), "{error}");
    let broken = CameraConfig { ffmpeg: "ls".into(), ..small() };
    let error = Camera::start(broken).await.err().unwrap();
    assert!(matches!(&error, Error::Encoder { said } if !said.is_empty()), "{error}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap();
    let error = Camera::start(CameraConfig { listen, ..small() }).await.err().unwrap();
    assert!(error.to_string().contains(&listen.to_string()), "{error}");
}

#[test]
fn a_client_that_does_not_read_is_dropped_and_holds_up_nobody() {
    let rig = Rig::start(CameraConfig { bitrate_kbps: 20_000, ..CameraConfig::default() });
    let mut lazy = rig.play();
    let mut other = rig.play();
    let first = other.packet_of(VIDEO).time();
    // Ten seconds of stream: what waits for the lazy one in the kernel is less than that.
    while other.packet_of(VIDEO).time().wrapping_sub(first) < 10 * 90_000 {}
    assert!(lazy.ends());
}
