//! Servers: what answers a request, and when its bytes exist.
//!
//! An [`Origin`] is asked once for each request and returns a [`Reply`], which the network then
//! asks for bytes until there are no more. A reply says when to ask again, so that a segment can
//! grow while it is sent, and a request can be held. [`Timeline`] is the reply for everything whose
//! bytes are known beforehand.
//!
//! Origins use the true time; they do not know the error of the page's clock.

pub mod broadcast;
pub mod cmaf;
pub mod cut;
pub mod film;
pub mod live;
pub mod packaged;
pub mod ts;
pub mod untimely;
pub mod webm;

use crate::clock::{NEVER, Time};
use crate::payload::Payload;
use nearlive::time::WallTime;
use nearlive::units::ByteRange;
use std::collections::VecDeque;
use std::ops::Range;

/// A request, as the origin gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// Absolute.
    pub url: String,
    /// `Range`, if any.
    pub range: Option<ByteRange>,
    /// `HEAD`.
    pub head_only: bool,
}

impl HttpRequest {
    /// Path without query, leading slash included.
    pub fn path(&self) -> &str {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
        path.split(['?', '#']).next().unwrap_or(path)
    }

    /// Host and port.
    pub fn host(&self) -> &str {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        rest.split('/').next().unwrap_or(rest)
    }
}

/// The head of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// HTTP status.
    pub status: u16,
    /// The final address, when the request was redirected; else empty.
    pub url: String,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Date`.
    pub date: Option<WallTime>,
    /// `CMSD-Dynamic`.
    pub cmsd: Option<String>,
    /// `Retry-After`.
    pub retry_after: Option<nearlive::time::Duration>,
}

impl Head {
    /// A head with nothing but a status and a type.
    pub fn new(status: u16, content_type: &str) -> Self {
        let content_type = (!content_type.is_empty()).then(|| content_type.to_owned());
        Self { status, content_type, ..Self::default() }
    }
}

/// The present state of a reply.
#[derive(Debug)]
pub enum Step {
    /// Its head: comes first, once.
    Head(Head),
    /// More of its body.
    Data(Payload),
    /// Nothing yet: ask again at this time, not before.
    Later(Time),
    /// It is complete.
    End,
    /// The connection breaks.
    Cut,
}

/// An answer that is under way.
pub trait Reply {
    /// The next part of it.
    fn poll(&mut self, now: Time) -> Step;
}

/// A server.
pub trait Origin {
    /// Takes a request.
    fn open(&mut self, now: Time, request: &HttpRequest) -> Box<dyn Reply>;

    /// The wall-clock time at position zero of what it serves, where there is one. The report
    /// measures the true latency by it.
    fn anchor(&self) -> Option<WallTime> {
        None
    }

    /// Which rung of the ladder this URL belongs to, the lowest being 0.
    fn rung(&self, url: &str) -> Option<u8> {
        let _ = url;
        None
    }

    /// The times at which its process does not run: connections break at the start of each, and are
    /// refused until its end.
    fn down(&self) -> &[Range<Time>] {
        &[]
    }
}

/// A reply whose bytes are known beforehand.
#[derive(Debug, Default)]
pub struct Timeline {
    head: Option<(Time, Head)>,
    parts: VecDeque<(Time, Payload)>,
    end: Time,
    cut: bool,
}

impl Timeline {
    /// A head that comes at `at`, with no body yet.
    pub fn new(at: Time, head: Head) -> Self {
        Self { head: Some((at, head)), parts: VecDeque::new(), end: at, cut: false }
    }

    /// An answer that is there at once.
    pub fn whole(now: Time, head: Head, body: impl Into<Payload>) -> Self {
        Self::new(now, head).then(now, body)
    }

    /// Adds a part of the body that exists from `at` on.
    #[must_use]
    pub fn then(mut self, at: Time, part: impl Into<Payload>) -> Self {
        self.end = self.end.max(at);
        self.parts.push_back((at, part.into()));
        self
    }

    /// Ends at `at`, not with the last part.
    #[must_use]
    pub fn until(mut self, at: Time) -> Self {
        self.end = self.end.max(at);
        self
    }

    /// Breaks off instead of ending.
    #[must_use]
    pub fn cut(mut self) -> Self {
        self.cut = true;
        self
    }

    /// Applies the request's method and range to a body that is there at once (RFC 9110 9.3.2, 14.2).
    pub fn answer(
        now: Time,
        request: &HttpRequest,
        mut head: Head,
        body: impl Into<Payload>,
    ) -> Self {
        let mut body: Payload = body.into();
        if let (Some(range), 200) = (request.range, head.status) {
            if range.first >= body.len() {
                head.status = 416;
                body = Payload::default();
            } else {
                head.status = 206;
                body.take(range.first);
                body = body.take(range.len().unwrap_or(u64::MAX));
            }
        }
        if request.head_only {
            body = Payload::default();
        }
        Self::whole(now, head, body)
    }
}

impl Reply for Timeline {
    fn poll(&mut self, now: Time) -> Step {
        if let Some((at, head)) = &mut self.head {
            if *at > now {
                return Step::Later(*at);
            }
            let head = std::mem::take(head);
            self.head = None;
            return Step::Head(head);
        }
        match self.parts.front() {
            Some((at, _)) if *at > now => return Step::Later(*at),
            Some(_) => {
                if let Some((_, part)) = self.parts.pop_front() {
                    return Step::Data(part);
                }
            }
            None => {}
        }
        match self.end {
            at if at > now => Step::Later(at),
            _ if self.cut => Step::Cut,
            _ => Step::End,
        }
    }
}

/// An answer without a body that matters.
pub fn status(now: Time, status: u16) -> Box<dyn Reply> {
    Box::new(Timeline::whole(now, Head::new(status, "text/plain"), "nothing here"))
}

/// A request that is never answered.
#[derive(Debug)]
pub struct Silence;

impl Reply for Silence {
    fn poll(&mut self, _: Time) -> Step {
        Step::Later(NEVER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(range: Option<ByteRange>) -> HttpRequest {
        HttpRequest { url: "http://host:80/a/b.mp4?x=/y".into(), range, head_only: false }
    }

    fn body(mut reply: Timeline) -> (u16, Vec<u8>) {
        let mut got = (0, Vec::new());
        loop {
            match reply.poll(5) {
                Step::Head(head) => got.0 = head.status,
                Step::Data(part) => got.1.extend(part.to_vec()),
                _ => return got,
            }
        }
    }

    #[test]
    fn a_url_falls_into_host_and_path() {
        let r = request(None);
        assert_eq!((r.host(), r.path()), ("host:80", "/a/b.mp4"));
    }

    #[test]
    fn ranges_are_cut_out_or_refused() {
        let head = || Head::new(200, "");
        let ask = |first, last| {
            let r = request(Some(ByteRange { first, last }));
            body(Timeline::answer(0, &r, head(), "0123456789"))
        };
        assert_eq!(ask(2, Some(4)), (206, b"234".to_vec()));
        assert_eq!(ask(7, None), (206, b"789".to_vec()));
        assert_eq!(ask(10, None), (416, Vec::new()));
    }
}
