//! H.264: pictures that show an IDR picture again.
//!
//! A P picture all of whose macroblocks are skipped is a copy of its first reference, which is the picture
//! before it (ISO/IEC 14496-10 7.3.4, 8.4.1.1). It takes 20 to 70 bytes, whatever it shows.

use super::h264::{AvcConfig, nal_type, sample_units};
use super::slice::{BitWriter, Header, PictureSet, Sets, unescaped};
use alloc::vec::Vec;

/// `nal_ref_idc` 2, and a slice that is not of an IDR picture.
const HEAD: u8 = 0x40 | nal_type::SLICE;

/// No header of an IDR picture's slice has more bytes.
const HEADER: usize = 64;

/// The pictures after one IDR picture that show it again.
#[derive(Clone, Debug)]
pub struct Repeats {
    sets: Sets,
    set: PictureSet,
    /// The order count of the IDR picture.
    order: u32,
    /// The slice data of each, if it is CABAC.
    cabac: Vec<u8>,
}

impl Repeats {
    /// `idr`: the sample (NAL units with lengths of four bytes) of an IDR picture. `None` where it is none, the
    /// sets cannot be read, or use a feature that is not supported: references that are not allowed or long-term,
    /// fields, separate planes, slice groups, order counts predicted from `frame_num`.
    pub fn of(config: &AvcConfig, idr: &[u8]) -> Option<Self> {
        let sets = Sets::new(config)?;
        let is_idr = |nal: &&[u8]| nal.first().is_some_and(|head| head & 0x1f == nal_type::IDR);
        let (head, slice) = sample_units(idr).find(is_idr)?.split_first()?;
        let header = sets.header(*head, &unescaped(slice.get(..HEADER).unwrap_or(slice)))?;
        let plain = sets.frames_only && !sets.separate_planes && sets.references > 0;
        if !plain || header.frame_num != 0 || header.is_long_term {
            return None;
        }
        let Header { set, order, .. } = header;
        let cabac = if set.cabac { cabac(sets.macroblocks) } else { Vec::new() };
        Some(Self { sets, set, order, cabac })
    }

    /// The sample of the `n`th picture after the IDR picture, counted from 1; those before it go before it.
    pub fn nth(&self, n: u32) -> Vec<u8> {
        let (sets, set) = (&self.sets, &self.set);
        let mut out = BitWriter::default();
        out.ue(0); // first_mb_in_slice
        out.ue(5); // slice_type: all slices are P
        out.ue(set.id);
        out.bits(n, sets.frame_num_bits);
        out.bits(self.order.wrapping_add(n.wrapping_mul(2)), sets.order_bits);
        if set.orders_bottom && sets.order_bits > 0 {
            out.se(0);
        }
        if set.counts_redundant {
            out.ue(0);
        }
        out.bit(true); // num_ref_idx_active_override_flag
        out.ue(0); // num_ref_idx_l0_active_minus1
        out.bit(false); // ref_pic_list_modification_flag_l0
        if set.weighs_p {
            self.no_weights(&mut out);
        }
        out.bit(false); // adaptive_ref_pic_marking_mode_flag
        self.data(&mut out);
        let nal = out.nal(HEAD);
        let mut sample = u32::try_from(nal.len()).unwrap_or(0).to_be_bytes().to_vec();
        sample.extend_from_slice(&nal);
        sample
    }

    /// `pred_weight_table` (7.3.3.2) without a weight.
    fn no_weights(&self, out: &mut BitWriter) {
        out.ue(0);
        if self.sets.has_chroma {
            out.ue(0);
        }
        out.bits(0, if self.sets.has_chroma { 2 } else { 1 });
    }

