//! Which representation to fetch: what is measured goes to `abr`, what it decides is done here.
//!
//! At a segment's border the place of the stream changes and the next segment is of the new rung. In
//! mid-segment the request is given up, and the new rung is entered at its segment that holds the
//! end of what is buffered; live, playing then goes on at the edge.

use super::cx::Cx;
use super::event::QualityChoice;
use super::following::ENTRY;
use super::io::{Body, FetchId};
use super::opening::{rep_of, track_of};
use super::requests::{Patience, Purpose, Sent};
use super::session::Session;
use super::track::download::{Download, middle};
use super::track::stream::{Place, Stream};
use crate::abr::estimate::Estimate;
use crate::abr::guard::Guard;
use crate::abr::probe::{self, Prober};
use crate::abr::{self, Choice, Rung, abandon, ahead, cmsd, live};
use crate::presentation::{Presentation, Segment, SegmentList, Track, TrackKind, edge as edge_at};
use crate::time::{Instant, Position};
use crate::units::Bitrate;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

/// A measurement this old says nothing about a live link.
const FRESH: Duration = Duration::from_secs(6);
/// A probe that takes longer than this has answered.
const PROBE_PATIENCE: Patience = Patience::even(Duration::from_secs(2));
/// A join's backlog may take this long: the wait for a lower rung would be longer.
const JOIN: Duration = Duration::from_millis(400);
/// Media this much later than usual is held back by the link.
pub(super) const BACKLOG: Duration = Duration::from_millis(100);

/// What is known of the link and of the machine.
#[derive(Debug, Default)]
pub(super) struct Adaptation {
    pub(super) estimate: Estimate,
    rule: live::Rule,
    prober: Prober,
    guard: Guard,
    probe: Option<ProbeRun>,
    /// Bytes of all tracks since the last read of the one that leads.
    beside: u64,
    /// When the last read came that counts.
    last_read: Option<Instant>,
    /// The middle of the segment that was given up for a lower rung: it is fetched on that one, and
    /// not given up again.
    held: Option<Position>,
}

/// A probe under way.
#[derive(Debug)]
struct ProbeRun {
    id: FetchId,
    target: Rung,
    bytes: u64,
    first: Option<(Instant, u64)>,
    media_before: u64,
}

impl Adaptation {
    pub(super) fn forbid_above(&mut self, rep: usize) {
        self.guard.forbid_above(rep);
    }
}

impl Session {
    /// The rungs of a track that may be taken now, lowest first.
    fn rungs(&self, now: Instant, track: &Track) -> Vec<Rung> {
        let most = self.abr.guard.highest(now);
        let playable = self.types.playable(track);
        let rungs = playable.iter().filter_map(|&rep| {
            let bandwidth = track.representations.get(rep)?.bandwidth;
            Some(Rung { rep, bandwidth })
        });
        let allowed: Vec<_> = rungs.clone().filter(|r| r.rep <= most).collect();
        if allowed.is_empty() { rungs.take(1).collect() } else { allowed }
    }

    /// The representation to start with.
    pub(super) fn first_rung(&mut self, cx: &Cx<'_>, track: &Track, live: bool) -> Option<usize> {
        let rungs = self.rungs(cx.now, track);
        if track.kind == TrackKind::Video
            && let Some(rep) = self.chosen(track)
        {
            self.figures.reason = "chosen by the viewer".to_string();
            return Some(rep);
        }
        let first = abr::first(&rungs, live)?;
        if track.kind == TrackKind::Video {
            self.figures.reason = first.why;
        }
        Some(first.rep)
    }

    /// The viewer's choice in this track, if it plays.
    fn chosen(&self, track: &Track) -> Option<usize> {
        let QualityChoice::Fixed(id) = &self.choice else { return None };
        let playable = self.types.playable(track);
        playable.into_iter().find(|&i| track.representations.get(i).is_some_and(|r| r.id == *id))
    }

