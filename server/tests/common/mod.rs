//! What the tests of supervision share: an engine, cameras, and a sink that remembers.

// Each test binary uses its own part of this, and a test helper fails by panicking.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nearlive::time::WallTime;
use nearlive_camera::{Camera, CameraConfig, Fault, FrameRate, Size};
use nearlive_server::camera::address::Address;
use nearlive_server::camera::secret::Redactor;
use nearlive_server::camera::status::Status;
use nearlive_server::camera::supervisor::{Sink, Supervisor, Surroundings};
use nearlive_server::clock::Clock;
use nearlive_server::config::{self, Config};
use nearlive_server::engine::Engine;
use nearlive_server::engine::kind::Kind;
use nearlive_server::engine::spawn::Launcher;
use nearlive_server::package::Ailment;
use nearlive_server::shutdown::Shutdown;
use nearlive_server::store::SourceStatus;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The program under test.
pub const SERVER: &str = env!("CARGO_BIN_EXE_nearlive-server");

/// The longest that any of the tests waits for something that will surely come, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Small and quick, so that many cameras can run at once.
pub fn small() -> CameraConfig {
    CameraConfig {
        size: Size::new(320, 180).unwrap(),
        fps: FrameRate::new(20, 1).unwrap(),
        gop_frames: Some(10),
        bitrate_kbps: 300,
        ..CameraConfig::default()
    }
}

/// A shell script in ffmpeg's place. It is given ffmpeg's arguments, its input list on stdin and
/// the tracks' pipes from descriptor 3 on.
pub fn script(name: &str, body: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    // Written under another name first: a script that is being written cannot be run.
    let draft = path.with_extension("draft");
    std::fs::write(&draft, format!("#!/bin/sh\ncat > /dev/null\n{body}\n")).unwrap();
    std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::rename(&draft, &path).unwrap();
    path
}

/// A gate for a script to wait at, so that it ends when the test says so and not after some time.
pub struct Gate(PathBuf);

impl Gate {
    /// A gate that is shut.
    pub fn new(name: &str) -> Self {
        let gate = Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.gate")));
        let _ = std::fs::remove_file(&gate.0);
        gate
    }

    /// A line of shell that gives out a frame again and again until the gate is open, and shuts it.
    pub fn frames(&self) -> String {
        let gate = self.0.display();
        format!("until [ -e '{gate}' ]; do printf x >&3; sleep 0.1; done\nrm '{gate}'\n")
    }

    /// Opens it.
    pub fn open(&self) {
        std::fs::write(&self.0, "").unwrap();
    }
}

/// What ffmpeg says of a camera with this video codec, before the first byte.
pub fn describes(codec: &str) -> String {
    format!(
        "echo \"[info] Input #0, concat, from 'pipe:0':\" >&2\n\
         echo \"[info]   Stream #0:0: Video: {codec} (Main), yuv420p, 640x360, 25 fps\" >&2\n\
         echo \"[info] Stream mapping:\" >&2\n"
    )
}

/// Surroundings with this ffmpeg.
pub fn around(ffmpeg: impl Into<PathBuf>) -> Surroundings {
    let engine =
        Engine { ffmpeg: ffmpeg.into(), gstreamer: gstreamer(), wrapper: Some(SERVER.into()) };
    Surroundings {
        launcher: Launcher::new(engine, &tokio::runtime::Handle::current()).unwrap(),
        redactor: Redactor::default(),
        clock: Clock::start(),
        shutdown: Shutdown::default(),
    }
}

/// A camera at `url`, everything else by default.
pub fn camera(url: &str) -> config::Camera {
    Config::single("cam", "Cam", Address::parse(url).unwrap()).cameras.remove(0)
}

/// The same, read by this engine.
pub fn camera_by(engine: Kind, url: &str) -> config::Camera {
    config::Camera { engine, ..camera(url) }
}

/// `nearlive-gstreamer`, which is built beside the server.
pub fn gstreamer() -> PathBuf {
    PathBuf::from(SERVER).with_file_name("nearlive-gstreamer")
}

/// Whether this engine is there. Where it is not, a test says so and does nothing, unless
/// NEARLIVE_GSTREAMER demands that it be there.
pub fn is_there(engine: Kind) -> bool {
    let there = engine == Kind::Ffmpeg || gstreamer().is_file();
    let lacks = format!(
        "there is no {}: .ci/setup gstreamer, then cargo build -p nearlive-gstreamer",
        gstreamer().display()
    );
    assert!(there || std::env::var_os("NEARLIVE_GSTREAMER").is_none(), "{lacks}");
    if !there {
        eprintln!("SKIPPED for GStreamer: {lacks}");
    }
    there
}

