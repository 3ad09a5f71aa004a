//! From the first manifest to a MediaSource with its buffers, and to the end of the stream.

use super::choose::nothing_came;
use super::{Opening, Resume};
use crate::player::cx::Cx;
use crate::player::io::Output;
use crate::presentation::{Kind, Presentation};

impl Opening<'_> {
    /// The first manifest has arrived: asks for types and opens the MediaSource.
    pub(in crate::player) fn begin(&mut self, cx: &mut Cx<'_>, presentation: &Presentation) {
        let mimes = self.types.unasked(presentation);
        self.stage.open(None);
        cx.push(Output::Probe(mimes));
        cx.push(Output::OpenSource);
    }

    /// Adds the buffers once all is known, and admits tracks that appear later. Answers where
    /// playing goes on after a rebuild.
    pub(in crate::player) fn advance(&mut self, cx: &mut Cx<'_>) -> Option<Resume> {
        if self.stage.is_running() {
            self.admit(cx);
            self.outgrow(cx);
        }
        if !self.stage.is_open() || self.types.supported.is_none() {
            return None;
        }
        let p = self.manifest.presentation()?;
        if self.tracks.is_empty()
            && let Err(error) = self.choose(cx, p)
        {
            self.report_error(cx, error);
            return None;
        }
        if !self.stage.was_announced() && !self.complete(cx, p) {
            return None;
        }
        self.tracks.add_buffers(cx);
        set_duration(cx, p);
        self.head.leave();
        self.stage.run()
    }

    /// Evicts media, makes room, and says the end of the stream.
    pub(in crate::player) fn advance_buffers(&mut self, cx: &mut Cx<'_>) {
        if self.head.is_placed() {
            self.tracks.keep(cx, self.requests, self.head.position(cx.now));
        }
        if !self.tracks.all_over() {
            return;
        }
        if !self.head.is_live() && self.tracks.hold_nothing() {
            self.report_error(cx, nothing_came(self.url));
        } else if !cx.end_said() {
            cx.push(Output::EndOfStream);
        }
    }
}

/// Sets the MediaSource's duration.
pub(in crate::player) fn set_duration(cx: &mut Cx<'_>, presentation: &Presentation) {
    let duration = match &presentation.kind {
        Kind::Live(_) => None,
        Kind::OnDemand { duration: None } => return,
        Kind::OnDemand { duration: Some(d) } => Some(*d),
    };
    cx.push(Output::Duration(duration));
}
