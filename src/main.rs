//! The browser module's entry. On other targets it only says what it is.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen::prelude::wasm_bindgen;

/// The version that the module was built from, for the loader to compare with its own.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

fn main() {
    #[cfg(not(target_arch = "wasm32"))]
    println!("This is the browser module of Nearlive; build it with `make player`.");
}
