//! The live edge: its position, the seekable window, the newest segment, and when a segment can be
//! fetched. Every part of the player takes these from here.
//!
//! | the manifest | the edge is found by | a clock is needed |
//! |---|---|---|
//! | lists whole segments | the end of each track's list, the time since it came, and how late that was by the capture times, if any | to compare it with those |
//! | lists segments that grow | the clock, unless the list contradicts it | to tell what is due |
//! | names segments by a formula | the clock, corrected by a search | for everything |
//!
//! A *search* asks the origin for one segment after the other, when those that should exist by the
//! clock are refused ([`asking`]); the clock is then shifted by what it finds. An origin that
//! publishes segments later than its manifest says is waited for ([`crate::live::lateness`]). The
//! page is told of both.

mod asking;
mod known;
mod messages;
mod search;

pub(super) use asking::Found;
pub(super) use known::{Edge, View};
