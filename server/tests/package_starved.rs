//! The packager under a camera and an encoder that are short of computing power: frames are skipped,
//! GOPs are counted in frames, everything comes late and in bursts.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use nearlive::media::es::h264::AvcConfig;
use nearlive::media::isobmff::write::SampleEntry;
use nearlive::time::WallTime;
use nearlive::units::Resolution;
use nearlive_server::package::{Access, Frame, Packager};
use nearlive_server::store::{
    Budget, Camera, Limits, Lookup, RenditionKind, RenditionSpec, Window,
};
use std::sync::Arc;
use std::time::Duration;

const START_US: i64 = 1_795_000_123_377_215;
const FRAME_US: i64 = 40_000;
/// From capture to arrival in the copied rendition, and how much later the encoded one is.
const DELAY_US: i64 = 55_000;
const ENCODING_US: i64 = 30_000;

/// A camera with a copied and an encoded rendition, frame by frame.
struct Feed {
    camera: Arc<Camera>,
    packager: Packager,
    now_us: i64,
    /// What is under way: when it arrives, track, frame.
    under_way: Vec<(i64, usize, Frame)>,
    /// Nothing overtakes what was sent before it.
    last_arrival_us: i64,
}

impl Feed {
    fn new() -> Self {
        let spec = |id: &str, copied| RenditionSpec {
            id: id.into(),
            kind: RenditionKind::Video,
            copied,
            nominal_bps: None,
        };
        let limits = Limits { window: Duration::from_secs(600), bytes: 64 << 20 };
        let renditions = vec![spec("v0", true), spec("v1", false)];
        let camera = Camera::new(renditions, limits, Arc::new(Budget::new(256 << 20)));
        let mut packager = Packager::new(Arc::clone(&camera));
        packager.begin_run(WallTime::from_micros(START_US));
        Self { camera, packager, now_us: START_US, under_way: Vec::new(), last_arrival_us: 0 }
    }

    /// A frame captured at `at`, microseconds since the start, comes `late` later than usual.
    fn frame(&mut self, at: i64, key: bool, late: i64) {
        let arrival_us = (START_US + at + DELAY_US + late).max(self.last_arrival_us);
        self.last_arrival_us = arrival_us;
        for (track, encoding) in [0, ENCODING_US].into_iter().enumerate() {
            let arrival_us = arrival_us + encoding;
            let entry = key.then(|| {
                SampleEntry::Avc(AvcConfig {
                    sps: vec![0x67, 0x64, 0, 0x1f, 0xac, 0xd9],
                    pps: vec![0x68, 0xeb, 0xe3],
                    more_pps: Vec::new(),
                    resolution: Resolution { width: 64, height: 36 },
                })
            });
            let pts = at * 9 / 100;
            let frame = Frame {
                pts,
                arrival_us,
                data: vec![0; 64],
                access: if key { Access::Closed } else { Access::None },
                bidirectional: false,
                entry,
            };
            self.under_way.push((arrival_us, track, frame));
        }
    }

    /// All that arrives until `until`, microseconds since the start, with the ticks between.
    fn arrive(&mut self, until: i64) {
        self.under_way.sort_by_key(|(at, track, frame)| (*at, frame.pts, *track));
        for (at, track, frame) in std::mem::take(&mut self.under_way) {
            if at > START_US + until {
                self.under_way.push((at, track, frame));
                continue;
            }
            self.tick_until(at);
            self.packager.give(track, &mut vec![frame]);
        }
        self.tick_until(START_US + until);
    }

    fn tick_until(&mut self, until: i64) {
        while self.now_us / 100_000 < until / 100_000 {
            self.now_us = (self.now_us / 100_000 + 1) * 100_000;
            self.packager.tick(WallTime::from_micros(self.now_us));
        }
        self.now_us = self.now_us.max(until);
    }

