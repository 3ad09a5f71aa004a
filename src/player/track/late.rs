//! A track that appears in a transport stream after its tracks were settled: with some push encoders the
//! camera delivers later than the microphone, or the microphone later than the camera.

use super::Tracks;
use super::transport::{Late, Transport};
use crate::presentation::TrackKind;
use crate::presentation::reads::Hls;
use alloc::string::ToString;

impl Tracks {
    /// The track that has appeared and is not played yet, if there is one.
    pub(in crate::player) fn late_track(&self) -> Option<Late> {
        Hls::token().and_then(|_| self.late.clone())
    }

    /// Adds it to the tracks. They need a new MediaSource then.
    pub(in crate::player) fn admit(&mut self, late: Late) {
        self.late = None;
        let Some(leader) = self.list.iter_mut().find(|s| s.transport.is_some()) else { return };
        let sound = leader.transport.as_ref().and_then(Transport::sound);
        leader.transport = Some(Transport::new(late.reads, sound));
        let (place, at) = (leader.place, leader.cursor.position());
        let mime = if late.kind == TrackKind::Video {
            // The picture's track makes the requests, and the sound's becomes passive.
            let mime = leader.buffer.mime().to_string();
            leader.kind = TrackKind::Video;
            leader.buffer.is_to_be(late.mime);
            mime
        } else {
            late.mime
        };
        self.add(TrackKind::Audio, place, mime, at).passive = true;
    }

    /// Ignores tracks of this kind from now on.
    pub(in crate::player) fn leave_out(&mut self, kind: TrackKind) {
        self.left_out.push(kind);
        self.late = None;
    }
}
