//! The playlists (RFC 8216bis) of a camera: whole segments, the same bytes as for DASH.
//!
//! Media and discontinuity sequences are counters that rise by one (4.4.3.2, 4.4.3.3), whatever the
//! segments' numbers are. Low-latency parts are not offered yet.

use super::{bandwidth_bps, sap_type};
use crate::store::{PeriodInfo, RenditionInfo, RenditionKind, SegmentInfo, Window};
use nearlive::hls::syntax::{self, Map, Media, Multivariant, Rendition, Segment, Variant};
use nearlive::hls::write;
use nearlive::time::{Duration, Timescale, WallTime};
use nearlive::units::Resolution;

/// EXT-X-MAP in a playlist that has more than I-frames (RFC 8216bis section 8).
const VERSION: Option<u32> = Some(6);
const AUDIO_GROUP: &str = "sound";

/// The multivariant playlist (`/{camera}/index.m3u8`): the newest Period's renditions.
pub fn multivariant(window: &Window) -> String {
    let newest = window.periods.last();
    let of = |track: usize| newest.and_then(|p| p.tracks.iter().find(|t| t.track == track));
    let mut playlist = Multivariant {
        version: VERSION,
        independent_segments: sap_type(window.periods.iter().flat_map(|p| &p.tracks)) == Some(1),
        ..Multivariant::default()
    };
    let mut sound_bps = 0;
    let mut sound_codec = None;
    for (track, spec) in window.renditions.iter().enumerate() {
        if let (RenditionKind::Audio, Some(info)) = (spec.kind, of(track)) {
            sound_bps = bandwidth_bps(window, track);
            sound_codec.get_or_insert_with(|| info.codec.clone());
            playlist.renditions.push(Rendition {
                kind: syntax::RenditionKind::Audio,
                group: AUDIO_GROUP.into(),
                name: spec.id.clone(),
                language: None,
                default: true,
                autoselect: true,
                channels: info.channels.map(|n| n.to_string()),
                uri: Some(format!("{}.m3u8", spec.id)),
            });
        }
    }
    for (track, spec) in window.renditions.iter().enumerate() {
        if let (RenditionKind::Video, Some(info)) = (spec.kind, of(track)) {
            let codecs = match &sound_codec {
                Some(sound) => format!("{},{sound}", info.codec),
                None => info.codec.clone(),
            };
            playlist.variants.push(Variant {
                uri: format!("{}.m3u8", spec.id),
                bandwidth_bps: bandwidth_bps(window, track) + sound_bps,
                codecs: Some(codecs),
                resolution: info.size.map(|(width, height)| Resolution { width, height }),
                audio: sound_codec.is_some().then(|| AUDIO_GROUP.into()),
                ..Variant::default()
            });
        }
    }
    write::multivariant(&playlist)
}

/// The media playlist of a rendition (`/{camera}/{rendition}.m3u8`); `None` when there is no such
/// rendition.
pub fn media(window: &Window, rendition: &str) -> Option<String> {
    let track = window.renditions.iter().position(|r| r.id == rendition)?;
    let mut segments = Vec::new();
    let mut first_sequence = None;
    let mut last_sequence = None;
    let mut left_out = 0;
    for period in &window.periods {
        let Some(info) = period.tracks.iter().find(|t| t.track == track) else { continue };
        for one in info.segments.iter().filter(|s| s.complete) {
            // All renditions count the same discontinuities (4.4.3.3). If this one has no segment
            // of a Period, one would be missing between its segments: the list begins after that
            // place.
            if last_sequence.is_some_and(|last| period.sequence > last + 1) {
                left_out += segments.len() as u64;
                segments.clear();
                (first_sequence, last_sequence) = (None, None);
            }
            let begins = last_sequence.is_some_and(|last| period.sequence > last);
            first_sequence.get_or_insert(period.sequence);
            last_sequence = Some(period.sequence);
            segments.push(segment(period, info, one, rendition, begins));
        }
    }
    let tracks = window.periods.iter().flat_map(|p| &p.tracks).filter(|t| t.track == track);
    Some(write::media(&Media {
        version: VERSION,
        independent_segments: sap_type(tracks) == Some(1),
        target_duration: target_duration(window, &segments),
        media_sequence: window.media_sequences.get(track).copied().unwrap_or(0) + left_out,
        discontinuity_sequence: first_sequence.unwrap_or(0),
        segments,
        ..Media::default()
    }))
}

/// It must not change (RFC 8216 6.2.1), so it depends on the slots, not on the segments that happen
/// to exist: a segment that no key frame ends is cut half a slot late, which rounds to the slot
/// again. For listed segments, the longest counts.
fn target_duration(window: &Window, segments: &[Segment]) -> Duration {
    // Players stay three of these behind, so it is not rounded up (4.4.3.1 compares rounded
    // durations). A Period of one segment before others began with an assumed length: the real
    // length counts.
    let holds = |p: &PeriodInfo| p.tracks.iter().any(|t| t.segments.len() > 1);
    let newest = window.periods.last().map(|p| p.ms);
    let counts = window.periods.iter().filter(|p| Some(p.ms) == newest || holds(p));
    let slot_us = counts.map(|p| p.duration_us).max().unwrap_or(1_000_000);
    let longest = segments.iter().map(|s| s.duration).max().unwrap_or_default();
    longest.max(Duration::from_micros((slot_us + slot_us / 2).saturating_sub(1_000)))
}

fn segment(
    period: &PeriodInfo,
    info: &RenditionInfo,
    one: &SegmentInfo,
    rendition: &str,
    discontinuity: bool,
) -> Segment {
    let us = |ticks: u64| {
        let ticks = i64::try_from(ticks).unwrap_or(i64::MAX);
        Timescale::new(info.timescale).map_or(0, |scale| scale.to_micros(ticks))
    };
    let duration = u64::try_from(us(one.duration_ticks)).unwrap_or(0);
    Segment {
        uri: format!("{}/{rendition}/{}.m4s", period.ms, one.number),
        duration: Duration::from_micros(duration),
        discontinuity,
        program_date_time: Some(WallTime::from_micros(us(one.start_ticks))),
        map: Some(Map { uri: format!("{}/{rendition}/init.mp4", period.ms), byte_range: None }),
        ..Segment::default()
    }
}
