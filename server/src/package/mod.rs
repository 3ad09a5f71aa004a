//! Transport streams of one camera to chunks and segments in the store.
//!
//! The engine passes the bytes of each track's pipe with the time of their arrival. The results are
//! Periods, segments and chunks on one UTC timeline (the design's "Time").
//!
//! ```text
//! bytes -> frames (FrameReader) -> times that follow each other (Steady) -> UTC (MediaClock)
//!       -> where to cut (Grid) -> when to decode (Order) -> to begin at (Entrance) -> chunks (Writer)
//! ```
//! The first video track leads: its frames set the clock. A picture has the same timestamp in all
//! renditions of a run, so the first rendition that has it decides for all what begins there.

mod ailment;
mod clock;
mod entrance;
mod filling;
mod first;
mod frames;
mod grid;
mod news;
mod order;
mod sound;
pub(crate) mod steady;
mod timeline;
mod track;
mod writer;

pub use ailment::Ailment;
pub use frames::{Access, Frame};
pub use writer::SOURCE_SCHEME;

use crate::store::{Camera, RenditionKind, SourceStatus};
use clock::{MediaClock, Observed, Standing};
use entrance::Entrance;
use first::First;
use frames::FrameReader;
use grid::{Cut, Period};
use nearlive::media::isobmff::write::SampleEntry;
use nearlive::time::WallTime;
use news::{Afresh, News};
use order::Order;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use steady::Steady;
use timeline::{FRAME_US, Timeline, to_us};
use track::Track;
use writer::Picture;

/// A Period appears in manifests when all its tracks are set up, or after this long.
const PUBLISH_PATIENCE_US: i64 = 1_500_000;
/// Frames kept while clock and grid are being learnt.
const PENDING_FRAMES: usize = 2_000;
/// Decisions of one run that are remembered for slower renditions.
const CUTS: usize = 32;
/// Times between frames that are remembered.
const INTERVALS: usize = 16;
/// The most by which a key frame's delay may grow.
const GRACE_US: i64 = 100_000;
/// A picture this long before the segment being written is not late: the clock was set back.
/// (Replacements are at most one slot ahead.)
const SET_BACK_US: i64 = 30_000_000;
/// Timestamps of one picture in two renditions differ by less than this, 90 kHz ticks.
const SAME_PICTURE_TICKS: i64 = 45;

/// Pictures that need a new Period this soon after another are left out: a camera whose picture
/// changes all the time must not make a Period per frame.
const BETWEEN_PERIODS_US: i64 = 1_000_000;

/// One camera's packager. It lives longer than the engine's runs.
#[derive(Debug)]
pub struct Packager {
    timeline: Timeline,
    tracks: Vec<Track>,
    leader: usize,
    standing: Standing,
    cuts: VecDeque<Decided>,
    /// The leader's first picture of this run is pending.
    has_first: bool,
    /// The engine sees the end of a copied picture only at the next one.
    copied_is_held: bool,
    /// The place of that picture, if its stamp is wrong.
    first: Option<First>,
    began_us: i64,
    /// When the leader's last decodable key frame of this run came.
    key_arrival_us: Option<i64>,
    /// When the picture that began the newest Period arrived.
    began_arrival_us: Option<i64>,
    too_big: Option<(u32, u32)>,
    /// Set if the next key frame begins a new Period: the reason.
    afresh: Option<Afresh>,
    news: News,
    frames: Vec<Frame>,
}

/// The decision for a picture, in all renditions.
#[derive(Clone, Copy, Debug)]
struct Decided {
    pts: i64,
    /// `None`: it is inside a segment.
    begins: Option<(Period, u64)>,
}

impl Packager {
    /// A packager that writes into `camera`, with one track per rendition.
    pub fn new(camera: Arc<Camera>) -> Self {
        let renditions = camera.renditions();
        let tracks = renditions.iter().enumerate().map(|(i, r)| Track::new(i, r)).collect();
        let mut packager = Self {
            timeline: Timeline::new(camera),
            tracks,
            leader: 0,
            standing: Standing::default(),
            cuts: VecDeque::new(),
            has_first: true,
            copied_is_held: true,
            first: None,
            began_us: 0,
            key_arrival_us: None,
            began_arrival_us: None,
            too_big: None,
            afresh: None,
            news: News::default(),
            frames: Vec::new(),
        };
        packager.elect();
        packager
    }

