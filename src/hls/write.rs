//! Syntax to playlist text (RFC 8216bis section 4).

use super::syntax::{
    Map, Media, MediaKind, Multivariant, Rendition, RenditionKind, Segment, ServerControl, Variant,
};
use crate::presentation::date::{write_date_time, write_decimal};
use crate::time::{Duration, micros};
use crate::units::ByteRange;
use alloc::string::{String, ToString};

/// A multivariant playlist as text.
pub fn multivariant(playlist: &Multivariant) -> String {
    let mut out = Lines::begin(playlist.version, playlist.independent_segments);
    for rendition in &playlist.renditions {
        media_tag(&mut out, rendition);
    }
    for variant in &playlist.variants {
        stream_inf(&mut out, variant);
    }
    out.0
}

/// A media playlist as text. `EXT-X-MAP` is written where it changes. Keys are not written: the
/// server does not encrypt.
pub fn media(playlist: &Media) -> String {
    let mut out = Lines::begin(playlist.version, playlist.independent_segments);
    out.number("#EXT-X-TARGETDURATION:", whole_seconds(playlist.target_duration));
    server_control(&mut out, &playlist.server_control);
    if let Some(target) = playlist.part_target {
        out.line(&["#EXT-X-PART-INF:PART-TARGET=", &seconds(target)]);
    }
    out.number("#EXT-X-MEDIA-SEQUENCE:", playlist.media_sequence);
    if playlist.discontinuity_sequence > 0 {
        out.number("#EXT-X-DISCONTINUITY-SEQUENCE:", playlist.discontinuity_sequence);
    }
    match playlist.kind {
        Some(MediaKind::Event) => out.line(&["#EXT-X-PLAYLIST-TYPE:EVENT"]),
        Some(MediaKind::Vod) => out.line(&["#EXT-X-PLAYLIST-TYPE:VOD"]),
        None => {}
    }
    if playlist.i_frames_only {
        out.line(&["#EXT-X-I-FRAMES-ONLY"]);
    }
    let mut map = None;
    for one in &playlist.segments {
        segment(&mut out, one, &mut map);
    }
    if playlist.ended {
        out.line(&["#EXT-X-ENDLIST"]);
    }
    out.0
}

/// The text under construction, line by line.
struct Lines(String);

impl Lines {
    fn begin(version: Option<u32>, independent_segments: bool) -> Self {
        let mut out = Self(String::with_capacity(2048));
        out.line(&["#EXTM3U"]);
        if let Some(version) = version {
            out.number("#EXT-X-VERSION:", u64::from(version));
        }
        if independent_segments {
            out.line(&["#EXT-X-INDEPENDENT-SEGMENTS"]);
        }
        out
    }

    /// A line break inside a value would begin a new line, so it is left out.
    fn line(&mut self, parts: &[&str]) {
        for part in parts {
            self.0.extend(part.chars().filter(|c| !matches!(c, '\r' | '\n')));
        }
        self.0.push('\n');
    }

    fn number(&mut self, tag: &str, value: u64) {
        self.line(&[tag, &value.to_string()]);
    }
}

/// An attribute list (4.2) under construction.
struct Attributes(String);

impl Attributes {
    fn new(tag: &str) -> Self {
        Self(tag.to_string())
    }

    fn plain(&mut self, name: &str, value: &str) {
        if !self.0.ends_with(':') {
            self.0.push(',');
        }
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(value);
    }

    /// A quoted string cannot contain a quotation mark.
    fn quoted(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.plain(name, &["\"", &value.replace('"', "'"), "\""].concat());
        }
    }
}

fn media_tag(out: &mut Lines, rendition: &Rendition) {
    let mut attributes = Attributes::new("#EXT-X-MEDIA:");
    let kind = match rendition.kind {
        RenditionKind::Audio => "AUDIO",
        RenditionKind::Video => "VIDEO",
        RenditionKind::Subtitles => "SUBTITLES",
        RenditionKind::ClosedCaptions => "CLOSED-CAPTIONS",
    };
    attributes.plain("TYPE", kind);
    attributes.quoted("GROUP-ID", Some(&rendition.group));
    attributes.quoted("NAME", Some(&rendition.name));
    attributes.quoted("LANGUAGE", rendition.language.as_deref());
    if rendition.default {
        attributes.plain("DEFAULT", "YES");
    }
    // 4.4.6.1: DEFAULT=YES requires AUTOSELECT=YES.
    if rendition.autoselect || rendition.default {
        attributes.plain("AUTOSELECT", "YES");
    }
    attributes.quoted("CHANNELS", rendition.channels.as_deref());
    attributes.quoted("URI", rendition.uri.as_deref());
    out.line(&[&attributes.0]);
}

