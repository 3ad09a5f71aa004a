//! The MediaSource and its buffers.
//!
//! A SourceBuffer does one thing at a time (`updating`), so each has a queue. Operations on the
//! whole source (duration, end of stream) are illegal while any buffer is updating: they wait for
//! all that was queued before them, and hold back all that comes after.
//!
//! ```text
//! idle --appendBuffer/remove--> busy --updateend--> idle (tells Updated)
//! idle --appendBuffer throws QuotaExceededError--> full (tells Full) --remove, updateend--> idle
//! ```

use super::inbox::{Inbox, Message};
use super::listen::Listener;
use super::{dom, face, units};
use core::cell::{Cell, RefCell};
use js_sys::{Array, Reflect, Uint8Array};
use nearlive::player::{BufferEvent, Input, SourceEvent, Span, TrackId, Window};
use nearlive::time::Duration;
use std::rc::{Rc, Weak};
use wasm_bindgen::prelude::*;
use web_sys::{HtmlMediaElement, MediaSource, SourceBuffer, Url};

/// An operation on one buffer.
pub(crate) enum Op {
    Append(Uint8Array),
    Remove(Span),
    ChangeType { mime: String, needed: bool },
    Offset(i64),
    Window(Window),
}

/// An operation on the whole source.
#[derive(Clone, Copy)]
pub(crate) enum Whole {
    Duration(Option<Duration>),
    End,
}

/// One attached MediaSource.
pub(crate) struct Source {
    media: MediaSource,
    inbox: Rc<Inbox>,
    url: String,
    opened: Cell<bool>,
    tracks: RefCell<Vec<Track>>,
    wholes: RefCell<Vec<(u32, Whole)>>,
    /// Counts the operations, for their order.
    turn: Cell<u32>,
    /// Appends stay in the queues.
    held: Cell<bool>,
    listeners: RefCell<Vec<Listener>>,
    me: Weak<Self>,
}

struct Track {
    id: TrackId,
    buffer: SourceBuffer,
    /// At most a few.
    queue: Vec<(u32, Op)>,
    busy: Option<Busy>,
    /// The browser had no room for the first append in the queue, or the queue waits for a new MediaSource.
    full: bool,
    /// What is kept of what is appended; everything if `None`.
    window: Option<Window>,
    _listeners: [Listener; 3],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Busy {
    Appending,
    /// `error` was fired; `updateend` follows.
    Broken,
    Removing,
    /// `abort()` is illegal during a removal; it is due after it.
    RemovingThenAbort,
}

impl Source {
    /// Makes one and attaches it to `video`. Its events are put into `inbox`.
    pub(crate) fn open(
        inbox: Rc<Inbox>,
        video: &HtmlMediaElement,
        prefers_managed: bool,
    ) -> Result<Rc<Self>, JsValue> {
        let found = dom::media_source(prefers_managed);
        let (class, managed) = found.ok_or_else(|| JsValue::from("there is no MediaSource"))?;
        let media: MediaSource = Reflect::construct(&class, &Array::new())?.unchecked_into();
        let url = Url::create_object_url_with_source(&media)?;
        let source = Rc::new_cyclic(|me: &Weak<Self>| {
            let weak = me.clone();
            let opened = Listener::new(&media, "sourceopen", move |_| {
                // It opens again when something is appended after the end of the stream.
                if let Some(source) = weak.upgrade()
                    && !source.opened.replace(true)
                {
                    source.inbox.put(Message::Input(Input::Source(SourceEvent::Opened)));
                }
            });
            let mut listeners = vec![opened];
            if managed {
                // Safari opens it for no element that could play elsewhere.
                _ = dom::set(video, "disableRemotePlayback", &true.into());
                for (name, on) in [("startstreaming", true), ("endstreaming", false)] {
                    let inbox = inbox.clone();
                    let tell = move |_| inbox.put(Message::Streaming(on));
                    listeners.push(Listener::new(&media, name, tell));
                }
            }
            Self {
                media,
                inbox,
                url,
                opened: Cell::new(false),
                tracks: RefCell::default(),
                wholes: RefCell::default(),
                turn: Cell::new(0),
                held: Cell::new(false),
                listeners: RefCell::new(listeners),
                me: me.clone(),
            }
        });
        video.set_src(&source.url);
        Ok(source)
    }

