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

/// Half and a quarter of the camera's height: with the copied top rung, three steps of about 4 : 1.
pub const DEFAULT_LADDER: [Rung; 2] = [
    Rung { height: Height::Fraction(2), width: None, kbps: 800 },
    Rung { height: Height::Fraction(4), width: None, kbps: 250 },
];

/// One rung as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// Lines, 16 to 8640, or a part of the camera's as `"1/2"`.
    height: Height,
    /// With lines: columns, 16 to 15360.
    width: Option<Spanned<i64>>,
    /// Kilobits a second, 16 to 100000.
    kbps: Spanned<i64>,
}

impl Step {
    fn resolve(self) -> Result<Rung, Misfit> {
        if let (Some(width), Height::Fraction(_)) = (&self.width, self.height) {
            let e = "`width` goes with a height in lines, not with a part";
            return Err((width.span().start, e.into()));
        }
        let width = self.width.map(|w| within_at("width", &w, 16..=15_360)).transpose()?;
        let kbps = within_at("kbps", &self.kbps, 16..=100_000)?;
        Ok(Rung { height: self.height, width, kbps })
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
