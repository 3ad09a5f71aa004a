//! A camera's address, as people type it.
//!
//! Camera passwords often contain `@`, `!`, `:` or `%`, and people paste them unchanged. So: the
//! path begins at the first `/` after the scheme, the **last `@` before it** ends the password, the
//! first `:` before that ends the user's name. A `%` with two hexadecimal digits after it is an
//! escape (RFC 3986 2.1), any other `%` is a plain character. ffmpeg gets the address
//! percent-encoded throughout; no other program gets it.

use std::fmt;

use super::path;
use super::secret::{Redactor, Secret, is_escape, percent_decode, percent_encode, push_encoded};

/// The schemes of cameras.
const CAMERA: [&str; 2] = ["rtsp", "rtsps"];

/// The schemes of the web.
const WEB: [&str; 2] = ["http", "https"];

/// Where a camera is and how to log in to it. Prints as scheme, host and port only.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    scheme: &'static str,
    /// Percent-encoded.
    user: Option<String>,
    /// Percent-encoded.
    password: Option<Secret>,
    /// As typed, in brackets for IPv6.
    host: String,
    port: Option<u16>,
    /// Path and query, with a leading slash; it needs no quoting.
    path: Secret,
}

/// One of the parts in which an address can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Host and port.
    Host,
    /// The user's name.
    User,
    /// The password.
    Password,
    /// Path and query.
    Path,
}

/// Why an address cannot be parsed. Never repeats the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// It does not begin with a scheme that cameras use.
    Scheme,
    /// It does not begin with a scheme that cameras or web servers use.
    AnyScheme,
    /// It has no host.
    Host,
    /// The text after the host's colon is not a port.
    Port,
    /// It, or the login, has a character that cannot be typed, such as a line break.
    Control,
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "a camera's address begins with rtsp:// or rtsps://",
            Self::AnyScheme => {
                "an address begins with rtsp://, rtsps://, http:// or https://; a file has none of these"
            }
            Self::Host => "there is no host in the camera's address; it looks like rtsp://user:password@192.168.1.9:554/path",
            Self::Port => "the port in the camera's address is not a number from 1 to 65535; a `/` in a password is written %2F",
            Self::Control => "there is a line break or another control character in the camera's address or login; each is one line",
        })
    }
}

impl std::error::Error for AddressError {}

