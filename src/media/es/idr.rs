//! H.264: rewrites an I picture as an IDR picture, and renumbers the pictures after it.
//!
//! An I picture at which decoding can begin differs from an IDR picture only in its slice headers
//! (ISO/IEC 14496-10 7.3.3). The pictures after it differ in two numbers, `frame_num` and the low
//! bits of the order count: both start from 0 at an IDR picture (7.4.3, 8.2.1).
//!
//! ```text
//!  comes    P 4/20   I 5/28   B 6/24  b 7/26   P 7/34   b 8/32      frame_num / order count
//!  becomes  P 4/20   IDR 0/0     left out      P 1/6    b 2/4
//! ```
//! Some pictures come after the I picture and are shown before it. They need pictures that a
//! decoder discards at an IDR picture, so they are left out, and `frame_num` does not count those
//! of them that were references. Commands in later slice headers name pictures by their distance in
//! `frame_num`; these distances are adjusted.

use super::h264::{AvcConfig, nal_type, sample_units};
use super::slice::{BitWriter, Command, Header, Sets, unescaped};
use alloc::vec::Vec;

/// The fields of a camera's parameter sets that are needed to read its slice headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SliceReader {
    sets: Sets,
}

/// The numbering of the pictures after an I picture that became an IDR picture. The camera's
/// numbers are unwrapped here and count from 0 at the IDR picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// The camera's numbers at the IDR picture.
    frame_num: u32,
    order: u32,
    /// The `frame_num` of the newest picture, unwrapped.
    newest: u32,
    /// The same of the references that were left out, in rising order.
    left_out: Vec<u32>,
}

/// A decoder holds at most this many references (14496-10 A.3.1, `MaxDpbFrames`).
const MOST_LEFT_OUT: usize = 16;

impl SliceReader {
    /// `None` where the sets cannot be read, or use a feature that is not supported: order counts
    /// predicted from `frame_num` (`pic_order_cnt_type` 1), slice groups.
    pub fn new(config: &AvcConfig) -> Option<Self> {
        Some(Self { sets: Sets::new(config)? })
    }

    /// Rewrites the sample (NAL units with lengths of four bytes) of an I picture as that of an IDR
    /// picture. Also returns the numbering of the pictures after it. `id`: the `idr_pic_id`, which
    /// must differ from that of an IDR picture directly before. `None` where the picture consists
    /// of fields, has slices other than I, or cannot be read.
    pub fn close(&self, sample: &[u8], id: u32) -> Option<(Vec<u8>, Count)> {
        let mut count = None;
        let out = each_slice(sample, |nal_head, bits| {
            let header = self.sets.header(nal_head, bits)?;
            if header.is_field || !header.is_intra {
                return None;
            }
            // If the picture makes a decoder forget all others, later ones count from it anyway.
            let Header { frame_num, order, .. } = header;
            count.get_or_insert_with(|| match forgets(&header) {
                true => Count::default(),
                false => Count { frame_num, order, ..Count::default() },
            });
            Some(self.idr(nal_head, bits, &header, id))
        })?;
        Some((out, count?))
    }

    /// Renumbers the sample of a picture between the I picture that [`Self::close`] rewrote and the
    /// camera's next IDR picture. `None` where it cannot be read.
    pub fn follow(&self, sample: &[u8], count: &mut Count) -> Option<Vec<u8>> {
        let mut all_forgotten = false;
        let out = each_slice(sample, |nal_head, bits| {
            let header = self.sets.header(nal_head, bits)?;
            count.came(&header, self.sets.frame_num_bits);
            all_forgotten |= forgets(&header);
            Some(self.counted(nal_head, bits, header, count))
        })?;
        if all_forgotten {
            *count = Count::default();
        }
        Some(out)
    }

    /// Counts the picture of this sample as left out.
    pub fn leave_out(&self, sample: &[u8], count: &mut Count) {
        let mut slices = sample_units(sample).filter(|nal| is_slice(nal));
        if let Some((nal_head, body)) = slices.next().and_then(|nal| nal.split_first())
            && let Some(header) = self.sets.header(*nal_head, &unescaped(body))
        {
            count.came(&header, self.sets.frame_num_bits);
            // The second field of a frame has the same number as the first.
            let is_new = count.left_out.last() != Some(&count.newest);
            if nal_head & 0x60 != 0 && is_new && count.left_out.len() < MOST_LEFT_OUT {
                count.left_out.push(count.newest);
            }
        }
    }

