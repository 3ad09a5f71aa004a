//! Requests: `fetch()` and the reading of its stream.
//!
//! ```text
//! start --fetch()--> head --read()--> read --read()--> read ... --> over
//!   any of them: fail (also after an abort) --> over
//! ```
//! A media body stays in JavaScript: of each read the scanner gets the few bytes that it asks for,
//! and the `Uint8Array` itself is what is appended later. No header is added but `Range`, which is
//! safelisted (Fetch, "CORS-safelisted request-header"), so no preflight happens.

use super::driver::Shell;
use super::{dom, units};
use core::cell::{Cell, RefCell};
use core::time::Duration;
use js_sys::{Object, Uint8Array};
use nearlive::media::isobmff::scan::{Fact, Scanner, Want};
use nearlive::player::{Body, FetchEvent, FetchId, Head, Input, Request};
use std::rc::{Rc, Weak};
use wasm_bindgen::prelude::*;
use web_sys::{
    AbortController, ReadableStreamDefaultReader, ReadableStreamReadResult, RequestCache,
    RequestCredentials, RequestInit, Response,
};

/// One request, from its start until the browser has said its last word on it.
pub(crate) struct Fetch {
    id: FetchId,
    shell: Weak<Shell>,
    abort: Option<AbortController>,
    /// Nothing more is to be told.
    over: Cell<bool>,
    /// A short error page: read although the request is given up, so that the connection stays usable.
    discard: Cell<bool>,
    reader: RefCell<Option<ReadableStreamDefaultReader>>,
    walk: RefCell<Option<Walk>>,
    /// What the promises call. They hold this fetch, so they are dropped at its end.
    calls: RefCell<Option<Calls>>,
}

#[derive(Clone)]
struct Calls {
    read: JsValue,
    fail: JsValue,
}

impl Fetch {
    /// Makes a request. What comes of it goes to `shell`.
    pub(crate) fn start(
        shell: Weak<Shell>,
        request: &Request,
        credentials: Option<RequestCredentials>,
    ) -> Rc<Self> {
        let walk = match &request.body {
            Body::Bytes => None,
            Body::Media(tracks) => Some(Walk::new(Scanner::new(tracks))),
        };
        let fetch = Rc::new(Self {
            id: request.id,
            shell,
            abort: AbortController::new().ok(),
            over: Cell::new(false),
            discard: Cell::new(false),
            reader: RefCell::default(),
            walk: RefCell::new(walk),
            calls: RefCell::default(),
        });
        let [a, b, c] = [fetch.clone(), fetch.clone(), fetch.clone()];
        let head = dom::callback(move |response| a.head(response.unchecked_ref()));
        let read = dom::callback(move |chunk| b.read(chunk.unchecked_ref()));
        let fail = dom::callback(move |thrown| c.fail(&thrown));
        fetch.calls.replace(Some(Calls { read, fail: fail.clone() }));
        let init = fetch.init(request, credentials);
        let promise = dom::window().fetch_with_str_and_init(&request.url, &init);
        promise.unchecked_into::<dom::Thenable>().then(&head, &fail);
        fetch
    }

    /// Which one it is.
    pub(crate) const fn id(&self) -> FetchId {
        self.id
    }

    /// Gives it up; nothing more is told of it.
    pub(crate) fn cancel(&self) {
        self.over.set(true);
        if !self.discard.get() {
            self.abort.iter().for_each(AbortController::abort);
        }
    }

    fn init(&self, request: &Request, credentials: Option<RequestCredentials>) -> RequestInit {
        let init = RequestInit::new();
        init.set_signal(self.abort.as_ref().map(AbortController::signal).as_ref());
        if let Some(credentials) = credentials {
            init.set_credentials(credentials);
        }
        if request.head_only {
            // Asked for its `Date`: a stored one is worth nothing.
            init.set_method("HEAD");
            init.set_cache(RequestCache::NoStore);
        }
        if let Some(range) = request.range {
            let last = range.last.map(|it| it.to_string()).unwrap_or_default();
            let value = ["bytes=", &range.first.to_string(), "-", &last].concat();
            let headers = Object::new();
            _ = dom::set(&headers, "Range", &value.into());
            init.set_headers(&headers);
        }
        init
    }

