//! PURE: under which names the server answers, and pages of which sites may read what it says.
//!
//! A browser carries the requests of any page to any address that it reaches, so a server that only
//! the house can reach is open to every site that somebody in the house visits, in two ways:
//!
//! - the site's script asks for the camera. The browser hands it the answer only where that names
//!   the site (Fetch standard, 3.2): so answers name sites of this machine and of private networks
//!   (RFC 1918, RFC 4193, RFC 6598, names that the public DNS does not have), and those configured;
//! - the site lets its own name lead to the server's address (DNS rebinding), and page and camera are
//!   one origin. Its name stands in `Host`: so only names that no stranger can own, and those
//!   configured, are answered. Addresses in digits cannot be rebound.
//!
//! This is no access control: whoever reaches the server without a browser's help sees everything.

use std::net::{IpAddr, Ipv6Addr};

/// Names below these are not in the public DNS (RFC 6761, RFC 6762, RFC 8375, and by ICANN's word).
const LOCAL: [&str; 5] = [".localhost", ".local", ".lan", ".internal", ".home.arpa"];

/// Who may ask, as configured.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    origins: Vec<String>,
    everybody: bool,
}

/// What an answer says to the page that asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every page may read it.
    Everybody,
    /// This page may; it is of a site that the owner named.
    Named,
    /// This page may: it is of this machine or of a private network.
    Local,
    /// It may not.
    Stranger,
}

impl Gate {
    /// Also for these `origins`, each as [`origin`] gives it.
    pub fn new(origins: impl IntoIterator<Item = String>) -> Self {
        let origins: Vec<String> = origins.into_iter().collect();
        let everybody = origins.iter().any(|o| o == "*");
        Self { origins, everybody }
    }

    /// Whether the server answers under the name of this `Host` field (RFC 9110, 7.2).
    pub fn answers_to(&self, authority: &str) -> bool {
        let Some(host) = host(authority) else { return false };
        self.everybody
            || matches!(host, Host::Address(_))
            || host.is_local()
            || self
                .origins
                .iter()
                .filter_map(|o| self::host(o.split_once("://")?.1))
                .any(|h| h == host)
    }

    /// Whether a page with this `Origin` field may read answers.
    pub fn judge(&self, origin: &str) -> Verdict {
        if self.everybody {
            return Verdict::Everybody;
        }
        if self.origins.iter().any(|o| o == origin) {
            return Verdict::Named;
        }
        let place = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        match place.and_then(host) {
            Some(host) if host.is_local() => Verdict::Local,
            _ => Verdict::Stranger,
        }
    }
}

/// An origin as a person writes it, in the form that browsers send (RFC 6454, 6.2), or `*`. The
/// sentence does not repeat the text: it may be a camera's address in the wrong place.
pub fn origin(text: &str) -> Result<String, String> {
    let wrong = || "an origin is https://name, https://name:port or *".to_owned();
    if text == "*" {
        return Ok(text.to_owned());
    }
    let text = text.trim_end_matches('/').to_ascii_lowercase();
    let (scheme, authority) = text.split_once("://").ok_or_else(wrong)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:[]_".contains(c);
    let usual = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return Err(wrong()),
    };
    if host(authority).is_none() || !authority.chars().all(plain) {
        return Err(wrong());
    }
    Ok(format!("{scheme}://{}", authority.strip_suffix(usual).unwrap_or(authority)))
}

#[derive(Debug, PartialEq, Eq)]
enum Host {
    Address(IpAddr),
    Name(String),
}

/// The host of `host` or `host:port`.
fn host(authority: &str) -> Option<Host> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        return is_port(port).then(|| address.parse().ok().map(IpAddr::V6))?.map(Host::Address);
    }
    let (name, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.is_empty() || !is_port(port) {
        return None;
    }
    Some(match name.parse() {
        Ok(address) => Host::Address(IpAddr::V4(address)),
        Err(_) => Host::Name(name.to_ascii_lowercase()),
    })
}

/// Nothing, or a colon and digits.
fn is_port(text: &str) -> bool {
    text.strip_prefix(':').map_or(text.is_empty(), |p| p.bytes().all(|b| b.is_ascii_digit()))
}

impl Host {
    /// Nobody outside can have it.
    fn is_local(&self) -> bool {
        match self {
            Self::Address(address) => is_private(*address),
            Self::Name(name) => !name.contains('.') || LOCAL.iter().any(|end| name.ends_with(end)),
        }
    }
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let shared = a == 100 && b & 0xc0 == 64;
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || shared
        }
        IpAddr::V6(v6) => {
            v6 == Ipv6Addr::LOCALHOST || v6.is_unique_local() || v6.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_a_stranger_can_own_are_not_answered() {
        let gate = Gate::new(["https://cams.example".into(), "http://[2001:db8::1]:81".into()]);
        for known in [
            "localhost:8080",
            "LOCALHOST",
            "127.0.0.1:8080",
            "[::1]:8080",
            "192.168.1.9",
            "203.0.113.9:80",
            "raspberrypi:8080",
            "pi.local",
            "pi.local.:80",
            "cams.example",
            "cams.example:8443",
        ] {
            assert!(gate.answers_to(known), "{known}");
        }
        for foreign in [
            "",
            ":80",
            "evil.example",
            "evil.example:8080",
            "cams.example.evil.test",
            "127.0.0.1.evil.test",
            "x@localhost.evil.test",
            "localhost:80@evil.test",
            "[::1",
            "[::1]evil.test",
            "xlocalhost.evil.test",
        ] {
            assert!(!gate.answers_to(foreign), "{foreign}");
        }
        assert!(Gate::new(["*".into()]).answers_to("anything.example"));
    }

    #[test]
    fn pages_of_the_internet_may_read_only_when_they_are_named() {
        let gate = Gate::new([origin("https://Shop.example:443/").expect("an origin")]);
        for (asks, verdict) in [
            ("https://shop.example", Verdict::Named),
            ("http://shop.example", Verdict::Stranger),
            ("https://shop.example:8443", Verdict::Stranger),
            ("https://evil.example", Verdict::Stranger),
            ("http://203.0.113.9", Verdict::Stranger),
            ("http://localhost:8000", Verdict::Local),
            ("http://127.0.0.1:5173", Verdict::Local),
            ("http://[::1]:5173", Verdict::Local),
            ("http://192.168.1.20", Verdict::Local),
            ("http://172.32.0.1", Verdict::Stranger),
            ("http://[fd00::1]", Verdict::Local),
            ("http://[2001:db8::1]", Verdict::Stranger),
            ("https://pi.local", Verdict::Local),
            ("http://localhost.evil.example", Verdict::Stranger),
            // Any site can make a frame with this origin.
            ("null", Verdict::Stranger),
            ("file://", Verdict::Stranger),
            ("", Verdict::Stranger),
        ] {
            assert_eq!(gate.judge(asks), verdict, "{asks}");
        }
        assert_eq!(Gate::new(["*".into()]).judge("https://evil.example"), Verdict::Everybody);
    }

    #[test]
    fn an_origin_has_no_path() {
        for wrong in
            ["", "shop.example", "ftp://a", "https://", "https://a/b", "https://a b", "https://a:x"]
        {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
        assert_eq!(origin("http://a:80").as_deref(), Ok("http://a"));
    }
}