    /// Rewrites a slice of an I picture as a slice of an IDR picture.
    fn idr(&self, nal_head: u8, bits: &[u8], header: &Header, id: u32) -> Vec<u8> {
        let mut out = BitWriter::default();
        out.copy(bits, 0..header.frame_num_at);
        out.bits(0, self.sets.frame_num_bits);
        out.copy(bits, self.after_frame_num(header)..header.order_at);
        out.ue(id);
        out.bits(0, self.sets.order_bits);
        out.copy(bits, self.after_order(header)..header.marking_at.start);
        // `dec_ref_pic_marking` of an IDR picture: earlier pictures are shown; no long-term
        // reference.
        out.bits(0, 2);
        out.rest(bits, header);
        let priority = if nal_head & 0x60 == 0 { 0x20 } else { nal_head & 0x60 };
        out.nal(priority | nal_type::IDR)
    }

    /// Rewrites a slice of a later picture with its new numbers.
    fn counted(&self, nal_head: u8, bits: &[u8], mut header: Header, count: &Count) -> Vec<u8> {
        // In fields, commands count fields instead of frames: they are not changed.
        if !header.is_field {
            let size = 1 << self.sets.frame_num_bits;
            for list in header.lists.iter_mut().flatten() {
                count.in_list(list, size);
            }
            if let Some(commands) = &mut header.marking {
                count.in_marking(commands, size);
            }
        }
        let mut out = BitWriter::default();
        out.copy(bits, 0..header.frame_num_at);
        out.bits(count.written(count.newest), self.sets.frame_num_bits);
        out.copy(bits, self.after_frame_num(&header)..header.order_at);
        out.bits(header.order.wrapping_sub(count.order), self.sets.order_bits);
        out.copy(bits, self.after_order(&header)..header.lists_at.start);
        for list in &header.lists {
            out.commands(list.as_deref(), 3);
        }
        out.copy(bits, header.lists_at.end..header.marking_at.start);
        if !header.marking_at.is_empty() {
            out.commands(header.marking.as_deref(), 0);
        }
        out.rest(bits, &header);
        out.nal(nal_head)
    }

    fn after_frame_num(&self, header: &Header) -> usize {
        header.frame_num_at + usize::from(self.sets.frame_num_bits)
    }

    fn after_order(&self, header: &Header) -> usize {
        header.order_at + usize::from(self.sets.order_bits)
    }
}

impl Count {
    /// Takes note of a slice, of the next picture or of the same one.
    fn came(&mut self, header: &Header, bits: u8) {
        let since = header.frame_num.wrapping_sub(self.frame_num);
        let step = since.wrapping_sub(self.newest) & ((1 << bits) - 1);
        self.newest = self.newest.saturating_add(step);
    }

    /// The number to write for the camera's `number`.
    fn written(&self, number: u32) -> u32 {
        let before = self.left_out.iter().filter(|left| **left < number).count();
        number - u32::try_from(before).unwrap_or(0)
    }

    /// The number to write for the picture `distance` before the camera's number `from`; `None`
    /// where the decoder does not know that picture. `size`: numbers are written modulo this.
    fn target(&self, from: u32, distance: u32, size: u32) -> Option<u32> {
        let oldest = self.newest.saturating_sub(size - 1);
        let number = from.checked_sub(distance).filter(|n| *n >= oldest)?;
        (!self.left_out.contains(&number)).then(|| self.written(number))
    }

    /// Adjusts the marking commands 1 and 3, which name a picture by its distance.
    fn in_marking(&self, commands: &mut Vec<Command>, size: u32) {
        let now = self.written(self.newest);
        commands.retain_mut(|c| {
            if !matches!(c.kind, 1 | 3) {
                return true;
            }
            let target = self.target(self.newest, c.first.saturating_add(1), size);
            let distance = target.and_then(|t| now.checked_sub(t)?.checked_sub(1));
            c.first = distance.unwrap_or(c.first);
            distance.is_some()
        });
    }

