//! Elementary streams: the headers of H.264, HEVC and AAC, as far as packaging needs them.

pub mod aac;
pub(crate) mod bits;
pub mod h264;
pub mod hevc;
pub mod idr;
pub mod repeat;
mod slice;
