//! PURE: what may be wrong with what comes in a run, so that it is of no more use.

use crate::engine::limits::MOST_PIXELS;
use nearlive::media::isobmff::write::SampleEntry;

/// What is wrong with what comes in a run: it is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ailment {
    /// Frames come while their timestamps stand still.
    StandsStill,
    /// What comes has no picture of H.264 in it; `hevc`: it looks like H.265.
    NoPictures {
        /// Parameter sets of H.265 were in it.
        hevc: bool,
    },
    /// A picture of this width and height is not decoded.
    TooBig(u32, u32),
}

/// Width and height of a picture that is bigger than any that is decoded.
pub(super) fn too_big(entry: &SampleEntry) -> Option<(u32, u32)> {
    let SampleEntry::Avc(config) = entry else { return None };
    let (width, height) = (config.resolution.width, config.resolution.height);
    (u64::from(width) * u64::from(height) > MOST_PIXELS).then_some((width, height))
}
