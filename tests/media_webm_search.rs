//! Files of WebM whose index no manifest names: their Cues are found, or their clusters one by one, in few and
//! small parts; files that are cut or broken end where they can be read no further.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod media_support;

use media_support::ebml::{CLUSTER, UNKNOWN, element, number};
use media_support::{ffmpeg, ffprobe};
use nearlive::media::webm::search::{BEGINNING, Search};
use nearlive::media::webm::{Cue, cues};
use nearlive::units::ByteRange;

const CUES: &[u8] = &[0x1c, 0x53, 0xbb, 0x6b];

fn block(bytes: usize) -> Vec<u8> {
    let head = [0x81, 0, 0, 0x80];
    element(&[0xa3], &[&head, vec![7; bytes].as_slice()].concat())
}

/// A cluster at this time, of one block.
fn cluster(ms: u32, bytes: usize) -> Vec<u8> {
    element(CLUSTER, &[number(&[0xe7], ms), block(bytes)].concat())
}

/// What stands before the clusters; with a SeekHead that names an index this far inside the Segment.
fn head(index: Option<u32>) -> Vec<u8> {
    let ebml = element(&[0x1a, 0x45, 0xdf, 0xa3], &element(&[0x42, 0x82], b"webm"));
    let seek = |at| {
        let seek = [element(&[0x53, 0xab], CUES), number(&[0x53, 0xac], at)].concat();
        element(&[0x11, 0x4d, 0x9b, 0x74], &element(&[0x4d, 0xbb], &seek))
    };
    let info = element(&[0x15, 0x49, 0xa9, 0x66], &number(&[0x2a, 0xd7, 0xb1], 1_000_000));
    let tracks = element(&[0x16, 0x54, 0xae, 0x6b], b"");
    let segment = [0x18, 0x53, 0x80, 0x67];
    let seek = index.map(seek).unwrap_or_default();
    [&ebml, &segment[..], UNKNOWN, &seek, &info, &tracks].concat()
}

fn part(file: &[u8], range: ByteRange) -> &[u8] {
    let at = |offset: u64| file.len().min(usize::try_from(offset).unwrap());
    &file[at(range.first)..at(range.last.map_or(u64::MAX, |last| last + 1))]
}

/// Searches a file from its beginning to its end; answers how many parts of it were asked for, and their bytes.
fn search(file: &[u8]) -> (Search, usize, usize) {
    let first = part(file, ByteRange { first: 0, last: Some(BEGINNING - 1) });
    let mut search = Search::begin(first).expect("WebM");
    let (mut asked, mut bytes) = (1, first.len());
    while let Some(range) = search.wants() {
        let found = part(file, range);
        (asked, bytes) = (asked + 1, bytes + found.len());
        assert!(asked <= file.len() + 2, "it never ends");
        search.read(range.first, found);
    }
    (search, asked, bytes)
}

/// Times and offsets in the file.
fn found(search: &Search) -> Vec<(u64, u64)> {
    search.found.iter().map(|cue| (cue.ticks, cue.cluster + search.head.inside)).collect()
}

#[test]
fn clusters_that_say_their_sizes_are_found_by_their_first_bytes() {
    let head = head(None);
    let one = cluster(0, 300_000);
    let clusters: Vec<u8> = (0..5).flat_map(|i| cluster(i * 2000, 300_000)).collect();
    let (search, asked, bytes) = search(&[head.as_slice(), &clusters].concat());
    let at = |i: usize| (head.len() + i * one.len()) as u64;
    assert_eq!(found(&search), [0, 1, 2, 3, 4].map(|i| (i as u64 * 2000, at(i))));
    assert_eq!((search.media_at(), search.at), (Some(at(0)), at(5)));
    // The last answer says that nothing follows.
    assert!(asked == 6 && bytes < 10_000, "{asked} parts, {bytes} bytes");
}

