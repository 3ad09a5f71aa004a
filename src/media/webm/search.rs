//! Where the clusters are in a file whose manifest does not name its index (RFC 9559 5.1.1, 5.1.3, 5.1.5).
//!
//! ```text
//! the beginning --SeekHead--> Cues: all clusters at once
//!       |                      | (not there, or no Cues)
//!       '-------> the clusters, one after the other, by their headers: as far as is asked for
//! ```
//! Of a cluster that says its size only the first bytes are read. One of unknown size ends where something
//! begins that cannot stand in it, so its elements are walked through.

use super::ebml::{First, Header, children, header, marked, number, unsigned};
use super::head::{Cue, Head, cues};
use super::id;
use crate::units::ByteRange;
use alloc::vec::Vec;

/// Bytes of the beginning that are read at a time: more than what stands before the first cluster, as a rule.
pub const BEGINNING: u64 = 8192;
/// The beginning of a cluster: its header, its time, the head of its first block.
const CLUSTER: u64 = 128;
/// Of clusters that do not say their size.
const WALK: u64 = 1 << 17;
/// An index: with luck all of it.
const INDEX: u64 = 1 << 16;
/// The largest index that is read.
const MAX_INDEX: u64 = 1 << 22;
/// A cluster that begins sooner after the last one, microseconds, is taken together with it.
const LEAST_US: i64 = 1_000_000;
/// The same for one that begins without a key frame, as ffmpeg writes them where it cannot seek.
const MOST_US: i64 = 10_000_000;
/// No more clusters are told.
const MOST: usize = 1 << 16;

/// What stands before the clusters of a file that begins with `bytes`; `None` without the beginning of a `Segment`.
pub fn head(bytes: &[u8]) -> Option<Head> {
    Search::begin(bytes).map(|search| search.head).filter(|head| head.inside > 0)
}

/// Reads a file in parts: [`wants`](Self::wants) names the next one, [`read`](Self::read) takes it.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// What stands before the clusters.
    pub head: Head,
    /// The clusters found so far.
    pub found: Vec<Cue>,
    /// Offset of the next element.
    pub at: u64,
    /// So many bytes of it are wanted.
    len: u64,
    /// Where the file says that its index is.
    index: Option<u64>,
    /// Where to go on if it is not there.
    back: Option<u64>,
    over: bool,
}

impl Search {
    /// `bytes` are the beginning of a file; `None` if it is not WebM.
    #[inline(never)]
    pub fn begin(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(&id::EBML.to_be_bytes()) {
            return None;
        }
        let mut search = Self { len: BEGINNING, ..Self::default() };
        search.read(0, bytes);
        Some(search)
    }

    /// The part that is wanted next; `None`: all is known. It begins one byte early: so there is something to
    /// answer where the file ends with a cluster.
    pub fn wants(&self) -> Option<ByteRange> {
        let first = self.at.saturating_sub(1);
        (!self.over).then_some(ByteRange { first, last: Some(first.saturating_add(self.len)) })
    }

    /// Clusters do not say their size, so they are read whole.
    pub const fn walks(&self) -> bool {
        self.len == WALK
    }

    /// Offset of the first cluster: what stands before it is the initialization segment.
    pub fn media_at(&self) -> Option<u64> {
        self.found.first().map(|first| self.head.inside.saturating_add(first.cluster))
    }

    /// Takes the bytes from offset `from` on; fewer than were wanted, or none, where the file ends.
    pub fn read(&mut self, from: u64, bytes: &[u8]) {
        let before = (self.at, self.len);
        let rest = |at: u64| bytes.get(usize::try_from(at.wrapping_sub(from)).ok()?..);
        while !self.over
            && let Some(rest) = rest(self.at)
            && self.step(rest)
        {}
        if !self.over && (self.at, self.len) == before {
            self.nothing_here();
        }
    }

    /// There is no element, or none that can be read.
    fn nothing_here(&mut self) {
        match self.back.take() {
            Some(back) => (self.at, self.len) = (back, CLUSTER),
            None => self.over = true,
        }
    }

