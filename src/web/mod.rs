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
//! Only the driver knows the parts; what they have to tell they leave in the inbox.
//!
//! One Wasm instance serves all players of a page: a player is one [`driver::Shell`], owned by its
//! handle in [`api`]. Everything that JavaScript holds of it (listeners, timers, promise callbacks)
//! has a weak reference, or goes with it.
//!
//! Seconds as `f64` exist here and nowhere else; they become the core's types at once.

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

/// Called once, when the module is instantiated.
pub(crate) fn start() {
    fault::explain();
}
