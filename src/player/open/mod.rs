//! From a manifest to a MediaSource with its buffers: types, tracks, and what to do when it breaks.
//!
//! The MediaSource is opened while the browser is asked for its types: neither waits for the other.
//! When the decoder dies the whole MediaSource is built anew, as MSE has no other way back: once as
//! it was, then without the codec or on a lower rung, then it is over.
//!
//! | file | what |
//! |---|---|
//! | [`stage`] | how far it has got |
//! | [`opening`] | the parts that this changes |
//! | [`advance`] | from the first manifest to the buffers |
//! | [`choose`] | which tracks of a presentation are played |
//! | [`complete`] | what has to be known of them before their buffers can be added |
//! | [`breakdown`] | what breaks, and what is played instead |
//! | [`late`] | a track that appears later |
//! | [`without`] | a track that is left out |

mod advance;
mod breakdown;
mod choose;
mod complete;
mod late;
mod opening;
mod stage;
pub(super) mod without;

pub(super) use advance::set_duration;
pub(super) use choose::nothing_came;
pub(super) use opening::Opening;
pub(super) use stage::{Resume, Stage};
