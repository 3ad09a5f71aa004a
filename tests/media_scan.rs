//! The ISO BMFF scanner on what ffmpeg and our own writer make: the same facts, whatever the pieces.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod media_support;

use media_support::{AAC, H264, ffmpeg, ffprobe, test_input};
use nearlive::media::es::aac::AacConfig;
use nearlive::media::es::h264::AvcConfig;
use nearlive::media::isobmff::edits;
use nearlive::media::isobmff::write::{
    Chunk, ProducerTime, Sample, SampleEntry, Track, chunk, init_segment,
};
use nearlive::media::scan::{Fact, Fragment, Init, InitTrack, Scanner, Want};
use nearlive::time::Duration;
use nearlive::time::{MediaTime, Timescale, WallTime};
use nearlive::units::Resolution;

fn feed(known: &[InitTrack], bytes: &[u8], piece: usize) -> Vec<Fact> {
    let mut scanner = Scanner::new(known);
    let mut facts = Vec::new();
    for part in bytes.chunks(piece) {
        scanner.feed(part, &mut facts);
    }
    facts
}

/// Drives the scanner as the shell does; gives the facts and how many bytes had to be copied.
fn drive(bytes: &[u8], arriving: usize) -> (Vec<Fact>, usize) {
    let (mut scanner, mut facts, mut copied) = (Scanner::default(), Vec::new(), 0);
    let (mut at, mut arrived) = (0, 0);
    loop {
        match scanner.want() {
            Want::Need(n) if at + n <= arrived => {
                scanner.take(&bytes[at..at + n], &mut facts);
                copied += n;
                at += n;
            }
            Want::Skip(n) if at < arrived => {
                let now = usize::try_from(n).unwrap().min(arrived - at);
                scanner.skip(now as u64, &mut facts);
                at += now;
            }
            Want::Nothing => return (facts, copied),
            _ if arrived == bytes.len() => return (facts, copied),
            _ => arrived = (arrived + arriving).min(bytes.len()),
        }
    }
}

fn fragments(facts: &[Fact]) -> Vec<&Fragment> {
    facts.iter().filter_map(|f| if let Fact::Fragment(f) = f { Some(f) } else { None }).collect()
}

fn init(facts: &[Fact]) -> &Init {
    facts.iter().find_map(|f| if let Fact::Init(i) = f { Some(i) } else { None }).unwrap()
}

fn live_mp4() -> Vec<u8> {
    ffmpeg(&format!(
        "{} {H264} -an -f mp4 -movflags +cmaf+frag_every_frame -write_prft wallclock pipe:1",
        test_input("2")
    ))
}

#[test]
fn a_live_stream_of_one_frame_fragments_is_read_with_its_producer_times() {
    let mp4 = live_mp4();
    let facts = feed(&[], &mp4, mp4.len());
    let track = &init(&facts).tracks[0];
    assert_eq!((track.codec.as_str(), &track.handler), ("avc1.42c00c", b"vide"));
    assert_eq!(track.resolution, Resolution { width: 320, height: 180 });

    let found = fragments(&facts);
    assert_eq!(found.len(), 50);
    for (i, f) in found.iter().enumerate() {
        assert_eq!(f.start.as_micros(), i64::try_from(i).unwrap() * 40_000);
        assert_eq!(f.duration, Duration::from_millis(40));
        assert_eq!((f.samples, f.sync), (1, i % 25 == 0));
        assert_eq!(&mp4[usize::try_from(f.offset).unwrap() + 4..][..4], b"prft");
    }
    let ends: Vec<u64> = facts
        .iter()
        .filter_map(|f| if let Fact::FragmentEnd { offset } = f { Some(*offset) } else { None })
        .collect();
    let sizes: Vec<u64> = found.iter().map(|f| f.offset + f.size).collect();
    assert_eq!(ends, sizes, "the size told at the start is where the fragment ends");

    let now = Duration::from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap());
    let producer = facts.iter().find_map(|f| match f {
        Fact::ProducerTime { wall, media_ticks: 0, .. } => Some(*wall),
        _ => None,
    });
    let age = now.saturating_sub(Duration::from_micros(
        u64::try_from(producer.unwrap().as_micros()).unwrap(),
    ));
    assert!(age < Duration::from_secs(3600), "prft is {age:?} old");
}