    /// `addSourceBuffer`.
    pub(crate) fn add(&self, id: TrackId, mime: &str) {
        let buffer = match self.media.add_source_buffer(mime) {
            Ok(buffer) => buffer,
            Err(thrown) => return self.send(id, BufferEvent::Failed(dom::describe(&thrown))),
        };
        let on = |name, call: fn(&Self, TrackId)| {
            let weak = self.me.clone();
            Listener::new(&buffer, name, move |_| {
                if let Some(source) = weak.upgrade() {
                    call(&source, id);
                }
            })
        };
        let listeners = [
            on("updateend", Self::updated),
            on("error", Self::broken),
            // Only a ManagedMediaSource's buffers tell it.
            on("bufferedchange", Self::changed),
        ];
        self.tracks.borrow_mut().push(Track {
            id,
            buffer,
            queue: Vec::new(),
            busy: None,
            full: false,
            window: None,
            _listeners: listeners,
        });
    }

    /// Queues an operation.
    pub(crate) fn push(&self, id: TrackId, op: Op) {
        let turn = self.next_turn();
        let known = self.with(id, |track| {
            if track.full && matches!(op, Op::Remove(_)) {
                // It makes room for the first of the queue.
                let turn = track.queue.first().map_or(turn, |it| it.0);
                track.queue.insert(0, (turn, op));
                track.full = false;
            } else {
                track.queue.push((turn, op));
            }
        });
        match known {
            Some(()) => self.run(None),
            None => self.send(id, BufferEvent::Failed("there is no such buffer".into())),
        }
    }

    /// Queues an operation on the whole.
    pub(crate) fn push_whole(&self, whole: Whole) {
        let turn = self.next_turn();
        self.wholes.borrow_mut().push((turn, whole));
        self.run(None);
    }

    /// Removes the newest `appends` appends from a buffer's queue. If fewer are left in the queue, the others
    /// are with the browser already, and the buffer's parser is reset by `abort()`.
    pub(crate) fn abort(&self, id: TrackId, appends: u32) {
        self.with(id, |track| {
            track.full = false;
            let mut left = appends;
            while left > 0
                && let Some(i) = track.queue.iter().rposition(|(_, op)| matches!(op, Op::Append(_)))
            {
                track.queue.remove(i);
                left -= 1;
            }
            if left == 0 {
                return;
            }
            match track.busy {
                Some(Busy::Removing) => track.busy = Some(Busy::RemovingThenAbort),
                Some(Busy::RemovingThenAbort) => {}
                Some(Busy::Appending | Busy::Broken) | None => {
                    track.busy = None;
                    track.reset();
                }
            }
        });
        self.run(None);
    }

    /// `true`: appends stay in the queue. `false`: they go on.
    pub(crate) fn hold(&self, on: bool) {
        self.held.set(on);
        self.run(None);
    }

    /// `setLiveSeekableRange`, which is what the viewer can seek in.
    pub(crate) fn seekable(&self, span: Span) {
        let (start, end) = (units::seconds(span.start), units::seconds(span.end));
        _ = self.media.set_live_seekable_range(start, end);
    }

    fn next_turn(&self) -> u32 {
        self.turn.replace(self.turn.get().wrapping_add(1))
    }

    fn with<T>(&self, id: TrackId, act: impl FnOnce(&mut Track) -> T) -> Option<T> {
        self.tracks.borrow_mut().iter_mut().find(|it| it.id == id).map(act)
    }

    fn send(&self, id: TrackId, event: BufferEvent) {
        self.inbox.put(Message::Input(Input::Buffer(id, event)));
    }

    /// Starts all operations that may start. Then sends the events: first `before`, then those of the
    /// operations.
    fn run(&self, before: Option<(TrackId, BufferEvent)>) {
        let mut events = Vec::from_iter(before);
        loop {
            let gate = self.wholes.borrow().first().map(|it| it.0);
            let mut waiting = false;
            for track in &mut *self.tracks.borrow_mut() {
                while track.ready(gate, self.held.get()) {
                    if let Some(event) = track.start() {
                        events.push((track.id, event));
                    }
                }
                waiting |= track.before(gate);
            }
            if waiting {
                break;
            }
            if self.wholes.borrow().is_empty() {
                break;
            }
            let (_, whole) = self.wholes.borrow_mut().remove(0);
            self.perform(whole);
        }
        // Sent last, when no queue is borrowed: the driver may queue further operations at once.
        for (id, event) in events {
            self.send(id, event);
        }
    }

    fn perform(&self, whole: Whole) {
        // An error here needs no action: the source is closed or has ended, or media lies beyond the new end.
        match whole {
            Whole::Duration(length) => {
                let seconds = length.map_or(f64::INFINITY, face::length);
                _ = dom::set(&self.media, "duration", &seconds.into());
            }
            Whole::End => _ = self.media.end_of_stream(),
        }
    }

