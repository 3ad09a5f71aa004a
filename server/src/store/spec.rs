//! How the media of a camera are named, and what is known of them before they are there.

/// What a rendition is, known before its media.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenditionSpec {
    /// Names it in addresses: `v0`, `v1`, `a0`.
    pub id: String,
    /// Picture or sound.
    pub kind: RenditionKind,
    /// The camera's own bytes, not a transcoding.
    pub copied: bool,
    /// What the encoder was told to make, bits a second; `None` for a copy.
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

/// Names a Period: its start in Unix milliseconds.
pub type PeriodMs = u64;
