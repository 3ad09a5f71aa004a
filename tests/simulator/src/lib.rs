//! Drives the real player in virtual time over a seeded network.
//!
//! ```text
//!  Origin --Reply--> Network --Arrival--> Simulation (the driver) --Input--> Player
//!                                             |   ^                            |
//!                                        Element and its SourceBuffers <--Output--+
//! ```
//! | module | owns |
//! |---|---|
//! | [`clock`] | virtual time, and how far the page's clocks are from it |
//! | [`rng`] | the one source of chance, seeded |
//! | [`payload`] | bytes, whose media data cost nothing |
//! | [`origin`] | servers: what answers a request, and when; one is the real packager and its store |
//! | [`network`] | the link: rate, delay, connections, faults |
//! | [`mse`] | MediaSource, its buffers, and the media element |
//! | [`driver`] | performs the player's outputs as `nearlive::player` says a driver has to |
//! | [`report`] | what a run was like |
//! | `fingerprint` | all that the player put out in a run, as one number |
//!
//! Nothing here reads a clock or sleeps: the same seed gives the same run, and an hour takes as long
//! as its events take to compute. A failing test prints its seed and the last inputs and outputs.
#![deny(clippy::disallowed_types)]

pub mod clock;
pub mod driver;
mod fingerprint;
mod log;
pub mod mse;
pub mod network;
pub mod origin;
pub mod payload;
pub mod report;
pub mod rng;

pub use clock::Time;
pub use driver::{Machine, Page, Setup, Simulation};
