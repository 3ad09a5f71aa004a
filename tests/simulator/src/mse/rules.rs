//! The behaviour of a browser where the standard leaves it open.

use crate::clock::{Time, millis, secs};

/// What a SourceBuffer does where its media changes type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeType {
    /// It has `changeType`.
    Any,
    /// It has none, and goes on within a family of codecs.
    Family,
    /// It has none, and every change is one to another family.
    Never,
}

/// The behaviour of this browser.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Sound that the clock needs to start, microseconds.
    pub audio_start: i64,
    /// The most to which underflows raise it.
    pub audio_start_most: i64,
    /// Sound that the decoder and the device hold: with less, the clock stops.
    pub audio_reserve: i64,
    /// Sound held in addition while it is stretched at its pitch (a window of 20 ms is searched for
    /// in 30 ms).
    pub stretch_reserve: i64,
    /// Frames that the clock needs to start, where the stream has a duration.
    pub video_frames: i64,
    /// How long a seek waits until it begins and is told of. Until then `currentTime` is where the
    /// seek before went (WebKit).
    pub seek_begins: Time,
    /// How long it takes to flush and refill the pipeline at each seek.
    pub seek_takes: Time,
    /// Media behind its target without which a seek does not end, microseconds (Chromium decodes some frames ahead).
    pub seek_needs: i64,
    /// For how long the clock goes on without a picture, while there is sound.
    pub picture_grace: Time,
    /// Bytes that a video buffer holds.
    pub video_quota: u64,
    /// Bytes that an audio buffer holds.
    pub audio_quota: u64,
    /// An append takes this long, microseconds, besides the time for its bytes.
    pub append_takes: Time,
    /// What a SourceBuffer does where its media changes type.
    pub change_type: ChangeType,
    /// Sound before the first that came since the parser was reset is dropped (WebKitGTK).
    pub drops_earlier_sound: bool,
    /// Media that begins this little behind a position where playing has not begun counts as there, microseconds.
    pub start_fudge: i64,
    /// The sound card's clock is this much too fast.
    pub drift_ppm: i64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            audio_start: 200_000,
            audio_start_most: 3_000_000,
            audio_reserve: 60_000,
            stretch_reserve: 50_000,
            video_frames: 4,
            seek_begins: 0,
            seek_takes: millis(20),
            seek_needs: 0,
            picture_grace: secs(3),
            video_quota: 150 << 20,
            audio_quota: 12 << 20,
            append_takes: 300,
            change_type: ChangeType::Any,
            drops_earlier_sound: false,
            start_fudge: 83_000,
            drift_ppm: 0,
        }
    }
}
