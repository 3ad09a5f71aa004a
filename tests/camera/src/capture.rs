//! The capture thread and the sound task: they take frames and samples on the camera's clock.
//!
//! Frames lie on an exact grid, frame n at n/fps of the camera's clock; a thread that is late skips
//! frames, it never sends a burst. When size or GOP change by a fault, scene and encoder for it are
//! made ready on the side and then take over, the old encoder's frames being out first.
//!
//! RTP carries the time at which a picture is shown, and access units come in the order of decoding:
//! where there are B pictures, a unit is sent when the next that is none tells how many come between.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::encoder::{Encoder, Settings};
use crate::fault::Faults;
use crate::scene::Scene;
use crate::source::{ParameterSets, Source, Track, Unit, VIDEO_RATE, is_key, unix_ms};
use crate::{CameraConfig, Coding, Error, Law, rtp, sound};

/// Before an encoder that ended by itself is started again.
const RESTART: Duration = Duration::from_millis(500);
const NANOS: u32 = 1_000_000_000;

/// Scene and encoder for the same settings.
struct Studio {
    settings: Settings,
    scene: Scene,
    encoder: Encoder,
    /// Where the times of frames go that the encoder is given.
    times: Sender<u64>,
}

impl Studio {
    fn open(
        config: &CameraConfig,
        source: &Arc<Source>,
        settings: Settings,
    ) -> Result<Self, Error> {
        let (times, frames) = mpsc::channel();
        let encoder = Encoder::start(config, settings, deliver(config, source, frames))?;
        source.watch_encoder(encoder.killer());
        let scene = Scene::new(settings.size, &config.name);
        Ok(Self { settings, scene, encoder, times })
    }
}

/// What the encoder's access units become: one comes out for each frame that went in, in order.
fn deliver(
    config: &CameraConfig,
    source: &Arc<Source>,
    frames: Receiver<u64>,
) -> impl FnMut(&[u8]) + Send + 'static {
    let (codec, coding, source) = (config.codec, config.coding, Arc::clone(source));
    let mut held: Vec<Unit> = Vec::new();
    move |access_unit| {
        let mut nals = rtp::nal_units(access_unit);
        if coding == Coding::Unmarked {
            nals.retain(|nal| nal.first().is_none_or(|head| head & 0x1f != SEI));
        }
        if let Some(sets) = ParameterSets::of(codec, &nals) {
            source.parameter_sets.send_if_modified(|old| {
                let new = *old != sets;
                *old = sets;
                new
            });
        }
        let mut payloads = Vec::new();
        for nal in &nals {
            rtp::packetize(codec, nal, &mut payloads);
        }
        let key = is_key(codec, &nals);
        let unit = Unit { track: Track::Video, ticks: 0, key, payloads };
        if !matches!(coding, Coding::Reordered(1..) | Coding::OpenGop(_)) {
            let Ok(ticks) = frames.recv() else { return };
            source.publish(Unit { ticks, ..unit });
            return;
        }
        if !nals.iter().any(|nal| is_b_slice(nal)) && !held.is_empty() {
            // The B pictures are shown first, in their order, and then the one before them.
            let mut group: Vec<_> = std::mem::take(&mut held);
            group.rotate_left(1);
            for unit in &mut group {
                let Ok(ticks) = frames.recv() else { return };
                unit.ticks = ticks;
            }
            group.rotate_right(1);
            group.into_iter().for_each(|unit| source.publish(unit));
        }
        held.push(unit);
    }
}

/// `nal_unit_type` of supplemental information (14496-10 table 7-1).
const SEI: u8 = 6;

/// Whether an H.264 NAL unit is a slice of type B (14496-10 7.3.3, table 7-6), of x264's pictures of one
/// slice: `first_mb_in_slice` is the bit 1.
fn is_b_slice(nal: &[u8]) -> bool {
    let &[head, slice, ..] = nal else { return false };
    // slice_type 1 is the code 010, 6 is 00111.
    head & 0x1f == 1 && (slice >> 4 == 0b1010 || slice >> 2 == 0b10_0111)
}

