//! The score of a live run: the NQoE of Twitch's challenge, summed over the segments that were shown.

use super::link::{KBPS, SEGMENT};
use crate::runs::mean;
use nearlive_simulator::clock::Time;
use nearlive_simulator::report::{Report, Sample};

/// Above this latency, seconds, a second of it costs a tenth of the top rung; up to it a twentieth of the lowest.
const NEAR: f64 = 1.1;

/// A segment as it was shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shown {
    /// When it was first seen, seconds.
    pub(crate) at: f64,
    pub(crate) rung: usize,
    /// The mean while it was shown, seconds.
    pub(crate) latency: f64,
    /// The mean playback rate.
    pub(crate) speed: f64,
}

/// A live run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    pub(crate) shown: Vec<Shown>,
    /// Seconds after the start in which the picture stood, and how often.
    pub(crate) stalled: f64,
    pub(crate) stalls: f64,
    /// Seconds until the first picture.
    pub(crate) startup: f64,
    /// Seconds from the first picture to the end.
    pub(crate) lasted: f64,
    /// Seconds behind the camera.
    pub(crate) median: f64,
    pub(crate) p95: f64,
    /// What the player said of its choices.
    pub(crate) log: Vec<String>,
}

fn latency(s: &Sample) -> f64 {
    s.latency.map_or(0.0, seconds)
}

fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

fn since(us: Time) -> f64 {
    us as f64 / 1e6
}

fn shown(report: &Report) -> Vec<Shown> {
    let moving: Vec<&Sample> =
        report.samples.iter().filter(|s| s.moving && s.rung.is_some()).collect();
    let number = |s: &Sample| s.position.div_euclid(SEGMENT.cast_signed());
    let segments = moving.chunk_by(|a, b| number(a) == number(b));
    let one = |all: &[&Sample]| Shown {
        at: all.first().map_or(0.0, |s| since(s.at)),
        rung: all.first().and_then(|s| s.rung).map_or(0, usize::from),
        latency: mean(all, |s| latency(s)),
        speed: mean(all, |s| f64::from(s.rate) / 1000.0),
    };
    segments.map(one).collect()
}

impl Run {
    /// What a report says. Errors: there was no picture.
    pub(crate) fn of(report: &Report, end: Time) -> Result<Self, String> {
        let started = report.started.ok_or_else(|| format!("there is no picture: {report}"))?;
        let quantile = |permille| report.latency(started..end, permille).map_or(0.0, seconds);
        let say = |(at, s): &(Time, nearlive::player::Switch)| {
            format!("{:8.2} s  {}  {}", since(*at), s.to.id, s.reason)
        };
        Ok(Self {
            shown: shown(report),
            stalled: since(report.stood(started..end)),
            stalls: report.stands_in(started..end).len() as f64,
            startup: report.startup().map_or(0.0, since),
            lasted: since(end - started),
            median: quantile(500),
            p95: quantile(950),
            log: report.switches.iter().map(say).collect(),
        })
    }
}

/// The figures of one run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) nqoe: f64,
    pub(crate) kbps: f64,
    /// Seconds.
    pub(crate) median: f64,
    pub(crate) p95: f64,
    pub(crate) stalled_percent: f64,
    pub(crate) stalls: f64,
    pub(crate) switches: f64,
    /// Seconds.
    pub(crate) startup: f64,
}

impl Figures {
    pub(crate) fn of(run: &Run) -> Self {
        let (low, top) = (KBPS[0], KBPS[KBPS.len() - 1]);
        let length = since(SEGMENT);
        let own = |s: &Shown| {
            let price = if s.latency <= NEAR { 0.05 * low } else { 0.1 * top };
            length * KBPS[s.rung] - price * s.latency - low * (1.0 - s.speed).abs()
        };
        let pairs = || run.shown.iter().zip(run.shown.iter().skip(1));
        let change: f64 = pairs().map(|(a, b)| (KBPS[a.rung] - KBPS[b.rung]).abs()).sum();
        let seen: f64 = run.shown.iter().map(|s| KBPS[s.rung]).sum();
        Self {
            nqoe: run.shown.iter().map(own).sum::<f64>() - change - top * run.stalled,
            kbps: seen / run.shown.len().max(1) as f64,
            median: run.median,
            p95: run.p95,
            stalled_percent: 100.0 * run.stalled / run.lasted.max(1e-9),
            stalls: run.stalls,
            switches: pairs().filter(|(a, b)| a.rung != b.rung).count() as f64,
            startup: run.startup,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition: two segments at 600 and 1000 kb/s are 300 + 500; the change is 400; 0.2 s of standing are
    /// 200; latencies of 1 and 2 s are 10 and 200; a speed of 1.1 is 20.
    #[test]
    fn the_score_is_the_challenges() {
        let one = |rung, latency, speed| Shown { at: 0.0, rung, latency, speed };
        let shown = vec![one(1, 1.0, 1.0), one(2, 2.0, 1.1)];
        let run = Run { shown, stalled: 0.2, stalls: 1.0, lasted: 2.0, ..Run::default() };
        let it = Figures::of(&run);
        assert!((it.nqoe - (800.0 - 400.0 - 200.0 - 210.0 - 20.0)).abs() < 1e-9, "{it:?}");
        assert_eq!((it.kbps, it.stalled_percent, it.switches), (800.0, 10.0, 1.0));
    }
}
