//! Codec names of RFC 6381 section 3.3 (the `codecs` parameter), both ways.
use alloc::string::String;

/// Appends `v` in decimal. (`format!` would pull in the formatting machinery.)
pub(crate) fn push_decimal(s: &mut String, v: u32) {
    if v >= 10 {
        push_decimal(s, v / 10);
    }
    s.push(digit(v % 10));
}

/// Appends `v` as two lower-case hexadecimal digits.
pub(crate) fn push_hex(s: &mut String, v: u8) {
    s.push(digit(u32::from(v >> 4)));
    s.push(digit(u32::from(v & 15)));
}

fn digit(v: u32) -> char {
    char::from_digit(v, 16).unwrap_or('0')
}