#[test]
fn the_size_of_the_pieces_makes_no_difference_and_media_is_not_copied() {
    let mp4 = live_mp4();
    let whole = feed(&[], &mp4, mp4.len());
    for piece in [1, 3, 7, 8, 9, 100, 1000] {
        assert_eq!(feed(&[], &mp4, piece), whole, "pieces of {piece}");
        let (facts, copied) = drive(&mp4, piece);
        assert_eq!(facts, whole, "reads of {piece}");
        assert!(copied < mp4.len() / 3, "{copied} of {}", mp4.len());
    }
}

#[test]
fn fragments_of_reordered_pictures_start_where_ffprobe_says() {
    // Without an edit list, with one, and with the first picture's offset made 0.
    let table = [("empty_moov", 1024), ("delay_moov", 0), ("empty_moov+negative_cts_offsets", 0)];
    for (flags, first) in table {
        let mp4 = ffmpeg(&format!(
            "{} -an -c:v libx264 -preset fast -pix_fmt yuv420p -bf 2 -g 10 -f mp4 \
             -movflags +frag_keyframe+default_base_moof+{flags} pipe:1",
            test_input("2")
        ));
        let facts = feed(&[], &mp4, 1000);
        // ffprobe applies the edit list, as MediaSource does.
        let times: Vec<i64> = ffprobe("-show_entries packet=flags,pts", &mp4)
            .iter()
            .filter(|l| l.contains('K'))
            .map(|l| l.split(',').next().unwrap().parse().unwrap())
            .collect();
        let starts: Vec<i64> = fragments(&facts).iter().map(|f| f.start.ticks).collect();
        // With negative offsets ffprobe moves everything so that no dts is after its pts.
        let moved: Vec<i64> = times.iter().map(|t| t - times[0] + first).collect();
        assert_eq!(starts, moved, "{flags}");
        assert!(flags.contains("negative") || times[0] == first);
        assert!(fragments(&facts).iter().all(|f| f.sync && f.samples == 10));
    }
}

#[test]
fn two_tracks_in_one_file_each_have_their_own_clock() {
    let mp4 = ffmpeg(&format!(
        "{} {H264} {AAC} -f mp4 -movflags +empty_moov+frag_keyframe+separate_moof+default_base_moof \
         pipe:1",
        test_input("2")
    ));
    let facts = feed(&[], &mp4, 512);
    let codecs: Vec<&str> = init(&facts).tracks.iter().map(|t| t.codec.as_str()).collect();
    assert_eq!(codecs, ["avc1.42c00c", "mp4a.40.2"]);
    let scale = |track| {
        let f = fragments(&facts);
        f.iter().find(|f| f.track == track).unwrap().start.scale.hz()
    };
    assert_eq!((scale(1), scale(2)), (12800, 48000));
}

#[test]
fn the_index_of_an_on_demand_file_names_every_fragment() {
    let mp4 = ffmpeg(&format!(
        "{} {H264} -an -y -f mp4 -movflags +empty_moov+frag_keyframe+default_base_moof+dash+\
         global_sidx {}",
        test_input("3"),
        temp("global_sidx.mp4")
    ));
    assert!(mp4.is_empty());
    let mp4 = std::fs::read(temp("global_sidx.mp4")).unwrap();
    let facts = feed(&[], &mp4, 4096);
    let index =
        facts.iter().find_map(|f| if let Fact::Index(i) = f { Some(i) } else { None }).unwrap();
    let found = fragments(&facts);
    assert_eq!((index.entries.len(), found.len()), (3, 3));
    let mut at = index.anchor + index.first_offset;
    for (entry, f) in index.entries.iter().zip(&found) {
        assert_eq!((at, u64::from(entry.size)), (f.offset, f.size));
        let scaled = MediaTime::new(i64::from(entry.duration_ticks), index.timescale);
        assert_eq!(scaled.to_duration(), f.duration);
        assert!(!entry.is_index);
        at += u64::from(entry.size);
    }
}

fn temp(name: &str) -> String {
    format!("{}/{name}", env!("CARGO_TARGET_TMPDIR"))
}

#[test]
fn a_file_that_is_not_fragmented_is_read_over_without_harm() {
    let path = temp("progressive.mp4");
    ffmpeg(&format!("{} {H264} {AAC} -y -movflags +faststart {path}", test_input("1")));
    let mp4 = std::fs::read(path).unwrap();
    let facts = feed(&[], &mp4, 1000);
    assert_eq!(init(&facts).tracks.len(), 2);
    assert_eq!(facts.len(), 1);
}

