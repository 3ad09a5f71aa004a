//! AAC: ADTS frames (ISO/IEC 13818-7 6.2) and AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1).
//!
//! MPEG-2 transport streams carry AAC as ADTS: a header of 7 or 9 bytes before every raw frame. MP4
//! has only the raw frames, and gives the configuration once, in the AudioSpecificConfig.

use super::bits::Bits;
use alloc::string::String;
use alloc::vec::Vec;

/// Samples of one channel in one frame of AAC-LC.
pub const SAMPLES_PER_FRAME: u32 = 1024;

/// The configuration of an AAC decoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AacConfig {
    /// MPEG-4 audio object type: 2 is AAC-LC.
    pub object_type: u8,
    /// Samples a second.
    pub sample_rate: u32,
    /// Channels, 1 to 8.
    pub channels: u8,
}

/// `samplingFrequencyIndex` (14496-3 table 1.18).
const SAMPLE_RATES: [u32; 13] =
    [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];

/// `samplingFrequencyIndex` value that means: a frequency of 24 bits follows.
const EXPLICIT_RATE: u32 = 15;

impl AacConfig {
    /// The AudioSpecificConfig bytes of this configuration.
    pub fn to_audio_specific_config(&self) -> Vec<u8> {
        let mut w = BitWriter::default();
        let kind = u32::from(self.object_type);
        if kind < 31 {
            w.put(kind, 5);
        } else {
            w.put(31, 5);
            w.put(kind.saturating_sub(32), 6);
        }
        match SAMPLE_RATES.iter().zip(0u32..).find(|(rate, _)| **rate == self.sample_rate) {
            Some((_, index)) => w.put(index, 4),
            None => {
                w.put(EXPLICIT_RATE, 4);
                w.put(self.sample_rate & 0x00ff_ffff, 24);
            }
        }
        let channels = u32::from(self.channels);
        w.put(if channels == 8 { 7 } else { channels }, 4);
        // GASpecificConfig: 1024 samples a frame, no core coder, no extension.
        w.put(0, 3);
        w.out
    }

    /// The RFC 6381 name, such as `mp4a.40.2`.
    pub fn codec_string(&self) -> String {
        let mut s = String::from("mp4a.40.");
        crate::media::codec::push_decimal(&mut s, u32::from(self.object_type));
        s
    }
}

/// Channels of a `channelConfiguration` (14496-3 table 1.19). 0 (the channels are in a program
/// config element) is not supported.
fn channels_of(configuration: u32) -> Option<u8> {
    match configuration {
        7 => Some(8),
        1..=6 => u8::try_from(configuration).ok(),
        _ => None,
    }
}

#[derive(Default)]
struct BitWriter {
    out: Vec<u8>,
    free: u8,
}

impl BitWriter {
    fn put(&mut self, value: u32, bits: u8) {
        for i in (0..bits).rev() {
            if self.free == 0 {
                self.out.push(0);
                self.free = 8;
            }
            self.free -= 1;
            if let Some(last) = self.out.last_mut() {
                *last |= u8::from((value >> i) & 1 == 1) << self.free;
            }
        }
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
///
/// Some packagers split a frame over two PES packets: [`AdtsFrames::rest`] is its first part then.
pub fn adts_frames(data: &[u8]) -> AdtsFrames<'_> {
    AdtsFrames { data }
}

/// The iterator of [`adts_frames`].
#[derive(Clone, Debug)]
pub struct AdtsFrames<'a> {
    data: &'a [u8],
}

impl<'a> AdtsFrames<'a> {
    /// The bytes not consumed. After the last frame: the start of an unfinished frame, or nothing.
    pub fn rest(&self) -> &'a [u8] {
        self.data
    }
}

/// Bytes of an ADTS header without its CRC.
const ADTS_HEADER: usize = 7;

/// The 12-bit sync word and layer 0.
fn is_sync(data: &[u8]) -> bool {
    matches!(data, [0xff, b, ..] if b & 0xf6 == 0xf0)
}

struct AdtsHeader {
    config: AacConfig,
    header_bytes: usize,
    frame_bytes: usize,
}

fn adts_header(data: &[u8]) -> Option<AdtsHeader> {
    if !is_sync(data) {
        return None;
    }
    let mut b = Bits::new(data.get(..ADTS_HEADER)?);
    b.skip(15)?;
    let protection_absent = b.flag()?;
    let object_type = u8::try_from(b.bits(2)? + 1).ok()?;
    let sample_rate = *SAMPLE_RATES.get(usize::try_from(b.bits(4)?).ok()?)?;
    b.skip(1)?;
    let channels = channels_of(b.bits(3)?)?;
    b.skip(4)?;
    let frame_bytes = usize::try_from(b.bits(13)?).ok()?;
    b.skip(11)?;
    let blocks = usize::try_from(b.bits(2)?).ok()?;
    // 6.2.1: with a CRC, a position for every raw data block after the first, then the CRC.
    let header_bytes = if protection_absent { ADTS_HEADER } else { ADTS_HEADER + 2 + 2 * blocks };
    let config = AacConfig { object_type, sample_rate, channels };
    (frame_bytes > header_bytes).then_some(AdtsHeader { config, header_bytes, frame_bytes })
}

impl<'a> Iterator for AdtsFrames<'a> {
    type Item = (AacConfig, AdtsFrame<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.data.is_empty() {
                return None;
            }
            if self.data.len() < ADTS_HEADER {
                // An incomplete header stays in `rest`.
                if is_sync(self.data) || matches!(self.data, [0xff]) {
                    return None;
                }
            } else if let Some(h) = adts_header(self.data) {
                let (frame, after) = self.data.split_at_checked(h.frame_bytes)?;
                // The payload may contain the sync word by chance, so the next frame has to confirm
                // it.
                if after.len() < 2 || is_sync(after) {
                    self.data = after;
                    let data = frame.get(h.header_bytes..)?;
                    return Some((h.config, AdtsFrame { data }));
                }
            }
            self.data = self.data.get(1..)?;
        }
    }
}

