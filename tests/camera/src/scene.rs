//! The picture: a calm bay at dusk, drawn as raw 4:2:0 frames.
//!
//! Clouds drift, the sea shimmers row by row, a boat sails, a ball runs round a dial once in two
//! seconds, and a lamp flashes with the beep of the sound. Below stand the camera's name and the
//! wall clock (UTC), along the top edge the capture clock of [`crate::clock`]. Everything slow is
//! computed once; a frame is rows copied from wide textures plus a few small masks, so that
//! 1280x720 at 25 frames a second costs little of a core even in a debug build.

use std::f32::consts::TAU;

use crate::Size;
use crate::clock;
use crate::font::Font;
use crate::mask::{Plane, Sprite, polygon_distance};
use crate::sound::BEEP_MS;

/// Colours as (Y, Cb, Cr) in limited range.
type Colour = (u8, u8, u8);
const SUN: Colour = (215, 90, 165);
const HULL: Colour = (60, 118, 150);
const SAIL: Colour = (222, 124, 132);
const RING: Colour = (150, 132, 128);
const BALL: Colour = (190, 60, 170);
const LAMP: Colour = (235, 128, 128);
const TEXT: Colour = (232, 128, 128);
const SOFT_TEXT: Colour = (190, 120, 134);

/// One scene at one size.
pub(crate) struct Scene {
    size: Size,
    /// Rows of sky and sea luma, each twice as wide as the picture and periodic.
    texture: Vec<u8>,
    /// The chroma planes without what moves.
    chroma: Vec<u8>,
    horizon: usize,
    sun: Sprite,
    sun_at: (usize, usize),
    boat: [Sprite; 2],
    ring: Sprite,
    ball: Sprite,
    lamp: Sprite,
    dial: usize,
    name: String,
    large: Font,
    small: Font,
}

impl Scene {
    /// Prepares a scene; takes some tens of milliseconds.
    pub(crate) fn new(size: Size, name: &str) -> Self {
        let (width, height) = (size.width(), size.height());
        let horizon = height * 3 / 5;
        let unit = height as f32 / 100.0;
        let disc = |radius: f32| {
            let side = (2.0 * radius + 2.0).ceil() as usize;
            let centre = side as f32 / 2.0;
            Sprite::new(side, side, move |x, y| (x - centre).hypot(y - centre) - radius)
        };
        let dial = (unit * 16.0) as usize;
        let middle = dial as f32 / 2.0;
        let ring = Sprite::new(dial, dial, |x, y| {
            ((x - middle).hypot(y - middle) - (middle - unit * 1.6)).abs() - unit * 0.35
        });
        Self {
            size,
            texture: texture(width, height, horizon),
            chroma: chroma(size, horizon),
            horizon,
            sun: disc(unit * 6.5),
            sun_at: (width * 7 / 10, horizon.saturating_sub((unit * 16.0) as usize)),
            boat: boat(unit),
            ring,
            ball: disc(unit * 1.6),
            lamp: disc(unit * 2.2),
            dial,
            name: name.to_owned(),
            large: Font::new((unit * 7.0) as usize, "0123456789:."),
            small: Font::new((unit * 3.6) as usize, &format!("{name}0123456789-/ UTC")),
        }
    }

    /// Draws the frame that was captured at `unix_ms` into `frame` (I420, no padding).
    pub(crate) fn draw(&self, frame: &mut Vec<u8>, unix_ms: u64) {
        let (width, height) = (self.size.width(), self.size.height());
        let luma = width * height;
        frame.resize(luma + self.chroma.len(), 0);
        let (y, chroma) = frame.split_at_mut(luma);
        self.background(y, unix_ms);
        chroma.copy_from_slice(&self.chroma);
        let (u, v) = chroma.split_at_mut(self.chroma.len() / 2);
        let mut canvas = Canvas { planes: [y, u, v], width };
        self.things(&mut canvas, unix_ms);
        self.words(&mut canvas, unix_ms);
        self.strip(&mut canvas, unix_ms);
    }

