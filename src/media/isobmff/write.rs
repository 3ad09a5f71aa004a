//! Writes CMAF initialization segments and chunks (ISO/IEC 23000-19 7.3).
//!
//! Live initialization segments have every duration 0 and no `mehd`: that is what puts Chromium's
//! pipeline into its low-delay mode.
//!
//! ```text
//!   init:   ftyp moov( mvhd trak( tkhd mdia( mdhd hdlr minf( vmhd|smhd dinf stbl ))) mvex( trex ))
//!   chunk:  prft? moof( mfhd traf( tfhd tfdt trun )) mdat
//! ```
//!
//! `trun` has the values of every sample, so that each chunk can be read by itself.

use super::{NTP_UNIX_SECONDS, PRFT_FINALIZED};
use crate::media::es::{aac::AacConfig, h264::AvcConfig};
use crate::time::{Timescale, WallTime};
use crate::units::Resolution;
use alloc::vec::Vec;

/// The codec of a track's samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SampleEntry {
    /// `avc1` with its `avcC`.
    Avc(AvcConfig),
    /// `mp4a` with its `esds`.
    Aac(AacConfig),
}

impl SampleEntry {
    /// The RFC 6381 name, such as `avc1.64001f`.
    pub fn codec_string(&self) -> alloc::string::String {
        match self {
            Self::Avc(c) => c.codec_string(),
            Self::Aac(c) => c.codec_string(),
        }
    }
}

/// One track of an initialization segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// `track_ID`, from 1.
    pub id: u32,
    /// Of `mdhd`.
    pub timescale: Timescale,
    /// Its samples.
    pub entry: SampleEntry,
}

/// `ftyp` and `moov` of a live CMAF track.
pub fn init_segment(track: &Track) -> Vec<u8> {
    let mut w = BoxWriter { out: Vec::with_capacity(1024) };
    w.boxed(b"ftyp", |w| {
        w.bytes(b"iso6");
        w.u32(0);
        w.bytes(b"iso6cmfc");
    });
    w.boxed(b"moov", |w| {
        movie_header(w, track);
        w.boxed(b"trak", |w| {
            track_header(w, track);
            w.boxed(b"mdia", |w| media(w, track));
        });
        w.boxed(b"mvex", |w| {
            w.full(b"trex", 0, 0, |w| {
                w.u32(track.id);
                w.u32(1); // default_sample_description_index
                w.zeros(12);
            });
        });
    });
    w.out
}

/// The unity matrix of 14496-12 6.2.2.
const UNITY: [u32; 9] = [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000];

fn movie_header(w: &mut BoxWriter, track: &Track) {
    w.full(b"mvhd", 0, 0, |w| {
        w.zeros(8); // creation and modification time
        w.u32(track.timescale.hz());
        w.u32(0); // duration
        w.u32(0x0001_0000); // rate
        w.u16(0x0100); // volume
        w.zeros(10);
        w.u32s(&UNITY);
        w.zeros(24);
        w.u32(track.id.saturating_add(1)); // next_track_ID
    });
}

fn track_header(w: &mut BoxWriter, track: &Track) {
    // Flags: enabled, in movie.
    w.full(b"tkhd", 0, 3, |w| {
        w.zeros(8);
        w.u32(track.id);
        w.zeros(4);
        w.u32(0); // duration
        w.zeros(8);
        w.zeros(4); // layer, alternate_group
        let (volume, size) = match &track.entry {
            SampleEntry::Avc(c) => (0, c.resolution),
            SampleEntry::Aac(_) => (0x0100, Resolution::default()),
        };
        w.u16(volume);
        w.zeros(2);
        w.u32s(&UNITY);
        w.u32(size.width << 16);
        w.u32(size.height << 16);
    });
}

