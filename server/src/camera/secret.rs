//! Secrets, and keeping them out of everything that people or programs can read.
//!
//! [`Secret`] is a text that does not print. [`Redactor`] knows every secret of this process and
//! takes them out of lines that others wrote: ffmpeg repeats whole addresses on stderr. It is
//! applied to each of those lines, and once more to each line that goes to the log.
//!
//! A password turns up in several spellings: as typed, percent-encoded (RFC 3986 2.1) in either
//! case, as part of a Basic authorization (RFC 7617), escaped inside JSON or HTML.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Shorter secrets are only taken out where they stand as the password of an address: replacing a
/// two-letter word everywhere would make logs unreadable and so tell what it is.
const SHORTEST_WORD: usize = 3;

/// A text that never prints, whatever prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes `text` as a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d).map(Self)
    }
}

/// Knows all secrets of the process; clones share what they know.
#[derive(Clone, Default)]
pub struct Redactor {
    words: Arc<RwLock<Vec<String>>>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// Learns the password of `user` in all its spellings.
    pub fn learn(&self, user: &str, password: &Secret) {
        let plain = password.expose();
        let mut words = vec![
            plain.to_owned(),
            percent_encode(plain),
            lowercase_escapes(&percent_encode(plain)),
            base64(format!("{user}:{plain}").as_bytes()),
            plain.replace('\\', "\\\\").replace('"', "\\\""),
            plain
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&quot;"),
        ];
        words.retain(|w| w.len() >= SHORTEST_WORD);
        let mut known = self.words.write().unwrap_or_else(PoisonError::into_inner);
        for word in words {
            if !known.contains(&word) {
                known.push(word);
            }
        }
        // The longest first: a password may be a part of another.
        known.sort_by_key(|w| std::cmp::Reverse(w.len()));
    }

    /// Learns a word that is secret by itself, such as a token in an address's query.
    pub fn learn_word(&self, word: &str) {
        self.learn("", &Secret::new(word));
    }

    /// `line` without any secret, and without the user part of any address.
    pub fn clean(&self, line: &str) -> String {
        let mut out = line.to_owned();
        for word in self.words.read().unwrap_or_else(PoisonError::into_inner).iter() {
            if out.contains(word.as_str()) {
                out = out.replace(word.as_str(), MASK);
            }
        }
        strip_userinfo(&out)
    }
}

/// Replaces what stands between `://` and the last `@` before the address's path.
fn strip_userinfo(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        out.push_str(head);
        let end = tail
            .find(|c: char| c == '/' || c.is_whitespace() || c == '\'' || c == '"')
            .unwrap_or(tail.len());
        match tail[..end].rfind('@') {
            Some(i) => {
                out.push_str(MASK);
                rest = &tail[i..];
            }
            None => rest = tail,
        }
    }
    out.push_str(rest);
    out
}

/// Percent-encodes all but the unreserved characters of RFC 3986 2.3.
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for &b in text.as_bytes() {
        push_encoded(&mut out, b, |b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    }
    out
}

/// Appends `byte` as it is when `keep` says so, else as `%XX`.
pub(crate) fn push_encoded(out: &mut String, byte: u8, keep: impl Fn(u8) -> bool) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    if byte.is_ascii() && keep(byte) {
        out.push(char::from(byte));
    } else {
        out.push('%');
        for nibble in [byte >> 4, byte & 15] {
            out.push(char::from(HEX.get(usize::from(nibble)).copied().unwrap_or(b'0')));
        }
    }
}

/// The same percent-encoded text with its escapes in lower case.
fn lowercase_escapes(encoded: &str) -> String {
    let mut out = String::with_capacity(encoded.len());
    let mut escape = 0;
    for c in encoded.chars() {
        if c == '%' {
            escape = 2;
            out.push(c);
        } else if escape > 0 {
            escape -= 1;
            out.push(c.to_ascii_lowercase());
        } else {
            out.push(c);
        }
    }
    out
}

/// Base64 with padding (RFC 4648 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word =
            group.iter().fold(0u32, |w, &b| (w << 8) | u32::from(b)) << (8 * (3 - group.len()));
        for i in 0..4 {
            let index = (word >> (18 - 6 * i)) & 63;
            out.push(if i <= group.len() {
                char::from(ALPHABET.get(index as usize).copied().unwrap_or(b'='))
            } else {
                '='
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(password: &str) -> Redactor {
        let r = Redactor::default();
        r.learn("admin", &Secret::new(password));
        r
    }

    #[test]
    fn a_secret_does_not_print() {
        let s = Secret::new("hunter2");
        assert_eq!(format!("{s} {s:?} {:?}", Some(&s)), "*** *** Some(***)");
    }

    #[test]
    fn a_line_loses_the_password_in_every_spelling() {
        let r = redactor("Ab@2018!:%x");
        for line in [
            "Impossible to open 'rtsp://admin:Ab@2018!:%x@h/ch'",
            "Impossible to open 'rtsp://admin:Ab%402018%21%3A%25x@h/ch'",
            "rtsp://admin:Ab%402018%21%3a%25x@h/ch failed",
            "password is Ab@2018!:%x, he said",
            "Authorization: Basic YWRtaW46QWJAMjAxOCE6JXg=",
        ] {
            let clean = r.clean(line);
            assert!(!clean.contains("2018") && !clean.contains("YWRt"), "{clean}");
        }
    }

    #[test]
    fn the_user_part_of_any_address_goes_even_when_it_is_not_known() {
        let r = Redactor::default();
        assert_eq!(r.clean("open rtsp://a:b@c@host:554/x@y"), "open rtsp://***@host:554/x@y");
        assert_eq!(r.clean("see https://host/x?a=b@c"), "see https://host/x?a=b@c");
        assert_eq!(r.clean("tcp://h:1 and rtsp://u:p@h"), "tcp://h:1 and rtsp://***@h");
    }

    #[test]
    fn a_password_of_two_letters_does_not_mask_every_word() {
        assert_eq!(redactor("at").clean("that is rtsp://admin:at@h/"), "that is rtsp://***@h/");
    }

    #[test]
    fn quotes_in_a_password_are_found_in_json_and_html() {
        let r = redactor("a\"b<c");
        assert_eq!(r.clean(r#"{"x":"a\"b<c"}"#), r#"{"x":"***"}"#);
        assert_eq!(r.clean("<p>a&quot;b&lt;c</p>"), "<p>***</p>");
    }

    #[test]
    fn base64_pads_as_the_rfc_says() {
        assert_eq!(base64(b"f"), "Zg==");
        assert_eq!(base64(b"fo"), "Zm8=");
        assert_eq!(base64(b"foobar"), "Zm9vYmFy");
    }
}
