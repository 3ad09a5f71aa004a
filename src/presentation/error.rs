//! Why a manifest cannot be used, the same for DASH and HLS.

use alloc::string::String;
use core::fmt;

/// Why a manifest cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// It is malformed.
    Syntax {
        /// Where, counted from 1.
        line: u32,
        /// Where, in bytes.
        offset: usize,
        /// The path of elements, or the tag.
        place: String,
        /// What was found there, and what was expected.
        problem: String,
    },
    /// It uses this feature, which the player does not support yet.
    NotYet(String),
    /// It has nothing that can be played, for this reason.
    NothingToPlay(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { line, offset, place, problem } => {
                write!(f, "line {line} (byte {offset}), {place}: {problem}")
            }
            Self::NotYet(what) => write!(f, "cannot be played yet: {what}"),
            Self::NothingToPlay(why) => write!(f, "nothing to play: {why}"),
        }
    }
}

impl core::error::Error for Error {}

impl Error {
    /// A syntax error at byte `offset` of `text`.
    pub(crate) fn at(text: &str, offset: usize, place: String, problem: String) -> Self {
        let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
        let lines = before.iter().filter(|&&byte| byte == b'\n').count();
        let line = u32::try_from(lines).unwrap_or(u32::MAX).saturating_add(1);
        Self::Syntax { line, offset, place, problem }
    }
}

/// A text from outside, shortened for a message.
pub(crate) fn excerpt(text: &str) -> &str {
    const LONGEST: usize = 40;
    text.char_indices().nth(LONGEST).map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}
