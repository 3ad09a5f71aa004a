//! One camera: its address, its secrets, its state, and the loop that keeps it running.
//!
//! [`supervisor`] runs the engine again and again and is the only place that retries; what it
//! knows about the camera is a [`status::Status`] that the log, `/api/cameras`, the packager and
//! the page all read.

pub mod address;
pub mod backoff;
pub mod news;
mod path;
pub mod pulse;
pub mod secret;
pub mod status;
pub mod supervisor;
mod talk;
