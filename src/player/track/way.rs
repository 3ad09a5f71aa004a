//! Where playback can continue: from what the tracks hold, what their lists name, and where no media will
//! ever come. [`crate::buffer::gaps`] decides; this file gathers its inputs.

use super::Tracks;
use super::silence::{LEAST, MIME};
use super::stream::Stream;
use crate::buffer::gaps::{self, Listed, Track, Way};
use crate::player::manifest::Manifest;
use crate::player::place::{place_in, rep_of, track_of};
use crate::player::select::Types;
use crate::presentation::{Mapping, Presentation, Segment, SegmentList, TrackKind};
use crate::time::{Duration, Position, Span};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// A seek behind the end goes to this long before the end.
const LAST_LOOK: Duration = Duration::from_millis(300);
/// Of held media this much is the very end: one track may be a little longer than the other.
const AT_THE_END: Duration = Duration::from_millis(100);
/// At most this many marked gaps in a row (EXT-X-GAP) are skipped.
const MOST_GAPS: u32 = 512;

/// What the ways are found by.
#[derive(Clone, Copy, Debug)]
pub(in crate::player) struct Ways<'a> {
    pub(in crate::player) tracks: &'a Tracks,
    pub(in crate::player) manifest: &'a Manifest,
    pub(in crate::player) types: &'a Types,
    /// More may be listed later.
    pub(in crate::player) live: bool,
    /// It is played at the edge of what is read while it grows.
    pub(in crate::player) at_edge: bool,
}

impl<'a> Ways<'a> {
    pub(in crate::player) const fn new(
        tracks: &'a Tracks,
        manifest: &'a Manifest,
        types: &'a Types,
        live: bool,
        at_edge: bool,
    ) -> Self {
        Self { tracks, manifest, types, live, at_edge }
    }

    /// Where to go on from `at`.
    pub(in crate::player) fn way(&self, at: Position) -> Way {
        let asked: Vec<&Stream> = self.tracks.iter().filter(|s| !over(s, at)).collect();
        self.way_of(&asked, at)
    }

    /// Where to go on from `at` as far as these tracks go.
    pub(in crate::player) fn way_of(&self, asked: &[&Stream], at: Position) -> Way {
        let Some(p) = self.manifest.presentation() else { return Way::Wait };
        let shorts: Vec<Option<Span>> =
            asked.iter().map(|s| self.short_end(p, self.leader(s))).collect();
        let lists: Vec<Box<dyn Fn(Position) -> Listed + '_>> = asked
            .iter()
            .zip(&shorts)
            .map(|(s, short)| {
                let leader = self.leader(s);
                Box::new(move |at| match short {
                    Some(short) if (short.start..short.end).contains(&at) => Listed::Unknown,
                    _ => self.listed(p, leader, at),
                }) as Box<dyn Fn(Position) -> Listed>
            })
            .collect();
        let tracks: Vec<Track<'_>> = asked
            .iter()
            .zip(&shorts)
            .zip(&lists)
            .map(|((s, short), listed)| Track {
                held: s.buffer.ranges(),
                settled: self.settled(s, *short),
                listed,
                filled: self.falls_silent(s).then_some(LEAST),
            })
            .collect();
        gaps::way(&tracks, at)
    }

    /// The track whose requests bring the media of this one.
    fn leader<'s>(&'s self, stream: &'s Stream) -> &'s Stream {
        let leads = || self.tracks.feeds().find(|s| s.transport.is_some());
        if stream.passive { leads().unwrap_or(stream) } else { stream }
    }

    /// Where the next segment may begin earlier than it is listed.
    fn short_end(&self, p: &Presentation, stream: &Stream) -> Option<Span> {
        let rep = rep_of(p, stream.place).filter(|rep| rep.mapping == Mapping::Learn)?;
        let period = p.periods.get(stream.place.period)?;
        let short = stream.short_end()?;
        let more = self.live || self.manifest.list(rep).last()?.end > short.end;
        (more && period.end.is_none_or(|end| short.end < end)).then_some(short)
    }

    fn settled(&self, stream: &Stream, short: Option<Span>) -> Span {
        let mut span = self.leader(stream).settled();
        if let Some(short) = short {
            span.end = span.end.min(short.start).max(span.start);
        }
        // Media that the browser is still parsing, or that is held back from it, counts as on its way.
        if stream.buffer.is_idle() { span } else { Span { end: span.start, ..span } }
    }

