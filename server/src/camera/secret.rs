//! Secrets: keeps them out of everything that people or programs can read.
//!
//! [`Secret`] is a text that does not print. [`Redactor`] knows every secret of this process and
//! removes them from lines of other programs: ffmpeg repeats whole addresses on stderr. It is
//! applied to each of those lines, and once more to each line that goes to the log.
//!
//! A password has several spellings: as typed, percent-encoded (RFC 3986 2.1) in either case, as
//! part of a Basic authorization (RFC 7617), escaped inside JSON or HTML. Of any address, only host
//! and port remain: many cameras have the login in the path. ffmpeg and the camera may repeat that
//! path in any form, so their lines also go through [`Redactor::clean_foreign`], which knows the
//! words of each camera's path. Our own lines do not: such a word may be a camera's name too.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// The replacement for a secret.
pub const MASK: &str = "***";

/// Shorter secrets are removed only as the password of an address: removing a two-letter word
/// everywhere would make logs unreadable and so reveal the word.
const SHORTEST_WORD: usize = 3;

/// A text that is never printed, by any formatter.
#[derive(Clone, Default, PartialEq, Eq)]
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

/// Knows all secrets of the process; clones share their knowledge.
#[derive(Clone, Default)]
pub struct Redactor {
    known: Arc<RwLock<Known>>,
}

/// Each in all its spellings, longest first: a secret may be part of another.
#[derive(Default)]
struct Known {
    /// Removed from every line.
    secrets: Vec<String>,
    /// Removed from every line of another program: these words, and the secrets.
    foreign: Vec<String>,
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
        let mut words = spellings(plain);
        words.push(base64(format!("{user}:{plain}").as_bytes()));
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        add(&mut known.foreign, &words);
        add(&mut known.secrets, &words);
    }

    /// Learns a word that is secret by itself, such as a token in an address's query.
    pub fn learn_word(&self, word: &str) {
        self.learn("", &Secret::new(word));
    }

    /// Learns a word that lines of other programs must not contain: a part of a camera's path.
    pub fn learn_foreign(&self, word: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        add(&mut known.foreign, &spellings(word));
    }

    /// `line` without any secret; addresses keep only scheme, host and port.
    pub fn clean(&self, line: &str) -> String {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        strip_addresses(&without(line, &known.secrets))
    }

    /// `line` of ffmpeg or a camera, without any secret or word of a camera's path. `cut`: its end
    /// is missing, and may be the end of such a word.
    pub fn clean_foreign(&self, line: &str, cut: bool) -> String {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        // First remove what would end an address too early, then shorten addresses to their host.
        let ends = |word: &&String| word.contains(|c| c == '/' || ends_address(c));
        let line = strip_addresses(&without(line, known.secrets.iter().filter(ends)));
        let mut clean = without(&line, &known.foreign);
        if cut {
            let longest = known.foreign.first().map_or(0, String::len);
            let keep = clean.len().saturating_sub(longest);
            clean.truncate(clean.floor_char_boundary(keep));
            // An address that has lost its end may have lost what tells its parts apart.
            if let Some(at) = clean.rfind("://").filter(|at| !clean[*at..].contains(' ')) {
                clean.truncate(at + 3);
            }
        }
        clean
    }
}

fn add(list: &mut Vec<String>, words: &[String]) {
    list.extend(words.iter().filter(|w| w.len() >= SHORTEST_WORD).cloned());
    list.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    list.dedup();
}

/// The spellings of a text.
fn spellings(text: &str) -> Vec<String> {
    let decoded = percent_decode(text);
    let mut all = vec![text.to_owned(), decoded.clone()];
    for plain in [text, &decoded] {
        let encoded = percent_encode(plain);
        all.push(lowercase_escapes(&encoded));
        all.push(encoded);
        all.push(plain.replace('\\', "\\\\").replace('"', "\\\""));
        let html = plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        all.push(html.replace('"', "&quot;"));
    }
    all
}

fn without<'a>(line: &str, words: impl IntoIterator<Item = &'a String>) -> String {
    let mut out = line.to_owned();
    for word in words {
        if out.contains(word.as_str()) {
            out = out.replace(word.as_str(), MASK);
        }
    }
    out
}

