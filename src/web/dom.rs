//! The DOM, as far as the shell touches it: declarations only.
//!
//! They are duck-typed (a `<video>` of another frame will do), and whatever can throw is caught: an
//! exception that ran through Rust frames would leave the driver half-way through its outputs.

use js_sys::{Function, Uint8Array};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    // Clocks.
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    pub(crate) fn monotonic_ms() -> f64;
    #[wasm_bindgen(js_namespace = Date, js_name = now)]
    pub(crate) fn wall_ms() -> f64;
    #[wasm_bindgen(js_namespace = Date, js_name = parse)]
    pub(crate) fn parse_date_ms(text: &str) -> f64;

    // Plain objects.
    #[wasm_bindgen(catch, js_namespace = Reflect, js_name = get)]
    pub(crate) fn get(target: &JsValue, key: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(catch, js_namespace = Reflect, js_name = set)]
    pub(crate) fn set(target: &JsValue, key: &str, value: &JsValue) -> Result<bool, JsValue>;
    #[wasm_bindgen(js_namespace = Object, js_name = keys)]
    pub(crate) fn keys(target: &JsValue) -> Vec<String>;

    // The console.
    #[wasm_bindgen(js_namespace = console, js_name = warn)]
    pub(crate) fn warn(text: &str, value: &JsValue);
    #[wasm_bindgen(js_namespace = console, js_name = error)]
    pub(crate) fn error(text: &str, value: &JsValue);

    // Events.
    #[derive(Clone)]
    pub(crate) type Target;
    #[wasm_bindgen(method, js_name = addEventListener)]
    pub(crate) fn add_event_listener(this: &Target, name: &str, call: &JsValue);
    #[wasm_bindgen(method, js_name = removeEventListener)]
    pub(crate) fn remove_event_listener(this: &Target, name: &str, call: &JsValue);
    #[wasm_bindgen(thread_local_v2, js_name = globalThis)]
    pub(crate) static WINDOW: Target;

    #[wasm_bindgen(extends = Target)]
    pub(crate) type Document;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn hidden(this: &Document) -> bool;
    #[wasm_bindgen(method, getter, js_name = baseURI)]
    pub(crate) fn base_uri(this: &Document) -> String;
    #[wasm_bindgen(thread_local_v2, js_name = document)]
    pub(crate) static DOCUMENT: Document;

    #[wasm_bindgen(js_name = URL)]
    pub(crate) type Url;
    #[wasm_bindgen(constructor, catch, js_class = URL)]
    pub(crate) fn new(url: &str, base: &str) -> Result<Url, JsValue>;
    #[wasm_bindgen(method, getter, js_class = URL)]
    pub(crate) fn href(this: &Url) -> String;

    // Promises, as far as they are awaited.
    pub(crate) type Thenable;
    #[wasm_bindgen(method)]
    pub(crate) fn then(this: &Thenable, ok: &JsValue, fail: &JsValue) -> JsValue;

    // Requests.
    #[wasm_bindgen(js_name = fetch)]
    pub(crate) fn fetch(url: &str, init: &JsValue) -> Thenable;
    pub(crate) type AbortController;
    #[wasm_bindgen(constructor)]
    pub(crate) fn new() -> AbortController;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn signal(this: &AbortController) -> JsValue;
    #[wasm_bindgen(method)]
    pub(crate) fn abort(this: &AbortController);
    pub(crate) type Response;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn status(this: &Response) -> u16;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn url(this: &Response) -> String;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn headers(this: &Response) -> Headers;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn body(this: &Response) -> Option<Stream>;
    pub(crate) type Headers;
    #[wasm_bindgen(method, js_name = get)]
    pub(crate) fn header(this: &Headers, name: &str) -> Option<String>;
    pub(crate) type Stream;
    #[wasm_bindgen(method, catch, js_name = getReader)]
    pub(crate) fn reader(this: &Stream) -> Result<Reader, JsValue>;
    #[derive(Clone)]
    pub(crate) type Reader;
    #[wasm_bindgen(method)]
    pub(crate) fn read(this: &Reader) -> Thenable;
    pub(crate) type Chunk;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn done(this: &Chunk) -> bool;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn value(this: &Chunk) -> Uint8Array;

    // The media element.
    #[wasm_bindgen(extends = Target)]
    #[derive(Clone)]
    pub(crate) type Video;
    #[wasm_bindgen(method, getter, js_name = currentTime)]
    pub(crate) fn current_time(this: &Video) -> f64;
    #[wasm_bindgen(method, getter, js_name = playbackRate)]
    pub(crate) fn playback_rate(this: &Video) -> f64;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn paused(this: &Video) -> bool;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn seeking(this: &Video) -> bool;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn ended(this: &Video) -> bool;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn muted(this: &Video) -> bool;
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_muted(this: &Video, muted: bool);
    #[wasm_bindgen(method, setter, js_name = preservesPitch)]
    pub(crate) fn set_preserves_pitch(this: &Video, keep: bool);
    #[wasm_bindgen(method, getter, js_name = readyState)]
    pub(crate) fn ready_state(this: &Video) -> u8;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn buffered(this: &Video) -> Ranges;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn error(this: &Video) -> Option<MediaError>;
    #[wasm_bindgen(method, getter, js_name = clientHeight)]
    pub(crate) fn client_height(this: &Video) -> f64;
    #[wasm_bindgen(method, setter)]
    pub(crate) fn set_src(this: &Video, url: &str);
    #[wasm_bindgen(method, js_name = removeAttribute)]
    pub(crate) fn remove_attribute(this: &Video, name: &str);
    #[wasm_bindgen(method)]
    pub(crate) fn load(this: &Video);
    #[wasm_bindgen(method, catch)]
    pub(crate) fn play(this: &Video) -> Result<Thenable, JsValue>;
    #[wasm_bindgen(method, catch, js_name = getVideoPlaybackQuality)]
    pub(crate) fn playback_quality(this: &Video) -> Result<PlaybackQuality, JsValue>;
    pub(crate) type PlaybackQuality;
    #[wasm_bindgen(method, getter, js_name = totalVideoFrames)]
    pub(crate) fn total_frames(this: &PlaybackQuality) -> u32;
    #[wasm_bindgen(method, getter, js_name = droppedVideoFrames)]
    pub(crate) fn dropped_frames(this: &PlaybackQuality) -> u32;
    pub(crate) type MediaError;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn code(this: &MediaError) -> u16;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn message(this: &MediaError) -> Option<String>;
    pub(crate) type Ranges;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn length(this: &Ranges) -> u32;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn start(this: &Ranges, index: u32) -> Result<f64, JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn end(this: &Ranges, index: u32) -> Result<f64, JsValue>;

    // Media Source Extensions.
    #[wasm_bindgen(extends = Target)]
    pub(crate) type MediaSource;
    #[wasm_bindgen(constructor, catch)]
    pub(crate) fn new() -> Result<MediaSource, JsValue>;
    #[wasm_bindgen(catch, static_method_of = MediaSource, js_name = isTypeSupported)]
    pub(crate) fn is_type_supported(mime: &str) -> Result<bool, JsValue>;
    #[wasm_bindgen(method, catch, js_name = addSourceBuffer)]
    pub(crate) fn add_source_buffer(this: &MediaSource, mime: &str) -> Result<Buffer, JsValue>;
    #[wasm_bindgen(method, catch, js_name = setLiveSeekableRange)]
    pub(crate) fn set_live_seekable_range(
        this: &MediaSource,
        start: f64,
        end: f64,
    ) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = endOfStream)]
    pub(crate) fn end_of_stream(this: &MediaSource) -> Result<(), JsValue>;
    #[wasm_bindgen(catch, js_namespace = URL, js_name = createObjectURL)]
    pub(crate) fn create_object_url(source: &MediaSource) -> Result<String, JsValue>;
    #[wasm_bindgen(js_namespace = URL, js_name = revokeObjectURL)]
    pub(crate) fn revoke_object_url(url: &str);

    #[wasm_bindgen(extends = Target)]
    #[derive(Clone)]
    pub(crate) type Buffer;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn updating(this: &Buffer) -> bool;
    #[wasm_bindgen(method, catch, getter, js_name = buffered)]
    pub(crate) fn buffered_ranges(this: &Buffer) -> Result<Ranges, JsValue>;
    #[wasm_bindgen(method, catch, js_name = appendBuffer)]
    pub(crate) fn append_buffer(this: &Buffer, bytes: &Uint8Array) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    pub(crate) fn remove(this: &Buffer, start: f64, end: f64) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = abort)]
    pub(crate) fn abort_appends(this: &Buffer) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = changeType)]
    pub(crate) fn change_type(this: &Buffer, mime: &str) -> Result<(), JsValue>;
}

/// A function for JavaScript that lives as long as JavaScript holds it.
pub(crate) fn callback(call: impl FnMut(JsValue) + 'static) -> JsValue {
    Closure::<dyn FnMut(JsValue)>::new(call).into_js_value()
}

/// Whether the browser has the API that everything here plays through.
pub(crate) fn has_media_source() -> bool {
    WINDOW.with(|it| get(it, "MediaSource")).is_ok_and(|it| it.is_function())
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
