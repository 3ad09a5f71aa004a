//! ffmpeg: demuxer, decoder and encoder of one camera, one process.
//!
//! ```text
//!  Plan ── argv::arguments ──> ffmpeg ══ one pipe a track (MPEG-TS) ══> packager
//!   │                          ^  └───── stderr, a line at a time ──> stderr::Reader ──> Cause, Source
//!   └── argv::input_list ── stdin (address, password, options)
//! ```
//!
//! [`argv`] and [`stderr`] are pure. [`spawn`] starts the process through our own binary
//! ([`wrapper`]), which asks the kernel to end ffmpeg whenever the server dies. [`group`] also ends
//! ffmpeg's parent script and its children. [`version`] refuses an ffmpeg that is too old before
//! any camera is tried.

pub mod argv;
pub mod group;
pub mod limits;
pub mod lines;
pub mod spawn;
pub mod stderr;
pub mod version;
pub mod wrapper;

use std::path::PathBuf;
use std::process::Command;

/// Which programs to run.
#[derive(Clone, Debug)]
pub struct Engine {
    /// ffmpeg, a path or a name on `PATH`.
    pub ffmpeg: PathBuf,
    /// Our own binary, which becomes ffmpeg; `None` starts ffmpeg directly (it may then outlive a
    /// server that is killed).
    pub wrapper: Option<PathBuf>,
}

impl Engine {
    /// `ffmpeg`, wrapped by the running program.
    pub fn new(ffmpeg: impl Into<PathBuf>) -> Self {
        // Not current_exe(): an update may have replaced the file of that name.
        let own = PathBuf::from("/proc/self/exe");
        let wrapper = if own.exists() { Some(own) } else { std::env::current_exe().ok() };
        Self { ffmpeg: ffmpeg.into(), wrapper }
    }

    /// ffmpeg with its limits, and without arguments yet.
    pub fn command(&self) -> Command {
        match &self.wrapper {
            Some(own) => {
                let mut command = Command::new(own);
                command.arg(wrapper::NAME).arg(std::process::id().to_string()).arg(&self.ffmpeg);
                command
            }
            None => Command::new(&self.ffmpeg),
        }
    }
}
