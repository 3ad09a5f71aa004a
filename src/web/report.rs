//! Sends events to the page's listeners, and makes the objects that the page gets: errors, figures and qualities.
//!
//! The shapes are described in `www/nearlive.d.ts`, the reference for pages.

use super::face::{self, EVENTS, Error, Event};
use super::{dom, value};
use core::cell::RefCell;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use js_sys::{Function, Object};
use nearlive::player::{Category, Code, Quality, State, Stats};
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// The page's listeners, and the promise of its last `load()`.
#[derive(Default)]
pub(crate) struct Page {
    listeners: RefCell<Vec<(&'static str, Function)>>,
    loading: RefCell<Option<Loading>>,
}

/// The result of a `load()`, as a future.
#[derive(Clone, Default)]
pub(crate) struct Loading(Rc<RefCell<Outcome>>);

#[derive(Default)]
struct Outcome {
    result: Option<Result<JsValue, JsValue>>,
    waits: Option<Waker>,
}

impl Loading {
    /// Fulfils or rejects it. Only the first call has an effect.
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

    /// Begins a `load()`. The one before, if it is not settled, is rejected.
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
    pub(crate) fn emit(&self, event: &Event<'_>) {
        let detail = match event {
            Event::Error(trouble) => error(trouble),
            plain => value::of(plain),
        };
        match event {
            Event::Loaded { .. } => self.loaded(Ok(JsValue::UNDEFINED)),
            Event::Error(trouble) if trouble.fatal => self.loaded(Err(detail.clone())),
            _ => {}
        }
        let name = event.name();
        let listeners = self.listeners.borrow().clone();
        for (_, call) in listeners.iter().filter(|it| it.0 == name) {
            dom::call(call, &detail);
        }
    }

    fn loaded(&self, result: Result<JsValue, JsValue>) {
        if let Some(loading) = self.loading.take() {
            loading.settle(result);
        }
    }
}

/// An error as the page gets it: an `Error` with the fields of the core's.
fn error(trouble: &Error<'_>) -> JsValue {
    Object::assign(&js_sys::Error::new(trouble.message), value::of(trouble).unchecked_ref()).into()
}

/// An error of the shell's own. A call that makes no sense is refused, and what plays goes on.
pub(crate) fn own_error(code: Code, message: &str) -> JsValue {
    own("NearliveError", code, message)
}

/// The error of a `load()` that another call has ended.
pub(crate) fn interrupted() -> JsValue {
    let message = "load() was interrupted by another load() or by destroy()";
    own("AbortError", Code::BadCall, message)
}

fn own(name: &'static str, code: Code, message: &str) -> JsValue {
    let category = code.category();
    let fatal = category != Category::Usage;
    let code = code as u16;
    error(&Error { name, message, code, category, fatal, url: None, detail: "" })
}

/// All that can be chosen.
pub(crate) fn qualities(all: &[Quality]) -> JsValue {
    value::of(&*face::all(all))
}

/// The figures of `player.stats()`.
pub(crate) fn stats(it: &Stats, state: State, via: &str) -> JsValue {
    value::of(&face::Stats::of(it, state, via))
}
