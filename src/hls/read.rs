//! Playlist text to syntax (RFC 8216bis section 4), line by line; [`super::tags`] reads single tags.
//!
//! A value that decides where or when media is (duration, sequence number, byte range) must be
//! valid, or the playlist is refused with its line. A value that only describes the media is
//! dropped when it is invalid. Unknown tags are skipped (6.3.1).

use super::syntax::{Map, Media, MediaKind, Multivariant, Playlist, Segment, ServerControl};
use super::tags;
use crate::media::text::halves;
use crate::presentation::date::parse_date_time;
use crate::presentation::{Error, excerpt};
use crate::time::Duration;
use crate::units::ByteRange;
use alloc::borrow::ToOwned;
use alloc::string::String;

type Result<T> = core::result::Result<T, Error>;

/// The most bytes that the URIs of `EXT-X-MAP` may have when each segment repeats them.
const MOST_MAP_BYTES: usize = 64 << 20;

/// Reads a playlist of either kind. A byte that is no UTF-8 is read as U+FFFD.
pub fn playlist(bytes: &[u8]) -> Result<Playlist> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut reader = Reader::new(text);
    let mut first = true;
    let mut offset = 0;
    for raw in text.split_inclusive('\n') {
        reader.offset = offset;
        offset += raw.len();
        let line = raw.trim_ascii();
        if line.is_empty() {
            continue;
        }
        if core::mem::replace(&mut first, false) {
            if line.split_ascii_whitespace().next() != Some("#EXTM3U") {
                let found = excerpt(line);
                let problem = ["\"", found, "\" was found, a playlist begins with #EXTM3U"];
                return Err(reader.error("first line", problem.concat()));
            }
        } else if let Some(tag) = line.strip_prefix("#EXT") {
            let (name, value) = halves(tag, b':');
            reader.tag(name, value.trim_ascii(), line)?;
        } else if !line.starts_with('#') {
            reader.uri(line)?;
        }
    }
    reader.finish(first)
}

