//! The alarm that `Output::Wait` sets.
//!
//! The core answers each input with a new `Wait`, often the same as before. So an alarm that is set
//! too early is left alone: when it rings before its time, it is set again and nobody is woken.
//! Browsers delay timers: 4 ms when nested, a second in hidden pages. Nothing relies on punctuality.

use super::units;
use core::cell::{Cell, RefCell};
use gloo_timers::callback::Timeout;
use nearlive::time::Instant;
use std::rc::Rc;

/// Rings once, at the time last set or a little later.
#[derive(Default)]
pub(crate) struct Alarm {
    /// When the core wants to be woken.
    due: Cell<Option<Instant>>,
    /// The browser's timer, and when it goes off.
    armed: RefCell<Option<(Timeout, Instant)>>,
    call: RefCell<Option<Rc<dyn Fn()>>>,
}

impl Alarm {
    /// Sets what is called when the browser's timer goes off; to be called once, before `set`. The callee then
    /// asks [`rings`](Self::rings) whether it is time.
    pub(crate) fn attach(&self, call: impl Fn() + 'static) {
        self.call.replace(Some(Rc::new(call)));
    }

    /// Rings at `due`; never when `None`.
    pub(crate) fn set(&self, due: Option<Instant>) {
        self.due.set(due);
        let Some(due) = due else { return };
        let early = self.armed.borrow().as_ref().is_some_and(|it| it.1 <= due);
        if !early {
            self.arm(due);
        }
    }

    /// The timer went off: whether the due time has come. If not, the timer is set again.
    pub(crate) fn rings(&self) -> bool {
        self.armed.take();
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
        let wait = due.since(units::now());
        // Rounded up, or it would ring before its time. A month at most: more would ring at once.
        let ms = wait.as_micros().div_ceil(1000);
        let ms = u32::try_from(ms).unwrap_or(u32::MAX).min(i32::MAX as u32);
        if let Some(call) = self.call.borrow().clone() {
            self.armed.replace(Some((Timeout::new(ms, move || call()), due)));
        }
    }
}
