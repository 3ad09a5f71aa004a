//! What of a Period's media is kept: the append window of its buffers.
//!
//! A segment may reach over its Period's borders where a clip was cut out of a recording. What lies
//! outside is not presented (ISO/IEC 23009-1 7.2.1), and would take the place of the neighbour's
//! media. The window is a little wider than the Period: its borders are written in milliseconds and
//! the frames that begin and end there are not, and a picture that is dropped takes those with it
//! that depend on it (MSE 3.5.8, steps 8 and 9).

use crate::presentation::{Mapping, Period};
use crate::time::Position;
use core::time::Duration;

/// So much before the Period's start a first picture is still its own: packagers round the start to
/// that of the sound, and a key frame is the worst picture to lose.
const BEFORE: Duration = Duration::from_millis(100);
/// So much after its end a last picture is still its own: it lasts to the next one, however soon
/// that comes.
const AFTER: Duration = Duration::from_millis(50);

/// What is kept of what is appended: from `start` to `end`, without end where that is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The first position.
    pub start: Position,
    /// The first position after it.
    pub end: Option<Position>,
}

/// The window for media of `period`. Media whose place is learnt from itself (HLS) has no borders but
/// its segments' own.
pub fn window(period: &Period, mapping: Mapping) -> Window {
    match mapping {
        Mapping::Learn => Window::default(),
        Mapping::Offset(_) => Window {
            start: (period.start - BEFORE).max(Position::default()),
            end: period.end.map(|end| end + AFTER),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec::Vec;

    const fn pos(ms: i64) -> Position {
        Position::from_millis(ms)
    }

    #[test]
    fn a_period_keeps_what_is_its_own_and_what_is_rounding() {
        let cases = [
            (0, Some(8000), Mapping::Offset(0), (0, Some(8050))),
            (8000, None, Mapping::Offset(8_000_000), (7900, None)),
            (8000, Some(16_000), Mapping::Offset(-5), (7900, Some(16_050))),
            (8000, Some(16_000), Mapping::Learn, (0, None)),
        ];
        for (start, end, mapping, (from, to)) in cases {
            let period = Period {
                id: String::new(),
                start: pos(start),
                end: end.map(pos),
                tracks: Vec::new(),
            };
            let expected = Window { start: pos(from), end: to.map(pos) };
            assert_eq!(window(&period, mapping), expected, "{start} {end:?}");
        }
    }
}
