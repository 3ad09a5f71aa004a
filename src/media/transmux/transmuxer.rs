//! Tells what belongs to which track, and where segments end.

use super::output::Output;
use super::picture::Video;
use super::sound::Audio;
use crate::media::es::aac::AacConfig;
use crate::media::ts::{Demuxer, Event, StreamKind, Unwrap};
use alloc::vec::Vec;

/// The first time stamp is unwrapped to the value nearest to this. It is far enough from zero that
/// no time is negative, which `tfdt` could not hold.
const ORIGIN: Unwrap = Unwrap::near(1 << 33);

/// Transmuxes the segments of one playlist.
#[derive(Debug)]
pub struct Transmuxer {
    demuxer: Demuxer,
    /// Kept for its allocation.
    events: Vec<Event>,
    video: Video,
    audio: Audio,
}

impl Default for Transmuxer {
    fn default() -> Self {
        Self::with_clock(ORIGIN)
    }
}

impl Transmuxer {
    /// A transmuxer that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A transmuxer that unwraps its time stamps near those of another (its
    /// [`clock`](Self::clock)): for playlists whose renditions share a timeline.
    pub fn with_clock(clock: Unwrap) -> Self {
        Self {
            demuxer: Demuxer::with_clock(clock),
            events: Vec::new(),
            video: Video::default(),
            audio: Audio::default(),
        }
    }

    /// The state of unwrapping time stamps.
    pub const fn clock(&self) -> Unwrap {
        self.demuxer.clock()
    }

    /// The segments should have sound of this configuration; silence fills in where it is missing.
    pub fn expect_sound(&mut self, config: AacConfig) {
        self.audio.expected = Some(config);
    }

    /// The configuration of the newest sound, or what it should be.
    pub fn sound(&self) -> Option<&AacConfig> {
        let audio = &self.audio;
        audio.config.as_ref().map(|(config, _)| config).or(audio.expected.as_ref())
    }

    /// Takes the next bytes of a segment.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Output>) {
        let mut events = core::mem::take(&mut self.events);
        self.demuxer.push(bytes, &mut events);
        self.handle(&mut events, out);
        self.events = events;
        self.video.emit(false, out);
        self.audio.emit(out);
    }

    /// The segment has ended: emits all that is held. The next bytes are those of the segment after
    /// it, unless [`seek`](Self::seek) or [`discontinuity`](Self::discontinuity) comes first.
    pub fn end_segment(&mut self, out: &mut Vec<Output>) {
        let mut events = core::mem::take(&mut self.events);
        self.demuxer.flush(&mut events);
        self.handle(&mut events, out);
        self.events = events;
        self.video.emit(true, out);
        if let Some(to) = self.video.run {
            self.audio.stand_in(to, false, out);
        }
        self.audio.emit(out);
    }

    /// The next bytes are another part of the same timeline. Discards what is held.
    pub fn seek(&mut self) {
        self.restart(self.demuxer.clock());
    }

    /// The next bytes have a clock of their own (EXT-X-DISCONTINUITY). Discards what is held.
    pub fn discontinuity(&mut self) {
        self.restart(ORIGIN);
    }

    /// Sound begins with an initialization segment again, for WebKitGTK: it drops what lies before the first that came.
    fn restart(&mut self, clock: Unwrap) {
        if let Some((config, _)) = self.audio.config.take() {
            self.audio.expected = Some(config);
        }
        self.demuxer = Demuxer::with_clock(clock);
        self.video.restart();
        self.audio.restart();
    }

    fn handle(&mut self, events: &mut Vec<Event>, out: &mut Vec<Output>) {
        for event in events.drain(..) {
            match event {
                Event::Unit(unit) if unit.kind == StreamKind::H264 => self.video.unit(&unit, out),
                Event::Unit(unit) if unit.kind == StreamKind::Aac => {
                    self.audio.unit(unit, self.video.run, out);
                }
                Event::Stream {
                    kind: StreamKind::H264 | StreamKind::Aac | StreamKind::Id3,
                    ..
                }
                | Event::Unit(_) => {}
                Event::Stream { kind, .. } => out.push(Output::Unsupported { kind }),
                // Decoders hide a missing picture better than a missing second: go on.
                Event::Lost { .. } => self.audio.drop_cut_off(),
            }
        }
    }
}
