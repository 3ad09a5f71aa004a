//! H.265, as far as recognising it goes: the picture's size and the codec name.
//!
//! Sources: ITU-T H.265 (7.3.1.2 NAL unit header, 7.3.2.2 SPS, 7.3.3 profile_tier_level),
//! ISO/IEC 14496-15 annex E.3 (the name).

use super::bits::Bits;
use crate::media::codec::{push_decimal, push_hex_short};
use crate::units::Resolution;
use alloc::string::String;

/// `nal_unit_type` of a sequence parameter set.
const SPS: u8 = 33;

/// The type of a NAL unit.
pub fn nal_type(nal: &[u8]) -> Option<u8> {
    nal.first().map(|b| (b >> 1) & 0x3f)
}

/// The general part of `profile_tier_level`, which begins `hvcC` as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HevcProfile {
    /// `general_profile_space`, 0 to 3.
    pub space: u8,
    /// The High tier; else Main.
    pub high_tier: bool,
    /// `general_profile_idc`: 1 is Main, 2 Main 10.
    pub idc: u8,
    /// `general_profile_compatibility_flag[0..32]`, the first in the highest bit.
    pub compatibility: u32,
    /// The 48 bits of constraint flags.
    pub constraints: [u8; 6],
    /// `general_level_idc`: thirty times the level.
    pub level: u8,
}

impl HevcProfile {
    /// Reads the 12 bytes of it.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        Self::from_bits(&mut Bits::new(bytes))
    }

    fn from_bits(b: &mut Bits<'_>) -> Option<Self> {
        let space = u8::try_from(b.bits(2)?).ok()?;
        let high_tier = b.flag()?;
        let idc = u8::try_from(b.bits(5)?).ok()?;
        let compatibility = b.bits(32)?;
        let mut constraints = [0; 6];
        for c in &mut constraints {
            *c = b.byte()?;
        }
        Some(Self { space, high_tier, idc, compatibility, constraints, level: b.byte()? })
    }

    /// The RFC 6381 name, such as `hvc1.1.6.L93.90`, for a sample entry of type `entry`.
    pub fn codec_string(&self, entry: &str) -> String {
        let mut s = String::from(entry);
        s.push('.');
        if let Some(space) = [None, Some('A'), Some('B'), Some('C')].get(usize::from(self.space)) {
            s.extend(*space);
        }
        push_decimal(&mut s, u32::from(self.idc));
        s.push('.');
        push_hex_short(&mut s, self.compatibility.reverse_bits());
        s.push('.');
        s.push(if self.high_tier { 'H' } else { 'L' });
        push_decimal(&mut s, u32::from(self.level));
        // Trailing zero bytes are left out.
        let used = self.constraints.iter().rposition(|c| *c != 0).map_or(0, |i| i + 1);
        for c in self.constraints.iter().take(used) {
            s.push('.');
            push_hex_short(&mut s, u32::from(*c));
        }
        s
    }
}

/// What a sequence parameter set says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HevcSps {
    /// Profile, tier and level.
    pub profile: HevcProfile,
    /// Size of the cropped picture.
    pub resolution: Resolution,
}

impl HevcSps {
    /// Reads the NAL unit `nal`, header included; `None` when it is not a whole and sane one.
    pub fn read(nal: &[u8]) -> Option<Self> {
        if nal_type(nal) != Some(SPS) {
            return None;
        }
        let mut b = Bits::rbsp(nal.get(2..)?);
        b.skip(4)?;
        let sub_layers = b.bits(3)?;
        b.skip(1)?;
        let profile = HevcProfile::from_bits(&mut b)?;
        skip_sub_layers(&mut b, sub_layers)?;
        b.ue()?;
        let chroma_format = b.ue()?;
        if chroma_format == 3 {
            b.skip(1)?;
        }
        let (mut width, mut height) = (b.ue()?, b.ue()?);
        if b.flag()? {
            // Table 6-1, SubWidthC and SubHeightC.
            let (unit_x, unit_y) = match chroma_format {
                1 => (2, 2),
                2 => (2, 1),
                _ => (1, 1),
            };
            let (left, right, top, bottom) = (b.ue()?, b.ue()?, b.ue()?, b.ue()?);
            width = width.checked_sub(left.checked_add(right)?.checked_mul(unit_x)?)?;
            height = height.checked_sub(top.checked_add(bottom)?.checked_mul(unit_y)?)?;
        }
        // Level 6.2 allows 16888 pixels a side (A.4.1).
        let sane = 1..=16_888;
        (sane.contains(&width) && sane.contains(&height))
            .then_some(Self { profile, resolution: Resolution { width, height } })
    }

    /// The first one in an Annex B byte stream.
    pub fn find(annex_b: &[u8]) -> Option<Self> {
        super::h264::nal_units(annex_b).find_map(Self::read)
    }
}

fn skip_sub_layers(b: &mut Bits<'_>, count: u32) -> Option<()> {
    if count == 0 {
        return Some(());
    }
    let mut bits = 0;
    for i in 0..8 {
        let (profile, level) = (b.flag()?, b.flag()?);
        if i < count {
            bits += if profile { 88 } else { 0 } + if level { 8 } else { 0 };
        }
    }
    b.skip(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_14496_15_annex_e() {
        let main = HevcProfile {
            space: 0,
            high_tier: false,
            idc: 1,
            compatibility: 0x6000_0000,
            constraints: [0xb0, 0, 0, 0, 0, 0],
            level: 93,
        };
        assert_eq!(main.codec_string("hvc1"), "hvc1.1.6.L93.b0");
        let odd = HevcProfile {
            space: 1,
            high_tier: true,
            idc: 2,
            compatibility: 0x2000_0000,
            constraints: [0x90, 0, 1, 0, 0, 0],
            level: 150,
        };
        assert_eq!(odd.codec_string("hev1"), "hev1.A2.4.H150.90.0.1");
    }
}