fn media(w: &mut BoxWriter, track: &Track) {
    w.full(b"mdhd", 0, 0, |w| {
        w.zeros(8);
        w.u32(track.timescale.hz());
        w.u32(0); // duration
        w.u16(0x55c4); // language: "und"
        w.zeros(2);
    });
    let video = matches!(track.entry, SampleEntry::Avc(_));
    w.full(b"hdlr", 0, 0, |w| {
        w.zeros(4);
        w.bytes(if video { b"vide" } else { b"soun" });
        w.zeros(12);
        w.zeros(1); // name: empty
    });
    w.boxed(b"minf", |w| {
        if video {
            w.full(b"vmhd", 0, 1, |w| w.zeros(8));
        } else {
            w.full(b"smhd", 0, 0, |w| w.zeros(4));
        }
        w.boxed(b"dinf", |w| {
            w.full(b"dref", 0, 0, |w| {
                w.u32(1);
                w.full(b"url ", 0, 1, |_| {}); // the media is in this file
            });
        });
        w.boxed(b"stbl", |w| {
            w.full(b"stsd", 0, 0, |w| {
                w.u32(1);
                match &track.entry {
                    SampleEntry::Avc(c) => avc1(w, c),
                    SampleEntry::Aac(c) => mp4a(w, c),
                }
            });
            for empty in [b"stts", b"stsc", b"stco"] {
                w.full(empty, 0, 0, |w| w.u32(0));
            }
            w.full(b"stsz", 0, 0, |w| w.zeros(8));
        });
    });
}

/// `AVCSampleEntry` (14496-15 5.4.2.1).
fn avc1(w: &mut BoxWriter, config: &AvcConfig) {
    let side = |pixels: u32| u16::try_from(pixels).unwrap_or(u16::MAX);
    w.boxed(b"avc1", |w| {
        w.zeros(6);
        w.u16(1); // data_reference_index
        w.zeros(16);
        w.u16(side(config.resolution.width));
        w.u16(side(config.resolution.height));
        w.u32(0x0048_0000); // 72 dpi
        w.u32(0x0048_0000);
        w.zeros(4);
        w.u16(1); // frame_count
        w.zeros(32); // compressorname
        w.u16(24); // depth
        w.u16(0xffff);
        w.boxed(b"avcC", |w| w.bytes(&config.to_avcc()));
    });
}

/// `AudioSampleEntry` (14496-12 12.2.3) with the descriptors of 14496-1 7.2.6.5.
fn mp4a(w: &mut BoxWriter, config: &AacConfig) {
    w.boxed(b"mp4a", |w| {
        w.zeros(6);
        w.u16(1); // data_reference_index
        w.zeros(8);
        w.u16(u16::from(config.channels));
        w.u16(16); // samplesize
        w.zeros(4);
        // 16.16; a rate beyond 65535 stands in the AudioSpecificConfig alone.
        w.u16(u16::try_from(config.sample_rate).unwrap_or(0));
        w.u16(0);
        w.full(b"esds", 0, 0, |w| {
            let asc = config.to_audio_specific_config();
            // No descriptor comes near the 128 bytes at which its length takes two bytes.
            let asc_len = u8::try_from(asc.len()).unwrap_or(0);
            w.bytes(&[0x03, 3 + 2 + 13 + 2 + asc_len + 3, 0, 0, 0]); // ES_Descriptor, ES_ID 0
            w.bytes(&[0x04, 13 + 2 + asc_len]); // DecoderConfigDescriptor
            w.bytes(&[0x40, 0x15]); // 14496-3 audio, AudioStream
            w.zeros(3 + 4 + 4); // bufferSizeDB, maxBitrate, avgBitrate: not known
            w.bytes(&[0x05, asc_len]); // DecoderSpecificInfo
            w.bytes(&asc);
            w.bytes(&[0x06, 1, 2]); // SLConfigDescriptor, predefined: MP4
        });
    });
}

/// One sample of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample<'a> {
    /// Its bytes.
    pub data: &'a [u8],
    /// Ticks to the next sample's decode time.
    pub duration: u32,
    /// Presentation minus decode time, ticks.
    pub composition_offset: i32,
    /// A sync sample.
    pub sync: bool,
}