    /// Every number of every Period is there, in all renditions with the same start.
    fn check(&self, within_us: i64) -> Window {
        let window = self.camera.window();
        for period in &window.periods {
            assert!(!period.listed, "{period:?}");
            let starts = period.tracks.iter().map(|t| {
                let s = &t.segments;
                assert!(s.windows(2).all(|w| w[1].number == w[0].number + 1), "{s:?}");
                s.iter().map(|s| (s.number, s.start_ticks)).collect::<Vec<_>>()
            });
            let starts: Vec<_> = starts.collect();
            let common = starts[0].len().min(starts[1].len());
            // The clock may be set right by a few ticks between the one and the other.
            let apart = starts[0].iter().zip(&starts[1]).map(|(a, b)| a.1.abs_diff(b.1)).max();
            assert!(common > 0 && apart < Some(45), "{apart:?} apart: {starts:?}");
            for (number, ticks) in &starts[0] {
                let nominal = period.ms as i64 * 1000
                    + (number - period.first_number) as i64 * period.duration_us as i64;
                let off = *ticks as i64 * 100 / 9 - nominal;
                assert!(off.abs() <= within_us, "segment {number} is {off} us off: {period:?}");
            }
        }
        window
    }
}

/// Numbers below 1000 that look like chance.
fn chance() -> impl FnMut() -> i64 {
    let mut state = 88_172_645_463_325_252u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % 1000) as i64
    }
}

#[test]
fn a_camera_that_skips_frames_costs_few_periods_and_no_number() {
    let mut feed = Feed::new();
    let mut chance = chance();
    let mut counted = 0;
    // Ten seconds of peace, then two minutes in which a tenth to a third of the frames is skipped.
    for n in 0..3250 {
        let starved = n > 250;
        if starved && chance() < 100 + (n % 700) / 3 {
            continue;
        }
        let late = if starved { chance() * 400 } else { 0 };
        feed.frame(n * FRAME_US, counted % 25 == 0, late);
        counted += 1;
    }
    feed.arrive(3250 * FRAME_US);
    let window = feed.check(1_000_000);
    let periods: Vec<_> =
        window.periods.iter().map(|p| (p.ms - window.periods[0].ms, p.duration_us)).collect();
    assert!(periods.len() <= 7, "(start in ms, length of slots in us): {periods:?}");
}

#[test]
fn a_backlog_that_is_worked_off_moves_nothing() {
    let mut feed = Feed::new();
    let mut late = 0;
    for n in 0..1500i64 {
        late = match n {
            300..450 => late + FRAME_US / 2,
            600..900 => (late - FRAME_US / 3).max(0),
            _ => late,
        };
        // Five frames at a time, as pipes are read.
        feed.frame(n * FRAME_US, n % 25 == 0, late + (4 - n % 5) * FRAME_US);
    }
    feed.arrive(1500 * FRAME_US);
    let window = feed.check(50_000);
    assert_eq!(window.periods.len(), 2, "the first GOP and all others: {:#?}", window.periods);
    let first = &window.periods[0];
    let off = first.ms as i64 * 1000 - (START_US);
    assert!(off.abs() < 200_000, "presentation time is capture time: {off} us off");
}

#[test]
fn a_lost_key_frame_costs_no_period_and_no_number() {
    let mut feed = Feed::new();
    for n in (0..1000).filter(|n| *n != 500) {
        feed.frame(n * FRAME_US, n % 25 == 0, 0);
    }
    feed.arrive(1000 * FRAME_US);
    let window = feed.check(540_000);
    assert_eq!(window.periods.len(), 2, "the first GOP and all others");
    let dependent = |t: usize| {
        let segments = &window.periods[1].tracks[t].segments;
        segments.iter().filter(|s| s.sap_type == 0).count()
    };
    assert_eq!([dependent(0), dependent(1)], [1, 1], "manifests say that one cannot enter there");
    let text = nearlive_server::playlist::mpd(&window);
    let (first, others) = text.split_once("</Period>").unwrap();
    assert!(first.contains("startWithSAP=\"1\"") && !others.contains("startWithSAP"), "{text}");
}

