//! A picture a set: the score of each rule, and the first link with each rule's rungs and latency over time.

use super::link::{KBPS, Link, RUN};
use super::score::{Run, Shown};
use std::fmt::Write as _;

const WIDE: f64 = 1160.0;
const HIGH: f64 = 460.0;
const LEFT: f64 = 260.0;
/// The panels: rungs with the link, latency.
const RUNGS: (f64, f64) = (30.0, 240.0);
const LATENCY: (f64, f64) = (280.0, 440.0);
/// The top of each panel, kilobits a second and seconds.
const MOST_KBPS: f64 = 1400.0;
const MOST_SECONDS: f64 = 4.0;
const COLOURS: [&str; 5] = ["#4477aa", "#66aa88", "#cc8866", "#cc2233", "#882255"];

/// One rule, as it is drawn.
pub(crate) struct Course {
    pub(crate) name: &'static str,
    /// It is the real player.
    pub(crate) ours: bool,
    /// The mean over the set.
    pub(crate) nqoe: f64,
    /// On the first link.
    pub(crate) run: Run,
}

fn x(at: f64) -> f64 {
    LEFT + at / (RUN as f64 / 1e6) * (WIDE - 20.0 - LEFT)
}

fn y((top, bottom): (f64, f64), share: f64) -> f64 {
    bottom - share.clamp(0.0, 1.0) * (bottom - top)
}

fn line(out: &mut String, points: &str, colour: &str, width: f64) {
    let _ = write!(
        out,
        "<polyline points='{points}' fill='none' stroke='{colour}' stroke-width='{width}'/>"
    );
}

fn link(out: &mut String, it: &Link) {
    let (mut at, mut points) = (0.0, String::new());
    let lasts: u64 = it.trace.steps.iter().map(|s| s.lasts).sum();
    let end = RUN as f64 / 1e6;
    while at < end && lasts > 0 {
        for step in &it.trace.steps {
            let to = (at + step.lasts as f64 / 1e6).min(end);
            let y = y(RUNGS, step.kbps as f64 / MOST_KBPS);
            let _ = write!(points, "{:.1},{y:.1} {:.1},{y:.1} ", x(at), x(to));
            at = to;
        }
    }
    line(out, &points, "#ddaa33", 1.0);
}

fn course(out: &mut String, it: &Course, colour: &str) {
    let points = |panel, value: &dyn Fn(&Shown) -> f64| {
        it.run.shown.iter().fold(String::new(), |mut points, s| {
            let _ = write!(points, "{:.1},{:.1} ", x(s.at), y(panel, value(s)));
            points
        })
    };
    let width = if it.ours { 1.6 } else { 0.8 };
    line(out, &points(RUNGS, &|s| KBPS[s.rung] / MOST_KBPS), colour, width);
    line(out, &points(LATENCY, &|s| s.latency / MOST_SECONDS), colour, width);
}

/// The picture, as SVG.
pub(crate) fn svg(set: &str, first: &Link, courses: &[Course]) -> String {
    let mut out = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDE} {HIGH}' font-family='sans-serif' font-size='12'>\
         <rect width='{WIDE}' height='{HIGH}' fill='white'/><text x='20' y='20'>{set}: mean NQoE</text>\
         <text x='{LEFT}' y='20'>{}: link (yellow) and rungs, to {MOST_KBPS} kb/s</text>\
         <text x='{LEFT}' y='270'>latency, to {MOST_SECONDS} s; {} s in all</text>",
        first.name,
        RUN / 1_000_000
    );
    link(&mut out, first);
    let best = courses.iter().map(|it| it.nqoe).fold(1.0, f64::max);
    for (i, (it, colour)) in courses.iter().zip(COLOURS).enumerate() {
        let top = 36.0 + 34.0 * i as f64;
        let wide = (it.nqoe / best).max(0.0) * 200.0;
        let _ = write!(
            out,
            "<rect x='20' y='{top}' width='{wide:.0}' height='12' fill='{colour}'/>\
             <text x='20' y='{}'>{} {:.0}</text>",
            top + 26.0,
            it.name,
            it.nqoe
        );
        course(&mut out, it, colour);
    }
    out.push_str("</svg>\n");
    out
}
