//! What the page is told: states, qualities, the camera's condition, figures.

use super::cx::Cx;
use super::event::{Event, Quality, QualityChoice, Stats};
use super::place::{rep_of, track_of};
use super::select;
use super::session::Session;
use crate::live::clock::Trust;
use crate::time::Instant;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

impl Session {
    pub(super) fn report(&mut self, cx: &mut Cx<'_>) {
        self.report_state(cx);
        self.report_quality(cx);
        self.report_source(cx);
    }

    pub(super) fn report_state(&mut self, cx: &mut Cx<'_>) {
        if let Some(event) = self.figures.state(self.state()) {
            cx.emit(event);
        }
    }

    fn report_quality(&mut self, cx: &mut Cx<'_>) {
        let at = self.head.position(cx.now);
        let Some(stream) = self.streams.leading() else { return };
        let Some(shown) = stream.buffer.quality_at(at) else { return };
        if let Some(event) = self.figures.shows(shown, |it| self.quality.known(it)) {
            cx.emit(event);
        }
    }

    fn report_source(&mut self, cx: &mut Cx<'_>) {
        if let Some(cause) = self.camera.news(cx.now, self.head.position(cx.now)) {
            cx.emit(Event::Source { cause, age: self.latency(cx.now) });
        }
    }

    /// The origin's time now minus the capture time of what is shown, else minus its place on the
    /// manifest's clock.
    pub(super) fn latency(&self, now: Instant) -> Option<Duration> {
        self.head.control()?;
        self.head.moved()?;
        let at = self.head.position(now);
        if let Some(taken) = self.camera.taken(at).filter(|_| self.clock_tells(now)) {
            return Some(self.clock.origin(now).since(taken));
        }
        Some(self.edge(now)?.since(at))
    }

    /// The origin's time can be set against capture times: not by a clock that is known to be off.
    fn clock_tells(&self, now: Instant) -> bool {
        self.clock.trust() > Trust::Local || self.clock_fits(now)
    }

    /// How much newer than what is shown could be had, on the manifest's clock: that one goes on while
    /// the camera is away, and there is nothing newer then.
    fn behind(&self, now: Instant) -> Option<Duration> {
        self.head.moved()?;
        let wanted = self.head.control()?.wanted(now);
        let behind = self.edge(now)?.since(self.head.position(now));
        Some(behind.saturating_sub(wanted))
    }

    /// What is asked for in vain at the moment, in words.
    fn outage(&self) -> Option<String> {
        let of_media = self.streams.iter().find_map(|s| s.trouble.words.clone());
        of_media.or_else(|| self.manifest.trouble().map(ToString::to_string))
    }

    pub(super) fn stats(&self, now: Instant) -> Stats {
        let snap = self.head.snap();
        let (stalls, stalls_of_source) = self.head.stalls(now);
        let stream = self.streams.leading();
        let rep = self.manifest.presentation().zip(stream).and_then(|(p, s)| rep_of(p, s.place));
        Stats {
            protocol: self.manifest.protocol(),
            live: self.is_live(),
            latency: self.latency(now),
            target_latency: self.head.control().map(|control| control.wanted(now)),
            behind: self.behind(now),
            buffer_ahead: self.ahead(now),
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
        let Some(p) = self.manifest.presentation() else { return Vec::new() };
        let stream = self.streams.leading();
        let Some(track) = stream.and_then(|s| track_of(p, s.place)) else { return Vec::new() };
        let playable = self.types.playable(track).into_iter().rev();
        playable.filter_map(|i| track.representations.get(i)).map(select::quality).collect()
    }

    pub(super) fn set_quality(&mut self, cx: &mut Cx<'_>, choice: QualityChoice) {
        let offered = self.qualities();
        self.quality.choose(choice, &offered);
        self.replace_ahead(cx);
    }
}
