//! BOLA (Spiteri, Urgaonkar, Sitaraman, INFOCOM 2016) and BOLA-E (MMSys 2018), ported from Sabre with its defaults.

use crate::classic::{History, Margin};
use crate::line::Ms;
use crate::model::{BUFFER, Download, Rule, View};

/// The weight of smoothness, seconds in Sabre's own unit.
const GAMMA: f64 = 5.0;
/// BOLA-E's virtual buffer: at least this much for the lowest rung, and this much for each.
const LEAST: Ms = 10_000.0;
const PER_RUNG: Ms = 2000.0;
/// BOLA's window grows with the film: from this many segments.
const FEWEST: f64 = 3.0;

fn logs(kbps: &[u64], lowest: f64) -> Vec<f64> {
    let first = kbps.first().map_or(0.0, |&k| (k as f64).ln());
    kbps.iter().map(|&k| (k as f64).ln() - first + lowest).collect()
}

/// The rung of the greatest value at a level of the buffer: the first of equal ones.
fn best(kbps: &[u64], value: impl Fn(usize) -> f64) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (i, &k) in kbps.iter().enumerate() {
        let it = value(i) / k as f64;
        if it > best.1 {
            best = (i, it);
        }
    }
    best.0
}

/// BOLA as of its authors' later work: with the window that grows, the throughput as a ceiling of going up, and
/// abandoning.
#[derive(Clone, Debug)]
pub(crate) struct Bola {
    utility: Vec<f64>,
    vp: f64,
    last: usize,
    history: History,
}

impl Bola {
    pub(crate) fn new(kbps: &[u64]) -> Self {
        Self { utility: logs(kbps, 0.0), vp: 0.0, last: 0, history: History::default() }
    }

    fn value(&self, rung: usize, level: Ms) -> f64 {
        self.vp * (self.utility[rung] + GAMMA) - level
    }
}

impl Rule for Bola {
    fn choose(&mut self, view: &View<'_>) -> (usize, Ms) {
        let segments = view.film.sizes.len();
        let window = (view.segment.min(segments - view.segment) as f64 / 2.0).max(FEWEST);
        let buffer = BUFFER.min(window * view.length());
        self.vp = (buffer - view.length()) / (self.utility[self.utility.len() - 1] + GAMMA);
        let Some(kbps) = self.history.kbps() else { return (0, 0.0) };
        let mut rung = best(&view.film.kbps, |i| self.value(i, view.buffer));
        if rung > self.last {
            let carried = self.history.rung_for(view, kbps);
            if rung > carried {
                rung = if self.last > carried { self.last } else { carried + 1 };
            }
        }
        self.last = rung;
        (rung, 0.0)
    }

    fn downloaded(&mut self, view: &View<'_>, it: &Download) {
        self.history.add(view.length(), it);
    }

    fn gives_up(&mut self, view: &View<'_>, it: &Download) -> Option<usize> {
        let left = it.bits - it.got;
        if it.got <= 0.0 || left <= 0.0 {
            return None;
        }
        let mut score = self.value(it.rung, view.buffer) / left;
        if score < 0.0 {
            return None;
        }
        let rates = &view.film.kbps;
        let mut to = None;
        for rung in 0..it.rung {
            let size = it.bits * rates[rung] as f64 / rates[it.rung] as f64;
            let other = self.value(rung, view.buffer) / size;
            if size < left && other > score {
                (score, to) = (other, Some(rung));
            }
        }
        self.last = to.unwrap_or(self.last);
        to
    }
}

/// BOLA-E: BOLA with a placeholder in the buffer, so that it starts by the throughput, and an insurance.
#[derive(Clone, Debug)]
pub(crate) struct BolaE {
    kbps: Vec<u64>,
    utility: Vec<f64>,
    gamma: f64,
    vp: f64,
    steady: bool,
    placeholder: Ms,
    last: usize,
    margin: Margin,
    history: History,
}

