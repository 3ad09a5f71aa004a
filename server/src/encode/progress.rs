//! How far the work is: PURE reading and words, and the terminal that shows them.
//!
//! On a terminal one line is written over and over. Elsewhere (a file, a log) each tenth of the
//! work is a line.

use std::io::{self, IsTerminal, Write};

use nearlive::time::{Duration, Instant};

/// The work of one call: files, each as much work as it has pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Work {
    parts: Vec<Part>,
    /// How long the film is, microseconds; 0 where it is not known.
    film_us: u64,
}

/// The work of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    pixels: u64,
    /// Thousandths.
    done: u64,
}

impl Work {
    /// Nothing is done yet.
    pub(super) fn new(pixels: impl Iterator<Item = u64>, film_us: u64) -> Self {
        Self { parts: pixels.map(|pixels| Part { pixels, done: 0 }).collect(), film_us }
    }

    /// A file stands at this microsecond of the film.
    pub(super) fn at(&mut self, which: usize, us: u64) {
        let done = us.saturating_mul(1000).checked_div(self.film_us).unwrap_or(0).min(1000);
        self.set(which, done);
    }

    /// A file is done.
    pub(super) fn finish(&mut self, which: usize) {
        self.set(which, 1000);
    }

    fn set(&mut self, which: usize, done: u64) {
        if let Some(part) = self.parts.get_mut(which) {
            part.done = done;
        }
    }

    /// Thousandths of all that are done.
    pub(super) fn permille(&self) -> u64 {
        let all: u64 = self.parts.iter().map(|part| part.pixels).sum();
        let done: u64 = self.parts.iter().map(|part| part.pixels * part.done).sum();
        done.checked_div(all).unwrap_or(0)
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
    fn a_file_counts_by_its_pixels_and_a_film_of_unknown_length_by_its_files() {
        let mut work = Work::new([100, 300].into_iter(), 60);
        work.at(1, 30);
        assert_eq!(work.permille(), 375);
        // A little beyond the length that the film tells.
        work.at(0, 61);
        assert_eq!(work.permille(), 625);
        let mut unknown = Work::new([100, 300].into_iter(), 0);
        unknown.at(1, 30);
        assert_eq!(unknown.permille(), 0);
        unknown.finish(1);
        assert_eq!(unknown.permille(), 750);
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
