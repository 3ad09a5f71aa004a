//! One camera: its address, its secrets, its state, and the loop that keeps it running.
//!
//! [`supervisor`] runs the engine again and again, and is the only place that retries. It writes
//! the camera's state into a [`status::Status`], which the log, `/api/cameras`, the packager and
//! the page read.

pub mod address;
pub mod backoff;
mod ending;
pub mod news;
mod path;
pub mod pulse;
pub mod secret;
pub mod status;
pub mod supervisor;
mod talk;
