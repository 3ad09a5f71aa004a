//! Runs of ffmpeg beside each other.
//!
//! In a process of ffmpeg 5.1 one encoder works at a time, and a process that makes several files
//! has whole ones only at its end. So there are several: more processors work, and what a run has
//! made stays made.

use std::ffi::OsString;
use std::io;
use std::thread::available_parallelism;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::ffmpeg::{self, Outcome};
use crate::engine::Engine;
use crate::error::Error;
use crate::shutdown::Shutdown;

/// What a crew tells. A run is named by the number with which it was begun.
#[derive(Debug)]
pub(super) enum News {
    /// A run stands at this microsecond of the film.
    At(usize, u64),
    /// A run has ended.
    Ended(usize, Result<Outcome, Error>),
    /// No run is left.
    Nothing,
}

/// The runs that work now. Dropping it kills them.
#[derive(Debug)]
pub(super) struct Crew {
    engine: Engine,
    /// Ends all of them.
    stop: Shutdown,
    runs: JoinSet<(usize, Result<Outcome, Error>)>,
    says: UnboundedSender<(usize, u64)>,
    said: UnboundedReceiver<(usize, u64)>,
}

impl Crew {
    /// Nobody works yet.
    pub(super) fn new(engine: &Engine) -> Self {
        let (says, said) = unbounded_channel();
        Self { engine: engine.clone(), stop: Shutdown::default(), runs: JoinSet::new(), says, said }
    }

    /// Whether another run may begin.
    pub(super) fn has_room(&self) -> bool {
        let processors = available_parallelism().map_or(1, usize::from);
        !self.stop.is_triggered() && self.runs.len() < at_once(processors)
    }

    /// Begins a run.
    pub(super) fn begin(&mut self, which: usize, args: Vec<OsString>) {
        let (engine, stop, says) = (self.engine.clone(), self.stop.clone(), self.says.clone());
        self.runs.spawn(async move {
            let outcome = ffmpeg::run(&engine, args, &stop, |us| {
                // The receiver lives as long as the runs.
                let _ = says.send((which, us));
            });
            (which, outcome.await)
        });
    }

    /// Ends every run; each still tells that it has ended.
    pub(super) fn stop(&self) {
        self.stop.trigger();
    }

    /// Waits for what is new. When `shutdown` is triggered, every run is ended.
    pub(super) async fn news(&mut self, shutdown: &Shutdown) -> Result<News, Error> {
        loop {
            let stopped = self.stop.is_triggered();
            tokio::select! {
                ended = self.runs.join_next() => return match ended {
                    None => Ok(News::Nothing),
                    Some(Ok((which, outcome))) => Ok(News::Ended(which, outcome)),
                    Some(Err(e)) => {
                        Err(Error::Io { doing: "running ffmpeg", source: io::Error::other(e) })
                    }
                },
                Some((which, us)) = self.said.recv() => return Ok(News::At(which, us)),
                () = shutdown.wait(), if !stopped => self.stop(),
            }
        }
    }
}

/// How many runs work beside each other. One keeps two processors busy, but for the moments in
/// which its threads wait for each other; all rungs of a film together take no more memory than
/// one process that makes them all.
fn at_once(processors: usize) -> usize {
    match processors {
        0 | 1 => 1,
        more => more / 2 + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_processor_has_one_run_and_more_of_them_have_one_to_spare() {
        assert_eq!([1, 2, 4, 16].map(at_once), [1, 2, 3, 9]);
    }

    #[tokio::test]
    async fn one_that_is_stopped_ends_all_its_runs_and_begins_none() {
        let sleep = Engine { ffmpeg: "sleep".into(), gstreamer: "no".into(), wrapper: None };
        for by_shutdown in [true, false] {
            let (mut crew, shutdown) = (Crew::new(&sleep), Shutdown::default());
            assert!(crew.has_room());
            crew.begin(0, vec!["100000".into()]);
            crew.begin(1, vec!["0".into()]);
            crew.begin(2, vec!["100000".into()]);
            let first = crew.news(&shutdown).await.expect("news");
            assert!(matches!(first, News::Ended(1, Ok(Outcome::Done))), "{first:?}");
            if by_shutdown {
                shutdown.trigger()
            } else {
                crew.stop()
            }
            for _ in 0..2 {
                let ended = crew.news(&shutdown).await.expect("news");
                assert!(matches!(ended, News::Ended(0 | 2, Ok(Outcome::Stopped))), "{ended:?}");
            }
            let last = crew.news(&shutdown).await.expect("news");
            assert!(matches!(last, News::Nothing) && !crew.has_room(), "{last:?}");
        }
    }
}
