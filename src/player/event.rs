//! What the page is told: events, states, qualities, figures.

use super::error::Error;
use crate::time::{Duration, WallTime};
use crate::units::{Bitrate, Resolution};
use alloc::string::String;
use alloc::vec::Vec;
use serde::Serialize;

/// What the player is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing is loaded.
    #[default]
    Idle,
    /// The first picture is on its way.
    Starting,
    /// The picture moves.
    Playing,
    /// The viewer paused it.
    Paused,
    /// Playback waits for media.
    Stalled,
    /// The end was reached.
    Ended,
    /// A fatal error.
    Failed,
}

/// A representation as the page sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// The id to give to [`QualityChoice::Fixed`].
    pub id: String,
    /// The bandwidth that the manifest names.
    pub bandwidth: Bitrate,
    /// The size of its picture, if known.
    pub resolution: Option<Resolution>,
    /// Codecs as in RFC 6381.
    pub codecs: String,
}

/// What the viewer chose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum QualityChoice {
    /// The player decides.
    #[default]
    Auto,
    /// The quality with this id, however fast the link is.
    Fixed(String),
}

/// A change of representation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// The new one.
    pub to: Quality,
    /// The one before, if there was one.
    pub from: Option<Quality>,
    /// Why, for a person: "throughput 0.6 Mb/s is below 1.9 Mb/s".
    pub reason: String,
}

/// What the page is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The state changed.
    State(State),
    /// The manifest and the tracks are known.
    Loaded {
        /// Best first.
        qualities: Vec<Quality>,
        /// It is live.
        live: bool,
    },
    /// Another representation is on the screen from now on.
    Quality(Switch),
    /// Something went wrong.
    Error(Error),
    /// A stall has ended.
    StallEnded {
        /// How long it lasted.
        lasted: Duration,
    },
    /// How the camera is.
    Source {
        /// A sentence of the companion server (`emsg`), or of the player where the media repeats an
        /// old picture without one. Empty when all is well.
        cause: String,
        /// The age of the picture shown now: [`Stats::latency`].
        age: Option<Duration>,
    },
}

/// The figures of `player.stats()`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// `dash` or `hls`; empty before a manifest is known.
    pub protocol: &'static str,
    /// It is live.
    pub live: bool,
    /// The origin's time now minus the capture time (else the manifest's time) of the picture
    /// shown.
    pub latency: Option<Duration>,
    /// The origin's time at which the picture shown was taken, as `latency` has it. Live only.
    pub playing_date: Option<WallTime>,
    /// The latency that the live control steers to.
    pub target_latency: Option<Duration>,
    /// How much farther behind the live edge playback is than the latency it steers to.
    pub behind: Option<Duration>,
    /// Media buffered ahead of the position, the least over the tracks.
    pub buffer_ahead: Duration,
    /// The playback rate in thousandths.
    pub playback_rate_permille: u32,
    /// The estimate of the throughput.
    pub throughput: Option<Bitrate>,
    /// The quality of the picture that is fetched.
    pub quality: Option<Quality>,
    /// Why it was chosen.
    pub quality_reason: String,
    /// Stalls after the start, without those that the camera caused.
    pub stalls: u32,
    /// How long they lasted together.
    pub stalled: Duration,
    /// Stalls because no new picture came from the camera.
    pub source_stalls: u32,
    /// How long they lasted together.
    pub source_stalled: Duration,
    /// Changes of representation.
    pub switches: u32,
    /// Bytes of media received.
    pub bytes: u64,
    /// Requests made.
    pub requests: u32,
    /// Errors, not fatal ones included.
    pub errors: u32,
    /// From load to the first moving picture.
    pub startup: Option<Duration>,
    /// Frames that the browser dropped.
    pub dropped_frames: u32,
    /// What the player waits for, in words.
    pub waiting_for: &'static str,
    /// The request that fails at present and is retried, in words.
    pub trouble: String,
}
