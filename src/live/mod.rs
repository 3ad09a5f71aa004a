//! Live time: the origin's clock, where the edge is, how near to it to play, and how to stay there.
//!
//! | module | owns |
//! |---|---|
//! | [`clock`] | the origin's time, from answers that took a while |
//! | [`listed`] | where the edge is by a list of whole segments |
//! | [`jitter`] | how late media arrives, and how unevenly |
//! | [`lateness`] | how much later than the manifest says the origin has its segments |
//! | [`search`] | PURE: where the edge is, where no clock says it: by asking |
//! | [`control`] | PURE steering: rate, jump, or leave it |

pub mod clock;
pub mod control;
pub mod jitter;
pub mod lateness;
pub mod listed;
pub mod search;
