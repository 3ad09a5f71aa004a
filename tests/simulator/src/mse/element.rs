//! The media element: when its clock runs, and the events that it fires.
//!
//! ```text
//!  nothing --init of all buffers--> metadata --data at the position--> seeked --start rule--> playing
//!                                                   ^                                          |
//!                                                   +------ seek -------  <--- underflow -- waiting
//! ```
//! The rules that the standard leaves open are Chromium's, measured (design, "MediaSource at a tenth
//! of a second"): with sound the clock starts when 200 ms of it are there; each underflow doubles
//! that, up to 3 s, until a seek; without sound one frame is enough if the stream has no duration,
//! else four. When only the picture has run dry, the clock goes on with the sound for 3 s.

use super::buffer::{Shown, SourceBuffer};
use super::buffers::Buffers;
use super::rules::Rules;
use crate::clock::{NEVER, Time, millis};
use nearlive::player::{Cue, Span};
use nearlive::presentation::TrackKind;
use nearlive::time::Position;
use nearlive::units::Rate;
use std::collections::VecDeque;

/// The element and its MediaSource.
#[derive(Clone, Debug)]
pub struct Element {
    pub(super) rules: Rules,
    pub(super) buffers: Buffers,
    /// A MediaSource is attached and works.
    pub(super) alive: bool,
    pub(super) duration: Option<i64>,
    /// `endOfStream` was called and nothing has been appended since.
    pub(super) complete: bool,
    paused: bool,
    seeking: bool,
    /// A seek that the browser has taken and not begun: its target, and when it begins.
    accepted: Option<(i64, Time)>,
    /// The target of the last seek that has begun.
    sought: i64,
    /// A seek ends no earlier than this.
    flushed: Time,
    ended: bool,
    /// `loop`.
    looping: bool,
    rate: Rate,
    muted: bool,
    /// The position at `since`; it moves on from there while `running`.
    base: i64,
    since: Time,
    running: bool,
    /// Since when the clock runs without a picture.
    dry: Option<Time>,
    audio_start: i64,
    ready: u8,
    /// The element plays from here when it knows its metadata.
    pending_seek: Option<i64>,
    counted: i64,
    frames: u32,
    dropped: u32,
    /// This many of a thousand frames are dropped.
    drop_permille: u32,
    /// Events to tell of, oldest first.
    cues: VecDeque<Cue>,
}

impl Element {
    /// An element without a source.
    pub fn new(rules: Rules) -> Self {
        Self {
            audio_start: rules.audio_start,
            rules,
            buffers: Buffers::default(),
            alive: false,
            duration: None,
            complete: false,
            paused: true,
            seeking: false,
            accepted: None,
            sought: 0,
            flushed: 0,
            ended: false,
            looping: false,
            rate: Rate::NORMAL,
            muted: false,
            base: 0,
            since: 0,
            running: false,
            dry: None,
            ready: 0,
            pending_seek: None,
            counted: 0,
            frames: 0,
            dropped: 0,
            drop_permille: 0,
            cues: VecDeque::new(),
        }
    }

    /// A new source is set: everything starts again (HTML 4.8.11.5, the load algorithm), except the
    /// frame counters.
    pub fn open(&mut self) {
        let (rules, drop_permille) = (self.rules.clone(), self.drop_permille);
        let (muted, looping) = (self.muted, self.looping);
        *self = Self { alive: true, drop_permille, muted, looping, ..Self::new(rules) };
    }

    /// The source is gone.
    pub fn close(&mut self) {
        self.open();
        self.alive = false;
    }

    /// The decoder gave up.
    pub fn fail(&mut self, now: Time) {
        self.stop_clock(now);
        self.alive = false;
        self.cues.clear();
    }

    /// `loop`.
    pub const fn set_looping(&mut self, looping: bool) {
        self.looping = looping;
    }

    /// `currentTime`.
    pub fn seek(&mut self, to: Position, now: Time) {
        let most = self.duration.unwrap_or(i64::MAX);
        let to = to.as_micros().clamp(0, most);
        if self.ready == 0 {
            self.pending_seek = Some(to);
            return;
        }
        self.stop_clock(now);
        self.seeking = true;
        if self.rules.seek_begins > 0 {
            self.base = self.sought;
            self.accepted = Some((to, now + self.rules.seek_begins));
        } else {
            self.begin_seek(to, now);
        }
        self.settle(now);
    }

