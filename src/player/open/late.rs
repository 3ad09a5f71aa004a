//! A track that appears after the others were settled is played too: the browser is asked whether it can,
//! and gets a new MediaSource, for it takes no more buffers once it has begun.

use super::choose::cannot_play;
use super::{Opening, Resume, without};
use crate::player::cx::Cx;
use crate::player::io::Output;
use alloc::vec;

impl Opening<'_> {
    /// Plays a track that has appeared, as soon as it is known that the browser can.
    pub(super) fn admit(&mut self, cx: &mut Cx<'_>) {
        let Some(late) = self.tracks.late_track() else { return };
        match self.types.found(&late.mime) {
            None => {
                let ask = self.types.unasked_of(vec![late.mime]);
                if !ask.is_empty() {
                    cx.push(Output::Probe(ask));
                }
            }
            Some(true) => {
                self.tracks.admit(late);
                self.rebuild(cx, Resume::At);
            }
            Some(false) => {
                self.tracks.leave_out(late.kind);
                let error = cannot_play(self.url, late.mime);
                if let Some(rest) = self.tracks.leading().map(|s| s.kind) {
                    self.trouble(cx, without::told(late.kind, None, rest, error));
                }
            }
        }
    }
}
