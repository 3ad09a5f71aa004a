//! Multivariant playlist to model; media playlists to segments.
