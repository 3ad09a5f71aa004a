//! Damaged manifests of every producer never panic, from the bytes to the questions that the player
//! asks. Seeded, so that a failure can be repeated.

use nearlive::dash::{read as mpd, resolve as dash};
use nearlive::hls::syntax::Playlist;
use nearlive::hls::update::Placement;
use nearlive::hls::{read as m3u8, resolve as hls};
use nearlive::presentation::{Presentation, Resource, edge, window};
use nearlive::time::{Position, WallTime};

const URL: &str = "https://user:pw@h.example/a/b.mpd?c#d";
const ROUNDS: u32 = 1500;

const MPDS: [&str; 10] = [
    include_str!("data/ffmpeg_ldash.mpd"),
    include_str!("data/ffmpeg_list.mpd"),
    include_str!("data/ffmpeg_live.mpd"),
    include_str!("data/ffmpeg_live_ended.mpd"),
    include_str!("data/ffmpeg_number.mpd"),
    include_str!("data/ffmpeg_streaming.mpd"),
    include_str!("data/ffmpeg_vod_number.mpd"),
    include_str!("data/ffmpeg_vod_single.mpd"),
    include_str!("data/ffmpeg_vod_timeline.mpd"),
    include_str!("data/ffmpeg_webm.mpd"),
];
const PLAYLISTS: [&str; 6] = [
    include_str!("data/ffmpeg_byterange.m3u8"),
    include_str!("data/ffmpeg_fmp4_live.m3u8"),
    include_str!("data/ffmpeg_multivariant.m3u8"),
    include_str!("data/ffmpeg_ts.m3u8"),
    include_str!("data/ffmpeg_ts_ended.m3u8"),
    include_str!("data/ffmpeg_vod.m3u8"),
];

/// xorshift64*.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).unwrap_or(0) % n.max(1)
    }

    /// A few blows: a flipped bit, another digit, a long number, a piece lost or doubled.
    fn damage(&mut self, text: &str) -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            let end = (at + 1 + self.below(40)).min(bytes.len());
            match self.below(6) {
                0 => bytes[at] ^= 1 << self.below(8),
                1 => {
                    let digits: Vec<usize> =
                        (0..bytes.len()).filter(|i| bytes[*i].is_ascii_digit()).collect();
                    if let Some(i) = digits.get(self.below(digits.len())) {
                        bytes[*i] = b"0123456789-.e"[self.below(13)];
                    }
                }
                2 => {
                    let digit = bytes.iter().skip(at).position(u8::is_ascii_digit);
                    let at = at + digit.unwrap_or(0);
                    bytes.splice(at..at, *b"18446744073709551615");
                }
                3 => drop(bytes.drain(at..end)),
                4 => {
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
                _ => bytes.truncate(at.max(1)),
            }
            if bytes.is_empty() {
                break;
            }
        }
        bytes
    }
}

/// All that the player asks.
fn question(p: &Presentation) {
    let times = [i64::MIN, -1, 0, 1_795_493_440_000_000, i64::MAX];
    for us in times {
        let _ = edge(p, WallTime::from_micros(us)).and_then(|edge| window(p, edge));
    }
    let tracks = p.periods.iter().flat_map(|period| &period.tracks);
    for (r, kind) in tracks.flat_map(|t| t.representations.iter().map(|r| (r, t.kind))) {
        let _ = (r.mime(kind), r.segments.last());
        for us in times {
            if let Some(s) = r.segments.at(Position::from_micros(us)) {
                assert!(s.start <= s.end, "{s:?}");
                let _ = r.segments.numbered(s.number.wrapping_add(1));
            }
            let _ = r.segments.newest(WallTime::from_micros(us));
        }
    }
}

#[test]
fn damaged_mpds() {
    let mut good = 0;
    for (i, text) in MPDS.iter().enumerate() {
        let mut dice = Dice(0x9E37_79B9 + i as u64);
        for _ in 0..ROUNDS {
            let bytes = dice.damage(text);
            match mpd::mpd(&bytes).and_then(|m| dash::resolve(&m, URL)) {
                Ok(new) => {
                    good += 1;
                    question(&new);
                }
                Err(error) => assert!(!error.to_string().contains("pw"), "{error}"),
            }
        }
    }
    assert!(
        good > 100,
        "only {good} got past the reader: the damage is too heavy to test the rest"
    );
}

#[test]
fn damaged_playlists() {
    let mut good = 0;
    for (i, text) in PLAYLISTS.iter().enumerate() {
        let mut dice = Dice(0xB529_7A4D + i as u64);
        let mut placement = Placement::default();
        let mut known: Option<Presentation> = None;
        for _ in 0..ROUNDS * 3 {
            match m3u8::playlist(&dice.damage(text)) {
                Ok(Playlist::Multivariant(list)) => {
                    if let Ok(p) = hls::multivariant(&list, URL) {
                        good += 1;
                        question(&p);
                    }
                }
                Ok(Playlist::Media(media)) => {
                    let p = known.get_or_insert_with(|| hls::single(&media, URL));
                    if placement.apply(p, &Resource::at(URL), URL, &media).is_ok() {
                        good += 1;
                        question(p);
                    }
                }
                Err(error) => assert!(!error.to_string().contains("pw"), "{error}"),
            }
        }
    }
    assert!(
        good > 200,
        "only {good} got past the reader: the damage is too heavy to test the rest"
    );
}
