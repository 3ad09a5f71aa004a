//! WebM read element by element: clusters of known and of unknown size, blocks alone and in groups, what is
//! no WebM, and the index.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod media_support;

use media_support::ebml::{CLUSTER, UNKNOWN, element, number};
use media_support::{ffmpeg, ffprobe};
use nearlive::media::scan::{Fact, Fragment, InitTrack, Scanner, Want};
use nearlive::media::webm::{Cue, cues, search};
use nearlive::time::Duration;

const SEGMENT: &[u8] = &[0x18, 0x53, 0x80, 0x67];

/// A block of track 1, `ms` after its cluster.
fn block(ms: i16, key: bool, frame: &[u8]) -> Vec<u8> {
    let [high, low] = ms.to_be_bytes();
    element(&[0xa3], &[&[0x81, high, low, if key { 0x80 } else { 0 }], frame].concat())
}

fn info(scale: u32, duration: Option<f64>) -> Vec<u8> {
    let mut body = number(&[0x2a, 0xd7, 0xb1], scale);
    body.extend(duration.map(|d| element(&[0x44, 0x89], &d.to_be_bytes())).unwrap_or_default());
    element(&[0x15, 0x49, 0xa9, 0x66], &body)
}

fn tracks(codec: &str, each_ns: u32) -> Vec<u8> {
    let video = [number(&[0xb0], 640), number(&[0xba], 360)].concat();
    let entry = [
        number(&[0xd7], 1),
        number(&[0x83], 1),
        element(&[0x86], codec.as_bytes()),
        number(&[0x23, 0xe3, 0x83], each_ns),
        element(&[0xe0], &video),
    ];
    element(&[0x16, 0x54, 0xae, 0x6b], &element(&[0xae], &entry.concat()))
}

fn head(scale: u32, duration: Option<f64>, each_ns: u32) -> Vec<u8> {
    let ebml = element(&[0x1a, 0x45, 0xdf, 0xa3], &element(&[0x42, 0x82], b"webm"));
    let void = element(&[0xec], &[0; 9]);
    [&ebml, SEGMENT, UNKNOWN, &void, &info(scale, duration), &tracks("V_VP9", each_ns)].concat()
}

fn scan(known: &[InitTrack], bytes: &[u8], piece: usize) -> Vec<Fact> {
    let (mut scanner, mut facts) = (Scanner::new(known), Vec::new());
    for part in bytes.chunks(piece) {
        scanner.feed(part, &mut facts);
    }
    facts
}

/// Start, length and key frame of each fragment, in milliseconds; a fragment's end follows each.
fn blocks(facts: &[Fact]) -> Vec<(i64, u64, bool)> {
    let told: Vec<&Fact> = facts.iter().filter(|fact| !matches!(fact, Fact::Init(_))).collect();
    let pairs = told.chunks(2).map(|pair| match pair {
        [
            Fact::Fragment(Fragment { start, duration, sync, offset, size, .. }),
            Fact::FragmentEnd { offset: end },
        ] => {
            assert_eq!(offset + size, *end);
            (start.as_micros() / 1000, duration.as_micros() / 1000, *sync)
        }
        other => panic!("{other:?}"),
    });
    pairs.collect()
}

#[test]
fn a_file_is_read_in_pieces_of_any_size_alike() {
    let time = number(&[0xe7], 1000);
    let one = [time, block(0, true, b"key"), block(40, false, &[7; 300]), block(80, false, b"x")];
    let file = [
        head(1_000_000, None, 0),
        element(CLUSTER, &one.concat()),
        [CLUSTER, UNKNOWN].concat(),
        number(&[0xe7], 1120),
        block(0, true, b""),
        element(&[0xec], &[]),
        block(40, false, b"yy"),
        element(&[0x1c, 0x53, 0xbb, 0x6b], b""),
    ]
    .concat();
    let expected = [
        (1000, 40, true),
        (1040, 40, false),
        (1080, 40, false),
        (1120, 40, true),
        (1160, 40, false),
    ];
    let whole = scan(&[], &file, file.len());
    for piece in [1, 2, 3, 7, 8, 64, file.len()] {
        let facts = scan(&[], &file, piece);
        assert_eq!(facts, whole, "in pieces of {piece}");
        assert_eq!(blocks(&facts), expected);
    }
    let Some(Fact::Init(init)) = whole.first() else { panic!("{whole:?}") };
    let [track] = init.tracks.as_slice() else { panic!("one track") };
    assert_eq!(
        (track.codec.as_str(), track.resolution.height, track.tick_ns),
        ("vp9", 360, 1_000_000)
    );
}

#[test]
fn a_range_of_a_file_takes_its_ticks_from_the_tracks_that_are_known() {
    let Some(Fact::Init(init)) = scan(&[], &head(500_000, None, 20_000_000), 9).pop() else {
        panic!("an init");
    };
    let cluster = [number(&[0xe7], 4000), block(0, true, b"a"), block(80, false, b"b")].concat();
    let facts = scan(&init.tracks, &element(CLUSTER, &cluster), 5);
    // The last one lasts as long as the track says.
    assert_eq!(blocks(&facts), [(2000, 40, true), (2040, 20, false)]);
}

#[test]
fn a_group_says_how_long_its_block_lasts_and_what_it_refers_to() {
    let of = |ms: i16, more: &[u8]| {
        let [high, low] = ms.to_be_bytes();
        let block = element(&[0xa1], &[0x81, high, low, 0, 1, 2, 3]);
        element(&[0xa0], &[&block, more].concat())
    };
    let (lasts, refers) = (number(&[0x9b], 25), number(&[0xfb], 1));
    let cluster = [number(&[0xe7], 0), of(0, b""), of(30, &refers), of(60, &lasts)].concat();
    let facts = scan(&[], &element(CLUSTER, &cluster), 4);
    assert_eq!(blocks(&facts), [(0, 30, true), (30, 30, false), (60, 25, true)]);
}

