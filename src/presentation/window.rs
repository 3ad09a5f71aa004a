//! Which part of the timeline can be played at a given origin time.

use super::{Kind, Presentation, Representation, Segment, SegmentList, TrackKind};
use crate::time::{Position, WallTime};

/// The live edge at origin time `now`: the newest position captured, published or not. By the clock
/// (now minus anchor) where the presentation has one, else the end of the listed segments. `None`
/// when nothing is known yet. On demand, the end.
pub fn edge(presentation: &Presentation, now: WallTime) -> Option<Position> {
    let end = presentation.periods.last().and_then(|period| period.end);
    let live = match &presentation.kind {
        Kind::OnDemand { duration } => {
            let start = presentation.periods.first()?.start;
            let by_duration = duration.map(|length| start + length);
            return end.or(by_duration).or_else(|| listed_end(presentation));
        }
        Kind::Live(live) => live,
    };
    let edge = match live.anchor {
        Some(anchor) => Position::from_micros(now.micros_from(anchor)),
        None => listed_end(presentation)?,
    };
    Some(end.map_or(edge, |end| edge.min(end)))
}

/// The span that can be played when the live edge stands at `edge` (on demand, the end): from the
/// oldest position kept to it. `None` when nothing exists.
pub fn window(presentation: &Presentation, edge: Position) -> Option<(Position, Position)> {
    let mut start = presentation.periods.first()?.start;
    if let Kind::Live(live) = &presentation.kind {
        if let Some(depth) = live.time_shift {
            start = start.max(edge - depth);
        }
        if let Some(listed) = listed_start(presentation) {
            start = start.max(listed);
        }
    }
    (start < edge).then_some((start, edge))
}

/// The first position that all listed tracks of audio and video have: a segment that is no longer
/// listed is no longer on the server.
fn listed_start(presentation: &Presentation) -> Option<Position> {
    let period = presentation.periods.first()?;
    let timed = period.tracks.iter().filter(|track| track.kind != TrackKind::Text);
    timed.filter_map(|track| track.representations.iter().filter_map(first_listed).min()).max()
}

fn first_listed(representation: &Representation) -> Option<Position> {
    match &representation.segments {
        SegmentList::Listed(_) | SegmentList::Timeline(_) => {
            representation.segments.at(Position::from_micros(i64::MIN)).map(|s| s.start)
        }
        _ => None,
    }
}

/// The end of the listed segments of audio and video: the latest over all that is loaded.
fn listed_end(presentation: &Presentation) -> Option<Position> {
    presentation.periods.iter().rev().find_map(|period| {
        let timed = period.tracks.iter().filter(|track| track.kind != TrackKind::Text);
        let all = timed.flat_map(|track| &track.representations);
        all.filter_map(|r| r.segments.last().map(|Segment { end, .. }| end)).max()
    })
}

#[cfg(test)]
mod tests {
    use super::super::{
        Container, Listed, Live, Mapping, Numbered, Period, Refresh, Resource, Service, Template,
        Track,
    };
    use super::*;
    use crate::time::Duration;
    use crate::time::{MediaTime, Timescale};
    use crate::units::Bitrate;
    use alloc::string::String;
    use alloc::vec;

    const NOW: i64 = 1_795_492_800_000_000;
    const S: i64 = 1_000_000;

    fn with(kind: Kind, segments: SegmentList, end: Option<i64>) -> Presentation {
        let representation = Representation {
            id: "v".into(),
            bandwidth: Bitrate::default(),
            codecs: String::new(),
            container: Container::Mp4,
            resolution: None,
            init: None,
            segments,
            playlist: None,
            mapping: Mapping::Offset(0),
            growing: false,
        };
        let track = Track {
            id: "0".into(),
            kind: TrackKind::Video,
            language: None,
            label: None,
            default: false,
            representations: vec![representation],
        };
        Presentation {
            kind,
            periods: vec![Period {
                id: "p".into(),
                start: Position::default(),
                end: end.map(Position::from_micros),
                tracks: vec![track],
            }],
            refresh: Refresh::Never,
            location: None,
            clocks: vec![],
            service: Service::default(),
        }
    }

    fn numbered() -> SegmentList {
        SegmentList::Numbered(Numbered {
            template: Template::of(Resource::at("").beside("$Number$".into())).unwrap(),
            first: 0,
            last: None,
            duration: MediaTime::new(2, Timescale::SECONDS),
            first_time: 0,
            origin: Position::default(),
            end: None,
            clock: None,
        })
    }

    fn listed(spans: &[(i64, i64)]) -> SegmentList {
        let segment = |(number, &(start, end)): (u64, &(i64, i64))| Segment {
            number,
            start: Position::from_micros(start),
            end: Position::from_micros(end),
            resource: Resource::at(""),
            init: None,
            timeline: 0,
            gap: false,
            available: None,
        };
        let segments = (0..).zip(spans).map(segment).collect();
        SegmentList::Listed(Listed { segments, complete: false })
    }

    fn live(anchor: Option<i64>, time_shift: Option<u64>) -> Kind {
        Kind::Live(Live {
            anchor: anchor.map(WallTime::from_micros),
            time_shift: time_shift.map(Duration::from_secs),
            suggested_delay: None,
        })
    }

    #[test]
    fn the_window_follows_clock_depth_and_list() {
        let on_demand =
            |seconds: Option<u64>| Kind::OnDemand { duration: seconds.map(Duration::from_secs) };
        let pending = SegmentList::Playlist;
        let spans = [(90 * S, 92 * S), (92 * S, 94 * S)];
        let cases = [
            ("by duration", with(on_demand(Some(60)), numbered(), None), Some((0, 60 * S))),
            ("by Period end", with(on_demand(None), numbered(), Some(9 * S)), Some((0, 9 * S))),
            ("by list", with(on_demand(None), listed(&spans), None), Some((0, 94 * S))),
            ("unknown length", with(on_demand(None), numbered(), None), None),
            (
                "from 1970",
                with(live(Some(0), Some(30)), numbered(), None),
                Some((NOW - 30 * S, NOW)),
            ),
            (
                "since start",
                with(live(Some(NOW - 5 * S), Some(30)), numbered(), None),
                Some((0, 5 * S)),
            ),
            (
                "no depth",
                with(live(Some(NOW - 100 * S), None), numbered(), None),
                Some((0, 100 * S)),
            ),
            ("not begun", with(live(Some(NOW + S), None), numbered(), None), None),
            (
                "ended",
                with(live(Some(NOW - 99 * S), None), numbered(), Some(50 * S)),
                Some((0, 50 * S)),
            ),
            ("only listed", with(live(None, None), listed(&spans), None), Some((90 * S, 94 * S))),
            (
                "listed, clock",
                with(live(Some(NOW - 95 * S), Some(30)), listed(&spans), None),
                Some((90 * S, 95 * S)),
            ),
            ("not loaded", with(live(None, None), pending, None), None),
        ];
        for (name, presentation, expected) in cases {
            let edge = edge(&presentation, WallTime::from_micros(NOW));
            let found = edge.and_then(|edge| window(&presentation, edge));
            assert_eq!(found.map(|(a, b)| (a.as_micros(), b.as_micros())), expected, "{name}");
        }
    }
}
