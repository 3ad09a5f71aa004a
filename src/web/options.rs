//! Options of the page, which may hold anything, to the strict [`Config`] of the core.
//!
//! A bad value is named in the console and the default is taken: a camera's picture is worth more
//! than a complaint. Their names and types are in [`face::Options`], their reference is
//! `www/nearlive.d.ts`.

use super::face::Count;
use super::{dom, face, value};
use js_sys::{Function, Object, Reflect};
use nearlive::player::Config;
use nearlive::units::Bitrate;
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
    /// ManagedMediaSource, where the browser has both.
    pub(crate) managed: bool,
    /// What the page has in place of `fetch`.
    pub(crate) fetch: Option<Function>,
}

/// Reads what the page gave; what it did not give is as in `before`.
pub(crate) fn read(given: &JsValue, before: Config) -> Options {
    let mut options = Options { config: before, ..Options::default() };
    if given.is_undefined() || given.is_null() {
        return options;
    }
    if !given.is_object() {
        dom::warn("nearlive: the options must be an object, not", given);
        return options;
    }
    let keys = Object::keys(given.unchecked_ref::<Object>());
    let mut all: Vec<(String, JsValue)> = keys
        .iter()
        .filter_map(|key| Some((key.as_string()?, Reflect::get(given, &key).ok()?)))
        .filter(|it| !it.1.is_undefined())
        .collect();
    let function = all.iter().position(|it| it.0 == "fetch" && it.1.is_function());
    options.fetch = function.map(|at| all.swap_remove(at).1.unchecked_into());
    // A bad value is thrown out, and the others are read again.
    loop {
        let refused = match face::Options::deserialize(MapAccessDeserializer::new(
            value::Properties::new(&all),
        )) {
            Ok(read) => {
                options.take(&read);
                return options;
            }
            Err(refused) => refused,
        };
        let Some(at) = all.iter().position(|it| it.0 == refused.key) else {
            return options;
        };
        let (key, value) = all.swap_remove(at);
        let text =
            ["nearlive: ignoring the option ", &key, ", which ", &refused.remark, "; given:"];
        dom::warn(&text.concat(), &value);
    }
}

impl Options {
    fn take(&mut self, read: &face::Options) {
        let config = &mut self.config;
        for (given, length) in [
            (&read.max_drift, &mut config.max_drift),
            (&read.buffer_ahead, &mut config.buffer_ahead),
            (&read.buffer_behind, &mut config.buffer_behind),
            (&read.request_timeout, &mut config.request_timeout),
        ] {
            if let Some(given) = given {
                *length = given.0;
            }
        }
        if read.max_drift.is_some() {
            config.max_drift_segments = 0;
        }
        if let Some(latency) = &read.latency {
            (config.latency, config.latency_segments) = (latency.0, 0);
        }
        for (given, permille) in [
            (&read.latency_segments, &mut config.latency_segments),
            (&read.max_drift_segments, &mut config.max_drift_segments),
            (&read.min_rate, &mut config.slowest),
            (&read.max_rate, &mut config.fastest),
        ] {
            if let Some(given) = given {
                *permille = given.0.as_millis() as u32;
            }
        }
        config.fetching = read.fetching.unwrap_or(config.fetching);
        config.autoplay = read.autoplay.unwrap_or(config.autoplay);
        let limits = &mut config.limits;
        let bits = |given: &Option<Count>| given.as_ref().map(|it| Bitrate::from_bps(it.0));
        if let Some(most) = &read.max_height {
            limits.height = u32::try_from(most.0).unwrap_or(u32::MAX);
        }
        limits.bandwidth = bits(&read.max_bandwidth).unwrap_or(limits.bandwidth);
        limits.start = bits(&read.start_bandwidth).or(limits.start);
        limits.to_element = read.cap_to_element.unwrap_or(limits.to_element);
        self.credentials = read.credentials.map(|it| match it {
            face::Credentials::Omit => RequestCredentials::Omit,
            face::Credentials::SameOrigin => RequestCredentials::SameOrigin,
            face::Credentials::Include => RequestCredentials::Include,
        });
        self.managed = read.managed.unwrap_or_default();
    }
}
