//! Resolves references against a base URL (RFC 3986 section 5), as text: percent-encoding is not
//! changed, so URL templates pass through.

use crate::media::text::{cut, last_of, parts, split_once};
use alloc::borrow::ToOwned;
use alloc::string::String;

/// The parts of a URI reference (RFC 3986 appendix B), without their marks.
#[derive(Clone, Copy)]
struct Parts<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let (rest, fragment) = split(text, b'#');
        let (rest, query) = split(rest, b'?');
        let (scheme, rest) = match split_once(rest, b':') {
            Some((scheme, after)) if is_scheme(scheme) => (Some(scheme), after),
            _ => (None, rest),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(after) => {
                let (authority, path) = cut(after, b"/");
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Self { scheme, authority, path, query, fragment }
    }
}

fn split(text: &str, mark: u8) -> (&str, Option<&str>) {
    split_once(text, mark).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

/// The address that `reference` means in a document at `base` (RFC 3986 5.2.2). The base's
/// fragment is ignored.
pub fn resolve(base: &str, reference: &str) -> String {
    let reference = reference.trim_ascii();
    let r = Parts::of(reference);
    if r.scheme.is_some() {
        return reference.to_owned();
    }
    let b = Parts::of(base);
    let mut out = String::with_capacity(base.len().saturating_add(reference.len()));
    if let Some(scheme) = b.scheme {
        out.push_str(scheme);
        out.push(':');
    }
    let mut query = r.query;
    let authority = r.authority.or(b.authority);
    if let Some(authority) = authority {
        out.push_str("//");
        out.push_str(authority);
    }
    if r.authority.is_some() || r.path.starts_with('/') {
        push_path(&mut out, "", r.path);
    } else if r.path.is_empty() {
        out.push_str(b.path);
        query = query.or(b.query);
    } else {
        let directory = last_of(b.path, b'/').and_then(|i| b.path.get(..=i)).unwrap_or("");
        let root = if directory.is_empty() && b.authority.is_some() { "/" } else { directory };
        push_path(&mut out, root, r.path);
    }
    for (mark, part) in [('?', query), ('#', r.fragment)] {
        if let Some(part) = part {
            out.push(mark);
            out.push_str(part);
        }
    }
    out
}

/// Whether it has a scheme, so that the base does not matter.
pub fn is_absolute(reference: &str) -> bool {
    Parts::of(reference.trim_ascii()).scheme.is_some()
}

/// The path of an address: the part that no other host and no other token changes.
pub fn path(url: &str) -> &str {
    Parts::of(url).path
}

/// The address without user, password and fragment, safe to show and to log.
pub fn redact(url: &str) -> String {
    let (url, _) = cut(url, b"#");
    let slashes = url.as_bytes().windows(2).position(|it| it == b"//");
    let Some(start) = slashes.map(|i| i + 2) else { return url.to_owned() };
    let (head, rest) = url.split_at_checked(start).unwrap_or((url, ""));
    // Camera passwords may contain "@" unescaped: the last one before the path ends them.
    let user = last_of(cut(rest, b"/?").0, b'@');
    let from = user.map_or(0, |i| i + 1);
    [head, rest.get(from..).unwrap_or("")].concat()
}

/// Appends `directory` and `path`, with dot segments removed (RFC 3986 5.2.4).
fn push_path(out: &mut String, directory: &str, path: &str) {
    let root = out.len();
    let all = [directory, path].concat();
    let mut segments = parts(&all, b'/').peekable();
    if all.starts_with('/') {
        segments.next();
        out.push('/');
    }
    let root = root.max(out.len());
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." => {}
            ".." => {
                let kept = out.get(root..).unwrap_or("");
                let kept = kept.strip_suffix('/').unwrap_or(kept);
                let keep = root + last_of(kept, b'/').map_or(0, |i| i + 1);
                out.truncate(keep);
            }
            _ => {
                out.push_str(segment);
                if !last {
                    out.push('/');
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_resolve_as_in_the_examples_of_rfc_3986() {
        // Sections 5.4.1 and 5.4.2.
        let cases = [
            ("g:h", "g:h"),
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q#s"),
            ("g#s", "http://a/b/c/g#s"),
            (";x", "http://a/b/c/;x"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("./", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("../../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            ("..g", "http://a/b/c/..g"),
            ("./../g", "http://a/b/g"),
            ("g/./h", "http://a/b/c/g/h"),
            ("g/../h", "http://a/b/c/h"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
        ];
        for (reference, expected) in cases {
            assert_eq!(resolve("http://a/b/c/d;p?q#f", reference), expected, "{reference}");
        }
    }

    #[test]
    fn manifests_addresses_resolve_too() {
        let cases = [
            ("https://h/cam/index.mpd?t=1", "$Number%05d$.m4s", "https://h/cam/$Number%05d$.m4s"),
            ("https://h", "a.m4s", "https://h/a.m4s"),
            ("https://h?x=1", "a.m4s", "https://h/a.m4s"),
            ("https://h:8080/a", "//cdn/b", "https://cdn/b"),
            ("https://h/a/", " b c.mp4 ", "https://h/a/b c.mp4"),
            ("https://h/a/x.mpd", "12:30/seg.m4s", "https://h/a/12:30/seg.m4s"),
            ("dir/x.mpd", "seg.m4s", "dir/seg.m4s"),
            ("dir/x.mpd", "../../seg.m4s", "seg.m4s"),
            ("x.mpd", "seg.m4s", "seg.m4s"),
            ("", "seg.m4s", "seg.m4s"),
            ("file:///d/x.mpd", "seg.m4s", "file:///d/seg.m4s"),
            ("https://h/a//b/x.mpd", "../c", "https://h/a//c"),
            ("https://h/a//b/x.mpd", "../../c", "https://h/a/c"),
        ];
        for (base, reference, expected) in cases {
            assert_eq!(resolve(base, reference), expected, "{reference} in {base}");
        }
        let paths = ["https://h/a/b?t=1#f", "//u@h:1/a/b", "/a/b?x", "a:/a/b"].map(path);
        assert_eq!(paths, ["/a/b"; 4]);
        assert!(is_absolute("https://h/") && is_absolute(" data:,x"));
        assert!(!is_absolute("//h/") && !is_absolute("a/b:c") && !is_absolute("1:2"));
    }

    #[test]
    fn what_is_shown_has_no_password() {
        let cases = [
            ("https://h/a?x=1#t=5", "https://h/a?x=1"),
            ("https://user:pw@h:80/a", "https://h:80/a"),
            ("http://u:p@ss@h:1?b", "http://h:1?b"),
            ("rtsp://admin:Ab@2018!@192.168.40.105:554/x", "rtsp://192.168.40.105:554/x"),
            ("https://h/a@b", "https://h/a@b"),
            ("relative/x.mpd", "relative/x.mpd"),
            ("", ""),
        ];
        for (url, expected) in cases {
            assert_eq!(redact(url), expected);
        }
    }
}
