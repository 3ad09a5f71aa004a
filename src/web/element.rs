//! The media element: what the core is told of it, and how it is made to play.

use super::inbox::{Autoplay, Inbox, Message};
use super::listen::Listener;
use super::{dom, units};
use core::cell::Cell;
use gloo_timers::callback::Interval;
use js_sys::Promise;
use nearlive::player::{Cue, Input, Snapshot, SourceEvent};
use nearlive::units::Rate;
use std::rc::{Rc, Weak};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{EventTarget, HtmlMediaElement, VideoPlaybackQuality};

/// How often the core gets a snapshot of an element that plays.
const SNAPSHOT_MS: u32 = 250;

/// The sound that comes on within this time after a change of rate was not turned on by anybody. (On a
/// busy machine events are late.)
const BY_ITSELF_MS: f64 = 1500.0;

/// The element that a player plays in.
pub(crate) struct Element {
    /// Of the page.
    pub(crate) video: HtmlMediaElement,
    inbox: Rc<Inbox>,
    /// When the rate was set last while the element was muted, in milliseconds of the page's clock.
    rated_muted: Cell<f64>,
    /// When it was muted again after that, likewise.
    muted_again: Cell<f64>,
    /// A ManagedMediaSource has enough for now.
    sated: Cell<bool>,
}

/// What is listened to while something is loaded.
pub(crate) struct Watch {
    _listeners: Vec<Listener>,
    _tick: Interval,
}

impl Element {
    /// Events of `video` are put into `inbox`.
    pub(crate) fn new(video: HtmlMediaElement, inbox: Rc<Inbox>) -> Rc<Self> {
        Rc::new(Self {
            video,
            inbox,
            rated_muted: Cell::new(f64::NEG_INFINITY),
            muted_again: Cell::new(f64::NEG_INFINITY),
            sated: Cell::new(false),
        })
    }

    /// Listens to the element until the returned `Watch` is dropped.
    pub(crate) fn watch(self: &Rc<Self>) -> Watch {
        let on = |target: &EventTarget, name, cue| {
            let me = self.clone();
            Listener::new(target, name, move |_| me.send_snapshot(cue))
        };
        let video = &self.video;
        let mut listeners: Vec<Listener> = [
            ("playing", Cue::Playing),
            ("waiting", Cue::Waiting),
            ("play", Cue::Play),
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
        listeners.push(Listener::new(video, "pause", move |_| {
            me.mute_again();
            me.send_snapshot(Cue::Pause);
        }));
        let me = self.clone();
        listeners.push(Listener::new(video, "error", move |_| me.failed()));
        let me = self.clone();
        listeners.push(Listener::new(video, "volumechange", move |_| {
            me.mute_again();
            me.keep_pitch();
            me.send_snapshot(Cue::Timer);
        }));
        let me = self.clone();
        let tick = Interval::new(SNAPSHOT_MS, move || {
            if !me.video.paused() {
                me.send_snapshot(Cue::Timer);
            }
        });
        Watch { _listeners: listeners, _tick: tick }
    }

    /// Keeps the pitch while there is sound to be heard. When muted it does not: playing faster or slower
    /// then needs less media in the buffer.
    pub(crate) fn keep_pitch(&self) {
        _ = dom::set(&self.video, "preservesPitch", &(!self.video.muted()).into());
    }

    /// Sets the playback rate.
    pub(crate) fn set_rate(&self, rate: f64) {
        self.keep_pitch();
        if self.video.muted() {
            self.rated_muted.set(dom::milliseconds());
        }
        _ = dom::set(&self.video, "playbackRate", &rate.into());
    }

    /// WebKitGTK turns the sound on when the rate changes, and then pauses what may not be heard: nobody asked
    /// for either. The pause may come after the sound was turned off again.
    fn mute_again(self: &Rc<Self>) {
        let now = dom::milliseconds();
        let lately = |at: &Cell<f64>| now - at.get() < BY_ITSELF_MS;
        if dom::touched() {
            return;
        }
        if lately(&self.rated_muted) && !self.video.muted() {
            self.video.set_muted(true);
            self.muted_again.set(now);
        }
        if lately(&self.muted_again) && self.video.paused() {
            self.play();
        }
    }

    /// `play()`. If the browser refuses to play with sound, it plays muted; if it refuses that too, the
    /// page is told to show a button.
    pub(crate) fn play(self: &Rc<Self>) {
        self.attempt(false);
    }

    fn attempt(self: &Rc<Self>, muted_by_us: bool) {
        match self.video.play() {
            // The promise of an element without a source may never be settled: a weak reference, so that
            // waiting for it does not keep the element.
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
        // Any other error is an AbortError: a pause or a new source interrupted it.
        if dom::name_of(thrown) != "NotAllowedError" {
            return;
        }
        if muted_by_us {
            // The viewer's click will allow sound as well.
            self.video.set_muted(false);
        } else if !self.video.muted() {
            self.video.set_muted(true);
            return self.attempt(true);
        }
        self.inbox.put(Message::Autoplay(Autoplay::Blocked));
    }

    /// There is a new MediaSource.
    pub(crate) fn begins_anew(&self) {
        self.sated.set(false);
    }

    /// A ManagedMediaSource wants media, or has enough.
    pub(crate) fn wants_media(&self, on: bool) {
        self.sated.set(!on);
        self.send_snapshot(Cue::Timer);
    }

    fn send_snapshot(&self, cue: Cue) {
        self.inbox.put(Message::Input(Input::Media(self.snapshot(cue))));
    }

    fn failed(&self) {
        if let Some(error) = self.video.error() {
            let (code, message) = (error.code(), error.message());
            self.inbox.put(Message::Input(Input::Source(SourceEvent::Failed { code, message })));
        }
    }

    fn snapshot(&self, cue: Cue) -> Snapshot {
        let video = &self.video;
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
            frames: quality
                .as_ref()
                .map(VideoPlaybackQuality::total_video_frames)
                .unwrap_or_default(),
            dropped: quality
                .as_ref()
                .map(VideoPlaybackQuality::dropped_video_frames)
                .unwrap_or_default(),
            hidden: dom::hidden(),
            muted: video.muted(),
            wall: units::wall(),
            height_px: (f64::from(video.client_height()) * scale) as u32,
            sated: self.sated.get(),
        }
    }
}