    fn background(&self, y: &mut [u8], unix_ms: u64) {
        let width = self.size.width();
        // Clouds move a whole pixel at a time, once in 80 ms.
        let drift = (unix_ms / 80) as usize % width;
        let seconds = (unix_ms % 3_600_000) as f32 / 1000.0;
        for (row, line) in y.chunks_exact_mut(width).enumerate() {
            let shift = if row < self.horizon {
                drift
            } else {
                let depth = (row - self.horizon) as f32 / (self.size.height() as f32 * 0.4);
                let sway = (seconds * (0.7 + depth) + row as f32 * 0.35).sin();
                (width as f32 * (0.01 + 0.006 * (0.2 + depth) * sway)).max(0.0) as usize
            };
            let start = row * 2 * width + shift % width;
            if let Some(source) = self.texture.get(start..start + width) {
                line.copy_from_slice(source);
            }
        }
    }

    fn things(&self, canvas: &mut Canvas<'_>, unix_ms: u64) {
        let (width, height) = (self.size.width() as f32, self.size.height() as f32);
        let seconds = (unix_ms % 3_600_000) as f32 / 1000.0;
        let (sun_x, sun_y) = self.sun_at;
        canvas.paint(&self.sun, sun_x as isize, sun_y as isize, SUN);

        let unit = height / 100.0;
        let sailing = (seconds / 40.0 + 0.1) % 1.0;
        let boat_x = (sailing * (width + 40.0 * unit) - 20.0 * unit) as isize;
        let boat_y = self.horizon as f32 - 9.0 * unit + (seconds * 1.3).sin() * unit * 0.6;
        let [hull, sail] = &self.boat;
        canvas.paint(sail, boat_x, boat_y as isize, SAIL);
        canvas.paint(hull, boat_x, boat_y as isize, HULL);

        let dial_x = self.size.width() - self.dial - (unit * 6.0) as usize;
        let dial_y = clock::rows(self.size.height()) + (unit * 5.0) as usize;
        canvas.paint(&self.ring, dial_x as isize, dial_y as isize, RING);
        let turn = (unix_ms % 2000) as f32 / 2000.0 * TAU;
        let (middle, radius) = (self.dial as f32 / 2.0, self.dial as f32 / 2.0 - unit * 1.6);
        let ball = unit * 1.6 + 1.0;
        let at = |centre: usize, offset: f32| (centre as f32 + middle + offset - ball) as isize;
        let place = (at(dial_x, radius * turn.sin()), at(dial_y, -radius * turn.cos()));
        canvas.paint(&self.ball, place.0, place.1, BALL);
        if unix_ms % 1000 < BEEP_MS {
            let lamp = middle - unit * 2.2 - 1.0;
            canvas.paint(
                &self.lamp,
                (dial_x as f32 + lamp) as isize,
                (dial_y as f32 + lamp) as isize,
                LAMP,
            );
        }
    }

    fn words(&self, canvas: &mut Canvas<'_>, unix_ms: u64) {
        let height = self.size.height();
        let unit = height as f32 / 100.0;
        let time = time_of_day(unix_ms);
        let day = format!("{} UTC", date(unix_ms));
        let pad = (unit * 3.0) as usize;
        let wide = self.large.width(&time).max(self.small.width(&self.name));
        let panel = (pad, height - (unit * 26.0) as usize, wide + 2 * pad, (unit * 22.0) as usize);
        canvas.shade(panel);
        let left = panel.0 + pad;
        let mut line = |font: &Font, text: &str, down: f32, colour| {
            for (x, mask) in font.layout(text) {
                canvas.paint(
                    mask,
                    left as isize + x,
                    (panel.1 as f32 + unit * down) as isize,
                    colour,
                );
            }
        };
        line(&self.small, &self.name, 2.0, SOFT_TEXT);
        line(&self.large, &time, 7.5, TEXT);
        line(&self.small, &day, 16.5, SOFT_TEXT);
    }

    fn strip(&self, canvas: &mut Canvas<'_>, unix_ms: u64) {
        let (width, height) = (self.size.width(), self.size.height());
        let [y, u, v] = &mut canvas.planes;
        clock::draw(y, width, height, unix_ms);
        for plane in [u, v] {
            let grey = clock::rows(height).div_ceil(2) * (width / 2);
            if let Some(rows) = plane.get_mut(..grey) {
                rows.fill(128);
            }
        }
    }
}

/// Three planes to draw on.
struct Canvas<'a> {
    planes: [&'a mut [u8]; 3],
    width: usize,
}