    /// Adjusts the commands 0 and 1 of a list. They name a picture by its distance, down or up,
    /// from the one named before, modulo `size` (8.2.4.3.1). A picture that the decoder does not
    /// know is replaced by the IDR picture.
    fn in_list(&self, commands: &mut [Command], size: u32) {
        let mask = size - 1;
        let (mut before, mut written_before) = (0, self.written(self.newest));
        for c in commands.iter_mut().filter(|c| c.kind < 2) {
            // The distance back from the current picture.
            let step = c.first.wrapping_add(1);
            let signed = if c.kind == 0 { step } else { step.wrapping_neg() };
            before = signed.wrapping_add(before) & mask;
            let written = self.target(self.newest, before, size).unwrap_or(0);
            let down = written_before.wrapping_sub(written) & mask;
            // The same picture again is a whole round (`size`) away.
            (c.kind, c.first) = (0, down.wrapping_sub(1) & mask);
            written_before = written;
        }
    }
}

/// The picture makes a decoder forget all others: later ones count from it (7.4.3, 8.2.1).
fn forgets(header: &Header) -> bool {
    header.marking.iter().flatten().any(|c| c.kind == 5)
}

fn is_slice(nal: &[u8]) -> bool {
    nal.first().is_some_and(|head| head & 0x1f == nal_type::SLICE)
}

