//! Silence where the sound has a hole and the picture has none.
//!
//! A MediaSource plays only where all its buffers have media, so without it a lost segment of sound,
//! sound that begins later or ends earlier than the picture, or a Period without sound would take the
//! picture with it. The buffer takes AAC of ours in between, whatever the sound is else.

use super::cx::Cx;
use super::download::{InitData, Wrapping};
use super::fetching::Step;
use super::io::{Append, Output, Reason};
use super::session::Session;
use super::stream::Stream;
use crate::buffer::clip::Window;
use crate::buffer::gaps::Way;
use crate::buffer::plan::Cursor;
use crate::media::es::aac::{self, AacConfig};
use crate::media::isobmff::write::{self, Chunk, Sample, SampleEntry};
use crate::presentation::{Resource, TrackKind};
use crate::time::{Position, Span, Timescale};
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

/// What the browser has to be able to play for it.
pub(super) const MIME: &str = "audio/mp4; codecs=\"mp4a.40.2\"";
/// A shorter hole is not worth it: it is skipped.
pub(super) const LEAST: Duration = Duration::from_millis(300);
/// So much of it is made at once, at most.
const PIECE: Duration = Duration::from_secs(10);
/// The end of a segment and the end of its frames differ by less.
const UNEVEN: Duration = Duration::from_millis(250);

const TRACK: write::Track = write::Track {
    id: 1,
    timescale: Timescale::AUDIO_48K,
    entry: SampleEntry::Aac(AacConfig { object_type: 2, sample_rate: 48_000, channels: 2 }),
};

/// A fragment of silence that covers `span`.
fn fragment(span: Span) -> Vec<u8> {
    let ticks = |at: Position| TRACK.timescale.from_micros(at.as_micros().max(0)).unsigned_abs();
    let (start, end) = (ticks(span.start), ticks(span.end));
    let silent = aac::silent_frame(2);
    let frame = Sample {
        data: &silent,
        duration: aac::SAMPLES_PER_FRAME,
        composition_offset: 0,
        sync: true,
    };
    let count = end.saturating_sub(start).div_ceil(u64::from(aac::SAMPLES_PER_FRAME));
    let samples = vec![frame; usize::try_from(count).unwrap_or(0)];
    let chunk = Chunk {
        track: TRACK.id,
        sequence: 0,
        decode_time: start,
        samples: &samples,
        producer: None,
    };
    let mut bytes = Vec::new();
    write::chunk(&chunk, &mut bytes);
    bytes
}

impl Stream {
    fn silence(&mut self, cx: &mut Cx<'_>, span: Span) {
        let wrapping = Wrapping {
            // No address is empty, so this names nothing else.
            init: Some(Resource { url: String::new(), range: None }),
            data: Rc::new(InitData { bytes: write::init_segment(&TRACK), tracks: Vec::new() }),
            mime: MIME.into(),
            offset_us: Some(0),
            window: Window::default(),
        };
        self.prepare(cx, &wrapping);
        self.appending = self.appending.saturating_add(1);
        let data = Append::Bytes(fragment(span));
        cx.push(Output::Append { buffer: self.kind, data });
        self.run.end = span.end;
    }
}

impl Session {
    /// Where nothing comes for this stream, there is silence. Not at the edge of what is read while it
    /// grows: to wait there for where the sound and the picture end costs more delay than the hole.
    pub(super) fn falls_silent(&self, stream: &Stream) -> bool {
        let at_edge = self.live.as_ref().is_some_and(|l| l.growing && l.following);
        !at_edge
            && stream.kind == TrackKind::Audio
            && !stream.passive
            && stream.transport.is_none()
            && self.stream(TrackKind::Video).is_some()
            && self.types.found(MIME) == Some(true)
    }

    /// Sound has a hole at `at` inside a segment that came: it ended before the manifest says, which
    /// was not known when the next one was asked for.
    pub(super) fn missed_silence(&self, at: Position) -> bool {
        let missed = |s: &Stream| !s.ranges.holds(at) && s.appending == 0 && s.settled().end > at;
        self.streams.iter().any(|s| self.falls_silent(s) && missed(s))
    }

