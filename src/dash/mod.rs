//! MPEG-DASH (ISO/IEC 23009-1): the MPD's syntax, read and written, and its meaning in the model.
//!
//! ```text
//! text --read--> syntax::Mpd --resolve--> presentation::Presentation
//! text <-write-- syntax::Mpd <---------- the server
//! ```

pub mod read;
pub mod resolve;
pub mod syntax;
pub mod update;
pub mod write;
mod xml;
