//! What a segment needs around it in its buffer.

use crate::buffer::clip::Window;
use crate::media::scan::InitTrack;
use crate::presentation::{Representation, Resource, TrackKind};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

/// An initialization segment.
#[derive(Debug, Default)]
pub(in crate::player) struct InitData {
    pub(in crate::player) bytes: Vec<u8>,
    pub(in crate::player) tracks: Vec<InitTrack>,
    /// The browser has to present its media later by this, microseconds: an edit list was taken out.
    pub(in crate::player) shift_us: i64,
}

/// What a segment needs around it in the buffer.
#[derive(Clone, Debug)]
pub(in crate::player) struct Wrapping {
    /// Names the initialization segment; `None`: the media carries its own.
    pub(super) init: Option<Resource>,
    pub(super) data: Rc<InitData>,
    pub(super) mime: String,
    /// Added to the media's own times, microseconds; `None`: to be learnt from its first fragment.
    pub(super) offset_us: Option<i64>,
    /// What of it is kept.
    pub(super) window: Window,
}

impl Wrapping {
    /// The tracks that the initialization segment names.
    pub(in crate::player) fn tracks(&self) -> &[InitTrack] {
        &self.data.tracks
    }
}

/// The type of what a representation holds: as the manifest says, else as its initialization segment
/// does.
pub(in crate::player) fn mime_of(
    rep: &Representation,
    kind: TrackKind,
    data: &InitData,
) -> Option<String> {
    let mime = rep.mime(kind)?;
    if !rep.codecs.is_empty() || data.tracks.is_empty() {
        return Some(mime);
    }
    let codecs: Vec<&str> = data.tracks.iter().map(|t| t.codec.as_str()).collect();
    Some(format!("{mime}; codecs=\"{}\"", codecs.join(",")))
}
