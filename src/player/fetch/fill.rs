//! When a hole in the sound is filled with silence, and how far. [`crate::player::track::silence`] makes
//! the silence.

use super::{Fetch, Step};
use crate::buffer::gaps::Way;
use crate::player::cx::Cx;
use crate::player::io::{Reason, TrackId};
use crate::player::track::silence::LEAST;
use crate::presentation::TrackKind;
use crate::time::{Duration, Position, Span};

/// The longest piece of silence that is made at once.
const PIECE: Duration = Duration::from_secs(10);
/// The end of a segment and the end of its last frame differ by less than this.
const UNEVEN: Duration = Duration::from_millis(250);

impl Fetch<'_> {
    /// Fills the hole between what a track has and `to`, where its media goes on. `None`: there is
    /// none.
    pub(super) fn fill(&mut self, cx: &mut Cx<'_>, track: TrackId, to: Position) -> Option<Step> {
        let stream = self.tracks.get(track)?;
        if to.since(stream.asked_to()) < LEAST
            || stream.coming().is_some()
            || !self.falls_silent(stream)
        {
            return None;
        }
        if !stream.buffer().is_idle() || stream.buffer().is_full() {
            // Where its sound ends is not known yet.
            return Some(Step::Rest);
        }
        // Not for what lies before the position: the picture may never be fetched there.
        let position = self.rest.head.position_or_start(cx.now);
        let from = stream.held_to().max(position);
        let picture = self.tracks.of(TrackKind::Video)?;
        if picture.buffer().ranges().is_empty() {
            // Silence is for a picture to play beside; there is none yet.
            return (!picture.is_ended()).then_some(Step::Rest);
        }
        // Where the picture jumps over a hole, no silence is needed.
        let from = match self.rest.ways(self.tracks, self.types).way_of(&[picture], from) {
            Way::Here | Way::Wait | Way::Ask => from,
            Way::To(behind) if behind < to => behind,
            Way::To(_) | Way::Over => return None,
        };
        // Only as far as the picture has come: the manifest may promise media that does not exist.
        let seen = picture.buffer().ranges().end_from(from);
        if picture.is_ended() && seen <= from {
            return None;
        }
        let room = (position + self.goal).max(from);
        let until = to.min(from + PIECE).min(room).min(seen.max(from));
        // A remainder that is too short to fill would stay a hole.
        let until = if to.since(until) < LEAST { to } else { until };
        let stream = self.tracks.get_mut(track)?;
        if from >= to {
            // It was filled before.
            stream.filled_to(to);
            return None;
        }
        if until == to || until.since(from) >= LEAST {
            stream.silence(cx, Span { start: from, end: until });
            return Some(Step::Again);
        }
        cx.wake_at(cx.now + LEAST, Reason::BufferRoom);
        Some(Step::Rest)
    }

    /// The sound has no more media for now, but the picture may: makes silence up to where the picture has
    /// come. `None`: the sound is over.
    pub(super) fn fill_beside_picture(&mut self, cx: &mut Cx<'_>, track: TrackId) -> Option<Step> {
        let picture = self.tracks.of(TrackKind::Video).filter(|s| !s.is_ended())?;
        let stream = self.tracks.get(track).filter(|s| self.falls_silent(s))?;
        // Only as far as the picture has come: what is requested may not exist.
        let to = picture.buffer().ranges().end_from(stream.asked_to() - UNEVEN);
        if to.since(stream.asked_to()) < LEAST {
            return Some(Step::Rest);
        }
        let step = self.fill(cx, track, to);
        if let Some(stream) = self.tracks.get_mut(track) {
            stream.go_on_after_silence();
        }
        Some(step.unwrap_or(Step::Rest))
    }
}