#[test]
fn sample_entries_have_the_names_that_browsers_take() {
    let table = [
        ("-an -c:v libx264 -preset ultrafast -pix_fmt yuv420p", "avc1.42c00c"),
        ("-an -c:v libx264 -preset ultrafast -pix_fmt yuv420p -tag:v avc3", "avc3.42c00c"),
        (
            "-an -c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p \
             -tag:v hvc1",
            "hvc1.1.6.L60.90",
        ),
        (
            "-an -c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv420p10",
            "hev1.2.4.L60.90",
        ),
        (
            "-an -c:v libvpx-vp9 -b:v 100k -deadline realtime -cpu-used 8 -pix_fmt yuv420p",
            "vp09.00.11.08",
        ),
        (
            "-an -c:v libaom-av1 -b:v 100k -usage realtime -cpu-used 8 -pix_fmt yuv420p",
            "av01.0.00M.08",
        ),
        ("-vn -c:a aac", "mp4a.40.2"),
        ("-vn -c:a libmp3lame", "mp4a.6b"),
        ("-vn -c:a libopus -b:a 64k", "opus"),
        ("-vn -c:a flac -strict -2", "flac"),
        ("-vn -c:a ac3", "ac-3"),
        ("-vn -c:a eac3", "ec-3"),
    ];
    for (options, name) in table {
        let mp4 = ffmpeg(&format!(
            "{} {options} -t 0.2 -f mp4 -movflags +empty_moov+delay_moov+default_base_moof pipe:1",
            test_input("0.2")
        ));
        let facts = feed(&[], &mp4, 512);
        assert_eq!(init(&facts).tracks[0].codec, name);
    }
}

fn avc_track() -> Track {
    let sps = [
        0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00, 0x00, 0x03,
        0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0x20, 0xf1, 0x83,
    ];
    let config = AvcConfig::new(&sps, &[0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0]).unwrap();
    Track { id: 3, timescale: Timescale::NINETY_KHZ, entry: SampleEntry::Avc(config) }
}

#[test]
fn what_we_write_is_what_we_read() {
    let track = avc_track();
    let facts = feed(&[], &init_segment(&track), 50);
    let read = &init(&facts).tracks[0];
    let expected = InitTrack {
        id: 3,
        timescale: Timescale::NINETY_KHZ,
        codec: track.entry.codec_string(),
        handler: *b"vide",
        resolution: Resolution { width: 1280, height: 720 },
        edit_start: 0,
        edit_delay: 0,
        default_sample_duration: 0,
        default_sample_size: 0,
        default_sample_flags: 0,
        tick_ns: 0,
    };
    assert_eq!(*read, expected);

    let samples = [
        Sample { data: &[1; 500], duration: 3000, composition_offset: -100, sync: true },
        Sample { data: &[2; 70], duration: 3600, composition_offset: 200, sync: false },
    ];
    let decode_time = 161_594_249_490_000;
    // Every microsecond survives the way through NTP's fractions of a second.
    for us in (0..1_000_000).step_by(7_919).chain([1, 999_999]) {
        let wall = WallTime::from_micros(1_795_491_661_000_000 + us);
        let finalized = Some(wall + Duration::from_millis(150));
        let producer = Some(ProducerTime { wall, finalized, media_ticks: decode_time });
        let mut bytes = Vec::new();
        let mut first_end = 0;
        for samples in [&samples[..], &samples[1..]] {
            first_end = bytes.len() as u64;
            chunk(&Chunk { track: 3, sequence: 9, decode_time, samples, producer }, &mut bytes);
        }
        let facts = feed(std::slice::from_ref(&expected), &bytes, 90);
        let ticks = i64::try_from(decode_time).unwrap();

        let fragment = |offset, start, duration, samples, sync, size| {
            Fact::Fragment(Fragment {
                offset,
                track: 3,
                start: MediaTime::new(start, Timescale::NINETY_KHZ),
                duration,
                samples,
                sync,
                size,
            })
        };
        let producer = Fact::ProducerTime { wall, finalized: false, media_ticks: ticks };
        let made = wall + Duration::from_millis(150);
        let made = Fact::ProducerTime { wall: made, finalized: true, media_ticks: ticks };
        let first_end =
            if let Some(Fact::FragmentEnd { offset }) = facts.get(3) { *offset } else { first_end };
        let us73 = Duration::from_micros(73_333);
        assert_eq!(
            facts,
            [
                producer.clone(),
                made.clone(),
                fragment(0, ticks - 100, us73, 2, true, first_end),
                Fact::FragmentEnd { offset: first_end },
                producer,
                made,
                fragment(
                    first_end,
                    ticks + 200,
                    Duration::from_millis(40),
                    1,
                    false,
                    bytes.len() as u64 - first_end
                ),
                Fact::FragmentEnd { offset: bytes.len() as u64 },
            ]
        );
    }
}

