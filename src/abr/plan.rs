//! The rule for segments that are fetched ahead: the course of rungs that is worth most, over all that the link may do.
//!
//! What a segment is worth is its bandwidth, less its difference from the one before it (viewers see switches), less the
//! time that the picture would stand (a second costs as much as three of the top rung are worth), as in Yin et al. (SIGCOMM
//! 2015). How long it takes is not known: [`Levels`] says how likely each rate is. Value iteration over the link's level, the
//! rung and the buffer (Bellman, 1957) gives each state the worth of all that follows it, so that what a full buffer, a
//! switch that is undone soon, or a rung above the link's rate costs later is counted now.

use super::levels::{Belief, LEVELS, Levels, ONE, Outlook, REACH, kbps, nearest};
use super::{Choice, Mbps, Rung};
use crate::time::Duration;
use crate::units::Bitrate;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// The worth of three seconds of the top rung.
const TOP: i64 = 4096;
/// Worth is counted for segments of this length, milliseconds.
pub(super) const USUAL: i64 = 3000;
/// What the next segment's future counts, thousandths: a link is what it is for a minute or two. 960 to 985 score alike.
const FUTURE: i64 = 970;
/// The buffer is divided into this many parts.
const CELLS: usize = 26;
/// A wait is counted up to this, milliseconds.
const LONGEST: i64 = 60_000;
/// Less than this buffered costs something, milliseconds: the model of the link is not the link. At nothing buffered each
/// segment costs as if the picture stood 8 % of this time; 8 to 12 % score alike, and 3 to 7 s.
const RESERVE: i64 = 6000;
const RESERVE_PERCENT: i64 = 8;
/// A segment that is late is given up after this time, milliseconds, so far as one can know beforehand.
pub(super) const NOTICE: i64 = 500;
/// Giving a segment up has to gain as much as half a second of standing still costs.
const GIVE_UP: i64 = TOP / 2;
/// Rates that are less likely than this count as impossible; of [`ONE`].
const NEVER: u32 = ONE / 330;
/// The weight of a segment of which nothing more is known.
pub const USUAL_WEIGHT: u32 = 1000;
/// Values are brought up to date by this many rounds before a choice, and at the first one.
const ROUNDS: u32 = 4;
const FIRST_ROUNDS: u32 = 8;

/// The state before a request for a segment.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Lowest first.
    pub rungs: &'a [Rung],
    /// The rung that was fetched last: its index among the track's representations.
    pub current: usize,
    /// What the link is like.
    pub levels: &'a Levels,
    /// The bandwidth of the other tracks.
    pub others: Bitrate,
    /// Media buffered ahead of the position.
    pub ahead: Duration,
    /// How much media is fetched ahead.
    pub goal: Duration,
    /// Length of a segment.
    pub length: Duration,
    /// From a request to its answer.
    pub delay: Duration,
    /// The size of the segment that is asked for, or under way, against that of one of this length at its mean rate:
    /// thousandths.
    pub weight: u32,
}

/// A segment under way.
#[derive(Clone, Copy, Debug)]
pub struct UnderWay {
    /// Bytes so far.
    pub got: u64,
    /// The rate at which it arrives now.
    pub rate: Bitrate,
}

/// What the values were made for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// The bandwidth of each rung, bits a millisecond.
    kbps: Vec<i64>,
    /// The worth of a segment of each rung.
    worth: Vec<i64>,
    /// The length of a segment, and what can be buffered, milliseconds.
    length: i64,
    most: i64,
}

/// The values of all states.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub(super) shape: Shape,
    /// By level, rung and part of the buffer.
    values: Vec<i32>,
}

pub(super) fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(LONGEST).max(0)
}

impl Shape {
    fn of(view: &View<'_>) -> Self {
        let kbps =
            |r: &Rung| i64::try_from(r.bandwidth.as_bps() / 1000).unwrap_or(i64::MAX >> 32).max(1);
        let kbps: Vec<i64> = view.rungs.iter().map(kbps).collect();
        let top = kbps.last().copied().unwrap_or(1);
        let length = millis(view.length).clamp(200, 20_000);
        let worth = kbps.iter().map(|k| k * TOP / top).collect();
        Self { kbps, worth, length, most: millis(view.goal) + length }
    }

