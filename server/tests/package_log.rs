//! What the log says while the packager works. One test a file: the log is the process's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code)] // Other tests use more of it.
mod support;

use std::sync::{Arc, Mutex};
use support::Feed;

/// What is logged, in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_new_period_is_logged_with_its_cause_and_a_series_of_them_once_a_minute() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, || {
        let mut feed = Feed::new(40);
        feed.packager = feed.packager.called("yard");
        feed.play(0, 4_000);
        assert_eq!(log.lines(), [""; 0], "the first one is no news");
        let again = |feed: &mut Feed| {
            feed.packager.begin_run(feed.now());
            feed.play(0, 4_000);
        };
        again(&mut feed);
        let lines = log.lines();
        assert!(lines.len() == 1 && lines[0].contains("yard: a new Period begins"), "{lines:?}");
        assert!(lines[0].contains("was connected anew"), "{lines:?}");
        again(&mut feed);
        again(&mut feed);
        assert_eq!(log.lines().len(), 1);
        feed.idle(60_000);
        again(&mut feed);
        let lines = log.lines();
        assert!(lines.len() == 2 && lines[1].contains("the last of 3"), "{lines:?}");
    });
}
