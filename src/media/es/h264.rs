//! H.264: NAL units of an Annex B byte stream, and the parameter sets (ISO/IEC 14496-10).
//!
//! A transport stream carries access units as Annex B: start codes, with the parameter sets in the
//! stream. MP4 (`avc1`, ISO/IEC 14496-15 5.3.3) wants a length before each NAL unit and the
//! parameter sets in `avcC`. [`access_unit`] converts from the first form to the second.

use super::bits::Bits;
use crate::media::codec::push_hex;
use crate::units::Resolution;
use alloc::string::String;
use alloc::vec::Vec;

/// The parameter sets that a decoder needs, and the picture size that they give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvcConfig {
    /// Sequence parameter set, NAL header included, no start code.
    pub sps: Vec<u8>,
    /// Picture parameter set, likewise.
    pub pps: Vec<u8>,
    /// Further picture parameter sets: some encoders choose between several by slice.
    pub more_pps: Vec<Vec<u8>>,
    /// Size of the cropped picture.
    pub resolution: Resolution,
}

impl AvcConfig {
    /// Reads the picture's size from `sps`; `None` when it cannot be read.
    pub fn new(sps: &[u8], pps: &[u8]) -> Option<Self> {
        let resolution = Sps::read(sps)?.resolution;
        Some(Self { sps: sps.to_vec(), pps: pps.to_vec(), more_pps: Vec::new(), resolution })
    }

    /// The RFC 6381 name, such as `avc1.64001f`.
    pub fn codec_string(&self) -> String {
        let mut s = String::from("avc1.");
        for byte in self.sps.get(1..4).unwrap_or(&[0, 0, 0]) {
            push_hex(&mut s, *byte);
        }
        s
    }

    /// The AVCDecoderConfigurationRecord (14496-15 5.3.3.1), which is the content of `avcC`.
    pub fn to_avcc(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.sps.len() + self.pps.len() + 16);
        out.push(1);
        out.extend_from_slice(self.sps.get(1..4).unwrap_or(&[0, 0, 0]));
        // Lengths before NAL units have 4 bytes; one sequence parameter set.
        out.extend_from_slice(&[0xff, 0xe1]);
        push_set(&mut out, &self.sps);
        let pps_count = u8::try_from(1 + self.more_pps.len()).unwrap_or(u8::MAX);
        out.push(pps_count);
        for pps in core::iter::once(&self.pps).chain(&self.more_pps).take(usize::from(pps_count)) {
            push_set(&mut out, pps);
        }
        if let Some(sps) = Sps::read(&self.sps)
            && matches!(sps.profile, 100 | 110 | 122 | 144)
        {
            let depth = |d: u8| 0xf8 | (d.saturating_sub(8) & 7);
            out.push(0xfc | (sps.chroma_format & 3));
            out.extend_from_slice(&[depth(sps.luma_bits), depth(sps.chroma_bits), 0]);
        }
        out
    }
}

fn push_set(out: &mut Vec<u8>, set: &[u8]) {
    let len = u16::try_from(set.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(set.get(..usize::from(len)).unwrap_or_default());
}

/// One access unit in the form that MP4 stores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AvcSample {
    /// NAL units with 4-byte lengths; parameter sets, delimiters and filler are left out.
    pub data: Vec<u8>,
    /// It holds an IDR slice.
    pub idr: bool,
    /// A recovery point SEI message (14496-10 D.2.8) says that decoding may start here.
    pub recovery_point: bool,
    /// The slice types of its picture.
    pub slices: Slices,
    /// The parameter sets in this access unit, if it has both kinds and the first can be read.
    pub config: Option<AvcConfig>,
}

/// The slice types of one picture, combined (`slice_type`, 14496-10 table 7-6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slices {
    /// The picture has no slice, or none that could be read.
    #[default]
    None,
    /// Only I and SI slices: the picture needs no other picture.
    Intra,
    /// At least one P or SP slice, no B slice.
    Predicted,
    /// At least one B slice: it may be shown before pictures that precede it in the stream.
    Bidirectional,
}

