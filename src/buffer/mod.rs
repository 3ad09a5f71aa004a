//! The buffer of one track: what it holds, what to fetch next, what to remove.
//!
//! | module | owns |
//! |---|---|
//! | [`ranges`] | the spans that the browser says it holds |
//! | [`inventory`] | which representation, and which capture time, each position has |
//! | [`plan`] | PURE: the next segment to fetch, or what to wait for |
//! | [`offsets`] | the offset from the media's own times to the timeline (HLS) |
//! | [`evict`] | PURE: what to remove from a buffer |
//! | [`clip`] | PURE: the append window of a Period |
//! | [`gaps`] | PURE: where playback goes on at a hole |
//! | [`reserve`] | PURE: how much media to have before playback goes on after a stall |

pub mod clip;
pub mod evict;
pub mod gaps;
pub mod inventory;
pub mod offsets;
pub mod plan;
pub mod ranges;
pub mod reserve;
