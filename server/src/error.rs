//! Errors that end the server, each as one sentence for the person at the terminal.
//!
//! A camera that fails is never an error here: the supervisor puts it into the camera's status and
//! tries again. These are the cases in which there is nothing to serve: wrong arguments, a port
//! that is taken, no usable ffmpeg. No variant contains a camera's address or password.

use std::fmt;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::repeat;

/// Why the server does not start, or stops.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The command line cannot be parsed.
    Usage(String),
    /// The configuration file cannot be read or says something impossible.
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with the line where that is known.
        problem: String,
    },
    /// The folder that is to be handed out cannot be.
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The file that is to be probed cannot be.
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// What was to be probed could not be; the sentence has no secret in it.
    Probe(String),
    /// There is no ffprobe, which belongs to ffmpeg, at that path.
    FfprobeMissing(PathBuf),
    /// A camera's address cannot be parsed; the sentence does not repeat it.
    Address(crate::camera::address::AddressError),
    /// Another program listens on the port.
    PortTaken(SocketAddr),
    /// The server cannot listen on the address for another reason.
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's answer.
        source: std::io::Error,
    },
    /// There is no ffmpeg at that path.
    FfmpegMissing(PathBuf),
    /// The file at that path cannot be run.
    FfmpegBroken {
        /// Where it is.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The file at that path is another program.
    NotFfmpeg(PathBuf),
    /// ffmpeg is older than the options need.
    FfmpegTooOld {
        /// The version that it says it has.
        found: String,
    },
    /// This ffmpeg was built without a part that is needed.
    FfmpegLacks(&'static str),
    /// `nearlive-gstreamer` is not there, or lacks something that it names.
    Gstreamer(String),
    /// A film is not encoded.
    Encode(crate::encode::problem::Problem),
    /// The test camera of `demo` did not start.
    Demo(String),
    /// The system refused something.
    Io {
        /// What was being done.
        doing: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl Error {
    /// 2 for a mistake of the person who started it, 1 for a lack of the machine.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_)
            | Self::Config { .. }
            | Self::Folder { .. }
            | Self::File { .. }
            | Self::Address(_) => ExitCode::from(2),
            Self::Encode(problem) => ExitCode::from(problem.exit_code()),
            _ => ExitCode::from(1),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what) => write!(f, "{what} (nearlive-server --help lists what there is)"),
            Self::Config { path, problem } => write!(f, "{}: {problem}", path.display()),
            Self::Folder { path, problem } => {
                write!(f, "{}: {problem}", repeat::path(path, "the folder to hand out"))
            }
            Self::File { path, problem } => {
                write!(f, "{}: {problem}", repeat::path(path, "the file to probe"))
            }
            Self::Probe(what) => write!(f, "{what}"),
            Self::FfprobeMissing(path) => write!(
                f,
                "there is no program `{}`, which comes with ffmpeg; install it, or name with --ffmpeg one \
                 that has it beside it",
                program(path)
            ),
            Self::Address(e) => write!(f, "{e}"),
            Self::PortTaken(a) => write!(
                f,
                "port {} is taken by another program; stop it, or choose another with --listen {}",
                a.port(),
                SocketAddr::new(a.ip(), a.port().wrapping_add(1).max(1024))
            ),
            Self::Listen { address, source } => listen(f, *address, source),
            Self::FfmpegMissing(path) => write!(
                f,
                "there is no program `{}`; install ffmpeg (Debian: apt-get install ffmpeg) or name it with --ffmpeg",
                program(path)
            ),
            Self::FfmpegBroken { path, source } => write!(
                f,
                "`{}` cannot be run ({source}); name another ffmpeg with --ffmpeg",
                program(path)
            ),
            Self::NotFfmpeg(path) => write!(
                f,
                "`{}` does not answer as ffmpeg does; name the ffmpeg to run with --ffmpeg",
                program(path)
            ),
            Self::FfmpegTooOld { found } => write!(
                f,
                "this ffmpeg is version {found}, and 5.1 is the oldest that works; name a newer one with --ffmpeg"
            ),
            Self::FfmpegLacks(what) => {
                write!(f, "this ffmpeg was built without {what}; name another one with --ffmpeg")
            }
            Self::Gstreamer(why) => write!(
                f,
                "a camera has engine = \"gstreamer\", and nearlive-gstreamer does not work ({why}); `make gstreamer` \
                 builds it, and it has to be beside this program or on PATH"
            ),
            Self::Encode(problem) => write!(f, "{problem}"),
            Self::Demo(what) => write!(f, "the demo's test camera did not start: {what}"),
            Self::Io { doing, source } => write!(f, "{doing}: {source}"),
        }
    }
}

/// Why the server cannot listen on `address`.
fn listen(f: &mut fmt::Formatter<'_>, address: SocketAddr, source: &std::io::Error) -> fmt::Result {
    match source.kind() {
        ErrorKind::PermissionDenied => write!(
            f,
            "the system does not allow this user to listen on port {}; choose one from 1024 on: \
             --listen {}",
            address.port(),
            SocketAddr::new(address.ip(), 8080)
        ),
        ErrorKind::AddrNotAvailable => write!(
            f,
            "{} is no address of this machine; --listen 0.0.0.0:{} listens on all that it has",
            address.ip(),
            address.port()
        ),
        _ => write!(f, "cannot listen on {address}: {source}"),
    }
}

/// An address may be given in place of the program's name.
fn program(path: &Path) -> String {
    repeat::path(path, "as given with --ffmpeg")
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen { source, .. }
            | Self::Io { source, .. }
            | Self::FfmpegBroken { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<crate::encode::problem::Problem> for Error {
    fn from(problem: crate::encode::problem::Problem) -> Self {
        Self::Encode(problem)
    }
}

impl From<crate::camera::address::AddressError> for Error {
    fn from(e: crate::camera::address::AddressError) -> Self {
        Self::Address(e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_is_one_line_and_says_what_to_do() {
        let taken = Error::PortTaken(SocketAddr::from(([127, 0, 0, 1], 8080))).to_string();
        assert!(taken.contains("8080") && taken.contains("--listen 127.0.0.1:8081"), "{taken}");
        let missing = Error::FfmpegMissing("ffmpeg".into()).to_string();
        assert!(missing.contains("install ffmpeg"), "{missing}");
        let v6 = Error::PortTaken(SocketAddr::from(([0u16; 8], 8080))).to_string();
        assert!(v6.contains("--listen [::]:8081"), "{v6}");
        let listen = |kind: ErrorKind| {
            let address = SocketAddr::from(([192, 0, 2, 1], 80));
            Error::Listen { address, source: kind.into() }.to_string()
        };
        let privileged = listen(ErrorKind::PermissionDenied);
        assert!(privileged.contains("--listen 192.0.2.1:8080"), "{privileged}");
        let foreign = listen(ErrorKind::AddrNotAvailable);
        assert!(foreign.contains("no address of this machine"), "{foreign}");
        for text in [taken, missing, Error::FfmpegTooOld { found: "4.3".into() }.to_string()] {
            assert!(!text.contains('\n'));
        }
    }
}
