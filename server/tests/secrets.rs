//! No password, in no spelling, in anything that people or programs can read.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Program, each_refusal, eventually, small};
use nearlive_camera::{Auth, Camera, CameraConfig, Fault};

/// Each is looked for in everything; the last is `admin:` with the password, in base64.
const SPELLINGS: [&str; 4] =
    ["Ab@2018!:%x", "Ab%402018%21%3A%25x", "Ab%402018%21%3a%25x", "YWRtaW46QWJAMjAxOCE6JXg="];

fn clean(what: &str, text: &str) {
    for spelling in SPELLINGS {
        assert!(!text.contains(spelling), "{what} has the password: {text}");
    }
    assert!(!text.contains("2018!") && !text.contains("402018"), "{what} has a part of it: {text}");
}

async fn camera() -> Camera {
    let auth = Auth::Digest { user: "admin".into(), password: SPELLINGS[0].into() };
    Camera::start(CameraConfig { auth, ..small() }).await.unwrap()
}

/// What other users of the machine can see of this process.
fn visible(pid: u32) -> String {
    let part = |name: &str| {
        let bytes = std::fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    format!("{} {} {}", part("cmdline"), part("environ"), part("comm"))
}

async fn pages_are_clean(program: &Program) {
    for path in [
        "/",
        "/api/cameras",
        "/metrics",
        "/healthz",
        "/time",
        "/camera/",
        "/camera/index.mpd",
        "/camera/index.m3u8",
        "/camera/v0.m3u8",
        "/camera/nothing",
        "/nobody/",
        "/camera/1/v0/1.m4s",
    ] {
        let (head, body) = program.get(path).await;
        clean(path, &head);
        clean(path, &body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_in_an_argument_shows_nowhere() {
    let source = camera().await;
    let address = source.url_as_typed();
    assert!(address.contains(SPELLINGS[0]), "as people type it");
    let program = Program::start(&["--verbose", &address], "").await;
    program.until_live().await;
    let engine = program.engine().await;
    for pid in [program.pid(), engine] {
        clean("a process", &visible(pid));
    }
    pages_are_clean(&program).await;

    // ffmpeg repeats the whole address when it fails.
    each_refusal(&source, &program, async || pages_are_clean(&program).await).await;
    let said = program.said.lock().unwrap().clone();
    assert!(said.contains("rtsp://***@127.0.0.1"), "ffmpeg was heard: {said}");
    assert!(said.contains("the camera refused the password"), "{said}");
    clean("the log", &said);
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_in_a_file_or_on_stdin_shows_nowhere() {
    let source = camera().await;
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("secret.toml");
    let text = format!(
        "[[camera]]\nname = \"Camera\"\nhost = \"{}\"\npath = \"/live\"\nuser = \"admin\"\npassword = \"{}\"\n",
        source.address(),
        SPELLINGS[0]
    );
    std::fs::write(&file, text).unwrap();
    let from_file: (&[&str], String) =
        (&["--verbose", "serve", file.to_str().unwrap()], String::new());
    let from_stdin: (&[&str], String) = (&["--verbose", "-"], source.url_as_typed() + "\n");
    for (arguments, stdin) in [from_file, from_stdin] {
        let program = Program::start(arguments, &stdin).await;
        program.until_live().await;
        for pid in [program.pid(), program.engine().await] {
            clean("a process", &visible(pid));
        }
        pages_are_clean(&program).await;
        source.control().set(Fault::Refuse);
        eventually("refused", async || {
            (program.field("code").await == "connection-refused").then_some(())
        })
        .await;
        clean("the log", &program.said.lock().unwrap().clone());
        source.control().clear();
    }
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_a_password_that_others_can_read_is_told_with_the_command_that_mends_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("readable.toml");
    let name = file.display().to_string();
    let with = "url = \"rtsp://admin:hunter2@127.0.0.1:9/\"";
    let without = "url = \"rtsp://127.0.0.1:9/live\"";
    for (mode, camera, told) in [(0o644, with, true), (0o600, with, false), (0o644, without, false)]
    {
        std::fs::write(&file, format!("[[camera]]\nname = \"Camera\"\n{camera}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
        let program = Program::start(&["serve", &name], "").await;
        eventually("tried", async || (program.field("state").await == "offline").then_some(()))
            .await;
        let said = program.said.lock().unwrap().clone();
        assert_eq!(said.contains(&format!("chmod 600 {name}")), told, "{mode:o}: {said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}

/// A program in ffmpeg's place that says of a camera at `path` what ffmpeg and cameras may say.
fn babbler(name: &str, path: &str, secret: &str) -> std::path::PathBuf {
    let encoded = path.replace('/', "%2F").replace('=', "%3D").replace(':', "%3A");
    let long = format!("{}{path}", "y".repeat(1012));
    let lines: Vec<String> = [
        format!("[info]     title           : {path}"),
        format!("[rtsp @ 0x5] [error] method DESCRIBE failed: 400 no {path} here"),
        format!("[info] Content-Base: rtsp://127.0.0.1:9{path}/"),
        format!("[info] Location: http://127.0.0.1/cgi?goto={encoded}"),
        format!("[info] Location: rtsp://admin:{secret}@127.0.0.1{path}"),
        format!("[info] a=control:trackID=1?token={secret}"),
        format!("[info] the login {secret} is wrong"),
        // As long as ffmpeg lets a message be, with the next one right behind it.
        format!("{}[error] pipe:0: {path} cannot be opened", &long[..1023]),
    ]
    .into_iter()
    .map(|line| format!("echo '{line}' >&2"))
    .collect();
    let body = format!(
        "case \"$*\" in *-version*) echo 'ffmpeg version 6.1 Copyright';; *-encoders*) echo 'libx264 aac';;\n\
         *) {}; exit 1;; esac",
        lines.join("; ")
    );
    common::script(name, &body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_in_a_path_shows_nowhere_however_the_maker_writes_it() {
    let secret = "tlJwpbo6";
    for (i, path) in [
        "/user=admin_password=tlJwpbo6_channel=1_stream=0.sdp?real_stream",
        "/user=admin&password=tlJwpbo6&channel=1",
        "/admin:tlJwpbo6/ch1",
        "/live?p=tlJwpbo6",
        "/live?key=tlJwpbo6",
        "/tlJwpbo6/stream1",
    ]
    .into_iter()
    .enumerate()
    {
        let engine = babbler(&format!("babbler-{i}"), path, secret);
        let arguments = ["--verbose", "--ffmpeg", engine.to_str().unwrap()];
        let address = format!("rtsp://127.0.0.1:9{path}");
        let program = Program::start(&[&arguments[..], &[&address]].concat(), "").await;
        eventually("tried", async || (program.field("state").await == "offline").then_some(()))
            .await;
        eventually("heard", async || {
            program.said.lock().unwrap().contains("cannot be opened").then_some(())
        })
        .await;
        let mut told = program.said.lock().unwrap().clone() + &visible(program.pid());
        for page in ["/", "/api/cameras", "/metrics", "/camera/", "/camera/index.mpd"] {
            told += &program.get(page).await.1;
        }
        assert!(!told.contains("tlJw") && !told.contains("wpbo6"), "{path}: {told}");
        assert!(told.contains("rtsp://127.0.0.1:9/***"), "{path}: {told}");
    }
}