impl Slices {
    /// The types after adding the slice in this NAL unit (header included).
    fn and(self, nal: &[u8]) -> Self {
        let mut b = Bits::rbsp(nal.get(1..).unwrap_or_default());
        // `first_mb_in_slice` precedes it (7.3.3).
        let (Some(_), Some(kind)) = (b.ue(), b.ue()) else { return self };
        match (kind % 5, self) {
            (1, _) | (_, Self::Bidirectional) => Self::Bidirectional,
            (0 | 3, _) | (_, Self::Predicted) => Self::Predicted,
            _ => Self::Intra,
        }
    }
}

/// The NAL units of an Annex B byte stream, without start codes and trailing zeros.
pub fn nal_units(annex_b: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = after_start_code(annex_b);
    core::iter::from_fn(move || {
        loop {
            let data = rest?;
            let end = start_code(data);
            rest = end.and_then(|i| data.get(i + 3..));
            let nal = trim_zeros(end.and_then(|i| data.get(..i)).unwrap_or(data));
            if !nal.is_empty() {
                return Some(nal);
            }
        }
    })
}

fn after_start_code(data: &[u8]) -> Option<&[u8]> {
    data.get(start_code(data)? + 3..)
}

/// Where the next 00 00 01 begins.
fn start_code(data: &[u8]) -> Option<usize> {
    let mut i = 0;
    while let Some(three) = data.get(i..i + 3) {
        match three {
            [0, 0, 1] => return Some(i),
            // A third byte above 1 cannot be part of a start code at all.
            [_, _, third] if *third > 1 => i += 3,
            _ => i += 1,
        }
    }
    None
}

fn trim_zeros(mut nal: &[u8]) -> &[u8] {
    while let [head @ .., 0] = nal {
        nal = head;
    }
    nal
}

/// The NAL units of a sample, in which a length of four bytes precedes each.
pub fn sample_units(mut sample: &[u8]) -> impl Iterator<Item = &[u8]> {
    core::iter::from_fn(move || {
        let (length, rest) = sample.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (nal, rest) = rest.split_at_checked(length)?;
        sample = rest;
        Some(nal)
    })
}

/// `nal_unit_type` (14496-10 table 7-1).
pub(super) mod nal_type {
    pub(crate) const SLICE: u8 = 1;
    pub(crate) const IDR: u8 = 5;
    pub(crate) const SEI: u8 = 6;
    pub(crate) const SPS: u8 = 7;
    pub(crate) const PPS: u8 = 8;
    pub(crate) const DELIMITER: u8 = 9;
    pub(crate) const END_OF_SEQUENCE: u8 = 10;
    pub(crate) const END_OF_STREAM: u8 = 11;
    pub(crate) const FILLER: u8 = 12;
}

/// Converts one Annex B access unit.
pub fn access_unit(annex_b: &[u8]) -> AvcSample {
    let mut sample = AvcSample { data: Vec::with_capacity(annex_b.len()), ..Default::default() };
    let mut sps: Option<&[u8]> = None;
    let mut all_pps: Vec<&[u8]> = Vec::new();
    for nal in nal_units(annex_b) {
        match nal.first().map_or(0, |b| b & 0x1f) {
            nal_type::SPS => {
                sps = Some(nal);
                continue;
            }
            nal_type::PPS => {
                if !all_pps.contains(&nal) {
                    all_pps.push(nal);
                }
                continue;
            }
            nal_type::DELIMITER
            | nal_type::END_OF_SEQUENCE
            | nal_type::END_OF_STREAM
            | nal_type::FILLER => continue,
            nal_type::SLICE => sample.slices = sample.slices.and(nal),
            nal_type::IDR => {
                sample.idr = true;
                sample.slices = sample.slices.and(nal);
            }
            nal_type::SEI => sample.recovery_point |= has_recovery_point(nal),
            _ => {}
        }
        let Ok(len) = u32::try_from(nal.len()) else { continue };
        sample.data.extend_from_slice(&len.to_be_bytes());
        sample.data.extend_from_slice(nal);
    }
    if let (Some(sps), Some((pps, more))) = (sps, all_pps.split_first()) {
        sample.config = AvcConfig::new(sps, pps).map(|mut config| {
            config.more_pps = more.iter().map(|p| p.to_vec()).collect();
            config
        });
    }
    sample
}

