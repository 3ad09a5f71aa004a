//! `encode`: real films through the real program and the real ffmpeg.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{SERVER, children, eventually, runs, script, signal};

/// A folder of the test's own, empty.
fn place(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("encode-{name}"));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// Makes a film of some seconds with ffmpeg.
fn film(at: &Path, size: &str, args: &[&str]) -> PathBuf {
    let path = at.join("in.mp4");
    let picture = format!("testsrc2=size={size}:rate=25:duration=5");
    let done = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-y", "-f", "lavfi", "-i", &picture])
        .args(["-f", "lavfi", "-i", "sine=frequency=440:duration=5"])
        .args(["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"])
        .args(args)
        .arg(&path)
        .status();
    assert!(done.unwrap().success());
    path
}

fn encode(film: &Path, out: &Path, more: &[&str]) -> Output {
    Command::new(SERVER).arg("encode").args([film, out]).args(more).output().unwrap()
}

/// What it said when it did its work.
fn made(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What it said when it did not, without the progress.
fn refused(output: &Output, status: i32) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{error}");
    error.lines().filter(|l| l.starts_with("nearlive-server: ")).map(str::to_owned).collect()
}

/// All files of a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap());
    entries
        .map(|e| (e.file_name().into_string().unwrap(), std::fs::read(e.path()).unwrap()))
        .collect()
}

fn names(folder: &Path) -> Vec<String> {
    files(folder).into_keys().filter(|name| name != ".nearlive-encode.json").collect()
}

/// When the key frames of a file are shown, as ffprobe sees them.
fn key_frames(file: &Path) -> Vec<String> {
    let shown = ["-select_streams", "v", "-skip_frame", "nokey", "-show_entries", "frame=pts_time"];
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-of", "csv=p=0"]).args(shown).arg(file);
    let text = ffprobe.output().unwrap().stdout;
    let text = String::from_utf8(text).unwrap();
    let times = text.lines().map(|l| l.trim_end_matches(',').to_owned());
    times.filter(|t| !t.is_empty()).collect()
}

/// Another reader of manifests reads all that this one names, and has nothing to say.
fn decodes(manifest: &Path) {
    let read = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(manifest)
        .args(["-map", "0", "-f", "null", "-"])
        .output();
    let read = read.unwrap();
    assert!(read.status.success() && read.stderr.is_empty(), "{read:?}");
}

/// An ffmpeg that does `body` where the rung of 480x270 is made (with all arguments in `$@`).
fn with_large(name: &str, body: &str) -> PathBuf {
    script(name, &format!("case \"$*\" in *scale=480:270*)\n{body}\n;;\nesac\nexec ffmpeg \"$@\""))
}

/// An ffmpeg that writes some of the rung of this size, and then waits for ever.
fn stuck(size: &str) -> PathBuf {
    let body = format!(
        "case \"$*\" in *scale={size}:*)\nfor last; do :; done\nprintf x > \"${{last#file:}}\"\n\
         exec sleep 100000\n;;\nesac\nexec ffmpeg \"$@\""
    );
    script(&format!("stuck-{}.sh", size.replace(':', "x")), &body)
}

/// Shell that waits until the other files beside the rung of 480x270 are made.
const AFTER_THE_OTHERS: &str = "for last; do :; done\nfolder=$(dirname \"${last#file:}\")\n\
    until [ -e \"$folder/video_426x240_300k.mp4\" ] && [ -e \"$folder/audio_64k.mp4\" ]; do sleep 0.05; done\n";

const LARGE: &str = "video_480x270_393k.mp4";
const SMALL: &str = "video_426x240_300k.mp4";

