//! The driver: carries inputs to the core and performs what comes out.
//!
//! The contract of the core is kept to the letter: one input, drain to `Wait` into a list, release
//! the borrow, perform the list, next input. A listener of the page may call the player from inside
//! an event; such a call becomes an input that waits for its turn.
//!
//! A new [`Output`] is performed in [`Shell::perform`]: what concerns the `<video>` by a method of
//! [`Element`] (`web/element.rs`), what concerns its buffers by one of [`Source`] (`web/source.rs`).

use super::element::{Element, Watch};
use super::fetch::Fetch;
use super::inbox::{Autoplay, Inbox, Message};
use super::options::Options;
use super::report::{self, Page};
use super::source::{Op, Source, Whole};
use super::timer::Alarm;
use super::{dom, face, fault, units};
use core::cell::{Cell, RefCell};
use js_sys::{Function, Uint8Array};
use nearlive::abr::sharing::Sharing;
use nearlive::player::{
    Append, BlobId, Config, Event, FetchEvent, FetchId, Input, Output, Player, SourceEvent, State,
    Stats,
};
use std::rc::{Rc, Weak};
use wasm_bindgen::prelude::*;
use web_sys::{HtmlMediaElement, RequestCredentials};

/// One player and all that it holds of the browser.
pub(crate) struct Shell {
    /// The page's listeners.
    pub(crate) page: Page,
    core: RefCell<Player>,
    element: Rc<Element>,
    inbox: Rc<Inbox>,
    /// A message is being processed; further ones wait in the inbox.
    busy: Cell<bool>,
    destroyed: Cell<bool>,
    state: Cell<State>,
    alarm: Alarm,
    watch: RefCell<Option<Watch>>,
    source: RefCell<Option<Rc<Source>>>,
    fetches: RefCell<Vec<Rc<Fetch>>>,
    /// Media bytes that the core names by a number; seldom more than a few.
    blobs: RefCell<Vec<(BlobId, Uint8Array)>>,
    blob_count: Cell<u32>,
    credentials: Option<RequestCredentials>,
    /// What the page has in place of `fetch`.
    hook: Option<Function>,
    /// ManagedMediaSource is preferred.
    managed: bool,
    /// Among the players of the page.
    number: u32,
}

thread_local! {
    /// What the players of the page know of each other.
    static SHARING: RefCell<Sharing> = const { RefCell::new(Sharing::new()) };
    static COUNT: Cell<u32> = const { Cell::new(0) };
}

impl Shell {
    /// A player in `video`, with nothing loaded.
    pub(crate) fn new(video: HtmlMediaElement, options: Options) -> Rc<Self> {
        let core = Player::new(options.config, units::now(), units::wall());
        let shell = Rc::new_cyclic(|me: &Weak<Self>| {
            let me = me.clone();
            let inbox = Rc::new(Inbox::new(move || {
                if let Some(shell) = me.upgrade() {
                    shell.work();
                }
            }));
            Self {
                page: Page::default(),
                core: RefCell::new(core),
                element: Element::new(video, inbox.clone()),
                inbox,
                busy: Cell::new(false),
                destroyed: Cell::new(false),
                state: Cell::default(),
                alarm: Alarm::default(),
                watch: RefCell::default(),
                source: RefCell::default(),
                fetches: RefCell::default(),
                blobs: RefCell::default(),
                blob_count: Cell::new(0),
                credentials: options.credentials,
                hook: options.fetch,
                managed: options.managed,
                number: COUNT.replace(COUNT.get() + 1),
            }
        });
        let weak = Rc::downgrade(&shell);
        shell.alarm.attach(move || {
            if let Some(shell) = weak.upgrade()
                && shell.alarm.rings()
            {
                shell.give(Input::Wake);
            }
        });
        shell
    }

    /// Puts an input for the core into the inbox. It is processed before this returns, unless the driver
    /// is at work already: then that work processes it.
    pub(crate) fn give(&self, input: Input) {
        self.inbox.put(Message::Input(input));
    }

