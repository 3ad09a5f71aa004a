//! PURE: `ladder`, the rungs to encode beside a camera's own picture.

use serde::Deserialize;
use toml::Spanned;

use super::limits::{self, within_at};
use super::problem::{self, Misfit};

/// One rung to encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Lines, or a part of the camera's as `"1/2"`.
    pub height: Height,
    /// Columns, 16 to 15360; the camera's proportions decide when it is left out.
    pub width: Option<u32>,
    /// Kilobits a second, held within each second.
    pub kbps: u32,
}

/// A picture's height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Height {
    /// In lines.
    Pixels(u32),
    /// The camera's, divided by this.
    Fraction(u32),
}

impl<'de> Deserialize<'de> for Height {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Lines(i64),
            Text(String),
        }
        let wrong = || serde::de::Error::custom(problem::HEIGHT);
        match Raw::deserialize(d).map_err(|_| wrong())? {
            Raw::Lines(lines) => {
                limits::within("height", lines, 16..=8640).map(Self::Pixels).map_err(|_| wrong())
            }
            Raw::Text(text) => match text.strip_prefix("1/").map(str::parse) {
                Some(Ok(part @ 1..=16)) => Ok(Self::Fraction(part)),
                _ => Err(wrong()),
            },
        }
    }
}

impl Rung {
    /// What is to be told about it where a camera's picture has this size.
    pub fn misfit(&self, size: Option<(u32, u32)>) -> Option<String> {
        let (width, height) = size.filter(|size| self.exceeds(*size))?;
        Some(format!(
            "a rung of its `ladder` is larger than its picture of {width}x{height}, and shows only that: give it \
             at most so much"
        ))
    }

    /// Whether it is larger than a camera's picture of this size, which is not enlarged.
    fn exceeds(&self, (width, height): (u32, u32)) -> bool {
        let lines = matches!(self.height, Height::Pixels(lines) if lines > height);
        lines || self.width.is_some_and(|w| w > width)
    }
}

/// Half and a quarter of the camera's height: with the copied top rung, three steps of about 4 : 1.
pub const DEFAULT_LADDER: [Rung; 2] = [
    Rung { height: Height::Fraction(2), width: None, kbps: 800 },
    Rung { height: Height::Fraction(4), width: None, kbps: 250 },
];

/// One rung as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// Lines, 16 to 8640, an even number, or a part of the camera's as `"1/2"`.
    height: Spanned<Height>,
    /// With lines: columns, 16 to 15360, an even number. Without, as the camera's proportions want it.
    width: Option<Spanned<i64>>,
    /// Kilobits a second, 16 to 100000.
    kbps: Spanned<i64>,
}

impl Step {
    fn resolve(self) -> Result<Rung, Misfit> {
        let (at, height) = (self.height.span().start, self.height.into_inner());
        if let (Some(width), Height::Fraction(_)) = (&self.width, height) {
            let e = "`width` goes with a height in lines, not with a part";
            return Err((width.span().start, e.into()));
        }
        let width_at = self.width.as_ref().map(|w| w.span().start);
        let width = self.width.map(|w| within_at("width", &w, 16..=15_360)).transpose()?;
        let kbps = within_at("kbps", &self.kbps, 16..=100_000)?;
        if let (Some(width), Some(at)) = (width, width_at) {
            even("width", width).map_err(|e| (at, e))?;
        }
        if let Height::Pixels(lines) = height {
            even("height", lines).map_err(|e| (at, e))?;
        }
        Ok(Rung { height, width, kbps })
    }
}

/// Video in 4:2:0 has no odd sizes.
fn even(name: &str, pixels: u32) -> Result<(), String> {
    match pixels % 2 {
        0 => Ok(()),
        _ => Err(format!("`{name}` is an even number: {} or {}", pixels - 1, pixels + 1)),
    }
}

/// The rungs of a ladder.
pub(super) fn rungs(ladder: Spanned<Vec<Step>>) -> Result<Vec<Rung>, Misfit> {
    if ladder.get_ref().len() > 6 {
        return Err((ladder.span().start, "a ladder has at most 6 rungs".into()));
    }
    let rungs: Result<_, Misfit> = ladder.into_inner().into_iter().map(Step::resolve).collect();
    rungs.map_err(|(at, e)| (at, format!("in a ladder, {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rung_in_lines_may_exceed_a_camera_and_a_part_of_it_never() {
        let rung = |width, height| Rung { height, width, kbps: 800 };
        for (rung, exceeds) in [
            (rung(Some(854), Height::Pixels(480)), true),
            (rung(None, Height::Pixels(480)), true),
            (rung(Some(854), Height::Pixels(360)), true),
            (rung(Some(640), Height::Pixels(360)), false),
            (rung(None, Height::Fraction(1)), false),
        ] {
            assert_eq!(rung.exceeds((640, 360)), exceeds, "{rung:?}");
        }
    }
}