    fn begin_seek(&mut self, to: i64, now: Time) {
        self.base = to;
        self.counted = to;
        self.sought = to;
        self.seeking = true;
        self.flushed = now + self.rules.seek_takes;
        self.ended = false;
        self.dry = None;
        self.audio_start = self.rules.audio_start;
        self.cues.push_back(Cue::Seeking);
    }

    /// `playbackRate`.
    pub fn set_rate(&mut self, rate: Rate, now: Time) {
        self.base = self.position(now);
        self.since = now;
        self.rate = rate;
        self.settle(now);
    }

    /// `muted`.
    pub const fn set_muted(&mut self, muted: bool) {
        self.muted = muted;
    }

    /// `muted`.
    pub const fn muted(&self) -> bool {
        self.muted
    }

    /// `play()`.
    pub fn play(&mut self, now: Time) {
        if self.paused {
            self.paused = false;
            self.cues.push_back(Cue::Play);
            self.settle(now);
        }
    }

    /// `pause()`.
    pub fn pause(&mut self, now: Time) {
        if !self.paused {
            self.stop_clock(now);
            self.paused = true;
            self.cues.push_back(Cue::Pause);
        }
    }

    /// The machine sleeps until `end`: nothing is played, and the clock goes on then.
    pub fn sleep(&mut self, now: Time, end: Time) {
        self.base = self.position(now);
        self.since = end;
        self.flushed += end - now;
        self.dry = self.dry.map(|since| since + (end - now));
    }

    /// From now on this many of a thousand frames are dropped.
    pub fn set_drops(&mut self, permille: u32) {
        self.drop_permille = permille;
    }

    /// The next event to tell of.
    pub fn cue(&mut self) -> Option<Cue> {
        self.cues.pop_front()
    }

    /// `currentTime`.
    pub fn position(&self, now: Time) -> i64 {
        if !self.running {
            return self.base;
        }
        let passed = i128::from(now.saturating_sub(self.since)) * i128::from(self.rate.permille());
        let passed = passed * i128::from(1_000_000 + self.rules.drift_ppm) / 1_000_000_000;
        self.base.saturating_add(i64::try_from(passed).unwrap_or(0))
    }

    /// The clock runs.
    pub const fn running(&self) -> bool {
        self.running
    }

    /// The clock runs, and there is a picture.
    pub const fn moving(&self) -> bool {
        self.running && self.dry.is_none()
    }

    /// `paused`.
    pub const fn paused(&self) -> bool {
        self.paused
    }

    /// `ended`.
    pub const fn ended(&self) -> bool {
        self.ended
    }

    /// `seeking`.
    pub const fn seeking(&self) -> bool {
        self.seeking
    }

    /// `readyState`.
    pub const fn ready(&self) -> u8 {
        self.ready
    }

    /// `playbackRate`.
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// The frame on the screen.
    pub fn shown(&self, now: Time) -> Option<Shown> {
        self.buffers.of(TrackKind::Video)?.shown_at(self.position(now))
    }

    /// The sound that the clock needs now to start, microseconds.
    pub const fn wants(&self) -> i64 {
        self.audio_start
    }

    /// Media of a kind ahead of the position, microseconds.
    pub fn ahead(&self, kind: TrackKind, now: Time) -> Option<i64> {
        let at = self.position(now);
        let end = self.buffers.of(kind)?.range_at(at).map_or(at, |r| r.1);
        Some((end - at).max(0))
    }

    /// `totalVideoFrames` and `droppedVideoFrames`.
    pub fn frames(&mut self, now: Time) -> (u32, u32) {
        let at = self.position(now);
        let more = self.buffers.of(TrackKind::Video).map_or(0, |b| b.count(self.counted, at));
        let more = u32::try_from(more).unwrap_or(0);
        self.counted = self.counted.max(at);
        self.frames += more;
        self.dropped += (more * self.drop_permille).div_ceil(1000);
        (self.frames, self.dropped)
    }