    /// Processes all messages in the inbox, unless that is happening already.
    fn work(&self) {
        if self.over() || self.busy.replace(true) {
            return;
        }
        while !self.destroyed.get() {
            let Some(message) = self.inbox.take() else { break };
            match message {
                Message::Input(input) => self.run(input),
                Message::Media { fetch, bytes, facts } => {
                    let len = bytes.length();
                    let blob = self.keep(bytes);
                    self.run(Input::Fetch(fetch, FetchEvent::Media { blob, len, facts }));
                }
                Message::Over(fetch) => _ = self.forget(fetch),
                Message::Streaming(on) => self.element.wants_media(on),
                Message::Autoplay(how) => self.page.emit(&face::Event::Autoplay {
                    muted: how == Autoplay::Muted,
                    blocked: how == Autoplay::Blocked,
                }),
            }
        }
        self.busy.set(false);
    }

    fn run(&self, input: Input) {
        if let Input::Fetch(id, event) = &input {
            self.share(*id, event);
        }
        for output in self.step(input) {
            if !self.destroyed.get() {
                self.perform(output);
            }
        }
    }

    /// Tells the core what came for the page's other players since its last read.
    fn share(&self, id: FetchId, event: &FetchEvent) {
        let Some(len) = event.shared_len() else { return };
        let fetches = self.fetches.borrow();
        let Some(fetch) = fetches.iter().find(|it| it.id() == id) else { return };
        let mut core = self.core.borrow_mut();
        let wants = core.wants_more();
        let (now, me) = (units::now(), self.number);
        core.others_came(SHARING.with_borrow_mut(|it| it.came(now, me, fetch.host, len, wants)));
    }

    /// It takes no more inputs.
    pub(crate) fn over(&self) -> bool {
        self.destroyed.get() || fault::happened()
    }

    fn step(&self, input: Input) -> Vec<Output> {
        let mut core = self.core.borrow_mut();
        core.handle(units::now(), input);
        let mut outputs = Vec::new();
        loop {
            let output = core.poll();
            let last = matches!(output, Output::Wait { .. });
            outputs.push(output);
            if last {
                return outputs;
            }
        }
    }

    fn perform(&self, output: Output) {
        match output {
            Output::Fetch(request) => {
                let (inbox, hook) = (self.inbox.clone(), self.hook.as_ref());
                let fetch = Fetch::start(inbox, &request, self.credentials, hook);
                self.fetches.borrow_mut().push(fetch);
            }
            Output::Cancel(id) => {
                if let Some(fetch) = self.forget(id) {
                    fetch.cancel();
                }
            }
            Output::OpenSource => self.open_source(),
            Output::CloseSource => self.close_source(),
            Output::Probe(mut types) => {
                if let Some((class, _)) = dom::media_source(self.managed) {
                    types.retain(|it| dom::is_supported(&class, it));
                }
                self.give(Input::Source(SourceEvent::Supported(types)));
            }
            Output::AddBuffer { buffer, mime } => _ = self.with_source(|it| it.add(buffer, &mime)),
            Output::ChangeType { buffer, mime, needed } => {
                self.queue(buffer, Op::ChangeType { mime, needed });
            }
            Output::Offset { buffer, micros } => self.queue(buffer, Op::Offset(micros)),
            Output::Window { buffer, window } => self.queue(buffer, Op::Window(window)),
            Output::Append { buffer, data } => {
                let bytes = match data {
                    Append::Blob(id) => self.take(id),
                    Append::Bytes(bytes) => Some(Uint8Array::from(bytes.as_slice())),
                };
                if let Some(bytes) = bytes {
                    self.queue(buffer, Op::Append(bytes));
                }
            }
            Output::Abort { buffer, appends } => {
                _ = self.with_source(|it| it.abort(buffer, appends));
            }
            Output::Hold(on) => _ = self.with_source(|it| it.hold(on)),
            Output::Remove { buffer, span } => self.queue(buffer, Op::Remove(span)),
            Output::Release(id) => _ = self.take(id),
            Output::Duration(length) => self.whole(Whole::Duration(length)),
            Output::EndOfStream => self.whole(Whole::End),
            Output::Seekable(span) => _ = self.with_source(|it| it.seekable(span)),
            Output::Seek(position) => self.set("currentTime", units::seconds(position)),
            Output::Rate(rate) => self.element.set_rate(f64::from(rate.permille()) / 1000.0),
            Output::Play => self.element.play(),
            Output::Emit(event) => self.emit(&event),
            Output::Wait { until, .. } => self.alarm.set(until),
        }
    }