    /// The same, for a camera with this id, which the log uses.
    #[must_use]
    pub fn called(mut self, id: &str) -> Self {
        id.clone_into(&mut self.news.camera);
        self
    }

    /// A new engine process begins: its timestamps are unrelated to those before.
    pub fn begin_run(&mut self, now: WallTime) {
        for track in &mut self.tracks {
            track.reader = FrameReader::default();
            track.steady = Steady::default();
            track.entrance = Entrance::default();
            track.pending.clear();
            track.is_absent = false;
        }
        self.elect();
        self.key_arrival_us = None;
        self.standing = Standing::default();
        self.too_big = None;
        self.restart_clock(now.as_micros(), Afresh::Run);
        self.has_first = true;
    }

    /// Whether copied pictures leave the engine of the next run only when the one after them begins.
    pub const fn expect_hold(&mut self, held: bool) {
        self.copied_is_held = held;
    }

    /// No data will come for `track` in this run (its pictures are of a kind that is not offered,
    /// or the camera has no sound): the packager does not wait for it, and another track leads.
    pub fn leave_out(&mut self, track: usize) {
        if let Some(t) = self.tracks.get_mut(track) {
            t.is_absent = true;
        }
        self.elect();
    }

    /// The first video track that is there leads.
    fn elect(&mut self) {
        let mut videos = self.tracks.iter().enumerate();
        let first = videos.find(|(_, t)| t.kind == RenditionKind::Video && !t.is_absent);
        self.leader = first.map_or(0, |(i, _)| i);
    }

    fn restart_clock(&mut self, now_us: i64, why: Afresh) {
        self.timeline.clock = MediaClock::default();
        self.cuts.clear();
        (self.has_first, self.first) = (false, None);
        if self.timeline.grid.period().is_some() {
            self.afresh.get_or_insert(why);
        }
        for track in &mut self.tracks {
            track.needs_key = true;
            track.grace_us = 0;
            track.last_pts = None;
            track.order = Order::default();
            if track.last_arrival_us == 0 {
                track.last_arrival_us = now_us;
            }
        }
    }

    /// Takes bytes that came from the pipe of `track` at `arrived`. Returns whether a frame of
    /// picture was completed (the supervisor's sign of life).
    pub fn push(&mut self, track: usize, bytes: &[u8], arrived: WallTime) -> bool {
        let mut frames = std::mem::take(&mut self.frames);
        let Some(t) = self.tracks.get_mut(track) else { return false };
        t.reader.read(bytes, arrived.as_micros(), &mut frames);
        let sound = |f: &Frame| matches!(f.entry, Some(SampleEntry::Aac(_)));
        frames.retain(|f| sound(f) == (t.kind == RenditionKind::Audio));
        let alive = t.kind == RenditionKind::Video && !frames.is_empty();
        self.give(track, &mut frames);
        self.frames = frames;
        alive
    }

    /// The age, at the newest picture, of the last one at which every viewer can begin (IDR, by the
    /// camera or rewritten); `None` where this run has had none.
    pub fn since_key(&self) -> Option<Duration> {
        let newest_us = self.tracks.get(self.leader)?.last_arrival_us;
        let since_us = newest_us.saturating_sub(self.key_arrival_us?);
        Some(Duration::from_micros(u64::try_from(since_us).unwrap_or(0)))
    }

    /// The fault in the media of this run.
    pub fn ailment(&self) -> Option<Ailment> {
        if let Some((width, height)) = self.too_big {
            return Some(Ailment::TooBig(width, height));
        }
        if self.standing.stands() {
            return Some(Ailment::StandsStill);
        }
        self.tracks.get(self.leader)?.reader.strange()
    }

    /// Takes frames of `track`, as [`Self::push`] reads them from bytes, out of `frames`.
    pub fn give(&mut self, track: usize, frames: &mut Vec<Frame>) {
        let Some(t) = self.tracks.get_mut(track) else { return };
        if t.kind == RenditionKind::Audio {
            for frame in frames.iter_mut() {
                frame.pts = t.steady.sound(frame.pts, frame.arrival_us);
            }
        }
        if t.kind == RenditionKind::Audio && self.timeline.is_running() && !frames.is_empty() {
            self.sound(track, frames);
            frames.clear();
        }
        for frame in frames.drain(..) {
            self.frame(track, frame);
        }
    }

