//! Playlist text to syntax: m3u8-rs, and what it lacks.
