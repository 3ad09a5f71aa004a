//! What the page is told, and what it can ask.

use super::error::Error;
use crate::units::{Bitrate, Resolution};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
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
    /// It plays.
    Playing,
    /// The viewer paused it.
    Paused,
    /// It wants to play and has nothing to show.
    Stalled,
    /// The end was reached.
    Ended,
    /// A fatal error.
    Failed,
}

/// A representation as the page sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// Names it for [`QualityChoice::Fixed`].
    pub id: String,
    /// Nominal rate.
    pub bandwidth: Bitrate,
    /// Of its picture, where known.
    pub resolution: Option<Resolution>,
    /// RFC 6381.
    pub codecs: String,
}

/// What the viewer chose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum QualityChoice {
    /// The player decides.
    #[default]
    Auto,
    /// This one, whatever happens.
    Fixed(String),
}

/// A change of representation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switch {
    /// The new one.
    pub to: Quality,
    /// The one before, if there was.
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
    /// The manifest is known: what can be chosen.
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
    /// The picture stood still; it goes on again.
    StallEnded {
        /// For how long it stood.
        lasted: Duration,
    },
    /// How the camera is: a sentence of the source (`emsg` of the companion server), or ours where it
    /// says nothing and its media repeats an old picture. Empty when all is well.
    Source {
        /// The sentence.
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
    /// Origin's time now minus the capture (or manifest) time of what is shown.
    pub latency: Option<Duration>,
    /// What it steers to.
    pub target_latency: Option<Duration>,
    /// How much newer than what is shown could be had.
    pub behind: Option<Duration>,
    /// Media ahead of the position, least over the tracks.
    pub buffer_ahead: Duration,
    /// Thousandths.
    pub playback_rate_permille: u32,
    /// Estimate of the link.
    pub throughput: Option<Bitrate>,
    /// What is fetched for the picture.
    pub quality: Option<Quality>,
    /// Why it was chosen.
    pub quality_reason: String,
    /// Times that the picture stood still after the start, without those of the source.
    pub stalls: u32,
    /// For how long in all.
    pub stalled: Duration,
    /// Times that it stood still because no new picture came from the camera.
    pub source_stalls: u32,
    /// For how long in all.
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
    /// What it waits for, in words.
    pub waiting_for: &'static str,
    /// What is asked for in vain at the moment, and asked for again, in words.
    pub trouble: String,
}