#[test]
fn the_old_period_goes_on_for_each_rendition_until_that_has_left_it() {
    let mut feed = Feed::new();
    // From frame 900 on key frames are 8 frames early: they have strayed too far.
    for n in 0..1000 {
        feed.frame(n * FRAME_US, if n < 890 { n % 25 == 0 } else { n % 25 == 17 }, 0);
    }
    feed.arrive(35_200_000);
    let old = feed.camera.window().periods.pop().unwrap();
    let next = old.tracks[0].segments.last().unwrap().number + 1;
    let look = |feed: &Feed, rendition: &str| feed.camera.segment(old.ms, rendition, next);
    let mut seen = Vec::new();
    for ms in (35_200..37_500).step_by(5) {
        feed.arrive(ms * 1000);
        let both = ["v0", "v1"].map(|id| match look(&feed, id) {
            Lookup::Soon => "soon",
            Lookup::Found(_) => "found",
            Lookup::Never => "never",
            _ => "lost",
        });
        if seen.last() != Some(&both) {
            seen.push(both);
        }
    }
    assert_eq!(seen, [["soon", "soon"], ["never", "soon"], ["never", "never"]]);
    assert_eq!(feed.camera.window().periods.len(), 3);
}

#[test]
fn after_a_gap_presentation_time_is_still_the_capture_time() {
    for gap in [5, 20, 50, 70] {
        let mut feed = Feed::new();
        for n in (0..600).filter(|n| !(300..300 + gap).contains(n)) {
            feed.frame(n * FRAME_US, n % 25 == 0, 0);
        }
        feed.arrive(600 * FRAME_US + 500_000);
        let period = feed.camera.window().periods.pop().unwrap();
        let last = period.tracks[0].segments.last().unwrap();
        let end = (last.start_ticks + last.duration_ticks) as i64 * 100 / 9;
        let off = end - (START_US + 600 * FRAME_US);
        assert!(off.abs() < 80_000, "{gap} frames missing: {off} us off");
    }
}

/// Decoding time and duration of each chunk of the copied rendition, 90 kHz.
fn decoding_times(camera: &Camera) -> Vec<(u64, u64)> {
    let window = camera.window();
    let mut times = Vec::new();
    for period in &window.periods {
        for segment in &period.tracks[0].segments {
            let Lookup::Found(segment) = camera.segment(period.ms, "v0", segment.number) else {
                panic!("segment {} is listed and not there", segment.number);
            };
            let bytes = segment.so_far().concat();
            let places = |kind: &[u8]| -> Vec<usize> {
                bytes.windows(4).enumerate().filter(|(_, w)| *w == kind).map(|(i, _)| i).collect()
            };
            for (tfdt, trun) in places(b"tfdt").into_iter().zip(places(b"trun")) {
                let time = u64::from_be_bytes(bytes[tfdt + 8..tfdt + 16].try_into().unwrap());
                let lasts = u32::from_be_bytes(bytes[trun + 16..trun + 20].try_into().unwrap());
                times.push((time, u64::from(lasts)));
            }
        }
    }
    times
}

#[test]
fn missing_frames_leave_no_leap_in_decoding_time() {
    let mut feed = Feed::new();
    // Inside a GOP, before a key frame, and each second one.
    let missing = |n: &i64| [(130, 133), (220, 225)].iter().any(|(a, b)| (*a..*b).contains(n));
    for n in (0..400).filter(|n| !missing(n) && (*n < 300 || n % 2 == 0)) {
        feed.frame(n * FRAME_US, n % 25 == 0 || n == 326, 0);
    }
    feed.arrive(400 * FRAME_US);
    let times = decoding_times(&feed.camera);
    assert!(times.len() > 300);
    for pair in times.windows(2) {
        let [(at, lasts), (next, _)] = pair else { continue };
        // Browsers bear twice the duration.
        assert!(next > at && (next - at) * 2 <= lasts * 3, "{at} lasts {lasts}, next {next}");
    }
}
