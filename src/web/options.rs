//! Options of the page, which may hold anything, to the strict [`Config`] of the core.
//!
//! A bad value is named in the console and the default is taken: a camera's picture is worth more
//! than a complaint. The reference of all options is `www/nearlive.d.ts`.

use super::dom;
use core::time::Duration;
use js_sys::Object;
use nearlive::player::Config;
use wasm_bindgen::prelude::*;
use web_sys::RequestCredentials;

/// What a player is made with.
pub(crate) struct Options {
    /// For the core.
    pub(crate) config: Config,
    /// Of `fetch`; `None`: the browser's default.
    pub(crate) credentials: Option<RequestCredentials>,
}

/// Nothing longer makes sense, and a day in microseconds is far from overflowing.
const LONGEST_SECONDS: f64 = 86_400.0;

/// Reads what the page gave.
pub(crate) fn read(given: &JsValue) -> Options {
    let mut options = Options { config: Config::default(), credentials: None };
    if given.is_undefined() || given.is_null() {
        return options;
    }
    if !given.is_object() {
        dom::warn("nearlive: the options must be an object, not", given);
        return options;
    }
    for key in Object::keys(given.unchecked_ref::<Object>()).iter().filter_map(|it| it.as_string())
    {
        let Ok(value) = dom::get(given, &key) else { continue };
        if !value.is_undefined() && !one(&mut options, &key, &value) {
            dom::warn(
                &["nearlive: ignoring the option ", &key, " with the value"].concat(),
                &value,
            );
        }
    }
    options
}

fn one(options: &mut Options, key: &str, value: &JsValue) -> bool {
    let config = &mut options.config;
    let seconds = seconds(value);
    let length = match key {
        "latency" if value.as_string().as_deref() == Some("auto") => {
            config.latency = None;
            return true;
        }
        "latency" => {
            config.latency = seconds.or(config.latency);
            return seconds.is_some();
        }
        "autoplay" => {
            config.autoplay = value.as_bool().unwrap_or(config.autoplay);
            return value.as_bool().is_some();
        }
        "credentials" => {
            let given = RequestCredentials::from_js_value(value);
            options.credentials = given.or(options.credentials);
            return given.is_some();
        }
        "maxDrift" => &mut config.max_drift,
        "bufferAhead" => &mut config.buffer_ahead,
        "bufferBehind" => &mut config.buffer_behind,
        "requestTimeout" => &mut config.request_timeout,
        _ => return false,
    };
    *length = seconds.unwrap_or(*length);
    seconds.is_some()
}

fn seconds(value: &JsValue) -> Option<Duration> {
    let seconds = value.as_f64().filter(|it| *it > 0.0 && *it <= LONGEST_SECONDS)?;
    Some(Duration::from_micros((seconds * 1e6) as u64))
}
