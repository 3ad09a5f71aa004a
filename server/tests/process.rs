//! The program as a process: its forms, its end, and what it says when it cannot start.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::process::Output;

use common::{Program, SERVER, eventually, runs, script, signal, small};
use nearlive_camera::{Camera, Fault};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_leaves_no_ffmpeg_even_when_the_camera_is_silent() {
    let source = Camera::start(small()).await.unwrap();
    let mut program = Program::start(&[&source.url()], "").await;
    program.until_live().await;
    let engine = program.engine().await;
    // Nothing more is written to any pipe, so no broken pipe will end it.
    source.control().set(Fault::Stall);
    program.signal("KILL");
    program.ended().await;
    eventually("ffmpeg is gone", async || (!runs(engine)).then_some(())).await;
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_sigterm_and_the_end_of_the_terminal_end_it_in_order_with_no_ffmpeg_left() {
    let source = Camera::start(small()).await.unwrap();
    for name in ["INT", "TERM", "HUP"] {
        let mut program = Program::start(&[&source.url()], "").await;
        program.until_live().await;
        let engine = program.engine().await;
        program.signal(name);
        assert!(program.ended().await.success());
        assert!(!runs(engine), "it was waited for");
    }
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ffmpeg_that_is_killed_is_replaced_and_the_picture_returns() {
    let source = Camera::start(small()).await.unwrap();
    let program = Program::start(&[&source.url()], "").await;
    program.until_live().await;
    let killed = program.engine().await;
    signal(killed, "KILL");
    // It is so for a quarter of a second only: the log keeps it.
    let told = async || program.said.lock().unwrap().contains("ended by signal 9").then_some(());
    eventually("told", told).await;
    program.until_live().await;
    assert!(program.field("runs").await.as_u64() >= Some(2));
    assert_ne!(program.engine().await, killed);
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_serves_several_cameras_and_a_manifest_for_each() {
    let one = Camera::start(small()).await.unwrap();
    let two = Camera::start(small()).await.unwrap();
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("two-cameras.toml");
    let text = format!(
        "[[camera]]\nname = \"One\"\nurl = \"{}\"\n\
         [[camera]]\nname = \"Two\"\nhost = \"{}\"\npath = \"/live\"\naudio = \"off\"\nladder = []\n",
        one.url(),
        two.address()
    );
    std::fs::write(&file, text).unwrap();
    let program = Program::start(&["serve", file.to_str().unwrap()], "").await;
    for (id, renditions) in [("one", &["v0", "v1", "v2", "a0"][..]), ("two", &["v0"])] {
        let mpd = eventually("a manifest", async || {
            let (head, body) = program.get(&format!("/{id}/index.mpd")).await;
            head.starts_with("HTTP/1.1 200").then_some(body)
        })
        .await;
        let named: Vec<&str> = ["v0", "v1", "v2", "a0"]
            .into_iter()
            .filter(|r| mpd.contains(&format!("<Representation id=\"{r}\"")))
            .collect();
        assert_eq!(named, renditions, "{mpd}");
    }
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_from_stdin_and_the_demo_are_served() {
    let source = Camera::start(small()).await.unwrap();
    let program = Program::start(&["-"], &format!("{}\n", source.url())).await;
    program.until_live().await;
    assert_eq!(program.field("id").await, "camera");
    source.stop().await;

    let mut program = Program::start(&["demo"], "").await;
    program.until_live().await;
    assert_eq!(program.field("id").await, "demo");
    let all: Vec<u32> = eventually("the camera's encoder and the engine run", async || {
        let all = common::children(program.pid());
        (all.len() == 2).then(|| all.into_iter().map(|(pid, _)| pid).collect())
    })
    .await;
    program.signal("INT");
    assert!(program.ended().await.success());
    assert!(all.into_iter().all(|pid| !runs(pid)));
}

#[tokio::test(flavor = "multi_thread")]
async fn cameras_have_threads_of_their_own() {
    let program = Program::start(&["rtsp://127.0.0.1:9/x"], "").await;
    let tasks = std::fs::read_dir(format!("/proc/{}/task", program.pid())).unwrap();
    let names: Vec<String> = tasks
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok())
        .collect();
    for name in ["cameras", "viewers"] {
        assert!(names.iter().any(|n| n.trim() == name), "{names:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_still_is_a_jpeg_of_now() {
    let source = Camera::start(small()).await.unwrap();
    let program = Program::start(&[&source.url()], "").await;
    eventually("a still", async || {
        let (head, body) = program.get_bytes("/camera/snapshot.jpg").await;
        let whole = body.starts_with(&[0xFF, 0xD8]) && body.ends_with(&[0xFF, 0xD9]);
        (head.contains("image/jpeg") && whole).then_some(())
    })
    .await;
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_is_not_there_is_told_with_its_port_and_what_happens_next() {
    // A port that nobody listens at, and that nobody else can take meanwhile.
    let port = tokio::net::TcpSocket::new_v4().unwrap();
    port.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let place = port.local_addr().unwrap();
    let program = Program::start(&[&format!("rtsp://u:hunter2@{place}/x")], "").await;
    eventually("tried again", async || (program.field("runs").await.as_u64()? > 1).then_some(()))
        .await;
    let said = program.said.lock().unwrap().clone();
    let line =
        format!("camera: nothing answers at {place} (connection refused); trying again, at first");
    assert_eq!(said.matches(&line).count(), 1, "{said}");
    assert_eq!(said.matches("WARN").count(), 1, "{said}");
}

#[test]
fn nobody_has_to_read_what_it_says() {
    for option in ["--help", "--version"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut program = std::process::Command::new(SERVER);
        let output = program.arg(option).stdout(writer).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }
}

/// Runs it to its end, with the address of something that is not there.
fn refused(arguments: &[&str]) -> (i32, String) {
    let Output { status, stderr, .. } = std::process::Command::new(SERVER)
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(said.trim_end().lines().count(), 1, "one sentence: {said}");
    (status.code().unwrap(), said)
}

#[test]
fn what_prevents_a_start_is_one_sentence_and_a_status() {
    let old = script("ffmpeg-old", "echo 'ffmpeg version 4.3.6-0+deb11u1 Copyright'");
    let poor = script("ffmpeg-poor", "echo 'ffmpeg version 6.1 Copyright'; echo ' A..... aac'");
    let endless = script("ffmpeg-endless", "yes");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (arguments, code, part) in [
        (&["--ffmpeg", old.to_str().unwrap(), "rtsp://127.0.0.1/"][..], 1, "version 4.3.6"),
        (&["--ffmpeg", poor.to_str().unwrap(), "rtsp://127.0.0.1/"], 1, "libx264"),
        (&["--ffmpeg", "/nowhere/ffmpeg", "rtsp://127.0.0.1/"], 1, "/nowhere/ffmpeg"),
        (&["--listen", &address, "rtsp://127.0.0.1/"], 1, "is taken"),
        (&["--ffmpeg", "/bin/true", "rtsp://127.0.0.1/"], 1, "does not answer as ffmpeg"),
        (&["--ffmpeg", endless.to_str().unwrap(), "rtsp://127.0.0.1/"], 1, "does not answer as"),
        (&["--ffmpeg", "/", "rtsp://127.0.0.1/"], 1, "`/` cannot be run"),
        (&["serve", "/nowhere.toml"], 2, "/nowhere.toml: there is no such file"),
        (&["serve", "/"], 2, "this is a directory"),
        (&["serve", SERVER], 2, "longer than any configuration"),
        (&["serve", "/dev/zero"], 2, "longer than any configuration"),
        (&["serve", "/dev/null"], 2, "no [[camera]]"),
        (&["-"], 2, "none came"),
        (&["encode", "in.mp4", "out/"], 2, "there is no file in.mp4"),
        (&["files", "/nowhere"], 2, "/nowhere: there is no such folder"),
        (&["files", SERVER], 2, "this is a file; name the folder"),
        (&["files", "--listen", &address, "/"], 1, "is taken"),
        (&["files", "rtsp://u:hunter2@127.0.0.1/"], 2, "the folder to hand out: there is no such"),
        (&["--lisen"], 2, "is --listen meant?"),
        (&["camera"], 2, "no command"),
        (&["serve", "rtsp://u:hunter2@127.0.0.1/"], 2, "the file to serve: there is no such file"),
        (&["--ffmpeg", "rtsp://u:hunter2@h/", "rtsp://127.0.0.1/"], 1, "there is no program"),
    ] {
        let (status, said) = refused(arguments);
        assert_eq!(status, code, "{said}");
        assert!(said.contains(part), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn under_nohup_the_end_of_the_terminal_ends_nothing() {
    // A shell that ignores the signal, as nohup does, becomes the server.
    let shell = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("ignores-hangup");
    std::fs::write(&shell, format!("trap '' HUP\nexec {SERVER} \"$@\"\n")).unwrap();
    let mut program =
        Program::start_by("sh", &[shell.to_str().unwrap(), "rtsp://127.0.0.1:9/x"], "").await;
    program.signal("HUP");
    let (head, _) = program.get("/healthz").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    program.signal("TERM");
    assert!(program.ended().await.success());
}
