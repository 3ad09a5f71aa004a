//! Where to play: the start, the distance to the edge, stalls, holes, the viewer's seeks.
//!
//! ```text
//! start_at --media there--> placed (Seek, Play) --runs--> steered by rate
//!    ^                         |  stall: seek to edge - wanted once media is there again
//!    +------- far behind ------+  hole: seek over it
//! ```
//! A jump is a new start: the old picture stays until media at the new place is there.

use super::cx::Cx;
use super::io::{Output, Reason};
use super::opening::rep_of;
use super::playback::Change;
use super::session::Session;
use crate::buffer::evict;
use crate::live::control::{Aim, Control, Steer, View};
use crate::presentation::{Kind, Presentation, SegmentList, TrackKind, edge, window};
use crate::time::{Instant, Position, Span, WallTime};
use crate::units::Rate;
use core::time::Duration;

/// The controller looks this often.
const LOOK: Duration = Duration::from_millis(200);
/// How far behind the edge fetching starts where segments grow. A whole segment more, for the sake
/// of tenths of a second before it, costs a slow link more time than waiting for them.
pub(super) const ENTRY: Duration = Duration::from_millis(120);
/// So much media before the newest segment is not worth a request for the one before.
const DETOUR: Duration = Duration::from_millis(300);
/// Media that arrived this far behind the edge is the newest there is.
const CAUGHT_UP: Duration = Duration::from_millis(250);
/// A backlog that has not been worked off by then is not waited for.
const BACKLOG_PATIENCE: Duration = Duration::from_millis(300);
/// Two seeks of ours are at least this far apart: a seek costs the browser about 100 ms.
const BETWEEN_SEEKS: Duration = Duration::from_millis(400);
/// A stall longer than this is an outage: a wider buffer would not have bridged it.
const OUTAGE: Duration = Duration::from_millis(1500);
/// Holes that are simply skipped: lost packets, rounding at a Period's edge.
const SMALL_HOLE: Duration = Duration::from_secs(1);

/// What live playback needs beyond the rest.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) control: Control,
    /// It holds to the edge; off while the viewer is elsewhere in the window.
    pub(super) following: bool,
    /// Every track is read while it grows.
    pub(super) growing: bool,
    rate: Rate,
    /// When media at the start's place was first seen.
    waiting_since: Option<Instant>,
    told_window: Option<Span>,
}

impl Live {
    pub(super) fn new(
        cx: &Cx<'_>,
        p: &Presentation,
        growing: bool,
        audio: bool,
        segment: Duration,
    ) -> Self {
        Self {
            control: Control::new(aim(cx, p, growing, audio, segment), cx.now),
            following: true,
            growing,
            rate: Rate::NORMAL,
            waiting_since: None,
            told_window: None,
        }
    }
}

fn aim(cx: &Cx<'_>, p: &Presentation, growing: bool, audio: bool, segment: Duration) -> Aim {
    let suggested = match &p.kind {
        Kind::Live(live) => live.suggested_delay.filter(|_| !growing),
        Kind::OnDemand { .. } => None,
    };
    let target = cx.config.latency.or(p.service.target_latency).or(suggested);
    let aim = if growing { Aim::growing(target, audio) } else { Aim::whole(target, segment) };
    let slowest = p.service.min_rate_permille.map_or(aim.slowest, Rate::from_permille);
    let fastest = p.service.max_rate_permille.map_or(aim.fastest, Rate::from_permille);
    Aim {
        max_drift: aim.max_drift.max(cx.config.max_drift),
        // What the operator allows, as far as it cannot be heard.
        slowest: slowest.max(aim.slowest).min(Rate::NORMAL),
        fastest: fastest.min(aim.fastest).max(Rate::NORMAL),
        ..aim
    }
}

impl Session {
    /// The live edge on the manifest's clock.
    pub(super) fn edge(&self, now: Instant) -> Option<Position> {
        let p = self.presentation.as_ref()?;
        match (&self.live, self.newest_seen) {
            // Where segments are listed when they are whole, the list is the better clock: it needs
            // none, and a timeline that strays from the wall clock is followed.
            (Some(live), Some((end, at))) if !live.growing => Some(end + now.since(at)),
            _ => edge(p, self.origin(now)),
        }
    }

