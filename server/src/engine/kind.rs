//! The engines that there are.

use serde::Deserialize;

/// The program that reads a camera.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// ffmpeg.
    #[default]
    Ffmpeg,
    /// GStreamer, by a small program of ours.
    Gstreamer,
}

impl Kind {
    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ffmpeg => "ffmpeg",
            Self::Gstreamer => "GStreamer",
        }
    }

    /// Whether it sees the end of a copied picture only at the next one.
    pub const fn holds_copied(self) -> bool {
        matches!(self, Self::Ffmpeg)
    }
}
