//! A small RTSP camera for tests and for the demo.
