//! The playlists (RFC 8216bis) of a camera: whole segments of the same bytes that DASH serves.

use crate::store::Window;

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
