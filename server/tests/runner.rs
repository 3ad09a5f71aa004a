//! The whole program with `nearlive-gstreamer` as its engine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Program, SERVER, each_refusal, eventually, is_there, runs, signal, small};
use nearlive_camera::{Auth, Camera, CameraConfig, Fault};
use nearlive_server::engine::kind::Kind;

/// It has to be in none of what is looked at, in no spelling.
const PASSWORD: &str = "Yijian@2018!";

/// A camera behind a password, and the program that reads it. Whatever GStreamer is asked to write down
/// by the environment, it has to keep to itself.
async fn served(name: &str) -> (Camera, Program) {
    let auth = Auth::Digest { user: "admin".into(), password: PASSWORD.into() };
    let source = Camera::start(CameraConfig { auth, ..small() }).await.unwrap();
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.toml"));
    let text = format!(
        "[[camera]]\nname = \"Camera\"\nurl = \"{}\"\nengine = \"gstreamer\"\n",
        source.url_as_typed()
    );
    std::fs::write(&file, text).unwrap();
    let arguments =
        ["GST_DEBUG=6", "GST_TRACERS=log", SERVER, "--verbose", "serve", file.to_str().unwrap()];
    let program = Program::start_by("env", &arguments, "").await;
    program.until_live().await;
    (source, program)
}

fn clean(what: &str, text: &str) {
    assert!(!text.contains("2018"), "{what} has the password: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_shows_nowhere_whatever_goes_wrong_and_gstreamer_is_asked_to_tell() {
    if !is_there(Kind::Gstreamer) {
        return;
    }
    let (source, program) = served("runner-secret").await;
    for pid in [program.pid(), program.runner().await] {
        for part in ["cmdline", "environ", "comm"] {
            let bytes = std::fs::read(format!("/proc/{pid}/{part}")).unwrap_or_default();
            clean(part, &String::from_utf8_lossy(&bytes));
        }
    }
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", program.runner().await));
    let core = limits.unwrap().lines().find(|l| l.starts_with("Max core")).unwrap().to_owned();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    each_refusal(&source, &program, async || {
        for page in ["/", "/api/cameras", "/metrics", "/camera/", "/camera/index.mpd"] {
            let (head, body) = program.get(page).await;
            clean(page, &(head + &body));
        }
    })
    .await;
    let said = program.said.lock().unwrap().clone();
    assert!(said.contains("GStreamer: source video=H264 audio=PCMU"), "{said}");
    assert!(said.contains("the camera refused the password"), "{said}");
    clean("the log", &said);
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_replaced_when_it_is_killed_and_goes_with_the_server() {
    if !is_there(Kind::Gstreamer) {
        return;
    }
    let (source, mut program) = served("runner-killed").await;
    let killed = program.runner().await;
    signal(killed, "KILL");
    let told = "GStreamer was ended by signal 9";
    eventually(told, async || program.said.lock().unwrap().contains(told).then_some(())).await;
    program.until_live().await;
    let second = program.runner().await;
    assert_ne!(second, killed);
    // Nothing more is written to any pipe, so no broken pipe will end it.
    source.control().set(Fault::Stall);
    program.signal("KILL");
    program.ended().await;
    eventually("it is gone", async || (!runs(second)).then_some(())).await;
    source.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_it_in_order() {
    if !is_there(Kind::Gstreamer) {
        return;
    }
    let (source, mut program) = served("runner-ends").await;
    let runner = program.runner().await;
    program.signal("INT");
    assert!(program.ended().await.success());
    assert!(!runs(runner), "it was waited for");
    source.stop().await;
}
