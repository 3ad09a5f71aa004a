//! One protocol-neutral model of a manifest: the rest of the player works with it.
//!
//! ```text
//! Presentation > Period > Track (AdaptationSet, rendition group) > Representation > Segment
//! ```
//! DASH and HLS resolve into it; the layers above know neither. Every [`Position`] counts on one
//! timeline: for DASH from `availabilityStartTime` (live) or from the start (on demand), ISO/IEC
//! 23009-1 7.2.1; for HLS from 1970 where the playlist has PROGRAM-DATE-TIME, else from its first
//! segment as first seen.

pub mod date;
mod error;
mod numbered;
pub mod reads;
mod resource;
mod segment;
mod segments;
mod template;
mod timeline;
pub mod url;
mod window;

pub use error::Error;
pub(crate) use error::excerpt;
pub use numbered::Numbered;
pub use resource::{Base, Mirror, Resource};
pub use segment::Segment;
pub use segments::{Listed, SegmentList};
pub use template::Template;
pub use timeline::{Run, Timeline};
pub use window::{edge, window};

use crate::time::{Duration, Position, WallTime};
use crate::units::{Bitrate, ByteRange, Resolution};
use alloc::string::String;
use alloc::vec::Vec;

/// The content of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presentation {
    /// Live or on demand.
    pub kind: Kind,
    /// In the order of the timeline, at least one for anything that plays.
    pub periods: Vec<Period>,
    /// When to load the manifest again.
    pub refresh: Refresh,
    /// The address from which to load it next time (`Location`), absolute.
    pub location: Option<String>,
    /// Sources of the origin's time, best first.
    pub clocks: Vec<ClockSource>,
    /// The latency and rates that the operator asks for.
    pub service: Service,
}

impl Presentation {
    /// Takes over identities from `before`, the load before this one: a resource in the same place
    /// of the manifest keeps its identity if only its host or query differs ([`Resource::follow`]).
    /// Segments from an HLS playlist stay until that playlist is loaded again.
    pub fn follow(&mut self, before: &Self) {
        let mut rest = before.periods.iter();
        for period in &mut self.periods {
            let mut ahead = rest.clone();
            let Some(old) = ahead.find(|old| old.id == period.id) else { continue };
            rest = ahead;
            for track in &mut period.tracks {
                for new in &mut track.representations {
                    for known in &old.tracks {
                        let mut known = known.representations.iter();
                        if known.find(|old| old.id == new.id).is_some_and(|old| new.follow(old)) {
                            self.kind.clone_from(&before.kind);
                            (period.start, period.end) = (old.start, old.end);
                        }
                    }
                }
            }
        }
    }
}

/// Live or on demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// All of it exists.
    OnDemand {
        /// Its length, where known.
        duration: Option<Duration>,
    },
    /// It grows while it plays.
    Live(Live),
}

/// What is particular to a live presentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// The wall-clock time at [`Position`] zero: segments become available by the clock. `None`
    /// where the manifest lists what exists (HLS) and has no wall clock.
    pub anchor: Option<WallTime>,
    /// How far back from the live edge it can be played (`timeShiftBufferDepth`); `None`: to the
    /// start.
    pub time_shift: Option<Duration>,
    /// `suggestedPresentationDelay`, or HOLD-BACK.
    pub suggested_delay: Option<Duration>,
}

/// When to load the manifest again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// Never: it is complete.
    Never,
    /// This long after the last load.
    Every(Duration),
    /// Only when an event in the media says so (`minimumUpdatePeriod="PT0S"`, 23009-1 5.3.1.2) or
    /// after trouble.
    OnEvent,
}

/// A way to learn the origin's time (23009-1 5.8.4.11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClockSource {
    /// A URL that answers with an xs:dateTime or ISO 8601 text.
    HttpIso(String),
    /// A URL whose HEAD answer has a `Date`.
    HttpHead(String),
    /// The time at which the manifest was made.
    Direct(WallTime),
}

/// `ServiceDescription` (23009-1 annex K) and its counterparts in HLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// The latency to play at.
    pub target_latency: Option<Duration>,
    /// The minimum latency.
    pub min_latency: Option<Duration>,
    /// The maximum latency.
    pub max_latency: Option<Duration>,
    /// The slowest rate for correcting the latency, in thousandths.
    pub min_rate_permille: Option<u32>,
    /// The fastest rate for correcting the latency, in thousandths.
    pub max_rate_permille: Option<u32>,
}