    /// The nominal length of a segment of the picture, else of the sound.
    pub(super) fn segment_length(&self, p: &Presentation) -> Duration {
        let length = self.streams.iter().find_map(|s| {
            let rep = rep_of(p, s.place)?;
            let segment = match &rep.segments {
                SegmentList::Numbered(n) => return Some(n.duration.to_duration()),
                list => list.last()?,
            };
            Some(segment.end.since(segment.start))
        });
        length.unwrap_or(Duration::from_secs(2))
    }

    /// The settings changed.
    pub(super) fn on_configured(&mut self, cx: &Cx<'_>) {
        self.goal = cx.config.buffer_ahead;
        let Some(p) = self.presentation.clone() else { return };
        let segment = self.segment_length(&p);
        let audio = self.stream(TrackKind::Audio).is_some();
        if let Some(live) = &mut self.live {
            live.control.aim = aim(cx, &p, live.growing, audio, segment);
        }
    }

    /// Notes how far the manifest's list goes, for lists that are not computed by a clock.
    pub(super) fn note_newest(&mut self, now: Instant) {
        let Some(p) = &self.presentation else { return };
        let ends = self.streams.iter().filter_map(|s| {
            let list = &rep_of(p, s.place)?.segments;
            list.grows_by_reload().then(|| list.last())?.map(|s| s.end)
        });
        let Some(end) = ends.min() else { return };
        let better = self.newest_seen.is_none_or(|(seen, at)| {
            let ahead = end.micros_from(seen + now.since(at));
            // Seen earlier than the last one was, or on another timeline.
            end != seen && (ahead > 0 || ahead < -3 * self.list_step_us(seen, end))
        });
        if better {
            self.newest_seen = Some((end, now));
        }
    }

    /// How late a list may be, microseconds: a few of its steps.
    fn list_step_us(&self, seen: Position, end: Position) -> i64 {
        let step = end.micros_from(seen).max(0);
        let length = self.presentation.as_ref().map(|p| self.segment_length(p)).unwrap_or_default();
        step.max(i64::try_from(length.as_micros()).unwrap_or(i64::MAX)).saturating_add(1_000_000)
    }

    pub(super) fn set_start(&mut self, cx: &mut Cx<'_>, at: Position) {
        self.start_at = Some(at);
        let Some(p) = self.presentation.clone() else { return };
        let period = p.periods.iter().rposition(|period| period.start <= at);
        for stream in &mut self.streams {
            if let Some(period) = period
                && period != stream.place.period
                && let (Some(track), Some(rep)) =
                    (super::opening::track_of(&p, stream.place), rep_of(&p, stream.place))
                && let Some(place) =
                    super::opening::place_in(&p, &self.types, period, stream.kind, track, rep)
            {
                stream.place = place;
            }
            if !stream.covers(at) {
                stream.retarget(cx, &mut self.requests, at);
                self.end_told = false;
            }
        }
    }

    pub(super) fn advance_start(&mut self, cx: &mut Cx<'_>) {
        if self.start_at.is_some() {
            return;
        }
        let Some(p) = self.presentation.clone() else { return };
        self.note_newest(cx.now);
        if !self.is_live() {
            let start = p.periods.first().map(|p| p.start).unwrap_or_default();
            return self.set_start(cx, start);
        }
        if !self.clock.ready(cx.now) {
            return cx.wake_at(cx.now + Duration::from_millis(100), Reason::Timeout);
        }
        if let Some(at) = self.live_entry(cx.now) {
            self.set_start(cx, at);
        }
    }

    /// Where to start fetching to be live.
    fn live_entry(&self, now: Instant) -> Option<Position> {
        let p = self.presentation.as_ref()?;
        let live = self.live.as_ref()?;
        let edge = self.edge(now)?;
        let wanted = live.control.wanted(now);
        let at = if live.growing {
            self.without_detour(p, edge, edge - wanted.max(ENTRY))
        } else {
            // Half a segment more than the newest one: the next is announced while that plays.
            let length = self.segment_length(p);
            let newest = self.newest_end(p, now)?;
            (newest - length * 3 / 2 - Duration::from_millis(500)).min(edge - wanted)
        };
        let oldest = window(p, self.origin(now)).map_or(at, |(oldest, _)| oldest);
        Some(at.max(oldest))
    }