impl Canvas<'_> {
    fn paint(&mut self, sprite: &Sprite, x: isize, y: isize, colour: Colour) {
        let [luma, u, v] = &mut self.planes;
        sprite.luma.blend(&mut Plane { pixels: luma, width: self.width }, x, y, colour.0);
        let (x, y) = (x.div_euclid(2), y.div_euclid(2));
        for (plane, value) in [(u, colour.1), (v, colour.2)] {
            let mut plane = Plane { pixels: plane, width: self.width / 2 };
            sprite.chroma.blend(&mut plane, x, y, value);
        }
    }

    /// Darkens a rectangle (x, y, width, height), so that words are readable on it.
    fn shade(&mut self, (x, y, width, height): (usize, usize, usize, usize)) {
        let [luma, u, v] = &mut self.planes;
        for line in luma.chunks_exact_mut(self.width).skip(y).take(height) {
            for pixel in line.iter_mut().skip(x).take(width) {
                *pixel = 12 + *pixel / 4;
            }
        }
        for plane in [u, v] {
            let lines = plane.chunks_exact_mut(self.width / 2);
            for line in lines.skip(y / 2).take(height / 2) {
                for pixel in line.iter_mut().skip(x / 2).take(width / 2) {
                    *pixel = 64 + *pixel / 2;
                }
            }
        }
    }
}

fn time_of_day(unix_ms: u64) -> String {
    let (seconds, ms) = (unix_ms / 1000, unix_ms % 1000);
    let (hour, minute) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{hour:02}:{minute:02}:{:02}.{ms:03}", seconds % 60)
}

/// The date in UTC.
fn date(unix_ms: u64) -> String {
    // Day 0 of the count is 1 March of the year 0; an era has 400 years.
    let days = unix_ms / 86_400_000 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let leap_days = day_of_era / 1460 + day_of_era / 146_096 - day_of_era / 36_524;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

fn boat(unit: f32) -> [Sprite; 2] {
    let (width, height) = ((unit * 16.0) as usize, (unit * 14.0) as usize);
    let shape = |polygons: &[&[(f32, f32)]]| {
        Sprite::new(width, height, |x, y| {
            let at = (x / unit, y / unit);
            let distances = polygons.iter().map(|corners| polygon_distance(at, corners));
            distances.fold(f32::INFINITY, f32::min) * unit
        })
    };
    let hull = shape(&[&[(1.0, 10.0), (15.0, 10.0), (12.5, 13.0), (3.5, 13.0)]]);
    let main = [(7.6, 0.5), (7.6, 9.4), (2.2, 9.4)];
    let jib = [(8.4, 1.6), (13.2, 9.4), (8.4, 9.4)];
    [hull, shape(&[&main, &jib])]
}

/// Luma of sky and sea, every row periodic and twice as wide as the picture.
fn texture(width: usize, height: usize, horizon: usize) -> Vec<u8> {
    let mut texture = vec![0; 2 * width * height];
    for (row, line) in texture.chunks_exact_mut(2 * width).enumerate() {
        let (period, copy) = line.split_at_mut(width);
        for (x, pixel) in period.iter_mut().enumerate() {
            let value = if row < horizon {
                sky(x, row, width, horizon)
            } else {
                sea(x, row, (width, height), horizon)
            };
            let grain = (hash(x as u32, row as u32) & 7) as f32 - 3.5;
            *pixel = (value + grain).clamp(16.0, 235.0) as u8;
        }
        copy.copy_from_slice(period);
    }
    texture
}

fn sky(x: usize, row: usize, width: usize, horizon: usize) -> f32 {
    let depth = row as f32 / horizon as f32;
    let glow = 62.0 + 95.0 * depth * depth;
    // Four octaves of noise; the number of cells over the width is whole, so that it is periodic.
    let cell = (horizon as f32 / 5.0).max(8.0);
    let cells = (width as f32 / cell).round().max(1.0);
    let mut clouds = 0.0;
    for octave in 0..4u32 {
        let scale = (1 << octave) as f32;
        let u = x as f32 / width as f32 * cells * scale;
        let v = row as f32 / cell * 2.4 * scale;
        clouds += value_noise(u, v, (cells * scale) as u32, octave) / scale;
    }
    glow + ((clouds / 1.875 - 0.45).max(0.0) * 210.0) * (1.0 - 0.5 * depth)
}

fn sea(x: usize, row: usize, (width, height): (usize, usize), horizon: usize) -> f32 {
    let depth = (row - horizon) as f32 / (height - horizon).max(1) as f32;
    // Waves grow towards the viewer, in steps, so that a row's neighbours mostly fit to it.
    let scale = height as f32 / 720.0;
    let step = (depth * 8.0).floor() / 8.0;
    let cells = (width as f32 / ((7.0 + 40.0 * step) * scale)).round().max(1.0);
    let u = x as f32 / width as f32 * cells;
    let wave = value_noise(u, row as f32 / ((1.5 + 4.0 * step) * scale), cells as u32, 9);
    70.0 + 55.0 * (1.0 - depth) * (1.0 - depth) + 55.0 * (wave - 0.5)
}

/// Smooth noise from 0 to 1 on a grid of whole numbers, periodic in u after `period` cells.
fn value_noise(u: f32, v: f32, period: u32, seed: u32) -> f32 {
    let (column, line) = (u.floor(), v.floor());
    let ease = |t: f32| t * t * (3.0 - 2.0 * t);
    let (fu, fv) = (ease(u - column), ease(v - line));
    let (column, line) = (column as u32, line as u32);
    let corner = |du: u32, dv: u32| {
        let wrapped = (column + du) % period.max(1);
        (hash(wrapped, (line + dv).wrapping_add(seed << 16)) & 0xFFFF) as f32 / 65_535.0
    };
    let above = corner(0, 0) + (corner(1, 0) - corner(0, 0)) * fu;
    let below = corner(0, 1) + (corner(1, 1) - corner(0, 1)) * fu;
    above + (below - above) * fv
}

fn hash(x: u32, y: u32) -> u32 {
    let mut h = x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA77);
    h = (h ^ h >> 15).wrapping_mul(0x2C1B_3C6D);
    h = (h ^ h >> 12).wrapping_mul(0x297A_2D39);
    h ^ h >> 15
}