    fn queue(&self, buffer: nearlive::player::TrackId, op: Op) {
        self.with_source(|it| it.push(buffer, op));
    }

    fn whole(&self, whole: Whole) {
        self.with_source(|it| it.push_whole(whole));
    }

    fn set(&self, key: &str, value: f64) {
        // Fails only for values that no element accepts; the next snapshot says what it has.
        _ = dom::set(&self.element.video, key, &value.into());
    }

    fn emit(&self, event: &Event) {
        if let Event::State(state) = event {
            self.state.set(*state);
        }
        if let Some(event) = face::Event::of(event) {
            self.page.emit(&event);
        }
    }

    fn open_source(&self) {
        self.source.take();
        self.element.begins_anew();
        if self.watch.borrow().is_none() {
            self.watch.replace(Some(self.element.watch()));
        }
        match Source::open(self.inbox.clone(), &self.element.video, self.managed) {
            Ok(source) => _ = self.source.replace(Some(source)),
            Err(thrown) => {
                let message = dom::describe(&thrown);
                self.give(Input::Source(SourceEvent::Failed { code: 4, message }));
            }
        }
    }

    fn close_source(&self) {
        self.watch.take();
        if self.source.take().is_some() {
            _ = self.element.video.remove_attribute("src");
            self.element.video.load();
        }
    }

    /// Calls `act` with the source, if there is one. `act` may call the driver again.
    fn with_source<T>(&self, act: impl FnOnce(&Source) -> T) -> Option<T> {
        let source = self.source.borrow().clone();
        source.map(|it| act(&it))
    }

    /// Keeps media bytes under a new number.
    fn keep(&self, bytes: Uint8Array) -> BlobId {
        let id = BlobId(self.blob_count.get());
        self.blob_count.set(id.0.wrapping_add(1));
        self.blobs.borrow_mut().push((id, bytes));
        id
    }

    fn take(&self, id: BlobId) -> Option<Uint8Array> {
        let mut blobs = self.blobs.borrow_mut();
        let at = blobs.iter().position(|it| it.0 == id)?;
        Some(blobs.remove(at).1)
    }

    /// Forgets a request that is over.
    fn forget(&self, id: FetchId) -> Option<Rc<Fetch>> {
        let mut fetches = self.fetches.borrow_mut();
        let at = fetches.iter().position(|it| it.id() == id)?;
        Some(fetches.swap_remove(at))
    }

    /// The player's figures, its state, and the API that it plays through.
    pub(crate) fn stats(&self) -> (Stats, State, &'static str) {
        let via = match dom::media_source(self.managed) {
            Some((_, true)) => "ManagedMediaSource",
            Some(_) => "MediaSource",
            None => "",
        };
        (self.core.borrow().stats(units::now()), self.state.get(), via)
    }

    /// What can be chosen between.
    pub(crate) fn qualities(&self) -> JsValue {
        report::qualities(&self.core.borrow().qualities())
    }

    /// The qualities are known, and none of them has this `id`.
    pub(crate) fn lacks(&self, id: &str) -> bool {
        // After a fault the core may stay borrowed.
        let all = self.core.try_borrow().map(|it| it.qualities()).unwrap_or_default();
        !all.is_empty() && all.iter().all(|it| it.id != id)
    }

    /// Ends everything; may be called from inside an event, and more than once.
    pub(crate) fn destroy(&self) {
        if self.destroyed.replace(true) {
            return;
        }
        for fetch in self.fetches.take() {
            fetch.cancel();
        }
        self.alarm.set(None);
        self.close_source();
        self.blobs.take();
        self.inbox.close();
        SHARING.with_borrow_mut(|it| it.leave(self.number));
        self.page.close();
        self.state.set(State::Idle);
        // Frees its memory now, not when the page drops its last reference to the handle.
        // (After a fault the core may stay borrowed.)
        if let Ok(mut core) = self.core.try_borrow_mut() {
            *core = Player::new(Config::default(), units::now(), units::wall());
        }
    }
}
