//! The media element: what the core is told of it, and how it is made to play.

use super::inbox::{Autoplay, Inbox, Message};
use super::listen::Listener;
use super::{dom, units};
use gloo_timers::callback::Interval;
use js_sys::Promise;
use nearlive::player::{Cue, Input, Snapshot, SourceEvent};
use nearlive::units::Rate;
use std::rc::{Rc, Weak};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{EventTarget, HtmlMediaElement, VideoPlaybackQuality};

/// How often the core looks at an element that plays.
const LOOK_MS: u32 = 250;

/// The element that a player plays in.
pub(crate) struct Element {
    /// Of the page.
    pub(crate) video: HtmlMediaElement,
    inbox: Rc<Inbox>,
}

/// What is listened to while something is loaded.
pub(crate) struct Watch {
    _listeners: Vec<Listener>,
    _tick: Interval,
}

impl Element {
    /// What happens to `video` will go to `inbox`.
    pub(crate) fn new(video: HtmlMediaElement, inbox: Rc<Inbox>) -> Rc<Self> {
        Rc::new(Self { video, inbox })
    }

    /// Tells of everything that happens to it, until what this returns is dropped.
    pub(crate) fn watch(self: &Rc<Self>) -> Watch {
        let on = |target: &EventTarget, name, cue| {
            let me = self.clone();
            Listener::new(target, name, move |_| me.look(cue))
        };
        let video = &self.video;
        let mut listeners: Vec<Listener> = [
            ("playing", Cue::Playing),
            ("waiting", Cue::Waiting),
            ("play", Cue::Play),
            ("pause", Cue::Pause),
            ("seeking", Cue::Seeking),
            ("seeked", Cue::Seeked),
            ("ended", Cue::Ended),
            ("loadedmetadata", Cue::Ready),
            ("loadeddata", Cue::Ready),
            ("canplay", Cue::Ready),
            ("resize", Cue::Ready),
        ]
        .into_iter()
        .map(|(name, cue)| on(video, name, cue))
        .collect();
        let window = dom::window();
        listeners.extend(window.document().map(|it| on(&it, "visibilitychange", Cue::Visibility)));
        listeners.push(on(&window, "online", Cue::Online));
        let me = self.clone();
        listeners.push(Listener::new(video, "error", move |_| me.failed()));
        let me = self.clone();
        listeners.push(Listener::new(video, "volumechange", move |_| {
            me.keep_pitch();
            me.look(Cue::Timer);
        }));
        let me = self.clone();
        let tick = Interval::new(LOOK_MS, move || {
            if !me.video.paused() {
                me.look(Cue::Timer);
            }
        });
        Watch { _listeners: listeners, _tick: tick }
    }

    /// The pitch is kept where it can be heard: stretching time without it takes less of the buffer.
    pub(crate) fn keep_pitch(&self) {
        _ = dom::set(&self.video, "preservesPitch", &(!self.video.muted()).into());
    }

    /// `play()`. Where the browser refuses sound, it plays without; where it refuses that too, the
    /// page has to show a button.
    pub(crate) fn play(self: &Rc<Self>) {
        self.attempt(false);
    }

    fn attempt(self: &Rc<Self>, muted_by_us: bool) {
        match self.video.play() {
            // The promise of an element that is given up may never be settled, and what waits for it
            // must not keep the element.
            Ok(promise) => spawn_local(Self::settled(Rc::downgrade(self), promise, muted_by_us)),
            Err(thrown) => self.refused(&thrown, muted_by_us),
        }
    }

    async fn settled(me: Weak<Self>, promise: Promise, muted_by_us: bool) {
        let result = JsFuture::from(promise).await;
        let Some(me) = me.upgrade() else { return };
        match result {
            Ok(_) if muted_by_us => me.inbox.put(Message::Autoplay(Autoplay::Muted)),
            Ok(_) => {}
            Err(thrown) => me.refused(&thrown, muted_by_us),
        }
    }

    fn refused(self: &Rc<Self>, thrown: &JsValue, muted_by_us: bool) {
        // Anything else is an AbortError: a pause or a new source came in between.
        if dom::name_of(thrown) != "NotAllowedError" {
            return;
        }
        if muted_by_us {
            // The click that will start it allows sound as well.
            self.video.set_muted(false);
        } else if !self.video.muted() {
            self.video.set_muted(true);
            return self.attempt(true);
        }
        self.inbox.put(Message::Autoplay(Autoplay::Blocked));
    }

    fn look(&self, cue: Cue) {
        self.inbox.put(Message::Input(Input::Media(snapshot(&self.video, cue))));
    }

    fn failed(&self) {
        if let Some(error) = self.video.error() {
            let (code, message) = (error.code(), error.message());
            self.inbox.put(Message::Input(Input::Source(SourceEvent::Failed { code, message })));
        }
    }
}

fn snapshot(video: &HtmlMediaElement, cue: Cue) -> Snapshot {
    let quality = dom::playback_quality(video);
    let scale = dom::window().device_pixel_ratio();
    Snapshot {
        cue,
        position: units::position(video.current_time()),
        rate: Rate::from_permille((video.playback_rate() * 1000.0).round() as u32),
        paused: video.paused(),
        seeking: video.seeking(),
        ended: video.ended(),
        ready: video.ready_state() as u8,
        frames: quality.as_ref().map(VideoPlaybackQuality::total_video_frames).unwrap_or_default(),
        dropped: quality
            .as_ref()
            .map(VideoPlaybackQuality::dropped_video_frames)
            .unwrap_or_default(),
        hidden: dom::hidden(),
        muted: video.muted(),
        wall: units::wall(),
        height_px: (f64::from(video.client_height()) * scale) as u32,
    }
}