    fn frame(&mut self, track: usize, mut frame: Frame) {
        let was_running = self.timeline.is_running();
        if track == self.leader && self.standing.observe(to_us(frame.pts), frame.arrival_us) {
            return;
        }
        let t = &mut self.tracks[track];
        if t.kind == RenditionKind::Video {
            frame.pts = t.steady.picture(frame.pts, frame.bidirectional, frame.arrival_us);
            frame.pts = self.first.map_or(frame.pts, |first| first.place(frame.pts));
            t.order.came(frame.pts, frame.bidirectional);
        }
        if track == self.leader {
            let decodable = frame.entry.is_some() || t.writer.entry().is_some();
            // Chromium begins at no other: its parser goes by the slices, not by the file.
            // (Pictures that are rewritten count when that happens.)
            if frame.access == Access::Closed && decodable {
                self.key_arrival_us = Some(frame.arrival_us);
            }
            if self.lead(&frame) == Observed::Leapt {
                self.restart_clock(frame.arrival_us, Afresh::Leap);
                self.lead(&frame);
            }
        }
        if was_running && self.timeline.is_running() {
            self.write(track, frame);
            return;
        }
        let pending = &mut self.tracks[track].pending;
        pending.push_back(frame);
        if pending.len() > PENDING_FRAMES {
            pending.pop_front();
        }
        self.learn();
        if self.timeline.is_running() {
            self.drain();
        }
    }

    /// The leader's frames set the clock.
    fn lead(&mut self, frame: &Frame) -> Observed {
        let t = &mut self.tracks[self.leader];
        // Use the shortest step: frames may be missing between two.
        let shortest = t.intervals_us.iter().min().copied().unwrap_or(FRAME_US);
        let hold = if t.copied && self.copied_is_held { shortest } else { 0 };
        let observed = self.timeline.clock.observe(to_us(frame.pts), frame.arrival_us, hold);
        if observed != Observed::Leapt {
            let step = t.last_pts.map(|last| to_us(frame.pts - last)).filter(|s| *s > 1000);
            // The stamp of a run's first picture says nothing, nor does the step from it.
            let is_first = self.has_first && t.pending.is_empty();
            t.last_pts = (!is_first).then_some(frame.pts);
            if let Some(step) = step.map(|s| s.min(1_000_000)) {
                t.intervals_us.push_back(step);
                if t.intervals_us.len() > INTERVALS {
                    t.intervals_us.pop_front();
                }
            }
        }
        observed
    }

    /// The first key frame is enough to start.
    fn learn(&mut self) {
        if !self.timeline.grid.is_learnt()
            && self.tracks[self.leader].pending.iter().any(Frame::is_key)
        {
            self.timeline.grid.assume();
        }
    }

    /// Writes the frames that were kept, in order of time, the leader first.
    fn drain(&mut self) {
        if core::mem::take(&mut self.has_first) {
            self.first = First::of(self.tracks[self.leader].pending.iter().map(|f| f.pts));
        }
        if let Some(first) = self.first {
            for t in self.tracks.iter_mut().filter(|t| t.kind == RenditionKind::Video) {
                t.pending.iter_mut().for_each(|f| f.pts = first.place(f.pts));
            }
        }
        loop {
            let leader = self.leader;
            let next = (0..self.tracks.len())
                .filter_map(|i| Some((self.tracks[i].pending.front()?.pts, i != leader, i)))
                .min();
            let Some((_, _, i)) = next else { return };
            if let Some(frame) = self.tracks[i].pending.pop_front() {
                self.write(i, frame);
            }
        }
    }

    fn write(&mut self, track: usize, frame: Frame) {
        match self.tracks[track].kind {
            RenditionKind::Video => self.picture(track, frame),
            RenditionKind::Audio => self.sound(track, &[frame]),
        }
    }

    fn sound(&mut self, track: usize, frames: &[Frame]) {
        let t = &mut self.tracks[track];
        for frame in frames {
            let Some(us) = self.timeline.clock.utc_us(to_us(frame.pts)) else { return };
            t.last_arrival_us = t.last_arrival_us.max(frame.arrival_us);
            if t.writer.entry().is_none()
                && let Some(entry) = &frame.entry
            {
                t.writer.set_entry(entry.clone());
            }
            if t.filling {
                if us < t.writer.end_us() {
                    continue;
                }
                filling::silence_until(t, &self.timeline, us);
                t.filling = false;
            }
            sound::write(t, &self.timeline, &frame.data, us);
        }
        if let Some(last) = frames.last() {
            self.publish(last.arrival_us);
        }
    }

