//! Syntax to MPD text.
