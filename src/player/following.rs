//! Holding to the live edge: where it is, where to enter, when to go faster, slower, or elsewhere.

use super::cx::Cx;
use super::io::{Output, Reason};
use super::opening::rep_of;
use super::playing::CAUGHT_UP;
use super::session::Session;
use crate::live::control::{Aim, Control, Sound, Steer, View};
use crate::presentation::{Kind, Presentation, TrackKind};
use crate::time::{Instant, Position, Span, WallTime};
use crate::units::Rate;
use core::time::Duration;

/// The controller looks this often.
const LOOK: Duration = Duration::from_millis(200);
/// Who is further behind than this after the picture stood is not at the edge.
const LATE_RETURN: Duration = Duration::from_millis(500);
/// How far behind the edge fetching starts where segments grow. A whole segment more, for the sake
/// of tenths of a second before it, costs a slow link more time than waiting for them.
pub(super) const ENTRY: Duration = Duration::from_millis(120);
/// No drift below this is jumped over.
const LEAST_DRIFT: Duration = Duration::from_millis(500);
/// No less of a still picture is left out when the camera is back: a seek takes the browser about 100 ms.
const LEFT_OUT: Duration = Duration::from_millis(150);
/// So much media before the newest segment is not worth a request for the one before.
const DETOUR: Duration = Duration::from_millis(300);

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
    pub(super) waiting_since: Option<Instant>,
    /// The picture goes on after it stood: until then what came in the meantime is jumped over once it
    /// is there.
    pub(super) returning: Option<Instant>,
    told_window: Option<Span>,
}

impl Live {
    pub(super) fn new(
        cx: &Cx<'_>,
        p: &Presentation,
        growing: bool,
        sound: Sound,
        segment: Duration,
    ) -> Self {
        Self {
            control: Control::new(aim(cx, p, growing, sound, segment), cx.now),
            following: true,
            growing,
            rate: Rate::NORMAL,
            waiting_since: None,
            returning: None,
            told_window: None,
        }
    }
}

fn aim(cx: &Cx<'_>, p: &Presentation, growing: bool, sound: Sound, segment: Duration) -> Aim {
    let suggested = match &p.kind {
        Kind::Live(live) => live.suggested_delay.filter(|_| !growing),
        Kind::OnDemand { .. } => None,
    };
    let target = cx.config.latency.or(p.service.target_latency).or(suggested);
    let aim = if growing { Aim::growing(target, sound) } else { Aim::whole(target, segment) };
    let slowest = p.service.min_rate_permille.map_or(aim.slowest, Rate::from_permille);
    let fastest = p.service.max_rate_permille.map_or(aim.fastest, Rate::from_permille);
    Aim {
        // Less than this is what steering is for.
        max_drift: cx.config.max_drift.max(LEAST_DRIFT) + aim.unit,
        // What the operator allows, as far as it cannot be heard.
        slowest: slowest.max(aim.slowest).min(Rate::NORMAL),
        fastest: fastest.min(aim.fastest).max(Rate::NORMAL),
        ..aim
    }
}

impl Session {
    /// What is played beside the picture.
    pub(super) fn sound(&self) -> Sound {
        match self.streams.of(TrackKind::Audio) {
            None => Sound::None,
            Some(_) if self.playback.snap.muted => Sound::Muted,
            Some(_) => Sound::Heard,
        }
    }

    /// The settings changed, or the sound was turned off or on.
    pub(super) fn on_configured(&mut self, cx: &Cx<'_>) {
        self.goal = cx.config.buffer_ahead;
        let Some(p) = self.manifest.shared() else { return };
        let segment = self.streams.segment_length(&p);
        let sound = self.sound();
        if let Some(live) = &mut self.live {
            live.control.aim = aim(cx, &p, live.growing, sound, segment);
        }
    }

    /// Where to start fetching to be live.
    pub(super) fn live_entry(&self, now: Instant) -> Option<Position> {
        let p = self.manifest.presentation()?;
        let live = self.live.as_ref()?;
        let edge = self.edge(now)?;
        let wanted = live.control.wanted(now);
        let at = if live.growing {
            self.without_detour(p, edge, edge - wanted.max(ENTRY))
        } else {
            // Half a segment more than the newest one: the next is announced while that plays.
            let length = self.streams.segment_length(p);
            let newest = self.newest_end(now)?;
            (newest - length * 3 / 2 - Duration::from_millis(500)).min(edge - wanted)
        };
        // Before it begins there is nowhere to enter.
        let (oldest, _) = self.window(now)?;
        Some(at.max(oldest))
    }

    /// `at`, unless a whole segment more had to be fetched for a few tenths of a second of it: on a
    /// slow link that takes longer than waiting for as much of the newest one.
    pub(super) fn without_detour(
        &self,
        p: &Presentation,
        edge: Position,
        at: Position,
    ) -> Position {
        let current = self.streams.feeds().filter_map(|s| {
            let segment = rep_of(p, s.place)?.segments.at(edge)?;
            Some(segment.start)
        });
        match current.min() {
            Some(start) if start > at && start.since(at) <= DETOUR => start,
            _ => at,
        }
    }

    /// To the live edge, at once.
    pub(super) fn go_live(&mut self, cx: &mut Cx<'_>) {
        let Some(live) = &mut self.live else { return };
        live.following = true;
        self.reenter(cx);
    }

    /// Starts again at the edge; what is shown stays until media there has come.
    pub(super) fn reenter(&mut self, cx: &mut Cx<'_>) {
        let Some(at) = self.live_entry(cx.now) else { return };
        self.playback.placed = false;
        self.playback.seeking_to = None;
        if let Some(live) = &mut self.live {
            live.waiting_since = None;
        }
        self.set_start(cx, at);
    }

