//! RTP time, sender reports, the clock in the picture and the beep agree with each other.

#![allow(clippy::unwrap_used)] // helpers of tests fail by panicking

mod common;

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use common::{AUDIO, Client, Packet, Rig, VIDEO, small};
use nearlive_camera::{CameraConfig, Law, clock};

/// A sender report: Unix time in milliseconds, and the RTP time of the same moment.
struct Report {
    unix_ms: f64,
    rtp: u32,
}

impl Report {
    fn read(packet: &Packet) -> Self {
        let word = |i: usize| u32::from_be_bytes(packet.bytes[i..i + 4].try_into().unwrap());
        assert_eq!(packet.bytes[1], 200, "a sender report comes first");
        let seconds = f64::from(word(8)) - 2_208_988_800.0;
        let fraction = f64::from(word(12)) / 4_294_967_296.0;
        Self { unix_ms: (seconds + fraction) * 1000.0, rtp: word(16) }
    }

    /// The Unix time in milliseconds of an RTP time.
    fn unix_ms(&self, rtp: u32, rate: f64) -> f64 {
        self.unix_ms + f64::from(rtp.wrapping_sub(self.rtp) as i32) / rate * 1000.0
    }
}

/// How far this machine's wall clock moves against its steady one: some machines correct theirs by
/// milliseconds, in one step. The camera's own clock follows the steady one, its picture the wall clock.
struct Wall {
    since: Instant,
    ahead: f64,
}

impl Wall {
    fn watch() -> Self {
        let since = Instant::now();
        Self { since, ahead: Self::ahead(since) }
    }

    /// What it moved by since then, in milliseconds.
    fn moved(&self) -> f64 {
        (Self::ahead(self.since) - self.ahead).abs()
    }

    /// The wall clock less the time since `since`, in milliseconds. Of many readings the one counts that
    /// took least time.
    fn ahead(since: Instant) -> f64 {
        let read = |_| {
            let before = Instant::now();
            let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
            let took = before.elapsed();
            let passed = before.duration_since(since) + took / 2;
            (took, (wall.as_secs_f64() - passed.as_secs_f64()) * 1000.0)
        };
        let best: (Duration, f64) = (0..100).map(read).min_by_key(|it| it.0).unwrap();
        best.1
    }
}

/// A GOP as a byte stream, and the RTP time of each of its frames.
fn gop(client: &mut Client) -> (Vec<u8>, Vec<u32>, Report) {
    let report = Report::read(&client.packet_of(VIDEO + 1));
    let (mut stream, mut times) = (Vec::new(), Vec::new());
    loop {
        let packet = client.packet_of(VIDEO);
        let payload = packet.payload();
        let kind = payload[0] & 0x1F;
        if stream.is_empty() && kind != 7 {
            continue;
        }
        match kind {
            28 => {
                if payload[1] & 0x80 != 0 {
                    stream.extend([0, 0, 0, 1, payload[0] & 0xE0 | payload[1] & 0x1F]);
                }
                stream.extend(&payload[2..]);
            }
            _ => {
                stream.extend([0, 0, 0, 1]);
                stream.extend(payload);
            }
        }
        if packet.marker() {
            times.push(packet.time());
            if times.len() == 10 {
                return (stream, times, report);
            }
        }
    }
}

/// The times in the pictures of a byte stream.
fn decoded(stream: &[u8]) -> Vec<u64> {
    let args = "-loglevel error -f h264 -i pipe:0 -fps_mode passthrough -f rawvideo pipe:1";
    let mut ffmpeg = Command::new("ffmpeg")
        .args(args.split(' '))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    ffmpeg.stdin.take().unwrap().write_all(stream).unwrap();
    let frames = ffmpeg.wait_with_output().unwrap().stdout;
    let (width, height) = (320, 180);
    let frames = frames.chunks_exact(width * height * 3 / 2);
    frames.map(|frame| clock::read(&frame[..width * height], width, height).unwrap()).collect()
}

#[test]
fn the_picture_shows_the_time_that_rtp_and_reports_tell() {
    let wall = Wall::watch();
    let rig = Rig::start(small());
    let (stream, times, report) = gop(&mut rig.play());
    let moved = wall.moved();
    let shown = decoded(&stream);
    assert_eq!(shown.len(), times.len());
    for (shown, rtp) in shown.iter().zip(times) {
        let told = report.unix_ms(rtp, 90_000.0) % clock::WRAP_MS as f64;
        let off = (told - *shown as f64).abs();
        assert!(off < 3.0 + moved, "{told} in RTP, {shown} in the picture, clock moved {moved}");
    }
}

#[test]
fn a_clock_that_is_off_is_off_by_as_much_as_was_asked() {
    let wall = Wall::watch();
    let rig = Rig::start(CameraConfig { clock_ppm: 100_000, ..small() });
    let (stream, times, _) = gop(&mut rig.play());
    let moved = wall.moved();
    let shown = decoded(&stream);
    let told = f64::from(times[9].wrapping_sub(times[0])) / 90.0;
    let passed = (shown[9] - shown[0]) as f64;
    let off = (told - 1.1 * passed).abs();
    assert!(off < 0.01 * passed + 1.1 * moved, "{told} ms in RTP, {passed} in the picture");
}

#[test]
fn the_beep_starts_on_the_full_second() {
    for law in [Law::Mu, Law::A] {
        let rig = Rig::start(CameraConfig { audio: Some(law), ..small() });
        let mut client = rig.play();
        let report = Report::read(&client.packet_of(AUDIO + 1));
        // Silence first, then the first loud sample. The loudest 13 of 128 steps are the beep.
        let loud = |byte: &u8| match law {
            Law::Mu => !byte & 0x7F >= 0x60,
            Law::A => (byte ^ 0x55) & 0x7F >= 0x60,
        };
        let mut quiet = false;
        let start = loop {
            let packet = client.packet_of(AUDIO);
            let first = packet.payload().iter().position(loud);
            match first {
                Some(sample) if quiet => break packet.time().wrapping_add(sample as u32),
                Some(_) => (),
                None => quiet = true,
            }
        };
        let within = report.unix_ms(start, 8000.0) % 1000.0;
        assert!(!(8.0..992.0).contains(&within), "{within} ms after the second");
    }
}