    fn head(&self, response: &Response) {
        let all = response.headers();
        let header = |name| all.get(name).ok().flatten();
        let status = response.status();
        // Below ten thousand bytes.
        let short = header("content-length").is_some_and(|it| it.len() < 5);
        self.discard.set(short && !(200..300).contains(&status));
        self.tell(FetchEvent::Head(Head {
            status,
            url: response.url(),
            content_type: header("content-type"),
            date: header("date")
                .map(|it| js_sys::Date::parse(&it))
                // What a cache kept is of another time.
                .filter(|ms| ms.is_finite() && header("age").is_none_or(|it| it == "0"))
                .map(units::wall_from_ms),
            cmsd: header("cmsd-dynamic"),
            retry_after: header("retry-after")
                .and_then(|it| it.parse::<u32>().ok())
                .map(|s| Duration::from_secs(u64::from(s))),
        }));
        match response.body().map(|it| ReadableStreamDefaultReader::new(&it)) {
            None => self.end(FetchEvent::Done),
            Some(Ok(reader)) => {
                self.reader.replace(Some(reader));
                self.next();
            }
            Some(Err(thrown)) => self.fail(&thrown),
        }
    }

    fn next(&self) {
        let calls = self.calls.borrow().clone();
        if let (Some(reader), Some(calls)) = (&*self.reader.borrow(), calls) {
            let promise = reader.read().unchecked_into::<dom::Thenable>();
            promise.then(&calls.read, &calls.fail);
        }
    }

    fn read(&self, chunk: &ReadableStreamReadResult) {
        if chunk.get_done().unwrap_or_default() {
            return self.end(FetchEvent::Done);
        }
        if let Some(shell) = self.shell.upgrade()
            && !self.over.get()
        {
            let bytes: Uint8Array = chunk.get_value().unchecked_into();
            // The borrow ends here: what is told may come back as a cancel.
            let facts = self.walk.borrow_mut().as_mut().map(|it| it.over(&bytes));
            shell.give(Input::Fetch(
                self.id,
                match facts {
                    None => FetchEvent::Data(bytes.to_vec()),
                    Some(facts) => {
                        let len = bytes.length();
                        FetchEvent::Media { blob: shell.keep(bytes), len, facts }
                    }
                },
            ));
        }
        // Also after a cancel: the aborted stream then fails, which ends it.
        self.next();
    }

    fn fail(&self, thrown: &JsValue) {
        self.end(FetchEvent::Failed(dom::describe(thrown)));
    }

    fn end(&self, event: FetchEvent) {
        self.tell(event);
        self.over.set(true);
        self.reader.take();
        self.calls.take();
        if let Some(shell) = self.shell.upgrade() {
            shell.forget(self.id);
        }
    }

    fn tell(&self, event: FetchEvent) {
        if !self.over.get()
            && let Some(shell) = self.shell.upgrade()
        {
            shell.give(Input::Fetch(self.id, event));
        }
    }
}

/// Runs a scanner over bytes that are in JavaScript, copying what it needs to see.
struct Walk {
    scanner: Scanner,
    /// The beginning of what it needs, when a read ended in the middle.
    held: Vec<u8>,
}

/// Copying costs a call each; the boxes before a frame are of about this size together.
const GLANCE_BYTES: u32 = 512;

impl Walk {
    fn new(scanner: Scanner) -> Self {
        Self { scanner, held: Vec::new() }
    }

    fn over(&mut self, bytes: &Uint8Array) -> Vec<Fact> {
        let (mut facts, mut seen) = (Vec::new(), Glance::default());
        let (mut at, len) = (0, bytes.length());
        while at < len {
            match self.scanner.want() {
                Want::Nothing | Want::Skip(0) => break,
                Want::Skip(n) => {
                    let n = u32::try_from(n).map_or(len - at, |n| n.min(len - at));
                    self.scanner.skip(u64::from(n), &mut facts);
                    at += n;
                }
                Want::Need(n) => {
                    let missing = n.saturating_sub(self.held.len());
                    let n = u32::try_from(missing).map_or(len - at, |n| n.min(len - at));
                    self.held.extend_from_slice(seen.at(bytes, at, n));
                    at += n;
                    if n as usize == missing {
                        self.scanner.take(&self.held, &mut facts);
                        self.held.clear();
                    }
                }
            }
        }
        facts
    }
}

/// A part of a read that has been copied already.
#[derive(Default)]
struct Glance {
    start: u32,
    bytes: Vec<u8>,
}

impl Glance {
    fn at(&mut self, all: &Uint8Array, at: u32, n: u32) -> &[u8] {
        let end = self.start + self.bytes.len() as u32;
        if at < self.start || at + n > end {
            let stop = at.saturating_add(n.max(GLANCE_BYTES)).min(all.length());
            self.bytes = all.subarray(at, stop).to_vec();
            self.start = at;
        }
        let from = (at - self.start) as usize;
        self.bytes.get(from..from + n as usize).unwrap_or_default()
    }
}
