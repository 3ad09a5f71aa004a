//! PURE: faults in the media of a run that make the run useless.

use crate::engine::limits::MOST_PIXELS;
use nearlive::media::isobmff::write::SampleEntry;

/// A fault in the media of a run that makes the run useless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ailment {
    /// Frames arrive while their timestamps stand still.
    StandsStill,
    /// The stream has no H.264 picture; `hevc`: it looks like H.265.
    NoPictures {
        /// Parameter sets of H.265 were in it.
        hevc: bool,
    },
    /// A picture of this width and height, which is not decoded.
    TooBig(u32, u32),
}

/// Width and height of a picture that is larger than any that is decoded.
pub(super) fn too_big(entry: &SampleEntry) -> Option<(u32, u32)> {
    let SampleEntry::Avc(config) = entry else { return None };
    let (width, height) = (config.resolution.width, config.resolution.height);
    (u64::from(width) * u64::from(height) > MOST_PIXELS).then_some((width, height))
}
