//! The settings of the camera and its server in a test.

use crate::clock::{Time, millis, secs};
use std::ops::Range;

/// One rung of the ladder.
#[derive(Clone, Copy, Debug)]
pub struct Rung {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Kilobits a second.
    pub kbps: u32,
    /// From a frame's capture to its arrival at the server.
    pub hold: Time,
}

/// The camera and its server, over the whole run.
#[derive(Clone, Debug)]
pub struct Live {
    /// From a frame to the next; divides the segment.
    pub frame: Time,
    /// The nominal duration of segments, which is the length of a GOP. HLS and plain DASH
    /// need whole seconds.
    pub segment: Time,
    /// Lowest first.
    pub rungs: Vec<Rung>,
    /// Whether there is sound.
    pub audio: bool,
    /// Frames of sound in a chunk.
    pub audio_frames: u64,
    /// Segments of the sound begin so much after the picture's, where manifests list them.
    pub sound_shift: Time,
    /// Frames arrive up to this much later than their hold.
    pub jitter: Time,
    /// When the camera is away.
    pub away: Vec<Range<Time>>,
    /// When the server's process does not run.
    pub down: Vec<Range<Time>>,
    /// When the camera's encoder changes its profile, and a new Period begins.
    pub changes: Vec<Time>,
    /// Segments that begin in these times do not exist.
    pub lost: Vec<Range<Time>>,
    /// Frames captured in these times never arrived.
    pub missing: Vec<Range<Time>>,
    /// In these times the encoder is short of processor time: it takes this many thousandths of
    /// real time for each frame, and works off the backlog afterwards.
    pub starved: Vec<(Range<Time>, u32)>,
    /// How far back segments are kept.
    pub depth: Time,
    /// What ServiceDescription asks for.
    pub target: Option<Time>,
    /// `minimumUpdatePeriod`; `None` leaves it out.
    pub refresh: Option<Time>,
    /// Requests for the next segment are held, not refused.
    pub holds: bool,
    /// There is a `UTCTiming` that points at `/time`.
    pub clock: bool,
    /// Media times count from the start of the first Period, as ffmpeg's do.
    pub zero_based: bool,
    /// The picture states how the camera is: in each still that fills a gap, and then in each
    /// segment of the same process.
    pub speaks: bool,
}

impl Default for Live {
    fn default() -> Self {
        let rung = |width, height, kbps, hold| Rung { width, height, kbps, hold: millis(hold) };
        Self {
            frame: millis(40),
            segment: secs(1),
            rungs: vec![
                rung(320, 180, 300, 70),
                rung(640, 360, 800, 70),
                rung(1280, 720, 2500, 45),
            ],
            audio: true,
            audio_frames: 1,
            sound_shift: 0,
            jitter: millis(8),
            away: Vec::new(),
            down: Vec::new(),
            changes: Vec::new(),
            lost: Vec::new(),
            missing: Vec::new(),
            starved: Vec::new(),
            depth: secs(60),
            target: None,
            refresh: Some(secs(2)),
            holds: true,
            clock: true,
            zero_based: false,
            speaks: false,
        }
    }
}
