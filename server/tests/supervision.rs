//! The supervisor against a script in ffmpeg's place: what it makes of each way to end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{Gate, around, camera, describes, eventually, runs, script, supervise};
use nearlive_server::camera::status::State;
use nearlive_server::engine::kind::Kind;
use nearlive_server::engine::stderr::{Cause, VideoCodec};
use nearlive_server::package::Ailment;

/// Writes the script's own process id where the test finds it.
fn tells_pid(name: &str) -> (String, std::path::PathBuf) {
    let path = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pid"));
    let _ = std::fs::remove_file(&path);
    (format!("echo $$ > '{}'\n", path.display()), path)
}

/// What ffmpeg says of a camera that has sound, and what follows that.
const SOUND_MAPPING: &str = "echo \"[info]   Stream #0:1: Audio: pcm_alaw, 8000 Hz, mono\" >&2\n\
                             echo \"[info] Stream mapping";

async fn pid_in(path: &std::path::Path) -> u32 {
    eventually("the script told its process id", async || {
        std::fs::read_to_string(path).ok()?.trim().parse().ok()
    })
    .await
}

#[tokio::test]
async fn a_failure_is_told_in_a_sentence_and_tried_again() {
    let say = "echo '[tcp @ 0x1] [error] Connection to tcp://10.0.0.9:554 failed: No route to host' >&2; exit 1";
    let mut watched = supervise(camera("rtsp://10.0.0.9/"), around(script("no-route", say)));
    let status = watched.until("offline", |s| s.state == State::Offline).await;
    assert_eq!(status.cause, Some(Cause::NoRoute));
    watched.until("tried again", |s| s.runs >= 2).await;
    let told = watched.sink.seen().statuses.last().cloned().unwrap();
    assert_eq!((told.state, told.cause.as_str()), ("offline", "no route to 10.0.0.9"));
    watched.end().await;
}

#[tokio::test]
async fn an_exit_without_a_word_after_pictures_is_a_hang_up() {
    let gate = Gate::new("hang-up");
    let body = describes("h264") + &gate.frames() + "exit 0";
    let mut watched = supervise(camera("rtsp://h/"), around(script("hang-up", &body)));
    watched.until("live", |s| s.state == State::Live).await;
    gate.open();
    let status = watched.until("offline", |s| s.state == State::Offline).await;
    assert_eq!(status.cause, Some(Cause::HungUp));
    let again = watched.until("live again", |s| s.state == State::Live && s.runs == 2).await;
    assert_eq!(again.cause, None);
    watched.end().await;
}

#[tokio::test]
async fn frames_that_stop_end_the_run_although_ffmpeg_goes_on() {
    let (tell, path) = tells_pid("silent");
    let body = tell + &describes("h264") + "printf x >&3; exec sleep 1000";
    let mut watched = supervise(camera("rtsp://h/"), around(script("silent", &body)));
    watched.until("live", |s| s.state == State::Live).await;
    let pid = pid_in(&path).await;
    let status = watched.until("offline", |s| s.state == State::Offline).await;
    let Some(Cause::StoppedSending(last)) = status.cause else { panic!("{:?}", status.cause) };
    assert_eq!(status.since, last, "the outage begins with the last frame");
    let told = watched.sink.seen().statuses.last().cloned().unwrap();
    assert_eq!(told.cause, "the camera stopped sending", "no age, which would not stay true");
    assert!(!runs(pid), "the silent ffmpeg was ended");
    watched.end().await;
}

#[tokio::test]
async fn sound_alone_is_no_sign_of_life() {
    let body = describes("h264").replace("echo \"[info] Stream mapping", SOUND_MAPPING)
        + "printf x >&3; while printf a >&6; do sleep 0.05; done";
    let mut watched = supervise(camera("rtsp://h/"), around(script("sound-only", &body)));
    watched.until("live", |s| s.state == State::Live).await;
    let status = watched.until("offline", |s| s.state == State::Offline).await;
    assert!(matches!(status.cause, Some(Cause::StoppedSending(_))), "{:?}", status.cause);
    assert!(watched.sink.bytes_of(3) > 1);
    watched.end().await;
}

#[tokio::test]
async fn a_camera_without_sound_is_known_by_its_description() {
    let body = describes("h264") + "printf a >&6; while printf x >&3; do sleep 0.1; done";
    let mut watched = supervise(camera("rtsp://h/"), around(script("mute", &body)));
    let status = watched.until("live", |s| s.state == State::Live).await;
    assert_eq!(status.runs, 1);
    eventually("nobody waits for its sound", async || {
        (watched.sink.seen().left_out == [3]).then_some(())
    })
    .await;
    assert_eq!(watched.sink.bytes_of(3), 0);
    watched.end().await;
}

