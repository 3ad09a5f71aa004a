//! Where the segments of a media playlist lie on the timeline that all playlists of a presentation
//! share. The rules stand in [`super::update`]; this is their arithmetic, on microseconds.

use crate::presentation::Segment;
use alloc::vec::Vec;

/// A date moves a segment at most this far from the end of the one before it, microseconds.
const NUDGE_US: i64 = 1_000_000;
/// The lists of variants end at most this many segments apart.
const APART: i64 = 2;
/// More discontinuities than any window shows; older ones are forgotten.
const MOST_BOUNDARIES: usize = 1000;

/// One segment of a playlist.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Media sequence number.
    pub(super) sequence: u64,
    /// Number in the model.
    pub(super) number: u64,
    /// Epoch and discontinuity sequence.
    pub(super) timeline: u64,
    /// `EXT-X-DISCONTINUITY` precedes it.
    pub(super) discontinuity: bool,
    pub(super) duration_us: i64,
    /// `EXT-X-PROGRAM-DATE-TIME`, Unix time.
    pub(super) date_us: Option<i64>,
}

/// Start and end of a segment.
pub(super) type Span = (i64, i64);

/// What is known from all playlists so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// Positions are Unix time; decided by the first playlist.
    pub(super) dated: Option<bool>,
    /// How many times a packager has started over.
    pub(super) epoch: u64,
    /// The live playlist that was placed last: epoch, media sequence number and span, in order.
    marks: Vec<(u64, u64, Span)>,
    /// The start of each timeline, in order.
    boundaries: Vec<(u64, i64)>,
}

impl Places {
    /// The spans of `entries`, whose numbers are consecutive; `old` are the known segments of the
    /// same playlist.
    pub(super) fn place(&self, entries: &[Entry], old: &[Segment], on_demand: bool) -> Vec<Span> {
        let dated = !on_demand && self.dated == Some(true);
        let date = |entry: &Entry| entry.date_us.filter(|_| dated);
        let known = |number: u64| {
            let i = number.checked_sub(old.first()?.number)?;
            let segment = old.get(usize::try_from(i).ok()?)?;
            Some((segment.start.as_micros(), segment.end.as_micros()))
        };
        let (anchor, position) = self.anchor(entries, old, &known, &date, on_demand);
        let before: i64 =
            entries.iter().take(anchor).fold(0, |sum, e| sum.saturating_add(e.duration_us));
        let mut next = position.saturating_sub(before);
        let mut spans: Vec<Span> = Vec::with_capacity(entries.len());
        for (i, entry) in entries.iter().enumerate() {
            let after = i.checked_sub(1).and_then(|p| entries.get(p));
            let boundary = after.is_some_and(|p| p.timeline != entry.timeline);
            let start = match (known(entry.number), date(entry)) {
                (Some((start, _)), _) => start,
                _ if i <= anchor => next,
                (None, Some(date)) if boundary => date.max(next),
                (None, Some(date)) if near(date, next) => date,
                (None, None) if boundary => {
                    let shared = self.boundary(entry.timeline);
                    shared.filter(|s| near(*s, next)).unwrap_or(next)
                }
                _ => next,
            };
            // Neighbours meet: if a date moves a segment, the one before gets longer or shorter.
            if let Some(previous) = spans.last_mut()
                && near(previous.1, start)
                && !(boundary && start > previous.1)
            {
                previous.1 = start.max(previous.0);
            }
            let start = start.max(spans.last().map_or(i64::MIN, |p| p.1));
            next = start.saturating_add(entry.duration_us);
            spans.push((start, next));
        }
        spans
    }

    /// The index of an entry whose start is known, and that start.
    fn anchor(
        &self,
        entries: &[Entry],
        old: &[Segment],
        known: &dyn Fn(u64) -> Option<Span>,
        date: &dyn Fn(&Entry) -> Option<i64>,
        on_demand: bool,
    ) -> (usize, i64) {
        let find = |what: &dyn Fn(&Entry) -> Option<i64>| {
            entries.iter().enumerate().find_map(|(i, entry)| Some((i, what(entry)?)))
        };
        if let Some(found) = find(&|entry| known(entry.number).map(|span| span.0)) {
            return found;
        }
        if let (Some(last), Some(first)) = (old.last(), entries.first()) {
            let end = last.end.as_micros();
            if let Some(date) = date(first) {
                return (0, date.max(end));
            }
            let missed = first.number.saturating_sub(last.number).saturating_sub(1);
            let missed = i64::try_from(missed).unwrap_or(i64::MAX);
            return (0, end.saturating_add(missed.saturating_mul(mean(entries))));
        }
        if let Some(found) = find(&|entry| date(entry)) {
            return found;
        }
        let Some((_, _, (_, end))) = self.marks.last().filter(|_| !on_demand) else {
            return (0, 0);
        };
        let begins = |entry: &Entry| self.boundary(entry.timeline).filter(|_| entry.discontinuity);
        let beside = |entry: &Entry| {
            let key = (entry.timeline >> 32, entry.sequence);
            let i = self.marks.binary_search_by_key(&key, |(epoch, n, _)| (*epoch, *n)).ok()?;
            self.marks.get(i).map(|(_, _, span)| span.0)
        };
        // If the encoders of variants started one after the other, equal numbers do not mean equal
        // segments. The ends show it: all lists end now, give or take the time between two loads.
        let ends = |(anchor, start): &(usize, i64)| {
            let rest =
                entries.iter().skip(*anchor).fold(*start, |at, e| at.saturating_add(e.duration_us));
            rest.abs_diff(*end) <= mean(entries).saturating_mul(APART).unsigned_abs()
        };
        let beside = || find(&beside).filter(ends);
        find(&begins).or_else(beside).unwrap_or((entries.len(), *end))
    }

    /// Where a timeline is known to begin.
    fn boundary(&self, timeline: u64) -> Option<i64> {
        let at = self.boundaries.binary_search_by_key(&timeline, |b| b.0).ok()?;
        self.boundaries.get(at).map(|b| b.1)
    }

    /// Remembers the entries that were placed.
    pub(super) fn learn(&mut self, entries: &[Entry], spans: &[Span], on_demand: bool) {
        for (i, (entry, span)) in entries.iter().zip(spans).enumerate() {
            let previous = i.checked_sub(1).and_then(|p| entries.get(p));
            if previous.map_or(entry.discontinuity, |p| p.timeline != entry.timeline) {
                let known = self.boundaries.binary_search_by_key(&entry.timeline, |b| b.0);
                if let Err(at) = known {
                    self.boundaries.insert(at, (entry.timeline, span.0));
                }
            }
        }
        let surplus = self.boundaries.len().saturating_sub(MOST_BOUNDARIES);
        self.boundaries.drain(..surplus);
        if !on_demand {
            let mark = |(e, s): (&Entry, &Span)| (e.timeline >> 32, e.sequence, *s);
            self.marks = entries.iter().zip(spans).map(mark).collect();
        }
    }
}

fn near(a: i64, b: i64) -> bool {
    a.abs_diff(b) <= NUDGE_US.unsigned_abs()
}

fn mean(entries: &[Entry]) -> i64 {
    let sum = entries.iter().fold(0_i64, |sum, e| sum.saturating_add(e.duration_us));
    i64::try_from(entries.len()).ok().and_then(|n| sum.checked_div(n)).unwrap_or(0)
}
