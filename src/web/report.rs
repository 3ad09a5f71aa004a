//! What the page is told: events, errors and figures as plain objects, and to whom.
//!
//! The shapes are described in `www/nearlive.d.ts`, the reference for pages.

use super::inbox::Autoplay;
use super::{dom, units};
use core::cell::RefCell;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use js_sys::{Array, Function, Object};
use nearlive::player::{Category, Code, Error, Event, Quality, State, Stats, Switch};
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// The names of the events.
const EVENTS: [&str; 7] = ["state", "loaded", "quality", "error", "stall", "source", "autoplay"];

/// The page's listeners, and the promise of its last `load()`.
#[derive(Default)]
pub(crate) struct Page {
    listeners: RefCell<Vec<(&'static str, Function)>>,
    loading: RefCell<Option<Loading>>,
}

/// What becomes of a `load()`.
#[derive(Clone, Default)]
pub(crate) struct Loading(Rc<RefCell<Outcome>>);

#[derive(Default)]
struct Outcome {
    result: Option<Result<JsValue, JsValue>>,
    waits: Option<Waker>,
}

impl Loading {
    /// Settles it; only the first time counts.
    pub(crate) fn settle(&self, result: Result<JsValue, JsValue>) {
        let mut outcome = self.0.borrow_mut();
        outcome.result.get_or_insert(result);
        if let Some(waker) = outcome.waits.take() {
            waker.wake();
        }
    }
}

impl Future for Loading {
    type Output = Result<JsValue, JsValue>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut outcome = self.0.borrow_mut();
        match outcome.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                outcome.waits = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Page {
    /// Adds a listener.
    pub(crate) fn on(&self, name: &str, call: Function) {
        match EVENTS.iter().find(|it| **it == name) {
            Some(name) => self.listeners.borrow_mut().push((name, call)),
            None => dom::warn("nearlive: there is no such event:", &name.into()),
        }
    }

    /// Removes a listener.
    pub(crate) fn off(&self, name: &str, call: &Function) {
        self.listeners.borrow_mut().retain(|it| it.0 != name || it.1 != *call);
    }

    /// A new `load()`; the one before will not come to anything.
    pub(crate) fn load(&self, loading: Loading) {
        if let Some(before) = self.loading.replace(Some(loading)) {
            before.settle(Err(interrupted()));
        }
    }

    /// The player is gone.
    pub(crate) fn close(&self) {
        self.listeners.take();
        if let Some(loading) = self.loading.take() {
            loading.settle(Err(interrupted()));
        }
    }

    /// Calls the listeners of an event.
    pub(crate) fn emit(&self, name: &str, detail: &JsValue) {
        let listeners = self.listeners.borrow().clone();
        for (_, call) in listeners.iter().filter(|it| it.0 == name) {
            dom::call(call, detail);
        }
    }

    /// Tells an event of the core.
    pub(crate) fn tell(&self, event: &Event) {
        match event {
            Event::State(state) => {
                self.emit("state", &object(&[("state", word(*state).into())]));
            }
            Event::Loaded { qualities: all, live } => {
                let detail = object(&[("qualities", qualities(all)), ("live", (*live).into())]);
                if let Some(loading) = self.loading.take() {
                    loading.settle(Ok(JsValue::UNDEFINED));
                }
                self.emit("loaded", &detail);
            }
            Event::Quality(switch) => self.emit("quality", &switched(switch)),
            Event::Error(trouble) => {
                let detail = error(trouble);
                if trouble.fatal
                    && let Some(loading) = self.loading.take()
                {
                    loading.settle(Err(detail.clone()));
                }
                self.emit("error", &detail);
            }
            Event::StallEnded { lasted } => {
                self.emit("stall", &object(&[("seconds", units::length(*lasted).into())]));
            }
            Event::Source { cause, age } => {
                let age = optional(age.map(units::length));
                self.emit("source", &object(&[("cause", cause.into()), ("age", age)]));
            }
            _ => {}
        }
    }
}

/// An error as the page gets it: an `Error` with the fields of the core's.
pub(crate) fn error(trouble: &Error) -> JsValue {
    let made = JsValue::from(js_sys::Error::new(&trouble.message));
    let category = match trouble.code.category() {
        Category::Network => "network",
        Category::Manifest => "manifest",
        Category::Media => "media",
        Category::Browser => "browser",
        Category::Usage => "usage",
    };
    fill(
        &made,
        &[
            ("name", "NearliveError".into()),
            ("code", (trouble.code as u16).into()),
            ("category", category.into()),
            ("fatal", trouble.fatal.into()),
            ("url", trouble.url.as_deref().map_or(JsValue::UNDEFINED, JsValue::from_str)),
            ("detail", trouble.detail.as_str().into()),
        ],
    );
    made
}

/// An error of the shell's own. A call that makes no sense is refused, and what plays goes on.
pub(crate) fn own_error(code: Code, message: &str) -> JsValue {
    let fatal = code.category() != Category::Usage;
    let message = message.into();
    error(&Error { code, fatal, message, url: None, detail: String::new() })
}

/// What becomes of a `load()` that nothing can come of.
pub(crate) fn interrupted() -> JsValue {
    let made = own_error(Code::BadCall, "load() was interrupted by another load() or by destroy()");
    fill(&made, &[("name", "AbortError".into())]);
    made
}

/// For the event `autoplay`.
pub(crate) fn autoplay(how: Autoplay) -> JsValue {
    object(&[
        ("muted", (how == Autoplay::Muted).into()),
        ("blocked", (how == Autoplay::Blocked).into()),
    ])
}

/// All that can be chosen.
pub(crate) fn qualities(all: &[Quality]) -> JsValue {
    all.iter().map(quality).collect::<Array>().into()
}

fn quality(it: &Quality) -> JsValue {
    let size = it.resolution;
    object(&[
        ("id", it.id.as_str().into()),
        ("bandwidth", (it.bandwidth.as_bps() as f64).into()),
        ("width", optional(size.map(|it| f64::from(it.width)))),
        ("height", optional(size.map(|it| f64::from(it.height)))),
        ("codecs", it.codecs.as_str().into()),
    ])
}

fn switched(switch: &Switch) -> JsValue {
    let made = quality(&switch.to);
    fill(
        &made,
        &[
            ("reason", switch.reason.as_str().into()),
            ("from", switch.from.as_ref().map_or(JsValue::NULL, quality)),
        ],
    );
    made
}

/// The figures of `player.stats()`.
pub(crate) fn stats(it: &Stats, state: State) -> JsValue {
    let stalls = |count: u32, lasted| {
        object(&[("count", count.into()), ("seconds", units::length(lasted).into())])
    };
    let startup = it.startup.map(|it| (units::length(it) * 1000.0).round());
    object(&[
        ("state", word(state).into()),
        ("protocol", it.protocol.into()),
        ("live", it.live.into()),
        ("latency", optional(it.latency.map(units::length))),
        ("targetLatency", optional(it.target_latency.map(units::length))),
        ("behind", optional(it.behind.map(units::length))),
        ("bufferAhead", units::length(it.buffer_ahead).into()),
        ("playbackRate", (f64::from(it.playback_rate_permille) / 1000.0).into()),
        ("throughputKbps", optional(it.throughput.map(|it| (it.as_bps() / 1000) as f64))),
        ("quality", it.quality.as_ref().map_or(JsValue::NULL, quality)),
        ("qualityReason", it.quality_reason.as_str().into()),
        ("stalls", stalls(it.stalls, it.stalled)),
        ("sourceStalls", stalls(it.source_stalls, it.source_stalled)),
        ("switches", it.switches.into()),
        ("bytes", (it.bytes as f64).into()),
        ("requests", it.requests.into()),
        ("errors", it.errors.into()),
        ("droppedFrames", it.dropped_frames.into()),
        ("startupMs", optional(startup)),
        ("waitingFor", it.waiting_for.into()),
        ("trouble", it.trouble.as_str().into()),
    ])
}

const fn word(state: State) -> &'static str {
    match state {
        State::Idle => "idle",
        State::Starting => "starting",
        State::Playing => "playing",
        State::Paused => "paused",
        State::Stalled => "stalled",
        State::Ended => "ended",
        State::Failed => "failed",
    }
}

fn optional(number: Option<f64>) -> JsValue {
    number.map_or(JsValue::NULL, JsValue::from_f64)
}

fn object(fields: &[(&str, JsValue)]) -> JsValue {
    let made = Object::new().into();
    fill(&made, fields);
    made
}

fn fill(object: &JsValue, fields: &[(&str, JsValue)]) {
    for (key, value) in fields {
        // An object of our own takes every field.
        _ = dom::set(object, key, value);
    }
}
