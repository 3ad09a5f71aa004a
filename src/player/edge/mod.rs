//! Where the live edge is, for all who ask: the edge, the window, the newest segment, when a segment
//! can be had.
//!
//! | the manifest | the edge | what a clock is needed for |
//! |---|---|---|
//! | lists whole segments | the end of the list, and the time since it was seen | nothing |
//! | lists segments that grow | by the clock, as long as the list does not contradict it | to tell what is due |
//! | computes segments by the clock | by the clock and what was found by asking | everything |
//!
//! A clock that asking has shown to be wrong is shifted by what was found ([`search`]); an origin that
//! is later than its manifest is waited for ([`crate::live::lateness`]). Both are said to the page.

mod asking;
mod known;
mod search;
mod words;

pub(super) use asking::Found;
pub(super) use known::{Edge, View};
