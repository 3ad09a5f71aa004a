//! One call of the command: runs of ffmpeg until no file is missing.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::argv;
use super::crew::{Crew, News};
use super::ffmpeg::Outcome;
use super::folder::Record;
use super::job::Job;
use super::made::Made;
use super::piece::{Piece, doing, pixels, runs};
use super::problem::Problem;
use super::progress::{Show, Work};
use super::source::{self, Film, Fingerprint};
use super::track;
use crate::clock::Clock;
use crate::engine::Engine;
use crate::engine::argv::file;
use crate::error::Error;
use crate::shutdown::Shutdown;

/// One call of the command.
pub(super) struct Call<'a> {
    pub(super) engine: Engine,
    pub(super) job: &'a Job,
    pub(super) record: &'a Record,
    pub(super) pieces: &'a [Piece],
    pub(super) film: &'a Film,
    pub(super) shutdown: &'a Shutdown,
}

impl Call<'_> {
    /// Makes what is not in `made`. The first failure ends the runs beside it; what has its name
    /// by then is kept.
    pub(super) async fn make_missing(&self, made: &mut Made) -> Result<(), Error> {
        let runs = runs(self.pieces.iter().filter(|p| !made.tracks.contains_key(&p.name)));
        let film_us = self.film.lasts.map_or(0, |d| d.as_micros());
        let mut work = Work::new(runs.iter().map(|run| pixels(run)), film_us);
        let mut crew = Crew::new(&self.engine);
        let mut waiting = runs.iter().enumerate();
        let mut working = BTreeMap::new();
        let mut failed = None;
        let clock = Clock::start();
        let mut show = Show::new(clock.now());
        loop {
            while crew.has_room()
                && let Some((which, run)) = waiting.next()
            {
                crew.begin(which, self.args(run, made));
                working.insert(which, run);
            }
            if !working.is_empty() {
                let pieces: Vec<&Piece> = working.values().copied().flatten().copied().collect();
                show.at(clock.now(), work.permille(), &doing(&pieces));
            }
            match crew.news(self.shutdown).await? {
                News::Nothing => break,
                News::At(which, us) => work.at(which, us),
                News::Ended(which, outcome) => {
                    let Some(run) = working.remove(&which) else { continue };
                    match self.take(run, outcome, made) {
                        Ok(()) => work.finish(which),
                        Err(e) => {
                            crew.stop();
                            failed.get_or_insert(e);
                        }
                    }
                }
            }
        }
        show.close();
        match failed {
            // Counted when the last run has ended.
            Some(Error::Encode(Problem::Stopped { .. })) | None
                if made.tracks.len() < self.pieces.len() =>
            {
                Err(self.stopped(made).into())
            }
            Some(e) => Err(e),
            None => Ok(()),
        }
    }

    fn args(&self, run: &[&Piece], made: &Made) -> Vec<OsString> {
        let mut args = argv::input(&self.job.film);
        for piece in run {
            args.extend(piece.args.iter().map(OsString::from));
            args.push(file(&made.folder.draft(&piece.name)));
        }
        args
    }

    /// Checks what a run has written, and gives it its names; or removes it.
    fn take(
        &self,
        run: &[&Piece],
        outcome: Result<Outcome, Error>,
        made: &mut Made,
    ) -> Result<(), Error> {
        let taken = outcome.and_then(|outcome| {
            self.is_whole(run, outcome, made)?;
            run.iter().try_for_each(|piece| self.publish(piece, made))?;
            Ok(())
        });
        if taken.is_err() {
            run.iter().for_each(|piece| made.folder.drop_draft(&piece.name));
        }
        taken
    }

    fn is_whole(&self, run: &[&Piece], outcome: Outcome, made: &Made) -> Result<(), Problem> {
        let folder = || made.folder.path().to_owned();
        match outcome {
            Outcome::Done => {}
            Outcome::Stopped => return Err(self.stopped(made)),
            Outcome::NoRoom => return Err(Problem::NoRoom(folder())),
            Outcome::TooLong => return Err(Problem::TooLong(folder())),
            Outcome::Failed(said) => return Err(Problem::Failed { making: doing(run), said }),
        }
        let now: Fingerprint = source::fingerprint(&self.job.film)?;
        if now != self.record.film {
            return Err(Problem::FilmChanged { film: self.job.film.clone(), folder: folder() });
        }
        Ok(())
    }

    fn publish(&self, piece: &Piece, made: &mut Made) -> Result<(), Problem> {
        let failed = |said| Problem::Failed { making: piece.name.clone(), said };
        let track = track::read(&made.folder.draft(&piece.name)).map_err(failed)?;
        made.fits(piece, &track, self.pieces)?;
        made.folder.publish(&piece.name)?;
        made.tracks.insert(piece.name.clone(), track);
        Ok(())
    }

    fn stopped(&self, made: &Made) -> Problem {
        Problem::Stopped { made: made.tracks.len(), of: self.pieces.len() }
    }
}