    /// What is buffered far ahead is fetched anew in the quality that the viewer chose, from the
    /// next segment's border on: a choice that shows in half a minute looks like none.
    pub(super) fn replace_ahead(&mut self, cx: &mut Cx<'_>) {
        let Some(p) = self.manifest.shared() else { return };
        let soon = self.playback.position(cx.now) + Duration::from_secs(1);
        let Some(stream) = self.streams.of(TrackKind::Video) else { return };
        let (Some(track), Some(rep)) = (track_of(&p, stream.place), rep_of(&p, stream.place))
        else {
            return;
        };
        let same = self.chosen(track).is_none_or(|chosen| chosen == stream.place.rep);
        let border = self.manifest.list(rep).at(soon).map(|s| s.end);
        let Some(border) = border.filter(|b| !same && *b < stream.cursor.position()) else {
            return;
        };
        let requests = &mut self.requests;
        if let Some(stream) = self.streams.iter_mut().find(|s| s.kind == TrackKind::Video) {
            stream.retarget(cx, requests, border);
        }
    }

    /// What all tracks but the picture's need.
    fn others(&self, p: &Presentation) -> Bitrate {
        rate_of(p, self.streams.feeds().filter(|s| s.kind != TrackKind::Video))
    }

    /// What all that is fetched needs.
    pub(super) fn rate_of_all(&self, p: &Presentation) -> Bitrate {
        rate_of(p, self.streams.feeds())
    }

    /// Before a segment is asked for: the place it is to be of, when that changes.
    pub(super) fn decide_rung(
        &mut self,
        cx: &mut Cx<'_>,
        p: &Presentation,
        i: usize,
    ) -> Option<Place> {
        let stream = self.streams.get(i)?;
        let place = stream.place;
        let track = track_of(p, place)?;
        // Audio is switched only where there is no picture: it is small beside it.
        let leads = stream.kind == TrackKind::Video || self.streams.len() == 1;
        if !leads {
            return None;
        }
        if self.abr.held == Some(stream.cursor.position()) {
            return None;
        }
        if let Some(rep) = self.chosen(track) {
            return (rep != place.rep).then_some(Place { rep, ..place });
        }
        let rungs = self.rungs(cx.now, track);
        let ceiling = rungs.last().map(|r| r.rep)?;
        if place.rep > ceiling {
            self.figures.reason = "this machine cannot keep up with the higher one".to_string();
            return Some(Place { rep: ceiling, ..place });
        }
        let growing = self.live.as_ref().is_some_and(|l| l.growing);
        let others =
            if stream.kind == TrackKind::Video { self.others(p) } else { Bitrate::default() };
        let choice = if growing {
            let link = self.abr.estimate.fresh(cx.now, FRESH);
            let in_time = self.late(cx.now) < BACKLOG;
            let view = live::View { rungs: &rungs, current: place.rep, in_time, link, others };
            self.abr.rule.decide(cx.now, &view)
        } else {
            let (link, ahead) = (self.abr.estimate.rate(), self.ahead(cx.now));
            let goal = self.live_goal(cx.now).unwrap_or(self.goal);
            let view = ahead::View { rungs: &rungs, current: place.rep, link, others, ahead, goal };
            ahead::decide(&view)
        };
        let choice = choice?;
        self.figures.reason = choice.why;
        Some(Place { rep: choice.rep, ..place })
    }

    /// What can be ahead at most when live segments are fetched whole.
    fn live_goal(&self, now: Instant) -> Option<Duration> {
        self.live.as_ref().map(|l| l.control.wanted(now))
    }

    /// `CMSD-Dynamic` of an answer.
    pub(super) fn note_cmsd(&mut self, cx: &mut Cx<'_>, header: Option<&str>) {
        if let Some(rate) = header.and_then(cmsd::estimated_throughput)
            && self.live.as_ref().is_some_and(|l| l.growing)
            && self.late(cx.now) < BACKLOG
        {
            self.abr.estimate.proven(cx.now, rate);
        }
    }

    /// How much later than usual the picture arrives; what the origin says of itself that it was late
    /// is not counted: no rung mends that.
    pub(super) fn late(&self, now: Instant) -> Duration {
        let (Some(live), Some(edge)) = (&self.live, self.edge(now)) else { return Duration::ZERO };
        let Some(stream) = self.streams.leading() else {
            return Duration::ZERO;
        };
        let Some(d) = stream.downloads.front().filter(|_| live.growing) else {
            return Duration::ZERO;
        };
        let reached = d.reached.unwrap_or(d.segment.start);
        if reached >= d.edge_at_ask && !live.control.knows_lateness(now) {
            // It comes as it is made, and what is usual here is not known.
            return Duration::ZERO;
        }
        let made = d.finished.zip(self.manifest.presentation());
        let made = made.and_then(|((at, end), p)| Some(edge_at(p, at)?.since(end)));
        let usual = live.control.usual_lateness(now).max(stream.lateness.known());
        let expected = usual.max(made.unwrap_or_default());
        edge.since(reached).saturating_sub(expected + stream.grain)
    }

