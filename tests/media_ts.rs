//! The transport stream demuxer on what ffmpeg writes: nothing held, nothing lost, in any pieces.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod media_support;

use media_support::{AAC, H264, camera_ts, ffmpeg, ffprobe, test_input};
use nearlive::media::es::{aac, h264};
use nearlive::media::ts::{Demuxer, Event, StreamKind, Unit, Unwrap};
use nearlive::units::Resolution;

fn demux(bytes: &[u8], piece: usize) -> Vec<Event> {
    let mut demuxer = Demuxer::new();
    let mut events = Vec::new();
    for part in bytes.chunks(piece) {
        demuxer.push(part, &mut events);
    }
    demuxer.flush(&mut events);
    events
}

fn units(events: &[Event], kind: StreamKind) -> Vec<&Unit> {
    events
        .iter()
        .filter_map(|e| match e {
            Event::Unit(u) if u.kind == kind => Some(u),
            _ => None,
        })
        .collect()
}

fn lost(events: &[Event]) -> usize {
    events.iter().filter(|e| matches!(e, Event::Lost { .. })).count()
}

#[test]
fn every_access_unit_comes_out_with_the_times_that_ffprobe_sees() {
    let ts = camera_ts("2");
    let events = demux(&ts, 1316);
    let video = units(&events, StreamKind::H264);
    let times: Vec<String> =
        video.iter().map(|u| format!("{},{}", u.pts.unwrap(), u.dts.unwrap())).collect();
    let expected = ffprobe("-f mpegts -select_streams v -show_entries packet=pts,dts", &ts);
    assert_eq!(video.len(), 50);
    assert_eq!(times, expected);
    assert_eq!(lost(&events), 0);

    let frames: usize =
        units(&events, StreamKind::Aac).iter().map(|u| aac::adts_frames(&u.data).count()).sum();
    let expected = ffprobe("-f mpegts -select_streams a -show_entries packet=pts", &ts).len();
    assert_eq!(frames, expected);
    let (config, _) = aac::adts_frames(&units(&events, StreamKind::Aac)[0].data).next().unwrap();
    assert_eq!((config.sample_rate, config.channels, config.object_type), (48000, 2, 2));
}

#[test]
fn the_size_of_the_pieces_makes_no_difference() {
    for ts in [camera_ts("1"), unbounded_ts()] {
        let whole = demux(&ts, ts.len());
        assert!(units(&whole, StreamKind::H264).len() >= 25);
        for piece in [1, 7, 187, 188, 189, 1000, 4096] {
            assert!(demux(&ts, piece) == whole, "pieces of {piece}");
        }
    }
}

fn unbounded_ts() -> Vec<u8> {
    ffmpeg(&format!("{} {H264} {AAC} -f mpegts pipe:1", test_input("1")))
}

#[test]
fn a_unit_of_stated_length_comes_out_with_its_last_byte_and_others_with_the_next_start() {
    let last_video_packet_before = |ts: &[u8], nth_start: usize| {
        let starts: Vec<usize> = (0..ts.len() / 188)
            .map(|i| i * 188)
            .filter(|&i| ts[i + 1] & 0x5f == 0x41 && ts[i + 2] == 0)
            .collect();
        starts[nth_start]
    };
    for (ts, expected) in [(camera_ts("1"), 3), (unbounded_ts(), 2)] {
        let cut = last_video_packet_before(&ts, 3);
        let mut events = Vec::new();
        Demuxer::new().push(&ts[..cut], &mut events);
        assert_eq!(units(&events, StreamKind::H264).len(), expected);
    }
}

#[test]
fn key_frames_are_marked_and_carry_the_configuration() {
    let events = demux(&camera_ts("2"), 4096);
    for (i, unit) in units(&events, StreamKind::H264).iter().enumerate() {
        let sample = h264::access_unit(&unit.data);
        assert_eq!(sample.idr, i % 25 == 0, "unit {i}");
        assert_eq!(unit.random_access, sample.idr);
        let size = sample.config.map(|c| c.resolution);
        assert_eq!(size, sample.idr.then_some(Resolution { width: 320, height: 180 }));
    }
}