    /// `buffered`: where all buffers have media (MSE 3.15.1).
    pub fn buffered(&self) -> Vec<Span> {
        let mut ranges: Option<Vec<(i64, i64)>> = None;
        let buffers = || self.buffers.all();
        let highest = buffers().filter_map(|b| b.ranges().last().map(|r| r.1)).max();
        for buffer in buffers() {
            let mut own = buffer.ranges().to_vec();
            if let (true, Some(last), Some(end)) = (self.complete, own.last_mut(), highest) {
                last.1 = end;
            }
            ranges = Some(match ranges {
                None => own,
                Some(so_far) => intersect(&so_far, &own),
            });
        }
        let span = |r: (i64, i64)| Span {
            start: Position::from_micros(r.0),
            end: Position::from_micros(r.1),
        };
        ranges.unwrap_or_default().into_iter().map(span).collect()
    }

    /// When its state may change without an input.
    pub fn next(&self) -> Time {
        if let Some((_, at)) = self.accepted {
            return at;
        }
        if !self.running {
            let flushes = self.alive && self.seeking && self.flushed > self.since;
            return if flushes { self.flushed } else { NEVER };
        }
        let mut at = self.dry.map_or(NEVER, |since| since + self.rules.picture_grace);
        let mut stop = |end: Option<i64>| {
            if let Some(end) = end {
                at = at.min(self.time_at(end));
            }
        };
        stop(self.audio_limit(self.base));
        if self.dry.is_none() {
            stop(self.video_limit(self.base));
        }
        if self.complete {
            stop(self.duration);
        }
        at
    }

    fn time_at(&self, position: i64) -> Time {
        let speed = i128::from(self.rate.permille()) * i128::from(1_000_000 + self.rules.drift_ppm);
        if speed <= 0 {
            return NEVER;
        }
        let way = i128::from((position - self.base).max(0)) * 1_000_000_000;
        let us = (way + speed - 1) / speed;
        self.since.saturating_add(u64::try_from(us).unwrap_or(NEVER))
    }

    fn reserve(&self) -> i64 {
        let stretched = self.rate != Rate::NORMAL && !self.muted;
        self.rules.audio_reserve + if stretched { self.rules.stretch_reserve } else { 0 }
    }

    /// Where the clock has to stop for lack of sound; `None` if it does not stop.
    fn audio_limit(&self, at: i64) -> Option<i64> {
        let range = self.buffers.of(TrackKind::Audio)?.range_at(at);
        self.limit(self.buffers.of(TrackKind::Audio), range).map(|end| match range {
            Some(_) => end - self.reserve(),
            None => at,
        })
    }

    /// Where the picture runs dry.
    fn video_limit(&self, at: i64) -> Option<i64> {
        let range = self.buffers.of(TrackKind::Video)?.range_at(at);
        self.limit(self.buffers.of(TrackKind::Video), range)
            .map(|end| if range.is_some() { end } else { at })
    }

    fn limit(&self, buffer: Option<&SourceBuffer>, range: Option<(i64, i64)>) -> Option<i64> {
        let last = buffer?.ranges().last().copied();
        match range {
            // After endOfStream, a track that has ended does not hold up the others.
            _ if self.complete && (range.is_none() || range == last) => {
                let over = last.is_none_or(|l| self.base >= l.1) || range == last;
                if over { None } else { Some(self.base) }
            }
            Some((_, end)) => Some(end),
            None => Some(self.base),
        }
    }

    fn stop_clock(&mut self, now: Time) {
        self.base = self.position(now);
        self.since = now;
        self.running = false;
        self.dry = None;
    }

    /// Updates its state after changes.
    pub fn settle(&mut self, now: Time) {
        if !self.alive {
            return;
        }
        self.meet_metadata(now);
        if self.ready == 0 {
            return;
        }
        match self.accepted {
            Some((to, at)) if now >= at => {
                self.accepted = None;
                self.begin_seek(to, now);
            }
            Some(_) => return,
            None => {}
        }
        self.base = self.position(now);
        self.since = now;
        if self.running {
            self.watch(now);
        } else if !self.seeking {
            self.begin_late();
        }
        if self.seeking && now >= self.flushed && self.can_show() {
            self.seeking = false;
            self.cues.push_back(Cue::Seeked);
        }
        let may_start = !self.seeking && !self.ended && self.has_data() && self.can_start();
        if may_start && !self.running && !self.paused {
            self.running = true;
            self.dry = None;
            self.set_ready(4);
            self.cues.push_back(Cue::Playing);
        } else if !self.running {
            let ready = if !self.has_data() {
                1
            } else if may_start {
                4
            } else {
                2
            };
            self.set_ready(ready);
        }
    }

