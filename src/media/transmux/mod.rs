//! MPEG-2 transport stream to CMAF, for browsers, whose MediaSource takes only the latter.
//!
//! ```text
//!   TS bytes -> ts::Demuxer -> H.264 access units -> Output::Init, Output::Fragment (Video)
//!                           -> ADTS frames        -> Output::Init, Output::Fragment (Audio)
//! ```
//!
//! Each call of [`push`](Transmuxer::push) makes one fragment per track, of the samples that are
//! complete. A picture's duration is the difference to the next one's decode time, so one picture
//! is held until that is known; the last picture of a segment gets the duration of the one before.
//!
//! Both tracks keep the stream's own times (video in 90 kHz, audio in samples); the caller moves
//! them to their place on the timeline with `timestampOffset`. Sources: RFC 8216 sections 3.2 and
//! 6.2.3 (discontinuities).
//!
//! A browser stops where sound is missing beside the picture. The transmuxer fills such places with
//! silence, once [`expect_sound`](Transmuxer::expect_sound) has given the configuration of the
//! sound.
//!
//! | module | owns |
//! |---|---|
//! | [`transmuxer`] | what belongs to which track |
//! | [`picture`] | access units to fragments of pictures |
//! | [`sound`] | ADTS frames, and silence where they are missing, to fragments of sound |
//! | [`output`] | what comes out |

mod output;
mod picture;
mod sound;
mod transmuxer;

pub use output::{Kind, Output};
pub use transmuxer::Transmuxer;
