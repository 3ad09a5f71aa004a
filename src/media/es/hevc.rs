//! H.265: only the codec name.
//!
//! Sources: ITU-T H.265 (7.3.3 profile_tier_level), ISO/IEC 14496-15 annex E.3 (the name).

use super::bits::Bits;
use crate::media::codec::{push_decimal, push_hex_short};
use alloc::string::String;

/// The general part of `profile_tier_level`; `hvcC` begins with the same fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HevcProfile {
    /// `general_profile_space`, 0 to 3.
    pub space: u8,
    /// The High tier; otherwise Main.
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
    /// Reads its 12 bytes.
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
