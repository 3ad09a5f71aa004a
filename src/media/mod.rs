//! Containers: bytes to facts and facts to bytes.
//!
//! Nothing here knows of manifests, networks or players. Every reader takes partial input
//! (`Ok(None)` or "need more" is not an error), allocates nothing because a length field says so,
//! and never panics on what it is given.

pub mod codec;
pub mod es;
pub mod isobmff;
pub mod transmux;
pub mod ts;
