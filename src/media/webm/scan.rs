//! Reads a growing WebM resource element by element: asks for the bytes that it parses, skips the rest.
//!
//! ```text
//! Header -> Content (Info Tracks Timestamp ...) -> Header
//!    |----> Block: its first bytes, the frames are skipped -> Header
//!    |----> Skipping (everything else) -> Header
//!    '----> Ended (Fact::Damaged)
//! ```
//!
//! A fragment is one block of the cluster's first track: it ends where the next one begins, the last one of a
//! cluster after its own duration, or as long as the one before.

use super::ebml::{self, First, Header, marked, unsigned};
use super::head::{TICK_NS, tick_ns, time, tracks};
use super::id;
use crate::media::isobmff::scan::{Fact, Fragment, Init, InitTrack, Want};
use crate::time::MediaTime;
use alloc::vec::Vec;

/// The largest `Info` or `Tracks` that is read.
const MAX_CONTENT: u64 = 1 << 20;
/// A number in an element has no more bytes.
const MAX_NUMBER: u64 = 8;
/// The head of a block: its track (8 bytes at most), its time, its flags (RFC 9559 10.1).
const BLOCK_HEAD: u64 = 11;

/// The state of reading one resource. To be used as [`media::scan::Scanner`](crate::media::scan::Scanner).
#[derive(Debug)]
pub(in crate::media) struct Scanner {
    state: State,
    /// Offset of the next byte.
    offset: u64,
    /// Bytes of what is asked for.
    gathered: Vec<u8>,
    tracks: Vec<InitTrack>,
    tick_ns: u32,
    cluster: Option<Cluster>,
    block: Option<Block>,
    /// How long the last block lasted, in ticks.
    step: u64,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The head of an element, of which at least so many bytes are needed.
    Header(usize),
    Content {
        id: u32,
        length: usize,
    },
    /// The first `length` bytes of a block; so many follow.
    Block {
        simple: bool,
        length: usize,
        rest: u64,
    },
    Skipping(u64),
    Ended,
}

#[derive(Clone, Copy, Debug)]
struct Cluster {
    /// Offset of the first byte after it, where that is known.
    end: Option<u64>,
    ticks: u64,
    /// The track whose blocks are told.
    track: Option<u64>,
}

/// A block whose end is not known yet.
#[derive(Clone, Copy, Debug)]
struct Block {
    offset: u64,
    track: u64,
    ticks: u64,
    sync: bool,
    lasts: Option<u64>,
}

impl Scanner {
    /// A scanner at the start of a resource; `known` are the tracks of the initialization segment.
    pub(in crate::media) fn new(known: &[InitTrack]) -> Self {
        let tick_ns = known.first().map_or(TICK_NS, |track| track.tick_ns.max(1));
        Self {
            state: State::Header(2),
            offset: 0,
            gathered: Vec::new(),
            tracks: known.to_vec(),
            tick_ns,
            cluster: None,
            block: None,
            step: 0,
        }
    }

    /// `bytes` begin with an element that can begin a WebM file, or a range of one that a player asks for.
    pub(in crate::media) fn knows(bytes: &[u8]) -> bool {
        bytes.first_chunk().is_some_and(|first| id::is_top_level(u32::from_be_bytes(*first)))
    }

    pub(in crate::media) fn tracks(&self) -> &[InitTrack] {
        &self.tracks
    }

    pub(in crate::media) const fn offset(&self) -> u64 {
        self.offset
    }

    pub(in crate::media) fn want(&self) -> Want {
        let missing = |n: usize| Want::Need(n.saturating_sub(self.gathered.len()));
        match self.state {
            State::Header(needed) => missing(needed),
            State::Content { length, .. } | State::Block { length, .. } => missing(length),
            State::Skipping(left) => Want::Skip(left),
            State::Ended => Want::Nothing,
        }
    }

    /// Takes bytes that are asked for, or some of them. More is an error of the caller and ends the reading.
    pub(in crate::media) fn take(&mut self, bytes: &[u8], out: &mut Vec<Fact>) {
        match self.want() {
            Want::Need(n) if bytes.len() <= n => {}
            Want::Nothing => return,
            Want::Need(_) | Want::Skip(_) => return self.damaged(0, "a WebM element", out),
        }
        self.gathered.extend_from_slice(bytes);
        self.offset = self.offset.saturating_add(bytes.len() as u64);
        if !matches!(self.want(), Want::Need(0)) {
            return;
        }
        if matches!(self.state, State::Header(_)) {
            return self.header(out);
        }
        let bytes = core::mem::take(&mut self.gathered);
        match self.state {
            State::Content { id, .. } => {
                self.state = State::Header(2);
                self.content(id, &bytes, out);
                self.element_over(out);
            }
            State::Block { simple, rest, .. } => {
                self.block(&bytes, simple, out);
                self.skip_all(rest, out);
            }
            State::Header(_) | State::Skipping(_) | State::Ended => {}
        }
    }

    pub(in crate::media) fn skip(&mut self, n: u64, out: &mut Vec<Fact>) {
        let State::Skipping(left) = self.state else { return };
        let n = n.min(left);
        self.offset = self.offset.saturating_add(n);
        self.skip_all(left - n, out);
    }

    fn skip_all(&mut self, left: u64, out: &mut Vec<Fact>) {
        if matches!(self.state, State::Ended) {
            return;
        }
        self.state = State::Skipping(left);
        if left == 0 {
            self.state = State::Header(2);
            self.element_over(out);
        }
    }

