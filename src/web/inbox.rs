//! The queue of messages for the driver. Requests, the source and the element put messages in without
//! knowing the driver; the driver takes them out.
//!
//! ```text
//! fetch, source, element, api --put--> inbox --bell--> driver (now, or when it has done what it does)
//! ```

use core::cell::{Cell, RefCell};
use js_sys::Uint8Array;
use nearlive::media::scan::Fact;
use nearlive::player::{FetchId, Input};

/// A message for the driver.
pub(crate) enum Message {
    /// For the core, as it is.
    Input(Input),
    /// A part of a media body, which stays in JavaScript, and what the scanner saw in it.
    Media { fetch: FetchId, bytes: Uint8Array, facts: Vec<Fact> },
    /// A request has ended; nothing more comes of it.
    Over(FetchId),
    /// A ManagedMediaSource wants media, or has enough.
    Streaming(bool),
    /// For the page.
    Autoplay(Autoplay),
}

/// How the browser answered `play()`, where it did not simply play.
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

    /// Adds a message and rings. When this returns the message has been processed, unless the driver was at
    /// work already.
    pub(crate) fn put(&self, message: Message) {
        if !self.closed.get() {
            self.messages.borrow_mut().push(message);
            (self.bell)();
        }
    }

    /// Takes the oldest message.
    pub(crate) fn take(&self) -> Option<Message> {
        let mut messages = self.messages.borrow_mut();
        // There are seldom two: a queue that is quick at its front would be more to download.
        (!messages.is_empty()).then(|| messages.remove(0))
    }

    /// Drops all messages, those that come later as well.
    pub(crate) fn close(&self) {
        self.closed.set(true);
        self.messages.take();
    }
}
