//! The boxes beside the media at the top level of a file: `sidx`, `emsg`, `prft`.

use super::boxes::Fields;
use super::{NTP_UNIX_SECONDS, PRFT_FINALIZED};
use crate::time::{Timescale, WallTime};
use alloc::string::String;
use alloc::vec::Vec;

/// A `sidx`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Offset of the first byte after the box; the references count from there.
    pub anchor: u64,
    /// `timescale`.
    pub timescale: Timescale,
    /// `earliest_presentation_time`.
    pub start_ticks: i64,
    /// `first_offset`.
    pub first_offset: u64,
    /// The references.
    pub entries: Vec<IndexEntry>,
}

/// One reference of a `sidx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexEntry {
    /// It refers to another `sidx`, not to media.
    pub is_index: bool,
    /// Bytes.
    pub size: u32,
    /// Ticks.
    pub duration_ticks: u32,
}

impl Index {
    /// Reads the content of a `sidx` (14496-12 8.16.3). `anchor`: offset of the first byte after
    /// it.
    pub(super) fn read(content: &[u8], anchor: u64) -> Option<Self> {
        let mut f = Fields::new(content);
        let (version, _) = f.version_flags()?;
        f.u32()?;
        let timescale = Timescale::new(f.u32()?)?;
        let start_ticks = i64::try_from(f.sized(version != 0)?).ok()?;
        let first_offset = f.sized(version != 0)?;
        f.u16()?;
        let count = f.u16()?;
        let mut entries = Vec::new();
        for _ in 0..count {
            let reference = f.u32()?;
            entries.push(IndexEntry {
                is_index: reference >> 31 == 1,
                size: reference & 0x7fff_ffff,
                duration_ticks: f.u32()?,
            });
            f.u32()?; // stream access point
        }
        Some(Self { anchor, timescale, start_ticks, first_offset, entries })
    }
}

/// An `emsg`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `scheme_id_uri`.
    pub scheme: String,
    /// `value`.
    pub value: String,
    /// `timescale`, of the times below.
    pub timescale: Timescale,
    /// When it is due.
    pub start: MessageStart,
    /// `event_duration`; `None` when it is not known (0xffffffff).
    pub duration_ticks: Option<u32>,
    /// `id`: repeated messages have the same.
    pub id: u32,
    /// `message_data`.
    pub data: Vec<u8>,
}

/// The two ways in which an `emsg` states when it is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageStart {
    /// Version 0: ticks after the earliest presentation time of its segment.
    AfterSegmentStart(u32),
    /// Version 1: ticks on the media's own timeline.
    At(u64),
}

impl Message {
    /// Reads the content of an `emsg` (23009-1 5.10.3.3.3).
    pub(super) fn read(content: &[u8]) -> Option<Self> {
        fn words(f: &mut Fields<'_>) -> Option<(String, String)> {
            let mut text = || Some(String::from_utf8_lossy(f.text()?).into_owned());
            Some((text()?, text()?))
        }
        let mut f = Fields::new(content);
        let (version, _) = f.version_flags()?;
        let (mut scheme, mut value) = (String::new(), String::new());
        if version == 0 {
            (scheme, value) = words(&mut f)?;
        }
        let timescale = Timescale::new(f.u32()?)?;
        let start = if version == 0 {
            MessageStart::AfterSegmentStart(f.u32()?)
        } else {
            MessageStart::At(f.u64()?)
        };
        let duration = f.u32()?;
        let id = f.u32()?;
        if version != 0 {
            (scheme, value) = words(&mut f)?;
        }
        let duration_ticks = (duration != u32::MAX).then_some(duration);
        let data = f.rest().to_vec();
        Some(Self { scheme, value, timescale, start, duration_ticks, id, data })
    }
}

/// A `prft`.
pub(super) struct ReferenceTime {
    pub(super) wall: WallTime,
    pub(super) finalized: bool,
    pub(super) media_ticks: i64,
}

impl ReferenceTime {
    /// Reads the content of a `prft` (14496-12 8.16.5).
    pub(super) fn read(content: &[u8]) -> Option<Self> {
        let mut f = Fields::new(content);
        let (version, flags) = f.version_flags()?;
        f.u32()?;
        let ntp = f.u64()?;
        let media = f.sized(version != 0)?;
        let seconds = i64::try_from(ntp >> 32).ok()?;
        // NTP's first era ends in 2036 (RFC 5905 section 6): a small number belongs to the next.
        let era = if seconds < 1 << 31 { 1 << 32 } else { 0 };
        let micros = ((ntp & 0xffff_ffff) * 1_000_000 + (1 << 31)) >> 32;
        let wall = (seconds + era - NTP_UNIX_SECONDS) * 1_000_000 + i64::try_from(micros).ok()?;
        Some(Self {
            wall: WallTime::from_micros(wall),
            finalized: flags & 0xff == PRFT_FINALIZED,
            media_ticks: i64::try_from(media).ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_emsg_are_read() {
        let v0 = b"\0\0\0\0urn:x\x001\0\0\0\x03\xe8\0\0\0\x05\xff\xff\xff\xff\0\0\0\x07hello";
        let got = Message::read(v0).unwrap();
        assert_eq!((got.scheme.as_str(), got.value.as_str()), ("urn:x", "1"));
        assert_eq!(got.start, MessageStart::AfterSegmentStart(5));
        assert_eq!((got.duration_ticks, got.id, got.data.as_slice()), (None, 7, &b"hello"[..]));
        let v1 = b"\x01\0\0\0\0\0\x03\xe8\0\0\0\x01\0\0\0\x05\0\0\0\x09\0\0\0\x07urn:x\0\0\xff\xfe";
        let got = Message::read(v1).unwrap();
        assert_eq!(got.start, MessageStart::At((1 << 32) + 5));
        assert_eq!((got.duration_ticks, got.value.as_str()), (Some(9), ""));
        for cut in 0..29 {
            assert_eq!(Message::read(v1.get(..cut).unwrap()), None);
        }
    }

    #[test]
    fn an_ntp_time_after_2036_is_of_the_next_era() {
        let mut content = [0u8; 20];
        content[8..16].copy_from_slice(&(1u64 << 32).to_be_bytes());
        let time = ReferenceTime::read(&content).unwrap();
        assert_eq!(time.wall.as_micros(), ((1 << 32) + 1 - NTP_UNIX_SECONDS) * 1_000_000);
    }
}
