//! A camera and its server as a function of the clock: its Periods, its renditions, its times.

use super::setup::{Live, Rung};
use crate::clock::{Clock, Time, millis, secs};
use crate::origin::cmaf::{Kind, Packer};
use nearlive::time::WallTime;

/// A Period. Times are Unix microseconds.
#[derive(Clone, Debug)]
pub(super) struct Period {
    pub(super) start: i64,
    /// Where the next one begins.
    pub(super) end: Option<i64>,
    /// The server knows about it from this time on.
    pub(super) known: Time,
    pub(super) first_number: u64,
    other_profile: bool,
}

impl Period {
    pub(super) fn id(&self) -> i64 {
        self.start / 1000
    }
}

/// The camera, and what its server knows of it.
#[derive(Debug)]
pub(super) struct Camera {
    pub(super) live: Live,
    pub(super) periods: Vec<Period>,
    video: [Vec<Packer>; 2],
    audio: Packer,
}

/// Unix microseconds of a time of the run.
pub(super) fn unix(t: Time) -> i64 {
    Clock::truth(t).as_micros()
}

/// The time of the run at Unix microseconds; 0 before it.
pub(super) fn time_of(us: i64) -> Time {
    Clock::time_of(WallTime::from_micros(us))
}

pub(super) fn signed(t: Time) -> i64 {
    i64::try_from(t).unwrap_or(i64::MAX)
}

/// Periods begin with the stream, after each absence, after each restart, and where the encoder
/// changes.
fn periods(live: &Live) -> Vec<Period> {
    let frame = signed(live.frame);
    let next_frame = |t: Time| (unix(t) + frame - 1).div_euclid(frame) * frame;
    let mut starts: Vec<(i64, bool)> = Vec::new();
    starts.extend(live.away.iter().map(|a| (next_frame(a.end), false)));
    // After a restart the server has to ask the camera for its stream again.
    starts.extend(live.down.iter().map(|d| (next_frame(d.end + RECONNECT), false)));
    starts.extend(live.changes.iter().map(|c| (next_frame(*c), true)));
    starts.retain(|(at, _)| !live.away.iter().any(|a| (unix(a.start)..unix(a.end)).contains(at)));
    starts.sort_unstable();
    starts.dedup_by_key(|s| s.0);
    let first = (unix(0) - signed(AGE)).div_euclid(signed(live.segment)) * signed(live.segment);
    let mut all = vec![(first, false)];
    all.extend(starts);
    let hold = live.rungs.iter().map(|r| r.hold).max().unwrap_or(0) + live.jitter;
    let mut other_profile = false;
    let mut periods: Vec<Period> = Vec::new();
    for (i, (start, change)) in all.iter().enumerate() {
        other_profile ^= change;
        periods.push(Period {
            start: *start,
            end: all.get(i + 1).map(|n| n.0),
            known: if i == 0 { 0 } else { time_of(*start) + hold },
            first_number: u64::try_from(start.div_euclid(signed(live.segment))).unwrap_or(0),
            other_profile,
        });
    }
    periods
}

/// How long the server has run when the run begins.
const AGE: Time = secs(600);

/// From the start of the process to the camera's first frame.
const RECONNECT: Time = millis(700);

/// A picture's absence is noticed after this time.
pub(super) const VIDEO_NOTICED: Time = millis(500);

/// A sound's absence is noticed after this time.
pub(super) const AUDIO_NOTICED: Time = millis(300);

impl Camera {
    /// A server that has run for ten minutes when the run begins.
    pub(super) fn new(live: Live) -> Self {
        let kinds = |other: bool| {
            let kind = move |r: &Rung| match other {
                true => Kind::OtherVideo { width: r.width, height: r.height },
                false => Kind::Video { width: r.width, height: r.height },
            };
            live.rungs.iter().map(|r| Packer::new(kind(r))).collect::<Vec<_>>()
        };
        let video = [kinds(false), kinds(true)];
        let periods = periods(&live);
        Self { live, periods, video, audio: Packer::new(Kind::Audio) }
    }

    /// Periods that the server knows of: those of the running process, begun.
    pub(super) fn known(&self, now: Time) -> impl DoubleEndedIterator<Item = &Period> {
        let boot = self.live.down.iter().map(|d| d.end).filter(|end| *end <= now).max();
        let born = boot.map_or(i64::MIN, unix);
        self.periods.iter().filter(move |p| p.known <= now && p.start >= born)
    }

    pub(super) fn packer(&self, period: &Period, rendition: Rendition) -> Option<&Packer> {
        match rendition {
            Rendition::Audio => Some(&self.audio).filter(|_| self.live.audio),
            Rendition::Video(i) => {
                let [usual, other] = &self.video;
                if period.other_profile { other } else { usual }.get(i)
            }
        }
    }

    /// Where media times count from, Unix microseconds.
    pub(super) fn epoch(&self) -> i64 {
        match self.periods.first() {
            Some(first) if self.live.zero_based => first.start,
            _ => 0,
        }
    }
}

/// A rendition of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rendition {
    Video(usize),
    Audio,
}

impl Rendition {
    pub(super) fn read(name: &str) -> Option<Self> {
        if name == "a" {
            return Some(Self::Audio);
        }
        name.strip_prefix('v')?.parse().ok().map(Self::Video)
    }

    pub(super) fn name(self) -> String {
        match self {
            Self::Video(i) => format!("v{i}"),
            Self::Audio => "a".into(),
        }
    }
}
