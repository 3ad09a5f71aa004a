//! What the CMAF writer makes is what ffmpeg reads: pictures, times, codecs, silence.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod media_support;

use media_support::{camera_ts, decoded, ffmpeg, ffprobe, run};
use nearlive::media::es::aac::{self, AacConfig};
use nearlive::media::es::h264::{self, AvcConfig, AvcSample};
use nearlive::media::isobmff::write::{
    Chunk, ProducerTime, Sample, SampleEntry, Track, chunk, init_segment,
};
use nearlive::media::ts::{Demuxer, Event, StreamKind, Unit};
use nearlive::time::{Timescale, WallTime};

fn units(ts: &[u8], kind: StreamKind) -> Vec<Unit> {
    let (mut demuxer, mut events) = (Demuxer::new(), Vec::new());
    demuxer.push(ts, &mut events);
    demuxer.flush(&mut events);
    events
        .into_iter()
        .filter_map(|e| match e {
            Event::Unit(u) if u.kind == kind => Some(u),
            _ => None,
        })
        .collect()
}

/// One chunk a frame, as the server does it.
fn video_mp4(ts: &[u8], origin: i64) -> (AvcConfig, Vec<u8>) {
    let units = units(ts, StreamKind::H264);
    let samples: Vec<AvcSample> = units.iter().map(|u| h264::access_unit(&u.data)).collect();
    let config = samples[0].config.clone().unwrap();
    let track =
        Track { id: 1, timescale: Timescale::NINETY_KHZ, entry: SampleEntry::Avc(config.clone()) };
    let mut mp4 = init_segment(&track);
    let first = units[0].dts.unwrap();
    for (i, (unit, sample)) in units.iter().zip(&samples).enumerate() {
        let (pts, dts) = (unit.pts.unwrap(), unit.dts.unwrap());
        let next = units.get(i + 1).map_or(dts + 3600, |u| u.dts.unwrap());
        let decode_time = u64::try_from(origin + dts - first).unwrap();
        let one = Sample {
            data: &sample.data,
            duration: u32::try_from(next - dts).unwrap(),
            composition_offset: i32::try_from(pts - dts).unwrap(),
            sync: sample.idr,
        };
        let producer = ProducerTime {
            wall: WallTime::from_millis(1),
            finalized: None,
            media_ticks: decode_time,
        };
        let sequence = u32::try_from(i).unwrap();
        chunk(
            &Chunk { track: 1, sequence, decode_time, samples: &[one], producer: Some(producer) },
            &mut mp4,
        );
    }
    (config, mp4)
}

#[test]
fn every_picture_decodes_as_it_did_from_the_transport_stream() {
    let ts = ffmpeg(
        "-f lavfi -i testsrc2=size=322x182:rate=25:duration=2 -c:v libx264 -preset ultrafast \
         -pix_fmt yuv420p -bf 0 -g 25 -f mpegts -omit_video_pes_length 0 pipe:1",
    );
    let (_, mp4) = video_mp4(&ts, 0);
    let pictures = decoded("mp4", "", &mp4);
    assert_eq!(pictures.len(), 50);
    assert_eq!(pictures, decoded("mpegts", "", &ts));
}

#[test]
fn ffprobe_reads_the_codec_the_size_and_the_times() {
    let origin = 1_795_491_661 * 90_000;
    let (config, mp4) = video_mp4(&camera_ts("1"), origin);
    assert_eq!(config.codec_string(), "avc1.42c00c");
    let stream = ffprobe(
        "-show_entries stream=codec_name,profile,codec_tag_string,width,height,level,time_base",
        &mp4,
    );
    assert_eq!(stream, ["h264,Constrained Baseline,avc1,320,180,12,1/90000"]);
    let times = ffprobe("-show_entries packet=pts,dts,duration,flags", &mp4);
    assert_eq!(times.len(), 25);
    assert_eq!(times[0], format!("{origin},{origin},3600,K_"));
    assert_eq!(times[1], format!("{0},{0},3600,__", origin + 3600));
}

#[test]
fn reordered_pictures_keep_their_presentation_times() {
    let ts = ffmpeg(
        "-f lavfi -i testsrc2=size=320x180:rate=25:duration=1 -c:v libx264 -preset fast \
         -pix_fmt yuv420p -bf 2 -f mpegts -omit_video_pes_length 0 pipe:1",
    );
    let (config, mp4) = video_mp4(&ts, 0);
    assert!(config.codec_string().starts_with("avc1.64"), "High profile has the long avcC");
    let relative = |lines: Vec<String>| -> Vec<i64> {
        let all: Vec<i64> = lines.iter().map(|l| l.parse().unwrap()).collect();
        all.iter().map(|t| t - all[0]).collect()
    };
    let pts = "-show_entries packet=pts";
    assert_eq!(relative(ffprobe(pts, &mp4)), relative(ffprobe(pts, &ts)));
    assert_eq!(decoded("mp4", "", &mp4), decoded("mpegts", "", &ts));
}

fn aac_mp4(config: &AacConfig, frames: &[&[u8]]) -> Vec<u8> {
    let timescale = Timescale::new(config.sample_rate).unwrap();
    let mut mp4 =
        init_segment(&Track { id: 2, timescale, entry: SampleEntry::Aac(config.clone()) });
    for (i, data) in (0u32..).zip(frames) {
        let sample = Sample { data, duration: 1024, composition_offset: 0, sync: true };
        let decode_time = u64::from(i) * 1024;
        let samples = &[sample];
        chunk(&Chunk { track: 2, sequence: i, decode_time, samples, producer: None }, &mut mp4);
    }
    mp4
}

#[test]
fn sound_decodes_as_it_did_from_the_transport_stream() {
    let ts = camera_ts("1");
    let units = units(&ts, StreamKind::Aac);
    let frames: Vec<_> = units.iter().flat_map(|u| aac::adts_frames(&u.data)).collect();
    let data: Vec<&[u8]> = frames.iter().map(|(_, f)| f.data).collect();
    let mp4 = aac_mp4(&frames[0].0, &data);
    let stream = ffprobe(
        "-show_entries stream=codec_name,profile,codec_tag_string,sample_rate,channels,time_base",
        &mp4,
    );
    assert_eq!(stream, ["aac,LC,mp4a,48000,2,1/48000"]);
    let sound = run("ffmpeg", "-f mp4 -i pipe:0 -f s16le -", &mp4);
    assert_eq!(sound.len(), data.len() * 1024 * 4);
    assert!(sound == run("ffmpeg", "-f mpegts -i pipe:0 -map 0:a -f s16le -", &ts));
}

#[test]
fn the_silent_frame_is_silence_at_every_rate() {
    let channels = [1, 2, 3, 4, 5, 6, 8].map(|channels| (channels, 48000));
    for (channels, sample_rate) in channels.into_iter().chain([(1, 8000), (2, 44100)]) {
        let config = AacConfig { object_type: 2, sample_rate, channels };
        let frame = aac::silent_frame(channels);
        let mp4 = aac_mp4(&config, &[frame.as_slice(); 10]);
        let sound = run("ffmpeg", "-f mp4 -i pipe:0 -f s16le -", &mp4);
        assert_eq!(sound.len(), 10 * 1024 * 2 * usize::from(channels));
        assert!(sound.iter().all(|b| *b == 0), "{channels} channels at {sample_rate}");
    }
}
