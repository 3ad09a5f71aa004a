//! Decides whether to give up a segment that is read while it grows, because it falls behind.

use super::live::{Supply, down_words};
use super::{Choice, Rung};
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
    /// Media held ahead of the position.
    pub held: Duration,
    /// How much of the segment is still to come.
    pub rest: Duration,
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
    let supply = Supply { link, others: view.others, held: view.held };
    if supply.lasts(view.rest, current.bandwidth) {
        return None;
    }
    let need = current.bandwidth.as_bps().saturating_add(view.others.as_bps());
    let enough = if view.late > VERY_LATE { need.saturating_mul(5) / 4 } else { need };
    if link.as_bps() >= enough {
        return None;
    }
    let to = supply.land(view.rungs, current)?;
    let why = format!(
        "media came {} ms late: {}",
        view.late.as_millis(),
        down_words(link, current.bandwidth)
    );
    (to.bandwidth < current.bandwidth).then_some(Choice { rep: to.rep, why })
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
            held: Duration::ZERO,
            rest: Duration::from_millis(300),
        };
        assert_eq!(growing(&view).unwrap().rep, 0);
        let held = |ms| growing(&Growing { held: Duration::from_millis(ms), ..view });
        assert_eq!(held(2000), None, "what is held outlasts the rest");
        assert_eq!(held(500).unwrap().rep, 1);
        let jitter = Growing { late: Duration::from_millis(120), ..view };
        assert_eq!(growing(&jitter), None);
        let hiccup = Growing { link: Some(Bitrate::from_kbps(4000)), ..view };
        assert_eq!(growing(&hiccup), None);
        let lowest = Growing { current: 0, ..view };
        assert_eq!(growing(&lowest), None);
    }
}
