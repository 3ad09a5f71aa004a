//! Event listeners that go when their owner goes.

use super::dom::Target;
use wasm_bindgen::prelude::*;

/// A listener on an event target; removed when dropped.
pub(crate) struct Listener {
    target: Target,
    name: &'static str,
    call: Closure<dyn FnMut(JsValue)>,
}

impl Listener {
    /// Calls `call` at each event `name` of `target`.
    pub(crate) fn new(
        target: &Target,
        name: &'static str,
        call: impl FnMut(JsValue) + 'static,
    ) -> Self {
        let call = Closure::<dyn FnMut(JsValue)>::new(call);
        target.add_event_listener(name, call.as_ref());
        Self { target: target.clone(), name, call }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.target.remove_event_listener(self.name, self.call.as_ref());
    }
}
