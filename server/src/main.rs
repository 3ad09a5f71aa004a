//! The command `nearlive-server`.

fn main() {}
