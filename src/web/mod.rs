//! The shell: puts the core into a browser. It decides nothing that the core can decide.
//!
//! ```text
//! page --api--> inbox --> driver --Input--> core (nearlive::player)
//!                 ^          |  <--Output--
//!                 |          +-- fetch     fetch() streams; runs the scanner, keeps media bytes in JavaScript
//!                 +----------+-- source    MediaSource and its buffers, one queue each
//!                            +-- element   snapshots of the <video>, autoplay
//!                            +-- timer     the one alarm of Output::Wait
//!                            +-- report    events, errors and figures as plain objects for the page
//! ```
//! Only the driver knows the parts. A part that has something to report puts a message into the inbox.
//!
//! One Wasm instance serves all players of a page: a player is one [`driver::Shell`], owned by its
//! handle in [`api`]. What JavaScript keeps for it (listeners, timers, callbacks of promises) either has
//! only a weak reference to it, or is removed when it is dropped.
//!
//! Seconds as `f64` exist only in this folder. They are converted to the core's types where they come in.

mod api;
mod dom;
mod driver;
mod element;
mod face;
mod fault;
mod fetch;
mod inbox;
mod listen;
mod options;
mod report;
mod source;
mod timer;
mod units;
mod value;

/// Rust's own allocator (dlmalloc) would be 1.3 kB more to download (brotli).
#[global_allocator]
static MEMORY: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// Called once, when the module is instantiated.
pub(crate) fn start() {
    fault::explain();
}
