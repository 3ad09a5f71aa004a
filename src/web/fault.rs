//! When our own code panics: the instance is not to be trusted any more. The fault is written to the
//! console, every element on the page is told (event `nearlive-fault` on the window) so that it can
//! offer to load the page again, and no player takes another input.

use super::dom;
use core::sync::atomic::{AtomicBool, Ordering};

static HAPPENED: AtomicBool = AtomicBool::new(false);

/// Installs the hook.
pub(crate) fn watch() {
    std::panic::set_hook(Box::new(|info| {
        HAPPENED.store(true, Ordering::Relaxed);
        let text = info.to_string();
        dom::error(
            "nearlive: a fault in the player itself; please report it",
            &text.as_str().into(),
        );
        let init = js_sys::Object::new();
        let told = dom::set(&init, "detail", &text.into())
            .and_then(|_| dom::CustomEvent::new("nearlive-fault", &init))
            .and_then(|event| dom::WINDOW.with(|it| it.dispatch_event(&event)));
        if let Err(thrown) = told {
            dom::error("nearlive: the page could not be told", &thrown);
        }
    }));
}

/// Whether there was one.
pub(crate) fn happened() -> bool {
    HAPPENED.load(Ordering::Relaxed)
}
