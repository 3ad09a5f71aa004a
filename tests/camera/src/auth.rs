//! Basic and Digest authorization as cameras do it: RFC 2617 with MD5, with or without `qop`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

use crate::Auth;

/// Name of the protected space; what a client may show when it asks for the password.
const REALM: &str = "Nearlive test camera";

/// The value of `WWW-Authenticate` that asks for credentials; `None` if none are needed.
pub(crate) fn challenge(auth: &Auth, nonce: &str) -> Option<String> {
    match auth {
        Auth::None => None,
        Auth::Basic { .. } => Some(format!("Basic realm=\"{REALM}\"")),
        Auth::Digest { .. } => Some(format!("Digest realm=\"{REALM}\", nonce=\"{nonce}\"")),
    }
}

/// Whether the value of `Authorization`, if there was one, allows a request.
pub(crate) fn allows(auth: &Auth, nonce: &str, method: &str, value: Option<&str>) -> bool {
    let Some((user, password)) = auth.credentials() else { return true };
    let Some((scheme, rest)) = value.and_then(|v| v.trim().split_once(' ')) else { return false };
    match auth {
        Auth::None => true,
        Auth::Basic { .. } => {
            scheme.eq_ignore_ascii_case("basic")
                && STANDARD
                    .decode(rest.trim())
                    .is_ok_and(|given| given == format!("{user}:{password}").into_bytes())
        }
        Auth::Digest { .. } => {
            let fields = fields(rest);
            let field = |name: &str| {
                fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
            };
            let wanted = field("uri").map(|uri| {
                let qop = field("qop").zip(field("nc")).zip(field("cnonce"));
                let qop = qop.map(|((qop, nc), cnonce)| [nc, cnonce, qop]);
                response([user, REALM, password], [method, uri], nonce, qop)
            });
            scheme.eq_ignore_ascii_case("digest")
                && field("username") == Some(user)
                && field("nonce") == Some(nonce)
                && wanted.is_some()
                && field("response").map(str::to_ascii_lowercase) == wanted
        }
    }
}

/// The response of RFC 2617 3.2.2.1; `qop` holds nc, cnonce and qop.
fn response(
    [user, realm, password]: [&str; 3],
    [method, uri]: [&str; 2],
    nonce: &str,
    qop: Option<[&str; 3]>,
) -> String {
    let secret = hex_md5(&format!("{user}:{realm}:{password}"));
    let request = hex_md5(&format!("{method}:{uri}"));
    let between = qop.map_or_else(|| nonce.to_owned(), |qop| format!("{nonce}:{}", qop.join(":")));
    hex_md5(&format!("{secret}:{between}:{request}"))
}

fn hex_md5(text: &str) -> String {
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `name=value, name="value"` pairs; a quoted value may hold commas and escaped quotes.
fn fields(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        let name: String = std::iter::from_fn(|| chars.next_if(|&c| c != '='))
            .filter(|c| !",\t ".contains(*c))
            .collect();
        if chars.next().is_none() {
            return found;
        }
        let mut value = String::new();
        if chars.next_if_eq(&'"').is_some() {
            while let Some(c) = chars.next_if(|&c| c != '"') {
                value.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
            }
            chars.next();
        } else {
            while let Some(c) = chars.next_if(|&c| c != ',') {
                value.push(c);
            }
        }
        found.push((name, value.trim().to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_the_standards_example() {
        // RFC 2617 3.5.
        let user = ["Mufasa", "testrealm@host.com", "Circle Of Life"];
        let nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
        let qop = Some(["00000001", "0a4f113b", "auth"]);
        let with_qop = response(user, ["GET", "/dir/index.html"], nonce, qop);
        assert_eq!(with_qop, "6629fae49393a05397450978507c4ef1");
        // RFC 2069 2.4 as corrected by its erratum 749: no qop.
        let user = ["Mufasa", "testrealm@host.com", "CircleOfLife"];
        let without = response(user, ["GET", "/dir/index.html"], nonce, None);
        assert_eq!(without, "1949323746fe6a43ef61f9606e7febea");
    }

    #[test]
    fn digest_allows_only_the_right_password_method_and_nonce() {
        let auth = Auth::Digest { user: "admin".into(), password: "a@b!c:d%e".into() };
        let uri = "rtsp://127.0.0.1/live";
        let answer = response(["admin", REALM, "a@b!c:d%e"], ["DESCRIBE", uri], "n1", None);
        let value = format!(
            "Digest username=\"admin\", realm=\"{REALM}\", nonce=\"n1\", uri=\"{uri}\", \
             response=\"{answer}\""
        );
        assert!(allows(&auth, "n1", "DESCRIBE", Some(&value)));
        assert!(!allows(&auth, "n2", "DESCRIBE", Some(&value)));
        assert!(!allows(&auth, "n1", "SETUP", Some(&value)));
        assert!(!allows(&auth, "n1", "DESCRIBE", None));
        for broken in ["Digest", "Digest ", "Digest x", "Digest =", "Digest a=\"", "Basic YTpi"] {
            assert!(!allows(&auth, "n1", "DESCRIBE", Some(broken)), "{broken}");
        }
    }

    #[test]
    fn basic_takes_passwords_with_colons() {
        let auth = Auth::Basic { user: "u".into(), password: "p:q".into() };
        let value = format!("Basic {}", STANDARD.encode("u:p:q"));
        assert!(allows(&auth, "", "DESCRIBE", Some(&value)));
        let wrong = format!("Basic {}", STANDARD.encode("u:p"));
        assert!(!allows(&auth, "", "DESCRIBE", Some(&wrong)));
        assert!(allows(&Auth::None, "", "DESCRIBE", None));
    }

    #[test]
    fn quoted_fields_may_hold_commas_and_quotes() {
        let found = fields(r#"a="1,2", b=3 ,c="x\"y""#);
        let pairs = [("a", "1,2"), ("b", "3"), ("c", "x\"y")];
        assert_eq!(found, pairs.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }
}
