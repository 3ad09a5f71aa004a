//! Chooses the representation that is fetched: by the viewer's choice, else by the rules of
//! [`crate::abr`] from what was measured. Remembers the reason of the last choice.
//!
//! | file | owns |
//! |---|---|
//! | [`adaptation`] | the choice, before a segment is asked for |
//! | [`measure`] | measuring the throughput, and giving up a segment that arrives too slowly |
//! | [`replacement`] | fetching again what is buffered low |
//! | [`known`] | the qualities that were fetched, and why |
//! | [`state`] | what is remembered between reads, and the running probe |
//! | [`probe`] | testing whether the link carries the next rung |

mod adaptation;
mod known;
mod measure;
mod probe;
mod replacement;
mod state;

pub(super) use adaptation::{Adaptation, LATE_BY_LINK, View};
pub(super) use measure::Read;
pub(super) use state::Next;
