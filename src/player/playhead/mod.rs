//! The playback position: where playing starts, how far behind the live edge it stays, and what is
//! done about stalls, holes in the buffer and the viewer's seeks. Only this module tells the media
//! element to seek, to play or to change its rate.
//!
//! ```text
//! start_at --media arrives--> placed (Seek, Play) --plays--> steered by rate
//!    ^                          |  stall: seek to edge - latency wanted, once media is there
//!    +------ far behind --------+  hole: seek over it
//! ```
//! A jump is a new start: the old picture stays until media at the new position has arrived.
//!
//! | file | owns |
//! |---|---|
//! | [`head`] | the state |
//! | [`element`] | the media element, as its snapshots show it |
//! | [`live`] | the state that only live playback needs |
//! | [`scene`] | what the playhead may read, and what it asks of the tracks |
//! | [`start`] | choosing the start position, and the first seek to it |
//! | [`follow`] | staying near the live edge |
//! | [`stall`] | ending stalls, and crossing holes in the buffer |
//! | [`viewer`] | the viewer's seeks, and stalls that begin and end |
//! | [`drive`] | runs the steps above and lets the tracks follow |

mod drive;
mod element;
mod follow;
mod head;
mod live;
mod scene;
mod stall;
mod start;
mod viewer;

pub(super) use drive::Drive;
pub(super) use element::Changes;
pub(super) use head::Playhead;
pub(super) use live::{ENTRY, LivePlayback};
pub(super) use scene::{Move, Scene};