    fn meet_metadata(&mut self, now: Time) {
        let known = |b: &SourceBuffer| b.init().is_some();
        let any = self.buffers.all().next().is_some();
        if self.ready > 0 || !any || !self.buffers.all().all(known) {
            return;
        }
        self.ready = 1;
        self.cues.push_back(Cue::Ready);
        if let Some(to) = self.pending_seek.take() {
            self.begin_seek(to, now);
        }
    }

    fn set_ready(&mut self, ready: u8) {
        if ready > self.ready && (self.ready < 2 || ready == 4) {
            self.cues.push_back(Cue::Ready);
        }
        self.ready = ready;
    }

    /// Checks the running clock.
    fn watch(&mut self, now: Time) {
        let at = self.base;
        if self.complete && self.duration.is_some_and(|d| at >= d) {
            self.stop_clock(now);
            self.base = self.duration.unwrap_or(at);
            if self.looping {
                // HTML 4.8.11.8: to the earliest possible position, without `ended`.
                return self.seek(Position::default(), now);
            }
            self.ended = true;
            self.paused = true;
            self.cues.push_back(Cue::Ended);
            return;
        }
        let reached = |limit: Option<i64>| limit.is_some_and(|l| at >= l);
        if reached(self.video_limit(at)) {
            self.dry = self.dry.or(Some(now));
        } else {
            self.dry = None;
        }
        let blind = self.dry.is_some_and(|since| {
            self.buffers.of(TrackKind::Audio).is_none() || now >= since + self.rules.picture_grace
        });
        let deaf = reached(self.audio_limit(at));
        if deaf || blind {
            self.stop_clock(now);
            self.set_ready(2);
            if deaf {
                self.audio_start = (self.audio_start * 2).min(self.rules.audio_start_most);
            }
            self.cues.push_back(Cue::Waiting);
        }
    }

    /// Where all media begins a little behind the position, browsers play it from there without a seek.
    fn begin_late(&mut self) {
        let first = |b: &SourceBuffer| b.ranges().first().map(|r| r.0);
        let Some(start) = self.buffers.all().filter_map(first).max() else { return };
        if self.base < start && start - self.base <= self.rules.start_fudge {
            self.base = start;
        }
    }

    fn has_data(&self) -> bool {
        let has = |b: &SourceBuffer| b.range_at(self.base).is_some() || self.over(b);
        self.buffers.all().all(has) && self.ready > 0
    }

    /// Whether the decoders have what they need to end a seek.
    fn can_show(&self) -> bool {
        self.has_data() && self.buffers.all().all(|b| self.enough(b, self.rules.seek_needs))
    }

    /// Whether a buffer has so much from the position on, or all that comes.
    fn enough(&self, b: &SourceBuffer, want: i64) -> bool {
        match b.range_at(self.base) {
            Some(range) => {
                let last = self.complete && b.ranges().last() == Some(&range);
                last || range.1 - self.base >= want
            }
            None => self.over(b),
        }
    }

    /// Whether the stream is complete and this buffer has no more from the position on.
    fn over(&self, buffer: &SourceBuffer) -> bool {
        self.complete && buffer.ranges().last().is_none_or(|l| l.1 <= self.base)
    }

    fn can_start(&self) -> bool {
        let frame =
            |b: &SourceBuffer| b.shown_at(self.base).map_or(0, |s| s.frame.end - s.frame.start);
        let video = self.buffers.of(TrackKind::Video).map_or(0, |b| match b.init() {
            Some(init) if init.unbounded => 1,
            _ => (frame(b) * self.rules.video_frames).min(i64::try_from(millis(200)).unwrap_or(0)),
        });
        self.buffers.all().all(|b| {
            self.enough(b, if b.kind() == TrackKind::Audio { self.audio_start } else { video })
        })
    }
}

fn intersect(a: &[(i64, i64)], b: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let pairs = a.iter().flat_map(|x| b.iter().map(move |y| (x.0.max(y.0), x.1.min(y.1))));
    pairs.filter(|r| r.0 < r.1).collect()
}