    fn rungs(&self) -> usize {
        self.kbps.len()
    }

    /// The size of a segment of this weight.
    fn bits(&self, rung: usize, weight: u32) -> i64 {
        self.kbps.get(rung).map_or(0, |k| k * self.length / 1000 * i64::from(weight))
    }

    /// The bits that are still to come of a segment.
    fn left(&self, rung: usize, weight: u32, it: &UnderWay) -> i64 {
        let got = i64::try_from(it.got.saturating_mul(8)).unwrap_or(i64::MAX);
        (self.bits(rung, weight) - got).max(0)
    }

    pub(super) fn worth(&self, rung: usize) -> i64 {
        self.worth.get(rung).copied().unwrap_or(0)
    }

    pub(super) const fn length(&self) -> i64 {
        self.length
    }

    pub(super) fn change(&self, a: usize, b: usize) -> i64 {
        (self.worth(a) - self.worth(b)).abs()
    }

    /// Milliseconds in a part of the buffer.
    const fn cell(&self) -> i64 {
        self.most / (CELLS as i64 - 1) + 1
    }

    /// What follows a download of `rung` that takes `time` with this much buffered: its worth now, and what is buffered
    /// then.
    fn fetched(&self, rung: usize, time: i64, buffer: i64) -> (i64, i64) {
        let stands = (time - buffer).clamp(0, LONGEST);
        let then = ((buffer - time).max(0) + self.length).min(self.most);
        let lacks = (RESERVE.min(self.most / 3) - then).max(0) * RESERVE_PERCENT / 100;
        (self.worth(rung) * self.length / USUAL - TOP * (stands + lacks) / 1000, then)
    }
}

impl Plan {
    /// The worth of all that follows, with this much buffered.
    pub(super) fn value(&self, level: usize, rung: usize, buffer: i64) -> i64 {
        let cell = self.shape.cell();
        let low = usize::try_from(buffer / cell).unwrap_or(0).min(CELLS - 2);
        let at = (level * self.shape.rungs() + rung) * CELLS + low;
        let (Some(a), Some(b)) = (self.values.get(at), self.values.get(at + 1)) else { return 0 };
        let part = buffer - i64::try_from(low).unwrap_or(0) * cell;
        let between = i64::from(*a) * (cell - part) + i64::from(*b) * part;
        between / cell * FUTURE / 1000
    }

    /// The worth of a download of `rung` that takes `time`, and of all after it; one that would come too late is given up
    /// for the lowest rung after `quit`.
    fn worth(&self, level: usize, rung: usize, (time, quit): (i64, i64), buffer: i64) -> i64 {
        if time > quit && time > buffer {
            let (now, then) = self.shape.fetched(0, quit, buffer);
            return now - self.shape.change(rung, 0) + self.value(level, 0, then);
        }
        let (now, then) = self.shape.fetched(rung, time, buffer);
        now + self.value(level, rung, then)
    }

    /// The rates that a level may show, with their probabilities and what a download of `rung` takes at them, of a
    /// segment of this weight.
    pub(super) fn rates(
        &self,
        view: &View<'_>,
        noise: &[u32],
        level: usize,
        (rung, weight): (usize, u32),
    ) -> Vec<(u32, (i64, i64))> {
        let delay = millis(view.delay);
        let others = i64::try_from(view.others.as_bps() / 1000).unwrap_or(0);
        let one = |(i, share): (usize, &u32)| {
            let at = (level + i).saturating_sub(REACH).min(LEVELS - 1);
            let whole = i64::from(kbps(at));
            let rate = (whole - others).max(whole / 8).max(1);
            let time = delay + self.shape.bits(rung, weight) / rate;
            (*share, (time, NOTICE + delay + self.shape.bits(0, weight) / rate))
        };
        noise.iter().enumerate().filter(|it| *it.1 >= NEVER).map(one).collect()
    }

    /// The values are of these rungs.
    pub(super) fn fits(&self, view: &View<'_>) -> bool {
        Shape::of(view) == self.shape
    }

