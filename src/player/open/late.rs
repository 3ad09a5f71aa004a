//! What a running MediaSource cannot take is played by a new one, which nobody has to hear of: a track that
//! appears later (the browser is asked whether it can play it), and media of another type where a buffer
//! cannot change its own.

use super::choose::cannot_play;
use super::{Opening, Resume, without};
use crate::player::cx::Cx;
use crate::player::io::Output;
use crate::player::track::stream::Stream;
use alloc::vec;

impl Opening<'_> {
    /// Once the media is played that the present MediaSource can play, a new one takes what follows.
    pub(super) fn outgrow(&mut self, cx: &mut Cx<'_>) {
        if let Some(end) = self.tracks.spent(self.head.position(cx.now)) {
            self.rebuild(cx, |_| Resume::At(end));
        }
    }

    /// Plays a track that has appeared, as soon as the browser has said that it can play it.
    pub(super) fn admit(&mut self, cx: &mut Cx<'_>) {
        let Some(late) = self.tracks.late_track() else { return };
        match self.types.can_play(&late.mime) {
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
                if let Some(rest) = self.tracks.leading().map(Stream::kind) {
                    self.report_error(cx, without::as_left_out(late.kind, None, rest, error));
                }
            }
        }
    }
}