/// Cb and Cr without what moves: warm at the horizon, cool above and below.
fn chroma(size: Size, horizon: usize) -> Vec<u8> {
    let (width, height) = (size.width() / 2, size.height() / 2);
    let mut planes = vec![0; 2 * width * height];
    let (u, v) = planes.split_at_mut(width * height);
    let lines = u.chunks_exact_mut(width).zip(v.chunks_exact_mut(width));
    for (row, (u, v)) in lines.enumerate() {
        let row = 2 * row;
        let warm = if row < horizon {
            (row as f32 / horizon as f32).powi(3)
        } else {
            0.55 * (1.0 - (row - horizon) as f32 / (size.height() - horizon).max(1) as f32)
        };
        u.fill((148.0 - 42.0 * warm) as u8);
        v.fill((116.0 + 38.0 * warm) as u8);
    }
    planes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_carries_its_time_at_every_size() {
        for (width, height) in [(1280, 720), (640, 360), (320, 180), (64, 48)] {
            let size = Size::new(width, height).unwrap();
            let scene = Scene::new(size, "Camera");
            let mut frame = Vec::new();
            scene.draw(&mut frame, 1_767_225_600_123);
            let (width, height) = (size.width(), size.height());
            assert_eq!(frame.len(), width * height * 3 / 2);
            let read = clock::read(&frame[..width * height], width, height);
            assert_eq!(read, Some(1_767_225_600_123 % clock::WRAP_MS));
        }
    }

    #[test]
    fn the_picture_moves_between_frames() {
        let size = Size::new(640, 360).unwrap();
        let scene = Scene::new(size, "Camera");
        let (mut one, mut two) = (Vec::new(), Vec::new());
        scene.draw(&mut one, 1_767_225_600_200);
        scene.draw(&mut two, 1_767_225_600_240);
        let changed = one.iter().zip(&two).filter(|(a, b)| a != b).count();
        assert!(changed > one.len() / 20, "{changed} of {} samples", one.len());
    }

    #[test]
    fn dates_and_times_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_400_000), "2000-02-29");
        assert_eq!(date(1_735_689_599_999), "2024-12-31");
        assert_eq!(date(1_772_323_200_000), "2026-03-01");
        assert_eq!(time_of_day(1_735_689_599_999), "23:59:59.999");
    }
}
