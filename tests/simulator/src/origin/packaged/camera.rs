//! A camera as the packager sees it: frames with the timestamps of a run, and their arrivals.
//!
//! Frame n is taken at n/25 s of the camera's own clock, which may drift. The copied rendition
//! arrives a frame later than the others (the engine's parser sees a frame's end at the next one's
//! beginning). Media data are a few zeros, because nothing reads them.

use crate::rng::Rng;
use nearlive::media::es::{aac::AacConfig, h264::AvcConfig};
use nearlive::media::isobmff::write::SampleEntry;
use nearlive::units::Resolution;
use nearlive_server::package::{Access, Frame};
use std::ops::Range;

/// From a frame to the next, on the camera's clock; 90 kHz.
const FRAME_TICKS: i64 = 3600;
const FRAME_US: i64 = 40_000;
/// An AAC frame of 1024 samples at 48 kHz; 90 kHz.
const SOUND_TICKS: i64 = 1920;
/// From capture to arrival, by track: copied picture, two encoded ones, sound. Microseconds.
pub(super) const DELAYS_US: [i64; 4] = [65_000, 45_000, 42_000, 48_000];
/// Bytes of a key frame and of another, by track.
const BYTES: [(usize, usize); 3] = [(2400, 600), (1000, 240), (400, 90)];
const SOUND_BYTES: usize = 40;
/// A frame arrives up to this much later.
const JITTER_US: u64 = 8_000;
pub(super) const SOUND: usize = 3;

/// What the camera does; times are Unix microseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Habits {
    /// The seed of all chance.
    pub(super) seed: u64,
    /// How much too fast its clock is.
    pub(super) ppm: i64,
    /// When nothing arrives.
    pub(super) away: Vec<Range<i64>>,
    /// Its picture has the other size from then on, or the first one again.
    pub(super) resized: Vec<i64>,
    /// GOPs have any length from 0.5 to 1.5 s.
    pub(super) off_grid: Vec<Range<i64>>,
    /// This many of a thousand frames are skipped; GOPs are counted in frames.
    pub(super) skips: Vec<(Range<i64>, u32)>,
}

/// A frame under way.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) at: i64,
    pub(super) track: usize,
    pub(super) frame: Frame,
}

/// The camera.
#[derive(Debug)]
pub(super) struct Camera {
    habits: Habits,
    rng: Rng,
    /// When its clock was zero.
    origin: i64,
    picture: i64,
    sound: i64,
    /// Frames until the next key frame.
    until_key: u32,
    /// The picture with which the engine's run began.
    run: i64,
    last_arrival: [i64; 4],
}

impl Camera {
    pub(super) fn new(habits: Habits, origin: i64) -> Self {
        Self {
            rng: Rng::new(habits.seed),
            habits,
            origin,
            picture: 0,
            sound: 0,
            until_key: 0,
            run: 0,
            last_arrival: [0; 4],
        }
    }

    /// A run of the engine begins: timestamps count from here.
    pub(super) fn begin_run(&mut self) {
        self.run = self.picture;
    }

    pub(super) fn is_away(&self, at: i64) -> bool {
        self.habits.away.iter().any(|a| a.contains(&at))
    }

    /// When the camera's clock shows `us` since its zero.
    fn truth(&self, us: i64) -> i64 {
        let true_us = i128::from(us) * 1_000_000 / i128::from(1_000_000 + self.habits.ppm);
        self.origin + i64::try_from(true_us).unwrap_or(i64::MAX)
    }

    /// Appends all frames taken before `until`.
    pub(super) fn shoot(&mut self, until: i64, out: &mut Vec<Arrival>) {
        loop {
            let at = self.truth(self.picture * FRAME_US);
            if at >= until {
                break;
            }
            self.take_picture(at, out);
            self.picture += 1;
        }
        loop {
            // 64 ms have three frames.
            let at = self.truth(self.sound * 64_000 / 3);
            if at >= until {
                break;
            }
            let pts = self.sound * SOUND_TICKS - self.run * FRAME_TICKS;
            self.sound += 1;
            if !self.is_away(at) && pts >= 0 {
                let aac = AacConfig { object_type: 2, sample_rate: 48_000, channels: 1 };
                self.send(SOUND, at, pts, (SOUND_BYTES, true, SampleEntry::Aac(aac)), out);
            }
        }
    }

    fn take_picture(&mut self, at: i64, out: &mut Vec<Arrival>) {
        let skips = self.habits.skips.iter().find(|s| s.0.contains(&at)).map_or(0, |s| s.1);
        if self.rng.chance(skips) {
            return;
        }
        let key = self.until_key == 0;
        if key {
            let anywhere = self.habits.off_grid.iter().any(|g| g.contains(&at));
            let gop = if anywhere { self.rng.between(12, 37) } else { 25 };
            self.until_key = u32::try_from(gop).unwrap_or(25);
        }
        self.until_key -= 1;
        if self.is_away(at) {
            return;
        }
        let other = self.habits.resized.iter().filter(|t| **t <= at).count() % 2 == 1;
        let pts = (self.picture - self.run) * FRAME_TICKS;
        for (track, (whole, rest)) in BYTES.into_iter().enumerate() {
            let bytes = if key { whole } else { rest };
            self.send(track, at, pts, (bytes, key, picture_entry(track, other)), out);
        }
    }

    fn send(
        &mut self,
        track: usize,
        at: i64,
        pts: i64,
        (bytes, key, entry): (usize, bool, SampleEntry),
        out: &mut Vec<Arrival>,
    ) {
        let delay = DELAYS_US.get(track).copied().unwrap_or_default();
        let jitter = i64::try_from(self.rng.below(JITTER_US)).unwrap_or(0);
        let mut arrival_us = at + delay + jitter;
        if let Some(last) = self.last_arrival.get_mut(track) {
            arrival_us = arrival_us.max(*last);
            *last = arrival_us;
        }
        let (data, entry) = (vec![0; bytes], key.then_some(entry));
        let access = if key { Access::Closed } else { Access::None };
        let frame = Frame { pts, arrival_us, data, access, bidirectional: false, entry };
        out.push(Arrival { at: arrival_us, track, frame });
    }
}

fn picture_entry(track: usize, other: bool) -> SampleEntry {
    let height = if other { 480 } else { 720 } >> track;
    SampleEntry::Avc(AvcConfig {
        sps: vec![0x67, 0x64, 0, 0x1f, 0xac, u8::from(other)],
        pps: vec![0x68, 0xeb, 0xe3],
        more_pps: Vec::new(),
        resolution: Resolution { width: height * 16 / 9 / 2 * 2, height },
    })
}
