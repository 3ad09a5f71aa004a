//! From the first manifest to a MediaSource with its buffers.

use super::{Opening, Resume};
use crate::player::cx::Cx;
use crate::player::io::Output;
use crate::presentation::{Kind, Presentation};

impl Opening<'_> {
    /// The first manifest came.
    pub(in crate::player) fn begin(&mut self, cx: &mut Cx<'_>, presentation: &Presentation) {
        let mimes = self.types.unasked(presentation);
        self.stage.open(None);
        cx.push(Output::Probe(mimes));
        cx.push(Output::OpenSource);
    }

    /// Adds the buffers when all is known, and sees to tracks that appear later. Answers where playing goes
    /// on, if that is to be fetched anew.
    pub(in crate::player) fn advance(&mut self, cx: &mut Cx<'_>) -> Option<Resume> {
        if self.stage.is_running() {
            self.admit(cx);
        }
        if !self.stage.is_open() || self.types.supported.is_none() {
            return None;
        }
        let p = self.manifest.presentation()?;
        if self.tracks.is_empty()
            && let Err(error) = self.choose(cx, p)
        {
            self.trouble(cx, error);
            return None;
        }
        if !self.stage.was_told() && !self.complete(cx, p) {
            return None;
        }
        for stream in self.tracks.iter_mut() {
            stream.renewed();
            stream.buffer.add(cx);
        }
        set_duration(cx, p);
        self.head.leave();
        self.stage.run()
    }
}

/// The MediaSource is told how long the presentation is.
pub(in crate::player) fn set_duration(cx: &mut Cx<'_>, presentation: &Presentation) {
    let duration = match &presentation.kind {
        Kind::Live(_) => None,
        Kind::OnDemand { duration: None } => return,
        Kind::OnDemand { duration: Some(d) } => Some(*d),
    };
    cx.push(Output::Duration(duration));
}
