//! How a browser behaves where the standard leaves it open.

use crate::clock::{Time, millis, secs};

/// How this browser behaves.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Sound that has to be there for the clock to start, microseconds.
    pub audio_start: i64,
    /// The most that underflows raise it to.
    pub audio_start_most: i64,
    /// Sound that the decoder and the device hold: with less the clock stops.
    pub audio_reserve: i64,
    /// Sound that is held besides while it is stretched at its pitch (a window of 20 ms is sought in
    /// 30 ms).
    pub stretch_reserve: i64,
    /// Frames that have to be there for the clock to start, where the stream has a duration.
    pub video_frames: i64,
    /// The pipeline is flushed and filled again for so long at each seek.
    pub seek_takes: Time,
    /// For how long the clock goes on without a picture, while there is sound.
    pub picture_grace: Time,
    /// Bytes that a video buffer takes.
    pub video_quota: u64,
    /// Bytes that an audio buffer takes.
    pub audio_quota: u64,
    /// An append takes so long, microseconds, besides the time for its bytes.
    pub append_takes: Time,
    /// The sound card's clock is so much faster than the truth.
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
            seek_takes: millis(20),
            picture_grace: secs(3),
            video_quota: 150 << 20,
            audio_quota: 12 << 20,
            append_takes: 300,
            drift_ppm: 0,
        }
    }
}
