//! What the server does for every frame of a camera, and the player for every chunk that arrives.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod measure;
#[path = "../tests/media_support/mod.rs"]
mod media_support;

use measure::measure;
use nearlive::media::es::h264;
use nearlive::media::isobmff::write::{self, Chunk, Sample, SampleEntry, Track};
use nearlive::media::scan::Scanner;
use nearlive::media::ts::{Demuxer, Event, StreamKind};
use nearlive::time::Timescale;

fn main() {
    let ts = media_support::camera_ts("10");
    let mut events = Vec::new();
    Demuxer::new().push(&ts, &mut events);
    let frames: Vec<Vec<u8>> = events
        .into_iter()
        .filter_map(|event| match event {
            Event::Unit(unit) if unit.kind == StreamKind::H264 => Some(unit.data),
            _ => None,
        })
        .collect();
    let frames_bytes = frames.iter().map(Vec::len).sum();

    measure("transport stream to access units", ts.len(), frames.len(), "frame", || {
        let (mut demuxer, mut events) = (Demuxer::new(), Vec::new());
        let mut units = 0;
        // As ffmpeg's pipe gives it.
        for piece in ts.chunks(4096) {
            demuxer.push(piece, &mut events);
            units += events.drain(..).count();
        }
        units
    });
    measure("Annex B to length-prefixed NAL units", frames_bytes, frames.len(), "frame", || {
        frames.iter().map(|it| h264::access_unit(it).data.len()).sum::<usize>()
    });

    let samples: Vec<h264::AvcSample> = frames.iter().map(|it| h264::access_unit(it)).collect();
    let write = || {
        let mut out = Vec::new();
        for (sequence, sample) in (1..).zip(&samples) {
            let samples = [Sample {
                data: &sample.data,
                duration: 3600,
                composition_offset: 0,
                sync: sample.idr,
            }];
            let decode_time = u64::from(sequence) * 3600;
            write::chunk(
                &Chunk { track: 1, sequence, decode_time, samples: &samples, producer: None },
                &mut out,
            );
        }
        out
    };
    let chunks = write();
    measure("one CMAF chunk a frame", chunks.len(), samples.len(), "chunk", write);

    let config = samples[0].config.clone().unwrap();
    let entry = SampleEntry::Avc(config);
    let timescale = Timescale::new(90_000).unwrap();
    let mut growing = write::init_segment(&Track { id: 1, timescale, entry });
    growing.extend_from_slice(&chunks);
    let scan = || {
        let (mut scanner, mut facts) = (Scanner::new(&[]), Vec::new());
        for piece in growing.chunks(16 * 1024) {
            scanner.feed(piece, &mut facts);
        }
        facts.len()
    };
    assert!(scan() > samples.len(), "the scanner does not read what the writer wrote");
    measure("boxes of a growing segment", growing.len(), samples.len(), "chunk", scan);
}