#[test]
fn a_film_becomes_files_that_dash_and_hls_name_alike() {
    let at = place("film");
    let out = at.join("out");
    let said = made(&encode(&film(&at, "480x270", &[]), &out, &[]));
    assert!(said.contains("manifest.mpd (DASH)") && said.contains("3 files, 5.0 s"), "{said}");
    let lists = ["audio_64k", "video_426x240_300k", "video_480x270_393k"];
    let mut all: Vec<String> =
        lists.iter().flat_map(|n| [format!("{n}.m3u8"), format!("{n}.mp4")]).collect();
    all.splice(2..2, ["index.m3u8".into(), "manifest.mpd".into()]);
    assert_eq!(names(&out), all);
    decodes(&out.join("index.m3u8"));
    decodes(&out.join("manifest.mpd"));
    let keys = key_frames(&out.join(LARGE));
    assert_eq!(keys.len(), 3, "{keys:?}");
    assert_eq!(keys, key_frames(&out.join(SMALL)));
    // Once more there is nothing to do.
    let again = made(&encode(&at.join("in.mp4"), &out, &[]));
    assert!(again.contains("3 of them were there already"), "{again}");
}

#[test]
fn webm_has_the_recipes_rungs_and_an_index_in_each_file() {
    let at = place("webm");
    let out = at.join("out");
    made(&encode(&film(&at, "320x180", &[]), &out, &["--webm"]));
    let all =
        ["audio_64k.webm", "manifest.mpd", "video_160x90_250k.webm", "video_320x180_500k.webm"];
    assert_eq!(names(&out), all);
    decodes(&out.join(all[3]));
    let mpd = String::from_utf8(files(&out).remove("manifest.mpd").unwrap()).unwrap();
    for part in
        ["codecs=\"vp09.00.11.08\"", "codecs=\"opus\"", "indexRange=", "mimeType=\"audio/webm\""]
    {
        assert!(mpd.contains(part), "{part} is not in {mpd}");
    }
    let e = refused(&encode(&at.join("in.mp4"), &out, &[]), 2);
    assert!(e.contains("was begun with other settings (--webm or not"), "{e}");
}

#[test]
fn a_film_without_sound_gets_no_sound_and_one_with_uneven_times_keeps_its_rungs_together() {
    let at = place("silent");
    let uneven = ["-an", "-vf", "setpts='(N+0.4*mod(N,3))/25/TB'", "-fps_mode", "vfr"];
    let out = at.join("out");
    made(&encode(&film(&at, "480x270", &uneven), &out, &[]));
    assert!(names(&out).iter().all(|name| !name.starts_with("audio")));
    let all = files(&out);
    let text = |name: &str| String::from_utf8_lossy(&all[name]).into_owned();
    assert!(!text("manifest.mpd").contains("audio") && !text("index.m3u8").contains("AUDIO"));
    decodes(&out.join("index.m3u8"));
}

