//! Event listeners that go when their owner goes.

use wasm_bindgen::prelude::*;
use web_sys::EventTarget;

/// A listener on an event target; removed when dropped.
pub(crate) struct Listener {
    target: EventTarget,
    name: &'static str,
    call: Closure<dyn FnMut(JsValue)>,
}

impl Listener {
    /// Calls `call` at each event `name` of `target`.
    pub(crate) fn new(
        target: &EventTarget,
        name: &'static str,
        call: impl FnMut(JsValue) + 'static,
    ) -> Self {
        let call = Closure::<dyn FnMut(JsValue)>::new(call);
        // Refused never: the listener is a function.
        _ = target.add_event_listener_with_callback(name, call.as_ref().unchecked_ref());
        Self { target: target.clone(), name, call }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let call = self.call.as_ref().unchecked_ref();
        _ = self.target.remove_event_listener_with_callback(self.name, call);
    }
}
