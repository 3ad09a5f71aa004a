//! Where the live edge is, for all who ask: the edge, the window, the newest segment, when a segment
//! can be had.
//!
//! | the manifest | the edge | what a clock is needed for |
//! |---|---|---|
//! | lists whole segments | the end of the list, and the time since it was seen | nothing |
//! | lists segments that grow | by the clock, as long as the list does not contradict it | to tell what is due |
//! | computes segments by the clock | by the clock and what was found by asking | everything |
//!
//! A clock that asking has shown to be wrong is shifted by what was found ([`crate::live::search`]);
//! an origin that is later than its manifest is waited for ([`crate::live::lateness`]). Both are
//! said to the page.

use super::cx::Cx;
use super::error::{Code, Error, shown};
use super::io::{Body, FetchId, Reason};
use super::opening::rep_of;
use super::requests::{Patience, Purpose, Sent};
use super::session::Session;
use crate::live::clock::Trust;
use crate::live::lateness;
use crate::live::listed::Newest;
use crate::live::search::{Answer, Bounds, NEAR, Next, Search};
use crate::net::Failure;
use crate::presentation::{self, Kind, Presentation, Segment, SegmentList};
use crate::time::{Instant, Position, WallTime, micros};
use alloc::format;
use alloc::string::String;
use core::time::Duration;

/// A clock that a list contradicts by more than this and two of its segments is wrong.
const CONTRADICTED: Duration = Duration::from_secs(5);
/// So many questions are asked one after the other; then with a pause between them.
const QUICK: u32 = 8;
const PAUSE: Duration = Duration::from_millis(400);
/// After a search that led nowhere the edge itself is asked for again, later each time up to this.
const REST: Duration = Duration::from_secs(2);
const LONGEST_REST: Duration = Duration::from_secs(30);
/// A question that is not answered in this time is answered with no: the origin holds it until the
/// segment is there.
const PATIENCE: Patience = Patience::even(Duration::from_secs(3));
/// A smaller lateness is nothing to speak of.
const WORTH_SAYING: Duration = Duration::from_millis(500);
/// So soon after the first picture the place may still be changed.
const YOUNG: Duration = Duration::from_millis(1500);
/// What the first part of a late segment takes on its way.
const BACKLOG: Duration = Duration::from_millis(200);
/// It is said when it has lasted.
const PROVEN: Duration = Duration::from_secs(4);
/// By a clock that nobody vouches for more is taken for its error, microseconds.
const LATE_BY_OWN_CLOCK: i64 = 10_000_000;
/// As a number for "no end", microseconds: a century is no age.
const CENTURY_US: i64 = 100 * 365 * 86_400 * 1_000_000;

/// What is known of the edge.
#[derive(Debug, Default)]
pub(super) struct Edge {
    /// How far the manifest's list goes.
    pub(super) newest: Newest,
    /// The list went back: another timeline.
    went_back: bool,
    /// Added to the origin's clock to get that of the segments, microseconds.
    shift_us: i64,
    /// Since the clock last changed, a segment was had.
    sure: bool,
    /// What exists by the clock was looked beyond.
    looked_ahead: bool,
    /// How much the clock jumped last, microseconds.
    hint: Option<i64>,
    search: Option<Run>,
    /// Searches in a row that led nowhere.
    in_vain: u32,
    rest_until: Option<Instant>,
    /// Since when there is a lateness that is worth saying.
    late_since: Option<Instant>,
    /// The lateness that was said last.
    told_late: Duration,
    told_lost: bool,
}

/// A search under way.
#[derive(Debug)]
struct Run {
    search: Search,
    /// Nothing else is fetched meanwhile.
    alone: bool,
    /// The question that is open, and the age of its segment.
    asking: Option<(FetchId, i64)>,
    not_before: Instant,
}

impl Session {
    /// The live edge on the manifest's clock.
    pub(super) fn edge(&self, now: Instant) -> Option<Position> {
        let p = self.presentation.as_ref()?;
        match self.listed_edge(now) {
            // Where segments are listed when they are whole, the list is the better clock: it needs
            // none, and a timeline that strays from the wall clock is followed.
            Some(listed) if self.live.as_ref().is_some_and(|live| !live.growing) => Some(listed),
            _ => presentation::edge(p, self.served(now)),
        }
    }

