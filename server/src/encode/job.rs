//! PURE: what is to be done.

use std::path::PathBuf;

/// Seconds from key frame to key frame, and so of a segment: short enough that a seek is quick to
/// decode, long enough that key frames are no burden.
pub const GOP_S: u64 = 2;

/// Samples a second of the sound.
pub const SOUND_HZ: u32 = 48_000;

/// What a ladder is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// H.264 and AAC in fragmented MP4, with DASH and HLS.
    Cmaf,
    /// VP9 and Opus (or Vorbis) in WebM, with DASH.
    WebM,
}

/// What to encode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The film.
    pub film: PathBuf,
    /// The folder for the result.
    pub folder: PathBuf,
    /// What the result is made of.
    pub form: Form,
}