    /// What the manifest lists of a track from `at` on, over all Periods.
    fn listed(&self, p: &Presentation, stream: &Stream, at: Position) -> Listed {
        let (Some(track), Some(rep)) = (track_of(p, stream.place), rep_of(p, stream.place)) else {
            return Listed::Unknown;
        };
        let first = p.periods.iter().rposition(|period| period.start <= at).unwrap_or(0);
        let mut unknown = self.live;
        for index in first..p.periods.len() {
            let Some(period) = p.periods.get(index) else { break };
            let place = match index == stream.place.period {
                true => Some(stream.place),
                false => place_in(p, self.types, index, stream.kind, track, rep),
            };
            let Some(rep) = place.and_then(|place| rep_of(p, place)) else { continue };
            let list = self.manifest.list(rep);
            let from = at.max(period.start);
            if period.end.is_some_and(|end| end <= from) {
                continue;
            }
            if list.is_pending() && !self.live {
                return Listed::Unread;
            }
            unknown |= list.is_pending();
            if let Some(segment) = media_at(list, from) {
                return Listed::From(segment.start.max(from));
            }
            if !self.live && self.manifest.is_searched(rep) {
                // The rest of its index was not read yet.
                return Listed::Unread;
            }
        }
        if unknown { Listed::Unknown } else { Listed::Never }
    }

    /// A place just before the end of the track that ends first, where it lies before `at` and the media
    /// up to `at` is not held.
    pub(in crate::player) fn last_look(&self, at: Position) -> Option<Position> {
        // What is held up to there ends by itself; WebKitGTK, sent back then, stands there for good.
        if self.tracks.common().last().is_some_and(|held| at <= held.end + AT_THE_END) {
            return None;
        }
        let p = self.manifest.presentation()?;
        let end = |s: &Stream| {
            let listed = p.periods.iter().enumerate().rev().find_map(|(index, _)| {
                let (track, rep) = (track_of(p, s.place)?, rep_of(p, s.place)?);
                let place = place_in(p, self.types, index, s.kind, track, rep)?;
                let rep = rep_of(p, place).filter(|rep| !self.manifest.is_searched(rep))?;
                self.manifest.list(rep).last()
            });
            listed.map(|last| (last.start, last.end))
        };
        let active = self.tracks.feeds().filter(|s| !self.falls_silent(s));
        let (start, end) = active.filter_map(end).min_by_key(|it| it.1)?;
        Some((end - LAST_LOOK).max(start)).filter(|last| *last < at)
    }

    /// Holes of this track are filled with silence. Not at the edge of growing segments: there it costs more
    /// delay to wait for the ends of sound and picture than the hole does.
    pub(in crate::player) fn falls_silent(&self, stream: &Stream) -> bool {
        !self.at_edge
            && stream.kind == TrackKind::Audio
            && !stream.passive
            && stream.transport.is_none()
            && self.tracks.of(TrackKind::Video).is_some()
            && self.types.can_play(MIME) == Some(true)
    }

    /// Behind a hole in the sound at `at` that no silence will fill, because newer sound has come already:
    /// sound ended earlier than the manifest says, and the next segment had been requested by then, or a
    /// live segment was lost.
    pub(in crate::player) fn behind_missed_silence(&self, at: Position) -> Option<Position> {
        let missed = |s: &Stream| {
            let held = s.buffer.ranges();
            let newer = || held.next_start(at).is_some_and(|next| next <= s.settled().end);
            !held.holds(at) && s.buffer.is_idle() && newer()
        };
        let any = self.tracks.iter().any(|s| self.falls_silent(s) && missed(s));
        if any { self.tracks.common().next_start(at) } else { None }
    }
}

/// Nothing more comes of it, and it has been played to its end.
fn over(stream: &Stream, at: Position) -> bool {
    let played = || stream.buffer.ranges().last().is_none_or(|last| last.end <= at);
    stream.buffer.is_idle() && stream.ended && played()
}

/// The segment with media at `at` or next after it.
fn media_at(list: &SegmentList, at: Position) -> Option<Segment> {
    let mut segment = list.at(at)?;
    for _ in 0..MOST_GAPS {
        if !segment.gap {
            return Some(segment);
        }
        segment = list.numbered(segment.number.checked_add(1)?)?;
    }
    None
}
