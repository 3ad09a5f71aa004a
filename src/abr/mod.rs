//! Adaptive bitrate: which representation to fetch next, and why.
