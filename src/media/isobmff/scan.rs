//! Reads a growing resource box by box: asks for the bytes that it parses, skips the rest.
//!
//! ```text
//!             +--------- 8 (or 16) bytes of header ---------+
//!             v                                             |
//!   Header --------> Content (moov moof sidx emsg prft) ----+
//!      |    '------> Skipping (mdat and everything else) ---+
//!      '-----------> Ended (Fact::Damaged)
//! ```
//!
//! It parses only whole boxes, so their size is bounded: 8 MiB for a `moov`, 1 MiB for others.

use super::event::ReferenceTime;
use super::fragment;
use crate::time::{Duration, MediaTime, WallTime};
use alloc::vec::Vec;

pub use super::event::{Index, IndexEntry, Message, MessageStart};
pub use super::init::{Init, InitTrack};

/// One fact about a resource, in the order of its bytes. Offsets count from the resource's start
/// (from the range's start for a request with a range).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A `moov` was read.
    Init(Init),
    /// A `moof` was read; its `mdat` follows.
    Fragment(Fragment),
    /// The `mdat` of the last fragment ends at this offset, and has arrived whole.
    FragmentEnd {
        /// Offset of the first byte after it.
        offset: u64,
    },
    /// A `prft` box (14496-12 8.16.5): media time `media_ticks` was at the encoder at `wall`.
    ProducerTime {
        /// UTC.
        wall: WallTime,
        /// The time is when the next fragment was finished, not when it was captured.
        finalized: bool,
        /// In ticks of the track that the next fragment belongs to.
        media_ticks: i64,
    },
    /// A `sidx` box (14496-12 8.16.3).
    Index(Index),
    /// An `emsg` box (23009-1 5.10.3.3).
    Message(Message),
    /// The bytes are not ISO BMFF from this offset on; nothing further is read.
    Damaged {
        /// Where.
        offset: u64,
        /// What was expected.
        why: &'static str,
    },
}

/// The first track fragment of a `moof`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Offset of its first byte (of `styp` or `prft` directly before it, if there is one).
    pub offset: u64,
    /// `track_ID`.
    pub track: u32,
    /// `baseMediaDecodeTime`, plus the first sample's composition offset, less the track's edit.
    pub start: MediaTime,
    /// Sum of the samples' durations.
    pub duration: Duration,
    /// Number of samples.
    pub samples: u32,
    /// Its first sample is a sync sample.
    pub sync: bool,
    /// Size of the fragment in bytes, `mdat` included, as far as its boxes say.
    pub size: u64,
}

/// What to do with the next bytes of the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// The next `n` bytes: give them to [`Scanner::take`].
    Need(usize),
    /// The next `n` bytes are not needed: tell [`Scanner::skip`] as they arrive.
    Skip(u64),
    /// Nothing more will be read.
    Nothing,
}

/// The state of reading one resource. To be used as [`media::scan::Scanner`](crate::media::scan::Scanner).
#[derive(Debug, Default)]
pub(in crate::media) struct Scanner {
    state: State,
    /// Offset of the next byte.
    offset: u64,
    tracks: Vec<InitTrack>,
    /// Offset of the first `styp`, `prft` or `emsg` that belongs to the next fragment.
    lead: Option<u64>,
    /// A `moof` was read; its `mdat` has not ended yet.
    in_fragment: bool,
    /// Where this track's next fragment begins if it has no `tfdt`: (track, ticks).
    follows: Option<(u32, u64)>,
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Header,
    LargeSize([u8; 4]),
    Content {
        kind: [u8; 4],
        start: u64,
        length: usize,
    },
    Skipping {
        kind: [u8; 4],
        left: u64,
    },
    Ended,
}

/// The boxes that can begin a resource or a range that a player asks for.
const FIRST: [&[u8; 4]; 13] = [
    b"ftyp", b"styp", b"moov", b"moof", b"sidx", b"ssix", b"prft", b"emsg", b"free", b"skip",
    b"mdat", b"uuid", b"meta",
];

