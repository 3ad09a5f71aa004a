//! Names a representation of a presentation by indices, and finds the corresponding one after the
//! manifest was refreshed or in another Period.

use super::event::Quality;
use super::select::{self, Types};
use crate::presentation::{Presentation, Representation, Track, TrackKind};
use crate::time::Position;
use alloc::vec::Vec;

/// A representation of a presentation, by indices: of its Period, of its track in that, of itself
/// in the track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) period: usize,
    pub(super) track: usize,
    pub(super) rep: usize,
}

/// The representation at `place`.
pub(super) fn rep_of(p: &Presentation, place: Place) -> Option<&Representation> {
    track_of(p, place)?.representations.get(place.rep)
}

/// The track at `place`.
pub(super) fn track_of(p: &Presentation, place: Place) -> Option<&Track> {
    p.periods.get(place.period)?.tracks.get(place.track)
}

/// `place` of the old manifest, in the new one; `at` is how far fetching has got.
pub(super) fn moved_place(
    old: &Presentation,
    new: &Presentation,
    types: &Types,
    place: Place,
    kind: TrackKind,
    at: Position,
) -> Option<Place> {
    let old_period = old.periods.get(place.period)?;
    let by_id = new.periods.iter().position(|p| p.id == old_period.id);
    // The Period has left the window: take the one that `at` lies in now.
    let by_time = || new.periods.iter().rposition(|p| p.start <= at);
    let period = by_id.or_else(by_time).unwrap_or(0);
    place_in(new, types, period, kind, track_of(old, place)?, rep_of(old, place)?)
}

/// The representation in Period `period` that is most similar to one of another Period.
pub(super) fn place_in(
    p: &Presentation,
    types: &Types,
    period: usize,
    kind: TrackKind,
    track: &Track,
    rep: &Representation,
) -> Option<Place> {
    let in_period = p.periods.get(period)?;
    let t = select::track(in_period, kind, types, Some(track))?;
    let new_track = in_period.tracks.get(t)?;
    let rep = select::most_similar(new_track, &types.playable(new_track), rep)?;
    Some(Place { period, track: t, rep })
}

/// The qualities that the viewer can choose from in the track of `place`, best first.
pub(super) fn qualities(p: &Presentation, types: &Types, place: Place) -> Vec<Quality> {
    let Some(track) = track_of(p, place) else { return Vec::new() };
    let playable = types.playable(track).into_iter().rev();
    playable.filter_map(|i| track.representations.get(i)).map(select::quality).collect()
}
