//! The MPD as it is written (ISO/IEC 23009-1:2022 5.3 to 5.8, annex K): one struct per element,
//! one field per attribute or kind of child, optional as in the schema.
//!
//! This has only what the player understands or the server writes; the reader skips the rest.
//! Times are exact: [`Duration`] and [`WallTime`] to the microsecond, ticks unchanged. Inheritance
//! and defaults are applied later, in [`super::resolve`].

use crate::time::{Duration, WallTime};
use crate::units::{ByteRange, FrameRate};
use alloc::string::String;
use alloc::vec::Vec;

/// The MPD element (5.3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mpd {
    /// `@id`.
    pub id: Option<String>,
    /// `@profiles`.
    pub profiles: String,
    /// `@type="dynamic"`.
    pub dynamic: bool,
    /// `@availabilityStartTime`.
    pub availability_start: Option<WallTime>,
    /// `@availabilityEndTime`.
    pub availability_end: Option<WallTime>,
    /// `@publishTime`.
    pub publish_time: Option<WallTime>,
    /// `@mediaPresentationDuration`.
    pub duration: Option<Duration>,
    /// `@minimumUpdatePeriod`.
    pub minimum_update_period: Option<Duration>,
    /// `@minBufferTime`.
    pub min_buffer_time: Option<Duration>,
    /// `@timeShiftBufferDepth`.
    pub time_shift_buffer_depth: Option<Duration>,
    /// `@suggestedPresentationDelay`.
    pub suggested_presentation_delay: Option<Duration>,
    /// `@maxSegmentDuration`.
    pub max_segment_duration: Option<Duration>,
    /// `BaseURL`.
    pub base_urls: Vec<BaseUrl>,
    /// `Location`.
    pub locations: Vec<String>,
    /// `ServiceDescription`.
    pub service_descriptions: Vec<ServiceDescription>,
    /// `Period`.
    pub periods: Vec<Period>,
    /// `UTCTiming`.
    pub utc_timings: Vec<Descriptor>,
}

/// A BaseURL element (5.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaseUrl {
    /// Absolute or relative.
    pub url: String,
    /// `@serviceLocation`.
    pub service_location: Option<String>,
    /// `@availabilityTimeOffset` and `@availabilityTimeComplete`.
    pub early: Early,
}

/// `@availabilityTimeOffset` and `@availabilityTimeComplete` (5.3.5.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Early {
    /// How early segments may be asked for, microseconds; `i64::MAX` is INF.
    pub offset_us: Option<i64>,
    /// `false`: they are still growing then.
    pub complete: Option<bool>,
}

/// A property or scheme element: `Role`, `UTCTiming`, `EssentialProperty`, ... (5.8.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Descriptor {
    /// `@schemeIdUri`.
    pub scheme: String,
    /// `@value`.
    pub value: Option<String>,
}

impl Descriptor {
    /// A descriptor with a value.
    pub fn new(scheme: &str, value: &str) -> Self {
        Self { scheme: scheme.into(), value: Some(value.into()) }
    }
}

/// `ServiceDescription` (annex K).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceDescription {
    /// `@id`.
    pub id: Option<u32>,
    /// `Scope`: none means everybody.
    pub scopes: Vec<Descriptor>,
    /// `Latency`.
    pub latency: Option<Latency>,
    /// `PlaybackRate`.
    pub playback_rate: Option<PlaybackRate>,
}

/// `Latency` of a service description (K.3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// `@referenceId`: a [`ProducerReferenceTime::id`].
    pub reference_id: Option<u32>,
    /// `@target`, milliseconds.
    pub target_ms: Option<u32>,
    /// `@min`, milliseconds.
    pub min_ms: Option<u32>,
    /// `@max`, milliseconds.
    pub max_ms: Option<u32>,
}

/// `PlaybackRate` of a service description (K.3.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaybackRate {
    /// `@min`, thousandths.
    pub min_permille: Option<u32>,
    /// `@max`, thousandths.
    pub max_permille: Option<u32>,
}

/// A Period (5.3.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// `@id`.
    pub id: Option<String>,
    /// `@start`.
    pub start: Option<Duration>,
    /// `@duration`.
    pub duration: Option<Duration>,
    /// `@xlink:href`: its content is in another document.
    pub remote: Option<String>,
    /// `BaseURL`.
    pub base_urls: Vec<BaseUrl>,
    /// `SegmentBase`, `SegmentList`, `SegmentTemplate`.
    pub segments: Segments,
    /// `AdaptationSet`.
    pub adaptation_sets: Vec<AdaptationSet>,
}

/// An AdaptationSet (5.3.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdaptationSet {
    /// `@id`.
    pub id: Option<String>,
    /// `@contentType`.
    pub content_type: Option<String>,
    /// `@lang`.
    pub language: Option<String>,
    /// `@segmentAlignment`.
    pub segment_alignment: Option<bool>,
    /// `@subsegmentAlignment`. The reader skips it, and the next: the player asks its index.
    pub subsegment_alignment: Option<bool>,
    /// `@subsegmentStartsWithSAP`.
    pub subsegment_starts_with_sap: Option<u32>,
    /// `@selectionPriority`.
    pub selection_priority: Option<u32>,
    /// What Representations may override.
    pub common: Common,
    /// `Accessibility`.
    pub accessibility: Vec<Descriptor>,
    /// `Role`.
    pub roles: Vec<Descriptor>,
    /// `BaseURL`.
    pub base_urls: Vec<BaseUrl>,
    /// `SegmentBase`, `SegmentList`, `SegmentTemplate`.
    pub segments: Segments,
    /// `Representation`.
    pub representations: Vec<Representation>,
}

