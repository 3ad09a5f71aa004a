//! Runs ffprobe and ffmpeg, and reads what they say, for a limited time.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use nearlive::time::Instant;
use nix::sys::signal::Signal;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStderr, ChildStdout};

use super::argv::{self, Target};
use super::measure::Packets;
use super::packets::{self, Line};
use super::streams::{Streams, Video};
use crate::camera::secret::Redactor;
use crate::clock::Clock;
use crate::engine::Engine;
use crate::engine::cause::Cause;
use crate::engine::group::Group;
use crate::engine::kind::Kind;
use crate::engine::lines::Lines;
use crate::engine::stderr::Reader;

/// How long ffprobe may take: a camera with a key frame every ten seconds takes that.
const STREAMS: Duration = Duration::from_secs(30);

/// How long the first packet may take.
const FIRST: Duration = Duration::from_secs(20);

/// How long ffmpeg may take to say goodbye to the camera.
const GOODBYE: Duration = Duration::from_millis(700);

/// The most that ffprobe may say.
const LONGEST: u64 = 4 << 20;

/// Nothing to report: the cause as far as ffmpeg told it.
pub(super) type Nothing = Option<Cause>;

/// What both programs need.
pub(super) struct Look<'a> {
    pub(super) ffmpeg: &'a Path,
    pub(super) target: &'a Target,
    pub(super) redactor: &'a Redactor,
    pub(super) clock: Clock,
}

/// A started program.
struct Started {
    child: Child,
    group: Group,
    stderr: tokio::task::JoinHandle<Reader>,
}

impl Look<'_> {
    /// The streams, as ffprobe finds them.
    pub(super) async fn streams(&self) -> Result<Streams, Nothing> {
        let ffprobe = argv::ffprobe(self.ffmpeg);
        let mut started =
            self.start(&ffprobe, argv::streams(self.target), Vec::new(), false).await?;
        let stdout: Option<ChildStdout> = started.child.stdout.take();
        let mut json = Vec::new();
        let read = async {
            if let Some(stdout) = stdout {
                let _ = stdout.take(LONGEST).read_to_end(&mut json).await;
            }
            started.child.wait().await
        };
        let ended = tokio::time::timeout(STREAMS, read).await;
        started.group.signal(Signal::SIGKILL);
        let late = ended.is_err();
        let status = ended.ok().and_then(Result::ok);
        let found = Streams::read(&json).filter(|it| !it.video.is_empty() || !it.audio.is_empty());
        match found {
            Some(streams) if status.is_some_and(|s| s.success()) => Ok(streams),
            _ if late => Err(self.cause(started.stderr, None).await),
            _ => Err(self.cause(started.stderr, status).await),
        }
    }

    /// The packets of the first video stream, and of the first audio stream if there is one; and whether
    /// they ended before it was enough.
    pub(super) async fn packets(&self, streams: &Streams) -> Result<([Packets; 2], bool), Nothing> {
        let kinds = if streams.audio.is_empty() { &['v'][..] } else { &['v', 'a'] };
        let intra = streams.video.first().is_some_and(Video::is_intra);
        let (mut receivers, mut fds) = (Vec::new(), Vec::new());
        for (_, child_fd) in kinds.iter().zip(argv::FIRST_FD..) {
            let (reader, writer) = io::pipe().map_err(missing)?;
            receivers.push(pipe::Receiver::from_owned_fd(reader.into()).map_err(missing)?);
            fds.push(FdMapping { parent_fd: OwnedFd::from(writer), child_fd });
        }
        let mut receivers = receivers.into_iter();
        let started = self.start(self.ffmpeg, argv::packets(self.target, kinds), fds, true).await?;
        let live = self.target.is_camera();
        let mut all = [Packets::new(live), Packets::new(live)];
        let video = Channel::new(receivers.next(), intra);
        let ended = self.read(&mut all, video, Channel::new(receivers.next(), true)).await;
        let Started { mut child, group, stderr } = started;
        group.signal(Signal::SIGTERM);
        let left = tokio::time::timeout(GOODBYE, child.wait()).await;
        group.signal(Signal::SIGKILL);
        let status = left.ok().and_then(Result::ok);
        let none = all.first().is_none_or(|video| video.len() == 0);
        if none { Err(self.cause(stderr, status).await) } else { Ok((all, ended)) }
    }

    /// Reads until it is enough; true if there is no more before that.
    async fn read(&self, all: &mut [Packets; 2], mut video: Channel, mut audio: Channel) -> bool {
        let [pictures, sound] = all;
        let begun = self.clock.now();
        let mut first = None;
        loop {
            let now = self.clock.now();
            let until = first.map_or(begun + FIRST, |first| first + self.longest());
            if now >= until || first.is_some_and(|first| self.is_enough(pictures, now.since(first)))
            {
                return false;
            }
            let left = Duration::from(until.since(now)).min(Duration::from_secs(1));
            tokio::select! {
                more = video.next(pictures, &self.clock) => {
                    if !more {
                        return true;
                    }
                    if pictures.len() > 0 {
                        first.get_or_insert_with(|| self.clock.now());
                    }
                }
                _ = audio.next(sound, &self.clock) => {}
                () = tokio::time::sleep(left) => {}
            }
        }
    }

    /// The longest time for packets after the first.
    fn longest(&self) -> Duration {
        Duration::from_secs(if self.target.is_camera() { 30 } else { 20 })
    }

    /// Whether what came tells enough.
    fn is_enough(&self, pictures: &Packets, elapsed: nearlive::time::Duration) -> bool {
        let elapsed_s = elapsed.as_secs();
        let enough = if self.target.is_camera() {
            elapsed_s >= 10
        } else {
            pictures.len() >= 20_000
                || pictures.len().is_multiple_of(64) && pictures.span_us() >= 60_000_000
        };
        enough && pictures.key_frames() >= 3
    }

    async fn start(
        &self,
        program: &Path,
        arguments: Vec<OsString>,
        fds: Vec<FdMapping>,
        at_once: bool,
    ) -> Result<Started, Nothing> {
        let mut command = Engine::new(program).command();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.fd_mappings(fds).map_err(|e| missing(io::Error::other(e)))?;
        let mut command = tokio::process::Command::from(command);
        let mut child = command.process_group(0).kill_on_drop(true).spawn().map_err(missing)?;
        let group = Group::of(&child);
        let stderr = child.stderr.take().map(|it| listen(it, self.redactor.clone()));
        let stderr = tokio::spawn(async move {
            match stderr {
                Some(listening) => listening.await,
                None => Reader::default(),
            }
        });
        if let Some(mut stdin) = child.stdin.take() {
            // It reads the list to its end; if it has already ended, its words tell why.
            let _ = stdin.write_all(self.target.list(at_once).as_bytes()).await;
        }
        Ok(Started { child, group, stderr })
    }

    /// Why a program had nothing, from what it said.
    async fn cause(
        &self,
        stderr: tokio::task::JoinHandle<Reader>,
        status: Option<ExitStatus>,
    ) -> Nothing {
        use std::os::unix::process::ExitStatusExt as _;
        let said = tokio::time::timeout(GOODBYE, stderr).await.ok().and_then(Result::ok);
        let cause = said.and_then(|reader| reader.cause(status.is_some(), self.redactor));
        let signal = status.and_then(|status| status.signal());
        match (cause, signal) {
            (None | Some(Cause::EngineFailed(..)), Some(signal)) if signal != 9 && signal != 15 => {
                Some(Cause::EngineCrashed(Kind::Ffmpeg, signal))
            }
            (cause, _) => cause,
        }
    }
}

