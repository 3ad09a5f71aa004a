//! A process group: ffmpeg, and whatever stands between it and us.
//!
//! `--ffmpeg` may name a script that does not become ffmpeg but has it as its child. A signal to that
//! script alone would leave ffmpeg running, with our pipes open.

use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Child;

/// How often it is looked at whether the group has ended: nothing tells it.
const LOOK: Duration = Duration::from_millis(10);

/// The group that a child was started in. Dropping it kills all that is left of it.
#[derive(Debug)]
pub struct Group(Option<Pid>);

impl Group {
    /// The group of `child`, which has been started as the first of a new one.
    pub fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw))
    }

    /// Sends a signal to all that are in it.
    pub fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            let _ = killpg(group, signal);
        }
    }

    /// Waits until nobody is in it. The first of it has to be waited for, too, or it stays in it.
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
