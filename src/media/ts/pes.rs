//! PES packets (ISO/IEC 13818-1 2.4.3.6): assembles them from payloads, and reads their times.
//!
//! ```text
//!            start of a unit              all bytes there, or next start
//!   Idle ----------------------> Open ------------------------------------> a Pes, Idle
//!    ^                            |
//!    '---- lost, oversized -------'
//! ```

use alloc::vec::Vec;

/// The largest PES of unstated length that is put together. A key frame of a 4K camera has 2 MB;
/// beyond this the stream has lost its unit starts.
const MAX_BYTES: usize = 16 << 20;

/// One PES packet with its header taken off. Stamps are raw: 33 bits of 90 kHz.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pes {
    pub(super) pts: Option<u64>,
    pub(super) dts: Option<u64>,
    pub(super) random_access: bool,
    pub(super) data: Vec<u8>,
}

/// The result of a payload.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing yet.
    Open,
    /// A whole packet.
    Whole(Pes),
    /// The bytes gathered were not a packet, or only a part of one.
    Broken,
}

/// Puts the PES packets of one stream together.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    buf: Vec<u8>,
    open: bool,
    random_access: bool,
}

impl Assembler {
    /// Begins a packet. The one that was open comes out first.
    pub(super) fn start(&mut self, random_access: bool) -> Progress {
        let before = self.finish();
        self.open = true;
        self.random_access = random_access;
        before
    }

    /// Takes payload; ignores it until a packet has begun.
    pub(super) fn extend(&mut self, payload: &[u8]) -> Progress {
        if !self.open {
            return Progress::Open;
        }
        self.buf.extend_from_slice(payload);
        match stated_length(&self.buf) {
            Some(total) if self.buf.len() >= total => {
                self.buf.truncate(total);
                self.take()
            }
            None if self.buf.len() > MAX_BYTES => {
                self.drop_open();
                Progress::Broken
            }
            _ => Progress::Open,
        }
    }

    /// Ends the open packet: whole if it states no length, broken if bytes are missing.
    pub(super) fn finish(&mut self) -> Progress {
        if !self.open {
            return Progress::Open;
        }
        if stated_length(&self.buf).is_some() {
            self.drop_open();
            return Progress::Broken;
        }
        self.take()
    }

    /// Discards the open packet; true if there was one.
    pub(super) fn drop_open(&mut self) -> bool {
        self.buf.clear();
        core::mem::take(&mut self.open)
    }

    fn take(&mut self) -> Progress {
        self.open = false;
        let mut data = core::mem::take(&mut self.buf);
        let Some(header) = Header::read(&data) else { return Progress::Broken };
        data.drain(..header.bytes);
        let Header { pts, dts, .. } = header;
        Progress::Whole(Pes { pts, dts, random_access: self.random_access, data })
    }
}

/// Bytes of the whole packet; `None` while that is unknown, or not stated (length 0).
fn stated_length(buf: &[u8]) -> Option<usize> {
    match buf {
        [_, _, _, _, 0, 0, ..] => None,
        [_, _, _, _, hi, lo, ..] => Some(6 + (usize::from(*hi) << 8 | usize::from(*lo))),
        _ => None,
    }
}

struct Header {
    bytes: usize,
    pts: Option<u64>,
    dts: Option<u64>,
}

impl Header {
    fn read(buf: &[u8]) -> Option<Self> {
        let [0, 0, 1, stream_id, _, _, rest @ ..] = buf else { return None };
        // Table 2-21: these ids have no optional header.
        if matches!(stream_id, 0xbc | 0xbe | 0xbf | 0xf0 | 0xf1 | 0xf2 | 0xf8 | 0xff) {
            return Some(Self { bytes: 6, pts: None, dts: None });
        }
        let [marker, flags, length, optional @ ..] = rest else { return None };
        if marker & 0xc0 != 0x80 {
            return None;
        }
        let optional = optional.get(..usize::from(*length))?;
        let pts = if flags & 0x80 != 0 { stamp(optional.get(..5)) } else { None };
        let dts = if flags & 0xc0 == 0xc0 { stamp(optional.get(5..10)) } else { None };
        Some(Self { bytes: 9 + usize::from(*length), pts, dts })
    }
}

/// 33 bits in 5 bytes, with a marker bit after each group.
fn stamp(bytes: Option<&[u8]>) -> Option<u64> {
    let [a, b, c, d, e] = bytes? else { return None };
    if a & c & e & 1 == 0 {
        return None;
    }
    let group = |hi: u8, lo: u8| u64::from(hi) << 7 | u64::from(lo >> 1);
    Some(u64::from((a >> 1) & 7) << 30 | group(*b, *c) << 15 | group(*d, *e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn pes(length: u16, payload: &[u8]) -> Vec<u8> {
        let mut p = vec![0, 0, 1, 0xe0];
        p.extend_from_slice(&length.to_be_bytes());
        // PTS 2^33 - 1, DTS 90000.
        p.extend_from_slice(&[0x80, 0xc0, 10, 0x3f, 0xff, 0xff, 0xff, 0xff]);
        p.extend_from_slice(&[0x11, 0x00, 0x05, 0xbf, 0x21]);
        p.extend_from_slice(payload);
        p
    }

    #[test]
    fn a_stated_length_ends_the_packet_with_its_last_byte() {
        let bytes = pes(16, &[1, 2, 3]);
        let mut a = Assembler::default();
        assert_eq!(a.start(true), Progress::Open);
        for b in &bytes[..bytes.len() - 1] {
            assert_eq!(a.extend(&[*b]), Progress::Open);
        }
        let Progress::Whole(p) = a.extend(&[3, 0xff, 0xff]) else { panic!("not whole") };
        assert_eq!(p.pts, Some((1 << 33) - 1));
        assert_eq!(p.dts, Some(90_000));
        assert!(p.random_access);
        assert_eq!(p.data, [1, 2, 3]);
        assert_eq!(a.extend(&[9]), Progress::Open, "nothing is open");
    }

    #[test]
    fn length_zero_ends_with_the_next_start() {
        let mut a = Assembler::default();
        a.start(false);
        assert_eq!(a.extend(&pes(0, &[7; 100])), Progress::Open);
        let Progress::Whole(p) = a.start(false) else { panic!("not whole") };
        assert_eq!(p.data, [7; 100]);
    }

    #[test]
    fn a_packet_cut_short_is_broken() {
        let mut a = Assembler::default();
        a.start(false);
        a.extend(&pes(200, &[7; 100]));
        assert_eq!(a.start(false), Progress::Broken);
        a.extend(&[0, 0, 2, 0xe0, 0, 0]);
        assert_eq!(a.finish(), Progress::Broken);
    }
}
