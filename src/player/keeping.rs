//! What is kept in the buffers: eviction, lack of room, the end of the stream.

use super::cx::Cx;
use super::error::{Code, Error, shown};
use super::io::Output;
use super::session::Session;
use crate::buffer::evict;
use crate::presentation::TrackKind;
use core::time::Duration;

impl Session {
    /// Eviction, room, the end of the stream.
    pub(super) fn advance_buffers(&mut self, cx: &mut Cx<'_>) {
        let position = self.playback.position(cx.now);
        let mut again = None;
        if self.playback.placed {
            for stream in &mut self.streams {
                if let Some(span) = evict::behind(&stream.ranges, position, cx.config.buffer_behind)
                    && stream.evicted_to.is_none_or(|to| span.end.since(to) >= evict::WORTH)
                {
                    stream.remove(cx, span);
                }
                if stream.full {
                    let ahead = Duration::from_secs(10);
                    let segment = stream.segment;
                    if let Some(span) = evict::pressed(&stream.ranges, position, ahead, segment) {
                        stream.full = false;
                        if span.start > position && stream.passive {
                            again = Some(span.start);
                        } else if span.start > position {
                            stream.give_back(cx, &mut self.requests, span.start);
                        }
                        stream.remove(cx, span);
                    }
                }
            }
        }
        if let Some(at) = again
            && let Some(feed) = self.streams.iter_mut().find(|s| s.transport.is_some())
        {
            // The muxed sound has no room: it comes again with the picture.
            feed.give_back(cx, &mut self.requests, at);
        }
        let over = !self.streams.is_empty()
            && self.streams.iter().all(|s| s.ended && s.downloads.is_empty() && s.appending == 0);
        if over && !self.is_live() && self.streams.iter().all(|s| s.ranges.is_empty()) {
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
        let Some(stream) = self.stream_mut(kind) else { return };
        stream.full = true;
        stream.squeezed = stream.squeezed.saturating_add(1);
        if stream.squeezed == 1 {
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
