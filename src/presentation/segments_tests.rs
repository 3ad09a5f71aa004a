use super::super::{Run, Template};
use super::*;
use crate::time::{MediaTime, Timescale};
use crate::units::ByteRange;
use alloc::format;
use alloc::string::String;
use alloc::vec;

/// 2026-11-24T04:00:00Z in microseconds.
const NOW: i64 = 1_795_492_800_000_000;
const S: i64 = 1_000_000;

fn template(text: &str) -> Template {
    Template::of(Resource::at("").beside(text.into())).unwrap()
}

fn numbered(duration: i64, scale: u32) -> Numbered {
    Numbered {
        template: template("$Number$-$Time$.m4s"),
        first: 1,
        last: None,
        duration: MediaTime::new(duration, Timescale::new(scale).unwrap()),
        first_time: 0,
        origin: Position::default(),
        end: None,
        clock: None,
    }
}

fn span(s: Option<Segment>) -> Option<(u64, i64, i64)> {
    s.map(|s| (s.number, s.start.as_micros(), s.end.as_micros()))
}

fn at(list: &SegmentList, us: i64) -> Option<(u64, i64, i64)> {
    span(list.at(Position::from_micros(us)))
}

fn newest(list: &SegmentList, us: i64) -> Option<u64> {
    list.newest(WallTime::from_micros(us)).map(|s| s.number)
}

#[test]
fn numbered_segments_are_found_by_position() {
    let open = SegmentList::Numbered(numbered(2, 1));
    let closed = SegmentList::Numbered(Numbered {
        end: Some(Position::from_micros(5 * S)),
        ..numbered(2, 1)
    });
    let ends_early = SegmentList::Numbered(Numbered { last: Some(2), ..numbered(2, 1) });
    let cases = [
        (&open, -S, Some((1, 0, 2 * S))),
        (&open, 0, Some((1, 0, 2 * S))),
        (&open, 2 * S - 1, Some((1, 0, 2 * S))),
        (&open, 2 * S, Some((2, 2 * S, 4 * S))),
        (&closed, 4 * S, Some((3, 4 * S, 5 * S))),
        (&closed, 5 * S, None),
        (&closed, i64::MAX, None),
        (&ends_early, 3 * S, Some((2, 2 * S, 4 * S))),
        (&ends_early, 4 * S, None),
    ];
    for (list, us, expected) in cases {
        assert_eq!(at(list, us), expected, "{us} in {list:?}");
    }
    assert_eq!(span(closed.last()), Some((3, 4 * S, 5 * S)));
    assert_eq!(span(open.last()), None);
    assert_eq!(span(open.numbered(0)), None);
    assert_eq!(span(closed.numbered(4)), None);
}

#[test]
fn a_duration_of_odd_ticks_makes_segments_that_meet_and_never_drift() {
    // 1.001 s at 30000 Hz: not a whole number of microseconds in most multiples.
    let list = SegmentList::Numbered(Numbered {
        origin: Position::from_micros(NOW + 1),
        ..numbered(10_010, 30_000)
    });
    let far = 1_000_000_000;
    let mut previous = list.numbered(far).unwrap();
    for number in far + 1..far + 50 {
        let s = list.numbered(number).unwrap();
        assert_eq!(s.start, previous.end);
        for inside in [s.start, s.end.offset(-1)] {
            assert_eq!(list.at(inside).unwrap().number, number);
        }
        previous = s;
    }
}

#[test]
fn in_unix_time_the_number_is_the_time_divided_by_the_duration() {
    // As the companion server writes it: a Period that starts off the grid at a key frame, numbers
    // from the clock, available 1.9 s before they are complete.
    let period = NOW - 3600 * S + 123_000;
    let first = u64::try_from(period / (2 * S)).unwrap();
    let list = SegmentList::Numbered(Numbered {
        first,
        origin: Position::from_micros(period),
        first_time: u64::try_from(period).unwrap() / 1_000_000 * 90_000 + 11_070,
        clock: Some((WallTime::default(), 1_900_000)),
        ..numbered(180_000, 90_000)
    });
    assert_eq!(at(&list, period), Some((first, period, period + 2 * S)));
    let now = list.at(Position::from_micros(NOW)).unwrap();
    assert_eq!(now.number, first + 1799);
    let ticks = now.start.as_micros() / 100 * 9;
    assert_eq!(now.resource.path(), format!("{}-{ticks}.m4s", first + 1799));
    assert_eq!(now.available.unwrap().as_micros(), now.end.as_micros() - 1_900_000);
    let available = now.available.unwrap().as_micros();
    assert_eq!(newest(&list, available - 1), Some(now.number - 1));
    assert_eq!(newest(&list, available), Some(now.number));
}

