//! What the page is told when it asks: figures, qualities.

use super::event::{Quality, Stats};
use super::figures::Figures;
use super::place::{qualities, rep_of};
use super::quality::Adaptation;
use super::requests::Requests;
use super::select::{self, Types};
use super::sight::Sight;
use super::track::Tracks;
use super::track::stream::Stream;
use crate::time::{Duration, Instant};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The parts that are reported on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Report<'a> {
    pub(super) tracks: &'a Tracks,
    pub(super) requests: &'a Requests,
    pub(super) quality: &'a Adaptation,
    pub(super) types: &'a Types,
    pub(super) figures: &'a Figures,
    /// The others, which fetching sees as well.
    pub(super) rest: Sight<'a>,
}

impl Report<'_> {
    /// The origin's time now minus the capture time of the picture shown; else the live edge minus
    /// the position. `None` while there is no picture.
    pub(super) fn latency(&self, now: Instant) -> Option<Duration> {
        self.rest.head.control().filter(|_| self.rest.head.shows())?;
        let at = self.rest.head.position(now);
        let tells = self.rest.clock_tells(self.tracks, now);
        if let Some(taken) = self.rest.camera.capture_time(at).filter(|_| tells) {
            return Some(self.rest.clock.origin(now).since(taken));
        }
        Some(self.rest.edge(self.tracks, now)?.since(at))
    }

    /// How much farther behind the live edge playback is than the latency it steers to. Capture
    /// times cannot tell this: while the camera is away they stand still, and there is nothing
    /// newer.
    fn behind(&self, now: Instant) -> Option<Duration> {
        let wanted = self.rest.head.control().filter(|_| self.rest.head.shows())?.wanted(now);
        let behind = self.rest.edge(self.tracks, now)?.since(self.rest.head.position(now));
        Some(behind.saturating_sub(wanted))
    }

    /// The request that fails at present and is retried, in words.
    fn outage(&self) -> Option<String> {
        self.requests.retries.told().map(ToString::to_string)
    }

    pub(super) fn stats(&self, now: Instant) -> Stats {
        let snap = self.rest.head.snap();
        let (stalls, stalls_of_source) = self.rest.head.stalls(now);
        let stream = self.tracks.leading();
        let latency = self.latency(now);
        let rep =
            self.rest.manifest.presentation().zip(stream).and_then(|(p, s)| rep_of(p, s.place()));
        Stats {
            protocol: self.rest.manifest.protocol(),
            live: self.rest.head.is_live(),
            latency,
            playing_date: latency.map(|latency| self.rest.clock.origin(now) - latency),
            target_latency: self.rest.head.control().map(|control| control.wanted(now)),
            behind: self.behind(now),
            buffer_ahead: self.rest.ahead(self.tracks, now),
            playback_rate_permille: snap.rate.permille(),
            throughput: self.quality.rate(),
            quality: rep.map(select::quality),
            quality_reason: self.quality.reason().to_string(),
            stalls: stalls.count,
            stalled: stalls.lasted,
            source_stalls: stalls_of_source.count,
            source_stalled: stalls_of_source.lasted,
            switches: self.figures.switches,
            bytes: self.requests.bytes,
            requests: self.requests.made,
            errors: self.figures.errors,
            startup: self.figures.startup,
            dropped_frames: snap.dropped,
            waiting_for: self.figures.waiting_for,
            trouble: self.outage().unwrap_or_default(),
        }
    }

    /// What can be chosen between in the Period that is fetched, best first.
    pub(super) fn qualities(&self) -> Vec<Quality> {
        let place = self.tracks.leading().map(Stream::place);
        let known = self.rest.manifest.presentation().zip(place);
        known.map(|(p, place)| qualities(p, self.types, place)).unwrap_or_default()
    }
}