    /// Makes the values fit what is known now.
    fn solve(&mut self, view: &View<'_>, outlook: &Outlook) {
        let shape = Shape::of(view);
        let mut rounds = ROUNDS;
        if shape != self.shape {
            self.values = vec![0; LEVELS * shape.rungs() * CELLS];
            self.shape = shape;
            rounds = FIRST_ROUNDS;
        }
        for _ in 0..rounds {
            self.round(view, outlook);
        }
    }

    /// How long a segment under way still takes, milliseconds.
    pub(super) fn time_left(&self, view: &View<'_>, it: &UnderWay, rung: usize) -> i64 {
        self.shape.left(rung, view.weight, it) / rate_left(view, it)
    }

    /// A round of value iteration.
    fn round(&mut self, view: &View<'_>, outlook: &Outlook) {
        let rungs = self.shape.rungs();
        let states = rungs * CELLS;
        // The worth of fetching each rung at each level with each part of the buffer.
        let mut fetch = vec![0_i64; LEVELS * states];
        for (i, row) in fetch.chunks_exact_mut(CELLS).enumerate() {
            let (level, rung) = (i / rungs, i % rungs);
            for (share, times) in self.rates(view, &outlook.noise, level, (rung, USUAL_WEIGHT)) {
                let mut buffer = 0;
                for to in &mut *row {
                    *to += self.worth(level, rung, times, buffer) * i64::from(share);
                    buffer += self.shape.cell();
                }
            }
            row.iter_mut().for_each(|it| *it /= i64::from(ONE));
        }
        let mut jumped = vec![0_i64; states];
        for (row, share) in fetch.chunks_exact(states).zip(&outlook.jumps_to) {
            for (to, it) in jumped.iter_mut().zip(row) {
                *to += it * i64::from(*share);
            }
        }
        jumped.iter_mut().for_each(|it| *it /= i64::from(ONE));
        self.choose_all(&fetch, &jumped, i64::from(outlook.jump));
    }

    /// Of each state the worth of the best choice.
    fn choose_all(&mut self, fetch: &[i64], jumped: &[i64], jump: i64) {
        let rungs = self.shape.rungs();
        let states = rungs * CELLS;
        let mut worth = vec![0_i64; rungs];
        for level in 0..LEVELS {
            let of = |level: usize| fetch.get(level * states..).unwrap_or(&[]);
            let (own, below, above) =
                (of(level), of(level.saturating_sub(1)), of((level + 1).min(LEVELS - 1)));
            for cell in 0..CELLS {
                for (rung, to) in worth.iter_mut().enumerate() {
                    let at = |it: &[i64]| it.get(rung * CELLS + cell).copied().unwrap_or(0);
                    let stays = (at(own) * 8 + at(below) + at(above)) / 10;
                    *to = (stays * (1000 - jump) + at(jumped) * jump) / 1000;
                }
                for rung in 0..rungs {
                    let best = worth
                        .iter()
                        .enumerate()
                        .map(|(to, it)| it - self.shape.change(to, rung))
                        .max();
                    let at = (level * rungs + rung) * CELLS + cell;
                    if let Some(value) = self.values.get_mut(at) {
                        *value = best.map_or(0, |it| i32::try_from(it).unwrap_or(i32::MIN));
                    }
                }
            }
        }
    }

    /// The rung to change to; `None`: no change, or nothing is known of the link.
    pub fn decide(&mut self, view: &View<'_>) -> Option<Choice> {
        if !view.levels.known() || view.rungs.len() < 2 {
            return None;
        }
        let current = view.rungs.iter().position(|r| r.rep == view.current)?;
        let outlook = view.levels.outlook();
        self.solve(view, &outlook);
        let worth =
            |rung: usize| self.expected(view, &outlook, rung) - self.shape.change(rung, current);
        let best = (0..view.rungs.len()).max_by_key(|&rung| (worth(rung), rung))?;
        let (to, from) = (view.rungs.get(best)?, view.rungs.get(current)?);
        let (enough, of) =
            if best > current { ("enough for", to) } else { ("too little for", from) };
        let why = why(&outlook.next, view.ahead, enough, of.bandwidth);
        (best != current).then_some(Choice { rep: to.rep, why })
    }

