//! PURE: the names under which the server answers, and the sites whose pages may read its answers.
//!
//! A browser carries the requests of any page to any address that it can reach. So any site that a
//! person in the house visits can reach a server that is closed to the internet, in four ways:
//!
//! - the site's script asks for the camera. The browser hands it the answer only where that names
//!   the site (Fetch standard, 3.2): so answers name sites of this machine and of private networks
//!   (RFC 1918, RFC 4193, RFC 6598, names that the public DNS does not have), and those configured;
//! - its page shows a still by `<img>`, or a segment by `<video>`: without CORS, and so without a name.
//!   The browser shows it only where the answer lets other origins (`Cross-Origin-Resource-Policy`,
//!   Fetch standard, 3.6): it does where the page gave a name that may, by `crossorigin`;
//! - its page shows the camera's in a frame, which an answer lets those that it names (`frame-ancestors`,
//!   CSP level 3, 6.4.2);
//! - the site makes its own name resolve to the server's address (DNS rebinding), so that page and
//!   camera have one origin. `Host` contains that name: so the server answers only under names that
//!   no stranger can own, and those configured. Addresses in digits cannot be rebound.
//!
//! Newer browsers say when a page of another site asks (`Sec-Fetch-Site`, Fetch Metadata): then a
//! stranger gets no answer at all.
//!
//! This is no access control: a client that is not a browser sees everything it can reach.

use std::net::{IpAddr, Ipv6Addr};

/// Names below these are not in the public DNS (RFC 6761, RFC 6762, RFC 8375, and by ICANN's word).
const LOCAL: [&str; 5] = [".localhost", ".local", ".lan", ".internal", ".home.arpa"];

/// The names and sites that may ask, as configured.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    origins: Vec<String>,
    everybody: bool,
}

/// What an answer allows the page that asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every page may read it.
    Everybody,
    /// This page may read it: the owner named its site.
    Named,
    /// This page may read it: it is from this machine or a private network.
    Local,
    /// This page may not read it.
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

    /// Whether to refuse a request of a page with this judgement: another site's page asks (`site`,
    /// from `Sec-Fetch-Site`), and not to navigate to a page (`mode`, from `Sec-Fetch-Mode`).
    pub fn refuses(verdict: Verdict, site: Option<&str>, mode: Option<&str>) -> bool {
        let foreign = site.is_some_and(|site| !["same-origin", "none"].contains(&site));
        verdict == Verdict::Stranger && foreign && mode != Some("navigate")
    }

    /// The origins whose pages may show an answer in a frame, as a Content-Security-Policy; `None`
    /// for all. The policy cannot express a private network, so a page of one is named when it
    /// asks, by the `Referer` of the frame: a page can leave that out, but cannot write another's
    /// name into it.
    pub fn framing(&self, referer: Option<&str>) -> Option<String> {
        if self.everybody {
            return None;
        }
        let mut policy = String::from("frame-ancestors 'self' localhost:* 127.0.0.1:*");
        for end in LOCAL {
            policy.push_str(&format!(" *{end}:*"));
        }
        let asks = referer.and_then(origin_of).filter(|o| self.judge(o) == Verdict::Local);
        for origin in self.origins.iter().chain(&asks) {
            policy.push(' ');
            policy.push_str(origin);
        }
        Some(policy)
    }
}

/// The origin of an address on the web.
fn origin_of(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    origin(&format!("{scheme}://{authority}")).ok()
}

/// Whether this is a valid `Host` (RFC 9110, 7.2) of a server on the web.
pub fn is_host(text: &str) -> bool {
    host(text).is_some()
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
    let usual = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return Err(wrong()),
    };
    if host(authority).is_none() {
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
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    if name.is_empty() || !name.bytes().all(plain) || !is_port(port) {
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
    /// Whether no outsider can own the name.
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
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for host in
            ["a", "a.example.", "A_b-c.example:80", "a:", "127.0.0.1:1", "[::1]", "[::1]:80"]
        {
            assert!(is_host(host), "{host}");
        }
        for none in [
            "", ":80", ".", "a b", "a,b", "a/b", "a@b", "u:p@b", "a:b", "a:80:80", "::1", "[::1",
            "[a]", "[::1]a", "a%2eb", "\u{e9}", "a;b", "a'b",
        ] {
            assert!(!is_host(none), "{none}");
        }
    }

    #[test]
    fn a_page_of_another_site_gets_nothing_but_what_it_goes_to() {
        use Verdict::{Everybody, Local, Named, Stranger};
        for (verdict, site, mode, refused) in [
            (Stranger, Some("cross-site"), Some("no-cors"), true),
            (Stranger, Some("cross-site"), Some("cors"), true),
            (Stranger, Some("same-site"), Some("no-cors"), true),
            (Stranger, Some("cross-site"), None, true),
            (Stranger, Some("something-new"), Some("no-cors"), true),
            (Stranger, Some("cross-site"), Some("navigate"), false),
            (Stranger, Some("same-origin"), Some("cors"), false),
            (Stranger, Some("none"), Some("navigate"), false),
            (Stranger, None, None, false),
            (Local, Some("cross-site"), Some("cors"), false),
            (Named, Some("cross-site"), Some("cors"), false),
            (Everybody, Some("cross-site"), Some("no-cors"), false),
        ] {
            assert_eq!(
                Gate::refuses(verdict, site, mode),
                refused,
                "{verdict:?} {site:?} {mode:?}"
            );
        }
    }

    #[test]
    fn a_page_of_a_private_network_may_frame_and_a_stranger_may_not() {
        let gate = Gate::new(["https://shop.example".into()]);
        for (referer, named) in [
            ("http://192.168.1.5:8123/lovelace/0?x", Some("http://192.168.1.5:8123")),
            ("http://hass:8123/", Some("http://hass:8123")),
            ("https://shop.example/", None),
            ("https://evil.example/", None),
            ("https://evil.example\\@localhost/", None),
            ("https://192.168.1.5@evil.example/", None),
            ("http://localhost; script-src *", None),
            ("http://a *", None),
            ("http://evil.example#.local", None),
            ("", None),
        ] {
            let policy = gate.framing(Some(referer)).expect("not for all");
            assert!(
                policy.starts_with("frame-ancestors 'self' ") && !policy.contains(';'),
                "{policy}"
            );
            assert!(policy.contains(" *.local:*") && policy.contains(" https://shop.example"));
            let last = policy.rsplit(' ').next().unwrap_or_default();
            assert_eq!(last, named.unwrap_or("https://shop.example"), "{referer}");
        }
        assert_eq!(Gate::new(["*".into()]).framing(Some("https://evil.example/")), None);
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
