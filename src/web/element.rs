//! The media element: what the core is told of it, and how it is made to play.

use super::driver::Shell;
use super::listen::Listener;
use super::{dom, units};
use gloo_timers::callback::Interval;
use nearlive::player::{Cue, Input, Snapshot, SourceEvent};
use nearlive::units::Rate;
use std::rc::{Rc, Weak};
use wasm_bindgen::prelude::*;
use web_sys::{EventTarget, HtmlMediaElement, VideoPlaybackQuality};

/// How often the core looks at an element that plays.
const LOOK_MS: u32 = 250;

/// What is listened to while something is loaded.
pub(crate) struct Watch {
    _listeners: Vec<Listener>,
    _tick: Interval,
}

impl Watch {
    /// Tells `shell` of everything that happens to `video`.
    pub(crate) fn new(shell: &Weak<Shell>, video: &HtmlMediaElement) -> Self {
        let on = |target: &EventTarget, name, cue| {
            let weak = shell.clone();
            Listener::new(target, name, move |_| look(&weak, cue))
        };
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
        let weak = shell.clone();
        listeners.push(Listener::new(video, "error", move |_| failed(&weak)));
        let weak = shell.clone();
        listeners.push(Listener::new(video, "volumechange", move |_| {
            if let Some(shell) = weak.upgrade() {
                keep_pitch(&shell.video);
            }
            look(&weak, Cue::Timer);
        }));
        let weak = shell.clone();
        let tick = Interval::new(LOOK_MS, move || {
            if weak.upgrade().is_some_and(|it| !it.video.paused()) {
                look(&weak, Cue::Timer);
            }
        });
        Self { _listeners: listeners, _tick: tick }
    }
}

/// The pitch is kept where it can be heard: stretching time without it takes less of the buffer.
pub(crate) fn keep_pitch(video: &HtmlMediaElement) {
    _ = dom::set(video, "preservesPitch", &(!video.muted()).into());
}

fn look(shell: &Weak<Shell>, cue: Cue) {
    if let Some(shell) = shell.upgrade() {
        let snapshot = snapshot(&shell.video, cue);
        shell.give(Input::Media(snapshot));
    }
}

fn failed(shell: &Weak<Shell>) {
    if let Some(shell) = shell.upgrade()
        && let Some(error) = shell.video.error()
    {
        let (code, message) = (error.code(), error.message());
        shell.give(Input::Source(SourceEvent::Failed { code, message }));
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
        buffered: units::spans(&video.buffered()),
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

/// What became of a wish to play.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Autoplay {
    /// The browser allowed it, without sound.
    Muted,
    /// The browser wants a click first.
    Blocked,
}

/// `play()`. Where the browser refuses sound, it plays without; where it refuses that too, the page
/// has to show a button.
pub(crate) fn play(shell: &Rc<Shell>) {
    attempt(shell, false);
}

fn attempt(shell: &Rc<Shell>, muted_by_us: bool) {
    let promise = match shell.video.play() {
        Ok(promise) => promise,
        Err(thrown) => return refused(shell, &thrown, muted_by_us),
    };
    let [ok, fail] = [Rc::downgrade(shell), Rc::downgrade(shell)];
    let ok = dom::callback(move |_| {
        if let Some(shell) = ok.upgrade()
            && muted_by_us
        {
            shell.autoplay(Autoplay::Muted);
        }
    });
    let fail = dom::callback(move |thrown| {
        if let Some(shell) = fail.upgrade() {
            refused(&shell, &thrown, muted_by_us);
        }
    });
    promise.unchecked_into::<dom::Thenable>().then(&ok, &fail);
}

fn refused(shell: &Rc<Shell>, thrown: &JsValue, muted_by_us: bool) {
    // Anything else is an AbortError: a pause or a new source came in between.
    if dom::name_of(thrown) != "NotAllowedError" {
        return;
    }
    if muted_by_us {
        // The click that will start it allows sound as well.
        shell.video.set_muted(false);
        shell.autoplay(Autoplay::Blocked);
    } else if shell.video.muted() {
        shell.autoplay(Autoplay::Blocked);
    } else {
        shell.video.set_muted(true);
        attempt(shell, true);
    }
}