/// `payloadType` of a recovery point (14496-10 D.1.1).
const SEI_RECOVERY_POINT: u32 = 6;

fn has_recovery_point(sei: &[u8]) -> bool {
    fn number(b: &mut Bits<'_>) -> Option<u32> {
        let mut v = 0u32;
        loop {
            let byte = b.byte()?;
            v = v.checked_add(u32::from(byte))?;
            if byte != 0xff {
                return Some(v);
            }
        }
    }
    let mut b = Bits::rbsp(sei.get(1..).unwrap_or_default());
    while let (Some(kind), Some(bytes)) = (number(&mut b), number(&mut b)) {
        if kind == SEI_RECOVERY_POINT {
            return true;
        }
        if bytes.checked_mul(8).and_then(|bits| b.skip(bits)).is_none() {
            return false;
        }
    }
    false
}

/// The fields of a sequence parameter set (14496-10 7.3.2.1.1) before the VUI, which is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sps {
    /// `profile_idc`.
    pub profile: u8,
    /// `level_idc`: ten times the level.
    pub level: u8,
    /// `chroma_format_idc`: 1 is 4:2:0.
    pub chroma_format: u8,
    /// Bits of a luma sample.
    pub luma_bits: u8,
    /// Bits of a chroma sample.
    pub chroma_bits: u8,
    /// `separate_colour_plane_flag`.
    pub separate_planes: bool,
    /// Bits of `frame_num` in a slice header.
    pub frame_num_bits: u8,
    /// How slice headers give the order in which pictures are shown.
    pub order: OrderCount,
    /// `max_num_ref_frames`.
    pub references: u32,
    /// Macroblocks of a picture, the cropped ones as well.
    pub macroblocks: u32,
    /// `frame_mbs_only_flag`: no picture is made of fields.
    pub frames_only: bool,
    /// Size of the cropped picture.
    pub resolution: Resolution,
}

/// `pic_order_cnt_type` (14496-10 8.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderCount {
    /// 0: a slice header has the low bits of the order count, this many.
    Low(u8),
    /// 1: a slice header has the difference from the count that `frame_num` predicts.
    Expected,
    /// 2: pictures are shown in the order of the stream.
    AsTheyCome,
}

