//! Nearlive's core: everything of the player that has no browser in it.
//!
//! | module | owns |
//! |---|---|
//! | [`time`], [`units`] | the clocks and quantities, as types |
//! | [`media`] | containers: bytes to facts, facts to bytes |
//! | [`presentation`] | one model for DASH and HLS |
//! | [`dash`], [`hls`] | manifests: syntax, and its meaning in the model |
//! | [`live`] | where the live edge is, and how near to it to play |
//! | [`abr`] | which representation to fetch next, and why |
//! | [`buffer`] | what has been appended, what to fetch next |
//! | [`net`] | what a failed request means, and when it is worth another try |
//! | [`player`] | composes all of it: [`player::Input`] in, [`player::Output`] out |
//!
//! The core is a state machine without clock, network or DOM. A driver (the browser shell in
//! `src/web`, or the simulator in `tests/simulator`) gives it one input, **drains its outputs until
//! [`player::Output::Wait`]**, performs them, and only then gives the next.
//!
//! Where a change goes, in this order:
//!
//! | change | place |
//! |---|---|
//! | a tag of HLS | `hls/read`: `Reader::tag`, whose comment leads on to the model |
//! | an attribute of DASH | a struct of `dash/syntax`, filled in `dash/read`, used in `dash/resolve` |
//! | the start (`EXT-X-START`, to come) | a tag of HLS; `player/playhead/drive`, whose head says the rest |
//! | the protocols of a build | `Cargo.toml`, `presentation/reads`; `www/loader.js`, `www/pack/src/module.rs` |
//! | an option of the page | `Config` and its default in `player/config`; `Options` in `web/face`; `Options::of` in `web/options`; `interface Options` in `www/nearlive.d.ts` |
//! | a ceiling (`maxHeight`, to come) | an option; `player/quality/adaptation`, whose head says the rest |
//! | subtitles (WebVTT, to come) | a parser in [`media`]; `player/track`, whose head says what refuses text; an `Output` in `player/io`, performed in `web/driver` |
//!
//! `#[inline(never)]` stands on small functions that are called from many places: the compiler would put
//! a copy of them at each, which every viewer would download. It is kept where `make size` says less.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
// Floating point is for the browser's shell alone: what the core decides is the same on every machine.
#![cfg_attr(
    not(test),
    deny(clippy::disallowed_types, clippy::disallowed_methods, clippy::float_arithmetic)
)]

extern crate alloc;

pub mod abr;
pub mod buffer;
pub mod dash;
pub mod hls;
pub mod live;
pub mod media;
pub mod net;
pub mod player;
pub mod presentation;
pub mod time;
pub mod units;
