//! Real CMAF bytes with dummy media: made by the core's own writer, the media data only counted.

use crate::payload::{Payload, count};
use nearlive::media::es::{aac::AacConfig, h264::AvcConfig};
use nearlive::media::isobmff::write::{self, ProducerTime, Sample, SampleEntry, Track};
use nearlive::time::{Timescale, WallTime};
use nearlive::units::Resolution;

/// The codec of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// H.264 at 90 kHz.
    Video {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// H.264 of another profile.
    OtherVideo {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// AAC, 48 kHz, stereo.
    Audio,
}

/// Samples of an AAC frame: its length in ticks of 48 kHz.
pub const AUDIO_FRAME: u32 = 1024;

/// One frame: start and duration in ticks, size in bytes, random access point.
pub type Sized = (u64, u32, u32, bool);

/// Makes one track's segments.
#[derive(Clone, Debug)]
pub struct Packer {
    track: Track,
}

impl Packer {
    /// For a track of this kind.
    pub fn new(kind: Kind) -> Self {
        let avc = |profile: u8, width, height| {
            SampleEntry::Avc(AvcConfig {
                sps: vec![0x67, profile, 0, 0x1f, 0xac, 0xd9],
                pps: vec![0x68, 0xeb, 0xe3],
                more_pps: Vec::new(),
                resolution: Resolution { width, height },
            })
        };
        let (timescale, entry) = match kind {
            Kind::Video { width, height } => (Timescale::NINETY_KHZ, avc(0x64, width, height)),
            Kind::OtherVideo { width, height } => (Timescale::NINETY_KHZ, avc(0x4d, width, height)),
            Kind::Audio => {
                let aac = AacConfig { object_type: 2, sample_rate: 48_000, channels: 2 };
                (Timescale::AUDIO_48K, SampleEntry::Aac(aac))
            }
        };
        Self { track: Track { id: 1, timescale, entry } }
    }

    /// Ticks in a second.
    pub const fn timescale(&self) -> Timescale {
        self.track.timescale
    }

    /// RFC 6381.
    pub fn codecs(&self) -> String {
        self.track.entry.codec_string()
    }

    /// The initialization segment.
    pub fn init(&self) -> Vec<u8> {
        write::init_segment(&self.track)
    }

    /// One chunk of these contiguous frames.
    pub fn chunk(&self, frames: &[Sized], captured: Option<WallTime>) -> Payload {
        self.late_chunk(frames, captured, None)
    }

    /// One chunk of frames that are shown this many ticks after they are decoded.
    pub fn chunk_shown(&self, frames: &[Sized], after: i32) -> Payload {
        self.write(frames, None, None, after)
    }

    /// The same, with the time at which it was finished.
    pub fn late_chunk(
        &self,
        frames: &[Sized],
        captured: Option<WallTime>,
        finalized: Option<WallTime>,
    ) -> Payload {
        self.write(frames, captured, finalized, 0)
    }

    fn write(
        &self,
        frames: &[Sized],
        captured: Option<WallTime>,
        finalized: Option<WallTime>,
        shown_after: i32,
    ) -> Payload {
        let size = frames.iter().map(|f| usize::try_from(f.2).unwrap_or(0)).sum();
        let start = frames.first().map_or(0, |f| f.0);
        let producer = captured.map(|wall| ProducerTime { wall, finalized, media_ticks: start });
        ZEROS.with_borrow_mut(|(zeros, out)| {
            let most = frames.iter().map(|f| usize::try_from(f.2).unwrap_or(0)).max().unwrap_or(0);
            if zeros.len() < most {
                zeros.resize(most, 0);
            }
            let sample = |f: &Sized| Sample {
                data: zeros.get(..usize::try_from(f.2).unwrap_or(0)).unwrap_or_default(),
                duration: f.1,
                composition_offset: shown_after,
                sync: f.3,
            };
            let samples: Vec<Sample<'_>> = frames.iter().map(sample).collect();
            out.clear();
            let chunk = write::Chunk {
                track: self.track.id,
                sequence: u32::try_from(start / 1000 % 0xffff_ffff).unwrap_or(0),
                decode_time: start,
                samples: &samples,
                producer,
            };
            write::chunk(&chunk, out);
            let mut payload = Payload::default();
            let head = out.len().saturating_sub(size);
            payload.append_media(out.get(..head).unwrap_or_default(), count(size));
            payload
        })
    }
}

thread_local! {
    /// Zeros to point samples at, and where the writer writes: an hour has 250,000 chunks.
    static ZEROS: std::cell::RefCell<(Vec<u8>, Vec<u8>)> = const { std::cell::RefCell::new((Vec::new(), Vec::new())) };
}

/// A `sidx` of version 0 (ISO/IEC 14496-12 8.16.3) for segments of these sizes and durations, which
/// follow it directly.
pub fn index(timescale: u32, segments: &[(u32, u32)]) -> Vec<u8> {
    let mut body = vec![0; 4];
    body.extend(1_u32.to_be_bytes());
    body.extend(timescale.to_be_bytes());
    body.extend([0; 10]);
    body.extend(u16::try_from(segments.len()).unwrap_or(u16::MAX).to_be_bytes());
    for (size, duration) in segments {
        body.extend(size.to_be_bytes());
        body.extend(duration.to_be_bytes());
        // It starts with a random access point of type 1.
        body.extend(0x9000_0000_u32.to_be_bytes());
    }
    let size = u32::try_from(body.len() + 8).unwrap_or(0);
    [&size.to_be_bytes(), b"sidx".as_slice(), &body].concat()
}

/// An `emsg` of version 1 (ISO/IEC 23009-1 5.10.3.3.3).
pub fn message(
    scheme: &str,
    value: &str,
    at: u64,
    timescale: u32,
    duration: u32,
    data: &[u8],
) -> Vec<u8> {
    let mut body = vec![1, 0, 0, 0];
    body.extend(timescale.to_be_bytes());
    body.extend(at.to_be_bytes());
    body.extend(duration.to_be_bytes());
    body.extend(u32::try_from(at % 0xffff_ffff).unwrap_or(0).to_be_bytes());
    body.extend(scheme.bytes().chain([0]).chain(value.bytes()).chain([0]));
    body.extend(data);
    let size = u32::try_from(body.len() + 8).unwrap_or(0);
    [&size.to_be_bytes(), b"emsg".as_slice(), &body].concat()
}
