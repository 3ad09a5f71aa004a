//! What the browser tells of the buffers: what they hold, and what they do not take.

use super::Tracks;
use crate::player::cx::Cx;
use crate::player::error::{Code, Error};
use crate::player::io::TrackId;
use crate::player::requests::Requests;
use crate::time::{Duration, Position, Span};
use alloc::format;
use alloc::vec::Vec;

/// When a browser takes less away at the end of what it holds, a border has moved.
const TAKEN: Duration = Duration::from_millis(100);

impl Tracks {
    /// The browser has finished an append or a removal, and holds this now.
    pub(in crate::player) fn updated(&mut self, track: TrackId, ranges: Vec<Span>) {
        if let Some(stream) = self.get_mut(track) {
            stream.buffer.updated(ranges);
        }
    }

    /// The browser holds this now, by its own will: what it took away ahead of the element at `position` is fetched
    /// again.
    pub(in crate::player) fn changed(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        track: TrackId,
        ranges: Vec<Span>,
        position: Position,
    ) {
        // An append or a removal of the player's own is told like this as well, before it is finished.
        let Some(stream) = self.get_mut(track).filter(|s| s.buffer.is_idle()) else { return };
        let before = stream.buffer.ranges().end_from(position);
        stream.buffer.changed(ranges);
        let end = stream.buffer.ranges().end_from(position);
        let feeds = stream.passive;
        if before.since(end) > TAKEN {
            for stream in &mut self.list {
                if stream.id == track || feeds && !stream.passive {
                    stream.retarget(cx, requests, end);
                }
            }
        }
    }

    /// The browser has no room for what was to be appended; answers what is to be said of it.
    pub(in crate::player) fn full(&mut self, track: TrackId) -> Option<Error> {
        let stream = self.get_mut(track)?;
        let kind = stream.kind;
        stream.buffer.has_no_room().then(|| Error {
            code: Code::Quota,
            fatal: false,
            message: "The browser has no room for more media; less is kept from now on.".into(),
            url: None,
            detail: format!("{kind:?}"),
        })
    }

    /// What follows in this track's buffer needs a new MediaSource.
    pub(in crate::player) fn outgrown(&mut self, track: TrackId) {
        if let Some(stream) = self.get_mut(track) {
            stream.buffer.outgrow();
        }
    }

    /// Where playback goes on with a new MediaSource, if it has come so far in this one.
    pub(in crate::player) fn spent(&self, at: Position) -> Option<Position> {
        self.list.iter().find_map(|s| s.buffer.spent(at))
    }
}
