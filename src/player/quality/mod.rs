//! Which representation is fetched: what is measured, what the viewer chose, and why the last choice was
//! made. The rules are [`crate::abr`]'s.
//!
//! | file | owns |
//! |---|---|
//! | [`adaptation`] | the choice, before a segment is asked for |
//! | [`measure`] | what the link carries, and giving up a segment that it does not |
//! | [`state`] | the reads and the probe under way |
//! | [`probe`] | whether the link carries more than is fetched |

mod adaptation;
mod measure;
mod probe;
mod state;

pub(super) use adaptation::{Adaptation, BACKLOG, View};
pub(super) use measure::Read;
