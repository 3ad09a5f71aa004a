//! `make player`: builds and packs the browser module.

fn main() {}