/// When a chunk's first sample was captured, for its `prft`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerTime {
    /// UTC.
    pub wall: WallTime,
    /// When the chunk was finished, for a second `prft`. Written where that was late, so that a
    /// player does not blame the network.
    pub finalized: Option<WallTime>,
    /// The media time that `wall` belongs to, in ticks of the track.
    pub media_ticks: u64,
}

/// One chunk: `prft`{0,2} `moof` `mdat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// `track_ID`.
    pub track: u32,
    /// `sequence_number` of `mfhd`.
    pub sequence: u32,
    /// `baseMediaDecodeTime`, ticks.
    pub decode_time: u64,
    /// At least one.
    pub samples: &'a [Sample<'a>],
    /// Written before the `moof` when given.
    pub producer: Option<ProducerTime>,
}

/// `sample_depends_on` 2, "on no other" (14496-12 8.8.3.1).
const SYNC_SAMPLE: u32 = 0x0200_0000;
/// `sample_depends_on` 1, `sample_is_non_sync_sample`.
const OTHER_SAMPLE: u32 = 0x0101_0000;

/// Bytes of a chunk's boxes around one sample; `out` reserves them in advance.
const OVERHEAD: usize = 2 * 32 + 104 + 8;

/// Appends the chunk's bytes to `out`.
pub fn chunk(chunk: &Chunk<'_>, out: &mut Vec<u8>) {
    let payload: usize = chunk.samples.iter().map(|s| s.data.len()).sum();
    out.reserve(payload + OVERHEAD + 16 * chunk.samples.len());
    let mut w = BoxWriter { out: core::mem::take(out) };
    if let Some(producer) = chunk.producer {
        let ProducerTime { wall, finalized, media_ticks } = producer;
        producer_time(&mut w, chunk.track, CAPTURED, wall, media_ticks);
        if let Some(wall) = finalized {
            producer_time(&mut w, chunk.track, PRFT_FINALIZED, wall, media_ticks);
        }
    }
    let moof = w.out.len();
    let mut data_offset = 0;
    w.boxed(b"moof", |w| {
        w.full(b"mfhd", 0, 0, |w| w.u32(chunk.sequence));
        w.boxed(b"traf", |w| {
            // default-base-is-moof
            w.full(b"tfhd", 0, 0x02_0000, |w| w.u32(chunk.track));
            w.full(b"tfdt", 1, 0, |w| w.u64(chunk.decode_time));
            data_offset = track_run(w, chunk.samples);
        });
    });
    // data_offset counts from the start of the moof to the first byte in the mdat.
    let to_payload = u32::try_from(w.out.len() - moof + 8).unwrap_or(u32::MAX);
    w.patch(data_offset, to_payload);
    w.boxed(b"mdat", |w| {
        for sample in chunk.samples {
            w.bytes(sample.data);
        }
    });
    *out = w.out;
}

