//! Codec names of RFC 6381 section 3.3 (the `codecs` parameter), both ways.
