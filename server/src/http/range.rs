//! PURE: byte ranges of whole resources (RFC 9110 section 14).

use std::ops::Range;

/// What a `Range` header asks of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// All of it: no header, or one that may be ignored (several ranges, other units, nonsense).
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes that it does not have: 416.
    Outside,
}

/// Reads a `Range` header for a resource of `length` bytes.
pub fn asked(header: Option<&str>, length: u64) -> Asked {
    let Some(spec) = header.and_then(|h| h.strip_prefix("bytes=")) else { return Asked::Whole };
    let Some((first, last)) = spec.split_once('-') else { return Asked::Whole };
    let (first, last) = (first.trim(), last.trim());
    let range = if first.is_empty() {
        // The last so many bytes.
        let Ok(n) = last.parse::<u64>() else { return Asked::Whole };
        length.saturating_sub(n)..length
    } else {
        let Ok(first) = first.parse::<u64>() else { return Asked::Whole };
        let end = match last {
            "" => length,
            last => match last.parse::<u64>() {
                Ok(last) if last >= first => last.saturating_add(1).min(length),
                _ => return Asked::Whole,
            },
        };
        first..end
    };
    if range.start >= range.end { Asked::Outside } else { Asked::Part(range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        for (header, meaning) in [
            (None, Asked::Whole),
            (Some("bytes=0-9"), Asked::Part(0..10)),
            (Some("bytes=90-"), Asked::Part(90..100)),
            (Some("bytes=90-1000"), Asked::Part(90..100)),
            (Some("bytes=-10"), Asked::Part(90..100)),
            (Some("bytes=-1000"), Asked::Part(0..100)),
            (Some("bytes=100-"), Asked::Outside),
            (Some("bytes=-0"), Asked::Outside),
            (Some("bytes=5-4"), Asked::Whole),
            (Some("bytes=0-1,5-6"), Asked::Whole),
            (Some("bytes=a-"), Asked::Whole),
            (Some("lines=1-2"), Asked::Whole),
        ] {
            assert_eq!(asked(header, 100), meaning, "{header:?}");
        }
    }
}
