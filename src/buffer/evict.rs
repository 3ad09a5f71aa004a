//! What to remove from a buffer: old media behind the position, and more if the browser has no
//! room.

use super::ranges::Ranges;
use crate::time::{Duration, Position, Span};

/// Shorter spans are not removed: each removal costs a round trip through the browser.
pub const LEAST_REMOVAL: Duration = Duration::from_secs(5);
/// If the browser has no room, this much behind the position stays, or a segment if that is longer:
/// a removal extends to the next key frame (MSE 3.5.9), and must not reach what is on screen.
const LEAST_BEHIND: Duration = Duration::from_secs(2);

/// The span to remove so that about `behind` stays behind `position`.
pub fn behind(held: &Ranges, position: Position, behind: Duration) -> Option<Span> {
    let first = held.spans().first()?.start;
    let end = position - behind;
    (end.since(first) >= LEAST_REMOVAL).then_some(Span { start: first, end })
}

/// The span to remove when the browser has no room: behind the position, else farther ahead than
/// `ahead`; `None`: there is neither. `segment`: the length of segments.
pub fn under_pressure(
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
        assert_eq!(under_pressure(&held(0, 60_000), pos(10_000), ahead, GOP), Some(past));
        let future = Span { start: pos(20_000), end: pos(60_000) };
        assert_eq!(under_pressure(&held(9_000, 60_000), pos(10_000), ahead, GOP), Some(future));
        assert_eq!(under_pressure(&held(9_000, 15_000), pos(10_000), ahead, GOP), None);
        // A removal to 8 s would take a segment of 4 s from under the picture.
        let long = Duration::from_secs(4);
        let kept = Span { start: pos(0), end: pos(6_000) };
        assert_eq!(under_pressure(&held(0, 60_000), pos(10_000), ahead, long), Some(kept));
    }
}
