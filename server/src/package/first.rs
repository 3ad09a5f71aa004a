//! PURE: gives the first picture of a run its time.
//!
//! ffmpeg's RTSP reader gives that picture no time, so what it is stamped with says nothing
//! ([`crate::engine::argv`]). It is shown one step before the earliest of those that come after it.

use super::steady::{FIRST_STEP, LONGEST_STEP};

/// This many of the first pictures are looked at: no decoder reorders over more (ISO/IEC 14496-10
/// A.3.1, `MaxDpbFrames`).
const LOOKED_AT: usize = 17;

/// The place of a first picture whose stamp is wrong, 90 kHz ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct First {
    at: i64,
    /// The picture shown after it.
    next: i64,
}

impl First {
    /// From the stamps of a run's first pictures, in the order of decoding. `None`: the first one is
    /// stamped as it should be, or nothing came after it.
    pub(super) fn of(stamps: impl IntoIterator<Item = i64>) -> Option<Self> {
        let mut stamps = stamps.into_iter();
        let first = stamps.next()?;
        let mut later: Vec<i64> = stamps.take(LOOKED_AT - 1).collect();
        later.sort_unstable();
        later.dedup();
        let next = *later.first()?;
        let steps = || later.windows(2).map(|w| w[1] - w[0]);
        let least = steps().min().unwrap_or(FIRST_STEP);
        let longest = LONGEST_STEP.max(4 * steps().max().unwrap_or(0));
        let gap = next - first;
        let is_right = gap * 4 >= least * 3 && gap <= longest;
        (!is_right).then_some(Self { at: next - least, next })
    }

    /// The time of a picture of the same run that is stamped `pts`, in any rendition.
    pub(super) const fn place(&self, pts: i64) -> i64 {
        if pts < self.at.midpoint(self.next) { self.at } else { pts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: i64 = 3_600;

    fn at(stamps: &[i64]) -> Option<i64> {
        First::of(stamps.iter().map(|s| s * T)).map(|it| it.at / T)
    }

    #[test]
    fn a_first_picture_that_is_stamped_far_too_early_or_too_late_is_shown_before_the_next() {
        assert_eq!(at(&[0, 250, 251, 252]), Some(249));
        assert_eq!(at(&[250, 250, 251, 252]), Some(249));
        assert_eq!(at(&[260, 250, 251, 252]), Some(249));
        assert_eq!(at(&[0, 250]), Some(249));
        // With B pictures, which come after one that is shown later.
        assert_eq!(at(&[0, 253, 251, 252, 256, 254]), Some(250));
        assert_eq!(at(&[252, 253, 251, 252, 256, 254]), Some(250));
    }

    #[test]
    fn one_that_is_stamped_as_it_should_be_keeps_its_time() {
        for stamps in
            [&[0, 1, 2][..], &[0, 3, 1, 2, 6], &[0, 4, 5, 6], &[0, 100, 200], &[0, 60], &[7], &[]]
        {
            assert_eq!(at(stamps), None, "{stamps:?}");
        }
    }

    #[test]
    fn only_what_is_shown_before_all_others_is_placed() {
        let first = First::of([0, 250 * T, 251 * T]).unwrap();
        let placed: Vec<_> = [90, T, 249 * T, 250 * T, 251 * T].map(|pts| first.place(pts)).into();
        assert_eq!(placed, [249 * T, 249 * T, 249 * T, 250 * T, 251 * T]);
    }
}
