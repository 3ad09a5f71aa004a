//! Elements of EBML (RFC 8794): an identifier, a size, and a body.

/// The first bytes of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The identifier, with its length marker.
    pub id: u32,
    /// Bytes of identifier and size.
    pub length: usize,
    /// Bytes of the body; `None` where it is unknown: up to an element that cannot stand inside.
    pub size: Option<u64>,
}

/// What the first bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    Header(Header),
    /// So many bytes are needed to say more.
    Short(usize),
    /// No element begins so.
    Bad,
}

/// Reads the header of an element (RFC 8794 4, 5, 6): identifiers have up to 4 bytes, sizes up to 8.
pub(super) fn header(bytes: &[u8]) -> First {
    let Some(first) = bytes.first() else { return First::Short(2) };
    let id_length = first.leading_zeros() as usize + 1;
    if id_length > 4 {
        return First::Bad;
    }
    let Some(second) = bytes.get(id_length) else { return First::Short(id_length + 1) };
    let size_length = second.leading_zeros() as usize + 1;
    if size_length > 8 {
        return First::Bad;
    }
    let length = id_length + size_length;
    let (Some(id), Some(size)) = (bytes.get(..id_length), bytes.get(id_length..length)) else {
        return First::Short(length);
    };
    let id = unsigned(id).and_then(|id| u32::try_from(id).ok()).unwrap_or_default();
    let most = (1u64 << (7 * size_length)) - 1;
    let size = unsigned(size).unwrap_or_default() & most;
    First::Header(Header { id, length, size: (size != most).then_some(size) })
}

/// An unsigned integer, big endian; `None` if it has more than 8 bytes.
pub(super) fn unsigned(bytes: &[u8]) -> Option<u64> {
    (bytes.len() <= 8).then(|| bytes.iter().fold(0, |v, b| (v << 8) | u64::from(*b)))
}

/// A number with a length marker, such as the track of a block: its value, and its bytes.
pub(super) fn marked(bytes: &[u8]) -> Option<(u64, usize)> {
    let length = bytes.first()?.leading_zeros() as usize + 1;
    let value = unsigned(bytes.get(..length)?)?;
    Some((value & ((1 << (7 * length)) - 1), length))
}

/// The whole part of a floating-point number of 4 or 8 bytes (IEEE 754), zero or above; `None` for
/// others. Read by hand: the core has no floating point.
pub(super) fn whole_float(bytes: &[u8]) -> Option<u64> {
    let bits = unsigned(bytes)?;
    let (exponent, fraction, digits) = match bytes.len() {
        4 => ((bits >> 23) & 0xff, (bits & 0x7f_ffff) | 0x80_0000, 127 + 23),
        8 => ((bits >> 52) & 0x7ff, (bits & 0xf_ffff_ffff_ffff) | 0x10_0000_0000_0000, 1023 + 52),
        _ => return None,
    };
    let negative = bits >> (bytes.len() * 8 - 1) == 1;
    let shift = i64::try_from(exponent).ok()? - digits;
    match shift {
        _ if exponent == 0 => Some(0),
        _ if negative => None,
        0..=10 => Some(fraction << shift),
        -63..=-1 => Some(fraction >> -shift),
        i64::MIN..=-64 => Some(0),
        _ => None,
    }
}

/// The elements of a body that is in memory; it ends at the first that is broken or not whole.
pub(super) fn children(mut body: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    core::iter::from_fn(move || {
        let First::Header(header) = header(body) else { return None };
        let rest = body.get(header.length..)?;
        let size = usize::try_from(header.size?).ok()?;
        let (content, after) = rest.split_at_checked(size)?;
        body = after;
        Some((header.id, content))
    })
}

/// The body of the first child with this identifier.
pub(super) fn child(body: &[u8], id: u32) -> Option<&[u8]> {
    children(body).find(|it| it.0 == id).map(|it| it.1)
}

/// The first child with this identifier, as an unsigned integer.
pub(super) fn number(body: &[u8], id: u32) -> Option<u64> {
    unsigned(child(body, id)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn a_header_tells_how_many_bytes_it_needs() {
        let whole = [0x1f, 0x43, 0xb6, 0x75, 0x08, 0x00, 0x00, 0x01, 0x02];
        for (n, needed) in [(0, 2), (1, 5), (4, 5), (5, 9), (8, 9)] {
            assert_eq!(header(&whole[..n]), First::Short(needed), "{n} bytes");
        }
        let read = Header { id: 0x1f43_b675, length: 9, size: Some(0x102) };
        assert_eq!(header(&whole), First::Header(read));
    }

    #[test]
    fn a_size_of_ones_is_unknown_in_every_length() {
        for size in [&[0xff][..], &[0x7f, 0xff], &[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]] {
            let bytes = [&[0xa3][..], size].concat();
            let length = bytes.len();
            assert_eq!(header(&bytes), First::Header(Header { id: 0xa3, length, size: None }));
        }
    }

    #[test]
    fn what_cannot_begin_an_element_is_bad() {
        assert_eq!(header(&[0x00, 0x00]), First::Bad);
        assert_eq!(header(&[0x08, 0x00]), First::Bad);
        assert_eq!(header(&[0xa3, 0x00]), First::Bad);
        // "<htm" is an identifier of two bytes, and a size.
        assert_eq!(
            header(b"<!DOCTYPE"),
            First::Header(Header { id: 0x003c_2144, length: 5, size: Some(0x0f43) })
        );
    }

    #[test]
    fn floats_lose_their_fraction() {
        for value in [0.0f64, 0.4, 1.0, 60_000.0, 5_280.9, 9_007_199_254_740_993.0] {
            assert_eq!(whole_float(&value.to_be_bytes()), Some(value as u64), "{value}");
        }
        for value in [0.25f32, 1.0, 60_000.5] {
            assert_eq!(whole_float(&value.to_be_bytes()), Some(value as u64), "{value}");
        }
        for value in [-1.0f64, f64::INFINITY, f64::NAN] {
            assert_eq!(whole_float(&value.to_be_bytes()), None, "{value}");
        }
        assert_eq!(whole_float(&[1, 2, 3]), None);
    }

    #[test]
    fn children_end_at_the_first_that_is_not_whole() {
        let body = [0xb3, 0x81, 7, 0xec, 0x80, 0xb7, 0x82, 1];
        let read: Vec<_> = children(&body).collect();
        assert_eq!(read, [(0xb3, &[7][..]), (0xec, &[][..])]);
        assert_eq!((number(&body, 0xb3), number(&body, 0xb7)), (Some(7), None));
    }
}