/// Copies the sample with its slices rewritten by `slice`.
fn each_slice(
    sample: &[u8],
    mut slice: impl FnMut(u8, &[u8]) -> Option<Vec<u8>>,
) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(sample.len() + 16);
    let mut push = |nal: &[u8]| {
        out.extend_from_slice(&u32::try_from(nal.len()).ok()?.to_be_bytes());
        out.extend_from_slice(nal);
        Some(())
    };
    for nal in sample_units(sample) {
        match nal.split_first().filter(|_| is_slice(nal)) {
            Some((head, body)) => push(&slice(*head, &unescaped(body))?)?,
            None => push(nal)?,
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Resolution;
    use alloc::{format, vec};

    /// A NAL unit (parameter set or slice): its header, and its bits as text, grouped by spaces.
    fn nal(head: u8, bits: &str) -> Vec<u8> {
        let mut w = BitWriter::default();
        bits.chars().filter(|c| *c != ' ').for_each(|c| w.bit(c == '1'));
        w.nal(head)
    }

    fn sample(nals: &[Vec<u8>]) -> Vec<u8> {
        nals.iter().flat_map(|n| [&(n.len() as u32).to_be_bytes()[..], n].concat()).collect()
    }

    /// Main, `frame_num` and order count of 4 bits, 16 x 16, frames only; the set has this way to order.
    fn config(order: &str, pps: &str) -> AvcConfig {
        let sps = format!("01001101 00000000 00011110 1 1 {order} 010 0 1 1 1 1 0 0 1");
        AvcConfig {
            sps: nal(0x67, &sps),
            pps: nal(0x68, pps),
            more_pps: Vec::new(),
            resolution: Resolution { width: 16, height: 16 },
        }
    }

    const LOW: &str = "1 1";
    /// Ids, CAVLC or CABAC, bottom, groups, references, weights, quantizers, deblocking, intra, redundant.
    const CAVLC: &str = "1 1 0 0 1 1 1 000 1 1 1 1 0 0 1";
    const CABAC: &str = "1 1 1 0 1 1 1 000 1 1 1 1 0 0 1";

    const I: &str = "1 011 1 0101 1110";

    /// The I picture of frame 5 and order count 14, closed.
    fn closed(reader: &SliceReader) -> Count {
        let i = nal(0x61, &format!("{I} 0 1 010 10110 1"));
        reader.close(&sample(&[i]), 2).unwrap().1
    }

    #[test]
    fn an_i_picture_becomes_an_idr_picture_and_those_after_it_count_from_it() {
        let sei = vec![0x06, 0x06, 0x01, 0x84, 0x80];
        // CABAC: ones up to the next byte, which are more or fewer then, and `cabac_init_idc`.
        for (pps, data, want, init, ones) in
            [(CAVLC, "", "", "", ""), (CABAC, "111111", "11", "1", "11111")]
        {
            let reader = SliceReader::new(&config(LOW, pps)).unwrap();
            // First block, I, set, frame 5, order 14; marking, quantizer, deblocking; data.
            let i = nal(0x61, &format!("{I} 0 1 010 {data} 10110 01101010 1"));
            let (got, mut count) = reader.close(&sample(&[sei.clone(), i]), 2).unwrap();
            let idr = nal(0x65, &format!("1 011 1 0000 011 0000 00 1 010 {want} 10110 01101010 1"));
            assert_eq!(got, sample(&[sei.clone(), idr]), "{pps}");

            // P, frame 6, order 4 (of the next sixteen); references, list, marking, quantizer, data.
            let p = nal(0x41, &format!("1 1 1 0110 0100 0 0 0 {init} 1 010 {ones} 1011 1"));
            let follows = nal(0x41, &format!("1 1 1 0001 0110 0 0 0 {init} 1 010 {ones} 1011 1"));
            assert_eq!(reader.follow(&sample(&[p]), &mut count), Some(sample(&[follows])));
        }
    }

    #[test]
    fn pictures_shown_as_they_come_have_no_order_count() {
        let reader = SliceReader::new(&config("011", CAVLC)).unwrap();
        let i = nal(0x61, "1 011 1 1111 0 1 010 10110 1");
        let (got, mut count) = reader.close(&sample(&[i]), 3).unwrap();
        assert_eq!(got, sample(&[nal(0x65, "1 011 1 0000 00100 00 1 010 10110 1")]));
        let p = sample(&[nal(0x41, "1 1 1 0000 0 0 0 1 010 111")]);
        let follows = sample(&[nal(0x41, "1 1 1 0001 0 0 0 1 010 111")]);
        assert_eq!(reader.follow(&p, &mut count), Some(follows));
    }

    #[test]
    fn what_an_i_picture_makes_a_decoder_forget_is_no_part_of_an_idr_picture() {
        let reader = SliceReader::new(&config(LOW, CAVLC)).unwrap();
        // Forget one (1, difference 3), and all (5): the next pictures count from this one.
        for (operations, frame_num, order) in [("010 011 1", 5, 14), ("00110 1", 0, 0)] {
            let i = nal(0x61, &format!("{I} 1 {operations} 1 010 10110 1"));
            let (got, count) = reader.close(&sample(&[i]), 2).unwrap();
            assert_eq!(got, sample(&[nal(0x65, "1 011 1 0000 011 0000 00 1 010 10110 1")]));
            assert_eq!(count, Count { frame_num, order, ..Count::default() });
        }
    }

    #[test]
    fn commands_name_the_pictures_that_a_decoder_knows() {
        let reader = SliceReader::new(&config(LOW, CAVLC)).unwrap();
        // P pictures with an order count of 14, and what stands between it and the quantizer. A list's
        // commands: 0 down ("1"), 1 up ("010"), end "00100". Marking's: 1 ("010"), end "1".
        let p = |frame: &str, order: &str, commands: &str| {
            sample(&[nal(0x41, &format!("1 1 1 {frame} {order} 0 {commands} 1 010 111"))])
        };
        // After the I picture a reference is left out; then frame 7 (number 2, written 1).
        let left = sample(&[nal(0x41, "1 010 1 0110 1010 0 0 0 0 0 0 1 010 111")]);
        for (came, written) in [
            // The list: the I picture, 2 down, is 1 down.
            ("1 1 010 00100 0", "1 1 1 00100 0"),
            // And once more: a whole round of 16 down.
            ("1 1 010 1 000010000 00100 0", "1 1 1 1 000010000 00100 0"),
            // The picture left out, 1 down, then 1 down from there: both are the IDR picture.
            ("1 1 1 1 1 00100 0", "1 1 1 1 000010000 00100 0"),
            // 3 down (from before the IDR picture), 1 up.
            ("1 1 011 010 1 00100 0", "1 1 1 1 000010000 00100 0"),
            // Forget the one left out, one from before, the IDR picture.
            ("0 1 010 1 010 00100 010 010 1", "0 1 010 1 1"),
            // All of them unknown: nothing is forgotten.
            ("0 1 010 1 1", "0 1 1"),
        ] {
            let mut count = closed(&reader);
            reader.leave_out(&left, &mut count);
            let got = reader.follow(&p("0111", "1110", came), &mut count);
            assert_eq!(got, Some(p("0001", "0000", written)), "{came}");
        }
    }

    #[test]
    fn numbers_go_round_and_pictures_that_forget_all_others_begin_anew() {
        let reader = SliceReader::new(&config(LOW, CAVLC)).unwrap();
        let p = |frame: u32, commands: &str| {
            sample(&[nal(0x41, &format!("1 1 1 {frame:04b} 0000 0 0 {commands} 1 010 111"))])
        };
        let numbers = |commands: &str, count: &mut Count, frames: core::ops::Range<u32>| {
            frames.for_each(|i| {
                reader.follow(&p((5 + i) % 16, commands), count).unwrap();
            });
        };
        // Forget the one 15 before: known as soon as it was sent.
        let mut count = closed(&reader);
        let far = "1 010 0001111 1";
        numbers("0", &mut count, 1..14);
        let written = |bits: &str| Some(nal(0x41, &format!("1 1 1 {bits} 1 010 111")));
        let one = |got: Option<Vec<u8>>| got.map(|sample| sample[4..].to_vec());
        let got = reader.follow(&p((5 + 14) % 16, far), &mut count);
        assert_eq!(one(got), written("1110 0010 0 0 1 1"));
        let got = reader.follow(&p((5 + 15) % 16, far), &mut count);
        assert_eq!(one(got), written(&format!("1111 0010 0 0 {far}")));
        // 5: forget all.
        let got = reader.follow(&p((5 + 16) % 16, "1 00110 1"), &mut count);
        assert_eq!(one(got), written("0000 0010 0 0 1 00110 1"));
        let got = reader.follow(&p(1, "0"), &mut count);
        assert_eq!(one(got), written("0001 0000 0 0 0"));
    }

    #[test]
    fn no_start_code_comes_about() {
        let reader = SliceReader::new(&config(LOW, CAVLC)).unwrap();
        let zeros = "0".repeat(40);
        let i = nal(0x61, &format!("{I} 0 1 010 {zeros} 1"));
        let (got, _) = reader.close(&sample(&[i]), 2).unwrap();
        assert!(got[4..].windows(3).all(|w| w[..2] != [0, 0] || w[2] > 2), "{got:x?}");
        assert_eq!(got[4 + 1..].iter().filter(|b| **b == 3).count(), 2, "{got:x?}");
    }

    #[test]
    fn no_slice_is_too_strange_to_be_read() {
        let reader = SliceReader::new(&config(LOW, CAVLC)).unwrap();
        let mut count = closed(&reader);
        let mut random = 1u32;
        for _ in 0..20_000 {
            let mut bytes = [0; 12];
            for byte in &mut bytes {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = random.to_be_bytes()[0];
            }
            // The first block and the type are often right; the header that of a reference.
            let slice = [&[0x61, bytes[0] | 0x80], &bytes[1..]].concat();
            let slice = sample(&[slice]);
            let _ = reader.close(&slice, 2);
            let _ = reader.follow(&slice, &mut count);
            reader.leave_out(&slice, &mut count);
        }
        assert!(count.left_out.len() <= MOST_LEFT_OUT);
    }

    #[test]
    fn other_pictures_and_sets_are_left_alone() {
        let reader = SliceReader::new(&config(LOW, CAVLC)).unwrap();
        let p = nal(0x41, "1 1 1 0110 0100 0 0 0 1 010 111");
        assert_eq!(reader.close(&sample(&[p]), 2), None);
        assert_eq!(reader.close(&sample(&[vec![0x61, 0x80]]), 2), None, "it is cut off");
        let of_another_set = nal(0x61, "1 011 010 0101 1110 0 1 010 1");
        assert_eq!(reader.close(&sample(&[of_another_set]), 2), None);
        assert_eq!(reader.close(&[], 2), None);
        assert_eq!(reader.follow(&sample(&[vec![0x41, 0x80]]), &mut Count::default()), None);
        assert_eq!(SliceReader::new(&config("010 1 1 1 1", CAVLC)), None);
        assert_eq!(SliceReader::new(&config(LOW, "1 1 0 0 010 1 1")), None);
    }
}
