//! H.264: the headers of slices, and the bits of which they are made (ISO/IEC 14496-10 7.3.3).

use super::bits::Bits;
use super::h264::{AvcConfig, OrderCount, Sps, nal_type};
use alloc::vec::Vec;
use core::ops::Range;

/// The fields of parameter sets that are needed to read slice headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sets {
    pub(super) has_chroma: bool,
    pub(super) separate_planes: bool,
    pub(super) frames_only: bool,
    /// How many pictures may be references, and the macroblocks of a frame.
    pub(super) references: u32,
    pub(super) macroblocks: u32,
    pub(super) frame_num_bits: u8,
    /// Bits of the order count; 0 where slice headers do not have it.
    pub(super) order_bits: u8,
    pictures: Vec<PictureSet>,
}

/// Fields of a picture parameter set (7.3.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PictureSet {
    pub(super) id: u32,
    pub(super) cabac: bool,
    pub(super) orders_bottom: bool,
    references: [u32; 2],
    pub(super) weighs_p: bool,
    weighs_b: bool,
    /// `pic_init_qp_minus26`.
    pub(super) quantizer: i32,
    pub(super) controls_deblocking: bool,
    pub(super) counts_redundant: bool,
}

/// One command with its operands: of `ref_pic_list_modification` or `dec_ref_pic_marking`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) kind: u32,
    pub(super) first: u32,
    /// Only in command 3 of `dec_ref_pic_marking`.
    pub(super) second: Option<u32>,
}

/// A slice header. Positions (`_at`, `end`) are in bits.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) set: PictureSet,
    /// An IDR picture that is a long-term reference.
    pub(super) is_long_term: bool,
    pub(super) is_intra: bool,
    pub(super) is_field: bool,
    pub(super) frame_num: u32,
    pub(super) frame_num_at: usize,
    pub(super) order: u32,
    pub(super) order_at: usize,
    /// `ref_pic_list_modification`, and the commands of each list that has some.
    pub(super) lists_at: Range<usize>,
    pub(super) lists: Vec<Option<Vec<Command>>>,
    /// `dec_ref_pic_marking`, and its commands if it has some.
    pub(super) marking_at: Range<usize>,
    pub(super) marking: Option<Vec<Command>>,
    pub(super) end: usize,
}

/// A header has at most this many commands: 2 x 32 fields, and the ends of 2 lists.
const MOST_COMMANDS: usize = 66;

impl Sets {
    /// `None` where the sets cannot be read, or use a feature that is not supported: order counts
    /// predicted from `frame_num` (`pic_order_cnt_type` 1), slice groups.
    pub(super) fn new(config: &AvcConfig) -> Option<Self> {
        let sps = Sps::read(&config.sps)?;
        let order_bits = match sps.order {
            OrderCount::Low(bits) => bits,
            OrderCount::Expected => return None,
            OrderCount::AsTheyCome => 0,
        };
        if sps.frame_num_bits > 16 || order_bits > 16 {
            return None;
        }
        let sets = core::iter::once(&config.pps).chain(&config.more_pps);
        Some(Self {
            has_chroma: sps.chroma_format != 0 && !sps.separate_planes,
            separate_planes: sps.separate_planes,
            frames_only: sps.frames_only,
            references: sps.references,
            macroblocks: sps.macroblocks,
            frame_num_bits: sps.frame_num_bits,
            order_bits,
            pictures: sets.map(|pps| PictureSet::read(pps)).collect::<Option<_>>()?,
        })
    }

    /// Reads the header of a slice; `bits` is without emulation prevention. `None` where it is cut off, or the
    /// slice is of type SP or SI.
    pub(super) fn header(&self, nal_head: u8, bits: &[u8]) -> Option<Header> {
        let mut b = Bits::new(bits);
        b.ue()?;
        let kind = Some(b.ue()? % 5).filter(|kind| *kind < 3)?;
        let (is_p, is_b) = (kind == 0, kind == 1);
        let set_id = b.ue()?;
        let set = self.pictures.iter().find(|p| p.id == set_id)?;
        if self.separate_planes {
            b.skip(2)?;
        }
        let frame_num_at = b.position();
        let frame_num = b.bits(self.frame_num_bits)?;
        let is_field = !self.frames_only && b.flag()?;
        if is_field {
            b.skip(1)?;
        }
        let is_idr = nal_head & 0x1f == nal_type::IDR;
        if is_idr {
            b.ue()?; // idr_pic_id
        }
        let (order_at, order) = self.order(&mut b, set, is_field)?;
        if is_b {
            b.skip(1)?; // direct_spatial_mv_pred_flag
        }
        let used = if is_b { 2 } else { usize::from(is_p) };
        let references = set.references(&mut b, used)?;
        let from = b.position();
        let lists = (0..used).map(|_| list(&mut b)).collect::<Option<_>>()?;
        let lists_at = from..b.position();
        if is_p && set.weighs_p || is_b && set.weighs_b {
            let counts = references.get(..used)?;
            self.skip_weights(&mut b, counts)?;
        }
        let from = b.position();
        let (is_long_term, marking) = match (is_idr, nal_head & 0x60) {
            // `no_output_of_prior_pics_flag`, `long_term_reference_flag`.
            (true, _) => (b.bits(2)? & 1 == 1, None),
            (false, 0) => (false, None),
            (false, _) => (false, marking(&mut b)?),
        };
        let marking_at = from..b.position();
        set.skip_decoding(&mut b, used)?;
        Some(Header {
            set: *set,
            is_long_term,
            is_intra: kind == 2,
            is_field,
            frame_num,
            frame_num_at,
            order,
            order_at,
            lists_at,
            lists,
            marking_at,
            marking,
            end: b.position(),
        })
    }

