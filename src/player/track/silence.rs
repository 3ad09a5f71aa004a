//! Silence where the sound has a hole and the picture has none.
//!
//! A MediaSource plays only where all its buffers have media, so without it a lost segment of sound,
//! sound that begins later or ends earlier than the picture, or a Period without sound would stop the
//! picture. The buffer accepts our AAC between other sound of any codec.

use super::buffer::Buffer;
use super::wrapping::{InitData, Wrapping};
use crate::buffer::clip::Window;
use crate::media::es::aac::{self, AacConfig};
use crate::media::isobmff::write::{self, Chunk, Sample, SampleEntry};
use crate::player::cx::Cx;
use crate::presentation::Resource;
use crate::time::{Duration, Position, Span, Timescale};
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;

/// What the browser has to be able to play for it.
pub(in crate::player) const MIME: &str = "audio/mp4; codecs=\"mp4a.40.2\"";
/// A shorter hole is not worth it: it is skipped.
pub(in crate::player) const LEAST: Duration = Duration::from_millis(300);

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

/// `buffer` gets silence over `span`.
pub(super) fn put(buffer: &mut Buffer, cx: &mut Cx<'_>, span: Span) {
    let wrapping = Wrapping {
        // No address is empty, so this names nothing else.
        init: Some(Resource::at("")),
        data: Rc::new(InitData { bytes: write::init_segment(&TRACK), ..InitData::default() }),
        mime: MIME.into(),
        offset_us: Some(0),
        window: Window::default(),
    };
    buffer.prepare(cx, &wrapping);
    buffer.put(cx, fragment(span));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::scan::{Fact, Scanner};

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