    fn picture(&mut self, track: usize, mut frame: Frame) {
        let decided = self.is_decided(&frame);
        let t = &mut self.tracks[track];
        let usual = t.steady.usual();
        let (Some(dts_us), Some(pts_us)) = (
            self.timeline.clock.utc_us(to_us(t.order.decode_time(frame.pts, usual))),
            self.timeline.clock.utc_us(to_us(frame.pts)),
        ) else {
            return;
        };
        t.last_arrival_us = t.last_arrival_us.max(frame.arrival_us);
        if t.entrance.came(&frame) {
            return;
        }
        let mut changed = false;
        if frame.is_key() {
            let Some(other) = self.key_frame(track, &frame, pts_us, decided) else { return };
            changed = other;
        } else if t.filling || t.needs_key {
            return;
        }
        let t = &mut self.tracks[track];
        if t.writer.entry().is_none() {
            return;
        }
        let place = self.place(track, &frame, pts_us, changed);
        let t = &mut self.tracks[track];
        if let Some((period, number)) = place {
            t.writer.begin(&self.timeline.camera, period, number, pts_us);
            t.filling = false;
            t.grace_us = 0;
            t.needs_key = false;
        } else if t.filling || t.needs_key {
            return;
        }
        if t.entrance.write(&mut frame, place.is_some()) && track == self.leader {
            self.key_arrival_us = Some(frame.arrival_us);
        }
        let Frame { data, access, arrival_us, .. } = &frame;
        let picture = Picture { data, access: *access, dts_us, pts_us, arrival_us: *arrival_us };
        t.writer.picture(&self.timeline.camera, picture);
        self.publish(frame.arrival_us);
    }

    /// Whether this key frame changes the configuration (codec, size); `None`: it is left out.
    fn key_frame(
        &mut self,
        track: usize,
        frame: &Frame,
        pts_us: i64,
        decided: bool,
    ) -> Option<bool> {
        let t = &mut self.tracks[track];
        // Pictures older than their replacement are too late; if key frames come once per slot, the
        // next one must not be too late again.
        if t.writer.segment_start_us().is_some_and(|s| pts_us < s && s < pts_us + SET_BACK_US) {
            t.grace_us = (frame.arrival_us - pts_us + GRACE_US).clamp(0, 1_000_000);
            return None;
        }
        let soon = self.began_arrival_us.is_some_and(|b| is_too_soon(b, frame.arrival_us));
        let other = frame.entry.as_ref().is_some_and(|e| t.writer.entry().is_some_and(|o| o != e));
        self.too_big = self.too_big.or_else(|| ailment::too_big(frame.entry.as_ref()?));
        if self.too_big.is_some() || other && soon && !decided {
            t.needs_key = true;
            return None;
        }
        if let Some(entry) = &frame.entry
            && t.writer.entry() != Some(entry)
        {
            t.writer.set_entry(entry.clone());
        }
        Some(other)
    }

    /// Whether another rendition has had this picture: the decision is made already.
    fn is_decided(&self, frame: &Frame) -> bool {
        self.cuts.back().is_some_and(|newest| frame.pts <= newest.pts + SAME_PICTURE_TICKS)
    }

    /// The Period and number of the segment that `track` begins with this frame, if it begins one.
    fn place(
        &mut self,
        track: usize,
        frame: &Frame,
        us: i64,
        changed: bool,
    ) -> Option<(Period, u64)> {
        if !self.is_decided(frame) {
            self.decide(frame, us, changed);
        }
        let until = frame.pts + SAME_PICTURE_TICKS;
        let due = self.cuts.iter().rev().filter(|c| c.pts <= until).find_map(|c| c.begins);
        let t = &self.tracks[track];
        let place = t.writer.place();
        match due {
            // If a rendition lacks the picture that began a segment, its next picture begins it.
            Some((period, number))
                if place.is_none_or(|(p, n)| (p.ms, n) < (period.ms, number)) =>
            {
                due
            }
            // A rendition that joins in the middle begins with the current segment.
            _ if t.filling || t.needs_key => {
                self.timeline.grid.period().zip(self.timeline.grid.current())
            }
            _ => None,
        }
    }

