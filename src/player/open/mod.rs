//! Opens a MediaSource for a presentation: asks which types the browser plays, chooses tracks, adds
//! their buffers; and replaces the MediaSource when it breaks or a track appears late.
//!
//! The MediaSource is opened while the browser is asked about types: neither waits for the other.
//! When the decoder fails, the whole MediaSource is rebuilt, because MSE has no other way back:
//! first as it was, then on a lower rung or with another codec; when there is none, playback has
//! failed.
//!
//! | file | owns |
//! |---|---|
//! | [`stage`] | the state: loading, opening, running, failed |
//! | [`opening`] | the parts that this module changes, and reporting errors |
//! | [`advance`] | from the first manifest to the buffers, their room, and the end of the stream |
//! | [`choose`] | which tracks of a presentation are played |
//! | [`complete`] | fetching what has to be known of them before their buffers can be added |
//! | [`breakdown`] | decoder failures, and what is played instead |
//! | [`late`] | a track that appears later, and media that the present MediaSource cannot take |
//! | [`without`] | leaving out a track that cannot be played |

mod advance;
mod breakdown;
mod choose;
mod complete;
mod late;
mod opening;
mod stage;
pub(super) mod without;

pub(super) use advance::set_duration;
pub(super) use opening::Opening;
pub(super) use stage::{Resume, Stage};
