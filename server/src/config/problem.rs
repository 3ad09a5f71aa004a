//! PURE: what is wrong with a configuration file, in words for its author.
//!
//! The parser's own messages need knowledge of its grammar, and may quote the file, and so a
//! password. So each is looked up here by its first words; line numbers count from one. A message
//! that is not in the table is passed on only if it quotes nothing.

use std::io;

use crate::repeat;

/// The longest file that is read, bytes.
pub(super) const LONGEST: u64 = 1 << 20;

/// What is wrong with a value, and where: a byte offset in the text.
pub(super) type Misfit = (usize, String);

/// Why the file cannot be read.
pub(super) fn unreadable(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::NotFound => {
            "there is no such file; nearlive-server --help shows what stands in one".into()
        }
        io::ErrorKind::IsADirectory => "this is a directory; name the file in it".into(),
        io::ErrorKind::PermissionDenied => {
            "the user who runs the server may not read this file; chown or chmod changes that"
                .into()
        }
        io::ErrorKind::NotADirectory => "a part of this path is a file, not a directory".into(),
        _ => format!("it cannot be read: {e}"),
    }
}

/// The text of a file, or why it cannot be used as text.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, String> {
    if bytes.len() as u64 > LONGEST {
        return Err(
            "this is longer than any configuration; name the text file (TOML) with the cameras"
                .into(),
        );
    }
    if bytes.contains(&0) {
        return Err("this is not a text file; name the text file (TOML) with the cameras".into());
    }
    String::from_utf8(bytes).map_err(|e| {
        let before = e.as_bytes().get(..e.utf8_error().valid_up_to()).unwrap_or_default();
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        format!("line {line}: a letter there is not in UTF-8; save the file in UTF-8")
    })
}

/// The allowed values of a height.
pub(super) const HEIGHT: &str =
    "`height` is 16 to 8640 lines (480), or a part of the camera's from \"1/1\" to \"1/16\"";

/// The allowed values of a camera's sound.
pub(super) const AUDIO: &str =
    "`audio` is \"mono\", \"stereo\", \"off\" or { channels = 2, kbps = 160 }";
/// Its channels.
pub(super) const CHANNELS: &str = "`channels` of `audio` is 1 or 2";
/// Its rate.
pub(super) const AUDIO_KBPS: &str = "`kbps` of `audio` is 16 to 256 for each channel";

/// The place and the mistake in a text that is not TOML or has unknown settings.
pub(super) fn in_text(text: &str, e: &toml::de::Error) -> String {
    let what = said(e.message());
    match e.span() {
        Some(span) => format!("line {}: {what}", line_of(text, span.start)),
        None => what,
    }
}

/// The line, counted from one, that contains byte `at` of `text`.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).matches('\n').count() + 1
}

/// The parser's message, in plain words.
fn said(what: &str) -> String {
    let plain = [
        ("string values must be quoted", "texts stand in quotation marks: name = \"Front door\""),
        (
            "invalid basic string",
            "the text has no closing quotation mark, or something in it that may not be there",
        ),
        (
            "invalid literal string",
            "the text has no closing quotation mark, or something in it that may not be there",
        ),
        (
            "missing escaped value",
            "in a text in double quotation marks \\ has a meaning of its own; write \\\\ for it, or \
             put the text in single ones: 'a\\b'",
        ),
        ("duplicate key", "this stands there twice"),
        ("key with no value", "there is no value; a setting is name = value"),
        ("missing value for key", "there is no value; a setting is name = value"),
        ("unexpected key or value", "there is too much in this line; a setting is name = value"),
        ("unclosed array table", "a camera begins with a line [[camera]]"),
        ("unclosed table", "a camera begins with a line [[camera]]"),
        ("invalid socket address", ADDRESS),
        (HEIGHT, HEIGHT),
        (AUDIO, AUDIO),
        (CHANNELS, CHANNELS),
        (AUDIO_KBPS, AUDIO_KBPS),
    ];
    if let Some((_, plain)) = plain.iter().find(|(start, _)| what.starts_with(start)) {
        return (*plain).to_owned();
    }
    if let Some(rest) = what.strip_prefix("unknown field `") {
        let (name, known) = rest.rsplit_once("`, expected ").unwrap_or_default();
        return unknown(name, known);
    }
    if let Some(name) = what.strip_prefix("missing field ") {
        return format!("{name} is missing");
    }
    // The parser quotes a value that does not fit between the mistake and what it expected.
    let quotes = ["invalid type", "invalid value", "invalid length", "unknown variant"];
    if quotes.iter().any(|kind| what.starts_with(kind)) {
        return match what.rsplit_once(", expected ").map(|(_, expected)| expected) {
            Some("a string") => "the value has to be a text in quotation marks".into(),
            Some("socket address") => ADDRESS.into(),
            Some("a sequence") => {
                "this has to be a list: [[camera]] in two brackets, or [\"one\", \"two\"]".into()
            }
            Some("u32" | "u64" | "i64") => "the value has to be a whole number".into(),
            Some(expected) => format!("the value does not fit; it has to be {expected}"),
            None => "the value does not fit".into(),
        };
    }
    if what.contains(['`', '"', '\'', '\n']) {
        return "this is no TOML; nearlive-server --help shows what stands in a file".into();
    }
    what.to_owned()
}

/// An unknown setting is not repeated: it may be a password in the wrong place.
fn unknown(name: &str, known: &str) -> String {
    let known = known.strip_prefix("one of ").unwrap_or(known).replace('`', "");
    let all = known.split(", ").flat_map(|k| k.split(" or "));
    match repeat::nearest(name, all) {
        Some(meant) => format!("{NO_SETTING}; is `{meant}` meant? There are {known}"),
        None => format!("{NO_SETTING}; there are {known}"),
    }
}

const NO_SETTING: &str = "there is no such setting";

const ADDRESS: &str = "`listen` takes an address and a port in quotation marks: \"0.0.0.0:8080\"";
