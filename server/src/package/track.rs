//! One track of the packager: the stages that its frames pass, and the state of its output.

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
    /// A replacement for missing media is being written.
    pub(super) filling: bool,
    /// Pictures before the next key frame are dropped.
    pub(super) needs_key: bool,
    /// The track gets no data in this run.
    pub(super) is_absent: bool,
    /// The next replacement waits for this long: a key frame came that much after the last one began.
    pub(super) grace_us: i64,
}

impl Track {
    /// The track of this index, which has had no data.
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
