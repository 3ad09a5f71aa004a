//! What the behaviour tests share: a camera with its runtime, an RTSP client that sees every
//! packet, and ffmpeg as a reader.

// Each test binary uses its own part of this.
#![allow(dead_code, unreachable_pub)]
// A test helper fails by panicking.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use nearlive_camera::{Camera, CameraConfig, Control, FrameRate, Size, clock};
use tokio::runtime::Runtime;

/// Small and quick, so that many cameras can run at once.
pub fn small() -> CameraConfig {
    CameraConfig {
        size: Size::new(320, 180).unwrap(),
        fps: FrameRate::new(20, 1).unwrap(),
        gop_frames: Some(10),
        bitrate_kbps: 300,
        ..CameraConfig::default()
    }
}

/// A camera and the runtime that it runs in.
pub struct Rig {
    pub camera: Camera,
    pub control: Control,
    _runtime: Runtime,
}

impl Rig {
    pub fn start(config: CameraConfig) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let camera = runtime.block_on(Camera::start(config)).unwrap();
        Self { control: camera.control(), camera, _runtime: runtime }
    }

    pub fn connect(&self) -> Client {
        Client::connect(&self.camera).unwrap()
    }

    /// A client that plays both tracks, or only video if that is all there is.
    pub fn play(&self) -> Client {
        let mut client = self.connect();
        client.play_all();
        client
    }
}

/// The longest that any of the tests waits for something that will surely come, on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Polls for what can only be polled.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = std::time::Instant::now() + PATIENCE;
    while std::time::Instant::now() < until {
        if let Some(found) = look() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("never happened: {what}");
}

/// A packet from the connection.
#[derive(Debug, Clone)]
pub struct Packet {
    pub channel: u8,
    pub bytes: Vec<u8>,
}

impl Packet {
    pub fn time(&self) -> u32 {
        u32::from_be_bytes(self.bytes[4..8].try_into().unwrap())
    }

    pub fn marker(&self) -> bool {
        self.bytes[1] & 0x80 != 0
    }

    pub fn payload(&self) -> &[u8] {
        &self.bytes[12..]
    }

    /// Whether it starts an IDR picture.
    pub fn starts_key_frame(&self) -> bool {
        match self.payload() {
            [first, fu, ..] if first & 0x1F == 28 => fu & 0x80 != 0 && fu & 0x1F == 5,
            [first, ..] => first & 0x1F == 5,
            [] => false,
        }
    }
}

/// An answer to a request.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

pub const VIDEO: u8 = 0;
pub const AUDIO: u8 = 2;

/// A client that asks for interleaved packets, video on channels 0 and 1, audio on 2 and 3.
pub struct Client {
    stream: TcpStream,
    url: String,
    number: u32,
    /// Packets that came between requests and answers.
    early: std::collections::VecDeque<Packet>,
}

enum Input {
    Packet(Packet),
    Answer(Answer),
}

impl Client {
    pub fn connect(camera: &Camera) -> std::io::Result<Self> {
        let stream = TcpStream::connect(camera.address())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let url = camera.url_without_password();
        Ok(Self { stream, url, number: 0, early: Default::default() })
    }

    pub fn play_all(&mut self) {
        let description = self.request("DESCRIBE", "", "");
        assert_eq!(description.status, 200, "{}", description.head);
        self.setup(1);
        if description.body.contains("m=audio") {
            self.setup(2);
        }
        assert_eq!(self.request("PLAY", "", "Range: npt=0-\r\n").status, 200);
    }

    fn setup(&mut self, track: u8) {
        let first = 2 * (track - 1);
        let transport =
            format!("Transport: RTP/AVP/TCP;unicast;interleaved={first}-{}\r\n", first + 1);
        let answer = self.request("SETUP", &format!("/track{track}"), &transport);
        assert_eq!(answer.status, 200, "{}", answer.head);
    }

    /// Sends a request and waits for its answer; packets on the way are kept.
    pub fn request(&mut self, method: &str, below: &str, headers: &str) -> Answer {
        self.send(method, below, headers);
        loop {
            match self.input().unwrap() {
                Input::Answer(answer) => {
                    assert!(answer.head.contains(&format!("CSeq: {}\r\n", self.number)));
                    return answer;
                }
                Input::Packet(packet) => self.early.push_back(packet),
            }
        }
    }

