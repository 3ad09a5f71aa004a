//! MPEG-2 transport stream segments with H.264 and AAC, as ffmpeg's HLS muxer lays them out: tables
//! first, a PES a picture without stated length, several frames of sound in a PES.
//!
//! Written apart from `nearlive::media::ts`, so that a mistake there does not cancel itself out here.
//! Sources: ISO/IEC 13818-1 2.4 (packets, PES, tables), 13818-7 6.2 (ADTS), 14496-10 7.3.2.1 (SPS).

/// A picture or a frame of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// 90 kHz, before it is cut to 33 bits.
    pub pts: u64,
    /// Bytes.
    pub size: usize,
    /// A key frame.
    pub sync: bool,
}

/// Samples of a frame of sound, at 48 kHz.
const AUDIO_SAMPLES: u64 = 1024;
/// 90 kHz ticks of such a frame, times 8 (it is not a whole number).
const AUDIO_TICKS_8: u64 = AUDIO_SAMPLES * 90_000 * 8 / 48_000;
/// Frames of sound in a PES.
const IN_A_PES: usize = 8;

const MAP: u16 = 0x1000;
const VIDEO: u16 = 0x100;
const AUDIO: u16 = 0x101;

/// The frames of sound that begin in this span of 90 kHz ticks, on a grid that begins at `origin`.
pub fn sound(origin: u64, from: u64, to: u64, size: usize) -> Vec<Unit> {
    let number = |ticks: u64| (ticks.saturating_sub(origin) * 8).div_ceil(AUDIO_TICKS_8);
    let unit = |n: u64| Unit { pts: origin + n * AUDIO_TICKS_8 / 8, size, sync: true };
    (number(from)..number(to)).map(unit).collect()
}

/// A segment of these pictures, of this size, and this sound.
pub fn segment((width, height): (u32, u32), pictures: &[Unit], sound: &[Unit]) -> Vec<u8> {
    let mut out = Writer::default();
    out.tables(!pictures.is_empty(), !sound.is_empty());
    let mut sound = sound.chunks(IN_A_PES).peekable();
    for picture in pictures {
        while let Some(frames) = sound.next_if(|f| f.first().is_some_and(|f| f.pts < picture.pts)) {
            out.sound(frames);
        }
        out.picture((width, height), picture);
    }
    for frames in sound {
        out.sound(frames);
    }
    out.bytes
}

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    /// Continuity counters of the tables, the map, picture and sound.
    counters: [u8; 4],
}

impl Writer {
    fn tables(&mut self, picture: bool, sound: bool) {
        self.section(0, &[0x00, 0xb0, 0x0d, 0, 1, 0xc1, 0, 0, 0, 1, 0xf0, 0x00]);
        let mut streams = Vec::new();
        if picture {
            streams.extend([0x1b, 0xe1, 0x00, 0xf0, 0x00]);
        }
        if sound {
            streams.extend([0x0f, 0xe1, 0x01, 0xf0, 0x00]);
        }
        let length = u8::try_from(13 + streams.len()).unwrap_or(0);
        let clock = if picture { VIDEO } else { AUDIO };
        let [hi, lo] = clock.to_be_bytes();
        let head = [0x02, 0xb0, length, 0, 1, 0xc1, 0, 0, 0xe0 | hi, lo, 0xf0, 0x00];
        self.section(MAP, &[&head, streams.as_slice()].concat());
    }

    fn section(&mut self, pid: u16, body: &[u8]) {
        let mut payload = vec![0];
        payload.extend(body);
        payload.extend(crc32(body).to_be_bytes());
        payload.resize(184, 0xff);
        self.packets(pid, &payload, false);
    }

    fn picture(&mut self, (width, height): (u32, u32), picture: &Unit) {
        let mut data = vec![0, 0, 0, 1, 0x09, 0xf0];
        if picture.sync {
            data.extend([0, 0, 0, 1]);
            data.extend(sps(width, height));
            data.extend([0, 0, 0, 1, 0x68, 0xce, 0x3c, 0x80]);
        }
        data.extend([0, 0, 0, 1, if picture.sync { 0x65 } else { 0x41 }]);
        data.resize(data.len().max(picture.size), 0xaa);
        self.pes(VIDEO, 0xe0, picture.pts, 0, &data, picture.sync);
    }

    fn sound(&mut self, frames: &[Unit]) {
        let mut data = Vec::new();
        for frame in frames {
            let length = u32::try_from(frame.size + 7).unwrap_or(0);
            // 48 kHz, two channels.
            data.extend([0xff, 0xf1, 0x4c, 0x80]);
            let tail = (length << 13) | (0x7ff << 2);
            let [_, a, b, c] = tail.to_be_bytes();
            // The top bits of the length belong to the byte before.
            if let Some(last) = data.last_mut() {
                *last |= u8::try_from(length >> 11).unwrap_or(0);
            }
            data.extend([a, b, c]);
            data.resize(data.len() + frame.size, 0x21);
        }
        let Some(first) = frames.first() else { return };
        let length = u16::try_from(data.len() + 8).unwrap_or(0);
        self.pes(AUDIO, 0xc0, first.pts, length, &data, true);
    }

