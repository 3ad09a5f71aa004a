//! What crosses the border to the page, as structs: options come in; figures, qualities, events and
//! errors go out.
//!
//! Names, types and words are those of `www/nearlive.d.ts`, the reference for pages:
//! `tests/page_face` compares the two. Nothing here knows a browser, so that a native test can;
//! [`value`](super::value) turns these structs into JavaScript's values and back.
//!
//! Lengths are in seconds unless a name says otherwise. `None` is `null`, where the attribute of a
//! field does not say that it is left out.

use core::fmt::{self, Formatter};
use nearlive::player::{self, Category, State};
use nearlive::time::Duration;
use serde::de::{Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// What a player is made with. What is not given is left to the core's `Config`, which
/// `options::Options::of` (`web/options.rs`) makes of it. [`Amount`] is the only number that is checked here.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Options {
    /// Distance to the live edge to hold.
    pub(crate) latency: Option<Latency>,
    /// The same in lengths of a segment.
    pub(crate) latency_segments: Option<Amount>,
    /// How far behind the target a live stream may fall before it jumps.
    pub(crate) max_drift: Option<Amount>,
    /// The same in lengths of a segment.
    pub(crate) max_drift_segments: Option<Amount>,
    /// The slowest rate that keeps to the live edge.
    pub(crate) min_rate: Option<Amount>,
    /// The fastest.
    pub(crate) max_rate: Option<Amount>,
    /// Media to hold ahead of the position on demand, and live when far from the edge.
    pub(crate) buffer_ahead: Option<Amount>,
    /// Media to keep behind the position.
    pub(crate) buffer_behind: Option<Amount>,
    /// How long a request may go without a byte.
    pub(crate) request_timeout: Option<Amount>,
    /// Start without waiting for `video.play()`.
    pub(crate) autoplay: Option<bool>,
    /// Request media.
    pub(crate) fetching: Option<bool>,
    /// Whether requests to other origins carry cookies.
    pub(crate) credentials: Option<Credentials>,
    /// The most that automatic quality may choose, in lines.
    pub(crate) max_height: Option<Count>,
    /// The same in bits a second.
    pub(crate) max_bandwidth: Option<Count>,
    /// What the connection is taken to carry before anything is measured, in bits a second.
    pub(crate) start_bandwidth: Option<Count>,
    /// Fetch nothing larger than can be seen.
    pub(crate) cap_to_element: Option<bool>,
    /// Play through ManagedMediaSource where the browser has both.
    pub(crate) managed: Option<bool>,
}

/// A number above 0, in millionths: a length, or how many times something is meant.
pub(crate) struct Amount(pub(crate) Duration);

/// A number of something; its fraction is left out.
pub(crate) struct Count(pub(crate) u64);

/// The distance to the live edge: a length, or `None` for `"auto"`.
pub(crate) struct Latency(pub(crate) Option<Duration>);

/// As in `fetch()`.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Credentials {
    /// Never.
    Omit,
    /// To the page's own origin only.
    SameOrigin,
    /// Always.
    Include,
}

/// A quality that can be chosen.
#[derive(Serialize)]
pub(crate) struct Quality<'a> {
    /// For `setQuality()`.
    id: &'a str,
    /// Nominal, in bits a second.
    bandwidth: u64,
    /// In pixels; `None` where the manifest does not say.
    width: Option<u32>,
    /// Likewise.
    height: Option<u32>,
    /// RFC 6381.
    codecs: &'a str,
}

/// Another quality is on the screen: its fields, and how it came to that.
#[derive(Serialize)]
pub(crate) struct Switch<'a> {
    id: &'a str,
    bandwidth: u64,
    width: Option<u32>,
    height: Option<u32>,
    codecs: &'a str,
    /// Why, for a person.
    reason: &'a str,
    /// The one before.
    from: Option<Quality<'a>>,
}

/// Figures of one moment.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stats<'a> {
    state: State,
    via: &'a str,
    protocol: &'a str,
    live: bool,
    latency: Option<f64>,
    playing_date: Option<f64>,
    target_latency: Option<f64>,
    behind: Option<f64>,
    buffer_ahead: f64,
    playback_rate: f64,
    throughput_kbps: Option<u64>,
    quality: Option<Quality<'a>>,
    quality_reason: &'a str,
    stalls: Stalls,
    source_stalls: Stalls,
    switches: u32,
    bytes: u64,
    requests: u32,
    errors: u32,
    dropped_frames: u32,
    startup_ms: Option<f64>,
    waiting_for: &'a str,
    trouble: &'a str,
}

/// How often the picture stood still, and for how long in all.
#[derive(Serialize)]
pub(crate) struct Stalls {
    count: u32,
    seconds: f64,
}

/// The fields of an error. The page gets them on an `Error` of JavaScript.
#[derive(Serialize)]
pub(crate) struct Error<'a> {
    /// `NearliveError`, or `AbortError` where another call came in between.
    pub(crate) name: &'static str,
    /// For a person: what, where, what to do.
    pub(crate) message: &'a str,
    /// Its number.
    pub(crate) code: u16,
    /// Who is to blame.
    pub(crate) category: Category,
    /// Playback has ended because of it.
    pub(crate) fatal: bool,
    /// What was being fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<&'a str>,
    /// For a developer.
    pub(crate) detail: &'a str,
}