    /// Reads the order count and what else tells pictures apart; answers where the count is, in bits, and the count.
    fn order(&self, b: &mut Bits<'_>, set: &PictureSet, is_field: bool) -> Option<(usize, u32)> {
        let order_at = b.position();
        let order = b.bits(self.order_bits)?;
        if set.orders_bottom && !is_field && self.order_bits > 0 {
            b.se()?;
        }
        if set.counts_redundant {
            b.ue()?;
        }
        Some((order_at, order))
    }

    /// `pred_weight_table` (7.3.3.2).
    fn skip_weights(&self, b: &mut Bits<'_>, counts: &[u32]) -> Option<()> {
        b.ue()?;
        if self.has_chroma {
            b.ue()?;
        }
        for _ in 0..counts.iter().map(|n| (*n).min(32)).sum() {
            if b.flag()? {
                b.se()?;
                b.se()?;
            }
            if self.has_chroma && b.flag()? {
                for _ in 0..4 {
                    b.se()?;
                }
            }
        }
        Some(())
    }
}

impl PictureSet {
    /// The number of pictures in each of the lists `used`: from the header, else the set's default.
    fn references(&self, b: &mut Bits<'_>, used: usize) -> Option<[u32; 2]> {
        let mut references = self.references;
        if used > 0 && b.flag()? {
            for n in references.iter_mut().take(used) {
                *n = b.ue()?.checked_add(1)?;
            }
        }
        Some(references)
    }

    /// Skips from `cabac_init_idc` to the header's end: the fields on decoding the slice data.
    fn skip_decoding(&self, b: &mut Bits<'_>, used: usize) -> Option<()> {
        if self.cabac && used > 0 {
            b.ue()?;
        }
        b.se()?;
        if self.controls_deblocking && b.ue()? != 1 {
            b.se()?;
            b.se()?;
        }
        Some(())
    }

    fn read(nal: &[u8]) -> Option<Self> {
        let mut b = Bits::rbsp(nal.get(1..)?);
        let id = b.ue()?;
        b.ue()?;
        let cabac = b.flag()?;
        let orders_bottom = b.flag()?;
        if b.ue()? != 0 {
            return None;
        }
        let references = [b.ue()?.checked_add(1)?, b.ue()?.checked_add(1)?];
        let weighs_p = b.flag()?;
        let weighs_b = b.bits(2)? == 1;
        let quantizer = b.se()?;
        b.se()?;
        b.se()?;
        let controls_deblocking = b.flag()?;
        b.skip(1)?;
        let counts_redundant = b.flag()?;
        Some(Self {
            id,
            cabac,
            orders_bottom,
            references,
            weighs_p,
            weighs_b,
            quantizer,
            controls_deblocking,
            counts_redundant,
        })
    }
}

/// One list of `ref_pic_list_modification` (7.3.3.1). Inner `None`: the list is not modified.
#[expect(clippy::option_option, reason = "the outer one is for what cannot be read")]
fn list(b: &mut Bits<'_>) -> Option<Option<Vec<Command>>> {
    let is_modified = b.flag()?;
    if is_modified { commands(b, 3, 2).map(Some) } else { Some(None) }
}

/// `dec_ref_pic_marking` of a non-IDR picture (7.3.3.3). Inner `None`: the oldest reference goes.
#[expect(clippy::option_option, reason = "the outer one is for what cannot be read")]
fn marking(b: &mut Bits<'_>) -> Option<Option<Vec<Command>>> {
    let is_adaptive = b.flag()?;
    if is_adaptive { commands(b, 0, 6).map(Some) } else { Some(None) }
}

