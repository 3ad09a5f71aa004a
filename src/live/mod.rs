//! Live playback: the origin's clock, the live edge, how near to it to play, and how to stay there.
//!
//! | module | owns |
//! |---|---|
//! | [`clock`] | the origin's time, estimated from answers that took a while |
//! | [`listed`] | the edge, where the manifest lists whole segments |
//! | [`jitter`] | the least and the most of a measure over the last seconds |
//! | [`lateness`] | how much later than the manifest says the origin publishes segments |
//! | [`search`] | PURE: which segments to ask for, to find the edge where the clock is wrong |
//! | [`control`] | PURE: the latency to keep, and by which rate or jump |

pub mod clock;
pub mod control;
pub mod jitter;
pub mod lateness;
pub mod listed;
pub mod search;
