//! MPDs: what was read and written is read again as the same, and every question has an answer.
#![no_main]
use libfuzzer_sys::fuzz_target;
use nearlive::dash::{read, resolve, write};

mod questions;

/// XML can say each of its characters: others are written as U+FFFD (XML 1.0, 2.2).
fn can_be_said(data: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(data) else { return false };
    let odd = |c: char| c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}');
    !text.contains("&#") && !text.chars().any(|c| odd(c) && !"\t\n\r".contains(c))
}

fuzz_target!(|data: &[u8]| {
    let mpd = match read::mpd(data) {
        Ok(mpd) => mpd,
        Err(error) => return drop(error.to_string()),
    };
    let text = write::mpd(&mpd);
    match read::mpd(text.as_bytes()) {
        Ok(again) if can_be_said(data) => assert_eq!(again, mpd, "{text}"),
        Ok(again) => assert_eq!(write::mpd(&again), text),
        Err(error) => panic!("{error}\n{text}"),
    }
    match resolve::resolve(&mpd, questions::URL) {
        Ok(presentation) => questions::ask(&presentation),
        Err(error) => assert!(!error.to_string().contains("user:pw"), "{error}"),
    }
});
