//! The SourceBuffers of a MediaSource: any number, each with the name of its track.

use super::buffer::SourceBuffer;
use nearlive::player::TrackId;
use nearlive::presentation::TrackKind;

/// All buffers, in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffers(Vec<(TrackId, SourceBuffer)>);

impl Buffers {
    /// Adds one; a kind takes `quota` bytes. The error is the exception.
    pub(super) fn add(
        &mut self,
        track: TrackId,
        mime: &str,
        quota: impl Fn(TrackKind) -> u64,
    ) -> Result<(), String> {
        let kind = match mime.split('/').next() {
            Some("video") => TrackKind::Video,
            Some("audio") => TrackKind::Audio,
            _ => return Err(format!("a SourceBuffer for {mime}")),
        };
        if self.get(track).is_some() {
            return Err(format!("a second buffer for {track:?}"));
        }
        self.0.push((track, SourceBuffer::new(kind, mime, quota(kind))));
        Ok(())
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &SourceBuffer> {
        self.0.iter().map(|it| &it.1)
    }

    pub(super) fn get(&self, track: TrackId) -> Option<&SourceBuffer> {
        self.0.iter().find(|it| it.0 == track).map(|it| &it.1)
    }

    pub(super) fn get_mut(&mut self, track: TrackId) -> Option<&mut SourceBuffer> {
        self.0.iter_mut().find(|it| it.0 == track).map(|it| &mut it.1)
    }

    /// The first of a kind.
    pub(super) fn of(&self, kind: TrackKind) -> Option<&SourceBuffer> {
        self.all().find(|it| it.kind() == kind)
    }

    /// The track of the first of a kind.
    pub(super) fn track(&self, kind: TrackKind) -> Option<TrackId> {
        self.0.iter().find(|it| it.1.kind() == kind).map(|it| it.0)
    }

    /// The first of a kind, to change.
    pub(super) fn of_mut(&mut self, kind: TrackKind) -> Option<&mut SourceBuffer> {
        self.0.iter_mut().map(|it| &mut it.1).find(|it| it.kind() == kind)
    }
}
