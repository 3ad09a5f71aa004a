//! MPEG-DASH (ISO/IEC 23009-1): the MPD's syntax, read and written, and its meaning in the model.
//!
//! ```text
//! text --read--> syntax::Mpd --resolve--> Presentation
//! text <-write-- syntax::Mpd <----------- the server
//! ```
//! A newer MPD is resolved from scratch; the player compares it with the one before. `resolve`
//! reads Periods and their times, `sets` AdaptationSets, `addressing` the segments' addresses.

mod addressing;
pub mod read;
pub mod resolve;
mod sets;
pub mod syntax;
pub mod write;
mod xml;
