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
