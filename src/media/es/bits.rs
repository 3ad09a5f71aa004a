//! A bit reader for elementary stream headers.
//!
//! H.264 and H.265 put an emulation prevention byte (0x03 after two zeros, ISO/IEC 14496-10 7.3.1)
//! into their payloads; [`Bits::rbsp`] drops it on the way. Every read is `None` past the end.

/// Reads bits, most significant first.
#[derive(Clone, Debug)]
pub(crate) struct Bits<'a> {
    data: &'a [u8],
    /// Index of the next byte to load.
    next: usize,
    current: u8,
    /// Bits of `current` still to be read.
    left: u8,
    /// Zero bytes read in a row; only counted when emulation prevention is on.
    zeros: u8,
    emulation: bool,
}

impl<'a> Bits<'a> {
    /// Reads `data` as it is.
    pub(crate) const fn new(data: &'a [u8]) -> Self {
        Self { data, next: 0, current: 0, left: 0, zeros: 0, emulation: false }
    }

    /// Reads the payload of a NAL unit, without its emulation prevention bytes.
    pub(crate) const fn rbsp(data: &'a [u8]) -> Self {
        Self { data, next: 0, current: 0, left: 0, zeros: 0, emulation: true }
    }

    fn load(&mut self) -> Option<()> {
        let mut byte = *self.data.get(self.next)?;
        self.next += 1;
        if self.emulation {
            if self.zeros >= 2 && byte == 3 {
                byte = *self.data.get(self.next)?;
                self.next += 1;
                self.zeros = 0;
            }
            self.zeros = if byte == 0 { self.zeros.saturating_add(1) } else { 0 };
        }
        self.current = byte;
        self.left = 8;
        Some(())
    }

    /// How many bits were read; valid only without emulation prevention.
    pub(crate) const fn position(&self) -> usize {
        self.next * 8 - self.left as usize
    }

    /// One bit.
    pub(crate) fn flag(&mut self) -> Option<bool> {
        if self.left == 0 {
            self.load()?;
        }
        self.left -= 1;
        Some((self.current >> self.left) & 1 == 1)
    }

    /// `n` bits, at most 32.
    pub(crate) fn bits(&mut self, n: u8) -> Option<u32> {
        let mut v = 0u32;
        for _ in 0..n {
            v = (v << 1) | u32::from(self.flag()?);
        }
        Some(v)
    }

    /// Eight bits.
    pub(crate) fn byte(&mut self) -> Option<u8> {
        u8::try_from(self.bits(8)?).ok()
    }

    /// Skips `n` bits.
    pub(crate) fn skip(&mut self, n: u32) -> Option<()> {
        for _ in 0..n {
            self.flag()?;
        }
        Some(())
    }

    /// An unsigned Exp-Golomb code (14496-10 9.1); `None` also for a code of more than 32 bits.
    pub(crate) fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0u8;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let rest = self.bits(zeros)?;
        Some((1u32 << zeros) - 1 + rest)
    }

    /// A signed Exp-Golomb code (14496-10 9.1.1).
    pub(crate) fn se(&mut self) -> Option<i32> {
        let k = i64::from(self.ue()?);
        let v = if k % 2 == 1 { k / 2 + 1 } else { -(k / 2) };
        i32::try_from(v).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_codes_of_the_standards_table_9_2() {
        // 1 010 011 00100 00101
        let mut b = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        assert_eq!([b.ue(), b.ue(), b.ue(), b.ue(), b.ue()], [0, 1, 2, 3, 4].map(Some));
        let mut b = Bits::new(&[0b0100_1100, 0b1000_0101]);
        assert_eq!([b.se(), b.se(), b.se(), b.se()], [1, -1, 2, -2].map(Some));
    }

    #[test]
    fn emulation_prevention_is_dropped_only_after_two_zeros() {
        let mut b = Bits::rbsp(&[0, 0, 3, 1, 3, 0, 3]);
        let got: [Option<u8>; 6] = core::array::from_fn(|_| b.byte());
        assert_eq!(got, [Some(0), Some(0), Some(1), Some(3), Some(0), Some(3)]);
        assert_eq!(b.flag(), None);
    }

    #[test]
    fn a_code_longer_than_32_bits_is_refused() {
        assert_eq!(Bits::new(&[0; 16]).ue(), None);
    }
}