impl BolaE {
    pub(crate) fn new(kbps: &[u64]) -> Self {
        let utility = logs(kbps, 1.0);
        let buffer = (LEAST + PER_RUNG * kbps.len() as f64).max(BUFFER);
        let gamma = (utility[utility.len() - 1] - 1.0) / (buffer / LEAST - 1.0);
        Self {
            kbps: kbps.to_vec(),
            utility,
            gamma,
            vp: LEAST / gamma,
            steady: false,
            placeholder: 0.0,
            last: 0,
            margin: Margin::new(),
            history: History::default(),
        }
    }

    fn value(&self, rung: usize, level: Ms) -> f64 {
        self.vp * (self.utility[rung] + self.gamma) - level
    }

    /// The lowest level at which no lower rung is worth more.
    fn least(&self, rung: usize) -> Ms {
        let (rate, utility) = (self.kbps[rung] as f64, self.utility[rung]);
        let level = |low: usize| {
            let (k, u) = (self.kbps[low] as f64, self.utility[low]);
            self.vp * (self.gamma + (rate * u - k * utility) / (rate - k))
        };
        (0..rung).map(level).fold(0.0, f64::max)
    }

    fn most(&self, rung: usize) -> Ms {
        self.vp * (self.utility[rung] + self.gamma)
    }
}

impl Rule for BolaE {
    fn choose(&mut self, view: &View<'_>) -> (usize, Ms) {
        let Some(kbps) = self.history.kbps() else { return (self.last, 0.0) };
        let carried = self.history.rung_for(view, kbps);
        if !self.steady {
            self.steady = true;
            self.placeholder = (self.least(carried) - view.buffer).max(0.0);
            return (carried, 0.0);
        }
        let mut rung = best(&self.kbps, |i| self.value(i, view.buffer + self.placeholder));
        if rung > self.last && rung > carried {
            rung = self.last.max(carried) + 1;
        }
        let over = view.buffer + self.placeholder - self.most(rung);
        let mut wait = (over - self.placeholder).max(0.0);
        self.placeholder = (self.placeholder - over.max(0.0)).max(0.0);
        if rung == self.kbps.len() - 1 {
            wait = 0.0;
        }
        let insured = self.history.insured(view, rung, self.margin.take());
        if insured < rung {
            (rung, wait) = (insured, 0.0);
            let most = (self.least(rung) - view.buffer).max(0.0);
            self.placeholder = self.placeholder.min(most);
        }
        (rung, wait)
    }

    fn waited(&mut self, time: Ms) {
        self.placeholder += time;
    }

    fn downloaded(&mut self, view: &View<'_>, it: &Download) {
        self.last = it.rung;
        let level = view.buffer;
        if it.got >= it.bits {
            // Sabre counts the new segment with what was buffered before.
            let was = level + it.time;
            self.placeholder = self.placeholder.min((self.most(it.rung) - was).max(0.0));
            self.placeholder = self.placeholder.max(self.least(it.rung) - was);
        } else {
            let to = it.left_for.unwrap_or(0);
            let wanted = if to > 0 { self.least(to) } else { LEAST };
            self.placeholder = self.placeholder.min((wanted - level).max(0.0));
        }
        self.history.add(view.length(), it);
    }

    fn gives_up(&mut self, view: &View<'_>, it: &Download) -> Option<usize> {
        let left = it.bits - it.got;
        if it.got <= 0.0 || left <= 0.0 || it.time <= it.latency {
            return None;
        }
        let level = (view.buffer + self.placeholder - it.latency).max(0.0);
        let rate = it.got / (it.time - it.latency);
        let size = left - it.latency * rate;
        if size <= 0.0 {
            return None;
        }
        let mut score = self.value(it.rung, level) / size;
        let mut to = None;
        for rung in 0..it.rung {
            let other = it.bits * self.kbps[rung] as f64 / self.kbps[it.rung] as f64;
            let worth = self.value(rung, level) / other;
            if other < size && worth > score {
                (score, to) = (worth, Some(rung));
            }
        }
        to
    }
}
