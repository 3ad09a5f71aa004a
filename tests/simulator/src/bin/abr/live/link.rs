//! The low-latency live model of Twitch's challenge at MMSys 2020: its stream, its patterns of the link.

use super::peer::Stream;
use nearlive_simulator::clock::{Clock, Time, millis, secs};
use nearlive_simulator::network::{Path, Trace, TraceStep};
use nearlive_simulator::origin::live::{Live, Rung};

/// A segment, and a chunk of it. The challenge has 30 frames a second; 32 are whole microseconds and divide a segment.
pub(crate) const SEGMENT: Time = millis(500);
const FRAME: Time = 31_250;
/// The latency that is asked for.
const TARGET: Time = secs(1);
/// From a frame's capture to its chunk at the server: the frame itself and some encoding.
const HOLD: Time = millis(45);
/// From the page to the server, one way, where a trace does not say.
const DELAY: Time = millis(10);
/// The link carries, and the page reads, a packet's worth at a time: dash.js measures by reads.
pub(crate) const PIECE: u64 = 1460;
/// How long a run is.
pub(crate) const RUN: Time = secs(300);

const RUNGS: [(u32, u32, u32); 3] = [(320, 180, 200), (640, 360, 600), (1280, 720, 1000)];

/// Kilobits a second of each rung, lowest first.
pub(crate) const KBPS: [f64; 3] = [RUNGS[0].2 as f64, RUNGS[1].2 as f64, RUNGS[2].2 as f64];

/// The patterns: kilobits a second for milliseconds.
const PATTERNS: [(&str, &[(u64, u64)]); 5] = [
    ("CASCADE", &[(1200, 30_000), (800, 30_000), (400, 30_000), (800, 30_000), (1200, 30_000)]),
    (
        "INTRA_CASCADE",
        &[
            (1000, 15_000),
            (800, 15_000),
            (600, 15_000),
            (400, 15_000),
            (300, 15_000),
            (400, 15_000),
            (600, 15_000),
            (800, 15_000),
            (1000, 15_000),
        ],
    ),
    ("SPIKE", &[(1200, 10_000), (300, 10_000), (800, 10_000)]),
    ("SLOW_JITTERS", &[(500, 5000), (1200, 5000)]),
    (
        "FAST_JITTERS",
        &[(500, 250), (1200, 5000), (500, 100), (1200, 1000), (500, 250), (1200, 5000)],
    ),
];

/// A link with its name.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) trace: Trace,
}

/// The patterns as links; each repeats.
pub(crate) fn patterns() -> Vec<Link> {
    let step = |&(kbps, ms): &(u64, u64)| TraceStep { lasts: millis(ms), kbps, delay: None };
    let link = |(name, steps): &(&str, &[(u64, u64)])| Link {
        name: (*name).to_owned(),
        trace: Trace { steps: steps.iter().map(step).collect(), repeat: true },
    };
    PATTERNS.iter().map(link).collect()
}

/// The way to the server; so many bytes are read at a time.
pub(crate) fn path(link: &Link, piece: u64) -> Path {
    Path { trace: link.trace.clone(), delay: DELAY, piece, ..Path::steady(0) }
}

/// The camera and its server; `targeted`: its manifest asks for the challenge's latency.
pub(crate) fn camera(targeted: bool) -> Live {
    let rung = |(width, height, kbps)| Rung { width, height, kbps, hold: HOLD };
    Live {
        frame: FRAME,
        segment: SEGMENT,
        rungs: RUNGS.map(rung).to_vec(),
        audio: false,
        target: targeted.then_some(TARGET),
        ..Live::default()
    }
}

/// The stream, as the peers know it.
pub(crate) fn stream() -> Stream {
    let clock = Clock::new(0, 0);
    Stream {
        kbps: KBPS.to_vec(),
        segment: SEGMENT.cast_signed(),
        frame: FRAME.cast_signed(),
        target: TARGET.cast_signed(),
        clock: clock.wall(0).as_micros() - clock.monotonic(0).as_micros().cast_signed(),
    }
}
