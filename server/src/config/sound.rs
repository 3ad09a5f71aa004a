//! PURE: `audio`, what to do with a camera's sound.

use serde::Deserialize;

/// What to do with a camera's sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audio {
    /// AAC, one channel, 64 kb/s: most cameras have one channel.
    #[default]
    Mono,
    /// AAC, two channels, 128 kb/s.
    Stereo,
    /// None.
    Off,
}
