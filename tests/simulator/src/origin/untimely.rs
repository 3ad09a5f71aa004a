//! A live server that does not keep to its manifest: segments come late, clocks are off.
//!
//! It wraps a [`LiveServer`]: it refuses or holds requests for segments that do not exist yet by
//! its [`Habits`], rewrites the MPD, and records requests.

use super::live::{Live, LiveServer};
use super::{Head, HttpRequest, Origin, Reply, Step, Timeline, status};
use crate::clock::{Clock, NEVER, Time, millis, secs};
use nearlive::time::WallTime;
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

/// How a segment is addressed and sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Read while it grows, as the live server has it.
    Growing,
    /// Whole: numbers that follow from the clock, lists, playlists.
    Whole,
}

/// A request for a segment.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Sound, not picture.
    pub audio: bool,
    /// Its number; Unix seconds over the length.
    pub number: u64,
    /// True time.
    pub now: Time,
}

/// Where it differs from its manifest.
pub struct Habits {
    /// How segments are.
    pub form: Form,
    /// How much later than its making a segment exists.
    pub late: Box<dyn Fn(Asked) -> Time>,
    /// How long a refusal takes.
    pub refuses_after: Time,
    /// Requests for segments that do not exist yet are held, not refused.
    pub holds: bool,
    /// Segments that have left the window are 410, not 404.
    pub tells_gone: bool,
    /// How much too early `availabilityStartTime` is, microseconds.
    pub start_us: i64,
    /// How much too late `publishTime` is, microseconds.
    pub published_us: i64,
    /// Answers have a `Date` that the page can read.
    pub dates: bool,
    /// The replacement for the MPD's `UTCTiming`.
    pub timing: String,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            form: Form::Whole,
            late: Box::new(|_| 0),
            refuses_after: 0,
            holds: false,
            tells_gone: false,
            start_us: 0,
            published_us: 0,
            dates: false,
            timing: String::new(),
        }
    }
}

/// A request for media and its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When it was asked.
    pub at: Time,
    /// Path.
    pub path: String,
    /// It was refused.
    pub refused: bool,
}

/// The requests, for a test to look at.
#[derive(Clone, Debug, Default)]
pub struct Book(Rc<RefCell<Vec<Seen>>>);

impl Book {
    /// Segments that were refused in a span of time.
    pub fn refused(&self, span: Range<Time>) -> usize {
        self.0.borrow().iter().filter(|s| s.refused && span.contains(&s.at)).count()
    }

    /// Segments that were asked for in a span of time.
    pub fn asked(&self, span: Range<Time>) -> usize {
        self.0.borrow().iter().filter(|s| span.contains(&s.at)).count()
    }

    /// All of it.
    pub fn all(&self) -> Vec<Seen> {
        self.0.borrow().clone()
    }
}

/// The server.
pub struct Untimely {
    inner: LiveServer,
    live: Live,
    habits: Habits,
    /// What was asked for.
    pub book: Book,
}

/// The longest time from a frame's capture to its arrival at the live server.
const HOLD: Time = millis(85);

impl Untimely {
    /// A server before one that does as `live` says.
    pub fn new(live: Live, habits: Habits) -> Self {
        let live = Live { holds: false, ..live };
        Self { inner: LiveServer::new(live.clone()), live, habits, book: Book::default() }
    }

    fn mpd(&mut self, now: Time, request: &HttpRequest) -> Box<dyn Reply> {
        let mut text = String::new();
        let mut reply = self.inner.open(now, request);
        loop {
            match reply.poll(now) {
                Step::Data(data) => text.push_str(&String::from_utf8_lossy(&data.to_vec())),
                Step::Head(_) => {}
                _ => break,
            }
        }
        if self.habits.form == Form::Whole {
            while let Some(at) = text.find(" availabilityTimeOffset=") {
                let end = text.get(at..).and_then(|t| t.find(" initialization="));
                text.replace_range(at..at + end.unwrap_or(0), "");
            }
        }
        if self.habits.start_us != 0 {
            let start = super::live::iso(-self.habits.start_us);
            text = text.replacen("1970-01-01T00:00:00Z", &start, 1);
        }
        if self.habits.published_us != 0
            && let Some((before, after)) = text.split_once("publishTime=\"")
            && let Some((_, after)) = after.split_once('"')
        {
            let at = super::live::iso(Clock::truth(now).as_micros() + self.habits.published_us);
            text = format!("{before}publishTime=\"{at}\"{after}");
        }
        text = text.replace("</MPD>", &[&self.habits.timing, "</MPD>"].concat());
        let head = self.head(now, Head::new(200, "application/dash+xml"));
        Box::new(Timeline::answer(now, request, head, text))
    }

