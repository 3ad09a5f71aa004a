//! The bottleneck: carries one piece of bytes at a time, at a rate that changes.
//!
//! Pieces of all connections take turns ([`super::Network`] chooses), so the link is shared fairly.
//! A rate of zero is an outage: what is on the link stays there until the rate is back.

use crate::clock::{NEVER, Time};

/// A rate over time, kilobits a second: (duration, rate) steps. After them the last rate stays, or
/// they begin again.
#[derive(Clone, Debug)]
pub struct Trace {
    /// Each step: duration in microseconds, kilobits a second, one-way delay in microseconds where
    /// it changes.
    pub steps: Vec<TraceStep>,
    /// After the last step comes the first.
    pub repeat: bool,
}

/// One step of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceStep {
    /// For how long.
    pub lasts: Time,
    /// Kilobits a second.
    pub kbps: u64,
    /// One-way delay, where the trace says so.
    pub delay: Option<Time>,
}

impl Trace {
    /// Always the same rate.
    pub fn steady(kbps: u64) -> Self {
        Self { steps: vec![TraceStep { lasts: NEVER, kbps, delay: None }], repeat: false }
    }

    /// Reads `duration_ms,kbps,latency_ms` lines (a head line and other lines that are not numbers
    /// are skipped). The latency is that of a request's round trip.
    pub fn from_csv(text: &str) -> Self {
        let step = |line: &str| {
            let mut fields = line.split(',').map(|f| f.trim().parse::<u64>().ok());
            let (lasts, kbps) = (fields.next()??, fields.next()??);
            let delay = fields.next().flatten().map(|ms| ms * 500);
            Some(TraceStep { lasts: lasts * 1000, kbps, delay })
        };
        Self {
            steps: text.lines().filter_map(step).filter(|s| s.lasts > 0).collect(),
            repeat: true,
        }
    }
}

/// The link.
#[derive(Debug)]
pub struct Link {
    trace: Trace,
    step: usize,
    /// When the step began.
    since: Time,
    now: Time,
    kbps: u64,
    delay: Option<Time>,
    /// The rest of the piece on the link, in bits times 1000 (so that kb/s times microseconds are
    /// whole numbers).
    left: Option<u64>,
}

impl Link {
    /// An idle link.
    pub fn new(trace: Trace) -> Self {
        let mut link = Self { trace, step: 0, since: 0, now: 0, kbps: 0, delay: None, left: None };
        link.enter(0);
        link
    }

    /// Uses this trace from now on.
    pub fn set(&mut self, now: Time, trace: Trace) {
        self.advance(now);
        self.trace = trace;
        self.since = now;
        self.enter(0);
    }

    fn enter(&mut self, step: usize) {
        self.step = step;
        if let Some(s) = self.trace.steps.get(step) {
            self.kbps = s.kbps;
            self.delay = s.delay.or(self.delay);
        }
    }

    /// Kilobits a second now.
    pub const fn kbps(&self) -> u64 {
        self.kbps
    }

    /// One-way delay now, where the trace says so.
    pub const fn delay(&self) -> Option<Time> {
        self.delay
    }

    /// Whether a piece is on the link.
    pub const fn busy(&self) -> bool {
        self.left.is_some()
    }

    /// Puts a piece on the idle link.
    pub fn send(&mut self, bytes: u64) {
        self.left = Some(bytes * 8 * 1000);
    }

    fn step_end(&self) -> Time {
        match self.trace.steps.get(self.step) {
            Some(s) if self.trace.repeat || self.step + 1 < self.trace.steps.len() => {
                self.since.saturating_add(s.lasts)
            }
            _ => NEVER,
        }
    }

    /// When something changes: the piece is through, or the rate changes.
    pub fn next(&self) -> Time {
        let through = match (self.left, self.kbps) {
            (Some(left), kbps) if kbps > 0 => self.now.saturating_add(left.div_ceil(kbps)),
            _ => NEVER,
        };
        through.min(self.step_end())
    }

    /// Moves on to `now`, which is not after [`Self::next`]; true when the piece is through.
    pub fn advance(&mut self, now: Time) -> bool {
        let passed = now.saturating_sub(self.now);
        self.now = self.now.max(now);
        let mut through = false;
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(passed.saturating_mul(self.kbps));
            if *left == 0 {
                self.left = None;
                through = true;
            }
        }
        if now >= self.step_end() {
            self.since = self.step_end();
            let next = self.step + 1;
            self.enter(if next < self.trace.steps.len() { next } else { 0 });
        }
        through
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(link: &mut Link) -> Time {
        loop {
            let at = link.next();
            if at == NEVER || link.advance(at) {
                return at;
            }
        }
    }

    #[test]
    fn a_piece_takes_the_time_of_its_bits_over_all_the_rates_it_meets() {
        // 1000 ms at 800 kb/s are 100 kB; then nothing for 500 ms; then 10 kB a second.
        let csv = "duration_ms,kbps,latency_ms\n1000,800,20\n500,0,20\n9000,80,60\n";
        let mut link = Link::new(Trace::from_csv(csv));
        link.send(105_000);
        assert_eq!(run(&mut link), 1_500_000 + 500_000);
        assert_eq!(link.delay(), Some(30_000));
    }

    #[test]
    fn an_outage_lasts_until_the_rate_is_set_again() {
        let mut link = Link::new(Trace::steady(0));
        link.send(1000);
        assert_eq!(link.next(), NEVER);
        link.set(3_000_000, Trace::steady(8));
        assert_eq!(run(&mut link), 4_000_000);
    }
}