/// A Representation (5.3.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Representation {
    /// `@id`.
    pub id: String,
    /// `@bandwidth`, bits a second.
    pub bandwidth_bps: u64,
    /// `@dependencyId`.
    pub dependency_id: Option<String>,
    /// What the AdaptationSet has as well.
    pub common: Common,
    /// `BaseURL`.
    pub base_urls: Vec<BaseUrl>,
    /// `SegmentBase`, `SegmentList`, `SegmentTemplate`.
    pub segments: Segments,
}

/// Attributes and elements that AdaptationSet and Representation have in common (5.3.7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Common {
    /// `@mimeType`.
    pub mime_type: Option<String>,
    /// `@codecs`.
    pub codecs: Option<String>,
    /// `@profiles`.
    pub profiles: Option<String>,
    /// `@width`, pixels.
    pub width: Option<u32>,
    /// `@height`, pixels.
    pub height: Option<u32>,
    /// `@sar`, as written.
    pub sar: Option<String>,
    /// `@frameRate`.
    pub frame_rate: Option<FrameRate>,
    /// `@audioSamplingRate`, Hz.
    pub audio_sampling_rate: Option<u32>,
    /// `@startWithSAP`.
    pub start_with_sap: Option<u32>,
    /// `AudioChannelConfiguration`.
    pub audio_channels: Vec<Descriptor>,
    /// `ContentProtection`.
    pub content_protection: Vec<Descriptor>,
    /// `EssentialProperty`.
    pub essential: Vec<Descriptor>,
    /// `SupplementalProperty`.
    pub supplemental: Vec<Descriptor>,
    /// `InbandEventStream`.
    pub inband_events: Vec<Descriptor>,
    /// `Label`.
    pub labels: Vec<Label>,
    /// `ProducerReferenceTime`.
    pub producer_reference_times: Vec<ProducerReferenceTime>,
    /// `Resync`.
    pub resyncs: Vec<Resync>,
}

/// A name for people (5.3.10).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// `@lang`.
    pub language: Option<String>,
    /// The name.
    pub text: String,
}

/// A media time and the wall-clock time of the same frame (5.12).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerReferenceTime {
    /// `@id`.
    pub id: u32,
    /// `@inband`: there are `prft` boxes in the media.
    pub inband: bool,
    /// `@type`: `encoder`, `captured` or `application`.
    pub kind: String,
    /// `@wallClockTime`.
    pub wall_clock: Option<WallTime>,
    /// `@presentationTime`, ticks of the Representation's timescale.
    pub presentation_time: u64,
    /// `UTCTiming` that `wall_clock` goes by.
    pub utc_timing: Option<Descriptor>,
}

/// Where a decoder may begin inside segments (5.13).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resync {
    /// `@type`: a SAP type, 0 for "any chunk".
    pub kind: Option<u32>,
    /// `@dT`, ticks.
    pub dt: Option<u64>,
    /// `@dImax`, millionths.
    pub dimax_millionths: Option<i64>,
    /// `@dImin`, millionths.
    pub dimin_millionths: Option<i64>,
    /// `@marker`.
    pub marker: Option<bool>,
}

/// The segment information of one level; at most one is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segments {
    /// `SegmentBase`.
    pub base: Option<SegmentInfo>,
    /// `SegmentList`.
    pub list: Option<SegmentList>,
    /// `SegmentTemplate`.
    pub template: Option<SegmentTemplate>,
}

/// What SegmentBase, SegmentList and SegmentTemplate have in common (5.3.9.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SegmentInfo {
    /// `@timescale`, Hz; 1 when absent.
    pub timescale: Option<u32>,
    /// `@presentationTimeOffset`, ticks.
    pub presentation_time_offset: Option<u64>,
    /// `@availabilityTimeOffset` and `@availabilityTimeComplete`.
    pub early: Early,
    /// `@indexRange`.
    pub index_range: Option<ByteRange>,
    /// `@duration`, ticks (not of SegmentBase).
    pub duration: Option<u64>,
    /// `@startNumber` (not of SegmentBase).
    pub start_number: Option<u64>,
    /// `@endNumber` (not of SegmentBase).
    pub end_number: Option<u64>,
    /// `Initialization`.
    pub initialization: Option<UrlRange>,
    /// `RepresentationIndex`.
    pub representation_index: Option<UrlRange>,
    /// `SegmentTimeline` (not of SegmentBase).
    pub timeline: Option<Vec<S>>,
}

/// A URL with a byte range (5.3.9.2.2); without URL, of the BaseURL itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UrlRange {
    /// `@sourceURL` or `@media`.
    pub url: Option<String>,
    /// `@range` or `@mediaRange`.
    pub range: Option<ByteRange>,
}

/// A SegmentTemplate (5.3.9.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SegmentTemplate {
    /// `@media`.
    pub media: Option<String>,
    /// `@initialization`.
    pub initialization: Option<String>,
    /// The rest.
    pub info: SegmentInfo,
}

/// A SegmentList (5.3.9.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SegmentList {
    /// `SegmentURL`.
    pub urls: Vec<UrlRange>,
    /// The rest.
    pub info: SegmentInfo,
}

/// An `S` of a SegmentTimeline (5.3.9.6): `r + 1` segments of duration `d` from `t`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct S {
    /// `@t`, ticks; where the one before ends when absent.
    pub t: Option<u64>,
    /// `@n`, the number of the first.
    pub n: Option<u64>,
    /// `@d`, ticks.
    pub d: u64,
    /// `@r`; negative: until the next `S` or the Period's end.
    pub r: i64,
}

impl S {
    /// `count` segments of `d` ticks after the one before.
    pub fn run(d: u64, count: u32) -> Self {
        Self { d, r: i64::from(count) - 1, ..Self::default() }
    }
}
