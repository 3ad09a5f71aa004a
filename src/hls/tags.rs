//! Single tags and their attribute lists (RFC 8216bis 4.2), read strictly.

use super::syntax::{Rendition, RenditionKind, Variant};
use crate::media::text::{after, cut, halves};
use crate::presentation::date::parse_decimal;
use crate::time::Duration;
use crate::units::{ByteRange, Resolution};
use alloc::string::String;

/// `EXT-X-STREAM-INF` with its URI line; `None` without BANDWIDTH, which is required.
pub(super) fn variant(line: &str, uri: &str) -> Option<Variant> {
    let list = attributes(line);
    let number = |name| attribute(list, name)?.parse::<u64>().ok();
    let text = |name| attribute(list, name).map(String::from);
    let resolution = attribute(list, "RESOLUTION").and_then(|size| {
        let (width, height) = cut(size, b"xX");
        let (width, height) = (width.parse().ok()?, height.get(1..)?.parse().ok()?);
        (width > 0 && height > 0).then_some(Resolution { width, height })
    });
    let frame_rate_milli = attribute(list, "FRAME-RATE").and_then(|rate| {
        let rate = seconds(rate)?.as_micros();
        u32::try_from(rate.div_ceil(1000)).ok().filter(|milli| *milli > 0)
    });
    Some(Variant {
        uri: uri.into(),
        bandwidth_bps: number("BANDWIDTH")?,
        average_bandwidth_bps: number("AVERAGE-BANDWIDTH"),
        codecs: text("CODECS"),
        resolution,
        frame_rate_milli,
        audio: text("AUDIO"),
        subtitles: text("SUBTITLES"),
    })
}

/// `EXT-X-MEDIA`; `None` without TYPE, GROUP-ID or NAME, which are required.
pub(super) fn rendition(line: &str) -> Option<Rendition> {
    let list = attributes(line);
    let text = |name| attribute(list, name).map(String::from);
    let yes = |name| attribute(list, name) == Some("YES");
    Some(Rendition {
        kind: match attribute(list, "TYPE")? {
            "AUDIO" => RenditionKind::Audio,
            "VIDEO" => RenditionKind::Video,
            "SUBTITLES" => RenditionKind::Subtitles,
            "CLOSED-CAPTIONS" => RenditionKind::ClosedCaptions,
            _ => return None,
        },
        group: text("GROUP-ID")?,
        name: text("NAME")?,
        language: text("LANGUAGE"),
        default: yes("DEFAULT"),
        autoselect: yes("AUTOSELECT"),
        channels: text("CHANNELS"),
        uri: text("URI"),
    })
}

/// `EXT-X-MAP`: URI and byte range.
pub(super) fn map(line: &str) -> Option<(String, Option<ByteRange>)> {
    let list = attributes(line);
    let range = match attribute(list, "BYTERANGE") {
        Some(range) => {
            let (length, offset) = length_at_offset(range)?;
            Some(byte_range(length, offset.unwrap_or(0))?)
        }
        None => None,
    };
    Some((attribute(list, "URI")?.into(), range))
}

/// `EXT-X-BYTERANGE`: length and, where given, offset.
pub(super) fn byte_range_tag(line: &str) -> Option<(u64, Option<u64>)> {
    length_at_offset(attributes(line))
}

/// `n[@o]` (4.4.4.2).
fn length_at_offset(text: &str) -> Option<(u64, Option<u64>)> {
    let (length, rest) = cut(text.trim_ascii(), b"@");
    let offset = if rest.is_empty() { None } else { Some(after(rest).parse().ok()?) };
    Some((length.parse().ok()?, offset))
}

/// The value after a tag's name.
fn attributes(line: &str) -> &str {
    halves(line, b':').1
}

/// A range of `length` bytes; `None` for no bytes, or more than there can be.
pub(super) fn byte_range(length: u64, offset: u64) -> Option<ByteRange> {
    let last = offset.checked_add(length.checked_sub(1)?)?;
    Some(ByteRange { first: offset, last: Some(last) })
}

/// Seconds as a decimal. A sign is refused: a signed time is for `parse_decimal`.
pub(super) fn seconds(text: &str) -> Option<Duration> {
    u64::try_from(parse_decimal(text)?).ok().map(Duration::from_micros)
}

/// The value of an attribute, without its quotes.
pub(super) fn attribute<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = list;
    loop {
        let (key, after) = cut(rest, b"=");
        let after = after.get(1..)?;
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => halves(quoted, b'"'),
            None => cut(after, b","),
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
