//! Places where not every track has media: what the manifest says of them, and going on behind them.
//!
//! The decision is [`crate::buffer::gaps`]'s; here it is asked, and done.

use super::cx::Cx;
use super::io::Output;
use super::opening::{place_in, rep_of, track_of};
use super::session::Session;
use super::track::silence;
use super::track::stream::Stream;
use crate::buffer::gaps::{self, Listed, Track, Way};
use crate::presentation::{Presentation, Segment, SegmentList};
use crate::time::{Position, Span};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

/// So much is shown of the end when a viewer seeks behind it.
const LAST_LOOK: Duration = Duration::from_millis(300);
/// Marked gaps in a row (EXT-X-GAP) that are looked over.
const MOST_GAPS: u32 = 512;

impl Session {
    /// Where to go on from `at`.
    pub(super) fn way(&self, at: Position) -> Way {
        let asked: Vec<&Stream> = self.streams.iter().filter(|s| !over(s, at)).collect();
        self.way_of(&asked, at)
    }

    /// Where to go on from `at` as far as these streams go.
    pub(super) fn way_of(&self, asked: &[&Stream], at: Position) -> Way {
        let Some(p) = self.manifest.presentation() else { return Way::Wait };
        let lists: Vec<Box<dyn Fn(Position) -> Listed + '_>> = asked
            .iter()
            .map(|s| {
                let leader = self.leader(s);
                Box::new(move |at| self.listed(p, leader, at)) as Box<dyn Fn(Position) -> Listed>
            })
            .collect();
        let tracks: Vec<Track<'_>> = asked
            .iter()
            .zip(&lists)
            .map(|(s, listed)| Track {
                held: s.buffer.ranges(),
                settled: self.settled(s),
                listed,
                filled: self.falls_silent(s).then_some(silence::LEAST),
            })
            .collect();
        gaps::way(&tracks, at)
    }

    /// The stream whose requests bring the media of this one.
    fn leader<'a>(&'a self, stream: &'a Stream) -> &'a Stream {
        let leads = || self.streams.feeds().find(|s| s.transport.is_some());
        if stream.passive { leads().unwrap_or(stream) } else { stream }
    }

    fn settled(&self, stream: &Stream) -> Span {
        let span = self.leader(stream).settled();
        // What the browser is still reading, or is kept from it, counts as on its way.
        if stream.buffer.is_idle() { span } else { Span { end: span.start, ..span } }
    }

    /// What the manifest lists of a stream's track from `at` on, over all Periods.
    fn listed(&self, p: &Presentation, stream: &Stream, at: Position) -> Listed {
        let (Some(track), Some(rep)) = (track_of(p, stream.place), rep_of(p, stream.place)) else {
            return Listed::Unknown;
        };
        let first = p.periods.iter().rposition(|period| period.start <= at).unwrap_or(0);
        let mut unknown = self.is_live();
        for index in first..p.periods.len() {
            let Some(period) = p.periods.get(index) else { break };
            let place = match index == stream.place.period {
                true => Some(stream.place),
                false => place_in(p, &self.types, index, stream.kind, track, rep),
            };
            let Some(rep) = place.and_then(|place| rep_of(p, place)) else { continue };
            let list = self.manifest.list(rep);
            let from = at.max(period.start);
            if period.end.is_some_and(|end| end <= from) {
                continue;
            }
            unknown |= list.is_pending();
            if let Some(segment) = media_at(list, from) {
                return Listed::From(segment.start.max(from));
            }
        }
        if unknown { Listed::Unknown } else { Listed::Never }
    }

    /// A seek that cannot be finished where it went goes on to where it can.
    pub(super) fn finish_seek(&mut self, cx: &mut Cx<'_>) {
        let at = self.playback.seeking_to.unwrap_or(self.playback.snap.position);
        match self.way(at) {
            Way::Here | Way::Wait => {}
            Way::Ask => self.set_start(cx, at),
            Way::To(to) => self.go_to(cx, to),
            Way::Over => {
                if let Some(to) = self.last_look().filter(|to| *to < at) {
                    self.go_to(cx, to);
                }
            }
        }
    }

    /// Plays on at `to`, which is fetched when it is not there yet.
    pub(super) fn go_to(&mut self, cx: &mut Cx<'_>, to: Position) {
        self.set_start(cx, to);
        self.jump(cx, to);
    }

    /// The element's clock goes to `to`.
    pub(super) fn jump(&mut self, cx: &mut Cx<'_>, to: Position) {
        self.playback.seek(cx.now, to);
        cx.push(Output::Seek(to));
        if let Some(live) = &mut self.live {
            live.control.moved(cx.now);
        }
    }

    /// A place just before the end of the track that ends first.
    pub(super) fn last_look(&self) -> Option<Position> {
        let p = self.manifest.presentation()?;
        let end = |s: &Stream| {
            let listed = p.periods.iter().enumerate().rev().find_map(|(index, _)| {
                let (track, rep) = (track_of(p, s.place)?, rep_of(p, s.place)?);
                let place = place_in(p, &self.types, index, s.kind, track, rep)?;
                self.manifest.list(rep_of(p, place)?).last()
            });
            listed.map(|last| (last.start, last.end))
        };
        let active = self.streams.feeds().filter(|s| !self.falls_silent(s));
        let (start, end) = active.filter_map(end).min_by_key(|it| it.1)?;
        Some((end - LAST_LOOK).max(start))
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
