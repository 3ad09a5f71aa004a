//! A model of MediaSource, its SourceBuffers and the media element, after W3C Media Source
//! Extensions and what Chromium was measured to do where the standard leaves it open.

mod buffer;
mod element;
mod parser;

pub use buffer::{Shown, SourceBuffer};
pub use element::{Element, Rules};
pub use parser::{Frame, Init, Parsed, Parser};