#[tokio::test]
async fn a_camera_with_b_pictures_is_run_again_at_once_with_them_in_mind() {
    let body = describes("h264")
        + "case \"$*\" in *setts=pts*) ;; *) \
           echo \"[mpegts @ 0x1] [error] first pts and dts value must be set\" >&2; exit 1;; esac\n\
           while printf x >&3; do sleep 0.1; done";
    let mut watched = supervise(camera("rtsp://h/"), around(script("reordered", &body)));
    let status = watched.until("live", |s| s.state == State::Live).await;
    assert_eq!(status.runs, 2);
    let seen: Vec<&str> = watched.sink.seen().statuses.iter().map(|s| s.state).collect();
    assert_eq!(seen, ["connecting", "live"], "viewers never hear of it");
    watched.end().await;
}

#[tokio::test]
async fn of_an_h265_camera_only_the_encoded_rungs_are_given_out() {
    let body = describes("hevc")
        + "printf copied >&3; printf encoded >&4; while printf x >&4; do sleep 0.1; done";
    let mut watched = supervise(camera("rtsp://h/"), around(script("hevc", &body)));
    let status = watched.until("live", |s| s.state == State::Live).await;
    assert_eq!(status.source.video, Some(VideoCodec::Hevc));
    assert_eq!(watched.sink.bytes_of(0), 0);
    assert!(watched.sink.bytes_of(1) >= 7);
    eventually("the copied rung was left out", async || {
        watched.sink.seen().left_out.contains(&0).then_some(())
    })
    .await;
    watched.end().await;
}

#[tokio::test]
async fn an_h265_camera_without_a_ladder_is_told_what_to_do() {
    let body = describes("hevc") + "printf x >&3; exec sleep 1000";
    let mut config = camera("rtsp://h/");
    config.ladder.clear();
    let mut watched = supervise(config, around(script("hevc-only", &body)));
    let status = watched.until("offline", |s| s.state == State::Offline).await;
    assert_eq!(status.cause, Some(Cause::CodecNotOffered(VideoCodec::Hevc)));
    watched.end().await;
}

#[tokio::test]
async fn an_ffmpeg_that_does_not_listen_is_killed_at_the_end() {
    let (tell, path) = tells_pid("deaf");
    let body = format!(
        "trap '' TERM INT\n{tell}{}printf x >&3; while :; do sleep 1; done",
        describes("h264")
    );
    let mut watched = supervise(camera("rtsp://h/"), around(script("deaf", &body)));
    watched.until("live", |s| s.state == State::Live).await;
    let pid = pid_in(&path).await;
    watched.end().await;
    assert!(!runs(pid));
}

/// What a wrapper around ffmpeg does that does not become it: ffmpeg is its child, with the same pipes.
fn behind_a_shell(name: &str, keeper: &str, then: &str) -> (String, std::path::PathBuf) {
    let path = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pid"));
    let _ = std::fs::remove_file(&path);
    let child =
        format!("{keeper} sh -c 'printf x >&3; echo $$ > {}; exec sleep 1000' &\n", path.display());
    (describes("h264") + &child + then, path)
}

#[tokio::test]
async fn an_ffmpeg_behind_a_shell_is_ended_with_it_when_frames_stop_and_at_the_end() {
    let (body, path) = behind_a_shell("behind", "", "wait");
    let mut watched = supervise(camera("rtsp://h/"), around(script("behind", &body)));
    watched.until("live", |s| s.state == State::Live).await;
    let pid = pid_in(&path).await;
    let status = watched.until("offline", |s| s.state == State::Offline).await;
    assert!(matches!(status.cause, Some(Cause::StoppedSending(_))), "{:?}", status.cause);
    assert!(!runs(pid));
    std::fs::remove_file(&path).unwrap();
    watched.until("live again", |s| s.state == State::Live && s.runs == 2).await;
    let pid = pid_in(&path).await;
    watched.end().await;
    assert!(!runs(pid));
}

#[tokio::test]
async fn an_ffmpeg_that_its_shell_leaves_behind_goes_with_it() {
    let until_it_runs = "until [ -s \"$pid\" ]; do sleep 0.05; done; exit 0";
    let (body, path) = behind_a_shell("left-behind", "", until_it_runs);
    let body = format!("pid='{}'\n{body}", path.display());
    let mut watched = supervise(camera("rtsp://h/"), around(script("left-behind", &body)));
    let pid = pid_in(&path).await;
    let status = watched.until("offline", |s| s.state == State::Offline).await;
    assert_eq!(status.cause, Some(Cause::HungUp));
    assert!(!runs(pid));
    watched.end().await;
}

