//! A small font of strokes on a grid of 4 by 6, drawn as soft-edged masks at any size.
//!
//! Each glyph is a list of strokes, each stroke a list of points "xy". A letter that is missing is
//! drawn as a small box, lower case as upper case.

use crate::mask::{Sprite, segment_distance};

/// Strokes of a character, parted by '/'; the points of a stroke are pairs of digits, x 0 to 4 and
/// y 0 to 6.
fn strokes(c: char) -> &'static str {
    match c {
        '0' => "10 30 41 45 36 16 05 01 10",
        '1' => "11 20 26 16 36",
        '2' => "01 10 30 41 42 06 46",
        '3' => "01 10 30 41 42 33 23 33 44 45 36 16 05",
        '4' => "36 30 04 44",
        '5' => "40 00 03 33 44 45 36 16 05",
        '6' => "30 10 01 05 16 36 45 44 33 13 04",
        '7' => "00 40 16",
        '8' => "13 02 01 10 30 41 42 33 13 04 05 16 36 45 44 33",
        '9' => "16 36 45 41 30 10 01 02 13 33 42",
        'A' => "06 20 46 34 14",
        'B' => "33 03 00 30 41 42 33 44 45 36 06 03",
        'C' => "41 30 10 01 05 16 36 45",
        'D' => "00 20 42 44 26 06 00",
        'E' => "40 00 06 46 06 03 33",
        'F' => "40 00 06 03 33",
        'G' => "41 30 10 01 05 16 36 45 43 23",
        'H' => "00 06 03 43 40 46",
        'I' => "10 30 20 26 16 36",
        'J' => "40 45 36 16 05",
        'K' => "00 06 04 40 22 46",
        'L' => "00 06 46",
        'M' => "06 00 23 40 46",
        'N' => "06 00 46 40",
        'O' => "10 30 41 45 36 16 05 01 10",
        'P' => "06 00 30 41 42 33 03",
        'Q' => "10 30 41 45 36 16 05 01 10 24 46",
        'R' => "06 00 30 41 42 33 03 23 46",
        'S' => "41 30 10 01 02 13 33 44 45 36 16 05",
        'T' => "00 40 20 26",
        'U' => "00 05 16 36 45 40",
        'V' => "00 26 40",
        'W' => "00 16 23 36 40",
        'X' => "00 46 23 06 40",
        'Y' => "00 23 40 23 26",
        'Z' => "00 40 06 46",
        ':' => "22 22/24 24",
        '.' => "26 26",
        ',' => "26 17",
        '-' => "13 33",
        '_' => "06 46",
        '/' => "06 40",
        '+' => "13 33 23 22 24",
        ' ' => "",
        _ => "11 31 35 15 11",
    }
}

/// The glyphs of a line of text at one size, ready to be drawn.
pub(crate) struct Font {
    glyphs: Vec<(char, Sprite)>,
    advance: usize,
}

impl Font {
    /// A font whose capitals are about `height` pixels tall, for the letters of `alphabet`.
    pub(crate) fn new(height: usize, alphabet: &str) -> Self {
        let unit = height as f32 / 7.0;
        let weight = unit * 0.46;
        let (width, tall) = ((unit * 5.2).ceil() as usize, (unit * 7.6).ceil() as usize);
        let mut glyphs: Vec<(char, Sprite)> = Vec::new();
        for c in alphabet.chars().map(|c| c.to_ascii_uppercase()) {
            if glyphs.iter().any(|(known, _)| *known == c) {
                continue;
            }
            let lines = segments(strokes(c), unit);
            let mask = Sprite::new(width, tall, |x, y| {
                let near = lines
                    .iter()
                    .map(|&(a, b)| segment_distance((x, y), a, b))
                    .fold(f32::INFINITY, f32::min);
                near - weight
            });
            glyphs.push((c, mask));
        }
        Self { glyphs, advance: (unit * 5.6) as usize }
    }

    /// The masks of `text` with their distance from its left edge.
    pub(crate) fn layout(&self, text: &str) -> impl Iterator<Item = (isize, &Sprite)> {
        let letters = text.chars().map(|c| c.to_ascii_uppercase());
        let places = letters.scan(0, |x, c| {
            // A narrow letter stands in the middle of its mask, which reaches over its neighbours.
            let left = *x as isize - ((self.advance - self.advance_of(c)) / 2) as isize;
            *x += self.advance_of(c);
            Some((left, c))
        });
        places.filter_map(|(left, c)| {
            let (_, mask) = self.glyphs.iter().find(|(known, _)| *known == c)?;
            Some((left, mask))
        })
    }

    /// Width of `text` in pixels.
    pub(crate) fn width(&self, text: &str) -> usize {
        text.chars().map(|c| self.advance_of(c)).sum()
    }

    fn advance_of(&self, c: char) -> usize {
        if ":.,".contains(c) { self.advance / 2 } else { self.advance }
    }
}

type Point = (f32, f32);

fn segments(strokes: &str, unit: f32) -> Vec<(Point, Point)> {
    let mut lines = Vec::new();
    for stroke in strokes.split('/') {
        let points: Vec<Point> = stroke
            .split(' ')
            .filter_map(|point| {
                let mut digits = point.chars().filter_map(|c| c.to_digit(10));
                Some((digits.next()?, digits.next()?))
            })
            .map(|(x, y)| ((x as f32 + 0.6) * unit, (y as f32 + 0.7) * unit))
            .collect();
        lines.extend(points.windows(2).filter_map(|pair| match pair {
            [a, b] => Some((*a, *b)),
            _ => None,
        }));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_and_digit_has_a_shape_of_its_own() {
        let shapes: Vec<&str> = ('0'..='9').chain('A'..='Z').map(strokes).collect();
        let distinct: std::collections::BTreeSet<&&str> = shapes.iter().collect();
        assert_eq!(distinct.len(), shapes.len() - 1, "only 0 and O are alike");
        assert!(shapes.iter().all(|s| !segments(s, 1.0).is_empty()));
    }

    #[test]
    fn a_text_is_laid_out_from_left_to_right() {
        let font = Font::new(28, "0123456789:.");
        let places: Vec<isize> = font.layout("12:34").map(|(x, _)| x).collect();
        assert_eq!(places.len(), 5);
        assert!(places.is_sorted() && font.width("12:34") as isize > places[4]);
        assert!(font.width("12:34") < font.width("12-34"));
    }
}
