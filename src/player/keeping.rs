//! What is kept in the buffers: eviction, lack of room, the end of the stream.

use super::cx::Cx;
use super::error::{Code, Error, shown};
use super::io::Output;
use super::session::Session;
use crate::presentation::TrackKind;

impl Session {
    /// Eviction, room, the end of the stream.
    pub(super) fn advance_buffers(&mut self, cx: &mut Cx<'_>) {
        let position = self.playback.position(cx.now);
        if self.playback.placed {
            self.streams.keep(cx, &mut self.requests, position);
        }
        let over = self.streams.all_over();
        if over && !self.is_live() && self.streams.hold_nothing() {
            let message = "None of the film's media is there; check the address, and what the \
                           encoder wrote.";
            return self.trouble(
                cx,
                Error {
                    code: Code::NothingToPlay,
                    fatal: true,
                    message: message.into(),
                    url: Some(shown(&self.url)),
                    detail: alloc::string::String::new(),
                },
            );
        }
        if over && !cx.end_said() {
            cx.push(Output::EndOfStream);
        }
    }

    /// The browser has no room for what was to be appended.
    pub(super) fn on_full(&mut self, cx: &mut Cx<'_>, kind: TrackKind) {
        let Some(stream) = self.streams.of_mut(kind) else { return };
        if stream.buffer.has_no_room() {
            let error = Error {
                code: Code::Quota,
                fatal: false,
                message: "The browser has no room for more media; less is kept from now on.".into(),
                url: None,
                detail: alloc::format!("{kind:?}"),
            };
            self.trouble(cx, error);
        }
    }
}
