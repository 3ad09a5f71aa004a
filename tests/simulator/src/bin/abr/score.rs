//! The score of a run: the linear quality of experience of Yin et al. (SIGCOMM 2015), a segment.

use crate::model::Played;
use nearlive_simulator::origin::film::Film;

/// The figures of one run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) score: f64,
    pub(crate) kbps: f64,
    pub(crate) stalled_percent: f64,
    pub(crate) stalls: f64,
    /// Kilobits a second from one segment to the next.
    pub(crate) change: f64,
    /// Seconds.
    pub(crate) startup: f64,
}

pub(crate) fn mbps(film: &Film, rung: usize) -> f64 {
    film.kbps[rung] as f64 / 1000.0
}

/// What a second of standing still costs: the top rung in megabits a second.
pub(crate) fn penalty(film: &Film) -> f64 {
    mbps(film, film.kbps.len() - 1)
}

impl Figures {
    pub(crate) fn of(film: &Film, it: &Played) -> Self {
        let n = it.rungs.len() as f64;
        let rates: Vec<f64> = it.rungs.iter().map(|&r| mbps(film, r)).collect();
        let seen: f64 = rates.iter().sum();
        let change: f64 = rates.iter().zip(rates.iter().skip(1)).map(|(a, b)| (a - b).abs()).sum();
        let (stalled, startup) = (it.stalled / 1000.0, it.startup / 1000.0);
        let length = film.length_ms() as f64 / 1000.0;
        // As Sabre has it, of the whole time that the viewer spends.
        let of_time = 1000.0 / n * length / (length + stalled + startup);
        Self {
            score: (seen - penalty(film) * stalled - change) / n,
            kbps: seen * of_time,
            stalled_percent: 100.0 * stalled / (length + stalled + startup),
            stalls: f64::from(it.stalls),
            change: change * of_time,
            startup,
        }
    }
}

/// The 10th percentile of the scores.
pub(crate) fn tenth(runs: &[Figures]) -> f64 {
    let mut scores: Vec<f64> = runs.iter().map(|r| r.score).collect();
    scores.sort_by(f64::total_cmp);
    scores.get(scores.len() / 10).copied().unwrap_or(f64::NAN)
}
