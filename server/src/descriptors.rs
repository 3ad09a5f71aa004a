//! Raises the limit of file descriptors to cover all that may be open at a time. The usual 1024 are
//! fewer than the connections that a file may ask for, and without a pipe a camera has no picture.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// The listener, the log, the runtime's own, and connections that are being refused.
const OWN: u64 = 64;

/// The pipes of a camera's ffmpeg, and of an ffmpeg that decodes a still.
const PER_CAMERA: u64 = 16;

/// Raises this process's limit as far as allowed; `Err` with what it has and needs if that is less.
pub fn provide(connections: usize, cameras: usize) -> Result<(), (u64, u64)> {
    let needed = needed(connections as u64, cameras as u64);
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return Ok(()) };
    if soft >= needed {
        return Ok(());
    }
    let may = needed.min(hard);
    let has = match setrlimit(Resource::RLIMIT_NOFILE, may, hard) {
        Ok(()) => may,
        Err(_) => soft,
    };
    if has < needed { Err((has, needed)) } else { Ok(()) }
}

const fn needed(connections: u64, cameras: u64) -> u64 {
    OWN + connections + PER_CAMERA * cameras
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_usual_needs_nothing_of_the_system() {
        assert!(needed(512, 20) <= 1024);
        assert!(needed(60_000, 1) > 60_000);
    }
}
