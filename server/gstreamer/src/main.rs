//! Runs GStreamer for one camera of `nearlive-server`, which starts it, one process a camera.
//!
//! ```text
//! stdin: a description ──> Plan                                     ┌─ queue ─ mux ═> descriptor 3
//! camera ─RTSP─> rtspsrc ─┬─ picture: depay ─ parse ─┬──────────────┘
//!                         │                          └─ decode ─┬─ scale ─ x264 ─ mux ═> 4
//!                         │                                     └─ ...
//!                         └─ sound: decode ─ convert ─ AAC ─ mux ═> the last descriptor
//! ```
//! `gst-launch` would show the camera's password in its arguments. The descriptors are inherited
//! pipes, and what goes through each is a transport stream of one track.
//!
//! **What it says** goes to stderr, a line each, and nothing else there is meant for the server:
//!
//! | line | when |
//! |---|---|
//! | `source video=H264 audio=PCMU` | once, before the first byte: the camera's codecs as its description names them (RFC 8866 6.6); without sound there is no `audio=` |
//! | `spoilt 7` | so many more pictures were damaged, or could not be decoded at all |
//! | `error WORD ...` | once: it ends for this reason ([`trouble::Trouble`]) |
//! | `note ...` | for people who look closely |
//!
//! The exit status is 0 after SIGTERM or SIGINT, else 1. `--check` looks whether the machine has
//! what is needed and says which GStreamer it is.

mod check;
mod encode;
mod parts;
mod picture;
mod plan;
mod run;
mod sound;
mod source;
mod times;
mod trouble;

use std::io::Read as _;
use std::process::ExitCode;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal};

use crate::plan::Plan;
use crate::trouble::{End, Trouble};

/// The longest description that is read.
const LONGEST: u64 = 64 << 10;

/// How long the camera may take to hear that we go.
const GOODBYE: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    match (arguments.next(), arguments.next()) {
        (None, None) => {}
        (Some(word), None) if word == "--check" => return check::check(),
        _ => {
            eprintln!("error failed this program is not for people: nearlive-server runs it");
            return ExitCode::from(2);
        }
    }
    match act() {
        None => ExitCode::SUCCESS,
        Some(trouble) => {
            eprintln!("error {trouble}");
            ExitCode::FAILURE
        }
    }
}

/// Runs until something ends it; `None`: somebody asked for it.
fn act() -> Option<Trouble> {
    let end = End::default();
    if let Err(e) = listen_to_signals(&end) {
        return Some(Trouble::failed(&e));
    }
    if let Err(e) = gstreamer::init() {
        return Some(Trouble::failed(&e));
    }
    // Whatever GST_DEBUG says: what GStreamer writes there has the camera's address in it.
    gstreamer::log::remove_default_log_function();
    gstreamer::log::set_active(false);
    let run = match plan().and_then(|plan| run::start(plan, &end)) {
        Ok(run) => run,
        Err(trouble) => return Some(trouble),
    };
    let trouble = end.wait();
    // Saying goodbye to the camera may take long, if it is the camera that is lost.
    let (done, gone) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        run.stop();
        let _ = done.send(());
    });
    let _ = gone.recv_timeout(GOODBYE);
    trouble
}

fn plan() -> Result<Plan, Trouble> {
    let mut text = String::new();
    std::io::stdin()
        .take(LONGEST)
        .read_to_string(&mut text)
        .map_err(|e| Trouble::failed(&e))
        .and_then(|_| Plan::parse(&text).map_err(|e| Trouble::failed(&e)))
}

/// One thread waits for the signals; all others, which it is before, inherit that they are blocked.
fn listen_to_signals(end: &End) -> nix::Result<()> {
    let signals: SigSet = [Signal::SIGTERM, Signal::SIGINT].into_iter().collect();
    signals.thread_block()?;
    let end = end.clone();
    std::thread::spawn(move || {
        if signals.wait().is_ok() {
            end.because(None);
        }
    });
    Ok(())
}
