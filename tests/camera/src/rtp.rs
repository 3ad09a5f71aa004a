//! RTP: access units into packet payloads, packet headers, sender reports.
//!
//! Payloads are made once for all clients; the 12-byte header is each client's own, since sequence
//! numbers and SSRC are. Sources: RFC 3550 (RTP, RTCP), RFC 6184 (H.264, packetization mode 1),
//! RFC 7798 (H.265), RFC 3551 (G.711).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::Codec;

/// Largest payload in bytes: with headers it stays under an Ethernet frame's 1500.
const MAX_PAYLOAD: usize = 1400;
/// Length of the fixed RTP header (RFC 3550 5.1).
pub(crate) const HEADER: usize = 12;
/// H.264: NAL unit type of a fragment (RFC 6184 5.8).
const FU_A: u8 = 28;
/// H.265: NAL unit type of a fragment (RFC 7798 4.4.3).
const FU_265: u8 = 49;

/// Splits an Annex B byte stream at its start codes; empty NAL units are left out.
pub(crate) fn nal_units(annex_b: &[u8]) -> Vec<&[u8]> {
    let mut starts = Vec::new(); // (where the start code begins, where the NAL unit begins)
    let mut i = 0;
    while let Some(window) = annex_b.get(i..i + 3) {
        match window {
            [0, 0, 1] => {
                starts.push((i, i + 3));
                i += 3;
            }
            // No start code has such a byte, so none begins at any of the three.
            [_, _, third] if *third > 1 => i += 3,
            _ => i += 1,
        }
    }
    let ends = starts.iter().skip(1).map(|&(code, _)| code).chain([annex_b.len()]);
    starts
        .iter()
        .zip(ends)
        .filter_map(|(&(_, begin), end)| annex_b.get(begin..end))
        .map(|nal| {
            // Zero bytes before the next start code do not belong to the NAL unit.
            let tail = nal.iter().rev().take_while(|&&b| b == 0).count();
            nal.get(..nal.len() - tail).unwrap_or_default()
        })
        .filter(|nal| !nal.is_empty())
        .collect()
}

/// The payloads of one NAL unit.
pub(crate) fn packetize(codec: Codec, nal: &[u8], into: &mut Vec<Box<[u8]>>) {
    if nal.len() <= MAX_PAYLOAD {
        into.push(nal.into());
        return;
    }
    let (head, fu) = match codec {
        Codec::H264 => (1, FragmentHeader::h264(nal)),
        Codec::H265 => (2, FragmentHeader::h265(nal)),
    };
    let body = nal.get(head..).unwrap_or_default();
    let pieces = body.chunks(MAX_PAYLOAD - head - 1);
    let last = pieces.len().saturating_sub(1);
    for (i, piece) in pieces.enumerate() {
        let mut payload = Vec::with_capacity(head + 1 + piece.len());
        payload.extend_from_slice(fu.indicator.get(..head).unwrap_or_default());
        payload.push(fu.kind | u8::from(i == 0) << 7 | u8::from(i == last) << 6);
        payload.extend_from_slice(piece);
        into.push(payload.into());
    }
}

/// What stands before each fragment: the payload header and the type of the fragmented NAL unit.
struct FragmentHeader {
    indicator: [u8; 2],
    kind: u8,
}

impl FragmentHeader {
    fn h264(nal: &[u8]) -> Self {
        let first = nal.first().copied().unwrap_or_default();
        Self { indicator: [first & 0xE0 | FU_A, 0], kind: first & 0x1F }
    }

    fn h265(nal: &[u8]) -> Self {
        let first = nal.first().copied().unwrap_or_default();
        let second = nal.get(1).copied().unwrap_or_default();
        Self { indicator: [first & 0x81 | FU_265 << 1, second], kind: first >> 1 & 0x3F }
    }
}

/// What a client's stream of one track has sent.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(crate) ssrc: u32,
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    packets: u32,
    octets: u32,
}

impl Sender {
    pub(crate) fn new(ssrc: u32, payload_type: u8, sequence: u16) -> Self {
        Self { ssrc, payload_type, sequence, packets: 0, octets: 0 }
    }