    fn listed_edge(&self, now: Instant) -> Option<Position> {
        self.edge.newest.edge(now)
    }

    /// The wall-clock time by which segments become available: the origin's, shifted by what was found
    /// by asking; or the list's, where the origin's cannot be right.
    pub(super) fn served(&self, now: Instant) -> WallTime {
        self.by_list(now).unwrap_or_else(|| self.origin(now).offset(self.edge.shift_us))
    }

    /// The wall-clock time by the list, where it contradicts the clock.
    fn by_list(&self, now: Instant) -> Option<WallTime> {
        let p = self.presentation.as_ref()?;
        let Kind::Live(live) = &p.kind else { return None };
        let by_list = live.anchor?.offset(self.listed_edge(now)?.as_micros());
        let most = CONTRADICTED + self.segment_length(p) * 2;
        let off = self.origin(now).micros_from(by_list).unsigned_abs();
        (u128::from(off) > most.as_micros()).then_some(by_list)
    }

    /// The origin's clock is that of its segments, as far as is known.
    pub(super) fn clock_fits(&self, now: Instant) -> bool {
        self.edge.shift_us == 0 && self.by_list(now).is_none()
    }

    /// What can be played now: from the oldest position that is kept to the edge.
    pub(super) fn window(&self, now: Instant) -> Option<(Position, Position)> {
        presentation::window(self.presentation.as_ref()?, self.edge(now)?)
    }

    /// The end of the newest whole segment that can be had, least over the tracks.
    pub(super) fn newest_end(&self, now: Instant) -> Option<Position> {
        let p = self.presentation.as_ref()?;
        let late = micros(self.origin_late());
        let ends = self.feeds().filter_map(|s| {
            let list = &rep_of(p, s.place)?.segments;
            Some(self.newest_of_age(now, list, late)?.end)
        });
        ends.min()
    }

    /// The newest segment that has been due for `age`.
    fn newest_of_age(&self, now: Instant, list: &SegmentList, age: i64) -> Option<Segment> {
        if !list.grows_by_reload() {
            return list.newest(self.served(now).offset(age.saturating_neg()));
        }
        let last = list.last()?;
        if age <= 0 {
            return Some(last);
        }
        let due = self.listed_edge(now)?.offset(age.saturating_neg());
        let before = due.min(last.end);
        let whole = |at: Position| list.at(at.offset(-1)).filter(|s| s.end <= before);
        whole(before).or_else(|| whole(list.at(before.offset(-1))?.start))
    }

    /// How late the origin is, most over the tracks.
    pub(super) fn origin_late(&self) -> Duration {
        self.streams.iter().map(|s| s.lateness.late()).max().unwrap_or_default()
    }

    /// Where segments have no time of their own: what is due now, by the list.
    pub(super) fn listed_due(&self, now: Instant) -> Option<(Position, WallTime)> {
        Some((self.listed_edge(now)?, self.served(now)))
    }

    /// The age of a segment at `then`, microseconds; negative before it is due.
    pub(super) fn age(&self, then: Instant, segment: &Segment) -> i64 {
        let due = segment.available.or_else(|| {
            let (end, at) = self.listed_due(then)?;
            Some(at.offset(segment.end.micros_from(end)))
        });
        due.map_or(0, |due| self.served(then).micros_from(due))
    }

    /// Notes how far the manifest's list goes, for lists that are not computed by a clock.
    pub(super) fn note_newest(&mut self, now: Instant) {
        let Some(p) = &self.presentation else { return };
        let ends = self.feeds().filter_map(|s| {
            let list = &rep_of(p, s.place)?.segments;
            list.grows_by_reload().then(|| list.last())?.map(|s| s.end)
        });
        let Some(end) = ends.min() else { return };
        let segment = self.segment_length(p);
        self.edge.went_back |= self.edge.newest.note(now, end, segment);
    }

    /// The origin's clock moved by what was learnt of it: what was found by the old one is void.
    pub(super) fn clock_moved(&mut self, by_us: i64) {
        if by_us.abs() > 1_000_000 {
            self.edge.shift_us = 0;
            self.clock_doubtful(None);
        }
    }

