//! PURE: derives decoding times of pictures from their presentation times.
//!
//! RTP has only presentation times, in the order of decoding (RFC 6184 5.1). MP4 needs decoding
//! times that rise and are not after the presentation (ISO/IEC 14496-12 8.6.1.1). A picture's
//! decoding time is the presentation time of the picture `depth` places before it in presentation
//! order.
//!
//! ```text
//! comes      I0  P3  B1  B2  P6  B4 ...        one picture overtakes others here: depth 1
//! decoded    -1   0   1   2   3   4
//! ```
//! No picture is held for that: without B pictures the depth is 0 and both times are equal.

use std::collections::VecDeque;

/// A decoder holds at most this many pictures (ISO/IEC 14496-10 A.3.1, `MaxDpbFrames`).
const MOST: usize = 16;

/// The order of one track in one run.
#[derive(Debug, Default)]
pub(super) struct Order {
    depth: usize,
    /// The newest pictures to arrive.
    came: VecDeque<i64>,
    /// Of the newest pictures written, those shown last, in presentation order.
    shown: Vec<i64>,
    last: Option<i64>,
}

impl Order {
    /// Notes a picture to be shown at `pts`, in the order of decoding.
    pub(super) fn came(&mut self, pts: i64, bidirectional: bool) {
        if bidirectional {
            let overtaken_by = self.came.iter().filter(|p| **p > pts).count();
            self.depth = self.depth.max(overtaken_by);
        }
        self.came.push_back(pts);
        if self.came.len() > MOST {
            self.came.pop_front();
        }
    }

    /// The decoding time of the picture shown at `pts`. `usual`: the usual step between pictures.
    /// Call this once per picture, in the order of decoding.
    pub(super) fn decode_time(&mut self, pts: i64, usual: i64) -> i64 {
        let at = self.shown.partition_point(|p| *p <= pts);
        self.shown.insert(at, pts);
        let missing = (self.depth + 1).saturating_sub(self.shown.len());
        let first = self.shown.first().copied().unwrap_or(pts);
        let decoded = if missing == 0 {
            self.shown.remove(0)
        } else {
            first - usual * i64::try_from(missing).unwrap_or(0)
        };
        let decoded = self.last.map_or(decoded, |last| decoded.max(last + 1));
        self.last = Some(decoded);
        decoded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures as (shown, B), in the order of decoding; says when they are decoded.
    fn decoded(pictures: &[(i64, bool)]) -> Vec<i64> {
        let mut order = Order::default();
        // The first ones come before anything is written.
        for (pts, b) in &pictures[..5] {
            order.came(*pts * 10, *b);
        }
        let mut out = Vec::new();
        for (i, (pts, b)) in pictures.iter().enumerate() {
            if i >= 5 {
                order.came(*pts * 10, *b);
            }
            out.push(order.decode_time(*pts * 10, 10));
        }
        for (d, (pts, _)) in out.iter().zip(pictures) {
            assert!(*d <= pts * 10, "{d} after {pts}0 in {out:?}");
        }
        out
    }

    #[test]
    fn pictures_in_order_are_decoded_when_they_are_shown() {
        let pictures: Vec<_> = (0..9).map(|i| (i, false)).collect();
        assert_eq!(decoded(&pictures), (0..9).map(|i| i * 10).collect::<Vec<_>>());
    }

    #[test]
    fn each_picture_is_decoded_a_step_after_the_one_before() {
        let b = |n: i64| {
            (0..4).flat_map(move |g| {
                let p = (g * (n + 1), false);
                let bs =
                    (0..if g == 0 { 0 } else { n }).map(move |i| ((g - 1) * (n + 1) + 1 + i, true));
                core::iter::once(p).chain(bs)
            })
        };
        for n in 1..=3 {
            let pictures: Vec<_> = b(n).collect();
            let want: Vec<_> = (0..pictures.len() as i64).map(|i| i * 10 - 10).collect();
            assert_eq!(decoded(&pictures), want, "{n} B pictures");
        }
        // A pyramid: P4, B2 before B1 and B3.
        let pyramid = [0, 4, 2, 1, 3, 8, 6, 5, 7].map(|p| (p, p % 4 != 0));
        assert_eq!(decoded(&pyramid), (-2..7).map(|i| i * 10).collect::<Vec<_>>());
    }

    #[test]
    fn b_pictures_that_begin_later_make_no_step_back() {
        let mut order = Order::default();
        let mut last = i64::MIN;
        let late =
            [(0, false), (1, false), (2, false), (5, false), (3, true), (4, true), (8, false)];
        for (pts, b) in late.into_iter().chain([(6, true), (7, true), (11, false), (9, true)]) {
            order.came(pts * 10, b);
            let decoded = order.decode_time(pts * 10, 10);
            assert!(decoded > last, "{decoded} after {last}");
            last = decoded;
        }
        assert!(last <= 90);
    }
}