/// A span of the timeline with one set of tracks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// `@id`, or one made from its start, or its discontinuity sequence: identifies it over
    /// refreshes.
    pub id: String,
    /// Its first position.
    pub start: Position,
    /// The first position after it; `None` while it is open.
    pub end: Option<Position>,
    /// Its tracks.
    pub tracks: Vec<Track>,
}

/// What kind of media.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TrackKind {
    /// Pictures (audio may be muxed in).
    Video,
    /// Sound.
    Audio,
    /// Subtitles and captions.
    Text,
}

/// Representations that can be switched between: an AdaptationSet, or an HLS rendition group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// Identifies it over refreshes.
    pub id: String,
    /// Its kind.
    pub kind: TrackKind,
    /// RFC 5646 language, where given.
    pub language: Option<String>,
    /// A name for people, where given.
    pub label: Option<String>,
    /// The default when nothing else decides (Role main, DEFAULT=YES).
    pub default: bool,
    /// Its representations, lowest bandwidth first.
    pub representations: Vec<Representation>,
}

/// How media is wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Container {
    /// ISO base media file format, CMAF.
    Mp4,
    /// WebM.
    WebM,
    /// MPEG-2 transport stream.
    Ts,
    /// Raw AAC, MP3, ... with ID3.
    PackedAudio,
    /// WebVTT or TTML as files.
    Text,
}

/// One encoding of a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Representation {
    /// Unique in its Period.
    pub id: String,
    /// `@bandwidth`; peak for HLS.
    pub bandwidth: Bitrate,
    /// RFC 6381 codecs, empty where the manifest does not say.
    pub codecs: String,
    /// Its wrapping.
    pub container: Container,
    /// Only of video, where given.
    pub resolution: Option<Resolution>,
    /// Its initialization segment, where all of it shares one (HLS: see [`Segment::init`]).
    pub init: Option<Resource>,
    /// Its segments.
    pub segments: SegmentList,
    /// HLS: its media playlist, loaded first and again for new segments.
    pub playlist: Option<Resource>,
    /// How the timestamps in its media become positions.
    pub mapping: Mapping,
    /// Segments can be read while they grow (`availabilityTimeComplete="false"`).
    pub growing: bool,
}

impl Representation {
    /// Sorts by bandwidth, the lowest first; equal ones keep their order.
    #[inline(never)]
    pub fn sort(all: &mut [Self]) {
        all.sort_by_key(|it| it.bandwidth);
    }

    /// Its initialization segment and its index in one, where the index follows at once.
    pub fn beginning(&self) -> Option<Resource> {
        let SegmentList::Indexed { index, .. } = &self.segments else { return None };
        let init = self.init.as_ref()?;
        let (first, then) = (init.range?, index.range?);
        let follows = first.last?.checked_add(1)? == then.first && then.last.is_some();
        let together = init.part(Some(ByteRange { first: first.first, last: then.last }));
        (follows && together.part(index.range) == *index).then_some(together)
    }

    /// Takes over identities from `before`. Returns whether it is the same HLS playlist.
    fn follow(&mut self, before: &Self) -> bool {
        if let (Some(init), Some(old)) = (&mut self.init, &before.init) {
            init.follow(old);
        }
        if let (SegmentList::Indexed { index, .. }, SegmentList::Indexed { index: old, .. }) =
            (&mut self.segments, &before.segments)
        {
            index.follow(old);
        }
        let (Some(playlist), Some(old)) = (&mut self.playlist, &before.playlist) else {
            return false;
        };
        playlist.follow(old);
        let known = playlist == old;
        if known {
            self.segments.clone_from(&before.segments);
            self.container = before.container;
        }
        known
    }

    /// The MIME type with codecs, as `MediaSource.isTypeSupported` takes it. `None` for text.
    pub fn mime(&self, kind: TrackKind) -> Option<String> {
        let top = match (self.container, kind) {
            (Container::Text, _) | (_, TrackKind::Text) => return None,
            (Container::WebM, TrackKind::Video) => "video/webm",
            (Container::WebM, TrackKind::Audio) => "audio/webm",
            (_, TrackKind::Video) => "video/mp4",
            (_, TrackKind::Audio) => "audio/mp4",
        };
        Some(if self.codecs.is_empty() {
            String::from(top)
        } else {
            [top, "; codecs=\"", &self.codecs, "\""].concat()
        })
    }
}

/// How the timestamps in the media become positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mapping {
    /// Add this many microseconds (Period start minus `presentationTimeOffset`).
    Offset(i64),
    /// Learn it from the first fragment of each discontinuity (HLS): its time stands for the
    /// segment's start. One offset serves all tracks.
    Learn,
}
