//! A small RTSP camera for tests and for the demo.
//!
//! ```text
//! capture thread: scene ── raw frames ──> ffmpeg ── access units ──> RTP payloads ─┐
//! sound task:     tone  ── G.711 ────────────────────────────────────────────────┴> broadcast
//! accept task ──> a connection a client: RTSP, authorization, own RTP sequence <──────┘
//! ```
//!
//! Every frame carries the time of its capture in the picture ([`clock`]); the camera's own clock,
//! from which frames, RTP time and sender reports come, may run fast or slow by some ppm. What goes
//! wrong with real cameras can be switched on and off while it runs ([`Fault`], [`Control`]).
//!
//! Sources: RFC 2326 (RTSP 1.0), RFC 2617 (Basic and Digest), RFC 3550, RFC 6184, RFC 7798.

mod auth;
mod capture;
pub mod clock;
mod config;
mod encoder;
mod fault;
mod font;
mod mask;
mod rtp;
mod rtsp;
mod scene;
mod sdp;
mod server;
mod sound;
mod source;

pub use config::{Auth, CameraConfig, Codec, Coding, FrameRate, Law, Size, Start, Transports};
pub use fault::{FAULTS, Fault, UnknownFault};
pub use server::{Camera, Control, Error};