fn stream_inf(out: &mut Lines, variant: &Variant) {
    let mut attributes = Attributes::new("#EXT-X-STREAM-INF:");
    attributes.plain("BANDWIDTH", &variant.bandwidth_bps.to_string());
    if let Some(average) = variant.average_bandwidth_bps {
        attributes.plain("AVERAGE-BANDWIDTH", &average.to_string());
    }
    attributes.quoted("CODECS", variant.codecs.as_deref());
    if let Some(size) = variant.resolution {
        let size = [&size.width.to_string(), "x", &size.height.to_string()].concat();
        attributes.plain("RESOLUTION", &size);
    }
    if let Some(milli) = variant.frame_rate_milli {
        attributes.plain("FRAME-RATE", &decimal(i64::from(milli) * 1000));
    }
    attributes.quoted("AUDIO", variant.audio.as_deref());
    attributes.quoted("SUBTITLES", variant.subtitles.as_deref());
    out.line(&[&attributes.0]);
    out.line(&[&variant.uri]);
}

fn server_control(out: &mut Lines, control: &ServerControl) {
    let mut attributes = Attributes::new("#EXT-X-SERVER-CONTROL:");
    if control.can_block_reload {
        attributes.plain("CAN-BLOCK-RELOAD", "YES");
    }
    if let Some(distance) = control.hold_back {
        attributes.plain("HOLD-BACK", &seconds(distance));
    }
    if let Some(distance) = control.part_hold_back {
        attributes.plain("PART-HOLD-BACK", &seconds(distance));
    }
    if !attributes.0.ends_with(':') {
        out.line(&[&attributes.0]);
    }
}

fn segment<'a>(out: &mut Lines, segment: &'a Segment, map: &mut Option<&'a Map>) {
    if segment.discontinuity {
        out.line(&["#EXT-X-DISCONTINUITY"]);
    }
    if let Some(new) = &segment.map
        && *map != Some(new)
    {
        let mut attributes = Attributes::new("#EXT-X-MAP:");
        attributes.quoted("URI", Some(&new.uri));
        attributes.quoted("BYTERANGE", new.byte_range.and_then(range).as_deref());
        out.line(&[&attributes.0]);
        *map = Some(new);
    }
    if let Some(time) = segment.program_date_time {
        out.line(&["#EXT-X-PROGRAM-DATE-TIME:", &write_date_time(time)]);
    }
    if segment.gap {
        out.line(&["#EXT-X-GAP"]);
    }
    out.line(&["#EXTINF:", &seconds(segment.duration), ","]);
    if let Some(range) = segment.byte_range.and_then(range) {
        out.line(&["#EXT-X-BYTERANGE:", &range]);
    }
    out.line(&[&segment.uri]);
}

/// `length@offset`; `None` for an open range, which playlists cannot express.
fn range(range: ByteRange) -> Option<String> {
    Some([&range.len()?.to_string(), "@", &range.first.to_string()].concat())
}

/// To the nearest second, at least one, as EXTINF is compared with it (4.4.3.1).
fn whole_seconds(duration: Duration) -> u64 {
    (duration.as_millis().saturating_add(500) / 1000).max(1)
}

fn seconds(duration: Duration) -> String {
    decimal(micros(duration))
}

/// With three decimals, or six where they are needed: some clients take `2` for an integer that
/// only old versions may write.
fn decimal(millionths: i64) -> String {
    let mut text = write_decimal(millionths);
    let point = text.find('.').unwrap_or_else(|| {
        text.push('.');
        text.len() - 1
    });
    let places = text.len() - point - 1;
    let wanted = if places > 3 { 6 } else { 3 };
    text.extend(core::iter::repeat_n('0', wanted - places));
    text
}
