//! What to remove from a buffer: behind the position what is older than wanted; under pressure more.

use super::ranges::Ranges;
use crate::time::{Position, Span};
use core::time::Duration;

/// Removing costs a round through the browser: only spans of this length are worth it.
pub const WORTH: Duration = Duration::from_secs(5);
/// Under pressure this much behind the position stays, or a segment when that is longer: a removal
/// reaches on to the next key frame (MSE 3.5.9), and must not reach what is on the screen.
const LEAST_BEHIND: Duration = Duration::from_secs(2);

/// What to remove of `held` so that about `behind` stays behind `position`.
pub fn behind(held: &Ranges, position: Position, behind: Duration) -> Option<Span> {
    let first = held.spans().first()?.start;
    let end = position - behind;
    (end.since(first) >= WORTH).then_some(Span { start: first, end })
}

/// What to remove when the browser has no room: what is behind, else what is farther ahead than
/// `ahead`. `None` when neither is left. `segment` is how long segments are.
pub fn pressed(
    held: &Ranges,
    position: Position,
    ahead: Duration,
    segment: Duration,
) -> Option<Span> {
    let first = held.spans().first()?.start;
    let end = position - LEAST_BEHIND.max(segment);
    if end > first {
        return Some(Span { start: first, end });
    }
    let last = held.last()?.end;
    let start = position + ahead;
    (last > start).then_some(Span { start, end: last })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const fn pos(ms: i64) -> Position {
        Position::from_millis(ms)
    }

    fn held(start: i64, end: i64) -> Ranges {
        Ranges::new(vec![Span { start: pos(start), end: pos(end) }])
    }

    const BEHIND: Duration = Duration::from_secs(20);

    #[test]
    fn a_back_buffer_is_cut_in_worthwhile_pieces() {
        assert_eq!(behind(&held(0, 30_000), pos(24_000), BEHIND), None);
        let span = Span { start: pos(0), end: pos(6_000) };
        assert_eq!(behind(&held(0, 30_000), pos(26_000), BEHIND), Some(span));
    }

    #[test]
    fn without_room_the_past_goes_first_then_the_far_future() {
        const GOP: Duration = Duration::from_secs(1);
        let ahead = Duration::from_secs(10);
        let past = Span { start: pos(0), end: pos(8_000) };
        assert_eq!(pressed(&held(0, 60_000), pos(10_000), ahead, GOP), Some(past));
        let future = Span { start: pos(20_000), end: pos(60_000) };
        assert_eq!(pressed(&held(9_000, 60_000), pos(10_000), ahead, GOP), Some(future));
        assert_eq!(pressed(&held(9_000, 15_000), pos(10_000), ahead, GOP), None);
        // A removal to 8 s would take a segment of 4 s from under the picture.
        let long = Duration::from_secs(4);
        let kept = Span { start: pos(0), end: pos(6_000) };
        assert_eq!(pressed(&held(0, 60_000), pos(10_000), ahead, long), Some(kept));
    }
}