    pub(super) fn reenter_if_late(&mut self, cx: &mut Cx<'_>, late: Duration) {
        let Some(edge) = self.edge(cx.now) else { return };
        let position = self.playback.position(cx.now);
        let following = self.live.as_ref().filter(|l| l.following && self.playback.placed);
        if let Some(live) = following
            && edge.since(position) > live.control.wanted(cx.now) + late
        {
            self.reenter(cx);
        }
    }

    pub(super) fn advance_live(&mut self, cx: &mut Cx<'_>) {
        let Some(edge) = self.edge(cx.now) else { return };
        let position = self.playback.position(cx.now);
        let buffered_to = self.streams.buffered_to(position);
        self.tell_window(cx);
        let fetching_at = self.streams.feeds().map(|s| s.cursor.position()).min();
        let runs = self.playback.runs() && self.playback.moved.is_some();
        let paused = self.playback.snap.paused;
        let placed = self.playback.placed;
        // A picture that stands has nothing to catch up with.
        let away = self.camera.away() || self.camera.repeats_at(position);
        let Some(live) = &mut self.live else { return };
        if (away || !live.following) && live.rate != Rate::NORMAL {
            live.rate = Rate::NORMAL;
            cx.push(Output::Rate(Rate::NORMAL));
        }
        if !live.following || paused {
            return;
        }
        cx.wake_at(cx.now + LOOK, Reason::LiveControl);
        let wanted = live.control.wanted(cx.now);
        // It went on with the first media that came; the rest of what it missed came right after.
        if live.returning.is_some_and(|until| cx.now < until)
            && runs
            && live.growing
            && edge.since(buffered_to) <= CAUGHT_UP
            && edge.since(position) > wanted + LATE_RETURN
        {
            live.returning = None;
            return self.reenter(cx);
        }
        let far = wanted + live.control.aim.max_drift;
        let view = View { position, edge, buffered_to, rate: live.rate };
        // A list that does not grow leaves nothing to jump to. It is looked at only where that matters.
        let behind = |at: Position| {
            at + far < edge && self.live_entry(cx.now) > Some(at + Duration::from_secs(1))
        };
        // Fetching hangs far behind: what it would bring is not wanted any more.
        let hangs = fetching_at.is_some_and(behind);
        // Or it stands, and newer media is there.
        let newer = || {
            self.streams.common().last().is_some_and(|s| s.end > position + Duration::from_secs(1))
        };
        if hangs || (placed && !runs && behind(position) && newer()) {
            return self.reenter(cx);
        }
        if placed && runs && away {
            self.leave_filler(cx, position, edge);
        }
        let Some(live) = self.live.as_mut().filter(|_| placed && runs) else { return };
        match live.control.steer(cx.now, &view) {
            Steer::Keep => {}
            Steer::Rate(_) if away => {}
            Steer::Rate(rate) => {
                live.rate = rate;
                cx.push(Output::Rate(rate));
            }
            Steer::Jump(_) if self.live_entry(cx.now) > Some(position) => self.reenter(cx),
            Steer::Jump(_) => {}
        }
    }

    /// The camera is back: what is left of the still picture is not played to its end.
    fn leave_filler(&mut self, cx: &mut Cx<'_>, position: Position, edge: Position) {
        if self.camera.away() {
            return;
        }
        let Some((new, last)) = self.camera.next_new(position).zip(self.streams.common().last())
        else {
            return;
        };
        let Some(live) = self.live.as_mut().filter(|l| l.growing) else { return };
        let to = live.control.entry(cx.now, edge, Some(last.end));
        if to >= new.max(last.start) && to > position + LEFT_OUT {
            live.control.moved(cx.now);
            self.playback.seek(cx.now, to);
            cx.push(Output::Seek(to));
        }
    }

    /// The buffer just before an append.
    pub(super) fn note_level(&mut self, now: Instant) {
        if !self.playback.runs() || self.playback.moved.is_none() {
            return;
        }
        let position = self.playback.position(now);
        let buffered_to = self.streams.buffered_to(position);
        if let Some(live) = self.live.as_mut().filter(|l| l.following) {
            live.control.level(now, position, buffered_to);
        }
    }

    /// A fragment has arrived.
    pub(super) fn note_arrival(&mut self, now: Instant, span: Span, fresh: bool) {
        let Some(edge) = self.edge(now) else { return };
        let away = self.camera.away();
        if let Some(live) = self.live.as_mut().filter(|l| l.growing && fresh && !away) {
            live.control.arrived(now, span.end, edge);
        }
    }

    /// A capture time came.
    pub(super) fn note_capture(&mut self, now: Instant, at: Position, wall: WallTime) {
        let found = self.camera.captured(at, wall);
        if found.changed {
            self.source_changed(now);
        }
        if found.new {
            self.playback.mark_new_picture();
        }
    }

    /// The camera went away or came back: what stood still for it is not the link's doing.
    pub(super) fn source_changed(&mut self, now: Instant) {
        if self.camera.away() {
            // It stood still before it could be known why.
            self.playback.blame_source_since_mark();
        }
        if let Some(live) = &mut self.live {
            live.control.excuse(now);
        }
    }

    /// The seekable window, when it has moved by a second.
    pub(super) fn tell_window(&mut self, cx: &mut Cx<'_>) {
        let Some((start, end)) = self.window(cx.now) else { return };
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
}