#[test]
fn clusters_of_unknown_size_are_walked_through() {
    let one = |ms| {
        let blocks: Vec<u8> = (0..40).flat_map(|_| block(5000)).collect();
        [CLUSTER, UNKNOWN, &number(&[0xe7], ms), &blocks].concat()
    };
    let head = head(None);
    let file = [head.as_slice(), &one(0), &one(1500), &one(3000)].concat();
    let length = one(0).len();
    let (search, asked, _) = search(&file);
    let at = |i: usize| (head.len() + i * length) as u64;
    assert_eq!(found(&search), [0, 1, 2].map(|i| (i as u64 * 1500, at(i))));
    assert!(asked < 10, "{asked} parts");
}

#[test]
fn clusters_that_begin_without_a_key_frame_or_too_soon_belong_to_the_one_before() {
    let all = [
        (0, false),
        (500, true),
        (1200, true),
        (2600, false),
        (2700, true),
        (9000, false),
        (12_800, false),
        (13_900, true),
    ];
    let head = head(None);
    let one = |(ms, key): (u32, bool)| {
        let mut cluster = cluster(ms, 200);
        let flags = cluster.len() - 201;
        assert_eq!(cluster[flags], 0x80);
        cluster[flags] = if key { 0x80 } else { 0 };
        cluster
    };
    let clusters: Vec<u8> = all.into_iter().flat_map(one).collect();
    let (search, ..) = search(&[head, clusters].concat());
    let times: Vec<u64> = search.found.iter().map(|cue| cue.ticks).collect();
    // Without a key frame for ten seconds: better there than nowhere.
    assert_eq!(times, [0, 1200, 2700, 12_800, 13_900]);
}

#[test]
fn times_that_go_back_or_repeat_are_left_out() {
    let clusters: Vec<u8> = [5000, 5000, 0, 7000].iter().flat_map(|ms| cluster(*ms, 200)).collect();
    let (search, ..) = search(&[head(None), clusters].concat());
    assert_eq!(search.found.iter().map(|cue| cue.ticks).collect::<Vec<_>>(), [5000, 7000]);
}

/// An index with this many clusters, 5 s each; the first is `inside` the Segment.
fn index(count: u32, inside: u32, length: u32) -> Vec<u8> {
    let point = |i: u32| {
        let place = [number(&[0xf7], 1), number(&[0xf1], inside + i * length)].concat();
        let body = [number(&[0xb3], i * 5000), element(&[0xb7], &place)].concat();
        element(&[0xbb], &body)
    };
    element(CUES, &(0..count).flat_map(point).collect::<Vec<u8>>())
}

/// What stands before the first byte inside the Segment.
const BEFORE: usize = 30;

/// A file of 4000 clusters, with an index at its end that the SeekHead names; and where the index begins.
fn indexed() -> (Vec<u8>, usize) {
    let one = cluster(0, 20).len();
    let first = head(Some(0)).len();
    let place = first + 4000 * one;
    let clusters: Vec<u8> = (0..4000).flat_map(|i| cluster(i * 5000, 20)).collect();
    let index = index(4000, (first - BEFORE) as u32, one as u32);
    ([head(Some((place - BEFORE) as u32)), clusters, index].concat(), place)
}

#[test]
fn an_index_that_the_file_names_is_read_however_large_it_is() {
    let (file, at) = indexed();
    let (search, asked, _) = search(&file);
    assert_eq!(search.found, cues(&file[at..]).unwrap());
    assert_eq!((search.found.len(), search.at, asked), (4000, at as u64, 3));
    // It is more than what is read of it at first.
    assert!(file.len() - at > 1 << 16);
}

