//! Whether media that is buffered low is fetched again, better, before it is played.
//!
//! A replacement takes the link for some time, and the buffer gets shorter by that. The values of [`Plan`] say what this
//! costs: they are the worth of a state with more and with less buffered. With a full buffer and a good link it costs next
//! to nothing; with a short one and a poor link more than a better picture is worth. What would come too late gains nothing.

use super::levels::{ONE, nearest};
use super::plan::{NOTICE, Plan, USUAL, UnderWay, View, millis, why};
use super::{Choice, Rung};
use crate::time::Duration;
use alloc::vec::Vec;

/// Data that is fetched a second time costs this part of what it is worth, percent: a rung has to have a third more than
/// the one that it replaces.
const DATA_PERCENT: i64 = 25;
/// The time of the link counts a fifth more than the values say, percent: they are sure of the buffer's use, not of what
/// is gained.
const PRICE_PERCENT: i64 = 120;
/// The link's levels that are less likely than this are left out; of [`ONE`].
const HARDLY: u32 = ONE >> 10;

/// A buffered segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its rung: its index among the track's representations.
    pub rep: usize,
    /// The time within which a replacement has to come.
    pub within: Duration,
}

/// Segments in a row, all lower than the rung that would replace them.
#[derive(Clone, Copy)]
struct Run<'a> {
    /// The rung before it.
    before: usize,
    /// Its own rungs, and the milliseconds within which each can be replaced.
    held: &'a [(usize, i64)],
    /// The rung after it.
    after: usize,
}

impl<'a> Run<'a> {
    /// The run from `at` on of segments lower than `to`; `next` follows the last that is held.
    fn of(all: &'a [(usize, i64)], at: usize, to: usize, next: usize) -> Self {
        let (first, rest) = all.split_at_checked(at).unwrap_or((all, &[]));
        let low = rest.iter().position(|it| it.0 >= to).unwrap_or(rest.len());
        let (held, behind) = rest.split_at_checked(low).unwrap_or((rest, &[]));
        let rung = |it: Option<&(usize, i64)>| it.map_or(next, |it| it.0);
        Self { before: rung(first.last()), held, after: rung(behind.first()) }
    }
}

impl Plan {
    /// Which of the segments that are `held`, in order, is to be replaced now, and by which rung. The first one is on
    /// the screen, and `view.current` is fetched after the last one.
    pub fn replace(&self, view: &View<'_>, held: &[Held]) -> Option<(usize, Choice)> {
        if !self.fits(view) || held.len() < 2 {
            return None;
        }
        let top = view.rungs.len() - 1;
        // One that is not among the rungs is not replaced.
        let rung = |rep: usize| view.rungs.iter().position(|r| r.rep == rep).unwrap_or(top);
        let all: Vec<_> = held.iter().map(|it| (rung(it.rep), millis(it.within))).collect();
        let (outlook, next) = (view.levels.outlook(), rung(view.current));
        let (mut most, mut best) = (0, None);
        for to in 1..=top {
            let mut rates = Vec::new();
            for (level, next) in outlook.next.iter().enumerate().filter(|it| *it.1 > HARDLY) {
                for (noise, times) in self.rates(view, &outlook.noise, level, (to, view.weight)) {
                    let share = i64::from(*next >> 8) * i64::from(noise >> 8);
                    rates.push((level, share, times.0));
                }
            }
            for at in 1..all.len() {
                let run = Run::of(&all, at, to, next);
                if run.held.is_empty() {
                    continue;
                }
                let gain =
                    |&(level, share, time)| (self.gain(view, run, (level, to), time) * share) >> 16;
                let sum = rates.iter().map(gain).sum::<i64>();
                if sum > most {
                    (most, best) = (sum, Some((at, to)));
                }
            }
        }
        let (at, to) = best?;
        let to: &Rung = view.rungs.get(to)?;
        let why = why(&outlook.next, view.ahead, "enough for", to.bandwidth);
        Some((at, Choice { rep: to.rep, why }))
    }

    /// What is gained in all by a run of rung `to` in place of another one, where each segment takes `time`.
    fn gain(&self, view: &View<'_>, run: Run<'_>, (level, to): (usize, usize), time: i64) -> i64 {
        let change = |a, b| self.shape.change(a, b);
        let (mut gain, mut spent, mut last, mut after) = (0, 0, run.before, run.after);
        for &(rung, within) in run.held {
            if spent + time > within {
                // It is given up, as soon as one can know.
                (after, spent) = (rung, spent + NOTICE.min(time));
                break;
            }
            spent += time;
            gain += self.better(rung, to) + change(last, rung);
            last = rung;
        }
        if spent >= time {
            gain += change(last, after) - change(run.before, to) - change(to, after);
        }
        gain - self.price(view, level, spent)
    }

    /// What a segment gains by another rung, less what its data costs.
    fn better(&self, from: usize, to: usize) -> i64 {
        let (from, to) = (self.shape.worth(from), self.shape.worth(to));
        (to - from - to * DATA_PERCENT / 100) * self.shape.length() / USUAL
    }

    /// What it costs to use the link for something else for this time.
    fn price(&self, view: &View<'_>, level: usize, time: i64) -> i64 {
        let current = view.rungs.iter().position(|r| r.rep == view.current).unwrap_or(0);
        let buffer = millis(view.ahead);
        let value = |buffer: i64| self.value(level, current, buffer);
        (value(buffer) - value((buffer - time).max(0))) * PRICE_PERCENT / 100
    }

