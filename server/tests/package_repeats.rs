//! The pictures that show a key frame again, as ffmpeg decodes them: equal to it, each of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pictures;

use std::process::Command;

use nearlive::media::es::h264::{AvcConfig, access_unit, sample_units};
use nearlive::media::es::repeat::Repeats;
use pictures::decoded;

/// How many are made of each.
const MANY: u32 = 60;

/// The first picture of x264's stream: its sets, and its sample.
fn key(size: &str, codec: &str) -> (AvcConfig, Vec<u8>) {
    let source = format!("-f lavfi -i testsrc2=size={size}:rate=25,noise=alls=9:allf=t");
    let words =
        format!("-hide_banner -loglevel error {source} -frames:v 1 -c:v libx264 {codec} -f h264 -");
    let out = Command::new("ffmpeg").args(words.split_whitespace()).output().expect("ffmpeg runs");
    assert!(out.status.success(), "{codec}");
    let stream = out.stdout;
    let unit = access_unit(&stream);
    (unit.config.unwrap(), unit.data)
}

fn annex_b(sample: &[u8]) -> Vec<u8> {
    sample_units(sample).flat_map(|nal| [&[0, 0, 0, 1], nal].concat()).collect()
}

#[test]
fn every_picture_that_repeats_a_key_frame_is_equal_to_it() {
    let codecs = [
        ("320x180", "-preset veryfast"),
        ("320x180", "-preset ultrafast"),
        ("320x180", "-profile:v baseline -bf 0"),
        ("322x182", "-preset medium -x264-params slices=3:weightp=2:ref=4"),
        ("1280x720", "-preset veryfast -tune zerolatency"),
        ("1920x1080", "-preset ultrafast -x264-params cabac=1:qp=10"),
        ("64x64", "-pix_fmt gray -x264-params weightp=2"),
        ("320x180", "-pix_fmt yuv444p -x264-params weightp=2:bframes=3"),
        ("320x180", "-pix_fmt yuv420p10le"),
    ];
    for (size, codec) in codecs {
        let (config, idr) = key(size, codec);
        let repeats = Repeats::of(&config, &idr).unwrap_or_else(|| panic!("{codec}"));
        let mut stream = annex_b(&[&sets(&config)[..], &idr].concat());
        for n in 1..=MANY {
            let picture = repeats.nth(n);
            assert!(picture.len() < 100, "{codec}: {} bytes", picture.len());
            stream.extend(annex_b(&picture));
        }
        let pictures = decoded("-err_detect explode -f h264", &stream);
        assert_eq!(pictures.len(), MANY as usize + 1, "{codec}");
        assert!(pictures.iter().all(|it| *it == pictures[0]), "{codec}: {pictures:?}");
    }
}

#[test]
fn what_cannot_be_repeated_is_said() {
    let (fields, idr) = key("320x192", "-x264-params interlaced=1");
    assert!(Repeats::of(&fields, &idr).is_none(), "fields");
    let (config, idr) = key("320x180", "-preset veryfast");
    assert!(Repeats::of(&config, &[]).is_none(), "no picture");
    assert!(Repeats::of(&config, &idr[..4]).is_none(), "no slice");
    assert!(
        Repeats::of(&config, &Repeats::of(&config, &idr).unwrap().nth(1)).is_none(),
        "no key frame"
    );
}

/// The parameter sets as a sample.
fn sets(config: &AvcConfig) -> Vec<u8> {
    let mut out = Vec::new();
    for nal in [&config.sps, &config.pps] {
        out.extend(u32::try_from(nal.len()).unwrap().to_be_bytes());
        out.extend(nal);
    }
    out
}
