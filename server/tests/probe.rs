//! `probe` as a process: what it says of cameras, films and lists, and of what is none.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use common::{PATIENCE, Program, SERVER, eventually, small};
use nearlive_camera::{Auth, Camera, CameraConfig, Coding};

const PASSWORD: &str = "Yijian@2018!";

/// Starts it.
fn started(arguments: &[&str]) -> tokio::process::Child {
    tokio::process::Command::new(SERVER)
        .arg("probe")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Runs it to its end: its status, and what it said on stdout and stderr.
async fn probe(arguments: &[&str]) -> (i32, String, String) {
    let child = started(arguments);
    let ended = tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("it ends");
    let Output { status, stdout, stderr } = ended.unwrap();
    let said = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    for said in &said {
        assert!(!said.contains("2018"), "a password: {said}");
    }
    let [stdout, stderr] = said;
    (status.code().unwrap(), stdout, stderr)
}

fn folder() -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("probe");
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// Has ffmpeg make `name` of these sources.
fn made(name: &str, arguments: &str) -> String {
    let path = folder().join(name);
    let quiet = "-hide_banner -loglevel error -nostdin -y";
    let words = quiet.split(' ').chain(arguments.split_whitespace());
    let ended = std::process::Command::new("ffmpeg").args(words).arg(&path).status();
    assert!(ended.unwrap().success(), "{arguments}");
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_is_described_without_its_password() {
    let auth = Auth::Digest { user: "admin".into(), password: PASSWORD.into() };
    let source = Camera::start(CameraConfig { auth, ..small() }).await.unwrap();
    let address = source.url_as_typed();
    assert!(address.contains(PASSWORD));
    let (code, said, _) = probe(&[&address, "--json"]).await;
    assert_eq!(code, 0, "{said}");
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(json["kind"], "camera");
    assert_eq!(json["source"], format!("rtsp://{}", source.address()));
    let video = &json["video"][0];
    assert_eq!((&video["width"], &video["height"]), (&320.into(), &180.into()));
    assert!(video["codecs"].as_str().unwrap().starts_with("avc1."), "{video}");
    let measured = &json["measured"];
    assert_eq!(measured["gop_min"]["pictures"], 10);
    assert_eq!(measured["gop_max"]["pictures"], 10);
    assert_eq!(measured["b_pictures"], 0);
    assert!(measured["bits_per_second"].as_u64().unwrap() > 10_000, "{measured}");
    assert_eq!(json["clock"]["jumps"], 0);
    assert_eq!(json["audio"][0]["codec"], "pcm_mulaw");
    assert!(json["plays"][0].as_str().unwrap().contains("every browser"));
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_password_is_in_what_other_users_see_of_a_probe() {
    let auth = Auth::Digest { user: "admin".into(), password: PASSWORD.into() };
    let source = Camera::start(CameraConfig { auth, ..small() }).await.unwrap();
    let mut child = started(&["--verbose", &source.url_as_typed()]);
    let own = child.id().unwrap();
    let mut programs = std::collections::BTreeSet::new();
    eventually("it ends", async || {
        // From its first child on, its own arguments are what they stay.
        let children = common::children(own);
        for pid in
            children.iter().map(|(pid, _)| *pid).chain([own]).filter(|_| !children.is_empty())
        {
            for part in ["cmdline", "environ"] {
                let bytes = std::fs::read(format!("/proc/{pid}/{part}")).unwrap_or_default();
                let text = String::from_utf8_lossy(&bytes);
                assert!(!text.contains("2018"), "{text}");
            }
        }
        programs.extend(children.into_iter().map(|(_, name)| name));
        child.try_wait().unwrap()
    })
    .await;
    assert!(programs.contains("ffprobe") && programs.contains("ffmpeg"), "{programs:?}");
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_to_change_in_a_camera_is_said() {
    let config = CameraConfig { coding: Coding::Reordered(2), gop_frames: Some(80), ..small() };
    let source = Camera::start(config).await.unwrap();
    let (code, said, _) = probe(&[&source.url()]).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("It sends B pictures"), "{said}");
    assert!(said.contains("s pass between key frames") && said.contains("(80 pictures)"), "{said}");
    assert!(said.contains("no jumps"), "{said}");
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_refuses_or_is_not_there_has_its_sentence() {
    let auth = Auth::Digest { user: "admin".into(), password: PASSWORD.into() };
    let source = Camera::start(CameraConfig { auth, ..small() }).await.unwrap();
    let place = source.address().to_string();
    // A port that nobody listens at, and that nobody else can take meanwhile.
    let port = tokio::net::TcpSocket::new_v4().unwrap();
    port.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let dead = port.local_addr().unwrap();
    for (address, part) in [
        (format!("rtsp://admin:x2018@{place}/live"), "refused the password".to_owned()),
        (format!("rtsp://{place}/live"), "wants a user and a password".to_owned()),
        (format!("rtsp://admin:x2018@{dead}/"), format!("nothing answers at {dead}")),
        (format!("http://u:x2018@{dead}/a.mpd"), format!("nothing answers at {dead}")),
    ] {
        let (code, _, said) = probe(&[&address]).await;
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(&part) && said.trim_end().lines().count() == 1, "{said}");
    }
    let (code, json, _) = probe(&["--json", &format!("rtsp://{dead}/")]).await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(code, 1);
    assert!(json["error"].as_str().unwrap().contains("nothing answers"), "{json}");
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_is_described_by_what_is_in_it() {
    let film = made(
        "a film.mp4",
        "-f lavfi -i testsrc2=s=320x180:r=25:d=8 -f lavfi -i sine=r=48000:d=8 -c:v libx264 -preset \
         ultrafast -bf 2 -b_strategy 0 -g 100 -pix_fmt yuv420p -c:a aac -ac 2",
    );
    let (code, said, _) = probe(&[&film]).await;
    assert_eq!(code, 0, "{said}");
    for part in
        ["(avc1.", "25 fps", "every 4.0 s (100 pictures)", "AAC (mp4a.40.2), 48000 Hz, stereo"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("clock") && said.contains("the GOP (-g)"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_read_from_a_web_server() {
    made(
        "list.m3u8",
        "-f lavfi -i testsrc2=s=320x180:r=10:d=8 -c:v libx264 -preset ultrafast -g 20 -pix_fmt yuv420p \
         -hls_time 2",
    );
    std::fs::write(folder().join("page.m3u8"), "<!doctype html>").unwrap();
    let program = Program::start(&["files", folder().to_str().unwrap()], "").await;
    let at = |name: &str| format!("http://127.0.0.1:{}/{name}", program.port);
    let (code, said, _) = probe(&[&at("list.m3u8")]).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("(avc1.") && said.contains("every 2.0 s (20 pictures)"), "{said}");
    for (name, part) in [("gone.mpd", "nothing at this path (404)"), ("page.m3u8", "is no film")] {
        let (code, _, said) = probe(&[&at(name)]).await;
        assert_eq!(code, 1);
        assert!(said.contains(part), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_film_is_told_as_what_it_is() {
    let sound = made("sound.m4a", "-f lavfi -i sine=r=48000:d=1 -c:a aac");
    let file = |name: &str, text: &str| {
        let path = folder().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let text = file("notes.txt", "It is a text, and has several words in it.\n");
    let empty = file("empty.mp4", "");
    let cut = file("cut.mp4", "\0\0\0\x18ftypmp42");
    let folder = folder();
    for (arguments, code, part) in [
        (&[text.as_str()][..], 1, "notes.txt: this is no film"),
        (&[&cut], 1, "cut.mp4: this is no film"),
        (&[&empty], 2, "empty.mp4: the file is empty"),
        (&[&sound], 1, "there is no video in it, only sound (AAC)"),
        (&[folder.to_str().unwrap()], 2, "this is a folder"),
        (&["/nowhere.mp4"], 2, "/nowhere.mp4: there is no such file"),
        (&["u:x2018@h/a.mp4"], 2, "the file to probe: there is no such file"),
        (&["ftp://u:x2018@h/"], 2, "begins with rtsp://"),
        (&["--ffmpeg", "/nowhere/ffmpeg", &sound], 1, "/nowhere/ffmpeg"),
    ] {
        let (status, said, error) = probe(arguments).await;
        assert_eq!(status, code, "{error}");
        assert!(error.contains(part) && error.trim_end().lines().count() == 1, "{error}");
        assert_eq!(said, "", "{arguments:?}");
    }
}
