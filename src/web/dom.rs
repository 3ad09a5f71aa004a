//! Calls to the DOM that web-sys does not offer in the form needed here.
//!
//! Nothing here checks the class of an object of the page: the `<video>` of another frame has another
//! class and works as well. Every exception is caught: one that passed through Rust would stop the driver in
//! the middle of its outputs. web-sys catches those of calls, but not those of setting a property.

use js_sys::{Function, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{HtmlMediaElement, HtmlVideoElement, Url, VideoPlaybackQuality, Window};

/// The page's window. The loader refuses to start where there is none.
pub(crate) fn window() -> Window {
    js_sys::global().unchecked_into()
}

/// A property, or what its getter threw.
pub(crate) fn get(target: &JsValue, key: &str) -> Result<JsValue, JsValue> {
    Reflect::get(target, &key.into())
}

/// Sets a property, or gives what its setter threw.
pub(crate) fn set(target: &JsValue, key: &str, value: &JsValue) -> Result<(), JsValue> {
    Reflect::set(target, &key.into(), value).map(|_| ())
}

/// A warning in the console.
pub(crate) fn warn(text: &str, value: &JsValue) {
    web_sys::console::warn_2(&text.into(), value);
}

/// An error in the console.
pub(crate) fn error(text: &str, value: &JsValue) {
    web_sys::console::error_2(&text.into(), value);
}

/// A URL of the page's, made absolute; `None` if it is none.
pub(crate) fn absolute(url: &str) -> Option<String> {
    let base = window().document()?.base_uri().ok().flatten()?;
    Url::new_with_base(url, &base).ok().map(|it| it.href())
}

/// The page is in a tab that cannot be seen.
pub(crate) fn hidden() -> bool {
    window().document().is_some_and(|it| it.hidden())
}

/// The page's clock, in milliseconds.
pub(crate) fn milliseconds() -> f64 {
    // Every browser with WebAssembly has this clock.
    window().performance().map_or(0.0, |it| it.now())
}

/// The viewer has touched the page a moment ago. False where the browser does not tell.
pub(crate) fn touched() -> bool {
    let navigator = get(&window(), "navigator");
    let active = navigator.and_then(|it| get(&it, "userActivation"));
    active.and_then(|it| get(&it, "isActive")).is_ok_and(|it| it.is_truthy())
}

/// The class that everything here plays through: `MediaSource`, or `ManagedMediaSource` where there is no
/// other (an iPhone) or where there are both and the page prefers it. With it: whether it is that one.
pub(crate) fn media_source(prefers_managed: bool) -> Option<(Function, bool)> {
    let class = |name: &str| get(&window(), name).ok().filter(JsValue::is_function);
    let managed = || class("ManagedMediaSource").map(|it| (it.unchecked_into(), true));
    let preferred = if prefers_managed { managed() } else { None };
    preferred
        .or_else(|| class("MediaSource").map(|it| (it.unchecked_into(), false)))
        .or_else(managed)
}

/// `isTypeSupported` of such a class.
pub(crate) fn is_supported(class: &Function, mime: &str) -> bool {
    let ask = get(class, "isTypeSupported").map(JsCast::unchecked_into::<Function>);
    ask.and_then(|ask| ask.call1(class, &mime.into())).is_ok_and(|it| it.is_truthy())
}

/// Frames shown and dropped; an `<audio>` has no such thing.
pub(crate) fn playback_quality(video: &HtmlMediaElement) -> Option<VideoPlaybackQuality> {
    let known = get(video, "getVideoPlaybackQuality").is_ok_and(|it| it.is_function());
    known.then(|| video.unchecked_ref::<HtmlVideoElement>().get_video_playback_quality())
}

/// Name and message of what was thrown, for a developer.
pub(crate) fn describe(thrown: &JsValue) -> String {
    let part = |key| get(thrown, key).ok().and_then(|it| it.as_string());
    match (part("name"), part("message")) {
        (Some(name), Some(message)) if !message.is_empty() => [&name, ": ", &message].concat(),
        (Some(name), _) => name,
        _ => thrown.as_string().unwrap_or_default(),
    }
}

/// The name of the exception that was thrown.
pub(crate) fn name_of(thrown: &JsValue) -> String {
    get(thrown, "name").ok().and_then(|it| it.as_string()).unwrap_or_default()
}

/// Calls a function of the page; what it throws is the page's trouble, not the player's.
pub(crate) fn call(function: &Function, argument: &JsValue) {
    if let Err(thrown) = function.call1(&JsValue::UNDEFINED, argument) {
        error("nearlive: an event listener of the page failed", &thrown);
    }
}
