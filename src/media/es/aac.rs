//! AAC: ADTS frames (ISO/IEC 13818-7 6.2) and AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1).
use alloc::vec::Vec;

/// What an AAC decoder is set up with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AacConfig {
    /// MPEG-4 audio object type: 2 is AAC-LC.
    pub object_type: u8,
    /// Samples a second.
    pub sample_rate: u32,
    /// Channels, 1 to 8.
    pub channels: u8,
}

impl AacConfig {
    /// The AudioSpecificConfig bytes of this configuration.
    pub fn to_audio_specific_config(&self) -> Vec<u8> {
        todo!()
    }

    /// The RFC 6381 name, such as `mp4a.40.2`.
    pub fn codec_string(&self) -> alloc::string::String {
        todo!()
    }
}

/// One frame inside a run of ADTS frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdtsFrame<'a> {
    /// The raw AAC frame, without its ADTS header.
    pub data: &'a [u8],
}

/// Splits a run of whole ADTS frames (one PES payload) into frames of 1024 samples each.
/// Bytes that are no ADTS are skipped up to the next sync word.
pub fn adts_frames(data: &[u8]) -> impl Iterator<Item = (AacConfig, AdtsFrame<'_>)> {
    let _ = data;
    core::iter::empty()
}

/// A raw frame of AAC-LC silence of 1024 samples for 1 or 2 channels, at any sample rate.
pub fn silent_frame(channels: u8) -> &'static [u8] {
    let _ = channels;
    todo!()
}
