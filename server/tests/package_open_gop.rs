//! Cameras that send no IDR picture after their first one: what is served begins with IDR pictures, and
//! shows the camera's own pictures. In virtual time, with what x264 wrote and ffmpeg decodes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pictures;

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use nearlive::media::es::h264::{nal_units, sample_units};
use nearlive::media::ts::{Demuxer, Event};
use nearlive::time::WallTime;
use nearlive_server::package::Packager;
use nearlive_server::store::{Budget, Camera, Limits, Lookup, RenditionKind, RenditionSpec};
use pictures::decoded;

const START_US: i64 = 1_795_000_123_377_215;
/// Pictures a GOP of a second, and of the whole film.
const GOP: usize = 25;
const FILM: usize = 7 * GOP;

/// x264's film of 7 s, an I picture with a recovery point each second.
struct Film {
    path: PathBuf,
    /// MD5 of each picture as it is shown, in their order.
    pictures: Vec<String>,
}

impl Film {
    fn new(name: &str, codec: &str, params: &str) -> Self {
        let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let path = dir.join(format!("open-gop-{}-{name}.ts", std::process::id()));
        let mut args = "-hide_banner -loglevel error -nostdin -y -f lavfi -i \
                        testsrc2=size=320x180:rate=25,noise=alls=9:allf=t -c:v libx264 -threads 1 \
                        -preset veryfast -sc_threshold 0"
            .split_whitespace()
            .chain(codec.split_whitespace())
            .map(str::to_owned)
            .collect::<Vec<_>>();
        args.extend(["-frames:v".into(), FILM.to_string(), "-g".into(), GOP.to_string()]);
        args.extend(["-x264-params".into(), format!("open-gop=1:keyint={GOP}:b-adapt=0:{params}")]);
        args.extend(
            "-f mpegts -muxdelay 0 -muxpreload 0 -omit_video_pes_length 0"
                .split(' ')
                .map(str::to_owned),
        );
        args.push(path.to_str().unwrap().into());
        assert!(Command::new("ffmpeg").args(&args).status().expect("ffmpeg runs").success());
        let pictures = decoded("", &std::fs::read(&path).unwrap());
        assert_eq!(pictures.len(), FILM);
        Self { path, pictures }
    }

    /// Access units from the `from`-th on as transport stream bytes, each when it is whole.
    fn units(&self, from: usize) -> Vec<Vec<u8>> {
        let ts = std::fs::read(&self.path).unwrap();
        let (mut demuxer, mut events) = (Demuxer::new(), Vec::new());
        let (mut out, mut held) = (Vec::new(), Vec::new());
        for packet in ts.chunks(188) {
            demuxer.push(packet, &mut events);
            held.extend_from_slice(packet);
            for event in events.drain(..) {
                if matches!(event, Event::Unit(_)) {
                    // The packet that ends one begins the next.
                    let next = held.split_off(held.len() - 188);
                    out.push(std::mem::replace(&mut held, next));
                }
            }
        }
        out.push(held);
        let tables = out[0][..2 * 188 + 188].to_vec();
        std::iter::once(tables).chain(out.split_off(from)).collect()
    }
}

