//! HLS (RFC 8216bis): playlist syntax, read and written, and its meaning in the model.

pub mod read;
pub mod resolve;
pub mod update;
pub mod write;
