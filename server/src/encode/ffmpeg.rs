//! One run of ffmpeg that writes a file.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::Signal;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};

use super::progress::out_time_us;
use crate::engine::Engine;
use crate::engine::group::Group;
use crate::error::Error;
use crate::shutdown::Shutdown;

/// So many of the last bytes of its messages are kept: why it ended stands at the end.
const MOST_SAID: usize = 256 << 10;

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It has done its work, as far as its exit status and its messages tell.
    Done,
    /// It was ended because the end was asked for.
    Stopped,
    /// The disk is full.
    NoRoom,
    /// A file may not become that long.
    TooLong,
    /// Something else; its last words.
    Failed(String),
}

/// What a short run printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Printed {
    /// On stdout.
    pub(super) stdout: String,
    /// On stderr.
    pub(super) stderr: String,
}

/// Runs it to its end, and calls `at` with the time in the film, microseconds, now and then.
pub(super) async fn run(
    engine: &Engine,
    args: Vec<OsString>,
    shutdown: &Shutdown,
    mut at: impl FnMut(u64),
) -> Result<Outcome, Error> {
    let mut child = tokio::process::Command::from(prepared(engine, args))
        .kill_on_drop(true)
        .spawn()
        .map_err(starting)?;
    let group = Group::of(&child);
    let no_pipe = || starting(io::Error::other("no pipe"));
    let mut lines = BufReader::new(child.stdout.take().ok_or_else(no_pipe)?).lines();
    let said = child.stderr.take().ok_or_else(no_pipe)?;
    let work = async {
        let progress = async {
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(us) = out_time_us(&line) {
                    at(us);
                }
            }
        };
        let (said, ()) = tokio::join!(all(said), progress);
        (said, child.wait().await)
    };
    let ended = tokio::select! {
        ended = work => Some(ended),
        () = shutdown.wait() => None,
    };
    let Some((said, status)) = ended else {
        // What it has written is thrown away, so it need not end in order.
        group.signal(Signal::SIGKILL);
        let _ = child.wait().await;
        group.gone().await;
        return Ok(Outcome::Stopped);
    };
    for line in said.lines() {
        tracing::debug!("ffmpeg: {line}");
    }
    Ok(outcome(&said, status.map_err(starting)?))
}

/// Runs it, and returns what it printed; `None` if the end was asked for.
pub(super) async fn print(
    engine: &Engine,
    args: Vec<OsString>,
    shutdown: &Shutdown,
) -> Result<Option<Printed>, Error> {
    let mut child = tokio::process::Command::from(prepared(engine, args))
        .kill_on_drop(true)
        .spawn()
        .map_err(starting)?;
    let _group = Group::of(&child);
    let no_pipe = || starting(io::Error::other("no pipe"));
    let stdout = child.stdout.take().ok_or_else(no_pipe)?;
    let stderr = child.stderr.take().ok_or_else(no_pipe)?;
    let work = async {
        let (stdout, stderr) = tokio::join!(all(stdout), all(stderr));
        child.wait().await.map(|_| Printed { stdout, stderr })
    };
    tokio::select! {
        printed = work => printed.map(Some).map_err(starting),
        () = shutdown.wait() => Ok(None),
    }
}

fn starting(source: io::Error) -> Error {
    Error::Io { doing: "starting ffmpeg", source }
}

fn prepared(engine: &Engine, args: Vec<OsString>) -> std::process::Command {
    let mut command = engine.tool();
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C in a terminal goes to the whole group, but we end ffmpeg ourselves.
        .process_group(0);
    command
}

/// Reads to the end; keeps what came last.
async fn all(mut from: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let mut bytes = [0; 4096];
    while let Ok(n @ 1..) = from.read(&mut bytes).await {
        kept.extend_from_slice(bytes.get(..n).unwrap_or_default());
        if kept.len() > 2 * MOST_SAID {
            kept.drain(..kept.len() - MOST_SAID);
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// ffmpeg 5.1 ends with 0 when the disk is full: its messages count first.
fn outcome(said: &str, status: ExitStatus) -> Outcome {
    let says = |words: &str| said.contains(words);
    if says("No space left on device") || says("Disk quota exceeded") {
        Outcome::NoRoom
    } else if says("File too large") || status.signal() == Some(Signal::SIGXFSZ as i32) {
        Outcome::TooLong
    } else if status.success() {
        Outcome::Done
    } else if let Some(signal) = status.signal() {
        Outcome::Failed(format!("it was ended by signal {signal}"))
    } else {
        let words = super::source::last_words(said);
        Outcome::Failed(words.unwrap_or_else(|| "it said nothing".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_very_many_messages_the_last_ones_are_kept() {
        let many = "[error] a picture is damaged\n".repeat(100_000) + "No space left on device\n";
        let kept = all(many.as_bytes()).await;
        assert!(kept.len() <= 2 * MOST_SAID + 4096, "{}", kept.len());
        assert_eq!(outcome(&kept, ExitStatus::from_raw(0)), Outcome::NoRoom);
    }

    #[test]
    fn a_full_disk_is_told_by_what_ffmpeg_says_not_by_its_exit_status() {
        for (said, status, expected) in [
            ("", 0, Outcome::Done),
            (
                "[error] Error closing file out/.v.mp4.part: No space left on device\n",
                0,
                Outcome::NoRoom,
            ),
            ("[error] Error closing file x: File too large\n", 0, Outcome::TooLong),
            ("", Signal::SIGXFSZ as i32, Outcome::TooLong),
            ("", 9, Outcome::Failed("it was ended by signal 9".into())),
            ("[libx264 @ 0x5] [error] broken\n", 1 << 8, Outcome::Failed("broken".into())),
            ("", 1 << 8, Outcome::Failed("it said nothing".into())),
        ] {
            assert_eq!(outcome(said, ExitStatus::from_raw(status)), expected, "{said} {status}");
        }
    }
}
