//! Playlists: what was read and written says the same when it is read and written again, and every
//! question has an answer, also after an update. Two playlists may be in the data, a zero byte between
//! them.
#![no_main]
use libfuzzer_sys::fuzz_target;
use nearlive::hls::syntax::{Media, Playlist};
use nearlive::hls::update::Placement;
use nearlive::hls::{read, resolve, write};
use nearlive::presentation::Resource;

mod questions;

fn media(bytes: &[u8]) -> Option<Media> {
    match read::playlist(bytes) {
        Ok(Playlist::Media(media)) => Some(media),
        Ok(Playlist::Multivariant(list)) => {
            let text = write::multivariant(&list);
            match read::playlist(text.as_bytes()) {
                Ok(Playlist::Multivariant(again)) => assert_eq!(write::multivariant(&again), text),
                // Of tags that could not be read nothing is left.
                Err(_) if list.variants.is_empty() && list.renditions.is_empty() => {}
                other => panic!("{other:?}\n{text}"),
            }
            match resolve::multivariant(&list, questions::URL) {
                Ok(presentation) => questions::ask(&presentation),
                Err(error) => assert!(!error.to_string().contains("user:pw"), "{error}"),
            }
            None
        }
        Err(error) => {
            let _ = error.to_string();
            None
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let mut placement = Placement::default();
    let mut known = None;
    for part in data.splitn(2, |byte| *byte == 0) {
        let Some(media) = media(part) else { continue };
        let text = write::media(&media);
        match read::playlist(text.as_bytes()) {
            // Keys are not written.
            Ok(Playlist::Media(again)) => assert_eq!(write::media(&again), text),
            other => panic!("{other:?}\n{text}"),
        }
        let presentation = known.get_or_insert_with(|| resolve::single(&media, questions::URL));
        let list = Resource::at(questions::URL);
        if placement.apply(presentation, &list, questions::URL, &media).is_ok() {
            questions::ask(presentation);
        }
    }
});