    /// An answer began: what comes now takes as long as the link needs.
    pub(super) fn note_answer(&mut self, cx: &Cx<'_>) {
        if !self.live.as_ref().is_some_and(|l| l.growing) {
            self.abr.last_read = Some(cx.now);
        }
    }

    /// A read came: a sample where the link set the pace.
    pub(super) fn note_read(&mut self, cx: &mut Cx<'_>, kind: TrackKind, id: FetchId, len: u32) {
        let now = cx.now;
        let growing = self.live.as_ref().is_some_and(|l| l.growing);
        let leads = kind == TrackKind::Video || self.streams.len() == 1;
        self.abr.beside += u64::from(len);
        if growing && !leads {
            // Sound is small and may flow past a picture that is held back.
            return;
        }
        let len = core::mem::take(&mut self.abr.beside);
        let Some(before) = self.abr.last_read.replace(now) else {
            // The first read has no time of its own.
            return;
        };
        let after = now.since(before);
        if !growing {
            self.abr.estimate.read(now, len, after, false);
            self.abandon_whole(cx, kind, id);
            return;
        }
        if self.camera.away() {
            return;
        }
        if self.late(now) > BACKLOG {
            self.abr.estimate.read(now, len, after, true);
            self.abandon_growing(cx, kind);
        } else {
            self.abr.estimate.flowing(now);
        }
    }

    /// A segment is whole.
    pub(super) fn note_segment(&mut self, cx: &Cx<'_>) {
        if !self.live.as_ref().is_some_and(|l| l.growing) {
            self.abr.estimate.flowing(cx.now);
            self.abr.last_read = None;
        }
    }

    fn abandon_growing(&mut self, cx: &mut Cx<'_>, kind: TrackKind) {
        let Some(p) = self.manifest.shared() else { return };
        if kind != TrackKind::Video || self.playback.moved.is_none() && self.late_join(cx.now) {
            return;
        }
        // What is on its way, which the next segment may already have been decided to leave.
        let front = self.streams.of(kind).and_then(|s| s.downloads.front());
        let Some(place) = front.map(|d| d.place) else { return };
        let Some(track) = track_of(&p, place) else { return };
        if self.chosen(track).is_some() {
            return;
        }
        let rungs = self.rungs(cx.now, track);
        let view = abandon::Growing {
            rungs: &rungs,
            current: place.rep,
            late: self.late(cx.now),
            link: self.abr.estimate.recent(),
            others: self.others(&p),
        };
        let Some(choice) = abandon::growing(&view) else { return };
        self.abr.prober.weak(cx.now);
        self.abr.rule.note_down(cx.now);
        self.abr.estimate.fallen();
        self.drop_to(cx, kind, choice);
    }

    /// A join's backlog is no sign of weakness while it is young.
    fn late_join(&self, now: Instant) -> bool {
        let first = self.streams.of(TrackKind::Video).and_then(|s| s.downloads.front());
        first.is_none_or(|d| now.since(d.sent_at) < JOIN)
    }

    fn abandon_whole(&mut self, cx: &mut Cx<'_>, kind: TrackKind, id: FetchId) {
        let Some(p) = self.manifest.shared() else { return };
        if kind != TrackKind::Video {
            return;
        }
        let Some(stream) = self.streams.of(kind) else { return };
        let Some(d) = stream.downloads.front().filter(|d| d.id == id) else { return };
        let place = stream.place;
        let Some(track) = track_of(&p, place) else { return };
        let held = middle(&d.segment);
        if self.chosen(track).is_some() || place != d.place || self.abr.held == Some(held) {
            return;
        }
        let rungs = self.rungs(cx.now, track);
        let answered = self.requests.get(id).and_then(|s| s.answered_at).unwrap_or(d.sent_at);
        let view = abandon::Whole {
            rungs: &rungs,
            current: place.rep,
            length: d.segment.end.since(d.segment.start),
            got: d.got,
            elapsed: cx.now.since(answered),
            ahead: self.ahead(cx.now),
        };
        let Some(choice) = abandon::whole(&view) else { return };
        let Some(stream) = self.streams.iter_mut().find(|s| s.kind == kind) else { return };
        let Some(Download { .. }) = stream.lost(cx, &mut self.requests, id) else { return };
        self.requests.cancel(cx, id);
        self.abr.held = Some(held);
        if let Some(stream) = self.streams.of_mut(kind) {
            stream.place = Place { rep: choice.rep, ..place };
        }
        self.figures.reason = choice.why;
    }

