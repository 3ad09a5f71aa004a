//! Remembers which representation was appended where, and when the media was captured.
//!
//! The browser tells only *that* a position is buffered. This tells which quality is on screen, and
//! how old the picture is.

use crate::time::{Position, Span, WallTime};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// A run of fragments of one representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run<Q> {
    span: Span,
    quality: Q,
}

/// Runs of fragments in order, without overlap: a later append replaces what it covers, as in the
/// browser (MSE 3.5.8, coded frame processing).
#[derive(Clone, Debug)]
pub struct Inventory<Q> {
    runs: Vec<Run<Q>>,
}

impl<Q> Default for Inventory<Q> {
    fn default() -> Self {
        Self { runs: Vec::new() }
    }
}

impl<Q: Copy + Eq> Inventory<Q> {
    /// `span` of `quality` was appended.
    pub fn appended(&mut self, span: Span, quality: Q) {
        if let Some(last) = self.runs.last_mut()
            && last.quality == quality
            && last.span.start <= span.start
            && span.start <= last.span.end
        {
            last.span.end = last.span.end.max(span.end);
            return;
        }
        self.removed(span);
        let at = self.runs.partition_point(|r| r.span.start < span.start);
        self.runs.insert(at, Run { span, quality });
    }

    /// `gone` was removed from the buffer.
    pub fn removed(&mut self, gone: Span) {
        let mut kept = Vec::with_capacity(self.runs.len() + 1);
        for run in self.runs.drain(..) {
            let before = Span { start: run.span.start, end: run.span.end.min(gone.start) };
            let after = Span { start: run.span.start.max(gone.end), end: run.span.end };
            for span in [before, after] {
                if span.start < span.end {
                    kept.push(Run { span, quality: run.quality });
                }
            }
        }
        self.runs = kept;
    }

    /// The quality at `at`.
    pub fn at(&self, at: Position) -> Option<Q> {
        self.runs.iter().find(|r| r.span.start <= at && at < r.span.end).map(|r| r.quality)
    }

    /// The buffer was emptied.
    pub fn clear(&mut self) {
        self.runs.clear();
    }
}

/// How many capture times are kept: those of 40 s at 25 a second.
const CAPTURES: usize = 1024;

/// Capture times that stand still for less than this come from a camera's uneven timing.
/// Microseconds.
const STILL_US: i64 = 200_000;

/// Capture times on the timeline, from `prft` (14496-12 8.16.5).
#[derive(Clone, Debug, Default)]
pub struct Captures(VecDeque<Capture>);

#[derive(Clone, Copy, Debug)]
struct Capture {
    at: Position,
    wall: WallTime,
    /// It repeats an older picture.
    filler: bool,
}

impl Captures {
    /// The media at `at` was captured at `wall`. Answers whether it is filler: media that goes on
    /// while its capture time stands still.
    pub fn note(&mut self, at: Position, wall: WallTime) -> bool {
        let filler = self.0.back().is_some_and(|last| {
            let (media, clock) = (at.micros_from(last.at), wall.micros_from(last.wall));
            media > STILL_US && clock * 4 < media || media > 0 && clock < -STILL_US
        });
        while self.0.back().is_some_and(|last| last.at >= at) {
            self.0.pop_back();
        }
        if self.0.len() >= CAPTURES {
            self.0.pop_front();
        }
        self.0.push_back(Capture { at, wall, filler });
        filler
    }

    /// The newest capture time.
    pub fn newest(&self) -> Option<WallTime> {
        self.0.back().map(|last| last.wall)
    }

    /// The newest picture that is not filler, and when it was captured.
    pub fn newest_picture(&self) -> Option<(Position, WallTime)> {
        self.0.iter().rfind(|it| !it.filler).map(|it| (it.at, it.wall))
    }

