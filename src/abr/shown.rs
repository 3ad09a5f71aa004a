//! A ceiling for pictures that are shown much smaller than they are: higher rungs would not be
//! seen.
//!
//! An element without a size of its own takes the size of its picture, so a small element alone
//! says nothing. The ceiling is set only after a picture was shown too small, and lasts until the
//! element grows.

/// A picture may be up to this many times as high as the element: scaled down it is sharper.
const USEFUL_FACTOR: u32 = 2;

/// How small the picture is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown {
    /// The element's height, in device pixels, at which a picture was too large.
    small: Option<u32>,
}

impl Shown {
    /// A picture of `picture` lines is shown in an element that is `element` device pixels high (0:
    /// not known).
    pub fn observe(&mut self, picture: u32, element: u32) {
        if element == 0 {
            return;
        }
        if self.small.is_some_and(|at| element > at) {
            self.small = None;
        }
        if picture > element.saturating_mul(USEFUL_FACTOR) {
            self.small = Some(element);
        }
    }

    /// The highest representation that is worth fetching, of these with their heights, lowest
    /// first.
    pub fn highest(&self, rungs: impl Iterator<Item = (usize, u32)>) -> usize {
        let fits =
            |small: u32| rungs.into_iter().find(|it| it.1 >= small.saturating_mul(USEFUL_FACTOR));
        self.small.and_then(fits).map_or(usize::MAX, |it| it.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LADDER: [(usize, u32); 4] = [(0, 180), (1, 360), (2, 720), (3, 1080)];

    #[test]
    fn a_tile_gets_the_lowest_rung_that_fills_it_twice() {
        let cases = [
            (1080, 90, 0),
            (1080, 180, 1),
            (1080, 200, 2),
            (1080, 400, 3),
            (1080, 540, usize::MAX),
            (720, 360, usize::MAX),
            (180, 180, usize::MAX),
            (1080, 0, usize::MAX),
        ];
        for (picture, element, highest) in cases {
            let mut shown = Shown::default();
            shown.observe(picture, element);
            assert_eq!(shown.highest(LADDER.into_iter()), highest, "{picture} in {element}");
        }
    }

    #[test]
    fn the_cap_stays_until_the_element_grows() {
        let mut shown = Shown::default();
        shown.observe(1080, 180);
        shown.observe(360, 180);
        assert_eq!(shown.highest(LADDER.into_iter()), 1);
        shown.observe(360, 1080);
        assert_eq!(shown.highest(LADDER.into_iter()), usize::MAX);
    }

    #[test]
    fn without_heights_nothing_is_capped() {
        let mut shown = Shown::default();
        shown.observe(1080, 180);
        assert_eq!(shown.highest([(0, 0), (1, 0)].into_iter()), usize::MAX);
    }
}
