//! One call of the command: runs of ffmpeg until no file is missing.

use std::ffi::OsString;

use super::ffmpeg::{self, Outcome};
use super::folder::Record;
use super::job::Job;
use super::made::Made;
use super::piece::{Content, Piece, doing, pixels};
use super::problem::Problem;
use super::progress::{Show, Work};
use super::source::{self, Film, Fingerprint};
use super::{argv, ladder, track};
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
    /// Makes what is not in `made`.
    pub(super) async fn make_missing(&self, made: &mut Made) -> Result<(), Error> {
        let runs = self.runs(made);
        let film_us = self.film.lasts.map_or(0, |d| d.as_micros());
        let all_pixels: u64 = runs.iter().map(|run| pixels(run)).sum();
        let mut work = Work {
            before: 0,
            all: u128::from(all_pixels) * u128::from(film_us),
            pixels: 0,
            film_us,
        };
        let clock = Clock::start();
        let mut show = Show::new(clock.now());
        for run in &runs {
            work.pixels = pixels(run);
            let what = doing(run);
            show.at(clock.now(), work.permille(0), &what);
            let outcome = ffmpeg::run(&self.engine, self.args(run, made), self.shutdown, |us| {
                show.at(clock.now(), work.permille(us), &what);
            });
            let outcome = outcome.await;
            show.close();
            let done = match outcome {
                Ok(outcome) => self.take(run, outcome, made).map_err(Error::from),
                Err(e) => Err(e),
            };
            if done.is_err() {
                run.iter().for_each(|piece| made.folder.drop_draft(&piece.name));
                return done;
            }
            work.before += u128::from(work.pixels) * u128::from(film_us);
        }
        Ok(())
    }

    /// Which missing files are made together.
    fn runs(&self, made: &Made) -> Vec<Vec<&Piece>> {
        let missing = self.pieces.iter().filter(|p| !made.tracks.contains_key(&p.name));
        let (mut pictures, mut rungs, mut sound) = (Vec::new(), Vec::new(), Vec::new());
        for piece in missing {
            match piece.holds {
                Content::Picture(rung) => {
                    pictures.push(piece);
                    rungs.push(rung);
                }
                Content::Sound(_) => sound.push(piece),
            }
        }
        let mut runs: Vec<Vec<&Piece>> = ladder::runs(&rungs)
            .into_iter()
            .map(|run| run.into_iter().filter_map(|i| pictures.get(i).copied()).collect())
            .collect();
        match runs.first_mut() {
            Some(first) => first.extend(sound),
            None if sound.is_empty() => {}
            None => runs.push(sound),
        }
        runs
    }

    fn args(&self, run: &[&Piece], made: &Made) -> Vec<OsString> {
        let mut args = argv::input(&self.job.film);
        for piece in run {
            args.extend(piece.args.iter().map(OsString::from));
            args.push(file(&made.folder.draft(&piece.name)));
        }
        args
    }

    /// Checks what a run has written, and gives it its names.
    fn take(&self, run: &[&Piece], outcome: Outcome, made: &mut Made) -> Result<(), Problem> {
        let folder = || made.folder.path().to_owned();
        let making = doing(run);
        match outcome {
            Outcome::Done => {}
            Outcome::Stopped => {
                return Err(Problem::Stopped { made: made.tracks.len(), of: self.pieces.len() });
            }
            Outcome::NoRoom => return Err(Problem::NoRoom(folder())),
            Outcome::TooLong => return Err(Problem::TooLong(folder())),
            Outcome::Failed(said) => return Err(Problem::Failed { making, said }),
        }
        let now: Fingerprint = source::fingerprint(&self.job.film)?;
        if now != self.record.film {
            return Err(Problem::FilmChanged { film: self.job.film.clone(), folder: folder() });
        }
        for piece in run {
            let read = track::read(&made.folder.draft(&piece.name));
            let failed = |said| Problem::Failed { making: piece.name.clone(), said };
            made.add(piece, read.map_err(failed)?, self.pieces)?;
        }
        run.iter().try_for_each(|piece| made.folder.publish(&piece.name))
    }
}
