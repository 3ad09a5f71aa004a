//! A process group: ffmpeg, and any process between it and us.
//!
//! `--ffmpeg` may name a script that runs ffmpeg as a child. A signal to the script alone would
//! leave ffmpeg running, with our pipes open.

use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Child;

/// How often to check whether the group has ended: there is no notification.
const LOOK: Duration = Duration::from_millis(10);

/// The group in which a child was started. Dropping it kills every process left in it.
#[derive(Debug)]
pub struct Group(Option<Pid>);

impl Group {
    /// The group of `child`, which was started as the first process of a new group.
    pub fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw))
    }

    /// Sends a signal to every process in it.
    pub fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            let _ = killpg(group, signal);
        }
    }

    /// Waits until it is empty. Its first process has to be waited for as well, or it stays in it.
    pub async fn gone(&self) {
        while self.0.is_some_and(|group| killpg(group, None) != Err(Errno::ESRCH)) {
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}
