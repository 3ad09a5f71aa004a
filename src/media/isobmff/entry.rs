//! Sample entries (14496-12 8.5.2): the codec of a track's samples, as an RFC 6381 name.
//!
//! Sources: 14496-15 annex E (AVC, HEVC), the VP9 and AV1 bindings to ISO BMFF, 14496-1 7.2.6
//! (descriptors), QuickTime's versions of the sound entry.

use super::boxes::{Fields, child};
use crate::media::codec::{push_decimal, push_hex, push_two_digits};
use crate::media::es::hevc::HevcProfile;
use alloc::string::String;

/// The codec name of a sample entry of type `kind` with content `entry`. Where the details cannot
/// be read, only the type.
pub(super) fn codec_name(kind: [u8; 4], entry: &[u8]) -> String {
    // Encrypted entries keep their type in sinf/frma (14496-12 8.12).
    let kind = match &kind {
        b"encv" | b"enca" => original_format(&kind, entry).unwrap_or(kind),
        _ => kind,
    };
    let plain = || printable(kind);
    match &kind {
        b"avc1" | b"avc3" => avc(&plain(), entry).unwrap_or_else(plain),
        b"hvc1" | b"hev1" => video_boxes(entry)
            .and_then(|b| HevcProfile::read(child(b, b"hvcC")?.get(1..)?))
            .map_or_else(plain, |p| p.codec_string(&plain())),
        b"vp08" | b"vp09" => vpx(&plain(), entry).unwrap_or_else(plain),
        b"av01" => av1(entry).unwrap_or_else(plain),
        b"mp4a" => mpeg4_audio(entry).unwrap_or_else(plain),
        // Browsers take these in lower case everywhere.
        b"Opus" => String::from("opus"),
        b"fLaC" => String::from("flac"),
        b".mp3" => String::from("mp3"),
        _ => plain(),
    }
}

/// Four characters; those that cannot be printed become `?`.
fn printable(kind: [u8; 4]) -> String {
    kind.iter().map(|b| if b.is_ascii_graphic() { char::from(*b) } else { '?' }).collect()
}

/// Content of a `VisualSampleEntry` before its boxes (12.1.3).
const VISUAL: usize = 78;
/// Content of an `AudioSampleEntry` before its boxes (12.2.3).
const AUDIO: usize = 28;

fn video_boxes(entry: &[u8]) -> Option<&[u8]> {
    entry.get(VISUAL..)
}

fn audio_boxes(entry: &[u8]) -> Option<&[u8]> {
    // QuickTime's versions 1 and 2 have more fields; ISO files have version 0 here.
    let more = match entry.get(8..10)? {
        [0, 1] => 16,
        [0, 2] => 36,
        _ => 0,
    };
    entry.get(AUDIO + more..)
}

fn original_format(kind: &[u8; 4], entry: &[u8]) -> Option<[u8; 4]> {
    let boxes = if kind == b"encv" { video_boxes(entry) } else { audio_boxes(entry) }?;
    child(child(boxes, b"sinf")?, b"frma")?.first_chunk().copied()
}

fn avc(kind: &str, entry: &[u8]) -> Option<String> {
    let record = child(video_boxes(entry)?, b"avcC")?;
    let mut s = String::from(kind);
    s.push('.');
    for byte in record.get(1..4)? {
        push_hex(&mut s, *byte);
    }
    Some(s)
}

fn vpx(kind: &str, entry: &[u8]) -> Option<String> {
    let [_, _, _, _, profile, level, depth, ..] = child(video_boxes(entry)?, b"vpcC")? else {
        return None;
    };
    let mut s = String::from(kind);
    for part in [*profile, *level, depth >> 4] {
        s.push('.');
        push_two_digits(&mut s, part);
    }
    Some(s)
}

fn av1(entry: &[u8]) -> Option<String> {
    let [_, b1, b2, ..] = child(video_boxes(entry)?, b"av1C")? else { return None };
    let mut s = String::from("av01.");
    push_decimal(&mut s, u32::from(b1 >> 5));
    s.push('.');
    push_two_digits(&mut s, b1 & 0x1f);
    s.push(if b2 & 0x80 != 0 { 'H' } else { 'M' });
    s.push('.');
    push_two_digits(
        &mut s,
        match b2 & 0x60 {
            0x60 => 12,
            0x40 => 10,
            _ => 8,
        },
    );
    Some(s)
}

