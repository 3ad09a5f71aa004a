//! The rule for segments that are fetched ahead: by throughput and buffer.
//!
//! With little buffered, a rung must fit the throughput with a margin. The more is buffered, the
//! smaller the margin; with a full buffer even a rung a little above the throughput is kept. Going
//! up needs a larger margin than staying, so that noise in the throughput causes no switches, which
//! viewers see.

use super::{Choice, Mbps, Rung, highest};
use crate::time::Duration;
use crate::units::Bitrate;
use alloc::format;

/// The state before a request for a segment.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Lowest first.
    pub rungs: &'a [Rung],
    /// The rung that was fetched last: its index among the track's representations.
    pub current: usize,
    /// The estimate of the throughput.
    pub link: Option<Bitrate>,
    /// The bandwidth of the other tracks.
    pub others: Bitrate,
    /// Media buffered ahead of the position.
    pub ahead: Duration,
    /// How much media is fetched ahead.
    pub goal: Duration,
}

/// The rung to change to; `None`: no change.
pub fn decide(view: &View<'_>) -> Option<Choice> {
    let link = view.link?;
    let current = view.rungs.iter().find(|r| r.rep == view.current)?;
    // From 0 (empty) to 1000 (full).
    let fill = view.ahead.as_millis().saturating_mul(1000).checked_div(view.goal.as_millis());
    let fill = fill.map_or(0, |f| u32::try_from(f.min(1000)).unwrap_or(1000));
    let room = |permille: u32| {
        Bitrate::from_bps(link.scaled(permille).as_bps().saturating_sub(view.others.as_bps()))
    };
    // Share of the throughput that a rung may need: to go up 0.70 (buffer empty) to 0.90 (full), to
    // stay 0.90 to 1.40.
    let up = room(700 + fill / 5);
    let stay = room(900 + fill / 2);
    let buffer = view.ahead.as_secs();
    if current.bandwidth > stay {
        let to = highest(view.rungs, up).or_else(|| view.rungs.first().copied())?;
        let why = format!(
            "throughput {} with {buffer} s buffered is too little for {}",
            Mbps(link),
            Mbps(current.bandwidth)
        );
        return (to.bandwidth < current.bandwidth).then_some(Choice { rep: to.rep, why });
    }
    let to = highest(view.rungs, up)?;
    let why = format!(
        "throughput {} with {buffer} s buffered is enough for {}",
        Mbps(link),
        Mbps(to.bandwidth)
    );
    (to.bandwidth > current.bandwidth).then_some(Choice { rep: to.rep, why })
}

#[cfg(test)]
mod tests {
    use super::super::ladder;
    use super::*;

    fn at(current: usize, kbps: u64, ahead_s: u64) -> Option<usize> {
        let rungs = ladder(&[250, 500, 750, 1500]);
        let view = View {
            rungs: &rungs,
            current,
            link: Some(Bitrate::from_kbps(kbps)),
            others: Bitrate::default(),
            ahead: Duration::from_secs(ahead_s),
            goal: Duration::from_secs(30),
        };
        decide(&view).map(|c| c.rep)
    }

    #[test]
    fn with_a_full_buffer_a_rung_a_little_above_the_link_is_held() {
        assert_eq!(at(3, 1200, 28), None);
        assert_eq!(at(3, 1200, 2), Some(2));
    }

    #[test]
    fn up_needs_a_margin_that_shrinks_with_the_buffer() {
        assert_eq!(at(2, 1900, 2), None);
        assert_eq!(at(2, 1900, 25), Some(3));
        assert_eq!(at(0, 3000, 1), Some(3));
    }

    #[test]
    fn a_link_between_two_rungs_does_not_flap() {
        for ahead in 0..30 {
            let down = at(3, 1600, ahead);
            let up = at(2, 1600, ahead);
            assert!(down.is_none() || up.is_none(), "{ahead} s: {down:?} {up:?}");
        }
    }

    #[test]
    fn below_the_lowest_rung_the_lowest_is_taken() {
        assert_eq!(at(2, 100, 3), Some(0));
        assert_eq!(at(0, 100, 3), None);
    }
}