impl Drop for Film {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// What is served.
struct Served {
    init: Vec<u8>,
    segments: Vec<Vec<u8>>,
    sap_types: Vec<u8>,
    periods: usize,
    since_key: Option<Duration>,
}

fn serve(units: &[Vec<u8>]) -> Served {
    let kind = RenditionKind::Video;
    let spec = RenditionSpec { id: "v0".into(), kind, copied: true, nominal_bps: None };
    let limits = Limits { window: Duration::from_secs(60), bytes: 64 << 20 };
    let camera = Camera::new(vec![spec], limits, Arc::new(Budget::new(256 << 20)));
    let mut packager = Packager::new(Arc::clone(&camera));
    packager.begin_run(WallTime::from_micros(START_US));
    for (i, unit) in (0..).zip(units) {
        let now = WallTime::from_micros(START_US + i * 40_000);
        packager.push(0, unit, now);
        packager.tick(now);
    }
    let window = camera.window();
    let mut served = Served {
        init: Vec::new(),
        segments: Vec::new(),
        sap_types: Vec::new(),
        periods: window.periods.len(),
        since_key: packager.since_key(),
    };
    for period in &window.periods {
        served.init = camera.init(period.ms, "v0").unwrap().to_vec();
        for segment in period.tracks.iter().flat_map(|t| &t.segments) {
            let Lookup::Found(reader) = camera.segment(period.ms, "v0", segment.number) else {
                panic!("segment {} is there", segment.number)
            };
            served.segments.push(reader.so_far().concat());
            served.sap_types.push(segment.sap_type);
        }
    }
    served
}

/// The slices' NAL units of each sample.
fn slices(segment: &[u8]) -> Vec<Vec<&[u8]>> {
    // Each chunk has one sample, whole in its mdat.
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(head) = segment.get(at..at + 8) {
        let size = u32::from_be_bytes(head[..4].try_into().unwrap()) as usize;
        if &head[4..] == b"mdat" {
            let nals = sample_units(&segment[at + 8..at + size]);
            out.push(nals.filter(|nal| matches!(nal[0] & 31, 1 | 5)).collect());
        }
        at += size;
    }
    out
}

fn is_idr(slices: &[&[u8]]) -> bool {
    slices.iter().all(|nal| nal[0] & 31 == 5)
}

/// Each segment begins with an IDR picture and can be decoded by itself; all together are the film from
/// its first I picture on, without the pictures that are shown before the I picture that begins a segment.
fn check(name: &str, codec: &str, params: &str) {
    let film = Film::new(name, codec, params);
    // The camera is connected to after its only IDR picture.
    let served = serve(&film.units(GOP + 9));
    assert_eq!(served.sap_types.iter().find(|t| **t != 1), None, "{name}");
    assert!(served.segments.len() >= 3, "{name}: {}", served.segments.len());
    // The second Period is that of the slot's length, which is learnt.
    assert!(served.periods <= 2, "{name}: {}", served.periods);
    assert!(served.since_key.unwrap() <= Duration::from_secs(2), "{name}: {:?}", served.since_key);
    let place: HashMap<&str, usize> =
        film.pictures.iter().enumerate().map(|(i, md5)| (md5.as_str(), i)).collect();
    let shown = |stream: &[u8]| -> Vec<usize> {
        let pictures = decoded("", &[&served.init[..], stream].concat());
        pictures
            .iter()
            .map(|md5| *place.get(md5.as_str()).expect("a picture of the film"))
            .collect()
    };
    let mut all = Vec::new();
    for segment in &served.segments {
        let idr: Vec<bool> = slices(segment).iter().map(|s| is_idr(s)).collect();
        assert!(idr[0] && !idr[1..].contains(&true), "{name}: {idr:?}");
        all.extend(shown(segment));
    }
    assert!(all.is_sorted(), "{name}: {all:?}");
    let (first, last) = (all[0], *all.last().unwrap());
    let missing: Vec<_> = (first..last).filter(|i| !all.contains(i)).collect();
    let b_pictures = if params.contains("bframes=0") { 0 } else { 3 };
    assert!(missing.len() <= b_pictures * (served.segments.len() - 1), "{name}: {missing:?}");
    assert!(last + 6 > FILM, "{name}: to the end, not to {last}");
    assert_eq!(shown(&served.segments.concat()), all, "{name}: all in one go");
}

#[test]
fn an_open_gop_begins_with_an_idr_picture_and_shows_the_cameras_pictures() {
    check("cabac", "", "bframes=2:b-pyramid=none");
    check("cavlc", "", "bframes=2:b-pyramid=none:cabac=0");
    check("pyramid", "", "bframes=3:b-pyramid=normal:ref=4");
    check("weights", "", "bframes=3:weightb=1:weightp=2:direct=auto:ref=3");
    check("forward", "", "bframes=1:b-adapt=1:b-bias=-100");
    check("unmarked", "-bsf:v filter_units=remove_types=6", "bframes=2");
    check("slices", "", "bframes=2:slices=4");
    check("slices-cavlc", "", "bframes=2:slices=3:cabac=0:deblock=1,1");
}

#[test]
fn neither_interlacing_nor_another_kind_of_sample_is_in_the_way() {
    check("mbaff", "", "bframes=2:interlaced=1");
    check("422", "-pix_fmt yuv422p", "bframes=2");
    check("444", "-pix_fmt yuv444p", "bframes=2");
    check("10", "-pix_fmt yuv420p10le", "bframes=2:cabac=0");
}

#[test]
fn after_a_camera_s_only_idr_picture_others_are_made_at_once() {
    let film = Film::new("first", "", "bframes=2");
    let served = serve(&film.units(0));
    assert!(served.segments.len() > 4 && served.periods <= 2, "{}", served.periods);
    assert!(served.segments.iter().all(|s| is_idr(&slices(s)[0])));
}

#[test]
fn a_camera_whose_idr_pictures_come_regularly_is_left_as_it_is() {
    let forced = "-forced-idr 1 -force_key_frames expr:gte(t,n_forced*2)";
    let film = Film::new("regular", forced, "bframes=2");
    let units = film.units(0);
    let served = serve(&units);
    // The second IDR picture, at 2 s, shows that they come.

    assert!(served.sap_types.contains(&3), "{:?}", served.sap_types);
    let mut demuxer = Demuxer::new();
    let mut events = Vec::new();
    demuxer.push(&units.concat(), &mut events);
    let came: Vec<Vec<u8>> = events
        .into_iter()
        .filter_map(|event| if let Event::Unit(unit) = event { Some(unit.data) } else { None })
        .flat_map(|data| nal_units(&data).map(<[u8]>::to_vec).collect::<Vec<_>>())
        .collect();
    for segment in &served.segments[served.segments.len() - 4..] {
        for slice in slices(segment).concat() {
            assert!(came.iter().any(|nal| nal == slice), "a slice that the camera did not send");
        }
    }
}
