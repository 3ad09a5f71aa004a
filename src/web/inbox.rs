//! What happens in the browser, on its way to the core: requests, the source and the element write
//! here, and the driver reads. Nobody who writes knows the driver.
//!
//! ```text
//! fetch, source, element, api --put--> inbox --bell--> driver (now, or when it has done what it does)
//! ```

use core::cell::{Cell, RefCell};
use js_sys::Uint8Array;
use nearlive::media::isobmff::scan::Fact;
use nearlive::player::{FetchId, Input};

/// What the driver is told.
pub(crate) enum Message {
    /// For the core, as it is.
    Input(Input),
    /// A part of a media body, which stays in JavaScript, and what the scanner saw in it.
    Media { fetch: FetchId, bytes: Uint8Array, facts: Vec<Fact> },
    /// The browser has said its last word on a request.
    Over(FetchId),
    /// For the page.
    Autoplay(Autoplay),
}

/// What became of a wish to play.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Autoplay {
    /// The browser allowed it, without sound.
    Muted,
    /// The browser wants a click first.
    Blocked,
}

/// Messages in the order in which they came.
pub(crate) struct Inbox {
    messages: RefCell<Vec<Message>>,
    closed: Cell<bool>,
    bell: Box<dyn Fn()>,
}

impl Inbox {
    /// An empty one; `bell` is called at each message.
    pub(crate) fn new(bell: impl Fn() + 'static) -> Self {
        Self { messages: RefCell::default(), closed: Cell::new(false), bell: Box::new(bell) }
    }

    /// Leaves a message. When this returns it has been dealt with, unless the driver is at work.
    pub(crate) fn put(&self, message: Message) {
        if !self.closed.get() {
            self.messages.borrow_mut().push(message);
            (self.bell)();
        }
    }

    /// Takes the oldest message.
    pub(crate) fn take(&self) -> Option<Message> {
        let mut messages = self.messages.borrow_mut();
        // There are hardly ever two.
        (!messages.is_empty()).then(|| messages.remove(0))
    }

    /// Throws away what is there, and all that still comes.
    pub(crate) fn close(&self) {
        self.closed.set(true);
        self.messages.take();
    }
}
