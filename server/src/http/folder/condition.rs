//! PURE: whether the client has the file already (RFC 9110, 8.8 and 13).
//!
//! A file's tag is made of what the file system says of it. A file that changed a moment ago may
//! change again without a trace in its time, so its tag is weak for a while: it cannot join two
//! ranges (8.8.1).

use std::time::Duration;

use http::{HeaderMap, header};
use httpdate::HttpDate;

/// A file that did not change for this long is no longer being written.
const SETTLED: Duration = Duration::from_secs(2);

/// What tells one content of a file from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Validators {
    /// `ETag`.
    pub(super) tag: String,
    /// `Last-Modified`.
    pub(super) changed: HttpDate,
    /// It has not changed for a while.
    pub(super) settled: bool,
}

/// What a request's conditions ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The file.
    File,
    /// Nothing: 304.
    NotModified,
    /// Nothing: 412.
    Failed,
}

impl Validators {
    /// Of a file with this identity (device and inode, size, time in nanoseconds), which changed so
    /// long ago.
    pub(super) fn new(identity: [u64; 4], changed: HttpDate, age: Option<Duration>) -> Self {
        let settled = age.is_some_and(|age| age > SETTLED);
        let [device, inode, size, ns] = identity;
        let weak = if settled { "" } else { "W/" };
        let tag = format!("{weak}\"{:x}-{size:x}-{ns:x}\"", device.rotate_left(48) ^ inode);
        Self { tag, changed, settled }
    }

    /// Whether an `If-Range` is of this content (13.1.5).
    pub(super) fn is_range_of(&self, field: &str) -> bool {
        let same_time = || field.parse::<HttpDate>().is_ok_and(|date| date == self.changed);
        self.settled && (field == self.tag || same_time())
    }

    /// What `headers` ask for, in the order of 13.2.2.
    pub(super) fn asked(&self, headers: &HeaderMap) -> Asked {
        let date = |name| headers.get(name)?.to_str().ok()?.parse::<HttpDate>().ok();
        if headers.contains_key(header::IF_MATCH) {
            if !self.is_in(headers, header::IF_MATCH, |tag| self.settled && tag == self.tag) {
                return Asked::Failed;
            }
        } else if date(header::IF_UNMODIFIED_SINCE).is_some_and(|date| date < self.changed) {
            return Asked::Failed;
        }
        let opaque = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag).to_owned();
        if headers.contains_key(header::IF_NONE_MATCH) {
            if self.is_in(headers, header::IF_NONE_MATCH, |tag| opaque(tag) == opaque(&self.tag)) {
                return Asked::NotModified;
            }
        } else if self.settled
            && date(header::IF_MODIFIED_SINCE).is_some_and(|date| date >= self.changed)
        {
            return Asked::NotModified;
        }
        Asked::File
    }

    /// Whether a list of tags has one that `is`. Tags of this server have no comma in them.
    fn is_in(
        &self,
        headers: &HeaderMap,
        name: header::HeaderName,
        is: impl Fn(&str) -> bool,
    ) -> bool {
        let fields = headers.get_all(name).iter().filter_map(|field| field.to_str().ok());
        fields.flat_map(|field| field.split(',')).map(str::trim).any(|tag| tag == "*" || is(tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    const THEN: &str = "Sat, 28 Nov 2026 20:00:00 GMT";

    fn validators(age: u64) -> Validators {
        let age = Some(Duration::from_secs(age));
        Validators::new([1, 2, 3, 4], THEN.parse().unwrap(), age)
    }

    #[test]
    fn a_client_that_has_it_gets_nothing() {
        let tag = validators(60).tag;
        let weak = format!("W/{tag}");
        let list = format!("\"x\", {weak}");
        for (name, value, asked) in [
            ("if-none-match", tag.as_str(), Asked::NotModified),
            ("if-none-match", &weak, Asked::NotModified),
            ("if-none-match", &list, Asked::NotModified),
            ("if-none-match", "*", Asked::NotModified),
            ("if-none-match", "\"x\"", Asked::File),
            ("if-modified-since", THEN, Asked::NotModified),
            ("if-modified-since", "Sat, 28 Nov 2026 19:59:59 GMT", Asked::File),
            ("if-modified-since", "yesterday", Asked::File),
            ("if-match", &tag, Asked::File),
            ("if-match", &weak, Asked::Failed),
            ("if-match", "\"x\"", Asked::Failed),
            ("if-match", "*", Asked::File),
            ("if-unmodified-since", THEN, Asked::File),
            ("if-unmodified-since", "Sat, 28 Nov 2026 19:59:59 GMT", Asked::Failed),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_str(value).unwrap());
            assert_eq!(validators(60).asked(&headers), asked, "{name}: {value}");
        }
        let mut both = HeaderMap::new();
        both.insert("if-none-match", HeaderValue::from_static("\"x\""));
        both.insert("if-modified-since", HeaderValue::from_static(THEN));
        assert_eq!(validators(60).asked(&both), Asked::File, "the tag goes first");
    }

    #[test]
    fn what_is_being_written_cannot_be_joined_and_its_time_says_nothing() {
        let young = validators(1);
        assert!(young.tag.starts_with("W/\"") && !young.is_range_of(&young.tag));
        assert!(!young.is_range_of(THEN));
        let old = validators(3);
        assert!(old.is_range_of(&old.tag) && old.is_range_of(THEN) && !old.is_range_of("\"x\""));
        let mut headers = HeaderMap::new();
        headers.insert("if-modified-since", HeaderValue::from_static(THEN));
        assert_eq!(young.asked(&headers), Asked::File);
        headers.insert("if-none-match", HeaderValue::from_str(&old.tag).unwrap());
        assert_eq!(young.asked(&headers), Asked::NotModified);
    }

    #[test]
    fn another_content_has_another_tag() {
        let tag = |identity| Validators::new(identity, THEN.parse().unwrap(), None).tag;
        let all = [[1, 2, 3, 4], [9, 2, 3, 4], [1, 9, 3, 4], [1, 2, 9, 4], [1, 2, 3, 9]].map(tag);
        for (i, one) in all.iter().enumerate() {
            assert!(!all[i + 1..].contains(one), "{all:?}");
        }
    }
}