impl Sps {
    /// Reads the NAL unit `nal`, header included; `None` when it is cut off or makes no sense.
    pub fn read(nal: &[u8]) -> Option<Self> {
        let (head, body) = nal.split_first()?;
        if head & 0x1f != nal_type::SPS {
            return None;
        }
        let mut b = Bits::rbsp(body);
        let profile = b.byte()?;
        b.skip(8)?;
        let level = b.byte()?;
        b.ue()?;
        let samples = Samples::read(&mut b, profile)?;
        let frame_num_bits = log2(&mut b)?;
        let order = order_count(&mut b)?;
        let references = b.ue()?;
        b.skip(1)?;
        let width_mbs = b.ue()?.checked_add(1)?;
        let height_units = b.ue()?.checked_add(1)?;
        let frames_only = b.flag()?;
        if !frames_only {
            b.skip(1)?;
        }
        b.skip(1)?;
        let rows_per_unit = if frames_only { 1 } else { 2 };
        let macroblocks = width_mbs.checked_mul(height_units)?.checked_mul(rows_per_unit)?;
        let mut width = width_mbs.checked_mul(16)?;
        let mut height = height_units.checked_mul(16 * rows_per_unit)?;
        if b.flag()? {
            // 7.4.2.1.1: crop units are chroma samples, and field lines when there are fields.
            let (unit_x, unit_y) = samples.per_chroma();
            let unit_y = unit_y * rows_per_unit;
            let (left, right, top, bottom) = (b.ue()?, b.ue()?, b.ue()?, b.ue()?);
            width = width.checked_sub(left.checked_add(right)?.checked_mul(unit_x)?)?;
            height = height.checked_sub(top.checked_add(bottom)?.checked_mul(unit_y)?)?;
        }
        // The tables of annex A end at level 6.2: 139264 macroblocks, at most 16864 pixels a side.
        if !(1..=16_864).contains(&width) || !(1..=16_864).contains(&height) {
            return None;
        }
        Some(Self {
            profile,
            level,
            chroma_format: u8::try_from(samples.chroma_format).ok()?,
            luma_bits: u8::try_from(samples.luma_bits).ok()?,
            chroma_bits: u8::try_from(samples.chroma_bits).ok()?,
            separate_planes: samples.separate_planes,
            frame_num_bits,
            order,
            references,
            macroblocks,
            frames_only,
            resolution: Resolution { width, height },
        })
    }
}

/// How samples are coded: the part of a sequence parameter set that only some profiles have.
struct Samples {
    chroma_format: u32,
    separate_planes: bool,
    luma_bits: u32,
    chroma_bits: u32,
}

impl Samples {
    /// Reads from `chroma_format_idc` to the scaling lists; other profiles have defaults instead.
    fn read(b: &mut Bits<'_>, profile: u8) -> Option<Self> {
        let mut samples =
            Self { chroma_format: 1, separate_planes: false, luma_bits: 8, chroma_bits: 8 };
        if !matches!(
            profile,
            100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135
        ) {
            return Some(samples);
        }
        samples.chroma_format = b.ue()?;
        if samples.chroma_format == 3 {
            samples.separate_planes = b.flag()?;
        }
        samples.luma_bits = b.ue()?.checked_add(8)?;
        samples.chroma_bits = b.ue()?.checked_add(8)?;
        b.skip(1)?;
        if b.flag()? {
            for i in 0..if samples.chroma_format == 3 { 12 } else { 8 } {
                if b.flag()? {
                    skip_scaling_list(b, if i < 6 { 16 } else { 64 })?;
                }
            }
        }
        let sane =
            samples.chroma_format <= 3 && samples.luma_bits <= 14 && samples.chroma_bits <= 14;
        sane.then_some(samples)
    }

    /// Luma samples per chroma sample, across and down.
    const fn per_chroma(&self) -> (u32, u32) {
        match self.chroma_format {
            _ if self.separate_planes => (1, 1),
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        }
    }
}