/// The largest `moov` that is read: an on-demand file's can hold its whole sample table.
const MAX_MOOV: u64 = 8 << 20;
/// The largest other box that is read: a `sidx` of 65535 entries has 0.8 MB.
const MAX_CONTENT: u64 = 1 << 20;

impl Scanner {
    /// A scanner at the start of a resource. `known` are the tracks of the initialization segment,
    /// whose timescales give fragments their times; without them the scanner uses the tracks of a
    /// `moov` in the resource.
    pub(in crate::media) fn new(known: &[InitTrack]) -> Self {
        Self { tracks: known.to_vec(), ..Self::default() }
    }

    /// The tracks of the last `moov`, or those known from the start.
    pub(in crate::media) fn tracks(&self) -> &[InitTrack] {
        &self.tracks
    }

    /// Offset of the next byte that it will take or skip.
    pub(in crate::media) const fn offset(&self) -> u64 {
        self.offset
    }

    /// What it wants next.
    pub(in crate::media) const fn want(&self) -> Want {
        match self.state {
            State::Header | State::LargeSize(_) => Want::Need(8),
            State::Content { length, .. } => Want::Need(length),
            State::Skipping { left, .. } => Want::Skip(left),
            State::Ended => Want::Nothing,
        }
    }

    /// Takes the bytes that [`Want::Need`] asked for. A slice of another length is an error of the
    /// caller and ends the reading.
    pub(in crate::media) fn take(&mut self, bytes: &[u8], out: &mut Vec<Fact>) {
        if self.want() != Want::Need(bytes.len()) {
            if !matches!(self.state, State::Ended) {
                self.damaged(self.offset, "another number of bytes than was asked for", out);
            }
            return;
        }
        let start = self.offset;
        self.offset = start.saturating_add(bytes.len() as u64);
        match (self.state, bytes) {
            (State::Header, [s0, s1, s2, s3, k0, k1, k2, k3]) => {
                let size = u64::from(u32::from_be_bytes([*s0, *s1, *s2, *s3]));
                self.header(start, size, [*k0, *k1, *k2, *k3], out);
            }
            (State::LargeSize(kind), _) => {
                let size = bytes.iter().fold(0u64, |v, b| (v << 8) | u64::from(*b));
                self.begin(start.saturating_sub(8), 16, size, kind, out);
            }
            (State::Content { kind, start, .. }, _) => {
                self.state = State::Header;
                self.content(kind, start, bytes, out);
            }
            _ => {}
        }
    }

    /// `n` bytes (at most those of [`Want::Skip`]) have arrived and are skipped.
    pub(in crate::media) fn skip(&mut self, n: u64, out: &mut Vec<Fact>) {
        let State::Skipping { kind, left } = self.state else { return };
        let n = n.min(left);
        self.offset = self.offset.saturating_add(n);
        self.state = State::Skipping { kind, left: left - n };
        if left == n {
            self.skipped(kind, out);
        }
    }

    fn damaged(&mut self, offset: u64, why: &'static str, out: &mut Vec<Fact>) {
        self.state = State::Ended;
        out.push(Fact::Damaged { offset, why });
    }

    fn header(&mut self, start: u64, size: u64, kind: [u8; 4], out: &mut Vec<Fact>) {
        if start == 0 && !FIRST.contains(&&kind) {
            return self.damaged(start, "an MP4 box at the start", out);
        }
        // Types are four printable characters; QuickTime's may begin with 0xa9.
        if !kind.iter().all(|b| matches!(b, b' '..=b'~' | 0xa9)) {
            return self.damaged(start, "the type of a box", out);
        }
        match size {
            1 => self.state = State::LargeSize(kind),
            // 14496-12 4.2.2: the box goes on to the end of the file.
            0 => self.begin(start, 8, u64::MAX - start, kind, out),
            _ => self.begin(start, 8, size, kind, out),
        }
    }