impl Address {
    /// Parses an address from a command line or a file.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        Self::parse_as(text, &CAMERA, AddressError::Scheme)
    }

    /// Parses the address of a camera, or of something on the web.
    pub fn parse_any(text: &str) -> Result<Self, AddressError> {
        Self::parse_as(text, &[CAMERA, WEB].concat(), AddressError::AnyScheme)
    }

    fn parse_as(
        text: &str,
        schemes: &[&'static str],
        none: AddressError,
    ) -> Result<Self, AddressError> {
        let text = text.trim();
        printing(text)?;
        let (scheme, rest) = text.split_once("://").ok_or(none)?;
        let known = schemes.iter().find(|known| known.eq_ignore_ascii_case(scheme));
        let scheme = *known.ok_or(none)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (login, place) = match authority.rfind('@') {
            Some(at) => (Some(&authority[..at]), &authority[at + 1..]),
            None => (None, authority),
        };
        let (user, password) = match login.map(|l| l.split_once(':').unwrap_or((l, ""))) {
            None => (None, None),
            Some((user, password)) => (
                Some(encode_typed(user)),
                (!password.is_empty()).then(|| Secret::new(encode_typed(password))),
            ),
        };
        let (host, port) = split_port(place)?;
        Ok(Self { scheme, user, password, host, port, path: Secret::new(encode_path(path)) })
    }

    /// An address from its parts, as a configuration file may give them: name and password are
    /// taken literally. The error names the part with the mistake.
    pub fn from_parts(
        host: &str,
        user: Option<&str>,
        password: Option<&Secret>,
        path: &str,
    ) -> Result<Self, (Part, AddressError)> {
        for (part, text) in [
            (Part::Host, Some(host)),
            (Part::User, user),
            (Part::Password, password.map(Secret::expose)),
            (Part::Path, Some(path)),
        ] {
            printing(text.unwrap_or_default()).map_err(|e| (part, e))?;
        }
        let (host, port) = split_port(host).map_err(|e| (Part::Host, e))?;
        let slash = if path.starts_with('/') { "" } else { "/" };
        Ok(Self {
            scheme: "rtsp",
            user: user.map(percent_encode),
            password: password.map(|p| Secret::new(percent_encode(p.expose()))),
            host,
            port,
            path: Secret::new(encode_path(&format!("{slash}{path}"))),
        })
    }

    /// The whole address with its password, for ffmpeg's input list.
    pub fn for_ffmpeg(&self) -> Secret {
        let mut out = format!("{}://", self.scheme);
        if let Some(user) = &self.user {
            out.push_str(user);
            if let Some(password) = &self.password {
                out.push(':');
                out.push_str(password.expose());
            }
            out.push('@');
        }
        out.push_str(&self.host);
        if let Some(port) = self.port {
            out.push_str(&format!(":{port}"));
        }
        out.push_str(self.path.expose());
        Secret::new(out)
    }

    /// The address without its login, the user and the password, all percent-encoded.
    pub fn apart(&self) -> (Secret, Option<&str>, Option<&Secret>) {
        let bare = Self { user: None, password: None, ..self.clone() };
        (bare.for_ffmpeg(), self.user.as_deref(), self.password.as_ref())
    }

    /// Host and port, for messages.
    pub fn place(&self) -> String {
        // RFC 2326 and RFC 7826, 4.2.
        let usual = match self.scheme {
            "rtsps" => 322,
            "http" => 80,
            "https" => 443,
            _ => 554,
        };
        format!("{}:{}", self.host, self.port.unwrap_or(usual))
    }

    /// Whether it is of something on the web.
    pub fn is_web(&self) -> bool {
        WEB.contains(&self.scheme)
    }

    /// Whether it has a user name to log in with.
    pub fn has_login(&self) -> bool {
        self.user.as_ref().is_some_and(|user| !user.is_empty())
    }

    /// Whether it contains a secret.
    pub fn holds_secret(&self) -> bool {
        self.password.is_some() || !path::secrets(self.path.expose()).is_empty()
    }

    /// Tells `redactor` every secret in this address.
    pub fn teach(&self, redactor: &Redactor) {
        if let Some(password) = &self.password {
            let plain = percent_decode(password.expose());
            let user = self.user.as_deref().map(percent_decode).unwrap_or_default();
            redactor.learn(&user, &Secret::new(plain));
            redactor.learn_word(password.expose());
        }
        for word in path::secrets(self.path.expose()) {
            redactor.learn_word(word);
        }
        for word in path::words(self.path.expose()) {
            redactor.learn_foreign(word);
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

/// Whether it has no control character. User names and passwords may not have one either (RFC 7617, 2).
fn printing(text: &str) -> Result<(), AddressError> {
    if text.chars().any(char::is_control) { Err(AddressError::Control) } else { Ok(()) }
}

/// `host`, `host:port`, `[v6]`, `[v6]:port`.
fn split_port(place: &str) -> Result<(String, Option<u16>), AddressError> {
    let split = match place.strip_prefix('[') {
        Some(v6) => v6.find(']').map(|end| end + 2).ok_or(AddressError::Host)?,
        None => place.find(':').unwrap_or(place.len()),
    };
    let (host, port) = place.split_at(split);
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._[]:%".contains(c);
    if host.is_empty() || !host.chars().all(fits) {
        return Err(AddressError::Host);
    }
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        Some(digits) => match digits.parse::<u16>() {
            Ok(n) if n > 0 => Some(n),
            _ => return Err(AddressError::Port),
        },
        None => return Err(AddressError::Port),
    };
    Ok((host.to_owned(), port))
}

/// Percent-encodes a user or password as typed, leaving escapes that are already there.
fn encode_typed(text: &str) -> String {
    encode(text, |b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
}

/// Percent-encodes the characters that an address or ffmpeg's input list cannot contain.
fn encode_path(text: &str) -> String {
    encode(text, |b| b.is_ascii_graphic() && !b"'\\\"%".contains(&b))
}

fn encode(text: &str, keep: impl Fn(u8) -> bool + Copy) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(bytes.len());
    for (i, &b) in bytes.iter().enumerate() {
        if b == b'%' && is_escape(bytes, i) {
            out.push('%');
        } else {
            push_encoded(&mut out, b, keep);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn for_ffmpeg(text: &str) -> String {
        Address::parse(text).expect("an address").for_ffmpeg().expose().to_owned()
    }

    #[test]
    fn passwords_work_as_people_type_them() {
        for (typed, sent) in [
            (
                "rtsp://admin:Ab@2018!@192.168.40.105:554/h264/ch1/main/av_stream",
                "rtsp://admin:Ab%402018%21@192.168.40.105:554/h264/ch1/main/av_stream",
            ),
            ("rtsp://u:a:b%c@h/x", "rtsp://u:a%3Ab%25c@h/x"),
            ("rtsp://u:100%@h", "rtsp://u:100%25@h"),
            ("rtsp://u:Ab%402018@h/", "rtsp://u:Ab%402018@h/"),
            ("rtsp://u:p#1?x@h/a@b?c=d", "rtsp://u:p%231%3Fx@h/a@b?c=d"),
            ("rtsp://u@h/x", "rtsp://u@h/x"),
            ("rtsps://h:322/x", "rtsps://h:322/x"),
            ("RTSP://[fe80::1]:8554/x", "rtsp://[fe80::1]:8554/x"),
            ("rtsp://u:pässe@h/ä", "rtsp://u:p%C3%A4sse@h/%C3%A4"),
        ] {
            assert_eq!(for_ffmpeg(typed), sent);
        }
    }

    #[test]
    fn nothing_in_a_path_can_end_a_quoted_line_of_the_input_list() {
        let sent = for_ffmpeg("rtsp://h/a'b\\c file 'd");
        assert!(sent.bytes().all(|b| b.is_ascii_graphic() && b != b'\'' && b != b'\\'), "{sent}");
    }

    #[test]
    fn an_address_that_cannot_be_read_says_why_and_does_not_repeat_it() {
        for (typed, why) in [
            ("http://u:secret@h/", AddressError::Scheme),
            ("192.168.1.9", AddressError::Scheme),
            ("rtsp://u:secret@/x", AddressError::Host),
            ("rtsp://u:secret@h:0/x", AddressError::Port),
            ("rtsp://u:sec/ret@h/x", AddressError::Port),
            ("rtsp://u:secret@h/x\nsecret", AddressError::Control),
            ("rtsp://u:sec\rret@h/x", AddressError::Control),
            ("rtsp://u:secret@h\t/x", AddressError::Control),
            ("rtsp://u:secret@h/\0", AddressError::Control),
            ("rtsp://u:secret@h/\u{85}x", AddressError::Control),
        ] {
            assert_eq!(Address::parse(typed), Err(why));
            let web = typed.starts_with("http://");
            assert!(web || Address::parse_any(typed).is_err());
            assert!(!why.to_string().contains("secret"));
        }
    }

    #[test]
    fn an_address_prints_without_login_and_path() {
        let a = Address::parse("rtsp://u:secret@cam.local:8554/user=a&password=b").expect("valid");
        assert_eq!(format!("{a} {a:?}"), "rtsp://cam.local:8554 Address(rtsp://cam.local:8554)");
        assert_eq!(a.place(), "cam.local:8554");
        let v6 = Address::parse("rtsp://u:secret@[fe80::1]/x").expect("valid");
        assert_eq!(v6.place(), "[fe80::1]:554");
    }

    #[test]
    fn an_address_of_the_web_is_one_only_where_it_is_asked_for() {
        let a = Address::parse_any("https://u:Ab@1!@h/live/a b.m3u8?token=x").expect("valid");
        assert_eq!(a.for_ffmpeg().expose(), "https://u:Ab%401%21@h/live/a%20b.m3u8?token=x");
        assert!(a.is_web() && a.place() == "h:443" && format!("{a}") == "https://h");
        assert!(!Address::parse_any("rtsp://h/x").expect("valid").is_web());
        let e = Address::parse_any("ftp://u:secret@h/").expect_err("no scheme").to_string();
        assert!(e.contains("http://") && !e.contains("secret"), "{e}");
    }

    #[test]
    fn a_login_in_the_path_is_a_secret_too() {
        let redactor = Redactor::default();
        Address::parse("rtsp://h/user=admin&password=tlJwpbo6&channel=1")
            .expect("valid")
            .teach(&redactor);
        let line = redactor.clean("open /user=admin&password=tlJwpbo6&channel=1");
        assert_eq!(line, "open /user=admin&password=***&channel=1");
        let line = redactor.clean_foreign("open /user=admin&password=tlJwpbo6&channel=1", false);
        assert_eq!(line, "open ***");
    }

    #[test]
    fn fields_of_a_file_are_literal() {
        let a = Address::from_parts("10.0.0.2:88", Some("me"), Some(&Secret::new("%41/@")), "/v");
        let sent = a.expect("valid").for_ffmpeg();
        assert_eq!(sent.expose(), "rtsp://me:%2541%2F%40@10.0.0.2:88/v");
        let a = Address::from_parts("10.0.0.2:88", None, None, "stream1").expect("valid");
        assert_eq!(a.for_ffmpeg().expose(), "rtsp://10.0.0.2:88/stream1");
        let secret = Secret::new("a\nb");
        for (part, user, password, path) in [
            (Part::User, Some("me\n"), None, "/v"),
            (Part::Password, Some("me"), Some(&secret), "/v"),
            (Part::Path, None, None, "/v\nfile '/etc/passwd'"),
        ] {
            let made = Address::from_parts("10.0.0.2", user, password, path);
            assert_eq!(made, Err((part, AddressError::Control)));
        }
    }

    #[test]
    fn the_redactor_learns_a_typed_and_a_decoded_password() {
        let redactor = Redactor::default();
        Address::parse("rtsp://u:Ab%402018@h/").expect("valid").teach(&redactor);
        assert_eq!(redactor.clean("Ab@2018 Ab%402018"), "*** ***");
    }
}
