//! What is buffered, and what to fetch next.
//!
//! | module | owns |
//! |---|---|
//! | [`ranges`] | the spans that the browser says it holds |
//! | [`inventory`] | which representation stands where, and which capture time |
//! | [`plan`] | PURE: the next segment, or what to wait for |
//! | [`offsets`] | what is added to the media's own times where no manifest says it |
//! | [`evict`] | PURE: what to remove |
//! | [`clip`] | PURE: what of a Period's media is kept |
//! | [`gaps`] | PURE: where to go on when not all tracks have media |
//! | [`reserve`] | PURE: how much to have before a picture that ran dry goes on |

pub mod clip;
pub mod evict;
pub mod gaps;
pub mod inventory;
pub mod offsets;
pub mod plan;
pub mod ranges;
pub mod reserve;