    /// The clock may be wrong from now on: what it says is to be seen first.
    pub(super) fn clock_doubtful(&mut self, hint: Option<i64>) {
        self.edge.sure = false;
        self.edge.looked_ahead = false;
        self.edge.hint = hint;
        self.edge.in_vain = 0;
    }

    /// A manifest that was made later than it came, by a clock that nobody vouches for: should that
    /// clock lead nowhere, it may be behind by so much. (Or who made it wrote local time as UTC.)
    pub(super) fn note_made(&mut self, now: Instant, made: WallTime) {
        let ahead = made.micros_from(self.origin(now));
        if ahead > 0 && self.clock.clock.trust() == Trust::Local {
            self.edge.hint.get_or_insert(-ahead);
        }
    }

    /// A list that went back is another timeline: everything begins anew at its edge.
    pub(super) fn advance_edge(&mut self, cx: &mut Cx<'_>) {
        if core::mem::take(&mut self.edge.went_back) && self.is_live() {
            self.start_over(cx, None);
        }
        self.advance_search(cx);
    }

    /// The streams wait for where the edge is found.
    pub(super) fn edge_is_sought(&self) -> bool {
        self.edge.search.as_ref().is_some_and(|run| run.alone)
    }

    /// A segment of a track came, or begins to.
    pub(super) fn note_had(&mut self, cx: &mut Cx<'_>, id: FetchId, sent_at: Instant) {
        let found = self.streams.iter().find_map(|s| {
            let d = s.downloads.iter().find(|d| d.id == id)?;
            Some((s.kind, d.segment.clone()))
        });
        let Some((kind, segment)) = found.filter(|_| self.is_live()) else { return };
        let age = self.age(sent_at, &segment);
        let Some(stream) = self.stream_mut(kind) else { return };
        match stream.trouble.missing.take() {
            // A newer one is there: the other is lost and says nothing.
            Some(missing) if segment.start > missing.start => stream.lateness.lost(),
            _ => stream.lateness.came(segment.start, age),
        }
        self.edge.sure = true;
        self.edge.in_vain = 0;
        if self.edge_is_sought() {
            self.edge.search = None;
        }
        self.note_late(cx);
        if !self.edge.looked_ahead {
            self.look_ahead(cx, &segment, age);
        }
    }

    /// What follows from how late the origin is.
    pub(super) fn note_late(&mut self, cx: &mut Cx<'_>) {
        let late = self.origin_late();
        if let Some(live) = &mut self.live {
            // All of a growing segment that was asked for late comes at once, and takes its time.
            let margin = if live.growing && !late.is_zero() { BACKLOG } else { Duration::ZERO };
            live.control.origin_late = late + margin;
        }
        let known = self.streams.iter().map(|s| s.lateness.known()).max().unwrap_or_default();
        if known < WORTH_SAYING {
            self.edge.late_since = None;
            return;
        }
        // A first guess may be too much.
        let since = *self.edge.late_since.get_or_insert(cx.now);
        if cx.now.since(since) >= PROVEN && known > self.edge.told_late * 2 {
            self.edge.told_late = known;
            let message = format!(
                "The server has its segments {} later than the manifest says; playing keeps so \
                 much farther behind. Let the encoder keep pace, or the manifest say so.",
                span_words(known)
            );
            self.say_untimely(cx, message, format!("{} ms", known.as_millis()));
        }
    }

    /// What was entered by turns out to be too near in the first moments: nobody has seen much yet.
    pub(super) fn enter_farther_back(&mut self, cx: &mut Cx<'_>) {
        let young = self.playback.moved.is_none_or(|moved| cx.now.since(moved) < YOUNG);
        let whole = self.live.as_ref().is_some_and(|l| l.following && !l.growing);
        let Some(p) = self.presentation.clone().filter(|_| young && whole) else { return };
        let at = match self.start_at {
            Some(at) if !self.playback.placed => at,
            Some(_) => self.playback.position(cx.now),
            None => return,
        };
        let length = self.segment_length(&p);
        if self.live_entry(cx.now).is_some_and(|entry| entry + length / 2 < at) {
            self.reenter(cx);
        }
    }

    fn say_untimely(&mut self, cx: &mut Cx<'_>, message: String, detail: String) {
        let url = Some(shown(&self.url));
        self.trouble(cx, Error { code: Code::Untimely, fatal: false, message, url, detail });
    }