#[test]
fn sound_tracks_of_ours_have_their_names() {
    for object_type in [2, 5, 42] {
        let config = AacConfig { object_type, sample_rate: 48000, channels: 2 };
        let entry = SampleEntry::Aac(config);
        let name = entry.codec_string();
        let track = Track { id: 1, timescale: Timescale::AUDIO_48K, entry };
        let facts = feed(&[], &init_segment(&track), 1000);
        assert_eq!(init(&facts).tracks[0].codec, name);
        assert_eq!(init(&facts).tracks[0].handler, *b"soun");
    }
}

#[test]
fn a_fragment_of_a_track_that_nobody_described_is_damage_and_a_lone_track_takes_any_number() {
    let samples = [Sample { data: &[1], duration: 1, composition_offset: 0, sync: true }];
    let mut bytes = Vec::new();
    let c = Chunk { track: 1, sequence: 1, decode_time: 0, samples: &samples, producer: None };
    chunk(&c, &mut bytes);
    assert!(matches!(feed(&[], &bytes, 9).as_slice(), [Fact::Damaged { offset: 0, .. }]));

    let facts = feed(&[], &init_segment(&avc_track()), 999);
    let known = init(&facts).tracks.clone();
    assert_eq!(fragments(&feed(&known, &bytes, 9)).len(), 1, "track 1 is read as track 3");
    let two = [known.clone(), vec![InitTrack { id: 4, ..known[0].clone() }]].concat();
    assert!(matches!(feed(&two, &bytes, 9).as_slice(), [Fact::Damaged { .. }]));
}

/// `init_segment`, with an edit list behind the track's header: an empty edit of this many ticks of the
/// movie, then the media from this time on.
fn delayed(empty: u32, media_time: u32) -> Vec<u8> {
    let plain = init_segment(&avc_track());
    let words = |words: &[u32]| words.iter().flat_map(|w| w.to_be_bytes()).collect::<Vec<u8>>();
    let boxed = |kind: &[u8], content: &[u8]| {
        let size = u32::try_from(content.len() + 8).unwrap();
        [&size.to_be_bytes()[..], kind, content].concat()
    };
    let edits = words(&[0, 2, empty, u32::MAX, 1 << 16, 0, media_time, 1 << 16]);
    let edits = boxed(b"edts", &boxed(b"elst", &edits));
    let at = |kind: &[u8]| plain.windows(4).position(|w| w == kind).unwrap();
    let mut out = plain.clone();
    out.splice(at(b"mdia") - 4..at(b"mdia") - 4, edits.iter().copied());
    for kind in [b"moov", b"trak"] {
        let size = &mut out[at(kind) - 4..at(kind)];
        let longer =
            u32::from_be_bytes(size.try_into().unwrap()) + u32::try_from(edits.len()).unwrap();
        size.copy_from_slice(&longer.to_be_bytes());
    }
    out
}

#[test]
fn an_empty_edit_is_taken_out_and_its_delay_told() {
    // The movie counts in the track's 90,000 ticks.
    let mut bytes = delayed(71_910, 3600);
    let mut tracks = init(&feed(&[], &bytes, 50)).tracks.clone();
    assert_eq!((tracks[0].edit_delay, tracks[0].edit_start), (71_910, 3600));
    assert_eq!(edits::lift(&mut bytes, &mut tracks), 759_000);
    // The browser sees no edit any more; our own reader presents as late as the edit said.
    let facts = feed(&[], &bytes, 50);
    let seen = &init(&facts).tracks[0];
    assert_eq!((seen.edit_delay, seen.edit_start), (0, 0));
    assert_eq!((tracks[0].edit_delay, tracks[0].edit_start), (0, 3600 - 71_910));
    assert_eq!(edits::lift(&mut bytes, &mut tracks), 0, "once is enough");
}

#[test]
fn an_edit_that_only_leaves_out_a_beginning_stays() {
    let mut bytes = delayed(0, 3600);
    let mut tracks = init(&feed(&[], &bytes, 50)).tracks.clone();
    assert_eq!(edits::lift(&mut bytes, &mut tracks), 0);
    assert_eq!((tracks[0].edit_start, &bytes), (3600, &delayed(0, 3600)));
}
