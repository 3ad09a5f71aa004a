//! What a camera may send that no camera should: another picture size in each frame, one that is too
//! big. In virtual time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use nearlive::media::es::h264::AvcConfig;
use nearlive::media::isobmff::write::SampleEntry;
use nearlive::time::WallTime;
use nearlive::units::Resolution;
use nearlive_server::package::{Access, Ailment, Frame, Packager};
use nearlive_server::store::{Budget, Camera, Limits, RenditionKind, RenditionSpec};

const START_US: i64 = 1_795_000_123_377_215;

fn server(window_s: u64) -> (Arc<Camera>, Packager) {
    let kind = RenditionKind::Video;
    let spec = RenditionSpec { id: "v0".into(), kind, copied: true, nominal_bps: None };
    let limits = Limits { window: Duration::from_secs(window_s), bytes: 64 << 20 };
    let camera = Camera::new(vec![spec], limits, Arc::new(Budget::new(256 << 20)));
    let mut packager = Packager::new(Arc::clone(&camera));
    packager.begin_run(WallTime::from_micros(START_US));
    (camera, packager)
}

/// Key frame `i` of 25 a second, of this size.
fn key(i: i64, width: u32, height: u32) -> Frame {
    let entry = SampleEntry::Avc(AvcConfig {
        sps: vec![0x67, 66, 0xc0, 30, (width / 16) as u8, (height / 16) as u8],
        pps: vec![0x68, 0xce],
        more_pps: Vec::new(),
        resolution: Resolution { width, height },
    });
    Frame {
        pts: i * 3600,
        arrival_us: START_US + i * 40_000,
        data: vec![0, 0, 0, 3, 0x65, 1, 2],
        access: Access::Closed,
        bidirectional: false,
        entry: Some(entry),
    }
}

#[test]
fn a_new_size_in_each_frame_begins_at_most_one_period_a_second_and_few_are_kept() {
    for window_s in [30, 3600] {
        let (camera, mut packager) = server(window_s);
        let mut starts: Vec<u64> = Vec::new();
        for i in 0..25 * 120 {
            let width = 160 + 16 * u32::try_from(i % 12).unwrap();
            packager.give(0, &mut vec![key(i, width, 96)]);
            packager.tick(WallTime::from_micros(START_US + i * 40_000));
            for period in camera.window().periods {
                if starts.last().is_none_or(|last| *last < period.ms) {
                    starts.push(period.ms);
                }
            }
        }
        assert!(starts.len() > 60, "the picture goes on: {}", starts.len());
        // The camera's first Period has an assumed slot, and another follows when that is learnt.
        let shortest = starts.windows(2).skip(1).map(|w| w[1] - w[0]).min().unwrap();
        assert!(shortest >= 980, "{shortest} ms");
        assert!(camera.window().periods.len() <= 50, "{}", camera.window().periods.len());
    }
}

#[test]
fn a_first_picture_stamped_seconds_too_early_moves_no_other_one() {
    let period_ms = |guess: i64| {
        let (camera, mut packager) = server(30);
        for i in 0..100 {
            let mut frame = key(i, 320, 96);
            frame.pts = if i == 0 { guess } else { 900_000 + frame.pts };
            packager.give(0, &mut vec![frame]);
        }
        camera.window().periods[0].ms
    };
    let right = period_ms(900_000);
    assert_eq!([0, 2_250, 300_000, 903_600].map(period_ms), [right; 4]);
    assert!(right.abs_diff(u64::try_from(START_US / 1000).unwrap()) < 100);
}

#[test]
fn one_new_size_is_shown_at_once() {
    let (camera, mut packager) = server(30);
    for i in 0..250 {
        let width = if i < 150 { 320 } else { 640 };
        packager.give(0, &mut vec![key(i, width, 96)]);
        packager.tick(WallTime::from_micros(START_US + i * 40_000));
    }
    let starts: Vec<u64> = camera.window().periods.iter().map(|p| p.ms).collect();
    // The first has an assumed slot, the second one that is learnt from the camera's key frames.
    assert_eq!(starts.len(), 3, "{starts:?}");
    let (from, at) = (starts[0], starts[2]);
    assert!((5_900..6_100).contains(&(at - from)), "{} ms after the first", at - from);
}

#[test]
fn a_picture_that_no_decoder_takes_is_not_given_out_and_is_told() {
    let (camera, mut packager) = server(30);
    for i in 0..100 {
        packager.give(0, &mut vec![key(i, 16_000, 16_000)]);
        packager.tick(WallTime::from_micros(START_US + i * 40_000));
    }
    assert_eq!(packager.ailment(), Some(Ailment::TooBig(16_000, 16_000)));
    assert!(camera.window().periods.is_empty());
    packager.begin_run(WallTime::from_micros(START_US + 5_000_000));
    assert_eq!(packager.ailment(), None, "the next run is looked at anew");
}
