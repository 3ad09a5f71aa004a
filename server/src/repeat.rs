//! PURE: which of a user's own words a message may repeat.
//!
//! People put an address in the wrong place: into another setting, behind another option.
//! Messages about it go to terminals, logs and screenshots. So a message never repeats an
//! unknown word; it names the known word nearest to it, if one is near.

use std::path::Path;

/// The one of `known` that `word` probably means.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    // One wrong letter in three, two in six: a secret is not that near by chance.
    let most = (word.chars().count() / 3).min(2);
    known
        .into_iter()
        .map(|k| (strsim::osa_distance(&word, k), k))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}

/// Whether `text` may contain a camera's address, or the login in one.
pub fn may_be_address(text: &str) -> bool {
    text.contains("://") || text.contains('@')
}

/// Whether `text` is an address or begins with a login.
pub fn is_address(text: &str) -> bool {
    let login = |word: &str| word.split_once('@').is_some_and(|(login, _)| login.contains(':'));
    text.contains("://") || text.split_whitespace().any(login)
}

/// A file's name; `instead` if it may be an address.
pub fn path(path: &Path, instead: &str) -> String {
    let text = path.display().to_string();
    if may_be_address(&text) { instead.to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_put_right_and_a_secret_is_not_near_to_anything() {
        let known = ["name", "id", "url", "host", "password", "window", "ladder"];
        for (word, meant) in [
            ("windwo", Some("window")),
            ("Window", Some("window")),
            ("passwort", Some("password")),
            ("urll", Some("url")),
            ("hunter2", None),
            ("xy", None),
            ("password-hunter2", None),
            ("rtsp://u:p@h", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }

    #[test]
    fn a_name_with_an_at_is_no_address_and_a_login_is() {
        for (text, is) in [
            ("Camera @ home", false),
            ("me@home", false),
            ("12:30 @ gate", false),
            ("admin:hunter2@192.168.1.9", true),
            ("see rtsp://h", true),
        ] {
            assert_eq!(is_address(text), is, "{text}");
        }
    }

    #[test]
    fn a_file_that_may_be_an_address_is_not_named() {
        assert_eq!(path(Path::new("/etc/nearlive.toml"), "it"), "/etc/nearlive.toml");
        assert_eq!(path(Path::new("rtsp://u:hunter2@h/x"), "it"), "it");
        assert_eq!(path(Path::new("u:hunter2@h/x"), "it"), "it");
    }
}