    /// The header of the next packet, which has `payload` bytes.
    pub(crate) fn header(&mut self, timestamp: u32, marker: bool, payload: usize) -> [u8; HEADER] {
        let mut header = [0; HEADER];
        header[0] = 0x80;
        header[1] = self.payload_type | u8::from(marker) << 7;
        header[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        header[4..8].copy_from_slice(&timestamp.to_be_bytes());
        header[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        self.sequence = self.sequence.wrapping_add(1);
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(payload as u32);
        header
    }

    /// A compound RTCP packet: sender report (RFC 3550 6.4.1) and CNAME (6.5.1). `wall` is what
    /// the camera's own clock says at RTP time `timestamp`.
    pub(crate) fn report(&self, wall: SystemTime, timestamp: u32, cname: &str) -> Vec<u8> {
        let mut out = vec![0x80, 200, 0, 6];
        out.extend_from_slice(&self.ssrc.to_be_bytes());
        out.extend_from_slice(&ntp(wall).to_be_bytes());
        for word in [timestamp, self.packets, self.octets] {
            out.extend_from_slice(&word.to_be_bytes());
        }
        let name = cname.as_bytes().get(..cname.len().min(255)).unwrap_or_default();
        let mut chunk = self.ssrc.to_be_bytes().to_vec();
        chunk.extend_from_slice(&[1, name.len() as u8]);
        chunk.extend_from_slice(name);
        chunk.push(0);
        chunk.resize(chunk.len().next_multiple_of(4), 0);
        out.extend_from_slice(&[0x81, 202]);
        out.extend_from_slice(&((chunk.len() / 4) as u16).to_be_bytes());
        out.extend_from_slice(&chunk);
        out
    }
}

/// NTP time: seconds since 1900 in the upper, the fraction in the lower 32 bits.
fn ntp(wall: SystemTime) -> u64 {
    const SECONDS_1900_TO_1970: u64 = 2_208_988_800;
    let unix = wall.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let fraction = (u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000;
    (unix.as_secs().wrapping_add(SECONDS_1900_TO_1970)) << 32 | fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_access_unit_is_split_at_short_and_long_start_codes() {
        let stream = [0, 0, 0, 1, 0x67, 1, 0, 0, 1, 0x68, 2, 3, 0, 0, 0, 1, 0x65, 0, 0, 3, 1];
        let nals = nal_units(&stream);
        assert_eq!(nals, [&[0x67, 1][..], &[0x68, 2, 3], &[0x65, 0, 0, 3, 1]]);
        assert!(nal_units(&[0, 0]).is_empty());
    }

    #[test]
    fn a_small_nal_unit_is_one_packet_as_it_is() {
        let mut payloads = Vec::new();
        packetize(Codec::H264, &[0x65, 1, 2], &mut payloads);
        assert_eq!(payloads, [Box::from([0x65, 1, 2])]);
    }

    #[test]
    fn fragments_put_together_give_the_nal_unit_back() {
        let nal: Vec<u8> = [0x65].into_iter().chain((0..5000u32).map(|i| i as u8)).collect();
        let mut payloads = Vec::new();
        packetize(Codec::H264, &nal, &mut payloads);
        assert_eq!(payloads.len(), 4);
        let mut back = vec![payloads[0][0] & 0xE0 | payloads[0][1] & 0x1F];
        for (i, p) in payloads.iter().enumerate() {
            assert!(p.len() <= MAX_PAYLOAD);
            assert_eq!(p[0] & 0x1F, FU_A);
            assert_eq!((p[1] & 0x80 != 0, p[1] & 0x40 != 0), (i == 0, i == 3));
            back.extend_from_slice(&p[2..]);
        }
        assert_eq!(back, nal);
    }

    #[test]
    fn h265_fragments_keep_type_layer_and_temporal_id() {
        let nal: Vec<u8> = [0x26, 0x01].into_iter().chain([7; 3000]).collect();
        let mut payloads = Vec::new();
        packetize(Codec::H265, &nal, &mut payloads);
        assert_eq!(payloads.len(), 3);
        for p in &payloads {
            assert_eq!((p[0] >> 1 & 0x3F, p[1], p[2] & 0x3F), (FU_265, 0x01, 0x13));
        }
        assert_eq!(payloads.iter().map(|p| p.len() - 3).sum::<usize>(), 3000);
    }

    #[test]
    fn a_header_has_marker_sequence_time_and_source() {
        let mut sender = Sender::new(0x0102_0304, 96, 0xFFFF);
        let header = sender.header(0x0A0B_0C0D, true, 10);
        assert_eq!(header, [0x80, 0xE0, 0xFF, 0xFF, 0xA, 0xB, 0xC, 0xD, 1, 2, 3, 4]);
        assert_eq!(sender.header(0, false, 10)[..4], [0x80, 0x60, 0, 0]);
    }

    #[test]
    fn a_report_counts_packets_and_octets_and_carries_ntp_time() {
        let mut sender = Sender::new(9, 96, 0);
        sender.header(0, true, 100);
        sender.header(0, true, 23);
        let report = sender.report(UNIX_EPOCH + Duration::from_millis(500), 77, "camera");
        assert_eq!(report[..4], [0x80, 200, 0, 6]);
        assert_eq!(report[8..16], [0x83, 0xAA, 0x7E, 0x80, 0x80, 0, 0, 0]);
        assert_eq!(report[16..28], [0, 0, 0, 77, 0, 0, 0, 2, 0, 0, 0, 123]);
        assert_eq!(report[28..30], [0x81, 202]);
        let words = usize::from(report[31]);
        assert_eq!(report.len(), 28 + 4 * (words + 1));
        assert_eq!(&report[38..44], b"camera");
    }
}