    /// The rest of the header, and the slice data.
    fn data(&self, out: &mut BitWriter) {
        if self.set.cabac {
            out.ue(CABAC_INIT);
            out.se(QUANTIZER - 26 - self.set.quantizer);
        } else {
            out.se(0);
        }
        if self.set.controls_deblocking {
            out.ue(1);
        }
        if self.set.cabac {
            out.align();
            out.copy(&self.cabac, 0..self.cabac.len() * 8);
        } else {
            out.ue(self.sets.macroblocks); // mb_skip_run
            out.bit(true); // rbsp_stop_one_bit
        }
    }
}

// At this `cabac_init_idc` and quantizer "skipped" begins as a symbol that is likely.
const CABAC_INIT: u32 = 2;
const QUANTIZER: i32 = 51;

/// `rangeTabLPS` (table 9-44) from the first `pStateIdx` of `mb_skip_flag` then, which is 44 (9.3.1.1, table 9-13).
const LESS_PROBABLE: [[u32; 4]; 18] = [
    [14, 18, 21, 24],
    [14, 17, 20, 23],
    [13, 16, 19, 22],
    [12, 15, 18, 21],
    [12, 14, 17, 20],
    [11, 14, 16, 19],
    [11, 13, 15, 18],
    [10, 12, 15, 17],
    [10, 12, 14, 16],
    [9, 11, 13, 15],
    [9, 11, 12, 14],
    [8, 10, 12, 14],
    [8, 9, 11, 13],
    [7, 9, 11, 12],
    [7, 9, 10, 12],
    [7, 8, 10, 11],
    [6, 8, 9, 11],
    [6, 7, 9, 10],
];
/// Of the state that stays.
const LAST: [u32; 4] = [6, 7, 8, 9];

/// CABAC data of so many skipped macroblocks, each with its `end_of_slice_flag`; the stop bit is its last.
fn cabac(macroblocks: u32) -> Vec<u8> {
    let mut coder = Coder::default();
    // It becomes likelier each time, up to the last row.
    let states = LESS_PROBABLE.iter().chain(core::iter::repeat(&LAST));
    for (row, left) in states.zip((0..macroblocks).rev()) {
        let quarter = usize::try_from(coder.range >> 6 & 3).unwrap_or(0);
        coder.range -= row.get(quarter).copied().unwrap_or(0);
        coder.renormalize();
        coder.range -= 2;
        if left == 0 {
            coder.end();
        } else {
            coder.renormalize();
        }
    }
    coder.out.bytes()
}

/// The arithmetic encoder (9.3.4.2) for symbols that are the more probable ones.
struct Coder {
    low: u32,
    range: u32,
    began: bool,
    outstanding: u32,
    out: BitWriter,
}

impl Default for Coder {
    fn default() -> Self {
        Self { low: 0, range: 510, began: false, outstanding: 0, out: BitWriter::default() }
    }
}

impl Coder {
    /// `RenormE`.
    fn renormalize(&mut self) {
        while self.range < 256 {
            if self.low < 256 {
                self.put(false);
            } else if self.low >= 512 {
                self.low -= 512;
                self.put(true);
            } else {
                self.low -= 256;
                self.outstanding += 1;
            }
            self.range <<= 1;
            self.low <<= 1;
        }
    }

    /// `PutBit`.
    fn put(&mut self, bit: bool) {
        if core::mem::replace(&mut self.began, true) {
            self.out.bit(bit);
        }
        for _ in 0..core::mem::take(&mut self.outstanding) {
            self.out.bit(!bit);
        }
    }

    /// `EncodeFlush`, after a terminating symbol of 1.
    fn end(&mut self) {
        self.low += self.range;
        self.range = 2;
        self.renormalize();
        self.put(self.low >> 9 & 1 == 1);
        self.out.bits(self.low >> 7 & 3 | 1, 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_first_state_is_that_of_the_quantizer() {
        let state = ((29 * QUANTIZER.clamp(0, 51)) >> 4) + 16;
        let first = usize::try_from(state - 64).unwrap();
        assert_eq!(first + LESS_PROBABLE.len(), 62, "the next is the one that stays");
    }
}