    /// The media at `at` is filler.
    pub fn is_filler_at(&self, at: Position) -> bool {
        let after = self.0.partition_point(|it| it.at <= at);
        let Some(shown) = after.checked_sub(1).and_then(|i| self.0.get(i)) else { return false };
        // The first filler looks like a new picture; the second one shows what it is.
        shown.filler || self.0.get(after).is_some_and(|it| it.filler && it.wall <= shown.wall)
    }

    /// Where the first picture after `at` begins that is not filler.
    pub fn next_new(&self, at: Position) -> Option<Position> {
        self.0.iter().find(|it| it.at > at && !it.filler).map(|it| it.at)
    }

    /// When the picture at `at` was captured: linear between two known times, but constant in
    /// filler. Beyond the last known time it runs on for a second, or stands still if `held`.
    pub fn at(&self, at: Position, held: bool) -> Option<WallTime> {
        let after = self.0.partition_point(|it| it.at <= at);
        let shown = self.0.get(after.checked_sub(1)?)?;
        let into = at.micros_from(shown.at);
        match self.0.get(after) {
            _ if shown.filler => Some(shown.wall),
            Some(next) => {
                let span = next.at.micros_from(shown.at).max(1);
                let part = into.saturating_mul(next.wall.micros_from(shown.wall)) / span;
                Some(shown.wall.offset(part))
            }
            None if held => Some(shown.wall),
            None => (into <= 1_000_000).then(|| shown.wall.offset(into)),
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn pos(ms: i64) -> Position {
        Position::from_millis(ms)
    }

    fn span(start: i64, end: i64) -> Span {
        Span { start: pos(start), end: pos(end) }
    }

    #[test]
    fn a_later_append_replaces_what_it_covers() {
        let mut i = Inventory::default();
        i.appended(span(0, 1000), 'a');
        i.appended(span(1000, 2000), 'a');
        i.appended(span(1500, 2500), 'b');
        assert_eq!(i.at(pos(1400)), Some('a'));
        assert_eq!(i.at(pos(1600)), Some('b'));
        i.appended(span(500, 800), 'c');
        assert_eq!((i.at(pos(600)), i.at(pos(900))), (Some('c'), Some('a')));
        i.removed(span(0, 1600));
        assert_eq!((i.at(pos(900)), i.at(pos(1700))), (None, Some('b')));
    }

    #[test]
    fn capture_time_runs_with_the_media_and_stands_still_in_a_filler() {
        let mut c = Captures::default();
        c.note(pos(0), WallTime::from_millis(5_000));
        c.note(pos(40), WallTime::from_millis(5_040));
        c.note(pos(80), WallTime::from_millis(5_040));
        assert_eq!(c.at(pos(20), false), Some(WallTime::from_millis(5_020)));
        assert_eq!(c.at(pos(60), false), Some(WallTime::from_millis(5_040)));
        assert_eq!(c.at(pos(100), false), Some(WallTime::from_millis(5_060)));
        assert_eq!(c.at(pos(100), true), Some(WallTime::from_millis(5_040)));
        assert_eq!(c.at(pos(5_000), false), None);
        assert_eq!(c.at(pos(-1), false), None);
    }

    #[test]
    fn a_picture_that_stands_in_grows_older_until_the_next_one() {
        let mut c = Captures::default();
        assert!(!c.note(pos(0), WallTime::from_millis(5_000)));
        assert!(!c.note(pos(40), WallTime::from_millis(4_900)));
        assert!(c.note(pos(1_000), WallTime::from_millis(4_900)));
        assert!(!c.note(pos(2_000), WallTime::from_millis(7_000)));
        let shown = |ms| (c.is_filler_at(pos(ms)), c.at(pos(ms), false));
        assert!(!shown(20).0);
        assert_eq!(c.next_new(pos(900)), Some(pos(2_000)));
        assert_eq!(shown(900), (true, Some(WallTime::from_millis(4_900))));
        assert_eq!(shown(1_900), (true, Some(WallTime::from_millis(4_900))));
        assert_eq!(shown(2_000), (false, Some(WallTime::from_millis(7_000))));
    }
}
