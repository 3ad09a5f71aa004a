//! Playlists as they are written (RFC 8216bis section 4.4): one struct per playlist, variant,
//! rendition and segment.
//!
//! Times are exact to the microsecond. A tag that holds for all segments after it (`EXT-X-MAP`,
//! `EXT-X-KEY`) is copied into each of them; byte ranges are complete. Attributes that neither the
//! player nor the server uses are skipped.

use crate::time::{Duration, WallTime};
use crate::units::{ByteRange, Resolution};
use alloc::string::String;
use alloc::vec::Vec;

/// Either kind of playlist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Playlist {
    /// It lists playlists.
    Multivariant(Multivariant),
    /// It lists segments.
    Media(Media),
}

/// A multivariant playlist (4.4.6).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Multivariant {
    /// `EXT-X-VERSION`.
    pub version: Option<u32>,
    /// `EXT-X-INDEPENDENT-SEGMENTS`.
    pub independent_segments: bool,
    /// `EXT-X-MEDIA`.
    pub renditions: Vec<Rendition>,
    /// `EXT-X-STREAM-INF`.
    pub variants: Vec<Variant>,
}

/// `EXT-X-STREAM-INF` (4.4.6.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variant {
    /// The line after the tag.
    pub uri: String,
    /// `BANDWIDTH`, the peak, bits a second.
    pub bandwidth_bps: u64,
    /// `AVERAGE-BANDWIDTH`, bits a second.
    pub average_bandwidth_bps: Option<u64>,
    /// `CODECS`.
    pub codecs: Option<String>,
    /// `RESOLUTION`.
    pub resolution: Option<Resolution>,
    /// `FRAME-RATE`, frames in a thousand seconds.
    pub frame_rate_milli: Option<u32>,
    /// `AUDIO`: a group of renditions.
    pub audio: Option<String>,
    /// `SUBTITLES`: a group of renditions.
    pub subtitles: Option<String>,
}

/// `EXT-X-MEDIA` (4.4.6.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendition {
    /// `TYPE`.
    pub kind: RenditionKind,
    /// `GROUP-ID`.
    pub group: String,
    /// `NAME`.
    pub name: String,
    /// `LANGUAGE`.
    pub language: Option<String>,
    /// `DEFAULT=YES`.
    pub default: bool,
    /// `AUTOSELECT=YES`.
    pub autoselect: bool,
    /// `CHANNELS`.
    pub channels: Option<String>,
    /// `URI`; `None`: the rendition is inside the variant's own segments.
    pub uri: Option<String>,
}

/// `TYPE` of a rendition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RenditionKind {
    /// Sound.
    #[default]
    Audio,
    /// Alternative video.
    Video,
    /// Subtitles as segments.
    Subtitles,
    /// Captions inside the picture.
    ClosedCaptions,
}

/// A media playlist (4.4.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Media {
    /// `EXT-X-VERSION`.
    pub version: Option<u32>,
    /// `EXT-X-INDEPENDENT-SEGMENTS`.
    pub independent_segments: bool,
    /// `EXT-X-TARGETDURATION`.
    pub target_duration: Duration,
    /// `EXT-X-MEDIA-SEQUENCE`: the number of the first segment.
    pub media_sequence: u64,
    /// `EXT-X-DISCONTINUITY-SEQUENCE`: that of the first segment, before its own discontinuity.
    pub discontinuity_sequence: u64,
    /// `EXT-X-PLAYLIST-TYPE`.
    pub kind: Option<MediaKind>,
    /// `EXT-X-I-FRAMES-ONLY`.
    pub i_frames_only: bool,
    /// `EXT-X-SERVER-CONTROL`.
    pub server_control: ServerControl,
    /// `PART-TARGET` of `EXT-X-PART-INF`.
    pub part_target: Option<Duration>,
    /// `EXT-X-ENDLIST`.
    pub ended: bool,
    /// Oldest first.
    pub segments: Vec<Segment>,
}

/// `EXT-X-PLAYLIST-TYPE` (4.4.3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// It only grows.
    Event,
    /// It does not change.
    Vod,
}

/// `EXT-X-SERVER-CONTROL` (4.4.3.8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerControl {
    /// `HOLD-BACK`: distance from the end to play at.
    pub hold_back: Option<Duration>,
    /// `PART-HOLD-BACK`: the same for clients that load parts.
    pub part_hold_back: Option<Duration>,
    /// `CAN-BLOCK-RELOAD=YES`.
    pub can_block_reload: bool,
}

/// A media segment (4.4.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Its line.
    pub uri: String,
    /// `EXTINF`.
    pub duration: Duration,
    /// `EXT-X-BYTERANGE`.
    pub byte_range: Option<ByteRange>,
    /// `EXT-X-DISCONTINUITY` before it.
    pub discontinuity: bool,
    /// `EXT-X-PROGRAM-DATE-TIME` before it.
    pub program_date_time: Option<WallTime>,
    /// `EXT-X-GAP`: it is missing.
    pub gap: bool,
    /// The `EXT-X-MAP` in force.
    pub map: Option<Map>,
    /// `METHOD` of the `EXT-X-KEY` in force, where it is not NONE.
    pub encrypted: Option<String>,
}

/// `EXT-X-MAP` (4.4.4.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    /// `URI`.
    pub uri: String,
    /// `BYTERANGE`.
    pub byte_range: Option<ByteRange>,
}
