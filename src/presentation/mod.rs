//! One protocol-neutral model of what a manifest says.
