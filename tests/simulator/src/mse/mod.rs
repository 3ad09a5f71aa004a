//! A model of MediaSource, its SourceBuffers and the media element, after W3C Media Source
//! Extensions and what Chromium was measured to do where the standard leaves it open.

mod buffer;
mod buffers;
mod element;
mod frame;
mod parser;
mod rules;
mod source;
mod webm;

pub use buffer::{Shown, SourceBuffer};
pub use element::Element;
pub use frame::{Frame, Init, Parsed};
pub use parser::Parser;
pub use rules::{ChangeType, Rules};
