//! Requests: `fetch()`, or what the page has in its place, and the reading of its stream.
//!
//! A media body stays in JavaScript: of each read the scanner gets the few bytes that it asks for,
//! and the `Uint8Array` itself is what is appended later. No header is added but `Range`, which is
//! safelisted (Fetch, "CORS-safelisted request-header"), so no preflight happens.

use super::inbox::{Inbox, Message};
use super::{dom, units};
use core::cell::Cell;
use js_sys::{Function, Object, Promise, Uint8Array};
use nearlive::abr::sharing;
use nearlive::media::scan::{Fact, Scanner, Want};
use nearlive::player::{Body, FetchEvent, FetchId, Head, Input, Request};
use nearlive::time::Duration;
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{
    AbortController, ReadableStream, ReadableStreamDefaultReader, ReadableStreamReadResult,
    RequestCache, RequestCredentials, RequestInit, Response,
};

#[wasm_bindgen]
extern "C" {
    /// Of `www/loader.js`: a reader that gives together what comes close together.
    fn gathered(body: &ReadableStream) -> ReadableStreamDefaultReader;
}

/// One request, from its start until its promise or its stream has ended.
pub(crate) struct Fetch {
    id: FetchId,
    /// Where it goes ([`sharing::host`]).
    pub(crate) host: u32,
    inbox: Rc<Inbox>,
    abort: Option<AbortController>,
    /// It was cancelled or has ended: no further event is sent.
    over: Cell<bool>,
    /// The answer is a short error page. It is read to its end even when the request is cancelled, so that
    /// the browser can use the connection again.
    discard: Cell<bool>,
}

impl Fetch {
    /// Starts a request. Its events are put into `inbox`.
    pub(crate) fn start(
        inbox: Rc<Inbox>,
        request: &Request,
        credentials: Option<RequestCredentials>,
        hook: Option<&Function>,
    ) -> Rc<Self> {
        let fetch = Rc::new(Self {
            id: request.id,
            host: sharing::host(&request.url),
            inbox,
            abort: AbortController::new().ok(),
            over: Cell::new(false),
            discard: Cell::new(false),
        });
        let (at_once, tracks) = match &request.body {
            Body::Bytes => (false, None),
            Body::Media(tracks) => (false, Some(tracks)),
            Body::Growing(tracks) => (true, Some(tracks)),
        };
        let walk = tracks.map(|tracks| Walk::new(Scanner::new(tracks)));
        let init = fetch.init(request, credentials);
        let response = match hook {
            None => dom::window().fetch_with_str_and_init(&request.url, &init),
            // It always gives a promise: `www/loader.js` wraps what the page gave.
            Some(hook) => {
                let given = hook.call2(&JsValue::UNDEFINED, &request.url.as_str().into(), &init);
                given.unwrap_or_default().unchecked_into()
            }
        };
        spawn_local(fetch.clone().run(response, walk, at_once));
        fetch
    }

    /// Its number.
    pub(crate) const fn id(&self) -> FetchId {
        self.id
    }

    /// Cancels it: no further event of it is sent.
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
            // It is made for the `Date` of its answer; one from a cache would be old.
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

    async fn run(self: Rc<Self>, response: Promise, walk: Option<Walk>, at_once: bool) {
        let last = match self.read(response, walk, at_once).await {
            Ok(()) => FetchEvent::Done,
            Err(thrown) => FetchEvent::Failed(dom::describe(&thrown)),
        };
        self.send(last);
        self.over.set(true);
        self.inbox.put(Message::Over(self.id));
    }

    /// Reads the answer to its end. The error is what the browser threw, also after an abort.
    async fn read(
        &self,
        response: Promise,
        mut walk: Option<Walk>,
        at_once: bool,
    ) -> Result<(), JsValue> {
        let response: Response = JsFuture::from(response).await?.unchecked_into();
        self.head(&response);
        let Some(body) = response.body() else { return Ok(()) };
        let reader: ReadableStreamDefaultReader =
            if at_once { body.get_reader().unchecked_into() } else { gathered(&body) };
        loop {
            let chunk: ReadableStreamReadResult =
                JsFuture::from(reader.read()).await?.unchecked_into();
            if chunk.get_done().unwrap_or_default() {
                return Ok(());
            }
            // A cancelled request is read on until its aborted stream fails, which ends this loop.
            if self.over.get() {
                continue;
            }
            let bytes: Uint8Array = chunk.get_value().unchecked_into();
            match &mut walk {
                None => self.send(FetchEvent::Data(bytes.to_vec())),
                Some(walk) => {
                    let facts = walk.scan(&bytes);
                    self.inbox.put(Message::Media { fetch: self.id, bytes, facts });
                }
            }
        }
    }

    fn head(&self, response: &Response) {
        let all = response.headers();
        let header = |name| all.get(name).ok().flatten();
        let status = response.status();
        // Four digits: below 10,000 bytes.
        let short = header("content-length").is_some_and(|it| it.len() < 5);
        self.discard.set(short && !(200..300).contains(&status));
        self.send(FetchEvent::Head(Head {
            status,
            url: response.url(),
            content_type: header("content-type"),
            date: header("date")
                .map(|it| js_sys::Date::parse(&it))
                // A date with an `Age` is when a cache stored the answer.
                .filter(|ms| ms.is_finite() && header("age").is_none_or(|it| it == "0"))
                .map(units::wall_from_ms),
            cmsd: header("cmsd-dynamic"),
            retry_after: header("retry-after")
                .and_then(|it| it.parse::<u32>().ok())
                .map(|s| Duration::from_secs(u64::from(s))),
        }));
    }

    fn send(&self, event: FetchEvent) {
        if !self.over.get() {
            self.inbox.put(Message::Input(Input::Fetch(self.id, event)));
        }
    }
}

/// Runs a scanner over bytes that stay in JavaScript; only what the scanner reads is copied.
struct Walk {
    scanner: Scanner,
    /// The first part of what the scanner needs, when a read ended in the middle of it.
    held: Vec<u8>,
}

/// Each copy costs a call into JavaScript. The boxes before a frame have about this size together, so that one
/// copy is enough for them.
const COPY_BYTES: u32 = 512;

impl Walk {
    fn new(scanner: Scanner) -> Self {
        Self { scanner, held: Vec::new() }
    }

    fn scan(&mut self, bytes: &Uint8Array) -> Vec<Fact> {
        let (mut facts, mut seen) = (Vec::new(), Copied::default());
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

/// The part of a read that was copied last.
#[derive(Default)]
struct Copied {
    start: u32,
    bytes: Vec<u8>,
}

impl Copied {
    fn at(&mut self, all: &Uint8Array, at: u32, n: u32) -> &[u8] {
        let end = self.start + self.bytes.len() as u32;
        if at < self.start || at + n > end {
            let stop = at.saturating_add(n.max(COPY_BYTES)).min(all.length());
            self.bytes = all.subarray(at, stop).to_vec();
            self.start = at;
        }
        let from = (at - self.start) as usize;
        self.bytes.get(from..from + n as usize).unwrap_or_default()
    }
}