#[test]
fn what_cannot_be_encoded_is_refused_before_a_folder_is_made() {
    let at = place("refused");
    let good = film(&at, "320x180", &[]);
    let file = |name: &str, text: &str| {
        let path = at.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let notes = file("notes.txt", "Dear diary");
    let sound = at.join("sound.mp4");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-y", "-i"]).arg(&good);
    assert!(ffmpeg.args(["-vn", "-c", "copy"]).arg(&sound).status().unwrap().success());
    let taken = at.join("taken");
    std::fs::create_dir(&taken).unwrap();
    std::fs::write(taken.join("holiday.jpg"), "x").unwrap();
    let out = at.join("out");
    for (film, folder, status, part) in [
        (&notes, &out, 2, "notes.txt is no film that ffmpeg can read (Invalid data found"),
        (&sound, &out, 2, "sound.mp4 has no video"),
        (&at.join("absent.mp4"), &out, 2, "there is no file"),
        (&at, &out, 2, "is no file; name the film in it"),
        (&good, &good, 2, "in.mp4 is the film itself; name a folder"),
        (&good, &notes, 2, "notes.txt is a file; name a folder"),
        (&good, &taken, 2, "holds something else (holiday.jpg)"),
        (&good, &notes.join("out"), 1, "a part of this path is a file; name another folder"),
        (&good, &PathBuf::from("/sys/nearlive"), 1, "nothing can be written into /sys/nearlive"),
    ] {
        let e = refused(&encode(film, folder, &[]), status);
        assert!(e.contains(part), "{e}");
        assert!(!out.exists(), "{e}");
    }
    assert_eq!(std::fs::read_dir(&taken).unwrap().count(), 1);
}

#[test]
fn an_ffmpeg_without_the_encoder_is_told_with_its_name() {
    let at = place("lacks");
    let good = film(&at, "320x180", &[]);
    for (lacks, more) in [("libx264", &[][..]), ("libvpx-vp9", &["--webm"])] {
        let body = format!(
            "case \"$*\" in *-encoders*) ffmpeg \"$@\" | grep -v {lacks}; exit ;; esac\nexec ffmpeg \"$@\""
        );
        let ffmpeg = script(&format!("without-{lacks}.sh"), &body);
        let args = [&["--ffmpeg", ffmpeg.to_str().unwrap()], more].concat();
        let e = refused(&encode(&good, &at.join("out"), &args), 1);
        assert!(e.contains(&format!("built without the encoder {lacks}")), "{e}");
    }
}

/// Begins to encode with an ffmpeg that waits for ever at one file, and ends that with a signal when
/// the file is begun and these are made.
async fn interrupted(
    (film, out): (&Path, &Path),
    ffmpeg: &Path,
    form: &[&str],
    (held, made): (&str, &[&str]),
    name: &str,
) {
    let draft = out.join(format!(".{held}.part"));
    let mut child = tokio::process::Command::new(SERVER)
        .arg("encode")
        .args([film, out])
        .args(form)
        .args(["--ffmpeg", ffmpeg.to_str().unwrap()])
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let begun = || draft.exists() && made.iter().all(|name| out.join(name).exists());
    eventually("the file is begun", async || begun().then_some(())).await;
    let pid = child.id().unwrap();
    let engines: Vec<u32> = children(pid).into_iter().map(|(pid, _)| pid).collect();
    assert!(!engines.is_empty());
    let busy = refused(&encode(film, out, form), 1);
    assert!(busy.contains("another run encodes into"), "{busy}");
    signal(pid, name);
    let ended = child.wait().await.unwrap();
    assert_eq!(ended.code(), if name == "KILL" { None } else { Some(130) });
    let gone = || !engines.iter().any(|pid| runs(*pid));
    eventually("its ffmpeg is gone", async || gone().then_some(())).await;
    assert!(!out.join(held).exists() && !out.join("manifest.mpd").exists());
    assert_eq!(draft.exists(), name == "KILL");
}

/// Goes on with what was interrupted, and compares the result with that of one go.
fn goes_on((film, out): (&Path, &Path), form: &[&str], whole: &Path) {
    let written = |name: &String| out.join(name).metadata().unwrap().modified().unwrap();
    let kept: Vec<String> = names(out).into_iter().filter(|n| !n.starts_with('.')).collect();
    let before: Vec<_> = kept.iter().map(written).collect();
    let said = made(&encode(film, out, form));
    assert!(said.contains(&format!("{} of them were there already", kept.len())), "{said}");
    assert_eq!(kept.iter().map(written).collect::<Vec<_>>(), before, "made once more");
    assert!(files(out) == files(whole), "other bytes than in one go: {}", out.display());
}

#[tokio::test]
async fn stopped_or_killed_it_goes_on_and_has_the_bytes_of_one_go() {
    let at = place("resumed");
    let film = film(&at, "480x270", &[]);
    made(&encode(&film, &at.join("whole"), &[]));
    for name in ["INT", "TERM", "KILL"] {
        let out = at.join(name);
        let files = (LARGE, &["audio_64k.mp4", SMALL][..]);
        interrupted((&film, &out), &stuck("480:270"), &[], files, name).await;
        goes_on((&film, &out), &[], &at.join("whole"));
    }
}

#[tokio::test]
async fn a_ladder_of_webm_goes_on_as_well() {
    let at = place("resumed-webm");
    let (film, out, webm) = (film(&at, "320x180", &[]), at.join("out"), &["--webm"]);
    made(&encode(&film, &at.join("whole"), webm));
    let files = ("video_320x180_500k.webm", &["audio_64k.webm", "video_160x90_250k.webm"][..]);
    interrupted((&film, &out), &stuck("320:180"), webm, files, "INT").await;
    goes_on((&film, &out), webm, &at.join("whole"));
}

#[tokio::test]
async fn small_rungs_that_are_made_are_kept_though_larger_ones_are_not() {
    let at = place("unit");
    let (film, out) = (film(&at, "1280x720", &[]), at.join("out"));
    made(&encode(&film, &at.join("whole"), &[]));
    let small = ["audio_64k.mp4", SMALL, "video_640x360_700k.mp4"];
    let files = ("video_854x480_1200k.mp4", &small[..]);
    interrupted((&film, &out), &stuck("854:480"), &[], files, "INT").await;
    goes_on((&film, &out), &[], &at.join("whole"));
}

#[test]
fn a_rung_that_fails_leaves_the_others_and_is_named() {
    let at = place("fails");
    let (out, film) = (at.join("out"), film(&at, "480x270", &[]));
    let broken = format!("{AFTER_THE_OTHERS}echo '[error] it is broken' >&2\nexit 1");
    let ffmpeg = with_large("broken.sh", &broken);
    let e = refused(&encode(&film, &out, &["--ffmpeg", ffmpeg.to_str().unwrap()]), 1);
    assert!(e.contains("ffmpeg failed at 480x270 (it is broken)"), "{e}");
    assert_eq!(names(&out), ["audio_64k.mp4", SMALL]);
    let said = made(&encode(&film, &out, &[]));
    assert!(said.contains("2 of them were there already"), "{said}");
}

#[test]
fn progress_is_one_line_on_a_terminal_and_plain_lines_elsewhere() {
    let at = place("progress");
    let film = film(&at, "320x180", &[]);
    let plain = encode(&film, &at.join("plain"), &[]);
    let plain = String::from_utf8(plain.stderr).unwrap();
    assert!(plain.lines().all(|l| l.contains(" %")) && plain.starts_with("0 %: "), "{plain:?}");
    assert!(!plain.contains(['\r', '\x1b']), "{plain:?}");
    // script(1) runs a command on a terminal of its own.
    let line = format!("'{SERVER}' encode '{}' '{}'", film.display(), at.join("tty").display());
    let shown = Command::new("script").args(["-qec", &line, "/dev/null"]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let (progress, after) = shown.split_once('\n').unwrap();
    assert!(progress.starts_with("\r0 %: ") && progress.contains("\x1b[K\r"), "{shown:?}");
    assert!(after.contains("manifest.mpd (DASH)") && !after.contains('%'), "{shown:?}");
}

#[test]
fn a_film_that_has_changed_since_is_noticed() {
    let at = place("changed");
    let out = at.join("out");
    let first = film(&at, "320x180", &[]);
    made(&encode(&first, &out, &[]));
    let second = film(&at, "320x180", &["-crf", "40"]);
    let e = refused(&encode(&second, &out, &[]), 1);
    assert!(e.contains("in.mp4 is not the film with which"), "{e}");
    // In the middle as well.
    let touch = with_large("touching.sh", &format!("touch '{}'", second.display()));
    let large = film(&at, "480x270", &[]);
    let args = ["--ffmpeg", touch.to_str().unwrap()];
    let e = refused(&encode(&large, &at.join("middle"), &args), 1);
    assert!(e.contains("or has changed since"), "{e}");
    assert!(names(&at.join("middle")).iter().all(|name| name != LARGE && !name.ends_with(".part")));
}

#[test]
fn key_frames_that_leave_the_other_rungs_are_an_error_with_the_rungs_name() {
    let at = place("misaligned");
    let every_three = "for a; do shift; set -- \"$@\" \"$(printf %s \"$a\" | sed 's/n_forced\\*2/n_forced*3/')\"; done";
    let ffmpeg = with_large("misaligned.sh", &format!("{AFTER_THE_OTHERS}{every_three}"));
    let args = ["--ffmpeg", ffmpeg.to_str().unwrap()];
    let out = at.join("out");
    let e = refused(&encode(&film(&at, "480x270", &[]), &out, &args), 1);
    assert!(e.contains(&format!("key frames of {LARGE} do not stand where")), "{e}");
    assert!(e.contains("one is at 3.000 s, not 2.000 s"), "{e}");
    assert_eq!(names(&out), ["audio_64k.mp4", SMALL]);
}

#[test]
fn a_file_that_was_cut_short_is_named() {
    let at = place("cut");
    let (out, film) = (at.join("out"), film(&at, "320x180", &[]));
    made(&encode(&film, &out, &[]));
    let name = "video_320x180_169k.mp4";
    let bytes = std::fs::read(out.join(name)).unwrap();
    std::fs::write(out.join(name), &bytes[..bytes.len() - 1000]).unwrap();
    let e = refused(&encode(&film, &out, &[]), 1);
    assert!(e.contains(&format!("{name} is damaged")) && e.contains("delete it"), "{e}");
    std::fs::remove_file(out.join(name)).unwrap();
    made(&encode(&film, &out, &[]));
    assert_eq!(std::fs::read(out.join(name)).unwrap(), bytes);
}

#[test]
fn where_no_more_may_be_written_it_says_so_leaves_nothing_half_and_goes_on_later() {
    let at = place("full");
    let (out, film) = (at.join("out"), film(&at, "480x270", &[]));
    // As on a full disk, a write fails: ffmpeg ends with 0 all the same.
    let line = "trap '' XFSZ; ulimit -f 150; exec \"$@\"";
    let limited =
        Command::new("sh").args(["-c", line, "sh", SERVER, "encode"]).args([&film, &out]).output();
    let e = refused(&limited.unwrap(), 1);
    assert!(e.contains("to become that long (ulimit -f)"), "{e}");
    assert!(names(&out).iter().all(|name| !name.ends_with(".part")), "{:?}", names(&out));
    made(&encode(&film, &out, &[]));
    decodes(&out.join("index.m3u8"));
}

#[test]
fn on_a_full_disk_it_says_so_leaves_nothing_half_and_goes_on_when_there_is_room() {
    let at = place("full-disk");
    let (disk, film) = (at.join("disk"), film(&at, "480x270", &[]));
    std::fs::create_dir(&disk).unwrap();
    made(&encode(&film, &at.join("whole"), &[]));
    // A disk of 300 kB that only this shell and its children see.
    let line = "set -e\nmount -t tmpfs -o size=300k none \"$1\"\n\
                if \"$2\" encode \"$3\" \"$1/out\"; then exit 9; fi\nls -A \"$1/out\"\n\
                mount -o remount,size=30m \"$1\"\n\"$2\" encode \"$3\" \"$1/out\"\ncp -a \"$1/out\" \"$4\"";
    let shell = |line: &str| {
        let mut shell = Command::new("unshare");
        shell.args(["-rm", "sh", "-c", line, "sh"]).args([&disk, Path::new(SERVER), &film]);
        shell.arg(at.join("out")).output()
    };
    if !shell("mount -t tmpfs none \"$1\"").is_ok_and(|o| o.status.success()) {
        eprintln!("SKIPPED: unshare(1) may not mount here");
        return;
    }
    let done = shell(line).unwrap();
    let (said, errors) = (made(&done), String::from_utf8_lossy(&done.stderr));
    assert!(errors.contains("there is no room left on the disk of"), "{errors}");
    assert!(!said.contains(".part") && said.contains("manifest.mpd (DASH)"), "{said}");
    assert!(files(&at.join("out")) == files(&at.join("whole")));
}

#[test]
fn sound_and_picture_begin_together_though_encoders_delay_them() {
    let at = place("together");
    let out = at.join("out");
    // The picture begins half a second after the sound.
    made(&encode(&film(&at, "320x180", &["-vf", "setpts=PTS+0.5/TB"]), &out, &[]));
    for name in ["video_320x180_169k.mp4", "audio_64k.mp4"] {
        let bytes = std::fs::read(out.join(name)).unwrap();
        let sidx = bytes.windows(4).position(|w| w == b"sidx").unwrap();
        // Version 1: timescale, then the time of the first picture in eight bytes.
        assert_eq!(bytes[sidx + 4], 1);
        assert_eq!(bytes[sidx + 16..sidx + 24], [0; 8], "{name}");
        let tfdt = bytes.windows(4).position(|w| w == b"tfdt").unwrap();
        assert_eq!(bytes[tfdt + 8..tfdt + 16], [0; 8], "{name}");
    }
}
