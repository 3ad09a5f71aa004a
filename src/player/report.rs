//! What the page is told: states, qualities, the camera's condition, figures.

use super::cx::Cx;
use super::event::{Event, Quality, QualityChoice, State, Stats, Switch};
use super::opening::{Breakdowns, rep_of, track_of};
use super::select;
use super::session::Session;
use crate::live::clock::Trust;
use crate::time::Instant;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

/// Counters, and what was said last.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) errors: u32,
    pub(super) switches: u32,
    pub(super) startup: Option<Duration>,
    pub(super) breakdowns: Breakdowns,
    pub(super) reason: String,
    pub(super) waiting_for: &'static str,
    told_state: Option<State>,
    told_quality: Option<u32>,
}

impl Session {
    pub(super) fn report(&mut self, cx: &mut Cx<'_>) {
        self.report_state(cx);
        self.report_quality(cx);
        self.report_source(cx);
    }

    pub(super) fn report_state(&mut self, cx: &mut Cx<'_>) {
        let state = self.state();
        if self.figures.told_state != Some(state) {
            self.figures.told_state = Some(state);
            cx.emit(Event::State(state));
        }
    }

    fn report_quality(&mut self, cx: &mut Cx<'_>) {
        let at = self.playback.position(cx.now);
        let Some(stream) = self.streams.leading() else {
            return;
        };
        let Some(shown) = stream.buffer.quality_at(at) else { return };
        if self.figures.told_quality == Some(shown) {
            return;
        }
        let quality = |i: u32| self.known.get(i as usize).cloned();
        let from = self.figures.told_quality.and_then(quality).map(|it| it.0);
        let Some((to, reason)) = quality(shown) else { return };
        if from.is_some() {
            self.figures.switches = self.figures.switches.saturating_add(1);
        }
        self.figures.told_quality = Some(shown);
        cx.emit(Event::Quality(Switch { to, from, reason }));
    }

    fn report_source(&mut self, cx: &mut Cx<'_>) {
        if let Some(cause) = self.camera.news(cx.now, self.playback.position(cx.now)) {
            cx.emit(Event::Source { cause, age: self.latency(cx.now) });
        }
    }

    /// The origin's time now minus the capture time of what is shown, else minus its place on the
    /// manifest's clock.
    pub(super) fn latency(&self, now: Instant) -> Option<Duration> {
        self.live.as_ref()?;
        self.playback.moved?;
        let at = self.playback.position(now);
        if let Some(taken) = self.camera.taken(at).filter(|_| self.clock_tells(now)) {
            return Some(self.origin(now).since(taken));
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
        self.playback.moved?;
        let wanted = self.live.as_ref()?.control.wanted(now);
        let behind = self.edge(now)?.since(self.playback.position(now));
        Some(behind.saturating_sub(wanted))
    }

    /// What is asked for in vain at the moment, in words.
    fn outage(&self) -> Option<String> {
        let of_media = self.streams.iter().find_map(|s| s.trouble.words.clone());
        of_media.or_else(|| self.manifest.trouble().map(ToString::to_string))
    }

    pub(super) fn stats(&self, now: Instant) -> Stats {
        let pb = &self.playback;
        let (stalls, stalls_of_source) = pb.stalls(now);
        let stream = self.streams.leading();
        let rep = self.manifest.presentation().zip(stream).and_then(|(p, s)| rep_of(p, s.place));
        Stats {
            protocol: self.manifest.protocol(),
            live: self.is_live(),
            latency: self.latency(now),
            target_latency: self.live.as_ref().map(|l| l.control.wanted(now)),
            behind: self.behind(now),
            buffer_ahead: self.ahead(now),
            playback_rate_permille: pb.snap.rate.permille(),
            throughput: self.abr.estimate.rate(),
            quality: rep.map(select::quality),
            quality_reason: self.figures.reason.clone(),
            stalls: stalls.count,
            stalled: stalls.lasted,
            source_stalls: stalls_of_source.count,
            source_stalled: stalls_of_source.lasted,
            switches: self.figures.switches,
            bytes: self.requests.bytes,
            requests: self.requests.made,
            errors: self.figures.errors,
            startup: self.figures.startup,
            dropped_frames: pb.snap.dropped,
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
        self.choice = choice;
        self.replace_ahead(cx);
        let known = match &self.choice {
            QualityChoice::Auto => false,
            QualityChoice::Fixed(id) => self.qualities().iter().any(|it| it.id == *id),
        };
        // What is not there is left to the player.
        let reason = if known { "chosen by the viewer" } else { "the player chooses again" };
        self.figures.reason = reason.to_string();
    }
}
