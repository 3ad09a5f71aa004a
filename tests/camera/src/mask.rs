//! Masks with soft edges: shapes that are computed once from a distance and then blended into a
//! luma or chroma plane as often as needed.

/// Coverage of each pixel of a small rectangle, 0 to 255.
pub(crate) struct Mask {
    width: usize,
    coverage: Vec<u8>,
}

/// A shape for a picture with chroma of half the size: one mask for luma, one for chroma.
pub(crate) struct Sprite {
    pub(crate) luma: Mask,
    pub(crate) chroma: Mask,
}

impl Sprite {
    /// See [`Mask::from_distance`].
    pub(crate) fn new(width: usize, height: usize, distance: impl Fn(f32, f32) -> f32) -> Self {
        let half = |x: f32, y: f32| distance(2.0 * x, 2.0 * y) / 2.0;
        Self {
            chroma: Mask::from_distance(width.div_ceil(2), height.div_ceil(2), half),
            luma: Mask::from_distance(width, height, distance),
        }
    }
}

/// A plane of a picture without padding.
pub(crate) struct Plane<'a> {
    pub(crate) pixels: &'a mut [u8],
    pub(crate) width: usize,
}

impl Mask {
    /// A mask of the pixels whose distance to the shape is below zero; `distance` in pixels,
    /// negative inside.
    pub(crate) fn from_distance(
        width: usize,
        height: usize,
        distance: impl Fn(f32, f32) -> f32,
    ) -> Self {
        let pixel = |i: usize| {
            let (x, y) = ((i % width.max(1)) as f32 + 0.5, (i / width.max(1)) as f32 + 0.5);
            ((0.5 - distance(x, y)).clamp(0.0, 1.0) * 255.0) as u8
        };
        Self { width, coverage: (0..width * height).map(pixel).collect() }
    }

    /// Blends `value` into the plane where the mask covers it, the mask's left upper corner at
    /// (x, y); what is outside of the plane is cut off.
    pub(crate) fn blend(&self, plane: &mut Plane<'_>, x: isize, y: isize, value: u8) {
        let skip = x.min(0).unsigned_abs();
        let left = x.max(0) as usize;
        let count = self.width.saturating_sub(skip).min(plane.width.saturating_sub(left));
        for (row, line) in self.coverage.chunks(self.width.max(1)).enumerate() {
            let Ok(target) = usize::try_from(y + row as isize) else { continue };
            let start = target * plane.width + left;
            let Some(pixels) = plane.pixels.get_mut(start..start + count) else { continue };
            let Some(cover) = line.get(skip..skip + count) else { continue };
            for (pixel, &alpha) in pixels.iter_mut().zip(cover) {
                if alpha != 0 {
                    let (old, new, alpha) = (i32::from(*pixel), i32::from(value), i32::from(alpha));
                    *pixel = (old + (new - old) * (alpha + 1) / 256) as u8;
                }
            }
        }
    }
}

/// Distance of a point to a line segment.
pub(crate) fn segment_distance(p: (f32, f32), a: (f32, f32), b: (f32, f32)) -> f32 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx * dx + dy * dy;
    let along = if length == 0.0 {
        0.0
    } else {
        (((p.0 - a.0) * dx + (p.1 - a.1) * dy) / length).clamp(0.0, 1.0)
    };
    (p.0 - a.0 - along * dx).hypot(p.1 - a.1 - along * dy)
}

/// Distance of a point to a polygon, negative inside.
pub(crate) fn polygon_distance(p: (f32, f32), corners: &[(f32, f32)]) -> f32 {
    let mut inside = false;
    let mut near = f32::INFINITY;
    let next = corners.iter().cycle().skip(1);
    for (&a, &b) in corners.iter().zip(next) {
        near = near.min(segment_distance(p, a, b));
        if (a.1 > p.1) != (b.1 > p.1) && p.0 < (b.0 - a.0) * (p.1 - a.1) / (b.1 - a.1) + a.0 {
            inside = !inside;
        }
    }
    if inside { -near } else { near }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disc_is_full_inside_and_empty_outside() {
        let disc = Mask::from_distance(9, 9, |x, y| (x - 4.5).hypot(y - 4.5) - 3.0);
        let mut pixels = [0u8; 81];
        disc.blend(&mut Plane { pixels: &mut pixels, width: 9 }, 0, 0, 200);
        assert_eq!((pixels[40], pixels[0], pixels[8]), (200, 0, 0));
    }

    #[test]
    fn what_is_outside_of_the_plane_is_cut_off() {
        let full = Mask::from_distance(4, 4, |_, _| -9.0);
        for (x, y, painted) in [(-2, -2, 4), (2, 3, 2), (-9, 0, 0), (9, 9, 0), (0, 0, 16)] {
            let mut pixels = [0u8; 16];
            full.blend(&mut Plane { pixels: &mut pixels, width: 4 }, x, y, 255);
            assert_eq!(pixels.iter().filter(|&&p| p == 255).count(), painted, "{x} {y}");
        }
    }

    #[test]
    fn a_polygon_has_an_inside() {
        let square = [(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0)];
        assert_eq!(polygon_distance((2.0, 2.0), &square), -2.0);
        assert_eq!(polygon_distance((6.0, 2.0), &square), 2.0);
    }
}
