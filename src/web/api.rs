//! The face for JavaScript: the class behind `nearlive.create()`. Its reference is
//! `www/nearlive.d.ts`.
//!
//! Every argument is a `JsValue` and is checked here. wasm-bindgen does not check the arguments that it converts:
//! it would read a number as a string of undefined length, and the trap would end all players of the page.

use super::driver::Shell;
use super::report::{self, Loading};
use super::{dom, options};
use core::cell::RefCell;
use js_sys::{Function, Promise};
use nearlive::player::{Code, Command, Config, Input, QualityChoice};
use std::rc::Rc;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

/// A player in a page.
#[wasm_bindgen(js_name = Player)]
pub struct Handle {
    shell: Rc<Shell>,
    /// The options in force, and those that the core has not heard of yet: `configure` may be called from an event.
    config: RefCell<Config>,
}

#[wasm_bindgen(js_class = Player)]
impl Handle {
    /// A player in `video`; `options` may be undefined.
    #[wasm_bindgen(constructor)]
    pub fn new(video: &JsValue, options: &JsValue) -> Result<Self, JsValue> {
        let is_media = dom::get(video, "canPlayType").is_ok_and(|it| it.is_function());
        if !is_media {
            let message = "nearlive.create() needs a <video> element as its first argument";
            return Err(report::own_error(Code::BadCall, message));
        }
        let video = video.clone().unchecked_into();
        let options = options::read(options, Config::default());
        let config = options.config.clone().into();
        Ok(Self { shell: Shell::new(video, options), config })
    }

    /// Plays a manifest. Fulfilled when it is known, rejected with the error that ended it.
    pub fn load(&self, url: &JsValue) -> Promise {
        let loading = Loading::default();
        match self.absolute(url) {
            Err(error) => loading.settle(Err(error)),
            Ok(_) if self.shell.over() => loading.settle(Err(report::interrupted())),
            Ok(url) => {
                self.shell.page.load(loading.clone());
                self.command(Command::Load { url });
            }
        }
        future_to_promise(loading)
    }

    /// Calls `call` at each event of that name.
    pub fn on(&self, name: &JsValue, call: &JsValue) -> Result<(), JsValue> {
        let (name, call) = listener(name, call)?;
        self.shell.page.on(&name, call);
        Ok(())
    }

    /// Ends what `on` began.
    pub fn off(&self, name: &JsValue, call: &JsValue) -> Result<(), JsValue> {
        let (name, call) = listener(name, call)?;
        self.shell.page.off(&name, &call);
        Ok(())
    }

    /// What can be chosen between, best first.
    pub fn qualities(&self) -> JsValue {
        self.shell.qualities()
    }

    /// Chooses by id; `"auto"` leaves it to the player.
    #[wasm_bindgen(js_name = setQuality)]
    pub fn set_quality(&self, id: &JsValue) -> Result<(), JsValue> {
        let Some(id) = id.as_string() else {
            let message = "setQuality() needs an id of qualities(), or \"auto\"";
            return Err(report::own_error(Code::BadCall, message));
        };
        let choice = match id.as_str() {
            "auto" => QualityChoice::Auto,
            _ => QualityChoice::Fixed(id),
        };
        if let QualityChoice::Fixed(id) = &choice
            && self.shell.lacks(id)
        {
            dom::warn("nearlive: setQuality() knows no such quality:", &id.as_str().into());
        }
        self.command(Command::SetQuality(choice));
        Ok(())
    }

    /// Jumps to the live edge.
    #[wasm_bindgen(js_name = goLive)]
    pub fn go_live(&self) {
        self.command(Command::GoLive);
    }

    /// Other options from now on; what is not given stays as it is.
    pub fn configure(&self, options: &JsValue) {
        let config = options::read(options, self.config.take()).config;
        self.config.replace(config.clone());
        self.command(Command::Configure(config));
    }

    /// Figures of this moment.
    pub fn stats(&self) -> JsValue {
        let (stats, state, via) = self.shell.stats();
        report::stats(&stats, state, via)
    }

    /// Ends the player and frees all it holds. Idempotent.
    pub fn destroy(&self) {
        self.shell.destroy();
    }
}

impl Handle {
    fn command(&self, command: Command) {
        self.shell.give(Input::Command(command));
    }

    fn absolute(&self, url: &JsValue) -> Result<String, JsValue> {
        if dom::media_source(false).is_none() {
            let message = "This browser has no Media Source Extensions. Use a current Chrome, \
                           Edge, Firefox or Safari.";
            return Err(report::own_error(Code::UnsupportedBrowser, message));
        }
        url.as_string().and_then(|it| dom::absolute(&it)).ok_or_else(|| {
            let message = "load() needs the address of an .mpd or .m3u8 file";
            report::own_error(Code::BadCall, message)
        })
    }
}

/// The arguments of `on` and `off`.
fn listener(name: &JsValue, call: &JsValue) -> Result<(String, Function), JsValue> {
    let call = call.is_function().then(|| call.clone().unchecked_into());
    name.as_string().zip(call).ok_or_else(|| {
        let message = "on() and off() need the name of an event and a function";
        report::own_error(Code::BadCall, message)
    })
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shell.destroy();
    }
}
