//! Robust MPC (Yin, Jindal, Sekar, Sinopoli, SIGCOMM 2015): the best of all courses over five segments at one throughput,
//! the harmonic mean of the last five, made smaller by the largest of its recent errors.

use crate::line::Ms;
use crate::model::{BUFFER, Download, Rule, View};
use crate::score::{mbps, penalty};

const HORIZON: usize = 5;
const WINDOW: usize = 5;

/// The rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mpc {
    rates: Vec<f64>,
    errors: Vec<f64>,
    /// What was predicted for the next download, before it was made smaller.
    predicted: Option<f64>,
    last: usize,
}

/// The harmonic mean of the last ones.
pub(crate) fn harmonic(rates: &[f64]) -> Option<f64> {
    let recent = &rates[rates.len().saturating_sub(WINDOW)..];
    let sum: f64 = recent.iter().map(|r| 1.0 / r).sum();
    (!recent.is_empty()).then(|| recent.len() as f64 / sum)
}

impl Mpc {
    /// The value of the best course from here, and its first rung.
    fn best(view: &View<'_>, at: usize, last: usize, buffer: f64, kbps: f64) -> (f64, usize) {
        let film = view.film;
        if at >= film.sizes.len() || at >= view.segment + HORIZON {
            return (0.0, last);
        }
        let mut best = (f64::NEG_INFINITY, 0);
        for rung in 0..film.kbps.len() {
            let time = view.bits(at, rung) / kbps;
            let stall = (time - buffer).max(0.0) / 1000.0;
            let next = ((buffer - time).max(0.0) + view.length()).min(BUFFER);
            let change = (mbps(film, rung) - mbps(film, last)).abs();
            let now = mbps(film, rung) - change - penalty(film) * stall;
            let worth = now + Self::best(view, at + 1, rung, next, kbps).0;
            if worth > best.0 {
                best = (worth, rung);
            }
        }
        best
    }
}

impl Rule for Mpc {
    fn choose(&mut self, view: &View<'_>) -> (usize, Ms) {
        let Some(mean) = harmonic(&self.rates) else { return (0, 0.0) };
        let recent = &self.errors[self.errors.len().saturating_sub(WINDOW)..];
        let error = recent.iter().copied().fold(0.0, f64::max);
        self.predicted = Some(mean);
        let rung = Self::best(view, view.segment, self.last, view.buffer, mean / (1.0 + error)).1;
        (rung, 0.0)
    }

    fn downloaded(&mut self, _view: &View<'_>, it: &Download) {
        let rate = it.got / it.time.max(1.0);
        if let Some(predicted) = self.predicted {
            self.errors.push((predicted - rate).abs() / rate.max(1e-6));
        }
        self.rates.push(rate.max(1e-6));
        self.last = it.rung;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearlive_simulator::origin::film::Film;

    /// Rungs of 1 and 2 Mb/s, segments of 3 s: a second of standing costs 2.
    fn chosen(it: &mut Mpc, segments: usize, buffer: Ms) -> usize {
        let film = Film::steady(segments, 3000, &[1000, 2000]);
        it.choose(&View { film: &film, segment: 0, buffer }).0
    }

    fn knowing(rates: &[f64], errors: &[f64], last: usize) -> Mpc {
        Mpc { rates: rates.to_vec(), errors: errors.to_vec(), predicted: None, last }
    }

    /// 3 / (1/600 + 1/300 + 1/600) = 450; of more than five the last five count.
    #[test]
    fn the_prediction_is_the_harmonic_mean_of_the_last_five() {
        for (rates, mean) in [
            (vec![600.0, 300.0, 600.0], Some(450.0)),
            (vec![9.0, 9.0, 500.0, 500.0, 500.0, 500.0, 500.0], Some(500.0)),
            (vec![], None),
        ] {
            let it = harmonic(&rates);
            assert_eq!(it.map(f64::round), mean, "{rates:?}");
        }
    }

    /// By the paper's equations, at 1500 kb/s: rung 0 takes 2 s, rung 1 takes 4 s.
    /// One segment, 3 s buffered, after rung 0: rung 0 is worth 1, rung 1 2 - 1 - 2 * 1 = -1.
    /// One segment, 4 s buffered, after rung 1: rung 0 is worth 1 - 1 = 0, rung 1 2.
    /// The same with a recent error of 0.5, so at 1000 kb/s: rung 1 stands for 2 s, 2 - 4 = -2.
    /// Two segments, 4 s buffered, after rung 0: (0, 0) and (0, 1) 2, (1, 0) 1, (1, 1) 1 + 2 - 2 * 1 = 1.
    /// Two segments, 9 s buffered, after rung 0: (1, 1) is worth 3.
    #[test]
    fn the_first_rung_of_the_best_course_is_taken() {
        for (segments, buffer, last, error, rung) in [
            (1, 3000.0, 0, 0.0, 0),
            (1, 4000.0, 1, 0.0, 1),
            (1, 4000.0, 1, 0.5, 0),
            (2, 4000.0, 0, 0.0, 0),
            (2, 9000.0, 0, 0.0, 1),
        ] {
            let mut it = knowing(&[1500.0], &[error], last);
            assert_eq!(chosen(&mut it, segments, buffer), rung, "{segments} {buffer} {error}");
        }
    }

    /// 1500 were predicted and 1000 came: an error of 0.5, which counts for five downloads.
    #[test]
    fn the_error_is_relative_to_what_came() {
        let film = Film::steady(1, 3000, &[1000, 2000]);
        let view = View { film: &film, segment: 0, buffer: 4000.0 };
        let mut it = knowing(&[1500.0], &[], 1);
        it.choose(&view);
        let (bits, time) = (3e6, 3000.0);
        let (got, latency, at, left_for) = (bits, 0.0, time, None);
        it.downloaded(&view, &Download { rung: 0, bits, got, time, latency, at, left_for });
        assert_eq!((it.errors.as_slice(), it.last), (&[0.5][..], 0));
        let mut old = knowing(&[1500.0], &[0.5, 0.0, 0.0, 0.0, 0.0, 0.0], 1);
        assert_eq!(chosen(&mut old, 1, 4000.0), 1);
    }
}
