//! The offset from the media's own times to the timeline, where the manifest does not name it
//! (HLS).
//!
//! The first fragment of a timeline (discontinuity sequence) is put at its segment's start. The
//! offset found so holds for all tracks, so that sound and picture stay together. RFC 8216bis
//! 4.4.4.3 wants a new timeline to be announced; but a restarted encoder begins its times anew
//! without that, and the times of a multivariant playlist's variants need not agree. So a new
//! offset is also taken for a fragment that would lie neither where its segment is listed nor where
//! the fragment before it ended.

use crate::time::{Position, Span};
use alloc::vec::Vec;

/// Media may lie this far outside its listed segment, microseconds: durations are rounded, and
/// frames may be shown after a border. Where listed durations are wrong by more in sum, an offset
/// still holds, because each fragment follows the one before.
const ASTRAY_US: u64 = 1_000_000;
/// The most offsets kept, more than any playlist needs; the oldest ones are forgotten.
const MOST: usize = 256;

/// Pairs of a timeline and what is added to its times, microseconds; newest last.
#[derive(Debug, Default)]
pub struct Offsets(Vec<(u64, i64)>);

impl Offsets {
    /// The offset, microseconds, for a fragment of `timeline` that begins at `start_us` in its own
    /// time. Its segment is listed at `segment`; the track's fragment before it ended at `after`.
    pub fn of(
        &mut self,
        timeline: u64,
        segment: Span,
        after: Option<Position>,
        start_us: i64,
    ) -> i64 {
        if let Some(known) = self.known(timeline, segment, after, start_us) {
            return known;
        }
        let offset = segment.start.as_micros().saturating_sub(start_us);
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push((timeline, offset));
        offset
    }

    /// The same, if it is known already.
    pub fn known(
        &self,
        timeline: u64,
        segment: Span,
        after: Option<Position>,
        start_us: i64,
    ) -> Option<i64> {
        let astray = |offset: i64| {
            let at = Position::from_micros(start_us.saturating_add(offset));
            let beside = segment.start.since(at).max(at.since(segment.end));
            let beside = beside.as_micros();
            after.map_or(beside, |after| beside.min(at.micros_from(after).unsigned_abs()))
        };
        let known = self.0.iter().rev().filter(|it| it.0 == timeline).map(|it| it.1);
        known.min_by_key(|offset| astray(*offset)).filter(|best| astray(*best) <= ASTRAY_US)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;

    fn span(start: i64, end: i64) -> Span {
        Span { start: Position::from_micros(start), end: Position::from_micros(end) }
    }

    #[test]
    fn one_offset_serves_all_that_follows_and_all_tracks() {
        let mut o = Offsets::default();
        assert_eq!(o.of(0, span(10 * S, 12 * S), None, 100 * S), -90 * S);
        // The sound of the same segment begins a little earlier, the next segment on time.
        assert_eq!(o.of(0, span(10 * S, 12 * S), None, 100 * S - 40_000), -90 * S);
        assert_eq!(o.of(0, span(12 * S, 14 * S), None, 102 * S), -90 * S);
        // Another timeline has a clock of its own.
        assert_eq!(o.of(1, span(14 * S, 16 * S), None, 0), 14 * S);
    }

    #[test]
    fn times_that_begin_anew_without_a_word_begin_a_timeline() {
        let mut o = Offsets::default();
        let mut after = None;
        let mut at = |o: &mut Offsets, n: i64, start: i64| {
            let segment = span(n * 2 * S, n * 2 * S + 2 * S);
            let offset = o.of(0, segment, after, start);
            after = Some(Position::from_micros(start + offset + 2 * S));
            offset
        };
        assert_eq!(at(&mut o, 0, 50_000 * S), -50_000 * S);
        assert_eq!(at(&mut o, 1, 50_002 * S), -50_000 * S);
        assert_eq!(at(&mut o, 2, S), 3 * S);
        assert_eq!(at(&mut o, 3, 3 * S), 3 * S);
        // Forwards as well, and back to what was seen before.
        assert_eq!(at(&mut o, 4, 9000 * S), -8992 * S);
        assert_eq!(o.of(0, span(2 * S, 4 * S), None, 50_002 * S), -50_000 * S);
    }

    #[test]
    fn durations_that_are_wrong_in_sum_do_not_tear_the_media_apart() {
        let mut o = Offsets::default();
        let mut after = None;
        for n in 0..100 {
            // Listed as 10 s, and 9.6 s long.
            let start = n * 9_600_000;
            let offset = o.of(0, span(n * 10 * S, n * 10 * S + 10 * S), after, start);
            assert_eq!(offset, 0, "{n}");
            after = Some(Position::from_micros(start + offset + 9_600_000));
        }
    }

    #[test]
    fn a_hole_inside_a_listed_segment_is_no_beginning() {
        let mut o = Offsets::default();
        assert_eq!(o.of(0, span(0, 10 * S), None, 0), 0);
        let before = Some(Position::from_micros(2 * S));
        assert_eq!(o.of(0, span(0, 10 * S), before, 7 * S), 0);
    }
}
