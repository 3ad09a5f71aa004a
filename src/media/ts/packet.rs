//! The transport packet (ISO/IEC 13818-1 2.4.3.2) and its adaptation field (2.4.3.4).

/// Bytes of a transport packet.
pub(super) const SIZE: usize = 188;
/// The first byte of each.
pub(super) const SYNC: u8 = 0x47;

/// The parts of a packet that a demuxer looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    pub(super) pid: u16,
    /// `payload_unit_start_indicator`.
    pub(super) starts_unit: bool,
    /// `continuity_counter`.
    pub(super) counter: u8,
    /// `discontinuity_indicator`.
    pub(super) discontinuity: bool,
    /// `random_access_indicator`.
    pub(super) random_access: bool,
    /// `None` when the packet has none, or when it is scrambled.
    pub(super) payload: Option<&'a [u8]>,
}

impl<'a> Packet<'a> {
    /// Reads the packet that begins at `bytes`; `None` when it is damaged.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let [SYNC, b1, b2, b3, body @ ..] = bytes.get(..SIZE)? else { return None };
        let transport_error = b1 & 0x80 != 0;
        if transport_error {
            return None;
        }
        let mut packet = Self {
            pid: u16::from(b1 & 0x1f) << 8 | u16::from(*b2),
            starts_unit: b1 & 0x40 != 0,
            counter: b3 & 0x0f,
            discontinuity: false,
            random_access: false,
            payload: None,
        };
        let mut payload = body;
        if b3 & 0x20 != 0 {
            let (length, rest) = body.split_first()?;
            let (field, after) = rest.split_at_checked(usize::from(*length))?;
            let flags = field.first().copied().unwrap_or(0);
            packet.discontinuity = flags & 0x80 != 0;
            packet.random_access = flags & 0x40 != 0;
            payload = after;
        }
        let scrambled = b3 & 0xc0 != 0;
        if b3 & 0x10 != 0 && !scrambled {
            packet.payload = Some(payload);
        }
        Some(packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adaptation_field_is_read_and_cut_off() {
        let mut p = [0xaau8; SIZE];
        p[..7].copy_from_slice(&[SYNC, 0x41, 0x00, 0x3a, 3, 0xc0, 0xff]);
        let got = Packet::read(&p).unwrap();
        assert_eq!((got.pid, got.starts_unit, got.counter), (0x100, true, 10));
        assert!(got.discontinuity && got.random_access);
        assert_eq!(got.payload.map(<[u8]>::len), Some(SIZE - 8));
    }

    #[test]
    fn damage_is_seen() {
        let mut p = [0u8; SIZE];
        p[..5].copy_from_slice(&[SYNC, 0x01, 0x00, 0x30, 184]);
        assert_eq!(Packet::read(&p), None, "the adaptation field is longer than the packet");
        p[..5].copy_from_slice(&[SYNC, 0x81, 0x00, 0x10, 0]);
        assert_eq!(Packet::read(&p), None, "transport_error_indicator");
        assert_eq!(Packet::read(&p[..100]), None);
    }
}
