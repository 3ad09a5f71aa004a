//! Seconds and milliseconds of the browser to the core's types, and back.

use super::dom;
use nearlive::player::Span;
use nearlive::time::{Instant, Position, WallTime};
use web_sys::TimeRanges;

/// Now on the monotonic clock.
pub(crate) fn now() -> Instant {
    Instant::from_micros((dom::milliseconds() * 1000.0) as u64)
}

/// Now on the local wall clock.
pub(crate) fn wall() -> WallTime {
    wall_from_ms(js_sys::Date::now())
}

/// A JavaScript time.
pub(crate) fn wall_from_ms(ms: f64) -> WallTime {
    WallTime::from_micros((ms * 1000.0) as i64)
}

/// A `currentTime`. NaN becomes 0, what is too big saturates.
pub(crate) fn position(seconds: f64) -> Position {
    Position::from_micros((seconds * 1e6).round() as i64)
}

/// As `currentTime` takes it.
pub(crate) fn seconds(position: Position) -> f64 {
    position.as_micros() as f64 / 1e6
}

/// A `TimeRanges`.
pub(crate) fn spans(ranges: &TimeRanges) -> Vec<Span> {
    let one = |index| {
        let (start, end) = (ranges.start(index).ok()?, ranges.end(index).ok()?);
        Some(Span { start: position(start), end: position(end) })
    };
    (0..ranges.length()).filter_map(one).collect()
}
