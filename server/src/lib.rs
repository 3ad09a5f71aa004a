//! The companion server of Nearlive: RTSP cameras to DASH and HLS, in RAM.
//!
//! ```text
//! camera --RTSP--> engine --a pipe a track--> package --chunks--> store <-- http --> players
//!                    ^                                              ^-- playlist
//!                  camera (supervises: runs, waits, says why)
//! ```
//!
//! [`run::main`] is the command; [`app::App`] with [`http::answer`] is the server without a socket,
//! as tests use it.
#![deny(clippy::disallowed_types)]

pub mod app;
pub mod args;
pub mod camera;
pub mod clock;
pub mod config;
pub mod demo;
pub mod descriptors;
pub mod encode;
pub mod engine;
pub mod error;
mod hand_out;
pub mod http;
pub mod log;
pub mod package;
pub mod playlist;
mod probe;
pub mod rarely;
pub mod repeat;
pub mod run;
pub mod shutdown;
mod start;
pub mod store;
