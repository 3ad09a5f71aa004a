//! A picture a set: each run's score against the optimum's, and one run over time.

use crate::line::Line;
use crate::model::{BUFFER, Played};
use crate::rules::Who;
use crate::score::mbps;
use nearlive_simulator::origin::film::Film;
use std::fmt::Write as _;

const WIDE: f64 = 1160.0;
const HIGH: f64 = 420.0;
const COLOURS: [(Who, &str); 7] = [
    (Who::Throughput, "#bbbbbb"),
    (Who::Bola, "#88bbdd"),
    (Who::BolaE, "#4477aa"),
    (Who::Dynamic, "#66aa88"),
    (Who::Mpc, "#cc8866"),
    (Who::Player, "#cc2233"),
    (Who::Optimum, "#222222"),
];

fn colour(who: Who) -> &'static str {
    COLOURS.iter().find(|it| it.0 == who).map_or("#cccccc", |it| it.1)
}

/// From values to places in a box.
struct Axis {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
}

impl Axis {
    fn at(&self, value: f64) -> f64 {
        let span = (self.to - self.from).max(1e-9);
        self.start + (value - self.from) / span * (self.end - self.start)
    }
}

/// The scores of all rules and the run of each that is drawn.
pub(crate) struct Picture<'a> {
    pub(crate) set: &'a str,
    pub(crate) film: &'a Film,
    pub(crate) scores: Vec<(Who, Vec<f64>)>,
    /// The link of one run, its name, and how it was played.
    pub(crate) link: (&'a str, &'a Line),
    pub(crate) runs: Vec<(Who, &'a Played)>,
}

fn extent(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    (values.clone().fold(f64::INFINITY, f64::min), values.fold(f64::NEG_INFINITY, f64::max))
}

fn dots(out: &mut String, it: &Picture<'_>) {
    let Some((_, best)) = it.scores.iter().find(|s| s.0 == Who::Optimum) else { return };
    let (from, to) = extent(it.scores.iter().flat_map(|s| s.1.iter().copied()));
    let x = Axis { from, to, start: 60.0, end: HIGH };
    let y = Axis { from, to, start: HIGH - 30.0, end: 30.0 };
    let _ = write!(
        out,
        "<line x1='{}' y1='{}' x2='{}' y2='{}' stroke='#222222' stroke-width='0.5'/>",
        x.at(from),
        y.at(from),
        x.at(to),
        y.at(to)
    );
    for (n, (who, scores)) in it.scores.iter().filter(|s| s.0 != Who::Optimum).enumerate() {
        for (score, best) in scores.iter().zip(best) {
            let (x, y) = (x.at(*best), y.at(*score));
            let _ = write!(
                out,
                "<circle cx='{x:.1}' cy='{y:.1}' r='3' fill='{}' fill-opacity='0.7'/>",
                colour(*who)
            );
        }
        let y = 46.0 + 16.0 * n as f64;
        let _ = write!(out, "<text x='70' y='{y}' fill='{}'>{}</text>", colour(*who), who.name());
    }
    let _ = write!(
        out,
        "<text x='60' y='20'>{}: score of each run ({from:.1} to {to:.1}) over the optimum's</text>",
        it.set
    );
}

fn course(out: &mut String, it: &Picture<'_>) {
    let last = |run: &Played| run.course.last().map_or(0.0, |c| c.0);
    let end = it.runs.iter().map(|r| last(r.1)).fold(1.0, f64::max);
    let top = mbps(it.film, it.film.kbps.len() - 1) * 1.3;
    let x = Axis { from: 0.0, to: end, start: HIGH + 60.0, end: WIDE - 20.0 };
    let y = Axis { from: 0.0, to: top, start: HIGH / 2.0 + 20.0, end: 30.0 };
    let b = Axis { from: 0.0, to: BUFFER, start: HIGH - 30.0, end: HIGH / 2.0 + 50.0 };
    let mut link = String::new();
    for i in 0..600 {
        let at = end * f64::from(i) / 600.0;
        let _ =
            write!(link, "{:.1},{:.1} ", x.at(at), y.at((it.link.1.kbps(at) / 1000.0).min(top)));
    }
    let _ =
        write!(out, "<polyline points='{link}' fill='none' stroke='#ddaa33' stroke-width='1'/>");
    for (who, run) in &it.runs {
        let (mut rungs, mut buffer) = (String::new(), String::new());
        for (rung, (at, held)) in run.rungs.iter().zip(&run.course) {
            let _ = write!(rungs, "{:.1},{:.1} ", x.at(*at), y.at(mbps(it.film, *rung)));
            let _ = write!(buffer, "{:.1},{:.1} ", x.at(*at), b.at(held.min(BUFFER)));
        }
        for points in [rungs, buffer] {
            let _ = write!(
                out,
                "<polyline points='{points}' fill='none' stroke='{}' stroke-width='1.3'/>",
                colour(*who)
            );
        }
    }
    let left = HIGH + 60.0;
    let _ = write!(
        out,
        "<text x='{left}' y='20'>{}: link (yellow) and rung, to {top:.1} Mb/s</text><text x='{left}' y='{}'>\
         buffer, to {} s; {:.0} s in all; red: nearlive as it is shown, black: the optimum as it is fetched</text>",
        it.link.0,
        HIGH / 2.0 + 44.0,
        BUFFER / 1000.0,
        end / 1000.0
    );
}

/// The picture, as SVG.
pub(crate) fn svg(it: &Picture<'_>) -> String {
    let mut out = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDE} {HIGH}' font-family='sans-serif' font-size='12'>\
         <rect width='{WIDE}' height='{HIGH}' fill='white'/>"
    );
    dots(&mut out, it);
    course(&mut out, it);
    out.push_str("</svg>\n");
    out
}
