//! The whole program against an RTSP server that is not ours: GStreamer's.
//!
//! Debian: `.ci/setup gstreamer` installs what it needs.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::process::Stdio;

use common::{Program, eventually};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const PASSWORD: &str = "Ab@2018!:%x";

/// Starts the script with these options; its address, and the process with its open stdin.
async fn gstreamer(options: &[&str]) -> (String, Child) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/camera/gst_server.py");
    let mut child = Command::new("/usr/bin/python3")
        .arg(script)
        .args(["--size", "320x180", "--fps", "20", "--bitrate", "300"])
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("/usr/bin/python3 runs; `.ci/setup gstreamer` installs it");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let address = lines.next_line().await.unwrap();
    (address.expect("it listens; `.ci/setup gstreamer` installs what it needs"), child)
}

#[tokio::test(flavor = "multi_thread")]
async fn its_pictures_and_its_sound_are_served_behind_each_kind_of_password() {
    for auth in ["none", "basic", "digest"] {
        let options = ["--auth", auth, "--user", "admin", "--password", PASSWORD];
        let (address, mut camera) = gstreamer(&options).await;
        let login = if auth == "none" { String::new() } else { format!("admin:{PASSWORD}@") };
        let typed = address.replace("rtsp://", &format!("rtsp://{login}"));
        let program = Program::start(&[&typed], "").await;
        let mpd = eventually("a manifest", async || {
            let (head, body) = program.get("/camera/index.mpd").await;
            head.starts_with("HTTP/1.1 200").then_some(body)
        })
        .await;
        for rendition in ["v0", "v1", "v2", "a0"] {
            assert!(mpd.contains(&format!("<Representation id=\"{rendition}\"")), "{auth}: {mpd}");
        }
        assert_eq!(program.field("audio").await, "pcm_alaw");
        camera.kill().await.unwrap();
    }
}
