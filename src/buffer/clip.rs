//! The append window of a Period: media outside is not kept.
//!
//! Where a clip was cut out of a recording, a segment may reach over its Period's borders. Media
//! outside is not presented (ISO/IEC 23009-1 7.2.1), and would replace media of the neighbouring
//! Period. The window is a little wider than the Period, because frames do not begin and end at
//! whole milliseconds as the Period's borders do; and with a frame that is dropped, all frames that
//! depend on it are lost (MSE 3.5.8, steps 8 and 9).

use crate::presentation::{Mapping, Period};
use crate::time::{Duration, Position};

/// A first frame may begin this much before the Period's start: packagers round the start to that
/// of the sound, and a key frame is the worst frame to lose.
const BEFORE: Duration = Duration::from_millis(100);
/// A last frame may begin this much after the Period's end: it is shown until the next one, however
/// soon that comes.
const AFTER: Duration = Duration::from_millis(50);

/// The append window: media from `start` to `end` is kept (`None`: without end).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The first position inside.
    pub start: Position,
    /// The first position behind it.
    pub end: Option<Position>,
}

/// The window for media of `period`. Media whose offset is learnt from itself (HLS) is not cut.
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