/// Runs each of these with every engine, as a test of its own.
#[macro_export]
macro_rules! by_each_engine {
    ($($test:ident,)*) => {
        $crate::by_one_engine!(ffmpeg, nearlive_server::engine::kind::Kind::Ffmpeg, $($test,)*);
        $crate::by_one_engine!(gstreamer, nearlive_server::engine::kind::Kind::Gstreamer, $($test,)*);
    };
}

/// Runs each of these with this engine.
#[macro_export]
macro_rules! by_one_engine {
    ($module:ident, $engine:expr, $($test:ident,)*) => {
        mod $module {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $test() {
                    if $crate::common::is_there($engine) {
                        super::$test($engine).await;
                    }
                }
            )*
        }
    };
}

/// What came to the sink.
#[derive(Debug, Default)]
pub struct Seen {
    /// Bytes a track.
    pub bytes: Vec<u64>,
    /// Tracks that were left out.
    pub left_out: Vec<usize>,
    /// Every status.
    pub statuses: Vec<SourceStatus>,
    /// Runs that began.
    pub runs: u32,
    /// What is to be wrong with what comes.
    pub ailment: Option<Ailment>,
}

/// A sink that remembers. Every byte of a video track is a frame to it; sound is track 3, as by the
/// default ladder.
#[derive(Clone, Default)]
pub struct Memory(pub Arc<Mutex<Seen>>);

impl Memory {
    pub fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.0.lock().unwrap()
    }

    pub fn bytes_of(&self, track: usize) -> u64 {
        self.seen().bytes.get(track).copied().unwrap_or(0)
    }
}

impl Sink for Memory {
    fn begin_run(&mut self, _: WallTime, _: Kind) {
        self.seen().runs += 1;
    }

    fn leave_out(&mut self, track: usize) {
        self.seen().left_out.push(track);
    }

    fn push(&mut self, track: usize, bytes: &[u8], _: WallTime) -> bool {
        let mut seen = self.seen();
        if seen.bytes.len() <= track {
            seen.bytes.resize(track + 1, 0);
        }
        seen.bytes[track] += bytes.len() as u64;
        track != 3
    }

    fn ailment(&self) -> Option<Ailment> {
        self.seen().ailment
    }

    fn status(&mut self, status: SourceStatus) {
        self.seen().statuses.push(status);
    }

    fn tick(&mut self, _: WallTime) {}
}

/// A supervisor at work.
pub struct Watched {
    pub status: watch::Receiver<Status>,
    pub sink: Memory,
    pub shutdown: Shutdown,
    pub task: JoinHandle<()>,
}

/// Starts a supervisor.
pub fn supervise(camera: config::Camera, around: Surroundings) -> Watched {
    let sink = Memory::default();
    let shutdown = around.shutdown.clone();
    let (supervisor, status) = Supervisor::new(camera, around, sink.clone());
    Watched { status, sink, shutdown, task: tokio::spawn(supervisor.run()) }
}

impl Watched {
    /// Waits for a status.
    pub async fn until(&mut self, what: &str, is: impl Fn(&Status) -> bool) -> Status {
        let found = tokio::time::timeout(PATIENCE, self.status.wait_for(|s| is(s))).await;
        if let Ok(status) = found {
            return status.unwrap().clone();
        }
        drop(found);
        panic!("never {what}; it is {:?}", *self.status.borrow())
    }

    /// Ends it, and waits until it has ended.
    pub async fn end(self) {
        self.shutdown.trigger();
        tokio::time::timeout(PATIENCE, self.task).await.expect("it ends").unwrap();
    }
}

/// Polls for what can only be polled.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let poll = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    };
    tokio::time::timeout(PATIENCE, poll).await.unwrap_or_else(|_| panic!("never happened: {what}"))
}

/// The camera refuses in every way in which an engine repeats its address; `look` each time the program
/// says so.
pub async fn each_refusal(source: &Camera, program: &Program, mut look: impl AsyncFnMut()) {
    for (fault, code) in [
        (Fault::Refuse, "connection-refused"),
        (Fault::NotFound, "no-such-stream"),
        (Fault::Unauthorized, "password-refused"),
    ] {
        source.control().clear();
        source.control().set(fault);
        source.control().set(Fault::HangUp);
        eventually(code, async || (program.field("code").await == code).then_some(())).await;
        look().await;
    }
}

