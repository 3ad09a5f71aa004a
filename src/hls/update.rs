//! What a reloaded media playlist changes (RFC 8216bis 6.3.4).