    /// An element inside a cluster, or the cluster itself, has ended.
    fn element_over(&mut self, out: &mut Vec<Fact>) {
        let end = self.cluster.and_then(|cluster| cluster.end);
        if end.is_some_and(|end| self.offset >= end) {
            self.cluster_over(out);
        }
    }

    fn cluster_over(&mut self, out: &mut Vec<Fact>) {
        if let Some(block) = self.block.take() {
            let track = self.tracks.iter().find(|track| u64::from(track.id) == block.track);
            let each = track.map_or(0, |track| track.default_sample_duration / self.tick_ns);
            let usual = if each > 0 { u64::from(each) } else { self.step };
            self.tell(block, block.lasts.unwrap_or(usual), self.offset, out);
        }
        self.cluster = None;
    }

    /// The last `back` bytes are not what was expected.
    fn damaged(&mut self, back: usize, why: &'static str, out: &mut Vec<Fact>) {
        let offset = self.offset.saturating_sub(back as u64);
        self.state = State::Ended;
        out.push(Fact::Damaged { offset, why });
    }

    fn header(&mut self, out: &mut Vec<Fact>) {
        match ebml::header(&self.gathered) {
            First::Short(needed) => self.state = State::Header(needed),
            First::Bad => self.damaged(self.gathered.len(), "a WebM element", out),
            First::Header(header) => self.begin(header, out),
        }
    }

    /// The header of an element has been read.
    fn begin(&mut self, header: Header, out: &mut Vec<Fact>) {
        if id::is_top_level(header.id) {
            self.cluster_over(out);
        } else if self.offset == header.length as u64 {
            return self.damaged(self.gathered.len(), "a WebM element", out);
        }
        let number = header.size.filter(|size| *size <= MAX_NUMBER);
        match (header.id, header.size) {
            (id::SEGMENT | id::BLOCK_GROUP, _) => self.state = State::Header(2),
            (id::CLUSTER, size) => {
                let end = size.map(|size| self.offset.saturating_add(size));
                self.cluster = Some(Cluster { end, ticks: 0, track: None });
                self.state = State::Header(2);
            }
            (id::SIMPLE_BLOCK | id::BLOCK, Some(size)) => {
                let head = size.min(BLOCK_HEAD);
                let simple = header.id == id::SIMPLE_BLOCK;
                self.state = State::Block { simple, length: head as usize, rest: size - head };
            }
            (id::INFO | id::TRACKS, Some(size)) if size <= MAX_CONTENT => {
                self.state = State::Content { id: header.id, length: size as usize };
            }
            (id::TIMESTAMP | id::BLOCK_DURATION | id::REFERENCE_BLOCK, _) if number.is_some() => {
                let length = number.unwrap_or_default() as usize;
                self.state = State::Content { id: header.id, length };
            }
            (id, Some(size)) if !matches!(id, id::INFO | id::TRACKS) => {
                self.state = State::Skipping(size);
            }
            _ => {
                return self.damaged(self.gathered.len(), "a WebM element", out);
            }
        }
        self.gathered.clear();
        // An element without a body ends where it begins.
        match self.state {
            State::Skipping(0) => self.skip_all(0, out),
            State::Content { length: 0, .. } | State::Block { length: 0, .. } => {
                self.take(&[], out)
            }
            _ => {}
        }
    }

    fn content(&mut self, id: u32, body: &[u8], out: &mut Vec<Fact>) {
        let number = unsigned(body).unwrap_or_default();
        match (id, &mut self.cluster, &mut self.block) {
            (id::INFO, ..) => self.tick_ns = tick_ns(body),
            (id::TRACKS, ..) => {
                self.tracks = tracks(body, self.tick_ns);
                out.push(Fact::Init(Init { tracks: self.tracks.clone() }));
            }
            (id::TIMESTAMP, Some(cluster), _) => cluster.ticks = number,
            (id::BLOCK_DURATION, _, Some(block)) => block.lasts = Some(number),
            (id::REFERENCE_BLOCK, _, Some(block)) => block.sync = false,
            _ => {}
        }
    }

    /// The head of a block was read.
    fn block(&mut self, head: &[u8], simple: bool, out: &mut Vec<Fact>) {
        let Some(cluster) = &mut self.cluster else { return };
        let Some((track, length)) = marked(head) else { return };
        let Some([high, low, flags, ..]) = head.get(length..) else {
            return self.damaged(head.len(), "a WebM block", out);
        };
        if *cluster.track.get_or_insert(track) != track {
            return;
        }
        let ticks = cluster.ticks.saturating_add_signed(i16::from_be_bytes([*high, *low]).into());
        let offset = self.offset.saturating_sub(head.len() as u64);
        let sync = !simple || flags & 0x80 != 0;
        let block = Block { offset, track, ticks, sync, lasts: None };
        match self.block {
            // A picture that is never shown may come with the time of the one after it.
            Some(before) if ticks <= before.ticks => {}
            Some(before) => {
                self.step = ticks - before.ticks;
                self.tell(before, self.step, offset, out);
                self.block = Some(block);
            }
            None => self.block = Some(block),
        }
    }

    /// Tells a block that lasts so many ticks; the next begins at `end`.
    fn tell(&self, block: Block, ticks: u64, end: u64, out: &mut Vec<Fact>) {
        let at = |ticks| -> MediaTime { time(ticks, self.tick_ns) };
        out.push(Fact::Fragment(Fragment {
            offset: block.offset,
            track: u32::try_from(block.track).unwrap_or(u32::MAX),
            start: at(block.ticks),
            duration: at(ticks).to_duration(),
            samples: 1,
            sync: block.sync,
            size: end.saturating_sub(block.offset),
        }));
        out.push(Fact::FragmentEnd { offset: end });
    }
}
