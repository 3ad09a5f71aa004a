//! Starts and ends ffmpeg.
//!
//! Every track has a pipe of its own. The kernel's "end it when the parent dies" refers to the
//! parent **thread**, so one thread that lives as long as the server starts all cameras' processes.
//! (An ffmpeg for a still lives briefly; a worker thread of the runtime lives longer than that.)

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use nix::sys::signal::Signal;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStderr};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::group::Group;
use super::{Engine, argv};

/// Size of a pipe: ffmpeg should not have to wait for us with a big camera's key frame.
const PIPE_BYTES: i32 = 1 << 20;

/// How long ffmpeg may take to say goodbye to the camera (RTSP TEARDOWN frees its session).
const GOODBYE: Duration = Duration::from_millis(700);

/// A running ffmpeg. Dropping it kills it and every process started with it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    group: Group,
}

/// The output of a running ffmpeg.
#[derive(Debug)]
pub struct Outputs {
    /// One pipe per track, in the plan's order.
    pub tracks: Vec<pipe::Receiver>,
    /// Its messages.
    pub stderr: ChildStderr,
}

type Request = (std::process::Command, oneshot::Sender<io::Result<Child>>);

/// The thread that starts processes.
#[derive(Clone, Debug)]
pub struct Launcher {
    engine: Engine,
    requests: mpsc::UnboundedSender<Request>,
}

impl Launcher {
    /// Starts the thread; it ends with the last clone of the launcher. The processes are waited for
    /// in `runtime`.
    pub fn new(engine: Engine, runtime: &Handle) -> io::Result<Self> {
        let (requests, mut queue) = mpsc::unbounded_channel::<Request>();
        let runtime = runtime.clone();
        std::thread::Builder::new().name("launcher".into()).spawn(move || {
            while let Some((command, reply)) = queue.blocking_recv() {
                let _in_runtime = runtime.enter();
                let mut command = tokio::process::Command::from(command);
                // If the requester has gone, the reply drops the child, which kills it.
                let _ = reply.send(command.kill_on_drop(true).spawn());
            }
        })?;
        Ok(Self { engine, requests })
    }

    /// Starts the engine for `plan`.
    pub async fn start(&self, plan: &argv::Plan) -> io::Result<(Process, Outputs)> {
        let mut tracks = Vec::new();
        let mut fds = Vec::new();
        for (child_fd, _) in (argv::FIRST_FD..).zip(&plan.tracks) {
            let (reader, writer) = io::pipe()?;
            widen(&writer);
            tracks.push(pipe::Receiver::from_owned_fd(reader.into())?);
            fds.push(FdMapping { parent_fd: OwnedFd::from(writer), child_fd });
        }
        let mut command = self.engine.command_for(plan);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal goes to the whole group, but we end ffmpeg ourselves, in order.
            .process_group(0)
            .fd_mappings(fds)
            .map_err(io::Error::other)?;
        let (reply, child) = oneshot::channel();
        self.requests.send((command, reply)).map_err(|_| io::Error::other("no launcher"))?;
        let mut child = child.await.map_err(|_| io::Error::other("no launcher"))??;
        let group = Group::of(&child);
        if let Some(mut stdin) = child.stdin.take() {
            // It reads to the end; if it has already ended, its exit tells why.
            let _ = stdin.write_all(super::input(plan).as_bytes()).await;
        }
        let stderr = child.stderr.take().ok_or_else(|| io::Error::other("no stderr"))?;
        Ok((Process { child, group }, Outputs { tracks, stderr }))
    }
}

impl Process {
    /// The process id, until it has been waited for.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Its activity so far, where the system tells.
    pub fn load(&self) -> Option<Load> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()?)).ok()?;
        Load::read(&stat)
    }

    /// Waits until it ends by itself.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Asks it and every process started with it to end, gives them a moment to log off from the
    /// camera, then kills them.
    pub async fn end(mut self) {
        self.group.signal(Signal::SIGTERM);
        let all = async {
            let _ = self.child.wait().await;
            self.group.gone().await;
        };
        if tokio::time::timeout(GOODBYE, all).await.is_err() {
            self.group.signal(Signal::SIGKILL);
            let _ = self.child.wait().await;
        }
    }
}

/// The activity of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Processor time of all its threads.
    pub processor: Duration,
    /// It is ready to run or running.
    pub wants_more: bool,
}

impl Load {
    /// From `/proc/PID/stat` (proc(5)), whose times are in hundredths of a second.
    fn read(stat: &str) -> Option<Self> {
        // "pid (name) state ...": the name may hold spaces and brackets.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
        let wants_more = matches!(fields.next()?, "R" | "D");
        let times = fields.skip(10).take(2).map(|t| t.parse::<u64>().ok());
        let ticks: Option<u64> = times.sum();
        Some(Self { processor: Duration::from_millis(ticks? * 10), wants_more })
    }
}

/// A wider pipe, where the system allows it; the usual 64 KiB work as well.
fn widen(writer: &io::PipeWriter) {
    #[cfg(target_os = "linux")]
    {
        use nix::fcntl::{FcntlArg, fcntl};
        let _ = fcntl(writer, FcntlArg::F_SETPIPE_SZ(PIPE_BYTES));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (writer, PIPE_BYTES);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_of_a_process_is_read_whatever_its_name() {
        let stat = "7 (a) b) R 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 9 1 1";
        let load = Load { processor: Duration::from_secs(3), wants_more: true };
        assert_eq!(Load::read(stat), Some(load));
        assert_eq!(Load::read("7 (x"), None);
    }
}