    pub fn send(&mut self, method: &str, below: &str, headers: &str) {
        self.number += 1;
        let url = format!("{}{below}", self.url);
        let text = format!("{method} {url} RTSP/1.0\r\nCSeq: {}\r\n{headers}\r\n", self.number);
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    /// The next packet; an error when the connection ends or nothing comes for long.
    pub fn packet(&mut self) -> std::io::Result<Packet> {
        if let Some(packet) = self.early.pop_front() {
            return Ok(packet);
        }
        loop {
            if let Input::Packet(packet) = self.input()? {
                return Ok(packet);
            }
        }
    }

    /// The next packet of a channel.
    pub fn packet_of(&mut self, channel: u8) -> Packet {
        loop {
            let packet = self.packet().unwrap();
            if packet.channel == channel {
                return packet;
            }
        }
    }

    /// RTP times of the next `count` key frames.
    pub fn key_frames(&mut self, count: usize) -> Vec<u32> {
        let video = std::iter::from_fn(|| Some(self.packet_of(VIDEO)));
        video.filter(Packet::starts_key_frame).map(|p| p.time()).take(count).collect()
    }

    /// Takes what is on its way: returns when nothing has come for two frames' time, or after a
    /// second.
    pub fn drain(&mut self) {
        self.early.clear();
        let until = std::time::Instant::now() + Duration::from_secs(1);
        loop {
            self.stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
            let more = self.stream.peek(&mut [0; 4]).is_ok();
            self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
            if !more || std::time::Instant::now() > until {
                return;
            }
            self.input().unwrap();
        }
    }

    /// Whether nothing at all comes for a while.
    pub fn silent_for(&mut self, time: Duration) -> bool {
        self.early.clear();
        self.stream.set_read_timeout(Some(time)).unwrap();
        let read = self.stream.peek(&mut [0; 1]);
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        read.is_err_and(|e| {
            matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
        })
    }

    /// Takes what is on its way until nothing at all has come for `time`: at once where nothing is
    /// sent any more, and never where packets go on.
    pub fn falls_silent(&mut self, time: Duration) {
        eventually("silence", || {
            self.drain();
            self.silent_for(time).then_some(())
        });
    }

    /// Whether the connection ends; what comes before is read.
    pub fn ends(&mut self) -> bool {
        use std::io::ErrorKind::{TimedOut, WouldBlock};
        let until = std::time::Instant::now() + PATIENCE;
        while std::time::Instant::now() < until {
            if let Err(error) = self.packet() {
                return !matches!(error.kind(), WouldBlock | TimedOut);
            }
        }
        false
    }

    fn input(&mut self) -> std::io::Result<Input> {
        let mut first = [0; 4];
        self.stream.read_exact(&mut first)?;
        if let [b'$', channel, high, low] = first {
            let mut bytes = vec![0; usize::from(u16::from_be_bytes([high, low]))];
            self.stream.read_exact(&mut bytes)?;
            return Ok(Input::Packet(Packet { channel, bytes }));
        }
        let mut head = first.to_vec();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let length = header(&head, "Content-Length").and_then(|v| v.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        Ok(Input::Answer(Answer { status, head, body: String::from_utf8(body).unwrap() }))
    }
}

/// The value of a header.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Runs ffmpeg or ffprobe with a time limit of its own on all it does.
pub fn run(program: &str, args: &[&str]) -> Output {
    Command::new("timeout")
        .arg("120")
        .arg(program)
        .args(["-hide_banner", "-loglevel", "error", "-analyzeduration", "1000000"])
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Decodes frames of `size` with ffmpeg and reads the capture clock in each.
pub fn clocks_in(input: &[&str], size: Size, frames: usize) -> Vec<Option<u64>> {
    let count = frames.to_string();
    let mut args = input.to_vec();
    args.extend(["-an", "-frames:v", &count, "-fps_mode", "passthrough"]);
    args.extend(["-f", "rawvideo", "-pix_fmt", "yuv420p", "pipe:1"]);
    let output = run("ffmpeg", &args);
    let said = String::from_utf8_lossy(&output.stderr);
    let (width, height) = (size.width(), size.height());
    let frame = width * height * 3 / 2;
    assert_eq!(output.stdout.len() % frame, 0, "{said}");
    output.stdout.chunks(frame).map(|f| clock::read(&f[..width * height], width, height)).collect()
}

pub fn unix_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap().as_millis() as u64
}