/// Reads commands up to and without the one of kind `last`.
fn commands(b: &mut Bits<'_>, last: u32, most: u32) -> Option<Vec<Command>> {
    let mut out = Vec::new();
    loop {
        let kind = b.ue()?;
        if kind == last {
            return Some(out);
        }
        if kind > most || out.len() >= MOST_COMMANDS {
            return None;
        }
        let is_marking = last == 0;
        let first = if is_marking && kind == 5 { 0 } else { b.ue()? };
        let second = if is_marking && kind == 3 { Some(b.ue()?) } else { None };
        out.push(Command { kind, first, second });
    }
}

/// The payload without emulation prevention bytes, and without zeros at its end (7.3.1).
pub(super) fn unescaped(body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut zeros = 0;
    for byte in body {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        out.push(*byte);
    }
    while out.last() == Some(&0) {
        out.pop();
    }
    out
}

/// Writes bits, most significant first.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    out: Vec<u8>,
    /// Free bits in the last byte.
    free: u8,
}

impl BitWriter {
    pub(super) fn bit(&mut self, bit: bool) {
        if self.free == 0 {
            self.out.push(0);
            self.free = 8;
        }
        self.free -= 1;
        if let Some(last) = self.out.last_mut() {
            *last |= u8::from(bit) << self.free;
        }
    }

    /// The low `n` bits of `value`.
    pub(super) fn bits(&mut self, value: u32, n: u8) {
        for i in (0..n).rev() {
            self.bit(value >> i & 1 == 1);
        }
    }

    /// An unsigned Exp-Golomb code (9.1).
    pub(super) fn ue(&mut self, value: u32) {
        let code = value.saturating_add(1);
        let zeros = u8::try_from(code.ilog2()).unwrap_or(0);
        self.bits(0, zeros);
        self.bits(code, zeros + 1);
    }

    /// A signed Exp-Golomb code (9.1.1).
    pub(super) fn se(&mut self, value: i32) {
        let positive = u32::from(value > 0);
        self.ue(value.unsigned_abs().saturating_mul(2).saturating_sub(positive));
    }

    /// Writes whether there are commands; if so, the commands, and the kind `last` to end them.
    pub(super) fn commands(&mut self, commands: Option<&[Command]>, last: u32) {
        self.bit(commands.is_some());
        let Some(commands) = commands else { return };
        for c in commands {
            self.ue(c.kind);
            if last != 0 || c.kind != 5 {
                self.ue(c.first);
            }
            c.second.into_iter().for_each(|operand| self.ue(operand));
        }
        self.ue(last);
    }

    /// Writes ones up to the next byte boundary (`cabac_alignment_one_bit`).
    pub(super) fn align(&mut self) {
        while self.free > 0 {
            self.bit(true);
        }
    }

    /// Copies the bits of `data` in this range; bits past its end are left out.
    pub(super) fn copy(&mut self, data: &[u8], bits: Range<usize>) {
        let (mut at, to) = (bits.start, bits.end);
        while at < to.min(data.len() * 8) {
            let Some(byte) = data.get(at / 8) else { return };
            if at % 8 == 0 && at + 8 <= to {
                self.byte(*byte);
                at += 8;
            } else {
                self.bit(byte >> (7 - at % 8) & 1 == 1);
                at += 1;
            }
        }
    }

    /// Copies the part of a slice after its marking: the rest of its header, and its data.
    pub(super) fn rest(&mut self, bits: &[u8], header: &Header) {
        self.copy(bits, header.marking_at.end..header.end);
        let mut data = header.end;
        if header.set.cabac {
            self.align();
            data = data.next_multiple_of(8);
        }
        self.copy(bits, data..bits.len() * 8);
    }

    fn byte(&mut self, byte: u8) {
        if let Some(last) = self.out.last_mut().filter(|_| self.free > 0) {
            *last |= byte >> (8 - self.free);
            self.out.push(byte << self.free);
        } else {
            self.out.push(byte);
        }
    }

    /// What was written; the last byte is filled with zeros.
    pub(super) fn bytes(self) -> Vec<u8> {
        self.out
    }

    /// The NAL unit with this header: adds emulation prevention bytes, removes zeros at the end.
    pub(super) fn nal(mut self, head: u8) -> Vec<u8> {
        while self.out.last() == Some(&0) {
            self.out.pop();
        }
        let mut nal = Vec::with_capacity(self.out.len() + self.out.len() / 64 + 8);
        nal.push(head);
        let mut zeros = 0;
        for byte in self.out {
            if zeros >= 2 && byte <= 3 {
                nal.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            nal.push(byte);
        }
        nal
    }
}
