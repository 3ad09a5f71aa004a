//! H.264: NAL units of an Annex B byte stream, and what parameter sets say (ISO/IEC 14496-10).
use crate::units::Resolution;
use alloc::string::String;
use alloc::vec::Vec;

/// The parameter sets that a decoder needs, and what they say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvcConfig {
    /// Sequence parameter set, NAL header included, no start code.
    pub sps: Vec<u8>,
    /// Picture parameter set, likewise.
    pub pps: Vec<u8>,
    /// Size of the cropped picture.
    pub resolution: Resolution,
}

impl AvcConfig {
    /// Reads the picture's size from `sps`; `None` when it cannot be read.
    pub fn new(sps: &[u8], pps: &[u8]) -> Option<Self> {
        let _ = (sps, pps);
        todo!()
    }

    /// The RFC 6381 name, such as `avc1.64001f`.
    pub fn codec_string(&self) -> String {
        todo!()
    }
}

/// One access unit as MP4 keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AvcSample {
    /// NAL units with 4-byte lengths; parameter sets, delimiters and filler are left out.
    pub data: Vec<u8>,
    /// It holds an IDR slice.
    pub idr: bool,
    /// The parameter sets that stood in it, if both did and could be read.
    pub config: Option<AvcConfig>,
}

/// The NAL units of an Annex B byte stream, without start codes and trailing zeros.
pub fn nal_units(annex_b: &[u8]) -> impl Iterator<Item = &[u8]> {
    let _ = annex_b;
    core::iter::empty()
}

/// Converts one Annex B access unit.
pub fn access_unit(annex_b: &[u8]) -> AvcSample {
    let _ = annex_b;
    todo!()
}