    /// The worth of fetching a rung now.
    fn expected(&self, view: &View<'_>, outlook: &Outlook, rung: usize) -> i64 {
        let buffer = millis(view.ahead);
        let mut sum = 0;
        for (level, next) in outlook.next.iter().enumerate().filter(|it| *it.1 > ONE >> 13) {
            let rates = self.rates(view, &outlook.noise, level, (rung, view.weight));
            let worth = |(share, times): &(u32, (i64, i64))| {
                self.worth(level, rung, *times, buffer) * i64::from(*share)
            };
            sum += rates.iter().map(worth).sum::<i64>() / i64::from(ONE) * i64::from(*next >> 8);
        }
        sum / i64::from(ONE >> 8)
    }

    /// The lower rung for which the segment under way is to be given up; `fetched_before` is the rung of the one before it.
    pub fn give_up(
        &mut self,
        view: &View<'_>,
        it: &UnderWay,
        fetched_before: usize,
    ) -> Option<Choice> {
        let current = view.rungs.iter().position(|r| r.rep == view.current)?;
        let before = view.rungs.iter().position(|r| r.rep == fetched_before).unwrap_or(current);
        if current == 0 {
            return None;
        }
        if !self.fits(view) {
            let mut levels = view.levels.clone();
            levels.settle(it.rate);
            self.solve(view, &levels.outlook());
        }
        let rate = rate_left(view, it);
        let (level, buffer) = (nearest(it.rate), millis(view.ahead));
        let worth = |rung: usize, bits: i64, delay: i64| {
            let time = delay + bits / rate;
            self.worth(level, rung, (time, i64::MAX), buffer) - self.shape.change(rung, before)
        };
        let left = self.shape.left(current, view.weight, it);
        let keeps = worth(current, left, 0) + GIVE_UP;
        let lower =
            |rung: usize| worth(rung, self.shape.bits(rung, view.weight), millis(view.delay));
        let best =
            (0..current).max_by_key(|&rung| lower(rung)).filter(|&rung| lower(rung) > keeps)?;
        let still = left / rate / 1000;
        let why = format!(
            "the segment would come in {} s with {} s buffered",
            still.min(99),
            buffer / 1000
        );
        Some(Choice { rep: view.rungs.get(best)?.rep, why })
    }
}

/// What the segment under way has of the link, bits a millisecond.
fn rate_left(view: &View<'_>, it: &UnderWay) -> i64 {
    let others = view.others.as_bps().min(it.rate.as_bps() / 8 * 7);
    i64::try_from((it.rate.as_bps() - others) / 1000).unwrap_or(i64::MAX >> 32).max(1)
}

/// The reason for a choice.
pub(super) fn why(link: &Belief, ahead: Duration, enough: &str, of: Bitrate) -> String {
    let likeliest = (0..LEVELS).max_by_key(|&i| link.get(i)).unwrap_or(0);
    let link = Mbps(Bitrate::from_kbps(u64::from(kbps(likeliest))));
    format!("throughput {link} with {} s buffered is {enough} {}", ahead.as_secs(), Mbps(of))
}

#[cfg(test)]
mod tests {
    use super::super::ladder;
    use super::*;

    fn rungs() -> Vec<Rung> {
        ladder(&[250, 500, 750, 1500])
    }

    /// A link that showed these rates.
    fn link(kbps: &[u64]) -> Levels {
        let mut levels = Levels::default();
        kbps.iter().for_each(|&kbps| levels.observe(Bitrate::from_kbps(kbps)));
        levels
    }

    fn view<'a>(rungs: &'a [Rung], levels: &'a Levels, current: usize, ahead: u64) -> View<'a> {
        View {
            rungs,
            current,
            levels,
            others: Bitrate::default(),
            ahead: Duration::from_secs(ahead),
            goal: Duration::from_secs(30),
            length: Duration::from_secs(3),
            delay: Duration::from_millis(50),
            weight: USUAL_WEIGHT,
        }
    }

    fn at(current: usize, kbps: u64, ahead: u64) -> usize {
        let (rungs, levels) = (rungs(), link(&[kbps; 20]));
        Plan::default().decide(&view(&rungs, &levels, current, ahead)).map_or(current, |c| c.rep)
    }

    #[test]
    fn with_a_full_buffer_a_rung_a_little_above_the_link_is_held_and_with_an_empty_one_left() {
        assert_eq!(at(3, 1200, 28), 3);
        assert!(at(3, 1200, 2) < 3);
    }

