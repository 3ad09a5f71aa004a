//! After a panic the state of the module cannot be trusted, so no player takes another input. A panic ends
//! as a trap. `guarded` in `www/loader.js` catches it where it leaves the module; it calls [`note`], writes to
//! the console, and tells the elements of the page, which offer to load the page again.

use core::sync::atomic::{AtomicBool, Ordering};
use wasm_bindgen::prelude::wasm_bindgen;

static HAPPENED: AtomicBool = AtomicBool::new(false);

/// There was a trap.
#[wasm_bindgen(js_name = fault)]
#[expect(unreachable_pub, reason = "JavaScript reaches it")]
pub fn note() {
    HAPPENED.store(true, Ordering::Relaxed);
}

/// Whether there was one.
pub(crate) fn happened() -> bool {
    HAPPENED.load(Ordering::Relaxed)
}

/// In builds for developing the console gets the panic's own words; in others they are left out for
/// their size.
pub(crate) fn explain() {
    #[cfg(debug_assertions)]
    std::panic::set_hook(Box::new(|info| {
        super::dom::error("nearlive:", &info.to_string().as_str().into());
    }));
}
