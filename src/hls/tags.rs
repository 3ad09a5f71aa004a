//! Single tags: attribute lists through m3u8-rs, the rest by hand.
//!
//! m3u8-rs 6.0.1 is given one tag at a time in a playlist of its own, because in a whole one it
//! loses its place: a variant that it cannot read hands its URI to the variant before, and a comma
//! in an EXTINF title becomes a segment. What it lacks or reads otherwise than RFC 8216bis is read
//! here: times exact to the microsecond, dates with any zone (ffmpeg writes `+0000`), keys (it
//! refuses METHOD=NONE), server control.

use super::syntax::{Rendition, RenditionKind, Variant};
use crate::presentation::date::parse_decimal;
use crate::units::{ByteRange, Resolution};
use alloc::string::String;
use core::time::Duration;
use m3u8_rs::{AlternativeMediaType, parse_master_playlist, parse_media_playlist};

/// `EXT-X-STREAM-INF` with its line of URI.
pub(super) fn variant(line: &str, uri: &str) -> Option<Variant> {
    let text = ["#EXTM3U\n", line, "\n"].concat();
    let found = parse_master_playlist(text.as_bytes()).ok()?.1.variants.pop()?;
    let resolution = found.resolution.and_then(|size| {
        let (width, height) = (u32::try_from(size.width).ok()?, u32::try_from(size.height).ok()?);
        (width > 0 && height > 0).then_some(Resolution { width, height })
    });
    let frame_rate_milli = found.frame_rate.and_then(|rate| {
        let milli = Duration::try_from_secs_f64(rate).ok()?.as_micros().div_ceil(1000);
        u32::try_from(milli).ok().filter(|milli| *milli > 0)
    });
    Some(Variant {
        uri: uri.into(),
        bandwidth_bps: found.bandwidth,
        average_bandwidth_bps: found.average_bandwidth,
        codecs: found.codecs,
        resolution,
        frame_rate_milli,
        audio: found.audio,
        subtitles: found.subtitles,
    })
}

/// `EXT-X-MEDIA`.
pub(super) fn rendition(line: &str) -> Option<Rendition> {
    let text = ["#EXTM3U\n", line, "\n"].concat();
    let found = parse_master_playlist(text.as_bytes()).ok()?.1.alternatives.pop()?;
    Some(Rendition {
        kind: match found.media_type {
            AlternativeMediaType::Audio => RenditionKind::Audio,
            AlternativeMediaType::Video => RenditionKind::Video,
            AlternativeMediaType::Subtitles => RenditionKind::Subtitles,
            AlternativeMediaType::ClosedCaptions => RenditionKind::ClosedCaptions,
            AlternativeMediaType::Other(_) => return None,
        },
        group: found.group_id,
        name: found.name,
        language: found.language,
        default: found.default,
        autoselect: found.autoselect,
        channels: found.channels,
        uri: found.uri,
    })
}

/// `EXT-X-MAP`: URI and byte range.
pub(super) fn map(line: &str) -> Option<(String, Option<ByteRange>)> {
    let map = segment(line)?.map?;
    let range = match map.byte_range {
        Some(range) => Some(byte_range(range.length, range.offset.unwrap_or(0))?),
        None => None,
    };
    Some((map.uri, range))
}

/// `EXT-X-BYTERANGE`: length and, where given, offset.
pub(super) fn byte_range_tag(line: &str) -> Option<(u64, Option<u64>)> {
    let range = segment(line)?.byte_range?;
    Some((range.length, range.offset))
}

fn segment(line: &str) -> Option<m3u8_rs::MediaSegment> {
    let text = ["#EXTM3U\n", line, "\n#EXTINF:1,\ns\n"].concat();
    parse_media_playlist(text.as_bytes()).ok()?.1.segments.pop()
}

/// A range of `length` bytes; `None` for no bytes, or more than there can be.
pub(super) fn byte_range(length: u64, offset: u64) -> Option<ByteRange> {
    let last = offset.checked_add(length.checked_sub(1)?)?;
    Some(ByteRange { first: offset, last: Some(last) })
}

/// Seconds as a decimal.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    u64::try_from(parse_decimal(text)?).ok().map(Duration::from_micros)
}

/// The value of an attribute, without its quotes.
pub(super) fn attribute<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = list;
    loop {
        let (key, after) = rest.split_once('=')?;
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_at_checked(after.find(',').unwrap_or(after.len()))?,
        };
        if key.trim_ascii() == name {
            return Some(value.trim_ascii());
        }
        rest = next.trim_ascii_start().strip_prefix(',').unwrap_or(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_between_quotes_and_commas() {
        let list = "METHOD=AES-128,URI=\"k?a=1,METHOD=x\", IV=0x01,EMPTY=\"\",LAST=YES";
        let cases = [
            ("METHOD", Some("AES-128")),
            ("URI", Some("k?a=1,METHOD=x")),
            ("IV", Some("0x01")),
            ("EMPTY", Some("")),
            ("LAST", Some("YES")),
            ("a", None),
        ];
        for (name, expected) in cases {
            assert_eq!(attribute(list, name), expected, "{name}");
        }
        for odd in ["", "=", "A", "A=\"", "A=,", ",,=,", "A=\"b\"c"] {
            let _ = attribute(odd, "B");
        }
    }

    #[test]
    fn a_frame_rate_keeps_its_thousandths() {
        for (text, milli) in [("29.970", Some(29_970)), ("25", Some(25_000)), ("0", None)] {
            let line = ["#EXT-X-STREAM-INF:BANDWIDTH=1,FRAME-RATE=", text].concat();
            assert_eq!(variant(&line, "a").unwrap().frame_rate_milli, milli, "{text}");
        }
    }

    #[test]
    fn hostile_ranges_and_numbers_are_none() {
        assert_eq!(byte_range(0, 0), None);
        assert_eq!(byte_range(u64::MAX, u64::MAX), None);
        assert_eq!(seconds("-1"), None);
        assert_eq!(byte_range_tag("#EXT-X-BYTERANGE:99999999999999999999999@1"), None);
        assert_eq!(map("#EXT-X-MAP:URI=\"a\",BYTERANGE=\"0@5\""), None);
    }
}
