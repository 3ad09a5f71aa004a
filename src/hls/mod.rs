//! HLS (RFC 8216bis): playlist syntax, read and written, and its meaning in the model.
//!
//! ```text
//! text --read--> syntax::Playlist --resolve--> Presentation (renditions, still without segments)
//! text --read--> syntax::Media    --update(old)--> Listed segments of one rendition
//! text <-write-- syntax           <----------- the server
//! ```

mod place;
pub mod read;
pub mod resolve;
pub mod syntax;
mod tags;
pub mod update;
pub mod write;