    /// `at`, unless a whole segment more had to be fetched for a few tenths of a second of it: on a
    /// slow link that takes longer than waiting for as much of the newest one.
    fn without_detour(&self, p: &Presentation, edge: Position, at: Position) -> Position {
        let current = self.streams.iter().filter_map(|s| {
            let segment = rep_of(p, s.place)?.segments.at(edge)?;
            Some(segment.start)
        });
        match current.min() {
            Some(start) if start > at && start.since(at) <= DETOUR => start,
            _ => at,
        }
    }

    /// The end of the newest whole segment, least over the tracks.
    fn newest_end(&self, p: &Presentation, now: Instant) -> Option<Position> {
        let origin = self.origin(now);
        let ends = self.streams.iter().filter_map(|s| {
            let list = &rep_of(p, s.place)?.segments;
            let newest = if list.grows_by_reload() { list.last() } else { list.newest(origin) };
            newest.map(|s| s.end)
        });
        ends.min()
    }

    /// Puts the element where the start is to be, once media is there.
    pub(super) fn advance_place(&mut self, cx: &mut Cx<'_>) {
        let Some(at) = self.start_at else { return };
        if self.playback.placed || self.streams.iter().any(|s| s.ranges.is_empty() && !s.ended) {
            return;
        }
        let common = self.common();
        let growing = self.live.as_ref().is_some_and(|l| l.growing && l.following);
        let to = if growing {
            let Some(span) = common.last().filter(|s| s.end > at) else { return };
            self.live_place(cx, span)
        } else if common.holds(at) {
            Some(at)
        } else {
            // The first segment may begin a little later than the manifest says.
            common.next_start(at).filter(|s| s.since(at) < SMALL_HOLE * 3)
        };
        let Some(to) = to else { return };
        let there = self.playback.snap.position == to && !self.is_live();
        self.playback.seek(cx.now, to);
        if there {
            self.playback.seeking_to = None;
        } else {
            cx.push(Output::Seek(to));
        }
        if let Some(live) = &mut self.live {
            live.waiting_since = None;
            live.control.moved(cx.now);
        }
        let again = core::mem::take(&mut self.play_again);
        if again || (cx.config.autoplay && self.playback.moved.is_none()) {
            cx.push(Output::Play);
        }
    }

    fn live_place(&mut self, cx: &mut Cx<'_>, span: Span) -> Option<Position> {
        let edge = self.edge(cx.now)?;
        let shows = self.playback.runs() || self.playback.moved.is_none();
        let live = self.live.as_mut()?;
        let since = *live.waiting_since.get_or_insert(cx.now);
        let stands = !shows;
        let floor = live.control.floor(cx.now);
        // Who stands still goes on with the least that holds; the rest is gathered by going slower.
        let need = if stands { floor.min(live.control.aim.base_floor) } else { floor };
        let caught_up = edge.since(span.end) <= CAUGHT_UP;
        if span.end.since(span.start) < need
            || (!caught_up && shows && cx.now.since(since) < BACKLOG_PATIENCE)
        {
            cx.wake_at(cx.now + BACKLOG_PATIENCE, Reason::LiveControl);
            return None;
        }
        Some(live.control.entry(cx.now, edge, Some(span.end)).max(span.start))
    }

    pub(super) fn on_change(&mut self, cx: &mut Cx<'_>, change: Change, shown_again: bool) {
        let now = cx.now;
        if change.started && self.figures.startup.is_none() {
            self.figures.startup = Some(now.since(self.began));
        }
        if change.stalled
            && let Some(live) = &mut self.live
            && live.following
        {
            live.control.underflow(now);
        }
        if let Some(lasted) = change.resumed {
            if lasted > OUTAGE {
                self.source_changed(now);
            }
            cx.emit(super::event::Event::StallEnded { lasted });
        }
        if let Some(at) = change.viewer_seek {
            self.on_viewer_seek(cx, at);
        }
        if shown_again {
            self.reenter_if_late(cx, Duration::from_millis(500));
        }
    }

    fn on_viewer_seek(&mut self, cx: &mut Cx<'_>, at: Position) {
        let edge = self.edge(cx.now);
        if let (Some(live), Some(edge)) = (&mut self.live, edge) {
            let near = live.control.wanted(cx.now) + Duration::from_secs(1);
            live.following = at >= edge - near;
            live.control.moved(cx.now);
        }
        self.playback.placed = true;
        self.set_start(cx, at);
    }

