//! Our own rule in the model: the core's decisions, fed as the player feeds them.

use crate::line::Ms;
use crate::model::{BUFFER, Download, Rule, View};
use nearlive::abr::Rung;
use nearlive::abr::levels::Levels;
use nearlive::abr::plan::{self, Plan, UnderWay};
use nearlive::time::Duration;
use nearlive::units::Bitrate;

/// How far back the present rate is measured.
const RECENT: Ms = 3000.0;
const NOTICE: Ms = 500.0;

/// The rule, and what it has seen.
#[derive(Default)]
pub(crate) struct Own {
    levels: Levels,
    plan: Plan,
    last: usize,
    delay: Ms,
    marks: Vec<(Ms, f64)>,
    forced: Option<usize>,
}

fn ms(time: Ms) -> Duration {
    Duration::from_micros((time.max(0.0) * 1000.0) as u64)
}

fn rate(kbps: f64) -> Bitrate {
    Bitrate::from_bps((kbps * 1000.0) as u64)
}

/// The size of the segment against the mean of its rung, as an index would tell it.
fn weight(view: &View<'_>, rung: usize) -> u32 {
    let sizes = &view.film.sizes;
    let all: u64 = sizes.iter().map(|it| it[rung]).sum();
    let weight = sizes[view.segment][rung] * 1000 * sizes.len() as u64 / all.max(1);
    u32::try_from(weight).unwrap_or(u32::MAX)
}

fn rungs(view: &View<'_>) -> Vec<Rung> {
    let one = |(rep, &k): (usize, &u64)| Rung { rep, bandwidth: Bitrate::from_kbps(k) };
    view.film.kbps.iter().enumerate().map(one).collect()
}

impl Own {
    fn view<'a>(
        &'a self,
        view: &View<'_>,
        rungs: &'a [Rung],
        current: usize,
        levels: &'a Levels,
    ) -> plan::View<'a> {
        plan::View {
            rungs,
            current,
            levels,
            others: Bitrate::default(),
            ahead: ms(view.buffer),
            goal: ms(BUFFER - view.length()),
            length: ms(view.length()),
            delay: ms(self.delay),
            weight: weight(view, current),
        }
    }

    fn recent(&self, it: &Download) -> Option<f64> {
        let mark = self.marks.iter().rev().find(|m| m.0 <= it.at - RECENT)?;
        (it.at > mark.0).then(|| (it.got - mark.1) / (it.at - mark.0))
    }
}

impl Rule for Own {
    fn choose(&mut self, view: &View<'_>) -> (usize, Ms) {
        if let Some(rung) = self.forced {
            return (rung, 0.0);
        }
        let (rungs, levels) = (rungs(view), self.levels.clone());
        let mut plan = std::mem::take(&mut self.plan);
        let choice = plan.decide(&self.view(view, &rungs, self.last, &levels));
        self.plan = plan;
        (choice.map_or(self.last, |c| c.rep), 0.0)
    }

    fn downloaded(&mut self, _view: &View<'_>, it: &Download) {
        let whole = it.got / (it.time - it.latency).max(1.0);
        self.delay =
            if self.delay == 0.0 { it.latency } else { self.delay * 0.8 + it.latency * 0.2 };
        self.levels.observe(rate(whole));
        let recent = self.recent(it).unwrap_or(whole);
        if it.left_for.is_some() {
            self.levels.settle(rate(recent));
        } else if recent > 1.5 * whole || recent < whole / 1.5 {
            self.levels.observe(rate(recent));
        }
        self.marks.clear();
        self.forced = it.left_for;
        if it.got >= it.bits {
            self.last = it.rung;
        }
    }

    fn gives_up(&mut self, view: &View<'_>, it: &Download) -> Option<usize> {
        self.marks.push((it.at, it.got));
        let time = it.time - it.latency;
        if time < NOTICE {
            return None;
        }
        let now = self.recent(it).unwrap_or(it.got / time);
        let under_way = UnderWay { got: (it.got / 8.0) as u64, rate: rate(now) };
        let (rungs, levels) = (rungs(view), self.levels.clone());
        let mut plan = std::mem::take(&mut self.plan);
        let choice =
            plan.give_up(&self.view(view, &rungs, it.rung, &levels), &under_way, self.last);
        self.plan = plan;
        choice.map(|c| c.rep)
    }
}