#[tokio::test]
async fn pipes_that_somebody_else_holds_open_are_not_waited_for() {
    let (body, path) = behind_a_shell("escaped", "setsid", "wait");
    let mut watched = supervise(camera("rtsp://h/"), around(script("escaped", &body)));
    watched.until("live", |s| s.state == State::Live).await;
    let pid = pid_in(&path).await;
    watched.until("offline", |s| s.state == State::Offline).await;
    watched.until("live again", |s| s.state == State::Live && s.runs == 2).await;
    assert!(runs(pid), "it has left the group");
    watched.end().await;
    common::signal(pid, "KILL");
    common::signal(pid_in(&path).await, "KILL");
}

#[tokio::test]
async fn an_ffmpeg_that_cannot_be_started_is_a_cause_too() {
    let mut watched = supervise(camera("rtsp://h/"), around("/nowhere/ffmpeg"));
    let status = watched.until("offline", |s| s.state == State::Offline).await;
    let sentence = status.sentence("h", status.since).unwrap();
    assert!(sentence.contains("/nowhere/ffmpeg"), "{sentence}");
    watched.end().await;
}

#[tokio::test]
async fn no_word_of_ffmpeg_reaches_a_status_with_a_password_in_it() {
    let say = "echo '[error] cannot open rtsp://u:Ab@2018!@h/x nor Ab%402018%21' >&2; exit 1";
    let around = around(script("babbler", say));
    let config = camera("rtsp://u:Ab@2018!@h/x");
    config.address.teach(&around.redactor);
    let mut watched = supervise(config, around);
    let status = watched.until("offline", |s| s.state == State::Offline).await;
    assert_eq!(
        status.cause,
        Some(Cause::EngineFailed(Kind::Ffmpeg, "cannot open rtsp://***@h/*** nor ***".into()))
    );
    watched.end().await;
}

#[tokio::test]
async fn a_camera_whose_every_run_begins_with_a_leap_is_not_run_in_a_circle() {
    let mark = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("leaps.mark");
    let _ = std::fs::remove_file(&mark);
    let mark = mark.display();
    let gate = Gate::new("leaps");
    let body = describes("h264")
        + &format!(
            "if [ -e '{mark}' ]; then\n{}exit 0; fi\n\
             touch '{mark}'; while printf x >&3; do sleep 0.1; done",
            gate.frames()
        );
    let mut watched = supervise(camera("rtsp://h/"), around(script("leaps", &body)));
    watched.sink.seen().ailment = Some(Ailment::StandsStill);
    let status = watched.until("offline", |s| s.state == State::Offline).await;
    assert_eq!(status.cause, Some(Cause::ClockLeapt));
    watched.until("live again", |s| s.state == State::Live && s.runs == 2).await;
    gate.open();
    let status = watched.until("offline", |s| s.state == State::Offline).await;
    assert_eq!(status.cause, Some(Cause::HungUp), "the second run came to its own end");
    watched.end().await;
}

#[tokio::test]
async fn a_camera_is_not_given_up_because_the_server_itself_could_not_run() {
    let body = describes("h264") + "while printf x >&3; do sleep 0.1; done";
    let mut watched = supervise(camera("rtsp://h/"), around(script("busy-server", &body)));
    watched.until("live", |s| s.state == State::Live).await;
    for _ in 0..2 {
        // Everything of the test runs in this thread: nothing is read, nothing watched.
        std::thread::sleep(std::time::Duration::from_secs(4));
        let before = watched.sink.bytes_of(0);
        eventually("frames again", async || (watched.sink.bytes_of(0) > before + 50).then_some(()))
            .await;
    }
    let status = watched.status.borrow().clone();
    assert_eq!((status.state, status.runs, status.cause), (State::Live, 1, None));
    watched.end().await;
}

#[tokio::test]
async fn what_is_no_picture_of_the_kind_announced_ends_the_run_with_what_to_do() {
    let body = describes("h264") + "while printf x >&3; do sleep 0.1; done";
    let mut watched = supervise(camera("rtsp://h/"), around(script("other-codec", &body)));
    watched.until("live", |s| s.state == State::Live).await;
    watched.sink.seen().ailment = Some(Ailment::NoPictures { hevc: true });
    let status = watched.until("offline", |s| s.state == State::Offline).await;
    assert_eq!(status.cause, Some(Cause::NotWhatItSaid(Some(VideoCodec::Hevc))));
    watched.end().await;
}