/// Writes `trun` (8.8.8) version 1. Returns the position of its `data_offset`.
fn track_run(w: &mut BoxWriter, samples: &[Sample<'_>]) -> usize {
    let reordered = samples.iter().any(|s| s.composition_offset != 0);
    let mut data_offset = 0;
    // data-offset, durations, sizes, flags; composition offsets only where pictures are reordered.
    let flags = 0x0701 | if reordered { 0x0800 } else { 0 };
    w.full(b"trun", 1, flags, |w| {
        w.u32(u32::try_from(samples.len()).unwrap_or(u32::MAX));
        data_offset = w.out.len();
        w.u32(0);
        for s in samples {
            w.u32(s.duration);
            w.u32(u32::try_from(s.data.len()).unwrap_or(u32::MAX));
            w.u32(if s.sync { SYNC_SAMPLE } else { OTHER_SAMPLE });
            if reordered {
                w.bytes(&s.composition_offset.to_be_bytes());
            }
        }
    });
    data_offset
}

/// Flags of `prft` (8.16.5): the time is that of capture, on a clock that runs steadily.
const CAPTURED: u32 = 24;

/// `prft` (8.16.5).
fn producer_time(w: &mut BoxWriter, track: u32, flags: u32, wall: WallTime, media_ticks: u64) {
    w.full(b"prft", 1, flags, |w| {
        w.u32(track);
        let us = wall.as_micros();
        let seconds = us.div_euclid(1_000_000).saturating_add(NTP_UNIX_SECONDS);
        // NTP's seconds wrap in 2036 (RFC 5905 section 6): only their low 32 bits are written.
        let seconds = u64::try_from(seconds).unwrap_or(0) & u64::from(u32::MAX);
        let micros = u64::try_from(us.rem_euclid(1_000_000)).unwrap_or(0);
        w.u64((seconds << 32) | ((micros << 32) / 1_000_000));
        w.u64(media_ticks);
    });
}

struct BoxWriter {
    out: Vec<u8>,
}

impl BoxWriter {
    /// Writes a box; its size is filled in after its content.
    fn boxed(&mut self, kind: &[u8; 4], content: impl FnOnce(&mut Self)) {
        let start = self.out.len();
        self.zeros(4);
        self.bytes(kind);
        content(self);
        let size = u32::try_from(self.out.len() - start).unwrap_or(u32::MAX);
        self.patch(start, size);
    }

    fn full(&mut self, kind: &[u8; 4], version: u8, flags: u32, content: impl FnOnce(&mut Self)) {
        self.boxed(kind, |w| {
            w.u32(u32::from(version) << 24 | flags);
            content(w);
        });
    }

    #[inline(never)]
    fn patch(&mut self, at: usize, value: u32) {
        if let Some(place) = self.out.get_mut(at..at + 4) {
            place.copy_from_slice(&value.to_be_bytes());
        }
    }

    #[inline(never)]
    fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    #[inline(never)]
    fn zeros(&mut self, n: usize) {
        self.out.resize(self.out.len() + n, 0);
    }

    #[inline(never)]
    fn u16(&mut self, v: u16) {
        self.bytes(&v.to_be_bytes());
    }

    #[inline(never)]
    fn u32(&mut self, v: u32) {
        self.bytes(&v.to_be_bytes());
    }

    fn u32s(&mut self, values: &[u32]) {
        for v in values {
            self.u32(*v);
        }
    }

    fn u64(&mut self, v: u64) {
        self.bytes(&v.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_costs_what_the_overhead_says() {
        let samples = [Sample { data: &[1; 10], duration: 1, composition_offset: 1, sync: true }];
        let producer = Some(ProducerTime {
            wall: WallTime::from_millis(1),
            finalized: Some(WallTime::from_millis(2)),
            media_ticks: 1,
        });
        let mut out = Vec::new();
        chunk(
            &Chunk { track: 1, sequence: 1, decode_time: 1, samples: &samples, producer },
            &mut out,
        );
        assert_eq!(out.len(), OVERHEAD + 10);
    }

    #[test]
    fn the_ntp_time_of_a_known_instant() {
        // 2001-09-09T01:46:40.5Z is 10^9 + 0.5 s of Unix time.
        let mut w = BoxWriter { out: Vec::new() };
        let wall = WallTime::from_micros(1_000_000_000_500_000);
        producer_time(&mut w, 7, CAPTURED, wall, 9);
        assert_eq!(w.out.get(..12), Some(&b"\0\0\0\x20prft\x01\0\0\x18"[..]));
        let ntp: u64 = (1_000_000_000 + 2_208_988_800) << 32 | 0x8000_0000;
        assert_eq!(w.out.get(16..24), Some(&ntp.to_be_bytes()[..]));
        assert_eq!(w.out.get(24..), Some(&9u64.to_be_bytes()[..]));
    }
}
