//! Sabre's rules by throughput, ported: its history, its throughput rule, and dash.js's dynamic rule.

use crate::bola::BolaE;
use crate::line::Ms;
use crate::model::{Download, Rule, View};

/// The half-lives of the means; of two, the smaller throughput and the larger latency count.
const HALF_LIVES: [Ms; 2] = [3000.0, 8000.0];
/// How much of the throughput a rung may need.
const SAFETY: f64 = 0.9;
/// What is buffered must cover a segment with this margin; it falls from the second to the first.
const LEAST_BUFFER_SAFETY: f64 = 0.5;
const FIRST_BUFFER_SAFETY: f64 = 0.9;
/// A download that would take this many segments' time is given up, after this long.
const ABANDON: f64 = 1.8;
const GRACE: Ms = 500.0;
/// The dynamic rule goes to BOLA-E above this much buffer, and back below that.
const TO_BOLA: Ms = 10_000.0;
const FROM_BOLA: Ms = 5_000.0;

/// The means of throughput and latency.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    throughput: [f64; 2],
    latency: [f64; 2],
    time: Ms,
    count: f64,
}

impl History {
    pub(crate) fn add(&mut self, length: Ms, it: &Download) {
        let time = it.time - it.latency;
        if it.got < it.bits || time <= 0.0 {
            return;
        }
        let rate = it.got / time;
        self.time += time;
        self.count += 1.0;
        for (i, half) in HALF_LIVES.iter().enumerate() {
            let keep = 0.5_f64.powf(time / half);
            self.throughput[i] = keep * self.throughput[i] + (1.0 - keep) * rate;
            let keep = 0.5_f64.powf(length / half);
            self.latency[i] = keep * self.latency[i] + (1.0 - keep) * it.latency;
        }
    }

    pub(crate) fn kbps(&self) -> Option<f64> {
        let mean = |i: usize| self.throughput[i] / (1.0 - 0.5_f64.powf(self.time / HALF_LIVES[i]));
        (self.count > 0.0).then(|| mean(0).min(mean(1)))
    }

    pub(crate) fn latency(&self, length: Ms) -> Ms {
        let full = |i: usize| 1.0 - 0.5_f64.powf(self.count * length / HALF_LIVES[i]);
        let mean = |i: usize| self.latency[i] / full(i);
        if self.count > 0.0 { mean(0).max(mean(1)) } else { 0.0 }
    }

    /// The highest rung of which a segment comes within its own length at this rate.
    pub(crate) fn rung_for(&self, view: &View<'_>, kbps: f64) -> usize {
        let length = view.length();
        let fits = |&k: &u64| self.latency(length) + length * k as f64 / kbps <= length;
        view.film.kbps.iter().skip(1).take_while(|k| fits(k)).count()
    }

    /// The highest rung up to `rung` of which a segment comes before the buffer is used up.
    pub(crate) fn insured(&self, view: &View<'_>, rung: usize, safety: f64) -> usize {
        let length = view.length();
        let safe = safety * (view.buffer - self.latency(length)) * self.kbps().unwrap_or(0.0);
        let mut to = 0;
        while to < rung && view.film.kbps[to + 1] as f64 * length <= safe {
            to += 1;
        }
        to
    }
}

/// The falling margin of the buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Margin(f64);

impl Margin {
    pub(crate) const fn new() -> Self {
        Self(FIRST_BUFFER_SAFETY)
    }

    pub(crate) const fn take(&mut self) -> f64 {
        let now = self.0;
        self.0 = (now * FIRST_BUFFER_SAFETY).max(LEAST_BUFFER_SAFETY);
        now
    }
}

/// The throughput rule.
#[derive(Clone, Debug)]
pub(crate) struct Throughput {
    pub(crate) history: History,
    margin: Margin,
}

impl Throughput {
    pub(crate) fn new() -> Self {
        Self { history: History::default(), margin: Margin::new() }
    }
}

impl Rule for Throughput {
    fn choose(&mut self, view: &View<'_>) -> (usize, Ms) {
        let Some(kbps) = self.history.kbps() else { return (0, 0.0) };
        let rung = self.history.rung_for(view, kbps * SAFETY);
        (self.history.insured(view, rung, self.margin.take()), 0.0)
    }

    fn downloaded(&mut self, view: &View<'_>, it: &Download) {
        self.history.add(view.length(), it);
    }

    fn gives_up(&mut self, view: &View<'_>, it: &Download) -> Option<usize> {
        let time = it.time - it.latency;
        if it.time < GRACE || time <= 0.0 || it.got <= 0.0 {
            return None;
        }
        let (rate, left) = (it.got / time, it.bits - it.got);
        if it.time + left / rate <= ABANDON * view.length() {
            return None;
        }
        let to = self.history.rung_for(view, rate * SAFETY);
        let rates = &view.film.kbps;
        let smaller = it.bits * rates[to] as f64 / (rates[it.rung] as f64) < left;
        (to < it.rung && smaller).then_some(to)
    }
}

/// dash.js's dynamic rule: by throughput with little buffered, by BOLA-E with much.
#[derive(Clone, Debug)]
pub(crate) struct Dynamic {
    throughput: Throughput,
    bola: BolaE,
    by_bola: bool,
}

impl Dynamic {
    pub(crate) fn new(kbps: &[u64]) -> Self {
        Self { throughput: Throughput::new(), bola: BolaE::new(kbps), by_bola: false }
    }
}

impl Rule for Dynamic {
    fn choose(&mut self, view: &View<'_>) -> (usize, Ms) {
        self.by_bola = view.buffer > TO_BOLA || self.by_bola && view.buffer >= FROM_BOLA;
        if self.by_bola { self.bola.choose(view) } else { self.throughput.choose(view) }
    }

    fn waited(&mut self, time: Ms) {
        self.bola.waited(time);
    }

    fn downloaded(&mut self, view: &View<'_>, it: &Download) {
        self.throughput.downloaded(view, it);
        self.bola.downloaded(view, it);
    }

    fn gives_up(&mut self, view: &View<'_>, it: &Download) -> Option<usize> {
        if self.by_bola { self.bola.gives_up(view, it) } else { self.throughput.gives_up(view, it) }
    }
}
