//! Ends the server in order, in under two seconds.
//!
//! Every task gets a clone of one [`Shutdown`]. Ctrl-C, SIGTERM and the end of the terminal
//! (SIGHUP) trigger it; a second one of them ends the process at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Tells tasks when to end. Clones share one state.
#[derive(Clone, Debug)]
pub struct Shutdown {
    flag: watch::Sender<bool>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self { flag: watch::Sender::new(false) }
    }
}

impl Shutdown {
    /// Tells every task to end.
    pub fn trigger(&self) {
        self.flag.send_replace(true);
    }

    /// Has the end been asked for?
    pub fn is_triggered(&self) -> bool {
        *self.flag.borrow()
    }

    /// Resolves when the end is asked for.
    pub async fn wait(&self) {
        let mut seen = self.flag.subscribe();
        // Cannot fail: we hold the sender.
        let _ = seen.wait_for(|ended| *ended).await;
    }

    /// Triggers on SIGINT, SIGTERM and SIGHUP; not on SIGHUP if it was ignored when the process
    /// started, as with nohup(1).
    pub fn on_signals(&self) -> std::io::Result<()> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = match ignores_hangup() {
            true => None,
            false => Some(signal(SignalKind::hangup())?),
        };
        let shutdown = self.clone();
        tokio::spawn(async move {
            let mut either = async || {
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    () = hung_up(hangup.as_mut()) => {}
                }
            };
            either().await;
            shutdown.trigger();
            either().await;
            // The kernel ends every ffmpeg with us (see engine::wrapper).
            std::process::exit(130);
        });
        Ok(())
    }
}

async fn hung_up(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether SIGHUP is ignored (proc_pid_status(5)); if the system does not tell, it is not.
fn ignores_hangup() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores(&status, 1))
}

fn ignores(status: &str, signal: u32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_their_mask() {
        for (line, hangup) in [
            ("SigIgn:\t0000000000001001", true),
            ("SigIgn:\t0000000000001000", false),
            ("SigCgt:\t0000000000000001", false),
            ("SigIgn:\tno", false),
            ("", false),
        ] {
            assert_eq!(ignores(&format!("Name:\tx\n{line}\nThreads:\t1\n"), 1), hangup, "{line}");
        }
    }
}