    /// The next request for this segment stays on the rung that it is set to.
    pub(super) fn hold_rung(&mut self, segment: &Segment) {
        self.abr.held = Some(middle(segment));
    }

    /// Leaves a growing segment for a lower rung.
    fn drop_to(&mut self, cx: &mut Cx<'_>, kind: TrackKind, choice: Choice) {
        let Some(edge) = self.edge(cx.now) else { return };
        let position = self.playback.position(cx.now);
        // The lower rung's segment has to be fetched from its start; the next one may be there sooner.
        let entry = self.manifest.presentation().and_then(|p| {
            let place = Place { rep: choice.rep, ..self.streams.of(kind)?.place };
            let rep = rep_of(p, place)?;
            let segment = rep.segments.at(edge)?;
            let link = self.abr.estimate.recent()?.as_bps();
            let rate = Bitrate::from_bps(link.saturating_sub(self.others(p).as_bps()));
            let made = rep.bandwidth.bytes_in(edge.since(segment.start));
            let next = rate.time_for(made)? > segment.end.since(edge);
            Some(if next { segment.end } else { segment.start })
        });
        let Some(live) = &mut self.live else { return };
        // Another rung arrives otherwise, and what runs dry now does for want of the link.
        live.control.slowed(cx.now);
        let moved = self.playback.moved.is_some() && live.following;
        let Some(stream) = self.streams.iter_mut().find(|s| s.kind == kind) else { return };
        // From where there is nothing yet, but not what would only be fetched to be skipped.
        let at = stream.buffer.ranges().end_from(position).max(entry.unwrap_or(edge - ENTRY));
        stream.place.rep = choice.rep;
        stream.retarget(cx, &mut self.requests, at);
        self.figures.reason = choice.why;
        if moved {
            self.replace_at(at);
        }
    }

    /// Playing goes on at `at` or later, as soon as media is there; until then as it is.
    fn replace_at(&mut self, at: Position) {
        self.start_at = Some(at);
        self.playback.placed = false;
        self.playback.seeking_to = None;
    }

    /// When all is well: the initialization segments of the other rungs, for a link that breaks in
    /// has no time for them.
    fn advance_inits(&mut self, cx: &mut Cx<'_>) {
        let Some(p) = self.manifest.shared() else { return };
        let Some(i) = self.streams.iter().position(|s| s.kind == TrackKind::Video) else { return };
        let Some(stream) = self.streams.get(i).filter(|s| s.fetching.is_none()) else { return };
        let Some(track) = track_of(&p, stream.place) else { return };
        let playable = self.types.playable(track).into_iter();
        let mut inits = playable.filter_map(|rep| track.representations.get(rep)?.init.as_ref());
        if stream.trouble.failed.count() == 0
            && let Some(init) = inits.find(|init| stream.init(init).is_none())
        {
            self.fetch_init(cx, i, init.clone());
        }
    }

    /// Probes for the next rung when that may be of use.
    pub(super) fn advance_probe(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now;
        if let Some(run) = &self.abr.probe {
            if self.late(now) > BACKLOG {
                // It takes from the picture what that needs.
                let id = run.id;
                self.requests.cancel(cx, id);
                self.finish_probe(cx);
            }
            return;
        }
        let steady = self.playback.runs() && self.playback.moved.is_some();
        let Some(live) = self.live.as_ref().filter(|l| l.growing && l.following) else { return };
        if !steady || self.camera.away() || !live.control.calm(now) || self.late(now) > BACKLOG {
            return;
        }
        self.advance_inits(cx);
        let due = self.abr.prober.due().max(self.abr.rule.held_until());
        if due.is_some_and(|due| now < due) {
            return;
        }
        let Some((target, segment)) = self.probe_target(now) else { return };
        let body = Body::Media(Vec::new());
        let id = self.requests.send(cx, Purpose::Probe, &segment.resource, body, PROBE_PATIENCE);
        self.abr.prober.begun(now);
        let media_before = self.requests.bytes;
        self.abr.probe = Some(ProbeRun { id, target, bytes: 0, first: None, media_before });
    }