fn missing(e: io::Error) -> Nothing {
    Some(Cause::EngineMissing(Kind::Ffmpeg, e.to_string()))
}

/// The lines of one stream's packets.
struct Channel {
    lines: Option<tokio::io::Lines<BufReader<pipe::Receiver>>>,
    time_base: (u32, u32),
    /// Every packet is one to begin at, whatever ffmpeg says.
    intra: bool,
}

impl Channel {
    fn new(from: Option<pipe::Receiver>, intra: bool) -> Self {
        let lines = from.map(|it| BufReader::new(it).lines());
        Self { lines, time_base: (1, 1_000_000), intra }
    }

    /// Takes the next line; false at the end. Without a stream it waits for ever.
    async fn next(&mut self, packets: &mut Packets, clock: &Clock) -> bool {
        let Some(lines) = &mut self.lines else { return std::future::pending().await };
        let Ok(Some(text)) = lines.next_line().await else {
            self.lines = None;
            return false;
        };
        match packets::line(&text) {
            Some(Line::TimeBase(n, d)) => self.time_base = (n, d),
            Some(Line::Packet(mut packet)) => {
                packet.key |= self.intra;
                packets.push(packet, self.time_base, micros(clock.now()));
            }
            None => {}
        }
        true
    }
}

fn micros(at: Instant) -> i64 {
    i64::try_from(at.as_micros()).unwrap_or(i64::MAX)
}

/// Reads what a program says to its end.
async fn listen(mut stderr: ChildStderr, redactor: Redactor) -> Reader {
    let (mut lines, mut reader) = (Lines::default(), Reader::default());
    let mut hear = |text: &str, cut: bool| {
        tracing::debug!("ffmpeg: {}", redactor.clean_foreign(text, cut));
        reader.line(text, cut);
    };
    let mut bytes = [0; 4096];
    while let Some(read) = some(&mut stderr, &mut bytes).await {
        lines.push(read, &mut hear);
    }
    lines.end(&mut hear);
    reader
}

async fn some<'a>(from: &mut (impl AsyncRead + Unpin), bytes: &'a mut [u8]) -> Option<&'a [u8]> {
    let n = from.read(bytes).await.ok().filter(|n| *n > 0)?;
    bytes.get(..n)
}