    /// A replacement of rung `view.current` that is under way still comes `within` the time that it has, and is worth
    /// the rest of its time.
    pub fn finishes(&self, view: &View<'_>, it: &UnderWay, within: Duration) -> bool {
        let Some(rung) = view.rungs.iter().position(|r| r.rep == view.current) else {
            return false;
        };
        if !self.fits(view) {
            return true;
        }
        let time = self.time_left(view, it, rung);
        let worth = self.shape.worth(rung) * self.shape.length() / USUAL;
        time <= millis(within) && self.price(view, nearest(it.rate), time) <= worth
    }
}

#[cfg(test)]
mod tests {
    use super::super::ladder;
    use super::super::levels::Levels;
    use super::super::plan::USUAL_WEIGHT;
    use super::*;
    use crate::units::Bitrate;
    use alloc::vec;

    /// What a link that showed these rates makes of a buffer that holds these rungs, in segments of 2 s.
    fn replaced(kbps: &[u64], held: &[usize]) -> Option<(usize, usize)> {
        let mut levels = Levels::default();
        kbps.iter().for_each(|&kbps| levels.observe(Bitrate::from_kbps(kbps)));
        let rungs = ladder(&[250, 500, 750, 1500]);
        let seconds = |segments: usize| Duration::from_secs(2 * segments as u64);
        let mut view = View {
            rungs: &rungs,
            current: *held.last().unwrap(),
            levels: &levels,
            others: Bitrate::default(),
            ahead: seconds(held.len()),
            goal: Duration::from_secs(30),
            length: seconds(1),
            delay: Duration::from_millis(50),
            weight: USUAL_WEIGHT,
        };
        let mut plan = Plan::default();
        for _ in 0..20 {
            if let Some(choice) = plan.decide(&view) {
                view.current = choice.rep;
            }
        }
        let within = |at: usize| seconds(at).saturating_sub(Duration::from_secs(1));
        let held: Vec<_> =
            held.iter().enumerate().map(|(i, &rep)| Held { rep, within: within(i) }).collect();
        plan.replace(&view, &held).map(|(at, choice)| (at, choice.rep))
    }

    /// A link that was good, then slow, and showed this rate `last` times since.
    fn after(last: usize, kbps: u64) -> Vec<u64> {
        [vec![3000; 10], vec![400; 10], vec![kbps; last]].concat()
    }

    #[test]
    fn on_a_link_that_is_good_again_all_is_replaced_that_can_still_be() {
        for last in 1..4 {
            for held in [4, 6, 10, 15] {
                let (at, rep) = replaced(&after(last, 8000), &vec![0; held]).unwrap();
                assert_eq!((at, rep), (1, 3), "{last} good, {held} held");
            }
        }
        // A segment of the best takes 1.5 s of this link, and the next border is 1 s away.
        assert_eq!(replaced(&after(3, 2000), &[0; 15]), Some((2, 3)));
    }

    #[test]
    fn a_short_buffer_on_a_poor_link_is_filled_first() {
        for held in [2, 4, 6, 10] {
            assert_eq!(replaced(&after(1, 1000), &vec![0; held]), None, "{held} held");
        }
        assert_eq!(replaced(&after(0, 0), &[0; 15]), None, "the link is slow");
    }

    #[test]
    fn what_is_good_stays() {
        assert_eq!(replaced(&after(3, 8000), &[3; 15]), None);
        let (at, _) = replaced(&after(3, 8000), &[3, 3, 3, 3, 0, 0, 0, 3, 3, 3]).unwrap();
        assert_eq!(at, 4);
    }

    #[test]
    fn nothing_is_known_before_a_choice_was_made() {
        let (levels, rungs) = (Levels::default(), ladder(&[250, 1500]));
        let view = View {
            rungs: &rungs,
            current: 0,
            levels: &levels,
            others: Bitrate::default(),
            ahead: Duration::from_secs(30),
            goal: Duration::from_secs(30),
            length: Duration::from_secs(2),
            delay: Duration::ZERO,
            weight: USUAL_WEIGHT,
        };
        let held = [Held { rep: 0, within: Duration::from_secs(9) }; 5];
        assert_eq!(Plan::default().replace(&view, &held), None);
    }

    #[test]
    fn a_replacement_that_the_link_left_is_given_up() {
        let goes_on = |got: u64, kbps: u64, within: u64| {
            let mut levels = Levels::default();
            (0..9).for_each(|_| levels.observe(Bitrate::from_kbps(3000)));
            let rungs = ladder(&[250, 500, 750, 1500]);
            let view = View {
                rungs: &rungs,
                current: 3,
                levels: &levels,
                others: Bitrate::default(),
                ahead: Duration::from_secs(12),
                goal: Duration::from_secs(30),
                length: Duration::from_secs(2),
                delay: Duration::ZERO,
                weight: USUAL_WEIGHT,
            };
            let mut plan = Plan::default();
            let _ = plan.decide(&view);
            let it = UnderWay { got, rate: Bitrate::from_kbps(kbps) };
            plan.finishes(&view, &it, Duration::from_secs(within))
        };
        assert!(goes_on(100_000, 3000, 4));
        assert!(!goes_on(100_000, 300, 4), "it comes too late");
        assert!(!goes_on(100_000, 250, 11), "the buffer is needed");
        assert!(goes_on(370_000, 250, 4), "it is nearly there");
    }
}
