//! Options of the page, which may hold anything, to the strict [`Config`] of the core.
//!
//! A bad value is named in the console and the default is taken: a camera's picture is worth more
//! than a complaint. Their names and types are in [`face::Options`], their reference is
//! `www/nearlive.d.ts`.

use super::{dom, face, value};
use js_sys::{Object, Reflect};
use nearlive::player::Config;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use wasm_bindgen::prelude::*;
use web_sys::RequestCredentials;

/// What a player is made with.
#[derive(Default)]
pub(crate) struct Options {
    /// For the core.
    pub(crate) config: Config,
    /// Of `fetch`; `None`: the browser's default.
    pub(crate) credentials: Option<RequestCredentials>,
}

/// Reads what the page gave.
pub(crate) fn read(given: &JsValue) -> Options {
    if given.is_undefined() || given.is_null() {
        return Options::default();
    }
    if !given.is_object() {
        dom::warn("nearlive: the options must be an object, not", given);
        return Options::default();
    }
    let keys = Object::keys(given.unchecked_ref::<Object>());
    let mut all: Vec<(String, JsValue)> = keys
        .iter()
        .filter_map(|key| Some((key.as_string()?, Reflect::get(given, &key).ok()?)))
        .filter(|it| !it.1.is_undefined())
        .collect();
    // A bad value is thrown out, and the others are read again.
    loop {
        let refused = match face::Options::deserialize(MapAccessDeserializer::new(
            value::Properties::new(&all),
        )) {
            Ok(read) => return Options::of(&read),
            Err(refused) => refused,
        };
        let Some(at) = all.iter().position(|it| it.0 == refused.key) else {
            return Options::default();
        };
        let (key, value) = all.swap_remove(at);
        let text =
            ["nearlive: ignoring the option ", &key, ", which ", &refused.remark, "; given:"];
        dom::warn(&text.concat(), &value);
    }
}

impl Options {
    fn of(read: &face::Options) -> Self {
        let default = Config::default();
        let length =
            |given: &Option<face::Seconds>, default| given.as_ref().map_or(default, |it| it.0);
        let mut config = Config::default();
        config.latency = read.latency.as_ref().map_or(default.latency, |it| it.0);
        config.max_drift = length(&read.max_drift, default.max_drift);
        config.buffer_ahead = length(&read.buffer_ahead, default.buffer_ahead);
        config.buffer_behind = length(&read.buffer_behind, default.buffer_behind);
        config.request_timeout = length(&read.request_timeout, default.request_timeout);
        config.autoplay = read.autoplay.unwrap_or(default.autoplay);
        let credentials = read.credentials.map(|it| match it {
            face::Credentials::Omit => RequestCredentials::Omit,
            face::Credentials::SameOrigin => RequestCredentials::SameOrigin,
            face::Credentials::Include => RequestCredentials::Include,
        });
        Self { config, credentials }
    }
}
