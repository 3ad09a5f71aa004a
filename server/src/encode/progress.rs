//! How far the work is: PURE reading and words, and the terminal that shows them.
//!
//! On a terminal one line is written over and over. Elsewhere (a file, a log) each tenth of the
//! work is a line.

use std::io::{self, IsTerminal, Write};

use nearlive::time::{Duration, Instant};

/// The work of one call: pixels times microseconds of film.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Work {
    /// What was done before the run that works now.
    pub(super) before: u128,
    /// All of it.
    pub(super) all: u128,
    /// Pixels of the pictures that the run makes at once.
    pub(super) pixels: u64,
    /// How long the film is, microseconds; 0 where it is not known.
    pub(super) film_us: u64,
}

impl Work {
    /// Thousandths done when the run stands at this microsecond of the film.
    pub(super) fn permille(&self, at_us: u64) -> u64 {
        let at = u128::from(at_us.min(self.film_us));
        let done = self.before + at * u128::from(self.pixels);
        u64::try_from((done * 1000).checked_div(self.all).unwrap_or(0)).unwrap_or(1000).min(1000)
    }
}

/// The time in the film that a line of `-progress` tells, microseconds.
pub(super) fn out_time_us(line: &str) -> Option<u64> {
    // `N/A` before the first picture, and negative while the sound begins.
    line.strip_prefix("out_time_us=")?.trim().parse().ok()
}

/// What is left after `permille` took `spent`, if that can be told yet.
fn left(permille: u64, spent: Duration) -> Option<u64> {
    let secs = spent.as_secs();
    (permille > 0 && secs > 0).then(|| secs * (1000 - permille.min(1000)) / permille)
}

fn lasting(secs: u64) -> String {
    match secs {
        0..=59 => format!("{secs} s"),
        60..=3599 => format!("{} min {:02} s", secs / 60, secs % 60),
        _ => format!("{} h {:02} min", secs / 3600, secs % 3600 / 60),
    }
}

/// `43 %, 2 min 05 s left: video 1280x720`.
fn line(permille: u64, spent: Duration, what: &str) -> String {
    let left = left(permille, spent).map(|s| format!(", {} left", lasting(s)));
    format!("{} %{}: {what}", permille / 10, left.unwrap_or_default())
}

/// Where progress is shown: stderr.
#[derive(Debug)]
pub(super) struct Show {
    begun: Instant,
    terminal: bool,
    /// The last tenth that was told.
    told: Option<u64>,
    /// A line stands on the terminal without its end.
    open: bool,
}

impl Show {
    /// The work begins.
    pub(super) fn new(now: Instant) -> Self {
        Self { begun: now, terminal: io::stderr().is_terminal(), told: None, open: false }
    }

    /// It is so far.
    pub(super) fn at(&mut self, now: Instant, permille: u64, what: &str) {
        let text = line(permille, now.since(self.begun), what);
        if self.terminal {
            // To the line's start, and what was longer is wiped out.
            self.open = true;
            write(&format!("\r{text}\x1b[K"));
        } else if self.told.is_none_or(|told| told < permille / 100) {
            self.told = Some(permille / 100);
            write(&format!("{text}\n"));
        }
    }

    /// Ends the line on the terminal, so that what follows has its own.
    pub(super) fn close(&mut self) {
        if std::mem::take(&mut self.open) {
            write("\n");
        }
    }
}

/// A closed stderr is no reason to stop.
fn write(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_work_of_a_run_counts_by_its_pixels() {
        let work = Work { before: 100, all: 400, pixels: 2, film_us: 100 };
        assert_eq!([0, 50, 100, 900].map(|at| work.permille(at)), [250, 500, 750, 750]);
        let unknown = Work { before: 0, all: 0, pixels: 2, film_us: 0 };
        assert_eq!(unknown.permille(5), 0);
    }

    #[test]
    fn the_time_in_the_film_is_read_and_what_is_none_is_not() {
        for (text, at) in [
            ("out_time_us=1500000", Some(1_500_000)),
            ("out_time_us=N/A", None),
            ("out_time_us=-21333", None),
            ("out_time=00:00:01.5", None),
        ] {
            assert_eq!(out_time_us(text), at, "{text}");
        }
    }

    #[test]
    fn a_line_says_how_much_is_done_and_how_long_it_will_take() {
        for (permille, secs, said) in [
            (0, 0, "0 %: x"),
            (430, 100, "43 %, 2 min 12 s left: x"),
            (999, 10, "99 %, 0 s left: x"),
            (10, 100, "1 %, 2 h 45 min left: x"),
            (500, 30, "50 %, 30 s left: x"),
        ] {
            assert_eq!(line(permille, Duration::from_secs(secs), "x"), said);
        }
    }
}