    fn pes(&mut self, pid: u16, id: u8, pts: u64, length: u16, data: &[u8], sync: bool) {
        let mut pes = vec![0, 0, 1, id];
        pes.extend(length.to_be_bytes());
        pes.extend([0x80, 0x80, 5]);
        let bits = |shift: u32, mask: u64| u8::try_from((pts >> shift) & mask).unwrap_or(0);
        pes.extend([
            0x21 | bits(30, 7) << 1,
            bits(22, 0xff),
            bits(15, 0x7f) << 1 | 1,
            bits(7, 0xff),
            bits(0, 0x7f) << 1 | 1,
        ]);
        pes.extend(data);
        self.packets(pid, &pes, sync);
    }

    /// Cuts a unit into packets; the adaptation field pads the last one.
    fn packets(&mut self, pid: u16, mut unit: &[u8], sync: bool) {
        let slot = match pid {
            0 => 0,
            MAP => 1,
            VIDEO => 2,
            _ => 3,
        };
        let mut starts = true;
        while !unit.is_empty() {
            let Some(counter) = self.counters.get_mut(slot) else { return };
            let [hi, lo] = pid.to_be_bytes();
            let random = starts && sync;
            let room = if random { 182 } else { 184 };
            let n = unit.len().min(room);
            let filled = 184 - n;
            let field = if filled > 0 { 0x20 } else { 0 };
            self.bytes.extend([0x47, if starts { 0x40 } else { 0 } | hi, lo]);
            self.bytes.push(0x10 | field | *counter);
            *counter = (*counter + 1) & 0x0f;
            if filled > 0 {
                self.bytes.push(u8::try_from(filled - 1).unwrap_or(0));
                if filled > 1 {
                    self.bytes.push(if random { 0x40 } else { 0 });
                    self.bytes.resize(self.bytes.len() + filled - 2, 0xff);
                }
            }
            let (now, later) = unit.split_at(n);
            self.bytes.extend(now);
            unit = later;
            starts = false;
        }
    }
}

/// 13818-1 annex A.
fn crc32(data: &[u8]) -> u32 {
    data.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            crc << 1 ^ if crc & 0x8000_0000 == 0 { 0 } else { 0x04c1_1db7 }
        })
    })
}

/// A sequence parameter set of the constrained baseline profile; both sizes are multiples of 16.
fn sps(width: u32, height: u32) -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    // Its id, 16 frame numbers, picture order as decoded, one reference.
    [0, 0, 2, 1].into_iter().for_each(|value| exp_golomb(&mut bits, value));
    bits.push(false);
    exp_golomb(&mut bits, width.div_ceil(16).saturating_sub(1));
    exp_golomb(&mut bits, height.div_ceil(16).saturating_sub(1));
    // Frames only, direct 8x8, no cropping, no usability information; the stop bit.
    bits.extend([true, true, false, false, true]);
    let mut out = vec![0x67, 66, 0xc0, 30];
    for byte in bits.chunks(8) {
        let value = byte.iter().enumerate().fold(0, |v, (i, bit)| v | u8::from(*bit) << (7 - i));
        out.push(value);
    }
    out
}

/// 14496-10 9.1.
fn exp_golomb(bits: &mut Vec<bool>, value: u32) {
    let code = value + 1;
    let length = 32 - code.leading_zeros();
    bits.extend((1..length).map(|_| false));
    bits.extend((0..length).rev().map(|i| code >> i & 1 == 1));
}

#[cfg(test)]
mod tests {
    use super::*;
    use nearlive::media::transmux::{Kind, Output, Transmuxer};

    #[test]
    fn the_player_reads_what_was_written() {
        let pictures: Vec<Unit> =
            (0..50).map(|i| Unit { pts: 900_000 + i * 3600, size: 700, sync: i == 0 }).collect();
        let sound = sound(900_000, 900_000, 1_080_000, 90);
        let bytes = segment((640, 352), &pictures, &sound);
        assert_eq!(bytes.len() % 188, 0);
        let (mut t, mut out) = (Transmuxer::new(), Vec::new());
        t.push(&bytes, &mut out);
        t.end_segment(&mut out);
        let origin = 1_i64 << 33;
        let mut video = Vec::new();
        for made in out {
            match made {
                Output::Init { kind: Kind::Video, codec, .. } => assert_eq!(codec, "avc1.42c01e"),
                Output::Init { codec, .. } => assert_eq!(codec, "mp4a.40.2"),
                Output::Fragment { kind: Kind::Video, start, end, .. } => {
                    video.push((start.ticks - origin, end.ticks - origin));
                }
                Output::Fragment { start, end, .. } => {
                    let frames = i64::try_from(sound.len()).unwrap();
                    assert_eq!(end.ticks - start.ticks, frames * 1024);
                }
                Output::Unsupported { kind } => panic!("{kind:?}"),
            }
        }
        assert_eq!(video.first().unwrap().0, 900_000);
        assert_eq!(video.last().unwrap().1, 1_080_000);
    }
}