#[tokio::test]
async fn pictures_that_cannot_be_decoded_are_not_live_until_they_can() {
    let mark = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("damage.mark");
    let _ = std::fs::remove_file(&mark);
    let mark = mark.display();
    let body = describes("h264")
        + &format!(
            "while printf x >&3; do [ -e '{mark}' ] || \
             echo '[error] Error while decoding stream #0:0: Invalid data found' >&2; sleep 0.05; done"
        );
    let mut watched = supervise(camera("rtsp://h/"), around(script("damaged", &body)));
    let status = watched.until("not live", |s| s.state == State::Offline).await;
    assert_eq!(status.cause, Some(Cause::Undecodable));
    std::fs::write(mark.to_string(), "").unwrap();
    let status = watched.until("live again", |s| s.state == State::Live).await;
    assert_eq!((status.runs, status.cause), (1, None), "the run went on all the while");
    watched.end().await;
}

#[tokio::test]
async fn a_picture_that_is_too_big_ends_the_run_and_is_told_with_its_size() {
    let body = describes("h264")
        + "echo '[h264 @ 0x5] [error] Picture size 16000x16000 exceeds specified max pixel count 1' >&2\n\
           exec sleep 1000";
    let mut watched = supervise(camera("rtsp://h/"), around(script("too-big", &body)));
    let status = watched.until("offline", |s| s.state == State::Offline).await;
    assert_eq!(status.cause, Some(Cause::PictureTooBig(16_000, 16_000)));
    watched.end().await;
}

#[tokio::test]
async fn a_crash_of_ffmpeg_is_told_apart_from_somebody_killing_it() {
    for (name, signal, cause) in [
        ("crashed", "SEGV", Cause::EngineCrashed(Kind::Ffmpeg, 11)),
        ("killed", "KILL", Cause::EngineKilled(Kind::Ffmpeg, 9)),
    ] {
        let body = describes("h264") + "kill -s " + signal + " $$";
        let mut watched = supervise(camera("rtsp://h/"), around(script(name, &body)));
        let status = watched.until("offline", |s| s.state == State::Offline).await;
        assert_eq!(status.cause, Some(cause));
        watched.end().await;
    }
}

#[tokio::test]
async fn megabytes_on_stderr_are_read_and_a_core_without_a_frame_ends_the_run() {
    let body = "while :; do echo '[error] garbage garbage garbage' >&2; done";
    let mut watched = supervise(camera("rtsp://h/"), around(script("babble", body)));
    let status = watched.until("offline", |s| s.state == State::Offline).await;
    assert_eq!(status.cause, Some(Cause::NoRtsp));
    watched.end().await;
}

#[tokio::test]
async fn ffmpeg_runs_within_limits() {
    let (tell, path) = tells_pid("limited");
    let body = tell + &describes("h264") + "printf x >&3; exec sleep 1000";
    let mut watched = supervise(camera("rtsp://h/"), around(script("limited", &body)));
    watched.until("live", |s| s.state == State::Live).await;
    let pid = pid_in(&path).await;
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let soft = |name: &str| {
        let line = limits.lines().find(|l| l.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!(soft("Max core file size"), "0");
    assert!(soft("Max address space").parse::<u64>().unwrap() <= 4 << 30);
    assert!(soft("Max data size").parse::<u64>().unwrap() <= 2 << 30);
    watched.end().await;
}

#[tokio::test]
async fn two_hundred_runs_leave_no_descriptor_and_no_zombie() {
    let mut config = camera("rtsp://h/");
    config.audio = nearlive_server::config::Audio::Off;
    let around = around(script("ends-at-once", "exit 1"));
    let plan = nearlive_server::engine::argv::Plan {
        engine: config.engine,
        address: config.address.clone(),
        transport: config.transport,
        reordered: false,
        tracks: nearlive_server::camera::supervisor::outputs(&config),
    };
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let mut before = 0;
    for i in 0..200 {
        let (mut process, outputs) = around.launcher.start(&plan).await.unwrap();
        assert!(!process.wait().await.unwrap().success());
        drop((process, outputs));
        if i == 10 {
            before = open();
        }
    }
    eventually("as many descriptors as after ten", async || (open() <= before).then_some(())).await;
    let zombies = common::children(std::process::id());
    let zombies = zombies.into_iter().filter(|(pid, name)| !runs(*pid) && name.contains("ends"));
    assert_eq!(zombies.count(), 0);
}