/// Of every address, leaves scheme, host and port: `rtsp://***@host:554/***`. What stands between
/// `://` and the last `@` before the path is a login, and a path or query may hold one.
fn strip_addresses(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at + 3);
        out.push_str(head);
        let (address, after) = tail.split_at(tail.find(ends_address).unwrap_or(tail.len()));
        let (authority, path) = address.split_at(address.find('/').unwrap_or(address.len()));
        let (login, place) = match authority.rfind('@') {
            Some(i) => (Some(&authority[..i]), &authority[i + 1..]),
            None => (None, authority),
        };
        let (place, query) = place.split_at(place.find(['?', '#']).unwrap_or(place.len()));
        if login.is_some() {
            out.push_str(MASK);
            out.push('@');
        }
        // A login without its end (`@`) is no host and port.
        out.push_str(if is_place(place) { place } else { MASK });
        if path.len() > 1 || query.len() > 1 {
            out.push('/');
            out.push_str(MASK);
        } else {
            out.push_str(path);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn ends_address(c: char) -> bool {
    c.is_whitespace() || "'\"<>".contains(c)
}

/// `host`, `host:port`, `[v6]:port`, and a stop or bracket after it.
fn is_place(text: &str) -> bool {
    let text = text.trim_end_matches(['.', ',', ':', ')', ';']);
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (text, ""),
    };
    let v6 = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._%".contains(c);
    v6.unwrap_or(host).chars().all(|c| fits(c) || v6.is_some() && c == ':')
        && port.chars().all(|c| c.is_ascii_digit())
        && port.len() <= 5
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

/// True when `%` at `i` begins an escape.
pub(super) fn is_escape(bytes: &[u8], i: usize) -> bool {
    matches!(bytes.get(i + 1..i + 3), Some(hex) if hex.iter().all(u8::is_ascii_hexdigit))
}

/// The text of which this is percent-encoded; what is no escape stays.
pub(super) fn percent_decode(text: &str) -> String {
    String::from_utf8_lossy(&percent_bytes(text)).into_owned()
}

/// The bytes of which this is percent-encoded; what is no escape stays.
pub(crate) fn percent_bytes(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        let hex = text.get(i + 1..i + 3).and_then(|h| u8::from_str_radix(h, 16).ok());
        match hex {
            Some(value) if b == b'%' && is_escape(bytes, i) => {
                out.push(value);
                i += 3;
            }
            _ => {
                out.push(b);
                i += 1;
            }
        }
    }
    out
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
        assert_eq!(r.clean("open rtsp://a:b@c@host:554/x@y"), "open rtsp://***@host:554/***");
        assert_eq!(r.clean("see https://host/x?a=b@c"), "see https://host/***");
        assert_eq!(r.clean("tcp://h:1 and rtsp://u:p@h"), "tcp://h:1 and rtsp://***@h");
        for (line, clean) in [
            ("to tcp://10.0.0.9:554?timeout=5 failed: x", "to tcp://10.0.0.9:554/*** failed: x"),
            ("'rtsp://h/user=a_password=b' is away", "'rtsp://h/***' is away"),
            ("rtsp://u:p?a#b@h?key=b", "rtsp://***@h/***"),
            ("rtsp://[fe80::1]:554/a", "rtsp://[fe80::1]:554/***"),
            ("open rtsp://h/.", "open rtsp://h/***"),
            ("at http://127.0.0.1:8080/", "at http://127.0.0.1:8080/"),
            ("rtsp://admin:hun/ter2@h/x", "rtsp://***/***"),
            ("rtsp://admin:hunter2", "rtsp://***"),
            ("<rtsp://u:p@h:1>", "<rtsp://***@h:1>"),
            ("connecting to rtsp://h: refused", "connecting to rtsp://h: refused"),
        ] {
            assert_eq!(r.clean(line), clean);
        }
    }

    #[test]
    fn what_others_say_has_no_word_of_a_path_in_any_spelling() {
        let r = Redactor::default();
        r.learn_foreign("/a%2Fb/Xy7");
        r.learn_foreign("Xy7");
        for (line, clean) in [
            ("Content-Base: /a%2Fb/Xy7/", "Content-Base: ***/"),
            ("path /a/b/Xy7 not found", "path *** not found"),
            ("goto=%2Fa%2Fb%2FXy7", "goto=***"),
            ("goto=%2fa%2fb%2fXy7", "goto=***"),
            ("a=control:Xy7/trackID=1", "a=control:***/trackID=1"),
        ] {
            assert_eq!(r.clean_foreign(line, false), clean);
        }
        assert_eq!(r.clean("Xy7: live"), "Xy7: live", "our own word");
    }

    #[test]
    fn a_password_that_would_end_an_address_does_not_end_it() {
        let r = redactor("pa ss/w'rd");
        r.learn_foreign("/Xy7/ch1");
        let clean = r.clean_foreign("open 'rtsp://admin:pa ss/w'rd@h:554/Xy7/ch1' failed", false);
        assert_eq!(clean, "open 'rtsp://***@h:554/***' failed");
    }

    #[test]
    fn a_line_that_was_cut_within_a_secret_has_no_part_of_it() {
        let r = redactor("Hunter2Secret");
        for end in
            ["admin:Hunter2Sec", "rtsp://admin:Hunter2Sec", "rtsp://admin:1234", "rtsp://h/x"]
        {
            let line = format!("see what a camera that says {} has to say: {end}", "x".repeat(60));
            let clean = r.clean_foreign(&line, true);
            assert!(!clean.contains("Hun") && !clean.contains("1234"), "{clean}");
            assert!(clean.starts_with("see what"), "{clean}");
        }
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
