//! What this build of the player reads. A page that plays DASH alone downloads a build without HLS,
//! and the other way round: Cargo's features `dash` and `hls`.
//!
//! What exists for one protocol only holds that protocol's token. A build without the protocol can
//! make no token, so the compiler leaves out whatever needs one.

/// This build reads MPDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dash(#[cfg(not(feature = "dash"))] core::convert::Infallible);

/// This build reads playlists, and transport streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hls(#[cfg(not(feature = "hls"))] core::convert::Infallible);

impl Dash {
    /// `None`: this build reads no MPD.
    #[cfg(feature = "dash")]
    pub const fn token() -> Option<Self> {
        Some(Self())
    }

    /// `None`: this build reads no MPD.
    #[cfg(not(feature = "dash"))]
    pub const fn token() -> Option<Self> {
        None
    }
}

impl Hls {
    /// `None`: this build reads no playlist.
    #[cfg(feature = "hls")]
    pub const fn token() -> Option<Self> {
        Some(Self())
    }

    /// `None`: this build reads no playlist.
    #[cfg(not(feature = "hls"))]
    pub const fn token() -> Option<Self> {
        None
    }
}
