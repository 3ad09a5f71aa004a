//! A camera's window to MPD and m3u8: pure functions.

use crate::store::Window;

/// The MPD. Addresses in it are relative to its own (`/{camera}/index.mpd`).
pub fn mpd(window: &Window) -> String {
    let _ = window;
    String::new()
}

/// The multivariant playlist (`/{camera}/index.m3u8`).
pub fn multivariant(window: &Window) -> String {
    let _ = window;
    String::new()
}

/// The media playlist of a rendition (`/{camera}/{rendition}.m3u8`); `None` when there is no such
/// rendition.
pub fn media(window: &Window, rendition: &str) -> Option<String> {
    let _ = (window, rendition);
    None
}