#[test]
fn an_index_that_is_cut_off_or_something_else_is_done_without() {
    let (file, at) = indexed();
    let mut broken = file.clone();
    broken[at + 9] ^= 0xff;
    let mut other = file.clone();
    other[at..at + 4].copy_from_slice(&[0x12, 0x54, 0xc3, 0x67]);
    for (what, file) in [
        ("the file is cut in its index", &file[..at + 5000]),
        ("the file is cut before its index", &file[..at - 10]),
        ("the index has no entry", &broken),
        ("tags stand in its place", &other),
    ] {
        let (search, asked, _) = search(file);
        let times: Vec<u64> = search.found.iter().map(|cue| cue.ticks).collect();
        let all: Vec<u64> = (0..4000).map(|i| i * 5000).collect();
        assert!(times == all, "{what}: {} of them", times.len());
        assert!(asked > 1000, "{what}: {asked} parts");
    }
}

#[test]
fn an_index_before_the_clusters_needs_no_seek_head() {
    let head = head(None);
    let length = index(3, 0, 0).len();
    let one = cluster(0, 20).len();
    let inside = (head.len() - BEFORE + length) as u32;
    let clusters: Vec<u8> = (0..3).flat_map(|i| cluster(i * 5000, 20)).collect();
    let file = [head.as_slice(), &index(3, inside, one as u32), &clusters].concat();
    let (search, asked, _) = search(&file);
    let first = Cue { ticks: 0, cluster: inside.into() };
    assert_eq!((search.found.first(), search.found.len(), asked), (Some(&first), 3, 1));
    assert_eq!(search.media_at(), Some((head.len() + length) as u64));
}

#[test]
fn an_index_before_the_clusters_that_cannot_be_read_is_stepped_over() {
    for body in [vec![], vec![0xff; 300]] {
        let clusters = [cluster(0, 4000), cluster(2000, 4000)].concat();
        let file = [head(None), element(CUES, &body), clusters].concat();
        assert_eq!(search(&file).0.found.len(), 2, "{} bytes", body.len());
    }
}

#[test]
fn a_file_that_breaks_off_or_goes_on_with_something_else_ends_there() {
    let head = head(None);
    let clusters: Vec<u8> = (0..4).flat_map(|i| cluster(i * 2000, 5000)).collect();
    let whole = [head.as_slice(), &clusters].concat();
    let one = cluster(0, 5000).len();
    let times =
        |file: &[u8]| -> Vec<u64> { search(file).0.found.iter().map(|cue| cue.ticks).collect() };
    // In the third cluster, and in the header of the fourth.
    assert_eq!(times(&whole[..head.len() + 2 * one + 900]), [0, 2000, 4000]);
    assert_eq!(times(&whole[..head.len() + 3 * one + 3]), [0, 2000, 4000]);
    let mut damaged = whole.clone();
    damaged[head.len() + 2 * one] = 0;
    assert_eq!(times(&damaged), [0, 2000]);
    // No cluster at all.
    assert_eq!(times(&head), [0u64; 0]);
    assert!(Search::begin(b"<!DOCTYPE html><html>").is_none());
    assert!(Search::begin(&[]).is_none());
}

#[test]
fn ffmpegs_files_are_read_with_and_without_their_index() {
    let input = "-f lavfi -i testsrc2=size=96x64:rate=25:duration=9 -c:v libvpx-vp9 -g 50 -b:v 99k \
                 -deadline realtime -cpu-used 8 -f webm";
    // Into a pipe it cannot write an index.
    let file = ffmpeg(&format!("{input} pipe:1"));
    let keys: Vec<u64> = ffprobe("-show_entries packet=pts_time,flags", &file)
        .iter()
        .filter_map(|line| line.split_once(',').filter(|it| it.1.starts_with('K')))
        .map(|(time, _)| (time.parse::<f64>().unwrap() * 1000.0).round() as u64)
        .collect();
    let (search, ..) = search(&file);
    let times: Vec<u64> = search.found.iter().map(|cue| cue.ticks).collect();
    assert_eq!(times, keys);
    assert!(found(&search).iter().all(|(_, at)| file[*at as usize..].starts_with(CLUSTER)));
}