    /// Decides what begins at a picture that no rendition has had before.
    fn decide(&mut self, frame: &Frame, us: i64, changed: bool) {
        if let Some(period) =
            self.timeline.grid.period().filter(|_| self.timeline.grid.is_overdue(us))
        {
            self.timeline.camera.lasts(u64::try_from(period.ms).unwrap_or(0));
        }
        let cut = match frame.is_key() {
            true => self.timeline.grid.key_frame(us, self.afresh.is_some() || changed),
            false => self.timeline.grid.frame(us),
        };
        let begins = match cut {
            Cut::Inside if !frame.is_key() => return,
            Cut::Inside => None,
            Cut::Segment(number) => self.timeline.grid.period().map(|period| (period, number)),
            Cut::Period(period) => {
                let why = (period, self.timeline.grid.why());
                let entry = frame.entry.as_ref().filter(|_| changed);
                self.news.period(why, self.afresh, entry, us);
                self.begin_period(period, us, changed);
                self.began_arrival_us = Some(frame.arrival_us);
                Some((period, period.first))
            }
        };
        self.cuts.push_back(Decided { pts: frame.pts, begins });
        if self.cuts.len() > CUTS {
            self.cuts.pop_front();
        }
    }

    fn begin_period(&mut self, period: Period, us: i64, changed: bool) {
        self.afresh = None;
        self.began_us = us;
        let mut begun = self.tracks.iter().filter_map(|t| t.writer.segment_start_us());
        if begun.any(|start| start >= us + SET_BACK_US) {
            // The machine's clock was set back.
            self.timeline.camera.forget();
            self.timeline.periods.clear();
            self.cuts.clear();
            for t in &mut self.tracks {
                t.writer.forget();
                t.needs_key = true;
            }
        }
        self.timeline.camera.begin_period(
            u64::try_from(period.ms).unwrap_or(0),
            period.first,
            u64::try_from(period.slot_us).unwrap_or(0),
            period.listed,
        );
        self.timeline.periods.push_back(period);
        if self.timeline.periods.len() > 4 {
            self.timeline.periods.pop_front();
        }
        // The other renditions stay the same, unless the camera's picture has changed.
        for t in &self.tracks {
            if t.kind == RenditionKind::Audio || !changed {
                t.writer.set_up(&self.timeline.camera, period);
            }
        }
    }

    fn publish(&self, now_us: i64) {
        if let Some(tracks) = self.timeline.camera.unpublished()
            && (tracks >= self.tracks.iter().filter(|t| !t.is_absent).count()
                || now_us - self.began_us > PUBLISH_PATIENCE_US)
        {
            self.timeline.camera.publish();
        }
    }

    /// Sets whether the source is well: viewers get it with the pictures that fill the gap.
    pub fn status(&mut self, status: SourceStatus) {
        self.timeline.camera.set_status(status);
    }

    /// Call this about ten times a second: it fills the timeline while nothing comes, and drops old media.
    pub fn tick(&mut self, now: WallTime) {
        let now_us = now.as_micros();
        self.publish(now_us);
        let status = self.timeline.camera.status();
        let mut stands_until = None;
        for (i, t) in self.tracks.iter_mut().enumerate() {
            if t.kind == RenditionKind::Video {
                let leads = i == self.leader;
                let stood = filling::stand_in(t, &mut self.timeline, leads, now_us, &status);
                if stood.is_some_and(|stood| stood.begins) {
                    self.afresh.get_or_insert(Afresh::Gap);
                }
                if leads {
                    stands_until = stood.map(|stood| stood.until_us);
                }
            }
        }
        for t in self.tracks.iter_mut().filter(|t| t.kind == RenditionKind::Audio) {
            filling::silence(t, &self.timeline, now_us, stands_until);
        }
        self.timeline.camera.evict(now);
    }
}

/// Whether a new Period would begin too soon after one whose first picture came at `began_us`.
fn is_too_soon(began_us: i64, arrival_us: i64) -> bool {
    (0..BETWEEN_PERIODS_US).contains(&(arrival_us - began_us))
}