struct Reader<'a> {
    text: &'a str,
    /// Where the line begins.
    offset: usize,
    /// Decided by the first tag that belongs to one kind only.
    kind: Option<Kind>,
    multivariant: Multivariant,
    media: Media,
    /// `EXT-X-STREAM-INF` whose URI has not come yet.
    stream_inf: Option<&'a str>,
    /// The first variant that could not be read.
    bad_variant: Option<usize>,
    /// The segment whose URI has not come yet.
    next: Segment,
    has_duration: bool,
    /// `EXT-X-BYTERANGE` of the next segment: length and offset.
    range: Option<(u64, Option<u64>)>,
    /// The `EXT-X-MAP` in force, and below it the METHOD of the `EXT-X-KEY` in force.
    map: Option<Map>,
    encrypted: Option<String>,
    map_bytes: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Multivariant,
    Media,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            offset: 0,
            kind: None,
            multivariant: Multivariant::default(),
            media: Media::default(),
            stream_inf: None,
            bad_variant: None,
            next: Segment::default(),
            has_duration: false,
            range: None,
            map: None,
            encrypted: None,
            map_bytes: 0,
        }
    }

    /// Reads one tag into a field of [`Media`] or [`Multivariant`]. The field gets into the model
    /// (`Presentation`) in `resolve::multivariant`, and then through `Presentation::follow`; or for a media
    /// playlist in `Placement::conclude` of `update.rs`.
    fn tag(&mut self, name: &str, value: &str, line: &'a str) -> Result<()> {
        match name {
            "-X-STREAM-INF" => {
                self.kind.get_or_insert(Kind::Multivariant);
                self.stream_inf = Some(line);
            }
            "-X-MEDIA" => {
                self.kind.get_or_insert(Kind::Multivariant);
                self.multivariant.renditions.extend(tags::rendition(line));
            }
            "-X-I-FRAME-STREAM-INF" | "-X-SESSION-KEY" | "-X-SESSION-DATA" => {
                self.kind.get_or_insert(Kind::Multivariant);
            }
            "-X-VERSION" => {
                self.multivariant.version = value.parse().ok();
                self.media.version = value.parse().ok();
            }
            "-X-INDEPENDENT-SEGMENTS" => {
                self.multivariant.independent_segments = true;
                self.media.independent_segments = true;
            }
            "-X-DEFINE" => return Err(Error::NotYet("variables (EXT-X-DEFINE)".into())),
            "-X-SKIP" => {
                let problem = "a partial playlist was sent, a whole one was asked for".into();
                return Err(self.error("#EXT-X-SKIP", problem));
            }
            "-X-TARGETDURATION" => self.media.target_duration = self.strict(line, tags::seconds)?,
            "-X-MEDIA-SEQUENCE" => self.media.media_sequence = self.strict(line, number)?,
            "-X-DISCONTINUITY-SEQUENCE" => {
                self.media.discontinuity_sequence = self.strict(line, number)?;
            }
            "-X-PLAYLIST-TYPE" => {
                self.media.kind = match value {
                    "VOD" => Some(MediaKind::Vod),
                    "EVENT" => Some(MediaKind::Event),
                    _ => None,
                };
            }
            "-X-I-FRAMES-ONLY" => self.media.i_frames_only = true,
            "-X-SERVER-CONTROL" => self.media.server_control = server_control(value),
            "-X-PART-INF" => {
                self.media.part_target =
                    tags::attribute(value, "PART-TARGET").and_then(tags::seconds);
            }
            "-X-ENDLIST" => self.media.ended = true,
            _ => return self.segment_tag(name, value, line),
        }
        if name.ends_with("SEQUENCE") || name.ends_with("DURATION") || name == "-X-ENDLIST" {
            self.kind.get_or_insert(Kind::Media);
        }
        Ok(())
    }

    fn segment_tag(&mut self, name: &str, value: &str, line: &str) -> Result<()> {
        match name {
            "INF" => {
                self.kind.get_or_insert(Kind::Media);
                let seconds = |value: &str| tags::seconds(halves(value, b',').0);
                self.next.duration = self.strict(line, seconds)?;
                self.has_duration = true;
            }
            "-X-BYTERANGE" => {
                let found = tags::byte_range_tag(line);
                self.range = Some(found.ok_or_else(|| {
                    self.error("#EXT-X-BYTERANGE", "expected length@offset".into())
                })?);
            }
            "-X-DISCONTINUITY" => self.next.discontinuity = true,
            "-X-PROGRAM-DATE-TIME" => self.next.program_date_time = parse_date_time(value),
            "-X-GAP" => self.next.gap = true,
            "-X-MAP" => {
                let found = tags::map(line);
                let (uri, byte_range) = found.ok_or_else(|| {
                    self.error("#EXT-X-MAP", "expected URI=\"...\" and a BYTERANGE if any".into())
                })?;
                self.map = Some(Map { uri, byte_range });
            }
            "-X-KEY" => {
                let method = tags::attribute(value, "METHOD").unwrap_or("without METHOD");
                self.encrypted = (method != "NONE").then(|| excerpt(method).to_owned());
            }
            _ => {}
        }
        Ok(())
    }

    fn uri(&mut self, uri: &str) -> Result<()> {
        if self.kind == Some(Kind::Multivariant) {
            // A URI without a tag before it has no meaning (4.1).
            if let Some(line) = self.stream_inf.take() {
                match tags::variant(line, uri) {
                    Some(variant) => self.multivariant.variants.push(variant),
                    None => {
                        self.bad_variant.get_or_insert(self.offset);
                    }
                }
            }
            return Ok(());
        }
        if !core::mem::replace(&mut self.has_duration, false) {
            let problem = ["no #EXTINF stands before \"", excerpt(uri), "\""].concat();
            return Err(self.error("segment", problem));
        }
        let mut segment = core::mem::take(&mut self.next);
        if let Some((length, offset)) = self.range.take() {
            let range = self.range_after(uri, length, offset);
            segment.byte_range = Some(range.ok_or_else(|| {
                let problem = "no bytes, or no offset after a range of the same resource".into();
                self.error("#EXT-X-BYTERANGE", problem)
            })?);
        }
        if let Some(map) = &self.map {
            self.map_bytes = self.map_bytes.saturating_add(map.uri.len());
            if self.map_bytes > MOST_MAP_BYTES {
                return Err(self.error("#EXT-X-MAP", "its URI is too long".into()));
            }
        }
        segment.uri = uri.into();
        segment.map.clone_from(&self.map);
        segment.encrypted.clone_from(&self.encrypted);
        self.media.segments.push(segment);
        Ok(())
    }

    /// Without an offset, the range begins where that of the segment before ends (4.4.4.2).
    fn range_after(&self, uri: &str, length: u64, offset: Option<u64>) -> Option<ByteRange> {
        let offset = match offset {
            Some(offset) => offset,
            None => {
                let before = self.media.segments.last().filter(|before| before.uri == uri)?;
                before.byte_range?.last?.checked_add(1)?
            }
        };
        tags::byte_range(length, offset)
    }

    fn finish(self, empty: bool) -> Result<Playlist> {
        if empty {
            return Err(self.error("first line", "the playlist is empty".into()));
        }
        match (self.kind, self.bad_variant) {
            (Some(Kind::Multivariant), Some(offset)) if self.multivariant.variants.is_empty() => {
                let problem =
                    "expected BANDWIDTH=<bits a second> and well-formed attributes".into();
                Err(Self { offset, ..self }.error("#EXT-X-STREAM-INF", problem))
            }
            (Some(Kind::Multivariant), _) => Ok(Playlist::Multivariant(self.multivariant)),
            (Some(Kind::Media), _) => Ok(Playlist::Media(self.media)),
            (None, _) => Err(self.error(
                "end",
                "there is neither a segment (#EXTINF) nor a variant (#EXT-X-STREAM-INF)".into(),
            )),
        }
    }

    fn strict<T>(&self, line: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
        let (tag, value) = halves(line, b':');
        parse(value.trim_ascii()).ok_or_else(|| {
            self.error(excerpt(tag), ["\"", excerpt(value), "\" is not a number"].concat())
        })
    }

    fn error(&self, place: &str, problem: String) -> Error {
        Error::at(self.text, self.offset, place.to_owned(), problem)
    }
}

fn server_control(list: &str) -> ServerControl {
    let time = |name| -> Option<Duration> { tags::attribute(list, name).and_then(tags::seconds) };
    ServerControl {
        hold_back: time("HOLD-BACK"),
        part_hold_back: time("PART-HOLD-BACK"),
        can_block_reload: tags::attribute(list, "CAN-BLOCK-RELOAD") == Some("YES"),
    }
}

fn number(text: &str) -> Option<u64> {
    text.parse().ok()
}
