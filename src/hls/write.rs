//! Playlists from facts: multivariant and media.