    /// To the live edge, at once.
    pub(super) fn go_live(&mut self, cx: &mut Cx<'_>) {
        let Some(live) = &mut self.live else { return };
        live.following = true;
        self.reenter(cx);
    }

    /// Starts again at the edge; what is shown stays until media there has come.
    fn reenter(&mut self, cx: &mut Cx<'_>) {
        let Some(at) = self.live_entry(cx.now) else { return };
        self.playback.placed = false;
        self.playback.seeking_to = None;
        if let Some(live) = &mut self.live {
            live.waiting_since = None;
        }
        self.set_start(cx, at);
    }

    /// The origin's clock was taken for later than it is: what is aimed at lies in the future.
    pub(super) fn on_clock_set_back(&mut self, cx: &mut Cx<'_>) {
        if self.start_at.is_some() && self.live.as_ref().is_some_and(|l| l.following) {
            self.reenter(cx);
        }
    }

    fn reenter_if_late(&mut self, cx: &mut Cx<'_>, late: Duration) {
        let Some(edge) = self.edge(cx.now) else { return };
        let position = self.playback.position(cx.now);
        let following = self.live.as_ref().filter(|l| l.following && self.playback.placed);
        if let Some(live) = following
            && edge.since(position) > live.control.wanted(cx.now) + late
        {
            self.reenter(cx);
        }
    }

    /// It stands still though it should not: over a hole, to the edge, or a nudge.
    pub(super) fn advance_stall(&mut self, cx: &mut Cx<'_>) {
        let pb = &self.playback;
        if !pb.placed || pb.snap.paused || pb.snap.ended {
            return;
        }
        let stuck = pb.stuck();
        if !stuck && pb.stalled.is_none() {
            return;
        }
        let since_seek = cx.now.since(pb.seek_asked);
        if since_seek < BETWEEN_SEEKS {
            return cx.wake_at(pb.seek_asked + BETWEEN_SEEKS, Reason::LiveControl);
        }
        let at = pb.seeking_to.unwrap_or(pb.snap.position);
        if let Some(to) = self.way_out(cx.now, at, stuck) {
            self.playback.seek(cx.now, to);
            cx.push(Output::Seek(to));
            if let Some(live) = &mut self.live {
                live.control.moved(cx.now);
            }
        }
    }

    fn way_out(&self, now: Instant, at: Position, stuck: bool) -> Option<Position> {
        let common = self.common();
        let ahead = common.end_from(at).since(at);
        let hole_end = common.next_start(at);
        if let (Some(live), Some(edge), Some(last)) = (&self.live, self.edge(now), common.last())
            && live.following
            && live.growing
        {
            let floor = live.control.floor(now);
            let to = live.control.entry(now, edge, Some(last.end)).max(last.start);
            let enough = last.end.since(to) + Duration::from_millis(20) >= floor;
            if enough && to > at + Duration::from_millis(60) {
                return Some(to);
            }
            // Media is there and the browser waits for more than it needs.
            return (stuck && ahead >= floor).then(|| to.max(at + Duration::from_millis(10)));
        }
        match hole_end {
            Some(next) if !common.holds(at) || ahead < Duration::from_millis(50) => {
                let coming = self.streams.iter().any(|s| s.cursor.position() < next && !s.ended);
                let skip = next.since(at) <= SMALL_HOLE || (stuck && !coming);
                skip.then(|| next + Duration::from_millis(5))
            }
            _ => (stuck && ahead > Duration::from_secs(1)).then(|| at + Duration::from_millis(100)),
        }
    }

