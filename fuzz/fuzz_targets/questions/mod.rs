//! All that a player asks of a presentation: the answers make sense, and nothing is refused by a panic.
use nearlive::presentation::{Presentation, edge, window};
use nearlive::time::{Position, WallTime};

/// Where the manifest was loaded from.
pub const URL: &str = "https://user:pw@h.example/a/b.mpd?c#d";

pub fn ask(presentation: &Presentation) {
    let times = [i64::MIN, -1, 0, 1_795_493_440_000_000, i64::MAX];
    for us in times {
        let now = WallTime::from_micros(us);
        let span = edge(presentation, now).and_then(|edge| window(presentation, edge));
        if let Some((start, end)) = span {
            assert!(start <= end, "{start:?} to {end:?}");
        }
    }
    let tracks = presentation.periods.iter().flat_map(|period| &period.tracks);
    for (one, kind) in tracks.flat_map(|t| t.representations.iter().map(|r| (r, t.kind))) {
        let _ = (one.mime(kind), one.segments.last());
        for us in times {
            if let Some(segment) = one.segments.at(Position::from_micros(us)) {
                assert!(segment.start <= segment.end, "{segment:?}");
                let _ = one.segments.numbered(segment.number.wrapping_add(1));
            }
            let _ = one.segments.newest(WallTime::from_micros(us));
        }
    }
}
