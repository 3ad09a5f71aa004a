//! Which representation to fetch next, and why: PURE decisions from measurements.
//!
//! | module | owns |
//! |---|---|
//! | [`estimate`] | the throughput, from reads that the link (and not the camera) held back |
//! | [`live`] | the rule for segments that are read while they grow |
//! | [`plan`] | the rule for segments that are fetched ahead, whole: what is worth most over all that the link may do |
//! | [`levels`] | what the link may do: how likely each throughput is next |
//! | [`replace`] | whether what is buffered low is fetched again, better |
//! | [`pace`] | how fast one download comes, over all of it and lately |
//! | [`abandon`] | giving up a growing segment because it falls behind |
//! | [`probe`] | when to test whether the link carries the next rung, and what the test shows |
//! | [`guard`] | ceilings: dropped frames, a decoder that failed |
//! | [`shown`] | a ceiling: the height at which the picture is shown |
//! | [`sharing`] | the even share of the link, of several players on one page |
//! | [`cmsd`] | the server's estimate of the throughput, from a header |
//!
//! A *rung* is a representation, seen as a step of the ladder of bandwidths. Every decision comes
//! with its reason in words for people.

pub mod abandon;
pub mod cmsd;
pub mod estimate;
pub mod guard;
pub mod levels;
pub mod live;
pub mod pace;
pub mod plan;
pub mod probe;
pub mod replace;
pub mod sharing;
pub mod shown;

use crate::units::Bitrate;
use alloc::format;
use alloc::string::String;
use core::fmt;

/// A representation that may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Its index among the track's representations.
    pub rep: usize,
    /// The bandwidth that the manifest names.
    pub bandwidth: Bitrate,
}

/// A choice, with its reason for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Index among the track's representations.
    pub rep: usize,
    /// The reason.
    pub why: String,
}

/// Live, the highest bandwidth to start with while the throughput is not known. If the link cannot
/// carry it, the burst of the first segment shows that within a second.
const MODEST: Bitrate = Bitrate::from_kbps(3_000);
/// The same on demand, where a first segment that is too large costs seconds.
const GUESS: Bitrate = Bitrate::from_kbps(2_000);

/// What the page allows automatic quality.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What the link is taken to carry before anything is measured. `None` (default): 3 Mb/s live,
    /// 2 Mb/s on demand.
    pub start: Option<Bitrate>,
    /// The highest bandwidth. Default: any.
    pub bandwidth: Bitrate,
    /// The greatest height, in lines. Default: any.
    pub height: u32,
    /// Nothing larger than can be seen at the size it is shown. Default true.
    pub to_element: bool,
}

impl Default for Limits {
    fn default() -> Self {
        let bandwidth = Bitrate::from_bps(u64::MAX);
        Self { start: None, bandwidth, height: u32::MAX, to_element: true }
    }
}

/// The rung to start with; `rungs` are lowest first, `start` is the page's own guess.
pub fn first(rungs: &[Rung], live: bool, start: Option<Bitrate>) -> Option<Choice> {
    let limit = start.unwrap_or(if live { MODEST } else { GUESS });
    let rung = highest(rungs, limit).or_else(|| rungs.first().copied())?;
    Some(Choice { rep: rung.rep, why: format!("start: a first guess allows {}", Mbps(limit)) })
}

/// The highest of `rungs` that needs no more than `limit`.
pub fn highest(rungs: &[Rung], limit: Bitrate) -> Option<Rung> {
    rungs.iter().rev().find(|r| r.bandwidth <= limit).copied()
}

/// A rate for people: `1.9 Mb/s`.
pub struct Mbps(pub Bitrate);

impl fmt::Display for Mbps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0.as_bps() + 50_000) / 100_000;
        if tenths == 0 {
            return write!(f, "{} kb/s", self.0.as_bps() / 1000);
        }
        write!(f, "{}.{} Mb/s", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
pub(crate) fn ladder(kbps: &[u64]) -> alloc::vec::Vec<Rung> {
    kbps.iter()
        .enumerate()
        .map(|(rep, &k)| Rung { rep, bandwidth: Bitrate::from_kbps(k) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_live_start_takes_the_top_where_it_is_modest() {
        let rungs = ladder(&[300, 800, 2500]);
        assert_eq!(first(&rungs, true, None).unwrap().rep, 2);
        assert_eq!(first(&rungs, false, None).unwrap().rep, 1);
        assert_eq!(first(&ladder(&[4000, 8000]), true, None).unwrap().rep, 0);
    }

    #[test]
    fn rates_read_well() {
        assert_eq!(Mbps(Bitrate::from_kbps(1940)).to_string(), "1.9 Mb/s");
        assert_eq!(Mbps(Bitrate::from_kbps(40)).to_string(), "40 kb/s");
    }
}