    /// Fills the hole between what stream `i` has and `to`, where its media goes on. `None`: there is
    /// none.
    pub(super) fn fill(&mut self, cx: &mut Cx<'_>, i: usize, to: Position) -> Option<Step> {
        let stream = self.streams.get(i)?;
        if to.since(stream.run.end) < LEAST
            || !stream.downloads.is_empty()
            || !self.falls_silent(stream)
        {
            return None;
        }
        if stream.appending > 0 || stream.full {
            // Where its sound ends is not known yet.
            return Some(Step::Rest);
        }
        let before = stream.ranges.spans().iter().rfind(|s| s.start < stream.run.end);
        let from = before.map_or(stream.run.start, |s| s.end.max(stream.run.start));
        let picture = self.stream(TrackKind::Video)?;
        if picture.ranges.is_empty() {
            // Without a picture there is nothing to be silent beside.
            return (!picture.ended).then_some(Step::Rest);
        }
        // What the picture jumps over needs no silence.
        let from = match self.way_of(&[picture], from) {
            Way::Here | Way::Wait | Way::Ask => from,
            Way::To(behind) if behind < to => behind,
            Way::To(_) | Way::Over => return None,
        };
        // No farther than the picture has come: what the manifest promises may not be there.
        let seen = picture.ranges.end_from(from);
        if picture.ended && seen <= from {
            return None;
        }
        let position = match self.start_at {
            Some(at) if !self.playback.placed => at,
            _ => self.playback.position(cx.now),
        };
        let room = (position + self.goal).max(from);
        let until = to.min(from + PIECE).min(room).min(seen.max(from));
        // A rest that is too small would stay.
        let until = if to.since(until) < LEAST { to } else { until };
        let stream = self.streams.get_mut(i)?;
        if from >= to {
            // It was filled before.
            stream.run.end = to;
            return None;
        }
        if until == to || until.since(from) >= LEAST {
            stream.silence(cx, Span { start: from, end: until });
            return Some(Step::Again);
        }
        cx.wake_at(cx.now + LEAST, Reason::BufferRoom);
        Some(Step::Rest)
    }

    /// The sound has no more for now, and the picture may: it is silent as far as that goes. `None`:
    /// the sound is over.
    pub(super) fn fill_beside_picture(&mut self, cx: &mut Cx<'_>, i: usize) -> Option<Step> {
        let picture = self.stream(TrackKind::Video).filter(|s| !s.ended)?;
        let stream = self.streams.get(i).filter(|s| self.falls_silent(s))?;
        // No farther than it has come: what was asked for may not be there.
        let to = picture.ranges.end_from(stream.run.end - UNEVEN);
        if to.since(stream.run.end) < LEAST {
            return Some(Step::Rest);
        }
        let step = self.fill(cx, i, to);
        if let Some(stream) = self.streams.get_mut(i) {
            stream.cursor = Cursor::At(stream.run.end.max(stream.cursor.position()));
        }
        Some(step.unwrap_or(Step::Rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::isobmff::scan::{Fact, Scanner};

    #[test]
    fn silence_covers_a_span_anywhere_on_the_timeline() {
        // Unix time: tens of digits of ticks.
        for start in [0, 4_000, 1_700_000_000_123] {
            let at = Position::from_millis;
            let span = Span { start: at(start), end: at(start + 4_000) };
            let mut facts = Vec::new();
            let mut scanner = Scanner::new(&[]);
            scanner.feed(&write::init_segment(&TRACK), &mut facts);
            scanner.feed(&fragment(span), &mut facts);
            let found = facts.iter().find_map(|fact| match fact {
                Fact::Fragment(f) => Some((f.start.as_micros(), f.duration)),
                _ => None,
            });
            let (from, lasts) = found.expect("a fragment");
            assert!((from - span.start.as_micros()).abs() < 25, "{from}");
            let more = lasts.saturating_sub(Duration::from_secs(4));
            assert!(
                more < Duration::from_millis(22) && lasts >= Duration::from_secs(4),
                "{lasts:?}"
            );
        }
    }
}