fn mpeg4_audio(entry: &[u8]) -> Option<String> {
    let boxes = audio_boxes(entry)?;
    let esds = child(boxes, b"esds").or_else(|| child(child(boxes, b"wave")?, b"esds"))?;
    let es = descriptor(esds.get(4..)?, 3)?;
    let mut f = Fields::new(es);
    f.u16()?;
    let flags = f.u8()?;
    if flags & 0x80 != 0 {
        f.u16()?; // dependsOn_ES_ID
    }
    if flags & 0x40 != 0 {
        let url = usize::from(f.u8()?);
        f.bytes(url)?;
    }
    if flags & 0x20 != 0 {
        f.u16()?; // OCR_ES_Id
    }
    let config = descriptor(f.rest(), 4)?;
    let indication = *config.first()?;
    let mut s = String::from("mp4a.");
    push_hex(&mut s, indication);
    if indication == 0x40 {
        let specific = descriptor(config.get(13..)?, 5)?;
        let [b0, rest @ ..] = specific else { return None };
        let object_type = match (b0 >> 3, rest.first()) {
            (31, Some(b1)) => 32 + (((b0 & 7) << 3) | (b1 >> 5)),
            (short, _) => short,
        };
        s.push('.');
        push_decimal(&mut s, u32::from(object_type));
    }
    Some(s)
}

/// The content of a descriptor with `tag` at the start of `data` (14496-1 8.3.3: a length in up to
/// four bytes of seven bits).
fn descriptor(data: &[u8], tag: u8) -> Option<&[u8]> {
    let mut f = Fields::new(data);
    if f.u8()? != tag {
        return None;
    }
    let mut length = 0usize;
    for _ in 0..4 {
        let b = f.u8()?;
        length = (length << 7) | usize::from(b & 0x7f);
        if b & 0x80 == 0 {
            return f.bytes(length);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;

    fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
        let size = u32::try_from(8 + content.len()).unwrap().to_be_bytes();
        [&size[..], kind, content].concat()
    }

    fn visual(boxes: &[u8]) -> Vec<u8> {
        [&vec![0; VISUAL][..], boxes].concat()
    }

    #[test]
    fn names_of_sample_entries_that_ffmpeg_here_does_not_make() {
        let vp8 = visual(&boxed(b"vpcC", &[1, 0, 0, 0, 2, 10, 0x82]));
        assert_eq!(codec_name(*b"vp08", &vp8), "vp08.02.10.08");
        let av1 = visual(&boxed(b"av1C", &[0x81, 0x2d, 0xc0]));
        assert_eq!(codec_name(*b"av01", &av1), "av01.1.13H.10");
        assert_eq!(codec_name(*b"stpp", &[]), "stpp");
        assert_eq!(codec_name([b'x', 0, 0xff, b'y'], &[]), "x??y");
        assert_eq!(codec_name(*b"avc1", &[0; 3]), "avc1", "cut short");
    }

    #[test]
    fn an_encrypted_entry_has_the_name_of_what_it_was() {
        let sinf = boxed(b"sinf", &boxed(b"frma", b"avc1"));
        let entry = visual(&[boxed(b"avcC", &[1, 0x64, 0, 0x28]), sinf].concat());
        assert_eq!(codec_name(*b"encv", &entry), "avc1.640028");
        assert_eq!(codec_name(*b"encv", &visual(&[])), "encv");
    }

    #[test]
    fn descriptors_with_long_lengths_and_escaped_object_types_are_read() {
        let config = [&[0x40, 0x15][..], &[0; 11], &[5, 0x80, 0x80, 0x80, 2, 0xf9, 0x40]].concat();
        let es = [&[0, 0, 0, 4, 0x80, 0x80, 0x80, 20][..], &config].concat();
        let esds = [&[0, 0, 0, 0, 3, 0x80, 0x80, 0x80, 28][..], &es].concat();
        let mut entry = vec![0; AUDIO];
        entry.extend_from_slice(&boxed(b"esds", &esds));
        assert_eq!(codec_name(*b"mp4a", &entry), "mp4a.40.42");
    }
}