/// Skips a scaling list (7.3.2.1.1.1).
fn skip_scaling_list(b: &mut Bits<'_>, size: u32) -> Option<()> {
    let (mut last, mut next) = (8i32, 8i32);
    for _ in 0..size {
        if next != 0 {
            next = last.wrapping_add(b.se()?) & 0xff;
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

/// A number of bits, which is coded minus 4.
fn log2(b: &mut Bits<'_>) -> Option<u8> {
    u8::try_from(b.ue()?).ok()?.checked_add(4)
}

/// Reads from `pic_order_cnt_type` to before `max_num_ref_frames`.
fn order_count(b: &mut Bits<'_>) -> Option<OrderCount> {
    let order = match b.ue()? {
        0 => OrderCount::Low(log2(b)?),
        1 => {
            b.skip(1)?;
            b.se()?;
            b.se()?;
            for _ in 0..b.ue()?.min(255) {
                b.se()?;
            }
            OrderCount::Expected
        }
        _ => OrderCount::AsTheyCome,
    };
    Some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x264, 1280x720 High@3.1 with VUI.
    const SPS_720P: [u8; 24] = [
        0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00, 0x00, 0x03,
        0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0x20, 0xf1, 0x83,
    ];
    const PPS: [u8; 6] = [0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];

    #[test]
    fn nal_units_are_found_behind_three_and_four_byte_start_codes() {
        let stream = [0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x65, 0, 0, 2, 0, 0, 0, 0, 0, 1, 0x41, 7];
        let got: Vec<&[u8]> = nal_units(&stream).collect();
        assert_eq!(got, [&[9, 0xf0][..], &[0x65, 0, 0, 2], &[0x41, 7]]);
        assert_eq!(nal_units(&[0, 0, 1]).count(), 0);
        assert_eq!(nal_units(&[1, 2, 3, 4]).count(), 0);
    }

    #[test]
    fn the_size_of_an_sps_is_read() {
        let c = AvcConfig::new(&SPS_720P, &PPS).unwrap();
        assert_eq!(c.resolution, Resolution { width: 1280, height: 720 });
        assert_eq!(c.codec_string(), "avc1.64001f");
        for cut in 0..10 {
            assert_eq!(Sps::read(&SPS_720P[..cut]), None);
        }
        assert_eq!(Sps::read(&PPS), None);
    }

    #[test]
    fn an_access_unit_loses_what_mp4_keeps_elsewhere() {
        let au = [
            &[0, 0, 0, 1, 9, 0xf0, 0, 0, 0, 1][..],
            &SPS_720P,
            &[0, 0, 0, 1],
            &PPS,
            &[0, 0, 1, 6, 6, 1, 0x84, 0x80, 0, 0, 1, 0x65, 0x88, 0x84, 0, 0, 1, 12, 0xff, 0x80],
        ]
        .concat();
        let sample = access_unit(&au);
        assert!(sample.idr && sample.recovery_point);
        assert_eq!(sample.config, AvcConfig::new(&SPS_720P, &PPS));
        assert_eq!(sample.data, [0, 0, 0, 5, 6, 6, 1, 0x84, 0x80, 0, 0, 0, 3, 0x65, 0x88, 0x84]);
    }

    #[test]
    fn a_picture_is_of_the_kind_of_its_least_independent_slice() {
        // first_mb_in_slice 0 ("1") and slice_type: I 7 "0001000", P 5 "00110", B 6 "00111", P 0 "1".
        let (i, p, b, q) = ([0x41, 0x88], [0x41, 0x9a], [0x01, 0x9e], [0x41, 0xc0]);
        for (slices, kind) in [
            (&[i, i][..], Slices::Intra),
            (&[i, p], Slices::Predicted),
            (&[q, i], Slices::Predicted),
            (&[p, b, i], Slices::Bidirectional),
            (&[[0x06, 0x88]], Slices::None),
            (&[[0x41, 0x00]], Slices::None),
        ] {
            let au: Vec<u8> = slices.iter().flat_map(|s| [&[0, 0, 1][..], s].concat()).collect();
            assert_eq!(access_unit(&au).slices, kind, "{slices:x?}");
        }
    }

    #[test]
    fn further_picture_parameter_sets_are_kept_once_each() {
        let second = [0x68, 0x53, 0x80];
        let mut au = Vec::new();
        for set in [&SPS_720P[..], &PPS, &second, &PPS, &[0x65, 1]] {
            au.extend_from_slice(&[0, 0, 1]);
            au.extend_from_slice(set);
        }
        let c = access_unit(&au).config.unwrap();
        assert_eq!((c.pps.as_slice(), c.more_pps.as_slice()), (&PPS[..], &[second.to_vec()][..]));
        let avcc = c.to_avcc();
        assert_eq!(&avcc[..8], &[1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 24]);
        assert_eq!(&avcc[32..35], &[2, 0, 6]);
        assert_eq!(&avcc[avcc.len() - 4..], &[0xfd, 0xf8, 0xf8, 0]);
    }
}