#[test]
fn the_newest_numbered_segment_follows_the_clock_up_to_the_periods_end() {
    let anchor = WallTime::from_micros(NOW);
    let live = |early| {
        SegmentList::Numbered(Numbered {
            end: Some(Position::from_micros(5 * S)),
            clock: Some((anchor, early)),
            ..numbered(2, 1)
        })
    };
    let cases = [
        (0, -1, None),
        (0, 2 * S - 1, None),
        (0, 2 * S, Some(1)),
        (0, 4 * S, Some(2)),
        (0, 5 * S - 1, Some(2)),
        (0, 5 * S, Some(3)),
        (0, 500 * S, Some(3)),
        (1_500_000, 499_999, None),
        (1_500_000, 500_000, Some(1)),
        (i64::MAX, -1, Some(3)),
    ];
    for (early, after, expected) in cases {
        assert_eq!(newest(&live(early), NOW + after), expected, "early {early}, after {after}");
    }
    let open =
        SegmentList::Numbered(Numbered { clock: Some((anchor, i64::MAX)), ..numbered(2, 1) });
    assert!(newest(&open, NOW).is_some(), "endlessly early is early, not never");
}

#[test]
fn a_rounding_error_at_the_periods_end_is_no_segment() {
    for (end, last) in [(6_000_900, 3), (6_001_000, 4), (6_000_000, 3), (5_999_999, 3), (500, 0)] {
        let list = SegmentList::Numbered(Numbered {
            end: Some(Position::from_micros(end)),
            ..numbered(2, 1)
        });
        assert_eq!(list.last().map_or(0, |s| s.number), last, "Period of {end} µs");
        assert_eq!(list.last().map_or(end, |s| s.end.as_micros()), end);
        assert_eq!(list.at(Position::from_micros(end - 1)), list.last());
    }
}

fn timeline(runs: &[(u64, u64, u64, u64)]) -> Timeline {
    let run = |&(number, time, duration, count)| Run { number, time, duration, count };
    Timeline {
        template: template("$Time$.m4s"),
        scale: Timescale::new(1000).unwrap(),
        offset: 10 * S,
        runs: runs.iter().map(run).collect(),
        end: None,
        complete: false,
        clock: None,
    }
}

#[test]
fn a_timeline_is_searched_by_position_over_runs_and_gaps() {
    // 3 x 2 s from 0, a gap of 1 s, 2 x 1 s from 7 s.
    let runs = [(5, 0, 2000, 3), (8, 7000, 1000, 2)];
    let list = SegmentList::Timeline(timeline(&runs));
    let ends = SegmentList::Timeline(Timeline {
        end: Some(Position::from_micros(17_500_000)),
        ..timeline(&runs)
    });
    let cases = [
        (&list, 0, Some((5, 10 * S, 12 * S))),
        (&list, 12 * S - 1, Some((5, 10 * S, 12 * S))),
        (&list, 12 * S, Some((6, 12 * S, 14 * S))),
        (&list, 15_999_999, Some((7, 14 * S, 16 * S))),
        (&list, 16 * S, Some((8, 17 * S, 18 * S))),
        (&list, 18 * S, Some((9, 18 * S, 19 * S))),
        (&list, 19 * S, None),
        (&ends, 17 * S, Some((8, 17 * S, 17_500_000))),
        (&ends, 18 * S, None),
    ];
    for (list, us, expected) in cases {
        assert_eq!(at(list, us), expected, "{us}");
    }
    for number in 5..=9 {
        assert_eq!(list.numbered(number).map(|s| s.number), Some(number));
    }
    assert_eq!(list.numbered(4), None);
    assert_eq!(list.numbered(10), None);
    assert_eq!(list.last().map(|s| s.resource.path().into()), Some(String::from("8000.m4s")));
    assert_eq!(ends.last().map(|s| s.number), Some(8));
    assert_eq!(newest(&list, NOW), Some(9), "without a clock all that is listed exists");
}

#[test]
fn an_open_run_grows_with_the_clock() {
    let clock = Some((WallTime::from_micros(NOW), 500_000));
    let open = Timeline { clock, ..timeline(&[(1, 0, 2000, 1), (2, 2000, 1000, Run::OPEN)]) };
    let list = SegmentList::Timeline(open.clone());
    let cases =
        [(11_499_999, None), (11_500_000, Some(1)), (12_500_000, Some(2)), (99 * S, Some(88))];
    for (after, expected) in cases {
        assert_eq!(newest(&list, NOW + after), expected, "{after}");
    }
    assert_eq!(list.last(), None);
    let closed =
        SegmentList::Timeline(Timeline { end: Some(Position::from_micros(14 * S)), ..open });
    assert_eq!(span(closed.last()), Some((3, 13 * S, 14 * S)));
    assert_eq!(newest(&closed, NOW + 99 * S), Some(3));
    assert_eq!(at(&closed, 14 * S), None);
}

#[test]
fn odd_ticks_in_a_timeline_find_their_own_segment() {
    let list = SegmentList::Timeline(Timeline {
        scale: Timescale::new(44_100).unwrap(),
        ..timeline(&[(1, 7, 1024, 5000)])
    });
    for number in 1..=5000 {
        let s = list.numbered(number).unwrap();
        assert_eq!(list.at(s.start).unwrap().number, number);
        assert_eq!(list.at(s.end.offset(-1)).unwrap().number, number);
    }
}