    /// A segment was refused before any was had: where is the edge? Answers whether it is looked for.
    pub(super) fn seek_edge(&mut self, cx: &mut Cx<'_>, age: i64) -> bool {
        if self.edge.sure || self.edge.search.is_some() {
            return self.edge_is_sought();
        }
        let Some(bounds) = self.bounds(cx.now) else { return false };
        if self.edge.rest_until.is_some_and(|until| cx.now < until) {
            return false;
        }
        let search = Search::new(age, bounds);
        self.edge.search = Some(Run { search, alone: true, asking: None, not_before: cx.now });
        true
    }

    /// A presentation that by the clock has not begun may have begun.
    pub(super) fn seek_beginning(&mut self, cx: &mut Cx<'_>) {
        if let Some(until) = self.edge.rest_until
            && cx.now < until
        {
            return cx.wake_at(until, Reason::Availability);
        }
        cx.wake_at(cx.now + PAUSE, Reason::Availability);
        let off = |b: &Bounds| b.far && b.oldest < -micros(b.length) * 4;
        let Some(bounds) = self.bounds(cx.now).filter(off) else { return };
        self.seek_edge(cx, bounds.oldest.saturating_sub(1));
    }

    /// Something exists by a clock that nobody vouches for: does something newer?
    fn look_ahead(&mut self, cx: &mut Cx<'_>, segment: &Segment, age: i64) {
        self.edge.looked_ahead = true;
        let vouched = self.clock.clock.trust() > Trust::Local || self.edge.shift_us != 0;
        let Some(bounds) = self.bounds(cx.now).filter(|b| b.far && !vouched) else { return };
        if segment.available.is_none() || self.edge.search.is_some() {
            return;
        }
        let search = Search::forward(age, bounds);
        self.edge.search = Some(Run { search, alone: false, asking: None, not_before: cx.now });
    }

    fn bounds(&self, now: Instant) -> Option<Bounds> {
        let p = self.presentation.as_ref()?;
        let Kind::Live(live) = &p.kind else { return None };
        let stream = self.feeds().next()?;
        let list = &rep_of(p, stream.place)?.segments;
        let length = self.segment_length(p);
        let first = list.at(Position::from_micros(i64::MIN / 4))?;
        // What is listed needs no clock: it can only be late.
        let far = !list.grows_by_reload();
        Some(Bounds {
            length,
            oldest: self.age(now, &first),
            newest: match list.last() {
                Some(last) => self.age(now, &last),
                None => -CENTURY_US,
            },
            window: live.time_shift,
            far,
            hint: self.edge.hint.filter(|_| far),
        })
    }

    fn advance_search(&mut self, cx: &mut Cx<'_>) {
        let Some(run) = &self.edge.search else { return };
        if run.asking.is_some() {
            return;
        }
        if run.not_before > cx.now {
            return cx.wake_at(run.not_before, Reason::Availability);
        }
        match run.search.next() {
            Next::Ask(age) => self.ask_of_age(cx, age),
            Next::Found { exists, refused } => self.edge_found(cx, exists, refused),
            Next::Nowhere => {
                self.edge.search = None;
                self.edge.in_vain = self.edge.in_vain.saturating_add(1);
                let rest = (REST * self.edge.in_vain).min(LONGEST_REST);
                self.edge.rest_until = Some(cx.now + rest);
                cx.wake_at(cx.now + rest, Reason::Availability);
            }
        }
    }

    fn ask_of_age(&mut self, cx: &mut Cx<'_>, age: i64) {
        let Some(p) = self.presentation.clone() else { return };
        let rep = self.feeds().next().and_then(|s| rep_of(&p, s.place));
        let segment = rep.and_then(|rep| {
            // The Period's first one is older than anything that can be named by its age.
            let found = self.newest_of_age(cx.now, &rep.segments, age);
            found.or_else(|| rep.segments.at(Position::from_micros(i64::MIN / 4)))
        });
        let Some(segment) = segment else {
            self.edge.search = None;
            return;
        };
        let age = self.age(cx.now, &segment);
        let purpose = Purpose::Scout;
        let id = self.requests.send(cx, purpose, &segment.resource, Body::Bytes, PATIENCE);
        if let Some(run) = &mut self.edge.search {
            run.asking = Some((id, age));
        }
        self.say_lost(cx);
    }

