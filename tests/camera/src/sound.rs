//! The sound: G.711 at 8 kHz in packets of 20 ms, a faint tone and a beep on each full second.
//!
//! The beep starts when the wall clock's second does, and the picture flashes at the same time, so
//! that picture and sound can be compared by eye or by program. G.711 is encoded by its formula
//! (ITU-T G.711 (11/1988), tables 1a and 2a), not by table.

use std::f32::consts::TAU;

use crate::Law;

/// Samples a second.
pub(crate) const RATE: u32 = 8000;
/// Samples a packet: 20 ms.
pub(crate) const PACKET: u32 = 160;
/// Length of the beep in milliseconds, also that of the flash in the picture.
pub(crate) const BEEP_MS: u64 = 100;

/// One packet of samples; the first was taken at `unix_ms`. `phase` counts samples, so that the
/// tone runs on over packets.
pub(crate) fn packet(law: Law, unix_ms: u64, phase: u64) -> Box<[u8]> {
    (0..u64::from(PACKET))
        .map(|i| {
            let in_second = (unix_ms + i * 1000 / u64::from(RATE)) % 1000;
            let (hertz, volume) = if in_second < BEEP_MS { (1000, 9000.0) } else { (200, 300.0) };
            // Both tones have a whole number of periods a second.
            let turn = ((phase + i) * hertz % u64::from(RATE)) as f32 / RATE as f32;
            law.encode((volume * (TAU * turn).sin()) as i16)
        })
        .collect()
}

impl Law {
    /// The static RTP payload type (RFC 3551 6, table 4).
    pub(crate) fn payload_type(self) -> u8 {
        match self {
            Self::Mu => 0,
            Self::A => 8,
        }
    }

    /// One sample of 16 bits into one byte.
    pub(crate) fn encode(self, sample: i16) -> u8 {
        match self {
            Self::Mu => mu_law(sample),
            Self::A => a_law(sample),
        }
    }
}

/// µ-law: sign, 3 bits of segment, 4 bits of step, all inverted. The bias of 33 (of 14 bits) makes
/// segments powers of two.
fn mu_law(sample: i16) -> u8 {
    const BIAS: u32 = 33 << 2;
    const CLIP: u32 = 0x7FFF - BIAS;
    let magnitude = u32::from(sample.unsigned_abs()).min(CLIP) + BIAS;
    let segment = (31 - magnitude.leading_zeros()).saturating_sub(7);
    let step = magnitude >> (segment + 3) & 0x0F;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(sign | (segment << 4 | step) as u8)
}

/// A-law: 13 bits; even bits inverted. The first two segments have the same step.
fn a_law(sample: i16) -> u8 {
    let (sign, magnitude) =
        if sample < 0 { (0, u32::from(!sample as u16)) } else { (0x80, u32::from(sample as u16)) };
    let segment = (32 - (magnitude >> 8).leading_zeros()).min(7);
    let step = magnitude >> (if segment == 0 { 4 } else { segment + 3 }) & 0x0F;
    (sign | (segment << 4 | step) as u8) ^ 0x55
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mu_back(byte: u8) -> i32 {
        let byte = !byte;
        let (segment, step) = (byte >> 4 & 7, i32::from(byte & 15));
        let magnitude = (((step << 1) + 33) << segment) - 33;
        (if byte & 0x80 != 0 { -magnitude } else { magnitude }) << 2
    }

    fn a_back(byte: u8) -> i32 {
        let byte = byte ^ 0x55;
        let (segment, step) = (byte >> 4 & 7, i32::from(byte & 15));
        let magnitude =
            if segment == 0 { (step << 4) + 8 } else { ((step << 4) + 0x108) << (segment - 1) };
        if byte & 0x80 != 0 { magnitude } else { -magnitude }
    }

    #[test]
    fn known_codes_of_the_standard() {
        assert_eq!(mu_law(0), 0xFF);
        assert_eq!(mu_law(i16::MAX), 0x80);
        assert_eq!(mu_law(i16::MIN), 0x00);
        assert_eq!(a_law(0), 0xD5);
        assert_eq!(a_law(-1), 0x55);
        assert_eq!(a_law(i16::MAX), 0xAA);
        assert_eq!(a_law(i16::MIN), 0x2A);
    }

    #[test]
    fn every_sample_comes_back_within_the_step_of_its_segment() {
        for sample in (i16::MIN..=i16::MAX).step_by(7) {
            let allowed = 16.max(i32::from(sample).abs() / 16);
            for (law, back) in [("mu", mu_back(mu_law(sample))), ("a", a_back(a_law(sample)))] {
                let error = (back - i32::from(sample)).abs();
                assert!(error <= allowed || sample == i16::MIN, "{law} {sample} {back}");
            }
        }
    }

    #[test]
    fn every_code_word_is_reached() {
        let of = |law: Law| {
            let codes: std::collections::BTreeSet<u8> =
                (i16::MIN..=i16::MAX).map(|s| law.encode(s)).collect();
            codes.len()
        };
        assert!(of(Law::Mu) >= 255, "minus zero has no sample");
        assert_eq!(of(Law::A), 256);
    }

    #[test]
    fn the_beep_starts_on_the_second() {
        let loud = |unix_ms| {
            let packet = packet(Law::Mu, unix_ms, 0);
            packet.iter().map(|&b| mu_back(b).abs()).max().unwrap_or_default() > 5000
        };
        assert!(loud(5_000) && loud(5_080) && loud(5_990));
        assert!(!loud(5_100) && !loud(5_500) && !loud(5_960));
    }
}
