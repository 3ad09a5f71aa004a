//! Reads a box that is complete in memory: its big-endian fields, and its child boxes.
//!
//! Every read is `None` past the end; a box that claims to be longer than its parent ends the
//! iteration.

/// Reads the fields of a box (14496-12 4.2: big-endian).
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    data: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) const fn new(data: &'a [u8]) -> Self {
        Self { data }
    }

    #[inline(never)]
    pub(super) fn bytes(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.data.split_at_checked(n)?;
        self.data = rest;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.data.split_first_chunk::<N>()?;
        self.data = rest;
        Some(*head)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[b]| b)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    #[inline(never)]
    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    #[inline(never)]
    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// 64 bits where `wide`, else 32.
    pub(super) fn sized(&mut self, wide: bool) -> Option<u64> {
        if wide { self.u64() } else { self.u32().map(u64::from) }
    }

    /// The version and the flags of a full box (4.2.2).
    pub(super) fn version_flags(&mut self) -> Option<(u8, u32)> {
        let v = self.u32()?;
        Some((u8::try_from(v >> 24).ok()?, v & 0x00ff_ffff))
    }

    /// A string that ends with a zero byte, without it.
    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let end = self.data.iter().position(|b| *b == 0)?;
        let text = self.bytes(end)?;
        self.bytes(1)?;
        Some(text)
    }

    pub(super) const fn rest(self) -> &'a [u8] {
        self.data
    }
}

/// Iterates over the boxes in `data`: type and content.
pub(super) fn boxes(data: &[u8]) -> Boxes<'_> {
    Boxes { data }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Boxes<'a> {
    data: &'a [u8],
}

impl<'a> Iterator for Boxes<'a> {
    type Item = ([u8; 4], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let mut f = Fields::new(self.data);
        let size = f.u32()?;
        let kind = f.array::<4>()?;
        let content = match size {
            0 => f.rest().len(),
            1 => usize::try_from(f.u64()?).ok()?.checked_sub(16)?,
            n => usize::try_from(n).ok()?.checked_sub(8)?,
        };
        let content = f.bytes(content)?;
        self.data = f.rest();
        Some((kind, content))
    }
}

/// The content of the first box of type `kind` in `data`.
pub(super) fn child<'a>(data: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(data).find(|(k, _)| k == kind).map(|(_, content)| content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn sizes_of_32_and_64_bits_and_to_the_end() {
        let data = [
            &[0, 0, 0, 9][..],
            b"free",
            &[7],
            &[0, 0, 0, 1],
            b"wide",
            &[0, 0, 0, 0, 0, 0, 0, 18, 1, 2],
            &[0, 0, 0, 0],
            b"mdat",
            &[3, 4, 5],
        ]
        .concat();
        let got: Vec<_> = boxes(&data).collect();
        assert_eq!(got, [(*b"free", &[7][..]), (*b"wide", &[1, 2]), (*b"mdat", &[3, 4, 5])]);
    }

    #[test]
    fn a_box_longer_than_its_parent_is_no_box() {
        assert_eq!(boxes(b"\0\0\0\x0cfree\0\0\0").count(), 0);
        assert_eq!(boxes(b"\0\0\0\x07free").count(), 0);
        assert_eq!(boxes(b"\0\0\0\x01free\xff\xff\xff\xff\xff\xff\xff\xff").count(), 0);
    }
}