    #[test]
    fn what_the_link_carries_easily_is_taken_at_once() {
        assert_eq!(at(0, 6000, 3), 3);
        assert_eq!(at(0, 6000, 25), 3);
    }

    #[test]
    fn below_the_lowest_rung_the_lowest_is_taken() {
        assert_eq!(at(2, 100, 3), 0);
        assert_eq!(at(0, 100, 3), 0);
    }

    #[test]
    fn a_link_between_two_rungs_does_not_flap() {
        for kbps in [900, 1100, 1600, 1900] {
            for ahead in 0..30 {
                let (down, up) = (at(3, kbps, ahead), at(2, kbps, ahead));
                assert!(down == 3 || up < 3, "{kbps} kb/s, {ahead} s: {down} {up}");
            }
        }
    }

    #[test]
    fn a_segment_that_is_larger_than_most_needs_a_better_link() {
        let at = |kbps: u64, weight: u32| {
            let (rungs, levels) = (rungs(), link(&[kbps; 20]));
            let view = View { weight, ..view(&rungs, &levels, 0, 5) };
            Plan::default().decide(&view).map_or(0, |c| c.rep)
        };
        let by_weight =
            |kbps: u64| [250, 500, 1000, 2000, 4000, 8000].map(|weight| at(kbps, weight));
        assert!(by_weight(1500).is_sorted_by(|a, b| a >= b), "{:?}", by_weight(1500));
        assert!(at(1500, 500) >= 2 && at(1500, 8000) == 0);
        assert_eq!(by_weight(9000)[..4], [3; 4]);
    }

    #[test]
    fn of_a_segment_under_way_as_much_is_left_as_it_has() {
        let (rungs, levels) = (rungs(), link(&[4000; 10]));
        let give_up = |weight: u32| {
            let it = UnderWay { got: 200_000, rate: Bitrate::from_kbps(300) };
            let view = View { weight, ..view(&rungs, &levels, 3, 5) };
            Plan::default().give_up(&view, &it, 3).map(|c| c.rep)
        };
        // 562,500 bytes by its bandwidth; half of that comes in time.
        assert_eq!((give_up(1000), give_up(500)), (Some(0), None));
    }

    #[test]
    fn more_buffer_never_means_a_lower_rung() {
        for kbps in [300, 800, 1300, 2500] {
            let by_buffer: Vec<usize> = (0..30).map(|ahead| at(1, kbps, ahead)).collect();
            assert!(by_buffer.is_sorted(), "{kbps} kb/s: {by_buffer:?}");
        }
    }

    #[test]
    fn of_two_links_of_one_mean_the_rough_one_gets_less() {
        let rungs = rungs();
        let (steady, rough) =
            (link(&[2000; 30]), link(&[3800, 200, 3600, 400, 3500, 500].repeat(5)));
        let to = |levels: &Levels| {
            let choice = Plan::default().decide(&view(&rungs, levels, 1, 6));
            choice.map_or(1, |c| c.rep)
        };
        assert_eq!(to(&steady), 3);
        assert!(to(&rough) < 3, "{}", to(&rough));
    }

    #[test]
    fn nothing_known_changes_nothing() {
        let (rungs, levels) = (rungs(), Levels::default());
        assert_eq!(Plan::default().decide(&view(&rungs, &levels, 1, 9)), None);
    }

    #[test]
    fn a_segment_that_would_be_late_is_given_up_for_what_comes_in_time() {
        let (rungs, levels) = (rungs(), link(&[4000; 10]));
        let give_up = |current: usize, got: u64, kbps: u64, ahead: u64| {
            let it = UnderWay { got, rate: Bitrate::from_kbps(kbps) };
            let view = view(&rungs, &levels, current, ahead);
            Plan::default().give_up(&view, &it, current).map(|c| c.rep)
        };
        assert_eq!(give_up(3, 60_000, 150, 4), Some(0));
        assert_eq!(give_up(3, 550_000, 150, 4), None, "it is nearly there");
        assert_eq!(give_up(3, 60_000, 3000, 4), None, "it comes in time");
        assert_eq!(give_up(0, 10_000, 50, 1), None, "there is no lower one");
    }
}