    /// The header of `header` bytes has been read.
    fn begin(&mut self, start: u64, header: u64, size: u64, kind: [u8; 4], out: &mut Vec<Fact>) {
        let Some(length) = size.checked_sub(header) else {
            return self.damaged(start, "a box at least as long as its header", out);
        };
        match &kind {
            b"styp" | b"prft" | b"emsg" => {
                self.lead.get_or_insert(start);
            }
            // An index belongs to the segment whose styp is before it, else to the resource.
            b"moof" | b"sidx" | b"free" | b"skip" => {}
            _ => self.lead = None,
        }
        let limit = match &kind {
            b"moov" => MAX_MOOV,
            b"moof" | b"prft" | b"emsg" | b"sidx" => MAX_CONTENT,
            _ => {
                self.state = State::Skipping { kind, left: length };
                if length == 0 {
                    self.skipped(kind, out);
                }
                return;
            }
        };
        match usize::try_from(length) {
            Ok(0) => {
                self.state = State::Header;
                self.content(kind, start, &[], out);
            }
            Ok(length) if length as u64 <= limit => {
                self.state = State::Content { kind, start, length };
            }
            _ => self.damaged(start, "an index or header box of sane size", out),
        }
    }

    fn skipped(&mut self, kind: [u8; 4], out: &mut Vec<Fact>) {
        self.state = State::Header;
        if &kind == b"mdat" && core::mem::take(&mut self.in_fragment) {
            out.push(Fact::FragmentEnd { offset: self.offset });
        }
    }

    fn content(&mut self, kind: [u8; 4], start: u64, content: &[u8], out: &mut Vec<Fact>) {
        match &kind {
            b"moov" => {
                let init = Init::read(content);
                self.tracks.clone_from(&init.tracks);
                self.follows = None;
                out.push(Fact::Init(init));
            }
            b"moof" => self.fragment(start, content, out),
            // Playback does not need these boxes, so a damaged one is ignored.
            b"sidx" => out.extend(Index::read(content, self.offset).map(Fact::Index)),
            b"emsg" => out.extend(Message::read(content).map(Fact::Message)),
            b"prft" => out.extend(ReferenceTime::read(content).map(|time| {
                let ReferenceTime { wall, finalized, media_ticks } = time;
                Fact::ProducerTime { wall, finalized, media_ticks }
            })),
            _ => {}
        }
    }

    fn fragment(&mut self, moof: u64, content: &[u8], out: &mut Vec<Fact>) {
        let Some(run) = fragment::read(content, &self.tracks) else {
            return self.damaged(moof, "a moof with a track fragment", out);
        };
        // Packagers are careless with the number of an only track, so any number means it.
        let only = if let [only] = self.tracks.as_slice() { Some(only) } else { None };
        let Some(track) = self.tracks.iter().find(|t| t.id == run.track).or(only) else {
            return self.damaged(moof, "an initialization segment with the fragment's track", out);
        };
        let scale = track.timescale;
        // 8.8.12: tfdt may be missing; then the fragment follows the one before.
        let decode_time = run.decode_time.unwrap_or(match self.follows {
            Some((track, ticks)) if track == run.track => ticks,
            _ => 0,
        });
        self.follows = Some((run.track, decode_time.saturating_add(run.duration)));
        let clamp = |v: u64| i64::try_from(v).unwrap_or(i64::MAX);
        let start =
            clamp(decode_time).saturating_add(run.first_offset).saturating_sub(track.edit_start);
        let offset = self.lead.take().unwrap_or(moof);
        // Without a data offset, the fragment is known up to the end of its moof.
        let end = moof.saturating_add(run.data_end).max(self.offset);
        self.in_fragment = true;
        out.push(Fact::Fragment(Fragment {
            offset,
            track: run.track,
            start: MediaTime::new(start, scale),
            duration: MediaTime::new(clamp(run.duration), scale).to_duration(),
            samples: run.samples,
            sync: run.sync,
            size: end - offset,
        }));
    }
}