    /// That the edge is looked for is said when it is not found at once.
    fn say_lost(&mut self, cx: &mut Cx<'_>) {
        let long = |run: &Run| run.alone && run.search.asked() >= QUICK;
        if self.edge.search.as_ref().is_some_and(long) && !self.edge.told_lost {
            self.edge.told_lost = true;
            let message = "The server refuses the newest segments: this device's clock or the \
                           manifest's availabilityStartTime may be off. Others are tried; set the \
                           clock, or add UTCTiming to the manifest.";
            self.say_untimely(cx, message.into(), String::new());
        }
    }

    /// A question of a search was answered.
    pub(super) fn on_scout(&mut self, cx: &mut Cx<'_>, id: FetchId, answer: Option<Answer>) {
        let Some(run) = &mut self.edge.search else { return };
        let Some((_, age)) = run.asking.take_if(|it| it.0 == id) else { return };
        match answer {
            Some(answer) => {
                run.search.answer(age, answer);
                let quick = run.alone && run.search.asked() < QUICK;
                run.not_before = if quick { cx.now } else { cx.now + PAUSE };
            }
            // The line, not the origin.
            None => run.not_before = cx.now + PAUSE * 2,
        }
    }

    pub(super) fn on_scout_failed(&mut self, cx: &mut Cx<'_>, sent: &Sent, failure: &Failure) {
        let answer = match failure {
            Failure::Status(410) => Some(Answer::Gone),
            Failure::Status(400..=499) | Failure::Timeout => Some(Answer::Refused),
            _ => None,
        };
        self.on_scout(cx, sent.id, answer);
    }

    /// What is of age `exists` is there, what is of age `refused` is not.
    fn edge_found(&mut self, cx: &mut Cx<'_>, exists: i64, refused: i64) {
        let Some(run) = self.edge.search.take() else { return };
        let length = self.presentation.as_ref().map(|p| self.segment_length(p)).unwrap_or_default();
        // The next segment is refused because it is not due: the clock is right.
        if !run.alone && refused >= -micros(length) * 3 / 2 {
            return;
        }
        self.edge.sure = true;
        self.edge.hint = None;
        // What an origin is late by and what a clock is ahead by look the same.
        let vouched = self.clock.clock.trust() > Trust::Local;
        let off = exists > if vouched { NEAR } else { LATE_BY_OWN_CLOCK } || exists < 0;
        let late = if off { exists.saturating_sub(refused) } else { exists };
        if off {
            self.edge.shift_us = self.edge.shift_us.saturating_sub(refused);
            self.say_off(cx);
        }
        for stream in &mut self.streams {
            stream.lateness.found(late);
        }
        self.note_late(cx);
        if self.live.as_ref().is_none_or(|live| live.following) {
            self.reenter(cx);
        }
    }

    fn say_off(&mut self, cx: &mut Cx<'_>) {
        let off = Duration::from_micros(self.edge.shift_us.unsigned_abs());
        let vouched = self.clock.clock.trust() == Trust::Synced;
        let (what, help) = if vouched {
            ("The manifest's availabilityStartTime is", "Correct it at the encoder")
        } else {
            (
                "This device's clock, or the manifest's availabilityStartTime, is",
                "Set the clock, or add UTCTiming to the manifest",
            )
        };
        let message =
            format!("{what} {} off; playing goes by what the server has. {help}.", span_words(off));
        self.edge.told_late = WORTH_SAYING.max(self.edge.told_late);
        self.say_untimely(cx, message, format!("{} us", self.edge.shift_us));
    }

    /// The length and kind of a stream's segments.
    pub(super) fn lateness_kind(&self, p: &Presentation, i: usize) -> lateness::Kind {
        let growing =
            self.streams.get(i).and_then(|s| rep_of(p, s.place)).is_some_and(|r| r.growing);
        lateness::Kind { length: self.segment_length(p), growing }
    }
}

/// A span of time for people.
fn span_words(d: Duration) -> String {
    match d.as_secs() {
        0..60 => format!("{}.{} s", d.as_secs(), d.subsec_millis() / 100),
        s @ 60..7200 => format!("{} min", (s + 30) / 60),
        s @ 7200..172_800 => format!("{} h", (s + 1800) / 3600),
        s => format!("{} days", s / 86_400),
    }
}