#[test]
fn hostile_timelines_saturate() {
    let runs = [(u64::MAX, u64::MAX, u64::MAX, u64::MAX), (u64::MAX, u64::MAX, 1, 0)];
    let hostile =
        Timeline { offset: i64::MIN, clock: Some((WallTime::default(), 0)), ..timeline(&runs) };
    let list = SegmentList::Timeline(hostile.clone());
    let ended =
        SegmentList::Timeline(Timeline { end: Some(Position::from_micros(i64::MIN)), ..hostile });
    for us in [i64::MIN, -1, 0, 1, i64::MAX] {
        for list in [&list, &ended] {
            let _ = (at(list, us), newest(list, us), list.last(), list.numbered(u64::MAX));
        }
    }
    for duration in [0, -1, i64::MIN, i64::MAX] {
        for origin in [i64::MIN, 0, i64::MAX] {
            let list = SegmentList::Numbered(Numbered {
                origin: Position::from_micros(origin),
                end: Some(Position::from_micros(i64::MAX)),
                clock: Some((WallTime::from_micros(i64::MIN), i64::MIN)),
                ..numbered(duration, u32::MAX)
            });
            for us in [i64::MIN, 0, i64::MAX] {
                let _ = (at(&list, us), newest(&list, us), list.last(), list.numbered(u64::MAX));
            }
        }
    }
}

#[test]
fn a_segments_weight_is_its_size_against_the_usual_of_its_list() {
    let segment = |number: u64, bytes: Option<u64>, end: i64| Segment {
        number,
        start: Position::from_micros((number as i64) * S),
        end: Position::from_micros(end),
        resource: Resource::at("film.mp4").part(
            bytes.map(|n| ByteRange { first: 100 * number, last: Some(100 * number + n - 1) }),
        ),
        init: None,
        timeline: 0,
        gap: false,
        available: None,
    };
    let usual = |segments: &[Segment]| {
        let list = SegmentList::Listed(Listed { segments: segments.to_vec(), complete: true });
        let longest = list.usual(&segments[0]).0.as_millis();
        (longest, segments.iter().map(|it| list.usual(it).1).collect::<Vec<_>>())
    };
    // 500 bytes in five seconds; the last one is two seconds long: 200 bytes would be usual for it.
    let film = [
        segment(0, Some(50), S),
        segment(1, Some(150), 2 * S),
        segment(2, Some(100), 3 * S),
        segment(3, Some(200), 5 * S),
    ];
    assert_eq!(usual(&film), (2000, vec![250, 750, 500, 1000]));
    let no_sizes = film.clone().map(|it| Segment { resource: Resource::at("film.mp4"), ..it });
    assert_eq!(usual(&no_sizes), (2000, vec![500, 500, 500, 1000]));
    let huge = [segment(0, Some(1 << 60), S), segment(1, Some(1), 1 << 60)];
    assert!(usual(&huge).1.iter().all(|it| (100..=10_000).contains(it)), "{:?}", usual(&huge));
    assert_eq!(usual(&[segment(0, Some(9), 0)]), (0, vec![100]), "it has no length");
    let alike = SegmentList::Numbered(numbered(2, 1)).usual(&film[0]);
    assert_eq!(alike, (Duration::from_secs(1), 1000));
}

#[test]
fn listed_segments_are_found_and_gated() {
    let segment = |number: u64, start: i64, end: i64, available: Option<i64>| Segment {
        number,
        start: Position::from_micros(start),
        end: Position::from_micros(end),
        resource: Resource::at(&format!("{number}.ts")),
        init: None,
        timeline: 0,
        gap: false,
        available: available.map(WallTime::from_micros),
    };
    let list = SegmentList::Listed(Listed {
        segments: vec![
            segment(7, 0, S, None),
            segment(8, S, 2 * S, Some(NOW)),
            segment(9, 3 * S, 4 * S, Some(NOW + S)),
        ],
        complete: false,
    });
    assert_eq!(at(&list, -5), Some((7, 0, S)));
    assert_eq!(at(&list, 2 * S), Some((9, 3 * S, 4 * S)));
    assert_eq!(at(&list, 4 * S), None);
    assert_eq!(list.numbered(8).map(|s| s.number), Some(8));
    assert_eq!(list.numbered(6), None);
    for (now, expected) in [(NOW - 1, 7), (NOW, 8), (NOW + S, 9)] {
        assert_eq!(newest(&list, now), Some(expected));
    }
    assert!(list.grows_by_reload());
    let pending = SegmentList::Playlist;
    assert!(pending.is_pending());
    assert_eq!(pending.at(Position::default()), None);
}

#[test]
fn segments_are_as_long_as_the_longest_of_the_last_four() {
    // Duration in milliseconds and count of each run.
    let longest = |runs: &[(u64, u64)]| {
        let runs: Vec<_> = runs.iter().map(|run| (1, 0, run.0, run.1)).collect();
        SegmentList::Timeline(timeline(&runs)).longest().as_millis()
    };
    assert_eq!(longest(&[(60_000, 1), (6000, 1), (4000, 1), (6000, 1), (4000, 1)]), 6000);
    assert_eq!(longest(&[(60_000, 1), (2000, 100)]), 2000);
    assert_eq!(longest(&[(6000, 1), (2000, 3)]), 6000);
    assert_eq!(longest(&[]), 0);
}