/// What the listeners of an event get.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Event<'a> {
    State { state: State },
    Loaded { qualities: Box<[Quality<'a>]>, live: bool },
    Quality(Switch<'a>),
    Error(Error<'a>),
    Stall { seconds: f64 },
    Source { cause: &'a str, age: Option<f64> },
    Autoplay { muted: bool, blocked: bool },
}

/// The names of all events: what [`Event::name`] may say.
pub(crate) const EVENTS: [&str; 7] =
    ["state", "loaded", "quality", "error", "stall", "source", "autoplay"];

impl Event<'_> {
    /// What a listener names it by.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::State { .. } => "state",
            Self::Loaded { .. } => "loaded",
            Self::Quality(_) => "quality",
            Self::Error(_) => "error",
            Self::Stall { .. } => "stall",
            Self::Source { .. } => "source",
            Self::Autoplay { .. } => "autoplay",
        }
    }
}

impl<'a> Event<'a> {
    /// The core's event, if it is one for the page.
    pub(crate) fn of(event: &'a player::Event) -> Option<Self> {
        Some(match event {
            player::Event::State(state) => Self::State { state: *state },
            player::Event::Loaded { qualities, live } => {
                Self::Loaded { qualities: all(qualities), live: *live }
            }
            player::Event::Quality(it) => Self::Quality(Switch::of(it)),
            player::Event::Error(it) => Self::Error(Error::of(it)),
            player::Event::StallEnded { lasted } => Self::Stall { seconds: length(*lasted) },
            player::Event::Source { cause, age } => Self::Source { cause, age: seconds(*age) },
            _ => return None,
        })
    }
}

/// All that can be chosen.
pub(crate) fn all(qualities: &[player::Quality]) -> Box<[Quality<'_>]> {
    qualities.iter().map(Quality::of).collect()
}

impl<'a> Quality<'a> {
    fn of(it: &'a player::Quality) -> Self {
        Self {
            id: &it.id,
            bandwidth: it.bandwidth.as_bps(),
            width: it.resolution.map(|it| it.width),
            height: it.resolution.map(|it| it.height),
            codecs: &it.codecs,
        }
    }
}

impl<'a> Switch<'a> {
    fn of(it: &'a player::Switch) -> Self {
        let Quality { id, bandwidth, width, height, codecs } = Quality::of(&it.to);
        let from = it.from.as_ref().map(Quality::of);
        Self { id, bandwidth, width, height, codecs, reason: &it.reason, from }
    }
}

impl<'a> Error<'a> {
    /// The core's.
    pub(crate) fn of(it: &'a player::Error) -> Self {
        Self {
            name: "NearliveError",
            message: &it.message,
            code: it.code as u16,
            category: it.code.category(),
            fatal: it.fatal,
            url: it.url.as_deref(),
            detail: &it.detail,
        }
    }
}

impl<'a> Stats<'a> {
    /// The core's, what the player is doing, and the API that it plays through.
    pub(crate) fn of(it: &'a player::Stats, state: State, via: &'a str) -> Self {
        let stalls = |count, lasted: Duration| Stalls { count, seconds: length(lasted) };
        Self {
            state,
            via,
            protocol: it.protocol,
            live: it.live,
            latency: seconds(it.latency),
            playing_date: it.playing_date.map(|it| it.as_micros() as f64 / 1000.0),
            target_latency: seconds(it.target_latency),
            behind: seconds(it.behind),
            buffer_ahead: length(it.buffer_ahead),
            playback_rate: f64::from(it.playback_rate_permille) / 1000.0,
            throughput_kbps: it.throughput.map(|it| it.as_bps() / 1000),
            quality: it.quality.as_ref().map(Quality::of),
            quality_reason: &it.quality_reason,
            stalls: stalls(it.stalls, it.stalled),
            source_stalls: stalls(it.source_stalls, it.source_stalled),
            switches: it.switches,
            bytes: it.bytes,
            requests: it.requests,
            errors: it.errors,
            dropped_frames: it.dropped_frames,
            startup_ms: seconds(it.startup).map(|it| (it * 1000.0).round()),
            waiting_for: it.waiting_for,
            trouble: &it.trouble,
        }
    }
}

/// A length in seconds.
pub(crate) fn length(it: Duration) -> f64 {
    it.as_micros() as f64 / 1e6
}

fn seconds(it: Option<Duration>) -> Option<f64> {
    it.map(length)
}

/// Nothing longer makes sense, and a day in microseconds is far from overflowing.
const LONGEST_SECONDS: f64 = 86_400.0;

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // There is always one: only a latency may be "auto".
        from.deserialize_any(Number::Amount).map(|it| Self(duration(it.unwrap_or_default())))
    }
}

impl<'de> Deserialize<'de> for Latency {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Number::Latency).map(|it| Self(it.map(duration)))
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // The cast takes Infinity for the largest number.
        from.deserialize_any(Number::Count).map(|it| Self(it.unwrap_or_default() as u64))
    }
}

fn duration(seconds: f64) -> Duration {
    Duration::from_micros((seconds * 1e6) as u64)
}

/// Reads a number above 0, or, where that is allowed, `"auto"`: `None`.
#[derive(Clone, Copy, PartialEq)]
enum Number {
    Amount,
    Latency,
    Count,
}

impl Visitor<'_> for Number {
    type Value = Option<f64>;

    fn expecting(&self, out: &mut Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Amount => "a number above 0, at most 86400",
            Self::Latency => "a number above 0, at most 86400, or \"auto\"",
            Self::Count => "a number above 0",
        })
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Self::Value, E> {
        if number > 0.0 && (number <= LONGEST_SECONDS || self == Self::Count) {
            return Ok(Some(number));
        }
        Err(E::invalid_value(Unexpected::Float(number), &self))
    }

    fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<Self::Value, E> {
        if self == Self::Latency && word == "auto" {
            return Ok(None);
        }
        Err(E::invalid_value(Unexpected::Str(word), &self))
    }
}
