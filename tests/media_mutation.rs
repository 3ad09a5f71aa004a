//! Damaged media never panics a reader, and never makes it depend on how the bytes were cut.
//!
//! Real samples are changed in thousands of seeded ways: bytes flipped, lengths made extreme,
//! stretches cut out, doubled or moved. A failure names its seed; it is the same on every machine
//! that has the same ffmpeg.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod media_support;

use media_support::{ffmpeg, run};
use nearlive::media::codec::Codec;
use nearlive::media::es::aac::adts_frames;
use nearlive::media::es::h264::{self, AvcConfig};
use nearlive::media::scan::{Fact, Scanner, Want};
use nearlive::media::transmux::{Output, Transmuxer};
use nearlive::media::ts::{Demuxer, Event};
use nearlive::media::webm::search::{BEGINNING, Search};
use nearlive::media::webm::{cues, search};
use nearlive::units::ByteRange;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// SplitMix64: small, and good enough to choose where to do damage.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(n.max(1)).unwrap()).unwrap()
    }

    /// A place in `len` bytes; half of the time near the start, where headers are.
    fn place(&mut self, len: usize) -> usize {
        let reach = if self.below(2) == 0 { len.min(1500) } else { len };
        self.below(reach)
    }
}

fn mutated(sample: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = sample.to_vec();
    for _ in 0..=dice.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = dice.place(bytes.len());
        let length = dice.below(300).min(bytes.len() - at);
        match dice.below(8) {
            0 | 1 => bytes[at] ^= 1 << dice.below(8),
            2 => bytes[at] = u8::try_from(dice.below(256)).unwrap(),
            3 => {
                // A length or a count: nothing, one, almost all, all.
                let extreme = [0u32, 1, 0x7fff_ffff, u32::MAX][dice.below(4)].to_be_bytes();
                for (b, e) in bytes[at..].iter_mut().zip(extreme) {
                    *b = e;
                }
            }
            4 => bytes.truncate(at),
            5 => drop(bytes.drain(at..at + length)),
            6 => {
                let copy = bytes[at..at + length].to_vec();
                let to = dice.place(bytes.len());
                bytes.splice(to..to, copy);
            }
            _ => bytes[at..at + length].fill(0),
        }
    }
    bytes
}

/// Runs `check` on `rounds` mutations of each sample.
fn torture(rounds: u64, samples: &[Vec<u8>], check: impl Fn(&[u8], &mut Dice)) {
    for (n, sample) in samples.iter().enumerate() {
        for seed in 0..rounds {
            let mut dice = Dice(seed);
            let bytes = mutated(sample, &mut dice);
            let outcome = catch_unwind(AssertUnwindSafe(|| check(&bytes, &mut dice)));
            assert!(outcome.is_ok(), "sample {n}, seed {seed}");
        }
    }
}

const PICTURE: &str = "-f lavfi -i testsrc2=size=96x64:rate=25:duration=0.4";
const SOUND: &str = "-f lavfi -i sine=frequency=440:sample_rate=48000:duration=0.4";
const X264: &str = "-c:v libx264 -preset fast -pix_fmt yuv420p -bf 2 -g 5";

fn ts_samples() -> Vec<Vec<u8>> {
    let both = format!("{PICTURE} {SOUND} {X264} -c:a aac -b:a 32k -f mpegts");
    vec![
        ffmpeg(&format!("{both} pipe:1")),
        ffmpeg(&format!("{both} -omit_video_pes_length 0 -pat_period 0.1 pipe:1")),
    ]
}

fn mp4_samples() -> Vec<Vec<u8>> {
    let both = format!("{PICTURE} {SOUND} {X264} -c:a aac -b:a 32k -f mp4");
    let ts = &ts_samples()[0];
    let (mut t, mut out) = (Transmuxer::new(), Vec::new());
    t.push(ts, &mut out);
    let ours = out.iter().filter_map(|o| match o {
        Output::Init { bytes, .. } | Output::Fragment { bytes, .. } => Some(bytes.as_slice()),
        Output::Unsupported { .. } => None,
    });
    vec![
        ffmpeg(
            &format!(
                "{both} -an -movflags +cmaf+frag_every_frame+dash -write_prft wallclock pipe:1"
            )
            .replace("-c:a aac -b:a 32k ", ""),
        ),
        ffmpeg(&format!("{both} -movflags +delay_moov+frag_keyframe+default_base_moof pipe:1")),
        ours.collect::<Vec<_>>().concat(),
    ]
}

fn demux(bytes: &[u8], piece: usize) -> Vec<Event> {
    let (mut demuxer, mut events) = (Demuxer::new(), Vec::new());
    for part in bytes.chunks(piece) {
        demuxer.push(part, &mut events);
    }
    demuxer.flush(&mut events);
    events
}