/// A raw frame of AAC-LC silence of 1024 samples for 1 to 8 channels, at any sample rate.
///
/// 14496-3 4.4.2.1: channel elements whose `max_sfb` is 0, so that they hold no spectral data, in the
/// order of table 1.19.
pub fn silent_frame(channels: u8) -> Vec<u8> {
    const SINGLE: u32 = 0;
    const PAIR: u32 = 1;
    const LOW: u32 = 3;
    const END: u32 = 7;
    let elements: &[u32] = match channels {
        0 | 1 => &[SINGLE],
        2 => &[PAIR],
        3 => &[SINGLE, PAIR],
        4 => &[SINGLE, PAIR, SINGLE],
        5 => &[SINGLE, PAIR, PAIR],
        6 => &[SINGLE, PAIR, PAIR, LOW],
        _ => &[SINGLE, PAIR, PAIR, PAIR, LOW],
    };
    let mut w = BitWriter::default();
    for (i, element) in elements.iter().enumerate() {
        let tag = elements.iter().take(i).filter(|before| *before == element).count();
        w.put(*element, 3);
        w.put(u32::try_from(tag).unwrap_or(0), 4);
        // global_gain, ics_info (11 bits), no pulses, no noise shaping, no gain control; a pair has
        // its ics_info once, in front, and no ms_mask.
        if *element == PAIR {
            w.put(1, 1);
            w.put(0, 11 + 2);
            w.put(0, 11 + 11);
        } else {
            w.put(0, 8 + 11 + 3);
        }
    }
    w.put(END, 3);
    w.out
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const LC_48K_STEREO: [u8; 7] = [0xff, 0xf1, 0x4c, 0x80, 0x01, 0x7f, 0xfc];

    fn frame(payload: &[u8]) -> Vec<u8> {
        let len = 7 + payload.len();
        let mut f = LC_48K_STEREO.to_vec();
        f[4] = u8::try_from(len >> 3).unwrap();
        f[5] = u8::try_from((len & 7) << 5).unwrap() | 0x1f;
        f.extend_from_slice(payload);
        f
    }

    fn config() -> AacConfig {
        AacConfig { object_type: 2, sample_rate: 48000, channels: 2 }
    }

    #[test]
    fn a_run_is_split_into_its_raw_frames() {
        let run = [frame(&[1, 2, 3]), frame(&[4]), frame(&[5, 6])].concat();
        let got: Vec<_> = adts_frames(&run).map(|(c, f)| (c, f.data.to_vec())).collect();
        assert_eq!(
            got,
            [(config(), vec![1, 2, 3]), (config(), vec![4]), (config(), vec![5, 6])].to_vec()
        );
    }

    #[test]
    fn noise_and_a_false_sync_word_are_skipped() {
        let run = [vec![9, 0xff, 0xf1, 0x4c, 0x80, 0x01, 0x7f, 0xfc, 3], frame(&[7]), frame(&[8])];
        let run = run.concat();
        let got: Vec<_> = adts_frames(&run).map(|(_, f)| f.data.to_vec()).collect();
        assert_eq!(got, [vec![7], vec![8]]);
    }

    #[test]
    fn an_unfinished_frame_stays_in_the_rest() {
        let whole = frame(&[7; 30]);
        for cut in 1..whole.len() {
            let run = [frame(&[1]), whole[..cut].to_vec()].concat();
            let mut frames = adts_frames(&run);
            assert_eq!(frames.by_ref().count(), 1, "cut at {cut}");
            assert_eq!(frames.rest(), &whole[..cut]);
        }
    }

    #[test]
    fn silence_is_written_for_one_to_eight_channels() {
        assert_eq!(silent_frame(1), [0x00, 0x00, 0x00, 0x07]);
        assert_eq!(silent_frame(2), [0x21, 0x00, 0x00, 0x00, 0x00, 0x1c]);
        // Bits: 29 for a single element, 43 for a pair, 3 for the end.
        assert_eq!((silent_frame(6).len(), silent_frame(8).len()), (19, 24));
    }

    #[test]
    fn the_crc_is_part_of_the_header() {
        let mut f = frame(&[0xaa, 0xbb, 5, 6]);
        f[1] = 0xf0;
        let got: Vec<_> = adts_frames(&f).map(|(_, f)| f.data.to_vec()).collect();
        assert_eq!(got, [vec![5, 6]]);
    }

    #[test]
    fn audio_specific_configs_are_those_that_ffmpeg_writes() {
        let table: [(u8, u32, u8, &[u8]); 4] = [
            (2, 48000, 2, &[0x11, 0x90]),
            (2, 44100, 2, &[0x12, 0x10]),
            (2, 16000, 1, &[0x14, 0x08]),
            (2, 48000, 8, &[0x11, 0xb8]),
        ];
        for (object_type, sample_rate, channels, bytes) in table {
            let c = AacConfig { object_type, sample_rate, channels };
            assert_eq!(c.to_audio_specific_config(), bytes);
        }
        let odd = AacConfig { object_type: 42, sample_rate: 12345, channels: 1 };
        // Escaped type, explicit rate (14496-3 1.6.2.1).
        let bytes = [0xf9, 0x5e, 0x00, 0x60, 0x72, 0x20];
        assert_eq!(odd.to_audio_specific_config(), bytes);
        assert_eq!(config().codec_string(), "mp4a.40.2");
    }
}
