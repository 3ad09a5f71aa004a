//! The test camera as a command.

fn main() {}