    fn head(&self, now: Time, head: Head) -> Head {
        let date = Clock::truth(now).as_micros().div_euclid(1_000_000) * 1_000_000;
        Head { date: self.habits.dates.then(|| WallTime::from_micros(date)), ..head }
    }

    /// When the segment of a path is there, and how late that is.
    fn there(&self, now: Time, path: &str) -> Option<(Time, Time)> {
        let name = path.rsplit('/').next()?.strip_suffix(".m4s")?;
        let audio = path.contains("/a/");
        let segment = self.live.segment;
        let (number, by_time) = match name.strip_prefix('t') {
            // The live server's own times count from the start of its first Period.
            Some(ticks) => {
                let hz = if audio { 48 } else { 90 };
                let first = Clock::truth(0).as_micros() - 600_000_000;
                let first = first.div_euclid(segment.cast_signed());
                let number = ticks.parse::<u64>().ok()? * 1000 / hz / segment;
                (number + first.cast_unsigned(), true)
            }
            None => (name.parse().ok()?, false),
        };
        let late = (self.habits.late)(Asked { audio, number, now });
        // Media made before the run began exists when it begins.
        let end = i64::try_from(number.saturating_add(1).checked_mul(segment)?).ok()?;
        let growing = self.habits.form == Form::Growing && !by_time;
        let early = if growing { segment - self.live.frame } else { 0 };
        // What a list names is there.
        let hold = if by_time { 0 } else { HOLD };
        let there = (hold + late).cast_signed() - early.cast_signed();
        Some((Clock::time_of(WallTime::from_micros(end + there)), late))
    }

    fn media(&mut self, now: Time, request: &HttpRequest) -> Box<dyn Reply> {
        let path = request.path().to_owned();
        let Some((there, late)) = self.there(now, &path) else {
            return self.inner.open(now, request);
        };
        let mut seen = Seen { at: now, path, refused: there > now && !self.habits.holds };
        let from = now.max(there);
        // A growing segment is late in all its parts.
        let shift = if self.habits.form == Form::Growing { late.min(from) } else { 0 };
        let mut inner = self.inner.open(from - shift, request);
        let mut answer = None;
        if seen.refused {
            let refusal = Head::new(404, "text/plain");
            answer =
                Some(Box::new(Timeline::new(now + self.habits.refuses_after, refusal)) as Box<_>);
        } else if let Step::Head(head) = inner.poll(from - shift) {
            seen.refused = head.status >= 400;
            let gone = self.habits.tells_gone && head.status == 404;
            let head =
                self.head(from, Head { status: if gone { 410 } else { head.status }, ..head });
            answer = Some(Box::new(Shifted { inner, by: shift, from, head: Some(head) }) as Box<_>);
        }
        self.book.0.borrow_mut().push(seen);
        answer.unwrap_or_else(|| status(now, 404))
    }
}

impl Origin for Untimely {
    fn open(&mut self, now: Time, request: &HttpRequest) -> Box<dyn Reply> {
        match request.path() {
            path if path.ends_with(".mpd") => self.mpd(now, request),
            path if path.ends_with(".m4s") => self.media(now, request),
            "/head" => {
                let date = Clock::truth(now).as_micros().div_euclid(1_000_000) * 1_000_000;
                let date = Some(WallTime::from_micros(date));
                let head = Head { date, ..Head::new(200, "text/plain") };
                Box::new(Timeline::answer(now, request, head, ""))
            }
            "/silence" => Box::new(Timeline::new(now + secs(60), Head::new(200, "text/plain"))),
            _ => {
                let mut inner = self.inner.open(now, request);
                let Step::Head(head) = inner.poll(now) else { return status(now, 404) };
                let head = Some(self.head(now, head));
                Box::new(Shifted { inner, by: 0, from: now, head })
            }
        }
    }

    fn anchor(&self) -> Option<WallTime> {
        self.inner.anchor()
    }

    fn rung(&self, url: &str) -> Option<u8> {
        self.inner.rung(url)
    }

    fn down(&self) -> &[Range<Time>] {
        &self.live.down
    }
}

/// A reply that is this much later.
struct Shifted {
    inner: Box<dyn Reply>,
    by: Time,
    from: Time,
    head: Option<Head>,
}

impl Reply for Shifted {
    fn poll(&mut self, now: Time) -> Step {
        if now < self.from {
            return Step::Later(self.from);
        }
        if let Some(head) = self.head.take() {
            return Step::Head(head);
        }
        match self.inner.poll(now - self.by) {
            Step::Later(NEVER) => Step::Later(NEVER),
            Step::Later(at) => Step::Later(at + self.by),
            other => other,
        }
    }
}
