//! What a new MediaSource, and a track that is given up, mean for the tracks.

use super::Tracks;
use super::stream::Stream;
use crate::player::cx::Cx;
use crate::player::io::TrackId;
use crate::player::place::rep_of;
use crate::player::requests::Requests;
use crate::presentation::Presentation;
use crate::time::Position;

impl Tracks {
    /// Every track gets a buffer in the MediaSource, which has just opened.
    pub(in crate::player) fn add_buffers(&mut self, cx: &mut Cx<'_>) {
        for stream in &mut self.list {
            stream.renewed();
            stream.buffer.add(cx);
        }
    }

    /// A new MediaSource is opened: all is fetched again from `at` on.
    pub(in crate::player) fn rebuild(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        p: Option<&Presentation>,
        at: Position,
    ) {
        for stream in &mut self.list {
            stream.retarget(cx, requests, at);
            stream.renewed();
            // The rung may have been changed, and a buffer is added with the type of its track.
            if stream.transport.is_none()
                && !stream.passive
                && let Some(rep) = p.and_then(|p| rep_of(p, stream.place))
                && let Some(mime) = rep.mime(stream.kind)
            {
                stream.buffer.is_to_be(mime);
            }
        }
    }

    /// Drops what is on its way; each track goes on where it is.
    pub(in crate::player) fn start_over(&mut self, cx: &mut Cx<'_>, requests: &mut Requests) {
        for stream in &mut self.list {
            stream.retarget(cx, requests, stream.fetching_at());
        }
    }

    /// A track is given up, with all that is on its way; its kind is not played from now on. `heir`: this
    /// one, which its requests have fed, takes over the requests from `at` on. Answers false if there is no
    /// such track.
    pub(in crate::player) fn remove(
        &mut self,
        cx: &mut Cx<'_>,
        requests: &mut Requests,
        track: TrackId,
        heir: Option<TrackId>,
        at: Position,
    ) -> bool {
        let Some(i) = self.list.iter().position(|s| s.id == track) else { return false };
        let mut lost = self.list.remove(i);
        self.left_out.push(lost.kind);
        lost.retarget(cx, requests, at);
        if let Some((id, _)) = lost.fetching.take() {
            requests.cancel(cx, id);
        }
        if let Some(heir) = heir.and_then(|heir| self.get_mut(heir)) {
            heir.passive = false;
            heir.transport = lost.transport.take();
            heir.cursor = lost.cursor;
        }
        lost.stop(cx);
        true
    }
}

impl Stream {
    /// A new MediaSource comes: nothing is in its buffers.
    fn renewed(&mut self) {
        self.buffer.renew();
        self.ended = false;
        self.reached = None;
        if let Some(transport) = &self.transport {
            self.transport = Some(transport.renewed());
        }
    }
}
