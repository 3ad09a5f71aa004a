//! ISO base media file format (ISO/IEC 14496-12) as CMAF (ISO/IEC 23000-19) uses it.
//!
//! [`scan`] finds the boxes of a growing resource and reads those that the player needs, without
//! ever holding media data; [`edits`] takes out what browsers read differently; [`write`] makes
//! initialization segments and chunks.

mod boxes;
pub mod edits;
mod entry;
mod event;
mod fragment;
mod init;
pub mod scan;
pub mod write;

/// Seconds from NTP's origin (1900) to that of Unix time (RFC 5905 appendix A, `JAN_1970`).
const NTP_UNIX_SECONDS: i64 = 2_208_988_800;
/// Flags of a `prft` with the time at which its fragment was finalized (14496-12 8.16.5).
const PRFT_FINALIZED: u32 = 2;
