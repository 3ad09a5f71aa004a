//! An engine: demuxer, decoder and encoder of one camera, one process. It is ffmpeg, or GStreamer.
//!
//! ```text
//!  Plan ── arguments ────────> engine ══ one pipe a track (MPEG-TS) ══> packager
//!   │                          ^  └───── stderr, a line at a time ──> stderr::Reader ──> Cause, Source
//!   └── input ────────── stdin (address, password, options)
//! ```
//!
//! This is all in which the two differ:
//!
//! | | ffmpeg | GStreamer |
//! |---|---|---|
//! | program | `ffmpeg` | our own `nearlive-gstreamer` |
//! | plan | arguments and an input list ([`argv`]) | a description on stdin ([`runner`]) |
//! | its messages | [`stderr`] | [`runner`] |
//! | a copied picture leaves it | when the next one begins | when it is complete ([`kind`]) |
//! | times of encoded pictures | corrected by a filter | the camera's own, as of copied ones |
//!
//! [`argv`], [`stderr`] and [`runner`] are pure. [`spawn`] starts the process through our own binary
//! ([`wrapper`]), which asks the kernel to end the engine whenever the server dies. [`group`] also ends
//! an engine's parent script and its children. [`version`] refuses an ffmpeg that is too old before
//! any camera is tried.

pub mod argv;
pub mod cause;
pub mod group;
pub mod kind;
pub mod limits;
pub mod lines;
pub mod runner;
pub mod spawn;
pub mod stderr;
pub mod version;
pub mod wrapper;

use std::path::PathBuf;
use std::process::Command;

use self::argv::Plan;
use self::kind::Kind;

/// What GStreamer reads from the environment to write down what it does, addresses and all.
const TALK: [&str; 4] = ["GST_DEBUG", "GST_DEBUG_FILE", "GST_DEBUG_DUMP_DOT_DIR", "GST_TRACERS"];

/// Which programs to run.
#[derive(Clone, Debug)]
pub struct Engine {
    /// ffmpeg, a path or a name on `PATH`.
    pub ffmpeg: PathBuf,
    /// `nearlive-gstreamer`, a path or a name on `PATH`.
    pub gstreamer: PathBuf,
    /// Our own binary, which becomes the engine; `None` starts the engine directly (it may then
    /// outlive a server that is killed).
    pub wrapper: Option<PathBuf>,
}

impl Engine {
    /// `ffmpeg`, wrapped by the running program.
    pub fn new(ffmpeg: impl Into<PathBuf>) -> Self {
        // Not current_exe(): an update may have replaced the file of that name.
        let own = PathBuf::from("/proc/self/exe");
        let wrapper = if own.exists() { Some(own) } else { std::env::current_exe().ok() };
        Self { ffmpeg: ffmpeg.into(), gstreamer: gstreamer(), wrapper }
    }

    /// ffmpeg with its limits, and without arguments yet.
    pub fn command(&self) -> Command {
        self.command_of(Kind::Ffmpeg, wrapper::NAME)
    }

    /// ffmpeg without limits, and without arguments yet.
    pub fn tool(&self) -> Command {
        self.command_of(Kind::Ffmpeg, wrapper::TOOL)
    }

    /// The engine of a plan with its limits and arguments, which have no secret in them.
    pub fn command_for(&self, plan: &Plan) -> Command {
        let mut command = self.command_of(plan.engine, wrapper::NAME);
        match plan.engine {
            Kind::Ffmpeg => command.args(argv::arguments(plan)),
            Kind::Gstreamer => &mut command,
        };
        command
    }

    /// The program of an engine, without arguments yet; `name` says by which rules it runs.
    fn command_of(&self, kind: Kind, name: &str) -> Command {
        let program = match kind {
            Kind::Ffmpeg => &self.ffmpeg,
            Kind::Gstreamer => &self.gstreamer,
        };
        let mut command = match &self.wrapper {
            Some(own) => {
                let mut command = Command::new(own);
                command.arg(name).arg(std::process::id().to_string()).arg(program);
                command
            }
            None => Command::new(program),
        };
        if kind == Kind::Gstreamer {
            TALK.iter().for_each(|name| {
                command.env_remove(name);
            });
        }
        command
    }
}

/// The text for the stdin of a plan's engine. It contains the password: write it to the pipe only.
pub fn input(plan: &Plan) -> String {
    match plan.engine {
        Kind::Ffmpeg => argv::input_list(plan),
        Kind::Gstreamer => runner::description(plan),
    }
}

/// `nearlive-gstreamer` beside the running program, else as on `PATH`.
pub fn gstreamer() -> PathBuf {
    const NAME: &str = "nearlive-gstreamer";
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name(NAME));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| NAME.into())
}