    /// The next rung, and its newest finished segment.
    fn probe_target(&self, now: Instant) -> Option<(Rung, Segment)> {
        let p = self.manifest.presentation()?;
        let stream = self.streams.of(TrackKind::Video)?;
        let track = track_of(p, stream.place)?;
        if self.chosen(track).is_some() {
            return None;
        }
        let rungs = self.rungs(now, track);
        let target = probe::next_rung(&rungs, stream.place.rep)?;
        // A fresh measurement that suffices needs no proof.
        let need = target.bandwidth.as_bps() + self.others(p).as_bps();
        let known = self.abr.estimate.fresh(now, FRESH).map_or(0, |r| r.scaled(750).as_bps());
        if known >= need {
            return None;
        }
        let list: &SegmentList = &track.representations.get(target.rep)?.segments;
        let current = stream.downloads.front()?.segment.number;
        let segment = list.numbered(current.checked_sub(1)?)?;
        Some((target, segment))
    }

    /// A read of the probe.
    pub(super) fn on_probe_read(&mut self, cx: &mut Cx<'_>, id: FetchId, len: u32) {
        let now = cx.now;
        let Some(run) = self.abr.probe.as_mut().filter(|r| r.id == id) else { return };
        run.bytes += u64::from(len);
        let (first, _) = *run.first.get_or_insert((now, run.bytes));
        let lasted = now.since(first);
        // A third of what is needed is not a matter of a little more.
        let hopeless = lasted >= probe::LEAST_PROBE
            && Bitrate::of(run.bytes, lasted).is_none_or(|r| r < run.target.bandwidth.scaled(333));
        if hopeless || run.bytes >= probe::MOST_BYTES || lasted >= probe::LONGEST_PROBE {
            self.requests.cancel(cx, id);
            self.finish_probe(cx);
        }
    }

    /// The probe ended.
    pub(super) fn on_probe_over(&mut self, cx: &mut Cx<'_>, sent: &Sent) {
        if self.abr.probe.as_ref().is_some_and(|r| r.id == sent.id) {
            self.finish_probe(cx);
        }
    }

    fn finish_probe(&mut self, cx: &mut Cx<'_>) {
        let Some(run) = self.abr.probe.take() else { return };
        let Some(p) = self.manifest.shared() else { return };
        let Some((first, first_bytes)) = run.first else { return self.abr.prober.judged(false) };
        let time = cx.now.since(first);
        // A body that came in one read took less than can be measured.
        let bytes = if run.bytes == first_bytes { run.bytes } else { run.bytes - first_bytes };
        let all = self.requests.bytes.saturating_sub(run.media_before);
        let beside =
            Bitrate::of(all.saturating_sub(run.bytes), time.max(Duration::from_millis(100)));
        let proven = self.abr.prober.over(bytes, time, beside.unwrap_or_default());
        let need = run.target.bandwidth.as_bps() + self.others(&p).as_bps();
        let sufficed = proven.is_some_and(|r| r.scaled(750).as_bps() >= need);
        self.abr.prober.judged(sufficed);
        if let Some(rate) = proven.filter(|_| sufficed) {
            self.abr.estimate.proven(cx.now, rate);
        }
    }

    /// Frames shown and dropped.
    pub(super) fn note_frames(&mut self, now: Instant) {
        let s = &self.playback.snap;
        let (frames, dropped, hidden) = (s.frames, s.dropped, s.hidden);
        let Some(rep) = self.streams.of(TrackKind::Video).map(|s| s.place.rep) else { return };
        if hidden || !self.playback.runs() {
            self.abr.guard.disturbed();
        } else if self.abr.guard.frames(now, rep, frames, dropped) {
            self.figures.reason = "this machine drops frames".to_string();
        }
    }
}

/// What the representations that these streams are on need.
fn rate_of<'a>(p: &Presentation, streams: impl Iterator<Item = &'a Stream>) -> Bitrate {
    let reps = streams.filter_map(|s| rep_of(p, s.place));
    Bitrate::from_bps(reps.map(|r| r.bandwidth.as_bps()).sum())
}