    pub(super) fn advance_live(&mut self, cx: &mut Cx<'_>) {
        let Some(edge) = self.edge(cx.now) else { return };
        let position = self.playback.position(cx.now);
        let buffered_to = self.buffered_to(position);
        self.tell_window(cx);
        let fetching_at = self.streams.iter().map(|s| s.cursor.position()).min();
        let runs = self.playback.runs() && self.playback.moved.is_some();
        let paused = self.playback.snap.paused;
        let placed = self.playback.placed;
        let Some(live) = &mut self.live else { return };
        let normal = live.rate != Rate::NORMAL;
        if !live.following {
            if normal {
                live.rate = Rate::NORMAL;
                cx.push(Output::Rate(Rate::NORMAL));
            }
            return;
        }
        if paused {
            return;
        }
        cx.wake_at(cx.now + LOOK, Reason::LiveControl);
        // Fetching hangs far behind: what it would bring is not wanted any more.
        let far = live.control.wanted(cx.now) + live.control.aim.max_drift;
        if fetching_at.is_some_and(|at| at + far < edge) {
            return self.reenter(cx);
        }
        if !placed || !runs {
            return;
        }
        let view = View { position, edge, buffered_to, rate: live.rate };
        match live.control.steer(cx.now, &view) {
            Steer::Keep => {}
            Steer::Rate(rate) => {
                live.rate = rate;
                cx.push(Output::Rate(rate));
            }
            Steer::Jump(_) => self.reenter(cx),
        }
    }

    /// The buffer just before an append.
    pub(super) fn note_level(&mut self, now: Instant) {
        if !self.playback.runs() || self.playback.moved.is_none() {
            return;
        }
        let position = self.playback.position(now);
        let buffered_to = self.buffered_to(position);
        if let Some(live) = self.live.as_mut().filter(|l| l.following) {
            live.control.level(now, position, buffered_to);
        }
    }

    /// A fragment has arrived.
    pub(super) fn note_arrival(&mut self, now: Instant, span: Span, fresh: bool) {
        let Some(edge) = self.edge(now) else { return };
        let away = self.source.away();
        if let Some(live) = self.live.as_mut().filter(|l| l.growing && fresh && !away) {
            live.control.arrived(now, span.end, edge);
        }
    }

    /// A capture time came.
    pub(super) fn note_capture(&mut self, now: Instant, at: Position, wall: WallTime) {
        let filler = self.captures.note(at, wall);
        if self.source.filler != filler {
            self.source.filler = filler;
            self.source_changed(now);
        }
    }

    /// The camera went away or came back: what stood still for it is not the link's doing.
    pub(super) fn source_changed(&mut self, now: Instant) {
        if let Some(live) = &mut self.live {
            live.control.excuse(now);
        }
    }

    /// The seekable window, when it has moved by a second.
    fn tell_window(&mut self, cx: &mut Cx<'_>) {
        let Some(p) = &self.presentation else { return };
        let Some((start, end)) = window(p, self.origin(cx.now)) else { return };
        let Some(live) = &mut self.live else { return };
        if live
            .told_window
            .is_none_or(|t| end.since(t.end) >= Duration::from_secs(1) || t.end > end)
        {
            let span = Span { start, end };
            live.told_window = Some(span);
            cx.push(Output::Seekable(span));
        }
    }

    /// Eviction, room, the end of the stream.
    pub(super) fn advance_buffers(&mut self, cx: &mut Cx<'_>) {
        let position = self.playback.position(cx.now);
        if self.playback.placed {
            for stream in &mut self.streams {
                if let Some(span) = evict::behind(&stream.ranges, position, cx.config.buffer_behind)
                    && stream.evicted_to.is_none_or(|to| span.end.since(to) >= evict::WORTH)
                {
                    stream.remove(cx, span);
                }
                if stream.full {
                    let ahead = Duration::from_secs(10);
                    let segment = stream.segment;
                    if let Some(span) = evict::pressed(&stream.ranges, position, ahead, segment) {
                        stream.full = false;
                        if span.start > position {
                            stream.give_back(cx, &mut self.requests, span.start);
                        }
                        stream.remove(cx, span);
                    }
                }
            }
        }
        let over = !self.streams.is_empty()
            && self.streams.iter().all(|s| s.ended && s.downloads.is_empty() && s.appending == 0);
        if over && !self.end_told {
            self.end_told = true;
            cx.push(Output::EndOfStream);
        }
    }

    /// The browser has no room for what was to be appended.
    pub(super) fn on_full(&mut self, cx: &mut Cx<'_>, kind: TrackKind) {
        let Some(stream) = self.stream_mut(kind) else { return };
        stream.full = true;
        stream.squeezed = stream.squeezed.saturating_add(1);
        if stream.squeezed == 1 {
            let error = super::error::Error {
                code: super::error::Code::Quota,
                fatal: false,
                message: "The browser has no room for more media; less is kept from now on.".into(),
                url: None,
                detail: alloc::format!("{kind:?}"),
            };
            self.trouble(cx, error);
        }
    }
}
