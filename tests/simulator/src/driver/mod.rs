//! The driver: turns events into inputs, drains the player, and performs its outputs.
//!
//! It follows the contract of the border exactly (`nearlive::player`): one input, drained until
//! `Wait`, performed, then the next; operations of a buffer in order, each after the last is
//! finished; an append that meets a full buffer stays first and is tried again after a removal; no
//! event of a request after its `Cancel`. It records forbidden actions of the player (a blob that
//! is unknown or never freed, a second buffer of a track, waking in circles) as violations.

mod fetches;
mod hands;
mod queue;
mod run;
mod simulation;
mod wall;

pub use simulation::{Machine, Page, Setup, Simulation};
