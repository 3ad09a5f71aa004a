//! The encoder: an ffmpeg that reads raw frames on stdin and writes access units on stdout.
//!
//! The container on the way back is AVI: each access unit is a chunk that says its length, in
//! Annex B form, and is written at once. So no access unit waits for the next one to end it, as it
//! would in a bare byte stream (measured at 10 frames a second: 6 ms from the last byte in to the
//! first byte out, against 100 ms). ffmpeg ends when its stdin does, so it also ends when this
//! process is killed with -9.

use std::io::{self, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::{CameraConfig, Codec, Coding, Error, Size};

/// No access unit of a test camera is longer than this, in bytes.
const LARGEST_UNIT: u32 = 16 << 20;

/// What the encoder is started for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) size: Size,
    pub(crate) gop_frames: u32,
    /// Key frames at irregular distances.
    pub(crate) irregular: bool,
}

/// A handle to end an encoder from another thread.
pub(crate) type Killer = Arc<Mutex<Option<Child>>>;

/// A running ffmpeg.
pub(crate) struct Encoder {
    killer: Killer,
    stdin: Option<ChildStdin>,
    reader: Option<JoinHandle<()>>,
    complaints: Option<JoinHandle<String>>,
}

impl Encoder {
    /// Starts ffmpeg; `each` is called with every access unit, in order, on a thread of its own.
    pub(crate) fn start(
        config: &CameraConfig,
        settings: Settings,
        mut each: impl FnMut(&[u8]) + Send + 'static,
    ) -> Result<Self, Error> {
        let mut child = Command::new(&config.ffmpeg)
            .args(arguments(config, settings))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| Error::NoFfmpeg { program: config.ffmpeg.clone(), error })?;
        let stdin = child.stdin.take();
        let reader = child.stdout.take().map(|stdout| {
            std::thread::spawn(move || {
                // The stream ends, in whatever state, when ffmpeg does.
                let _ = each_unit(stdout, &mut each);
            })
        });
        let complaints = child.stderr.take().map(|mut stderr| {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                let _ = (&mut stderr).take(4096).read_to_end(&mut text);
                let _ = io::copy(&mut stderr, &mut io::sink());
                String::from_utf8_lossy(&text).trim().to_owned()
            })
        });
        Ok(Self { killer: Arc::new(Mutex::new(Some(child))), stdin, reader, complaints })
    }

    pub(crate) fn killer(&self) -> Killer {
        Arc::clone(&self.killer)
    }

    /// Hands a raw frame over; blocks until ffmpeg has taken it.
    pub(crate) fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        match &mut self.stdin {
            Some(stdin) => stdin.write_all(frame),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// Lets ffmpeg finish what it has; all access units are out when this returns.
    pub(crate) fn finish(mut self) {
        self.stdin = None;
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }

    /// Ends ffmpeg and returns what it said on stderr.
    pub(crate) fn complaints(mut self) -> String {
        kill(&self.killer);
        self.complaints.take().and_then(|thread| thread.join().ok()).unwrap_or_default()
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.stdin = None;
        kill(&self.killer);
    }
}

/// Ends an encoder at once.
pub(crate) fn kill(killer: &Killer) {
    let child = killer.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(mut child) = child {
        let _ = child.kill();
        let _ = child.wait();
    }
}

