//! Decides whether to give up a segment under way because it will be late.

use super::live::down_words;
use super::{Choice, Rung, highest};
use crate::time::Duration;
use crate::units::Bitrate;
use alloc::format;

/// A segment under way that is read while it grows.
#[derive(Clone, Copy, Debug)]
pub struct Growing<'a> {
    /// Lowest first.
    pub rungs: &'a [Rung],
    /// The rung under way: its index among the track's representations.
    pub current: usize,
    /// How much later than usual media arrives.
    pub late: Duration,
    /// The throughput of the last half second.
    pub link: Option<Bitrate>,
    /// The bandwidth of the other tracks.
    pub others: Bitrate,
}

/// More lateness than this is not jitter: the link falls behind.
const LATE: Duration = Duration::from_millis(250);
/// With more lateness than this, a link has to be faster than the rung to catch up.
const VERY_LATE: Duration = Duration::from_millis(1200);

/// The lower rung for which a growing segment is given up; `None`: go on.
pub fn growing(view: &Growing<'_>) -> Option<Choice> {
    let link = view.link?;
    let current = view.rungs.iter().find(|r| r.rep == view.current)?;
    if view.late < LATE {
        return None;
    }
    let need = current.bandwidth.as_bps().saturating_add(view.others.as_bps());
    let enough = if view.late > VERY_LATE { need.saturating_mul(5) / 4 } else { need };
    if link.as_bps() >= enough {
        return None;
    }
    let room = link.scaled(800).as_bps().saturating_sub(view.others.as_bps());
    let to =
        highest(view.rungs, Bitrate::from_bps(room)).or_else(|| view.rungs.first().copied())?;
    let why = format!(
        "media came {} ms late: {}",
        view.late.as_millis(),
        down_words(link, current.bandwidth)
    );
    (to.bandwidth < current.bandwidth).then_some(Choice { rep: to.rep, why })
}

/// A segment under way that is fetched ahead.
#[derive(Clone, Copy, Debug)]
pub struct Whole<'a> {
    /// Lowest first.
    pub rungs: &'a [Rung],
    /// The rung under way: its index among the track's representations.
    pub current: usize,
    /// The segment's length.
    pub length: Duration,
    /// Bytes of it that have arrived.
    pub got: u64,
    /// The time since its answer began.
    pub elapsed: Duration,
    /// Media buffered ahead of the position.
    pub ahead: Duration,
}

/// Nothing is decided before this time: the throughput is not known well enough.
const LEAST_ELAPSED: Duration = Duration::from_millis(500);

/// The lower rung on which a segment is started anew because the buffer would run dry first;
/// `None`: go on.
pub fn whole(view: &Whole<'_>) -> Option<Choice> {
    if view.elapsed < LEAST_ELAPSED {
        return None;
    }
    let current = view.rungs.iter().find(|r| r.rep == view.current)?;
    let rate = Bitrate::of(view.got, view.elapsed)?;
    let size = current.bandwidth.bytes_in(view.length);
    let left = size.saturating_sub(view.got);
    // Half of the buffer is kept for surprises.
    let still = rate.time_for(left).unwrap_or(Duration::MAX);
    if left == 0 || still <= view.ahead / 2 {
        return None;
    }
    let fits = |r: &&Rung| {
        let whole = rate.time_for(r.bandwidth.bytes_in(view.length)).unwrap_or(Duration::MAX);
        whole < still * 3 / 4
    };
    let lower = view.rungs.iter().filter(|r| r.bandwidth < current.bandwidth);
    let in_time = |r: &&Rung| {
        rate.time_for(r.bandwidth.bytes_in(view.length)).unwrap_or(Duration::MAX) <= view.ahead / 2
    };
    let to = lower.clone().rfind(in_time).or_else(|| lower.clone().next().filter(fits))?;
    let why = format!(
        "the segment would come in {} s with {} s buffered",
        still.as_secs().min(99),
        view.ahead.as_secs()
    );
    Some(Choice { rep: to.rep, why })
}

#[cfg(test)]
mod tests {
    use super::super::ladder;
    use super::*;

    #[test]
    fn a_growing_segment_is_left_when_it_lags_and_the_link_is_too_slow() {
        let rungs = ladder(&[250, 800, 2000]);
        let view = Growing {
            rungs: &rungs,
            current: 2,
            late: Duration::from_millis(400),
            link: Some(Bitrate::from_kbps(700)),
            others: Bitrate::from_kbps(64),
        };
        assert_eq!(growing(&view).unwrap().rep, 0);
        let jitter = Growing { late: Duration::from_millis(120), ..view };
        assert_eq!(growing(&jitter), None);
        let hiccup = Growing { link: Some(Bitrate::from_kbps(4000)), ..view };
        assert_eq!(growing(&hiccup), None);
        let lowest = Growing { current: 0, ..view };
        assert_eq!(growing(&lowest), None);
    }

    #[test]
    fn a_whole_segment_is_started_anew_only_where_that_is_quicker_in_the_end() {
        let rungs = ladder(&[250, 1500]);
        let view = Whole {
            rungs: &rungs,
            current: 1,
            length: Duration::from_secs(4),
            got: 60_000,
            elapsed: Duration::from_secs(1),
            ahead: Duration::from_secs(3),
        };
        assert_eq!(whole(&view).unwrap().rep, 0);
        let nearly = Whole { got: 700_000, elapsed: Duration::from_secs(9), ..view };
        assert_eq!(whole(&nearly), None);
        let deep = Whole { ahead: Duration::from_secs(30), ..view };
        assert_eq!(whole(&deep), None);
    }
}
