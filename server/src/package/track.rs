//! One track of the packager: what its frames go through, and where its writing is.

use super::entrance::Entrance;
use super::frames::{Frame, FrameReader};
use super::order::Order;
use super::steady::Steady;
use super::writer::Writer;
use crate::store::{RenditionKind, RenditionSpec};
use nearlive::time::Timescale;
use std::collections::VecDeque;

#[derive(Debug)]
pub(super) struct Track {
    pub(super) kind: RenditionKind,
    pub(super) copied: bool,
    pub(super) reader: FrameReader,
    pub(super) steady: Steady,
    pub(super) order: Order,
    pub(super) entrance: Entrance,
    pub(super) pending: VecDeque<Frame>,
    pub(super) writer: Writer,
    pub(super) last_arrival_us: i64,
    pub(super) last_pts: Option<i64>,
    /// The newest times between two frames.
    pub(super) intervals_us: VecDeque<i64>,
    /// What is written now stands in for what does not come.
    pub(super) filling: bool,
    /// Pictures before the next key frame belong to nothing.
    pub(super) needs_key: bool,
    /// Nothing comes for it in this run.
    pub(super) is_absent: bool,
    /// The next stand-in waits for so long: a key frame came that much later than the last one began.
    pub(super) grace_us: i64,
}

impl Track {
    /// The track of this index, of which nothing has come.
    pub(super) fn new(index: usize, rendition: &RenditionSpec) -> Self {
        let scale = match rendition.kind {
            RenditionKind::Video => Timescale::NINETY_KHZ,
            RenditionKind::Audio => Timescale::AUDIO_48K,
        };
        Self {
            kind: rendition.kind,
            copied: rendition.copied,
            reader: FrameReader::default(),
            steady: Steady::default(),
            order: Order::default(),
            entrance: Entrance::default(),
            pending: VecDeque::new(),
            writer: Writer::new(index, scale),
            last_arrival_us: 0,
            last_pts: None,
            intervals_us: VecDeque::new(),
            filling: false,
            needs_key: true,
            is_absent: false,
            grace_us: 0,
        }
    }
}