fn arguments(config: &CameraConfig, settings: Settings) -> Vec<String> {
    let Settings { size, gop_frames, irregular } = settings;
    let rate = format!("{}/{}", config.fps.num(), config.fps.den());
    let kbps = config.bitrate_kbps;
    let mut args = format!(
        "-hide_banner -loglevel error -nostats -probesize 32 -analyzeduration 0 \
         -f rawvideo -pix_fmt yuv420p -video_size {}x{} -framerate {rate} -i pipe:0 -an",
        size.width(),
        size.height()
    );
    // Irregular: from 0.5 to 1.5 GOPs after the last one, by a sine that repeats late.
    let gop_seconds = f64::from(gop_frames) * config.fps.seconds();
    let forced = format!(
        "expr:gte(t,if(isnan(prev_forced_t),0,prev_forced_t)\
         +{gop_seconds:.4}*(1+0.5*sin(2.4*n_forced)))"
    );
    let gop = if irregular { gop_frames.saturating_mul(4) } else { gop_frames };
    match config.codec {
        Codec::H264 => {
            let (b, more) = match config.coding {
                Coding::Forward => (0, ""),
                Coding::Reordered(b) => (b, " -x264-params b-adapt=0:b-pyramid=none"),
                Coding::OpenGop(b) => (b, " -x264-params open-gop=1:b-adapt=0:b-pyramid=none"),
                Coding::IntraRefresh | Coding::Unmarked => (0, " -x264-params intra-refresh=1"),
            };
            args.push_str(&format!(
                " -c:v libx264 -preset superfast -tune zerolatency -threads 1 -sc_threshold 0 -bf {b} \
                 -g {gop} -keyint_min {gop}{more}"
            ));
        }
        Codec::H265 => args.push_str(&format!(
            " -c:v libx265 -preset ultrafast -tune zerolatency -x265-params log-level=error:\
             pools=1:frame-threads=1:bframes=0:scenecut=0:open-gop=0:repeat-headers=1:\
             keyint={gop}:min-keyint={gop}"
        )),
    }
    args.push_str(&format!(
        " -b:v {kbps}k -maxrate {kbps}k -bufsize {kbps}k -fps_mode passthrough"
    ));
    let mut args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
    if irregular {
        args.extend(["-force_key_frames".to_owned(), forced]);
    }
    args.extend(["-f", "avi", "-flush_packets", "1", "pipe:1"].map(str::to_owned));
    args
}

/// Reads AVI and calls `each` with the content of every video chunk ("00dc").
fn each_unit(stdout: ChildStdout, each: &mut impl FnMut(&[u8])) -> io::Result<()> {
    read_avi(BufReader::new(stdout), each)
}

fn read_avi(mut avi: impl Read, each: &mut impl FnMut(&[u8])) -> io::Result<()> {
    let mut unit = Vec::new();
    loop {
        let [name, size] = [word(&mut avi)?, word(&mut avi)?];
        let size = u32::from_le_bytes(size);
        match &name {
            // Lists are entered: their chunks are read as if they stood alone.
            b"RIFF" | b"LIST" => drop(word(&mut avi)?),
            b"00dc" if size > LARGEST_UNIT => return Err(io::ErrorKind::InvalidData.into()),
            b"00dc" => {
                unit.clear();
                (&mut avi).take(u64::from(size)).read_to_end(&mut unit)?;
                if unit.len() < size as usize {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                if !unit.is_empty() {
                    each(&unit);
                }
                skip(&mut avi, size % 2)?;
            }
            _ => skip(&mut avi, size.saturating_add(size % 2))?,
        }
    }
}

fn word(from: &mut impl Read) -> io::Result<[u8; 4]> {
    let mut word = [0; 4];
    from.read_exact(&mut word)?;
    Ok(word)
}

fn skip(from: &mut impl Read, bytes: u32) -> io::Result<()> {
    io::copy(&mut from.take(u64::from(bytes)), &mut io::sink()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_units_are_found_in_an_avi_stream() {
        let mut avi = Vec::new();
        avi.extend_from_slice(b"RIFF\0\0\0\0AVI LIST\x04\0\0\0hdrl");
        avi.extend_from_slice(b"avih\x03\0\0\0abc\0JUNK\x02\0\0\0xxLIST\0\0\0\0movi");
        avi.extend_from_slice(b"00dc\x03\0\0\0one\x0000dc\0\0\0\x0000dc\x04\0\0\0two!");
        avi.extend_from_slice(b"00dc\x09\0\0\0cut");
        let mut units = Vec::new();
        let end = read_avi(&avi[..], &mut |unit: &[u8]| units.push(unit.to_vec()));
        assert_eq!(units, [b"one".to_vec(), b"two!".to_vec()]);
        assert_eq!(end.map_err(|e| e.kind()), Err(io::ErrorKind::UnexpectedEof));
    }

    #[test]
    fn a_length_out_of_bounds_is_refused() {
        let end = read_avi(&b"00dc\xFF\xFF\xFF\xFF"[..], &mut |_: &[u8]| ());
        assert_eq!(end.map_err(|e| e.kind()), Err(io::ErrorKind::InvalidData));
    }
}
