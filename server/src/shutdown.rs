//! Ending in order, in under two seconds.
//!
//! One [`Shutdown`] is handed to everything that runs; Ctrl-C and SIGTERM trigger it once, a second
//! Ctrl-C ends the process on the spot.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Says when to end. Clones are one and the same.
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
    /// Tells everyone to end.
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

    /// Triggers on SIGINT and SIGTERM.
    pub fn on_signals(&self) -> std::io::Result<()> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let shutdown = self.clone();
        tokio::spawn(async move {
            either(&mut interrupt, &mut terminate).await;
            shutdown.trigger();
            either(&mut interrupt, &mut terminate).await;
            // The kernel ends every ffmpeg with us (see engine::wrapper).
            std::process::exit(130);
        });
        Ok(())
    }
}

async fn either(a: &mut Signal, b: &mut Signal) {
    tokio::select! {
        _ = a.recv() => {}
        _ = b.recv() => {}
    }
}
