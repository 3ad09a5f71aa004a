//! The companion server of Nearlive: RTSP cameras to DASH and HLS, in RAM.
//!
//! ```text
//! camera --RTSP--> ffmpeg --a pipe a track--> package --chunks--> store <-- http --> players
//!                                                                   ^-- playlist
//! ```

pub mod package;
pub mod playlist;
pub mod store;