#[test]
fn damaged_transport_streams() {
    torture(10_000, &ts_samples(), |bytes, dice| {
        let events = demux(bytes, bytes.len().max(1));
        assert!(events == demux(bytes, 1 + dice.below(400)), "pieces make a difference");
        let payload: usize =
            events.iter().map(|e| if let Event::Unit(u) = e { u.data.len() } else { 0 }).sum();
        assert!(payload <= bytes.len());
        for event in &events {
            if let Event::Unit(unit) = event {
                let sample = h264::access_unit(&unit.data);
                assert!(sample.data.len() <= 2 * unit.data.len());
                adts_frames(&unit.data).for_each(drop);
            }
        }
        let (mut t, mut out) = (Transmuxer::new(), Vec::new());
        for part in bytes.chunks(1 + dice.below(5000)) {
            t.push(part, &mut out);
        }
        t.end_segment(&mut out);
        // What comes out is well formed, whatever went in.
        let mut scanner = Scanner::default();
        let mut facts = Vec::new();
        for o in &out {
            if let Output::Init { bytes, .. } | Output::Fragment { bytes, .. } = o {
                scanner.feed(bytes, &mut facts);
            }
        }
        assert!(!facts.iter().any(|f| matches!(f, Fact::Damaged { .. })), "{facts:?}");
    });
}

/// The size of the pieces makes no difference, and what is told lies within `bytes`.
fn scanned(bytes: &[u8], dice: &mut Dice) {
    let facts = |piece| {
        let (mut scanner, mut facts) = (Scanner::default(), Vec::new());
        for part in bytes.chunks(piece) {
            scanner.feed(part, &mut facts);
        }
        if let Want::Need(n) = scanner.want() {
            assert!(n <= 8 << 20, "it wants {n} bytes at once");
        }
        assert!(scanner.offset() <= bytes.len() as u64);
        facts
    };
    let whole = facts(bytes.len().max(1));
    assert!(whole == facts(1 + dice.below(200)), "pieces make a difference");
    for fact in &whole {
        match fact {
            Fact::FragmentEnd { offset } => assert!(*offset <= bytes.len() as u64),
            Fact::Fragment(f) => assert!(f.offset < bytes.len() as u64),
            Fact::Init(init) => {
                for t in &init.tracks {
                    Codec::of(&t.codec);
                }
            }
            _ => {}
        }
    }
}

#[test]
fn damaged_mp4() {
    torture(30_000, &mp4_samples(), scanned);
}

/// Searches a file for its clusters: that ends, and finds them in the order of time.
fn searched(bytes: &[u8]) {
    let part = |range: ByteRange| {
        let at =
            |offset: u64| usize::try_from(offset).map_or(bytes.len(), |at| at.min(bytes.len()));
        &bytes[at(range.first)..at(range.last.map_or(u64::MAX, |last| last.saturating_add(1)))]
    };
    let Some(mut search) = Search::begin(part(ByteRange { first: 0, last: Some(BEGINNING - 1) }))
    else {
        return;
    };
    for asked in 0.. {
        let Some(range) = search.wants() else { break };
        assert!(asked < bytes.len() + 4, "it never ends");
        search.read(range.first, part(range));
    }
    assert!(search.found.is_sorted_by(|a, b| a.ticks < b.ticks && a.cluster < b.cluster));
}

#[test]
fn damaged_webm() {
    let sample = |codecs: &str| {
        let input = format!("{PICTURE} {SOUND} {codecs} -cluster_time_limit 400 -f webm pipe:1");
        ffmpeg(&input)
    };
    let picture = sample("-an -c:v libvpx-vp9 -b:v 99k -deadline realtime -cpu-used 8 -g 10");
    let both = sample("-c:v libvpx -b:v 99k -deadline realtime -c:a libvorbis");
    // As it is written into a file, with what names its index; the index itself is cut off by chance.
    let named = {
        let file =
            std::env::temp_dir().join(format!("nearlive-mutation-{}.webm", std::process::id()));
        let name = file.display();
        ffmpeg(&format!("{PICTURE} -c:v libvpx -b:v 99k -deadline realtime -f webm -y {name}"));
        let bytes = std::fs::read(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        bytes
    };
    torture(20_000, &[picture, both, named], |bytes, dice| {
        scanned(bytes, dice);
        searched(bytes);
        let mut index = [0x1c, 0x53, 0xbb, 0x6b].to_vec();
        index.extend_from_slice(&bytes[dice.place(bytes.len())..]);
        if let (Some(head), Some(cues)) = (search::head(bytes), cues(&index)) {
            assert!(head.inside <= bytes.len() as u64);
            assert!(cues.is_sorted_by(|a, b| a.ticks < b.ticks && a.cluster < b.cluster));
        }
    });
}

#[test]
fn damaged_adts() {
    let input = format!("{SOUND} -c:a aac -b:a 32k -f adts pipe:1");
    torture(30_000, &[ffmpeg(&input)], |bytes, _| {
        let mut frames = adts_frames(bytes);
        let payload: usize = frames.by_ref().map(|(_, f)| f.data.len()).sum();
        assert!(payload + frames.rest().len() <= bytes.len());
        // A frame has at most 8191 bytes, so that is all that may be kept for later.
        assert!(frames.rest().len() < 8192);
    });
}

#[test]
fn damaged_parameter_sets() {
    let ts = ts_samples();
    let h264 = run("ffmpeg", "-f mpegts -i pipe:0 -map 0:v -c copy -f h264 -", &ts[0]);
    let sets: Vec<Vec<u8>> = h264::nal_units(&h264)
        .filter(|n| n.first().is_some_and(|b| b & 0x1f == 7))
        .take(1)
        .map(<[u8]>::to_vec)
        .collect();
    assert_eq!(sets.len(), 1);
    torture(200_000, &sets, |bytes, _| {
        if let Some(config) = AvcConfig::new(bytes, &[0x68]) {
            assert!((1..=16_864).contains(&config.resolution.width));
            config.to_avcc();
        }
    });
}
