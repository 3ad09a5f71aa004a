//! A track that appears in a transport stream after its tracks were settled: a push encoder's camera that
//! delivers later than its microphone, or the other way round.

use super::Tracks;
use super::transport::{Late, Transport};
use crate::presentation::TrackKind;
use alloc::string::ToString;

impl Tracks {
    /// A track that has appeared, and is not played yet.
    pub(in crate::player) fn late_track(&self) -> Option<Late> {
        self.late.clone()
    }

    /// It is played from now on; a new MediaSource has to be made for it.
    pub(in crate::player) fn admit(&mut self, late: Late) {
        self.late = None;
        let Some(leader) = self.list.iter_mut().find(|s| s.transport.is_some()) else { return };
        let sound = leader.transport.as_ref().and_then(Transport::sound);
        leader.transport = Some(Transport::new(sound));
        let (place, at) = (leader.place, leader.cursor.position());
        let mime = if late.kind == TrackKind::Video {
            // The picture leads, the sound comes with it.
            let mime = leader.buffer.mime().to_string();
            leader.kind = TrackKind::Video;
            leader.buffer.is_to_be(late.mime);
            mime
        } else {
            late.mime
        };
        self.add(TrackKind::Audio, place, mime, at).passive = true;
    }

    /// Nothing of this kind is played, whatever appears.
    pub(in crate::player) fn leave_out(&mut self, kind: TrackKind) {
        self.left_out.push(kind);
        self.late = None;
    }
}
