//! Program tables: sections (ISO/IEC 13818-1 2.4.4), the association table and the program map.

use super::kind::StreamKind;
use alloc::vec::Vec;

/// Assembles the sections of one PID; a section may run over several packets.
#[derive(Debug, Default)]
pub(super) struct Sections {
    buf: Vec<u8>,
    /// A section has begun; until then, payload is ignored.
    open: bool,
    /// The last whole section: tables are repeated every 100 ms or so, and seldom change.
    last: Vec<u8>,
}

impl Sections {
    /// Takes a packet's payload. Returns a whole section that differs from the last one.
    pub(super) fn push(&mut self, payload: &[u8], starts_unit: bool) -> Option<Vec<u8>> {
        if starts_unit {
            // pointer_field: the rest of the section before, then the new one.
            let (pointer, rest) = payload.split_first()?;
            let (tail, head) = rest.split_at_checked(usize::from(*pointer))?;
            let before = self.extend(tail);
            self.buf.clear();
            self.open = true;
            return self.extend(head).or(before);
        }
        self.extend(payload)
    }

    fn extend(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        if !self.open {
            return None;
        }
        self.buf.extend_from_slice(bytes);
        let [_, b1, b2, ..] = self.buf.as_slice() else { return None };
        let total = 3 + (usize::from(b1 & 0x0f) << 8 | usize::from(*b2));
        let section = self.buf.get(..total)?;
        self.open = false;
        if section == self.last || crc32(section) != 0 {
            return None;
        }
        self.last = section.to_vec();
        Some(self.last.clone())
    }
}

/// The CRC of 13818-1 annex A; 0 over a section that includes its own.
fn crc32(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= u32::from(*byte) << 24;
        for _ in 0..8 {
            crc = (crc << 1) ^ if crc & 0x8000_0000 != 0 { 0x04c1_1db7 } else { 0 };
        }
    }
    crc
}

/// The bytes between a section's head and its CRC, if it is a current section of `table_id`.
fn body(section: &[u8], table_id: u8) -> Option<&[u8]> {
    let current_next = section.get(5)? & 1;
    if section.first() != Some(&table_id) || current_next == 0 {
        return None;
    }
    section.get(8..section.len().checked_sub(4)?)
}

fn pid(hi: u8, lo: u8) -> u16 {
    u16::from(hi & 0x1f) << 8 | u16::from(lo)
}

/// PID of the first program's map (2.4.4.3). RFC 8216 section 3.2: there is one program.
pub(super) fn program_map_pid(section: &[u8]) -> Option<u16> {
    body(section, 0x00)?.chunks_exact(4).find_map(|entry| match entry {
        [0, 0, ..] => None,
        [_, _, hi, lo] => Some(pid(*hi, *lo)),
        _ => None,
    })
}

/// The streams of a program map (2.4.4.8).
pub(super) fn streams(section: &[u8]) -> Option<Vec<(u16, StreamKind)>> {
    let [_, _, i1, i2, rest @ ..] = body(section, 0x02)? else { return None };
    let mut rest = rest.get(length12(*i1, *i2)..)?;
    let mut found = Vec::new();
    while let [kind, hi, lo, l1, l2, after @ ..] = rest {
        let (descriptors, next) = after.split_at_checked(length12(*l1, *l2))?;
        found.push((pid(*hi, *lo), StreamKind::read(*kind, descriptors)));
        rest = next;
    }
    Some(found)
}

fn length12(hi: u8, lo: u8) -> usize {
    usize::from(hi & 0x0f) << 8 | usize::from(lo)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn section(table_id: u8, body: &[u8]) -> Vec<u8> {
        let len = u8::try_from(5 + body.len() + 4).unwrap();
        let mut s = vec![table_id, 0xb0, len, 0, 1, 0xc1, 0, 0];
        s.extend_from_slice(body);
        let crc = crc32(&s);
        s.extend_from_slice(&crc.to_be_bytes());
        s
    }

    #[test]
    fn a_section_over_two_packets_is_put_together_and_given_once() {
        let pat = section(0, &[0, 0, 0xe0, 0x10, 0, 1, 0xf0, 0x00]);
        let mut s = Sections::default();
        let first = [&[0][..], &pat[..7]].concat();
        assert_eq!(s.push(&first, true), None);
        let whole = s.push(&pat[7..], false).unwrap();
        assert_eq!(program_map_pid(&whole), Some(0x1000));
        assert_eq!(s.push(&[&[0][..], &pat].concat(), true), None, "unchanged");
    }

    #[test]
    fn the_pointer_field_ends_one_section_and_begins_another() {
        let (a, b) = (section(0, &[0, 1, 0xe1, 0]), section(0, &[0, 1, 0xe2, 0]));
        let mut s = Sections::default();
        assert_eq!(s.push(&[&[0][..], &a[..10]].concat(), true), None);
        let tail = &a[10..];
        let mixed = [&[u8::try_from(tail.len()).unwrap()][..], tail, &b].concat();
        assert_eq!(s.push(&mixed, true), Some(b));
    }

    #[test]
    fn a_wrong_checksum_is_refused() {
        let mut pat = section(0, &[0, 1, 0xe1, 0]);
        pat[9] ^= 1;
        assert_eq!(Sections::default().push(&[&[0][..], &pat].concat(), true), None);
    }

    #[test]
    fn a_program_map_names_its_streams() {
        let pmt = section(
            2,
            &[
                0xe1, 0x00, 0xf0, 0x02, 9, 0, // PCR PID, one empty descriptor
                0x1b, 0xe1, 0x00, 0xf0, 0x00, //
                0x0f, 0xe1, 0x01, 0xf0, 0x06, 0x0a, 4, b'u', b'n', b'd', 0, //
                0x06, 0xe1, 0x02, 0xf0, 0x06, 5, 4, b'H', b'E', b'V', b'C', //
                0x86, 0xe1, 0x03, 0xf0, 0x00,
            ],
        );
        assert_eq!(
            streams(&pmt).unwrap(),
            [
                (0x100, StreamKind::H264),
                (0x101, StreamKind::Aac),
                (0x102, StreamKind::H265),
                (0x103, StreamKind::Other(0x86)),
            ]
        );
        assert_eq!(streams(&pmt[..32]), None, "cut inside a descriptor");
    }
}
