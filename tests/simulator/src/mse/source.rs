//! What a page does with a MediaSource and its buffers (Media Source Extensions, sections 3 and 5).

use super::buffer::SourceBuffer;
use super::element::Element;
use crate::clock::Time;
use crate::payload::Payload;
use nearlive::player::{Span, TrackId};
use nearlive::presentation::TrackKind;
use nearlive::time::Duration;

impl Element {
    /// A source is attached and works.
    pub const fn alive(&self) -> bool {
        self.alive
    }

    /// `addSourceBuffer`; the error is the exception.
    pub fn add(&mut self, track: TrackId, mime: &str) -> Result<(), String> {
        if self.ready() > 0 {
            // Chromium: QuotaExceededError once the first initialization segments are known.
            return Err(format!("a buffer for {mime} after the metadata are known"));
        }
        let (video, audio) = (self.rules.video_quota, self.rules.audio_quota);
        let quota = |kind| if kind == TrackKind::Audio { audio } else { video };
        self.buffers.add(track, mime, quota)?;
        let drops = self.rules.drops_earlier_sound;
        if let Some(sound) =
            self.buffers.get_mut(track).filter(|b| drops && b.kind() == TrackKind::Audio)
        {
            sound.drop_earlier();
        }
        Ok(())
    }

    /// The first buffer of a kind.
    pub fn buffer(&self, kind: TrackKind) -> Option<&SourceBuffer> {
        self.buffers.of(kind)
    }

    /// The first buffer of a kind, to change; [`Self::settle`] has to follow.
    pub fn buffer_mut(&mut self, kind: TrackKind) -> Option<&mut SourceBuffer> {
        self.buffers.of_mut(kind)
    }

    /// The track of the first buffer of a kind.
    pub fn track(&self, kind: TrackKind) -> Option<TrackId> {
        self.buffers.track(kind)
    }

    /// What the buffer of a track holds.
    pub fn spans(&self, track: TrackId) -> Vec<Span> {
        self.buffers.get(track).map(SourceBuffer::spans).unwrap_or_default()
    }

    /// Makes room for this many bytes; false is a QuotaExceededError.
    pub fn make_room(&mut self, track: TrackId, bytes: u64, now: Time) -> bool {
        let at = self.position(now);
        self.buffers.get_mut(track).is_none_or(|b| b.make_room(bytes, at))
    }

    /// `appendBuffer`.
    pub fn append(
        &mut self,
        track: TrackId,
        data: Payload,
        label: u32,
        now: Time,
    ) -> Result<(), String> {
        self.reopen();
        let result = self.buffers.get_mut(track).map_or(Ok(()), |b| b.append(data, label));
        self.settle(now);
        result
    }

    /// An ended source is open again after an append, a removal, `changeType` and `timestampOffset`
    /// (MSE 3.1 and 3.2: "If the readyState attribute of the parent media source is in the \"ended\"
    /// state").
    const fn reopen(&mut self) {
        self.complete = false;
    }

    /// `endOfStream` was said, and the source has not been opened again since.
    pub const fn complete(&self) -> bool {
        self.complete
    }

    /// `remove`.
    pub fn remove(&mut self, track: TrackId, span: Span, now: Time) {
        self.reopen();
        if let Some(b) = self.buffers.get_mut(track) {
            b.remove(span);
        }
        self.settle(now);
    }

    /// `changeType`.
    pub fn change_type(&mut self, track: TrackId, mime: &str) {
        self.reopen();
        if let Some(b) = self.buffers.get_mut(track) {
            b.change_type(mime);
        }
    }

    /// `timestampOffset`; the error is the exception.
    pub fn set_offset(&mut self, track: TrackId, micros: i64) -> Result<(), String> {
        self.reopen();
        self.buffers.get_mut(track).map_or(Ok(()), |b| b.set_offset(micros))
    }

    /// `appendWindowStart` and `appendWindowEnd`, microseconds.
    pub fn set_window(&mut self, track: TrackId, start: i64, end: Option<i64>) {
        if let Some(b) = self.buffers.get_mut(track) {
            b.set_window(start, end);
        }
    }

    /// `abort()`: an exception, which is ignored, when the source has ended.
    pub fn abort(&mut self, track: TrackId) {
        if self.complete {
            return;
        }
        if let Some(b) = self.buffers.get_mut(track) {
            b.abort();
        }
    }

    /// `duration`, microseconds; `None` is infinite.
    pub fn set_duration(&mut self, duration: Option<Duration>) {
        self.duration = duration.map(|d| i64::try_from(d.as_micros()).unwrap_or(i64::MAX));
    }

    /// `endOfStream()`.
    pub fn end_of_stream(&mut self, now: Time) {
        self.complete = true;
        let end = |b: &SourceBuffer| b.ranges().last().map(|r| r.1);
        self.duration = self.buffers.all().filter_map(end).max().or(self.duration);
        self.settle(now);
    }
}
