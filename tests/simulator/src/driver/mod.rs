//! The driver: turns what happens into inputs, drains the player, performs its outputs.
//!
//! It keeps the border's contract to the letter (`nearlive::player`): one input, drained until
//! `Wait`, performed, then the next; operations of a buffer in order, each after the last is
//! finished; an append that meets a full buffer stays first and is tried again after a removal;
//! nothing is said of a request after its `Cancel`. What the player must not do (a blob unknown or
//! never freed, a second buffer of a track, waking in circles) is noted as a violation.

mod fetches;
mod hands;
mod queue;
mod run;
mod simulation;

pub use simulation::{Machine, Page, Setup, Simulation};
