//! The short life before ffmpeg: our own binary, started as `nearlive-server __engine`.
//!
//! It asks the kernel for SIGKILL when its parent dies (prctl(2), PR_SET_PDEATHSIG), and then
//! becomes ffmpeg: the request survives execve(2) of a program without privileges. So no ffmpeg is
//! left when the server is killed with -9, even while the camera sends nothing and no pipe breaks.
//! With a program of our own, no code has to run between fork and exec. It also sets ffmpeg's
//! limits ([`limits`]), which survive as well.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::limits;

/// The hidden command for an ffmpeg that reads from a camera: with limits.
pub const NAME: &str = "__engine";

/// The hidden command for an ffmpeg that works on a file of the owner's: without limits.
pub const TOOL: &str = "__tool";

/// Becomes the program in `args` (`parent's pid`, `program`, its arguments), with its limits if it is
/// called by the `name` for them; returns only on failure, with the sentence that tells why.
pub fn become_engine(name: &str, mut args: impl Iterator<Item = OsString>) -> String {
    let parent = args.next().and_then(|a| a.to_str()?.parse::<i32>().ok());
    let (Some(parent), Some(program)) = (parent, args.next()) else {
        return format!("{name} is not for people");
    };
    #[cfg(target_os = "linux")]
    if let Err(e) = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL) {
        return format!("prctl: {e}");
    }
    // The parent may have died before the request was in place.
    if nix::unistd::getppid().as_raw() != parent {
        return "the server is gone".into();
    }
    if name == NAME {
        limits::apply();
    }
    let error = Command::new(&program).args(args).exec();
    format!("{}: {error}", program.to_string_lossy())
}
