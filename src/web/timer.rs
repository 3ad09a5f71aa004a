//! Two timers: the alarm that `Output::Wait` sets, and a regular tick.
//!
//! The core answers each input with a new `Wait`, often the same as before. So an alarm that is set
//! too early is left alone: when it rings before its time, it is set again and nobody is woken.
//! Browsers delay timers: 4 ms when nested, a second in hidden pages. Nothing relies on punctuality.

use super::{dom, units};
use core::cell::{Cell, RefCell};
use nearlive::time::Instant;
use wasm_bindgen::prelude::*;

type Call = Closure<dyn FnMut(JsValue)>;

/// Rings once, at the time last set or a little later.
#[derive(Default)]
pub(crate) struct Alarm {
    /// When the core wants to be woken.
    due: Cell<Option<Instant>>,
    /// The browser's timer, and when it goes off.
    armed: Cell<Option<(i32, Instant)>>,
    call: RefCell<Option<Call>>,
}

impl Alarm {
    /// Says whom to call; must come first. The callee asks [`rings`](Self::rings).
    pub(crate) fn attach(&self, call: impl FnMut(JsValue) + 'static) {
        self.call.replace(Some(Closure::new(call)));
    }

    /// Rings at `due`; never when `None`.
    pub(crate) fn set(&self, due: Option<Instant>) {
        self.due.set(due);
        let Some(due) = due else { return };
        match self.armed.get() {
            Some((_, at)) if at <= due => {}
            Some((id, _)) => {
                dom::clear_timeout(id);
                self.arm(due);
            }
            None => self.arm(due),
        }
    }

    /// To be asked when the timer went off: is it time? If not, it is set again.
    pub(crate) fn rings(&self) -> bool {
        self.armed.set(None);
        match self.due.get() {
            Some(due) if due <= units::now() => {
                self.due.set(None);
                true
            }
            Some(due) => {
                self.arm(due);
                false
            }
            None => false,
        }
    }

    fn arm(&self, due: Instant) {
        let wait = due.since(units::now()).as_micros().div_ceil(1000);
        let ms = i32::try_from(wait).unwrap_or(i32::MAX);
        if let Some(call) = &*self.call.borrow() {
            self.armed.set(Some((dom::set_timeout(call.as_ref(), ms), due)));
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some((id, _)) = self.armed.take() {
            dom::clear_timeout(id);
        }
    }
}

/// Calls regularly until dropped.
pub(crate) struct Tick {
    id: i32,
    _call: Call,
}

impl Tick {
    /// Calls `call` every `ms` milliseconds.
    pub(crate) fn every(ms: i32, call: impl FnMut(JsValue) + 'static) -> Self {
        let call = Call::new(call);
        Self { id: dom::set_interval(call.as_ref(), ms), _call: call }
    }
}

impl Drop for Tick {
    fn drop(&mut self) {
        dom::clear_interval(self.id);
    }
}