    fn updated(&self, id: TrackId) {
        let event = self.with(id, |track| {
            // This event belongs to an append that was aborted; the next one is under way.
            if track.buffer.updating() {
                return None;
            }
            match track.busy.take()? {
                Busy::Broken => Some(BufferEvent::Failed("the media could not be parsed".into())),
                Busy::RemovingThenAbort => {
                    track.reset();
                    Some(track.state())
                }
                Busy::Appending | Busy::Removing => Some(track.state()),
            }
        });
        self.run(event.flatten().map(|it| (id, it)));
    }

    fn changed(&self, id: TrackId) {
        if let Some(ranges) = self.with(id, |track| track.ranges()) {
            self.send(id, BufferEvent::Changed { ranges });
        }
    }

    fn broken(&self, id: TrackId) {
        self.with(id, |track| {
            if track.busy == Some(Busy::Appending) {
                track.busy = Some(Busy::Broken);
            }
        });
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.listeners.borrow_mut().clear();
        _ = Url::revoke_object_url(&self.url);
    }
}

impl Track {
    /// Whether there are operations, under way or queued, that come before turn `gate`, which is that of the next
    /// operation on the whole source.
    fn before(&self, gate: Option<u32>) -> bool {
        let queued = self.queue.first().is_some_and(|it| gate.is_none_or(|gate| it.0 < gate));
        self.busy.is_some() || queued
    }

    fn ready(&self, gate: Option<u32>, held: bool) -> bool {
        let waits = held && matches!(self.queue.first(), Some((_, Op::Append(_))));
        self.busy.is_none() && !self.full && !waits && self.before(gate)
    }

    /// Starts the first operation of the queue.
    fn start(&mut self) -> Option<BufferEvent> {
        if self.queue.is_empty() {
            return None;
        }
        let (turn, op) = self.queue.remove(0);
        let done = match &op {
            Op::Append(bytes) => self
                .buffer
                .append_buffer_with_array_buffer_view(bytes)
                .map(|()| Some(Busy::Appending)),
            Op::Remove(span) => self
                .buffer
                .remove(units::seconds(span.start), units::seconds(span.end))
                .map(|()| Some(Busy::Removing)),
            Op::ChangeType { mime, .. } if self.can_change() => {
                self.buffer.change_type(mime).map(|()| None)
            }
            Op::ChangeType { needed: false, .. } => {
                self.reset();
                Ok(None)
            }
            Op::ChangeType { .. } => {
                self.queue.insert(0, (turn, op));
                self.full = true;
                return Some(BufferEvent::Outgrown);
            }
            Op::Offset(micros) => {
                let seconds = JsValue::from(*micros as f64 / 1e6);
                dom::set(&self.buffer, "timestampOffset", &seconds).map(|()| None)
            }
            Op::Window(window) => {
                self.window = Some(*window);
                self.keep(window).map(|()| None)
            }
        };
        match done {
            Ok(busy) => {
                self.busy = busy;
                None
            }
            Err(thrown) if dom::name_of(&thrown) == "QuotaExceededError" => {
                self.queue.insert(0, (turn, op));
                self.full = true;
                Some(BufferEvent::Full)
            }
            // Nothing was buffered in that span.
            Err(_) if matches!(op, Op::Remove(_)) => Some(self.state()),
            Err(thrown) => Some(BufferEvent::Failed(dom::describe(&thrown))),
        }
    }

    /// The browser has `changeType`.
    fn can_change(&self) -> bool {
        dom::get(&self.buffer, "changeType").is_ok_and(|it| it.is_function())
    }

    /// Resets the parser; illegal only when the source is closed or ended: then there is nothing to reset.
    fn reset(&self) {
        _ = self.buffer.abort();
        // `abort()` opens the append window.
        _ = self.window.as_ref().map(|it| self.keep(it));
    }

    fn keep(&self, window: &Window) -> Result<(), JsValue> {
        let end = window.end.map_or(f64::INFINITY, units::seconds);
        // The start must be below the end after each of these.
        dom::set(&self.buffer, "appendWindowStart", &0.into())?;
        dom::set(&self.buffer, "appendWindowEnd", &end.into())?;
        dom::set(&self.buffer, "appendWindowStart", &units::seconds(window.start).into())?;
        Ok(())
    }

    fn state(&self) -> BufferEvent {
        BufferEvent::Updated { ranges: self.ranges() }
    }

    fn ranges(&self) -> Vec<Span> {
        self.buffer.buffered().map(|it| units::spans(&it)).unwrap_or_default()
    }
}
