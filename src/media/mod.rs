//! Media formats: reads and writes containers and elementary streams.
//!
//! This module does not know manifests, networks or players. Every reader accepts partial input
//! (`Ok(None)` or "need more" is not an error), never allocates as much as a length field claims
//! without a bound, and never panics on any input.

pub mod codec;
pub mod es;
pub mod isobmff;
pub mod scan;
pub(crate) mod text;
pub mod transmux;
pub mod ts;
pub mod webm;