    /// Takes the element that `rest` begins with. Answers whether there may be another.
    fn step(&mut self, rest: &[u8]) -> bool {
        let First::Header(Header { id, length, size }) = header(rest) else { return false };
        let body = rest.get(length..).unwrap_or_default();
        let inside = self.at.saturating_add(length as u64);
        let end = size.map(|size| inside.saturating_add(size));
        // Of what is read here: none of it, if it is not whole.
        let content = || children(rest).next().map(|it| it.1).unwrap_or_default();
        match id {
            id::CUES if self.found.is_empty() => return self.cues(rest, end),
            // What should be an index is something else.
            _ if self.back.is_some() => return false,
            id::SEGMENT if self.head.inside == 0 => {
                self.head.begin(inside);
                self.at = inside;
                return true;
            }
            id::CLUSTER => return self.cluster(body, inside, end),
            id::INFO => self.head.info(content()),
            id::SEEK_HEAD => {
                let place = index_in(content());
                self.index = place.map(|place| self.head.inside.saturating_add(place));
            }
            _ => {}
        }
        // The size of no other element is unknown, but for groups of blocks.
        let Some(end) = end.or_else(|| (id == id::BLOCK_GROUP).then_some(inside)) else {
            return false;
        };
        self.at = end;
        true
    }

    /// An index begins here, and ends at `end`.
    fn cues(&mut self, bytes: &[u8], end: Option<u64>) -> bool {
        let len = end.map_or(0, |end| end - self.at);
        if let Some(found) = cues(bytes) {
            (self.found, self.over) = (found, true);
        } else if self.len < len && len <= MAX_INDEX {
            self.len = len;
        } else if let (None, Some(end)) = (self.back, end) {
            // It stands where the file is read anyway.
            self.at = end;
            return true;
        } else {
            self.nothing_here();
        }
        false
    }

    /// A cluster begins here.
    fn cluster(&mut self, body: &[u8], inside: u64, end: Option<u64>) -> bool {
        if let Some(index) = self.index.take() {
            self.back = Some(self.at);
            (self.at, self.len) = (index, INDEX);
            return true;
        }
        let Some((ticks, key)) = beginning(body) else {
            // A cluster after the first may begin where the bytes end.
            self.len = CLUSTER;
            return false;
        };
        let us = |ticks| self.head.micros(ticks);
        let far =
            self.found.last().map_or(MOST_US, |last| us(ticks).saturating_sub(us(last.ticks)));
        if far >= if key { LEAST_US } else { MOST_US } {
            let cluster = self.at.saturating_sub(self.head.inside);
            self.found.push(Cue { ticks, cluster });
        }
        self.over = self.found.len() >= MOST;
        self.len = if end.is_some() { CLUSTER } else { WALK };
        self.at = end.unwrap_or(inside);
        true
    }
}

/// Where the file says that its index is, from the first byte inside the `Segment`; from the body of a `SeekHead`. Of an
/// entry, the identifier comes before the position.
fn index_in(body: &[u8]) -> Option<u64> {
    let named = body.windows(4).position(|it| it == id::CUES.to_be_bytes())?;
    number(body.get(named + 4..)?, id::SEEK_POSITION)
}

/// The time of a cluster, and whether it begins with a key frame; `None`: it takes more bytes to say.
fn beginning(mut body: &[u8]) -> Option<(u64, bool)> {
    let mut ticks = 0;
    loop {
        let First::Header(Header { id, length, size }) = header(body) else { return None };
        let content = body.get(length..)?;
        match id {
            id::SIMPLE_BLOCK => {
                // Its track, its time, its flags.
                let (_, track) = marked(content)?;
                return Some((ticks, content.get(track + 2)? & 0x80 != 0));
            }
            id::BLOCK_GROUP | id::CLUSTER => return Some((ticks, true)),
            _ => {}
        }
        let (value, after) = content.split_at_checked(usize::try_from(size?).ok()?)?;
        if id == id::TIMESTAMP {
            ticks = unsigned(value)?;
        }
        body = after;
    }
}
