//! The names of a camera's media, and the facts about it before it exists.

/// A rendition, before its media exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenditionSpec {
    /// Its name in URLs: `v0`, `v1`, `a0`.
    pub id: String,
    /// Picture or sound.
    pub kind: RenditionKind,
    /// The camera's own bytes, not a transcoding.
    pub copied: bool,
    /// The encoder's target rate, bits a second; `None` for a copy.
    pub nominal_bps: Option<u64>,
}

/// Picture or sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RenditionKind {
    /// Picture.
    Video,
    /// Sound.
    Audio,
}

/// The name of a Period: its start in Unix milliseconds.
pub type PeriodMs = u64;