#[test]
fn a_missing_packet_loses_its_unit_and_is_reported() {
    let ts = camera_ts("1");
    let whole = demux(&ts, 4096);
    // The first packet of video after the first key frame that does not begin a unit.
    let victim = (20..ts.len() / 188)
        .map(|i| i * 188)
        .find(|&i| ts[i + 1] & 0x5f == 0x01 && ts[i + 2] == 0)
        .unwrap();
    let gap = [&ts[..victim], &ts[victim + 188..]].concat();
    let events = demux(&gap, 4096);
    assert!(events.contains(&Event::Lost { pid: 0x100 }));
    assert_eq!(units(&events, StreamKind::H264).len(), units(&whole, StreamKind::H264).len() - 1);
    assert_eq!(units(&events, StreamKind::Aac), units(&whole, StreamKind::Aac));
}

#[test]
fn noise_between_packets_costs_nothing_but_the_noise() {
    let ts = camera_ts("1");
    let whole = demux(&ts, 4096);
    let at = 188 * 40;
    for noise in [&[0u8; 3][..], &[0, 0x47, 0x47], &[0xff; 187]] {
        let noisy = [&ts[..at], noise, &ts[at..]].concat();
        for piece in [1, 100, 188, 4096] {
            assert!(demux(&noisy, piece) == whole, "noise of {} bytes", noise.len());
        }
    }
}

#[test]
fn a_packet_whose_sync_byte_is_lost_is_reported_and_reading_goes_on() {
    let mut ts = camera_ts("1");
    let whole = units(&demux(&ts, 4096), StreamKind::H264).len();
    let victim = (20..ts.len() / 188)
        .map(|i| i * 188)
        .find(|&i| ts[i + 1] & 0x5f == 0x01 && ts[i + 2] == 0)
        .unwrap();
    ts[victim] = 0x46;
    let events = demux(&ts, 500);
    assert_eq!(lost(&events), 1);
    assert_eq!(units(&events, StreamKind::H264).len(), whole - 1);
}

#[test]
fn a_repeated_packet_is_read_once() {
    let ts = camera_ts("1");
    let at = 188 * 30;
    let repeated = [&ts[..at + 188], &ts[at..]].concat();
    assert!(demux(&repeated, 4096) == demux(&ts, 4096));
}

#[test]
fn time_goes_on_over_the_33_bit_wrap() {
    // The wrap is 95443.718 s after zero; ffmpeg begins half a second before it.
    let ts = ffmpeg(&format!(
        "{} {H264} {AAC} -output_ts_offset 95443.2 -f mpegts -muxdelay 0 -muxpreload 0 pipe:1",
        test_input("2")
    ));
    let events = demux(&ts, 4096);
    let dts: Vec<i64> = units(&events, StreamKind::H264).iter().map(|u| u.dts.unwrap()).collect();
    assert!(dts[0] < 1 << 33 && dts[49] > 1 << 33, "{dts:?}");
    assert!(dts.windows(2).all(|w| w[1] - w[0] == 3600), "{dts:?}");

    let mut second = Demuxer::with_clock(Unwrap::near(dts[49] + (1 << 33)));
    let mut events = Vec::new();
    second.push(&ts, &mut events);
    assert_eq!(units(&events, StreamKind::H264)[0].dts, Some(dts[0] + (1 << 33)));
}

#[test]
fn two_recordings_in_a_row_share_a_demuxer() {
    let (a, b) = (camera_ts("1"), unbounded_ts());
    let mut demuxer = Demuxer::new();
    let mut events = Vec::new();
    demuxer.push(&a, &mut events);
    demuxer.flush(&mut events);
    let first = units(&events, StreamKind::H264).len();
    demuxer.push(&b, &mut events);
    demuxer.flush(&mut events);
    assert_eq!(units(&events, StreamKind::H264).len(), 2 * first);
    assert_eq!(lost(&events), 0);
    let streams = events.iter().filter(|e| matches!(e, Event::Stream { .. })).count();
    assert_eq!(streams, 2, "the second recording has the same program map");
}

#[test]
fn h265_is_recognised() {
    let ts = ffmpeg(
        "-f lavfi -i testsrc2=size=322x182:rate=10:duration=0.5 -pix_fmt yuv420p -c:v libx265 -preset ultrafast \
         -x265-params log-level=none -f mpegts pipe:1",
    );
    let events = demux(&ts, 4096);
    assert!(events.contains(&Event::Stream { pid: 0x100, kind: StreamKind::H265 }));
    let units = units(&events, StreamKind::H265);
    assert_eq!(units.len(), 5);
}