#[test]
fn a_picture_that_is_never_shown_does_not_count() {
    let blocks_in = [block(0, true, b"a"), block(0, false, b"hidden"), block(40, false, b"b")];
    let cluster = [number(&[0xe7], 0), blocks_in.concat()].concat();
    assert_eq!(
        blocks(&scan(&[], &element(CLUSTER, &cluster), 99)),
        [(0, 40, true), (40, 40, false)]
    );
}

#[test]
fn of_several_tracks_the_first_one_is_told() {
    let other = element(&[0xa3], &[0x82, 0, 10, 0x80, 1, 2]);
    let cluster =
        [number(&[0xe7], 0), block(0, true, b"a"), other, block(40, false, b"b")].concat();
    assert_eq!(
        blocks(&scan(&[], &element(CLUSTER, &cluster), 99)),
        [(0, 40, true), (40, 40, false)]
    );
}

#[test]
fn what_is_no_webm_is_told_with_its_place() {
    let known = scan(&[], &head(1_000_000, None, 0), 99);
    let Some(Fact::Init(init)) = known.first() else { panic!("an init") };
    let cases: [(&[u8], u64); 5] = [
        (b"<!DOCTYPE html>", 0),
        (&[0; 12], 0),
        // A cluster, then no element.
        (&[0x1f, 0x43, 0xb6, 0x75, 0x90, 0x00, 0, 0, 0, 0, 0], 5),
        // A frame of unknown size.
        (&[0x1f, 0x43, 0xb6, 0x75, 0x90, 0xa3, 0xff, 0, 0, 0, 0], 5),
        // A block too short for its head.
        (&[0x1f, 0x43, 0xb6, 0x75, 0x90, 0xa3, 0x82, 0x81, 0, 0, 0], 7),
    ];
    for (bytes, place) in cases {
        let facts = scan(&init.tracks, bytes, 3);
        assert!(
            matches!(facts.as_slice(), [Fact::Damaged { offset, .. }] if *offset == place),
            "{facts:?}"
        );
    }
}

#[test]
fn a_header_too_large_to_read_is_refused_before_its_bytes_come() {
    let mut scanner = Scanner::default();
    let mut facts = Vec::new();
    let huge = [0x1f, 0xff, 0xff, 0xf0];
    scanner.feed(&[SEGMENT, UNKNOWN, &[0x16, 0x54, 0xae, 0x6b], &huge].concat(), &mut facts);
    assert!(matches!(facts.as_slice(), [Fact::Damaged { offset: 12, .. }]), "{facts:?}");
    assert_eq!(scanner.want(), Want::Nothing);
}

#[test]
fn the_head_of_a_file_says_where_positions_count_from_and_how_long_it_is() {
    let file = head(500_000, Some(60_041.5), 0);
    let read = search::head(&file).unwrap();
    // An EBML header of 18 bytes, then identifier and size of the Segment.
    assert_eq!((read.inside, read.tick_ns), (18 + 12, 500_000));
    assert_eq!(read.duration, Some(Duration::from_micros(30_020_500)));
    assert_eq!(search::head(b"\0\0\0\x18ftypiso5"), None);
    assert_eq!(search::head(&file[..30]).unwrap().duration, None);
}

#[test]
fn the_index_names_each_cluster_once_in_the_order_of_time() {
    let at =
        |cluster: u32| element(&[0xb7], &[number(&[0xf7], 1), number(&[0xf1], cluster)].concat());
    let point = |ms: u32, places: &[u32]| {
        let places: Vec<u8> = places.iter().flat_map(|place| at(*place)).collect();
        element(&[0xbb], &[number(&[0xb3], ms), places].concat())
    };
    let body = [
        point(0, &[100]),
        point(5000, &[900, 900]),
        point(5500, &[900]),
        point(4000, &[950]),
        point(9000, &[2000]),
    ];
    let list = element(&[0x1c, 0x53, 0xbb, 0x6b], &body.concat());
    let read = cues(&list).unwrap();
    let expected = [(0, 100), (5000, 900), (9000, 2000)];
    assert_eq!(read, expected.map(|(ticks, cluster)| Cue { ticks, cluster }));
    assert_eq!(cues(&element(&[0x1c, 0x53, 0xbb, 0x6b], b"")), None);
    assert_eq!(cues(b"not an index"), None);
}

#[test]
fn the_blocks_are_those_that_ffprobe_finds() {
    let input = "-f lavfi -i testsrc2=size=96x64:rate=25:duration=3 -c:v libvpx-vp9 -g 20 -b:v 99k \
                 -deadline realtime -cpu-used 8 -cluster_time_limit 700 -f webm pipe:1";
    let file = ffmpeg(input);
    let lines = ffprobe("-show_entries packet=pts_time,flags", &file);
    let expected: Vec<(i64, bool)> = lines
        .iter()
        .map(|line| {
            let (time, flags) = line.split_once(',').unwrap();
            ((time.parse::<f64>().unwrap() * 1000.0).round() as i64, flags.starts_with('K'))
        })
        .collect();
    let facts = scan(&[], &file, 1000);
    let found: Vec<_> = blocks(&facts).iter().map(|(ms, _, sync)| (*ms, *sync)).collect();
    assert_eq!(found, expected);
    assert_eq!(found.len(), 75);
    let Some(Fact::Init(init)) = facts.first() else { panic!("an init") };
    assert_eq!(init.tracks[0].codec, "vp9");
}
