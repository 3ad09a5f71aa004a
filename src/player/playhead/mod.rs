//! Where it plays: the start, the distance to the edge, stalls, holes, the viewer's seeks. Nobody else
//! asks the element to seek, to play, or to go faster or slower.
//!
//! ```text
//! start_at --media there--> placed (Seek, Play) --runs--> steered by rate
//!    ^                         |  stall: seek to edge - wanted once media is there again
//!    +------- far behind ------+  hole: seek over it
//! ```
//! A jump is a new start: the old picture stays until media at the new place is there.
//!
//! | file | owns |
//! |---|---|
//! | [`head`] | the state |
//! | [`element`] | the media element as the player sees it |
//! | [`live`] | what live playback needs beyond the rest |
//! | [`scene`] | what it sees, and what it asks of the tracks |
//! | [`start`] | where to enter, and placing the element there |
//! | [`follow`] | holding to the live edge |
//! | [`stall`] | standing still though it should not |
//! | [`viewer`] | what the viewer does: seeks, pauses, comes back |
//! | [`drive`] | what the tracks do for it |

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
pub(super) use element::Change;
pub(super) use head::Playhead;
pub(super) use live::{ENTRY, Live};
pub(super) use scene::{Move, Scene};
