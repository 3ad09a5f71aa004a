//! PURE: byte ranges (RFC 9110, section 14).

use std::ops::Range;

use http::{HeaderMap, Method, header};

/// The content of a `Range` field, before the resource's length is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranges(Vec<Spec>);

/// One of its ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spec {
    /// From this byte on, to this one or to the end.
    From(u64, Option<u64>),
    /// This many bytes at the end.
    Last(u64),
}

/// The part of a resource to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// All of it. Also for several ranges, which a server may ignore (RFC 9110, 14.2).
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes beyond its end: 416.
    Outside,
}

impl Ranges {
    /// The ranges of a request for what has no validator for `If-Range` (13.1.5); `None` if there are
    /// none that count: only GET has ranges (14.2), and an invalid field is ignored.
    pub fn of(method: &Method, headers: &HeaderMap) -> Option<Self> {
        Self::of_same(method, headers, |_| false)
    }

    /// The same for what has a validator: `same` says whether an `If-Range` is of it.
    pub fn of_same(
        method: &Method,
        headers: &HeaderMap,
        same: impl Fn(&str) -> bool,
    ) -> Option<Self> {
        let one = |name| {
            let mut fields = headers.get_all(name).iter();
            fields.next().filter(|_| fields.next().is_none())?.to_str().ok()
        };
        let is_same = || one(header::IF_RANGE).is_some_and(same);
        if method != Method::GET || headers.contains_key(header::IF_RANGE) && !is_same() {
            return None;
        }
        Self::read(one(header::RANGE)?)
    }

    fn read(field: &str) -> Option<Self> {
        let (unit, set) = field.split_once('=')?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        // A list may have empty elements, and blanks around commas (5.6.1.2).
        let set = set.split(',').map(|spec| spec.trim_matches([' ', '\t']));
        let specs: Option<Vec<Spec>> = set.filter(|spec| !spec.is_empty()).map(spec).collect();
        specs.filter(|specs| !specs.is_empty()).map(Self)
    }

    /// The part to send of a resource of `length` bytes.
    pub fn asked(&self, length: u64) -> Asked {
        let mut found = self.0.iter().map(|spec| spec.within(length)).filter(|r| r.start < r.end);
        match (found.next(), found.next()) {
            (None, _) => Asked::Outside,
            (Some(one), None) => Asked::Part(one),
            _ => Asked::Whole,
        }
    }

    /// How many bytes of a growing resource must exist before the answer is known; `u64::MAX` for
    /// all of them. If all is asked for from the start: none.
    pub fn needs(&self) -> u64 {
        match self.0.as_slice() {
            [Spec::From(0, None)] => 0,
            [Spec::From(_, Some(last))] => last.saturating_add(1),
            [_] => u64::MAX,
            _ => 0,
        }
    }
}

impl Spec {
    fn within(self, length: u64) -> Range<u64> {
        match self {
            Self::From(first, last) => {
                first..last.map_or(length, |last| last.saturating_add(1).min(length))
            }
            Self::Last(n) => length.saturating_sub(n)..length,
        }
    }
}

fn spec(text: &str) -> Option<Spec> {
    let (first, last) = text.split_once('-')?;
    match (first, last) {
        ("", n) => Some(Spec::Last(digits(n)?)),
        (first, "") => Some(Spec::From(digits(first)?, None)),
        (first, last) => {
            let (first, last) = (digits(first)?, digits(last)?);
            (first <= last).then_some(Spec::From(first, Some(last)))
        }
    }
}

/// Digits only; a number beyond the largest possible is that largest number.
fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: &str) -> Option<Ranges> {
        Ranges::read(field)
    }

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        for (field, meaning) in [
            ("bytes=0-9", Asked::Part(0..10)),
            ("bytes=0-", Asked::Part(0..100)),
            ("bytes=90-", Asked::Part(90..100)),
            ("bytes=90-1000", Asked::Part(90..100)),
            ("bytes=0-99999999999999999999999", Asked::Part(0..100)),
            ("bytes=-10", Asked::Part(90..100)),
            ("bytes=-1000", Asked::Part(0..100)),
            ("bytes=-99999999999999999999999", Asked::Part(0..100)),
            ("bytes=007-008", Asked::Part(7..9)),
            ("Bytes=1-1", Asked::Part(1..2)),
            ("bytes= 1-2", Asked::Part(1..3)),
            ("bytes=,1-2 ,", Asked::Part(1..3)),
            ("bytes=100-", Asked::Outside),
            ("bytes=100-200", Asked::Outside),
            ("bytes=99999999999999999999999-", Asked::Outside),
            ("bytes=-0", Asked::Outside),
            ("bytes=100-,200-300,-0", Asked::Outside),
            ("bytes=0-1,200-", Asked::Part(0..2)),
            ("bytes=0-1,5-6", Asked::Whole),
            ("bytes=0-1, -1", Asked::Whole),
        ] {
            assert_eq!(read(field).map(|r| r.asked(100)), Some(meaning), "{field}");
        }
    }

    #[test]
    fn what_is_no_range_is_ignored() {
        for field in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "bytes=-",
            "bytes=5-4",
            "bytes=a-",
            "bytes=+1-2",
            "bytes=1-+2",
            "bytes=-+5",
            "bytes=--5",
            "bytes=1 - 2",
            "bytes=1-2-3",
            "bytes=0x1-2",
            "bytes=1.0-2",
            "bytes =1-2",
            "bytes:1-2",
            "lines=1-2",
            "bytes=0-1,a-",
            "bytes=0-1;2-3",
            "bytes=٣-٤",
        ] {
            assert_eq!(read(field), None, "{field}");
        }
    }

    #[test]
    fn a_range_of_what_grows_needs_its_bytes() {
        for (field, bytes) in [
            ("bytes=0-", 0),
            ("bytes=0-9", 10),
            ("bytes=5-99999999999999999999999", u64::MAX),
            ("bytes=1-", u64::MAX),
            ("bytes=-5", u64::MAX),
            ("bytes=0-1,5-6", 0),
        ] {
            assert_eq!(read(field).map(|r| r.needs()), Some(bytes), "{field}");
        }
    }

    #[test]
    fn only_get_has_ranges_and_only_one_field_of_them() {
        let of = |method: Method, fields: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(*name, http::HeaderValue::from_static(value));
            }
            Ranges::of(&method, &headers).is_some()
        };
        let range = ("range", "bytes=0-1");
        assert!(of(Method::GET, &[range]));
        assert!(!of(Method::HEAD, &[range]));
        assert!(!of(Method::GET, &[range, range]));
        assert!(!of(Method::GET, &[range, ("if-range", "\"a\"")]));
        assert!(!of(Method::GET, &[]));
    }
}