fn wanted(config: &CameraConfig, faults: &Faults) -> Settings {
    Settings {
        size: faults.size.unwrap_or(config.size),
        gop_frames: faults.gop_frames.unwrap_or_else(|| config.gop_frames()),
        irregular: faults.irregular,
    }
}

/// Starts the capture thread, which runs until the source is stopped; what it returns is why it
/// could not go on.
pub(crate) fn start(config: CameraConfig, source: Arc<Source>) -> JoinHandle<Result<(), Error>> {
    std::thread::spawn(move || run(&config, &source))
}

fn run(config: &CameraConfig, source: &Arc<Source>) -> Result<(), Error> {
    let mut studio = Studio::open(config, source, wanted(config, &source.faults()))?;
    let mut next: Option<JoinHandle<Result<Studio, Error>>> = None;
    let mut frame = Vec::new();
    let mut n = 0;
    while !source.stopped() {
        n = wait_for_frame(config, source, n);
        let at = source.oscillator.instant(nanos(config.fps.time_of(n, NANOS)));
        studio.scene.draw(&mut frame, unix_ms(at));
        // The other end is gone only when the encoder is, which the next line tells.
        let _ = studio.times.send(config.fps.time_of(n, VIDEO_RATE));
        if studio.encoder.write(&frame).is_err() {
            if source.stopped() {
                break;
            }
            let said = studio.encoder.complaints();
            if source.parameter_sets.borrow().sps.is_empty() {
                return Err(Error::Encoder { said });
            }
            std::thread::sleep(RESTART);
            studio = Studio::open(config, source, wanted(config, &source.faults()))?;
        }
        let settings = wanted(config, &source.faults());
        match next.take() {
            Some(opening) if opening.is_finished() => {
                if let Ok(Ok(opened)) = opening.join() {
                    std::mem::replace(&mut studio, opened).encoder.finish();
                }
            }
            None if settings != studio.settings => {
                let (config, source) = (config.clone(), Arc::clone(source));
                next = Some(std::thread::spawn(move || Studio::open(&config, &source, settings)));
            }
            waiting => next = waiting,
        }
    }
    Ok(())
}

/// Sleeps until the frame after `last`, or the newest one if that is already past; returns it.
fn wait_for_frame(config: &CameraConfig, source: &Source, last: u64) -> u64 {
    let frame_nanos = config.fps.time_of(1, NANOS).max(1);
    let elapsed = source.oscillator.elapsed(Instant::now());
    let newest = elapsed.as_nanos() as u64 / frame_nanos;
    let frame = newest.max(last + 1);
    let at = source.oscillator.instant(nanos(config.fps.time_of(frame, NANOS)));
    std::thread::sleep(at.saturating_duration_since(Instant::now()));
    frame
}

fn nanos(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

/// Takes and sends sound, 20 ms at a time, until it is aborted.
pub(crate) async fn sound(law: Law, source: Arc<Source>) {
    let packet =
        |n: u64| nanos(n * u64::from(sound::PACKET) * 1_000_000_000 / u64::from(sound::RATE));
    let mut n = 0u64;
    loop {
        // A packet can be sent when its last sample has been taken.
        let full = source.oscillator.instant(packet(n + 1));
        tokio::time::sleep_until(full.into()).await;
        let newest = (source.oscillator.elapsed(Instant::now()).as_millis() / 20) as u64;
        if newest > n + 10 {
            n = newest; // late by more than 200 ms: leave a gap, send no burst
            continue;
        }
        let ticks = n * u64::from(sound::PACKET);
        let payload = sound::packet(law, unix_ms(source.oscillator.instant(packet(n))), ticks);
        let payloads = vec![payload];
        source.publish(Unit { track: Track::Audio, ticks, key: false, payloads });
        n += 1;
    }
}