/// The processes below `parent`, with their names.
pub fn children(parent: u32) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else {
            continue;
        };
        // "pid (name) state ppid ...": the name may hold spaces and brackets.
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((head, tail)) = stat.rsplit_once(')') else { continue };
        let name = head.split_once('(').map_or("", |(_, n)| n).to_owned();
        let ppid = tail.split_whitespace().nth(1).and_then(|p| p.parse::<u32>().ok());
        if ppid == Some(parent) {
            found.push((pid, name));
        }
    }
    found
}

/// Does this process run (and is no zombie)?
pub fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').and_then(|(_, tail)| tail.split_whitespace().next());
    state.is_some_and(|s| s != "Z" && s != "X")
}

/// The program, running.
pub struct Program {
    pub child: tokio::process::Child,
    pub port: u16,
    /// All that it has said so far, on stdout and stderr.
    pub said: Arc<Mutex<String>>,
}

impl Program {
    /// Starts it with these arguments and this text on stdin, and waits until it listens.
    pub async fn start(arguments: &[&str], stdin: &str) -> Self {
        Self::start_by(SERVER, arguments, stdin).await
    }

    /// The same by another program that becomes it.
    pub async fn start_by(program: &str, arguments: &[&str], stdin: &str) -> Self {
        let mut child = tokio::process::Command::new(program)
            .args(arguments)
            .args(["--listen", "127.0.0.1:0"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        tokio::spawn(listen(child.stdout.take().unwrap(), Arc::clone(&said)));
        tokio::spawn(listen(child.stderr.take().unwrap(), Arc::clone(&said)));
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).await.unwrap();
        let port = eventually("the program listens", async || {
            let said = said.lock().unwrap();
            let (_, rest) = said.split_once("http://127.0.0.1:")?;
            rest.split_once('/')?.0.parse().ok()
        })
        .await;
        Self { child, port, said }
    }

    pub fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// The answer's head and body, as text.
    pub async fn get(&self, path: &str) -> (String, String) {
        let (head, body) = self.get_bytes(path).await;
        (head, String::from_utf8_lossy(&body).into_owned())
    }

    /// The answer's head and body.
    pub async fn get_bytes(&self, path: &str) -> (String, Vec<u8>) {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let body = answer.split_off(end + 4);
        (String::from_utf8_lossy(&answer).into_owned(), body)
    }

    /// A field of the first camera at `/api/cameras`.
    pub async fn field(&self, name: &str) -> serde_json::Value {
        let (_, body) = self.get("/api/cameras").await;
        serde_json::from_str::<serde_json::Value>(&body).unwrap()[0][name].clone()
    }

    pub async fn until_live(&self) {
        eventually("live", async || (self.field("state").await == "live").then_some(())).await;
    }

    /// The ffmpeg that reads from the camera.
    pub async fn engine(&self) -> u32 {
        eventually("ffmpeg runs", async || {
            children(self.pid()).into_iter().map(|(pid, _)| pid).find(|pid| {
                let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                line.starts_with(b"ffmpeg\0") && String::from_utf8_lossy(&line).contains("concat")
            })
        })
        .await
    }

    /// The `nearlive-gstreamer` that reads from the camera.
    pub async fn runner(&self) -> u32 {
        let name = gstreamer().display().to_string();
        eventually("nearlive-gstreamer runs", async || {
            children(self.pid()).into_iter().map(|(pid, _)| pid).find(|pid| {
                let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                line == format!("{name}\0").into_bytes()
            })
        })
        .await
    }

    /// Sends a signal by its name.
    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) -> std::process::ExitStatus {
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it ends").unwrap()
    }
}

async fn listen(mut from: impl AsyncRead + Unpin, said: Arc<Mutex<String>>) {
    let mut bytes = [0; 4096];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        said.lock().unwrap().push_str(&String::from_utf8_lossy(&bytes[..n]));
    }
}

/// Sends a signal by its name.
pub fn signal(pid: u32, name: &str) {
    let sent = std::process::Command::new("kill").args(["-s", name, &pid.to_string()]).status();
    assert!(sent.unwrap().success());
}
