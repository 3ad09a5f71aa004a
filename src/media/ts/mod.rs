//! MPEG-2 transport stream (ISO/IEC 13818-1): packets, program tables and PES, to access units.
//!
//! ```text
//!   bytes -> packets of 188 -> PID 0: association table -> PID of the program map
//!                           -> the map's PID: Event::Stream
//!                           -> the streams' PIDs: PES -> Event::Unit, Event::Lost
//! ```
//!
//! The demuxer does not hold back complete packets: a PES that states its length comes out with its
//! last byte (so ask ffmpeg for `-omit_video_pes_length 0`, or every frame waits for the next one).

mod kind;
mod packet;
mod pes;
mod psi;
mod wrap;

pub use kind::StreamKind;
pub use wrap::Unwrap;

use alloc::vec::Vec;
use packet::Packet;
use pes::{Assembler, Progress};

/// What the demuxer finds, in the order of the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The program map names this stream. Reported once per change, not once per table.
    Stream {
        /// Packet identifier.
        pid: u16,
        /// What it carries.
        kind: StreamKind,
    },
    /// One whole PES packet.
    Unit(Unit),
    /// Packets of this stream are missing (continuity counter) or damaged.
    Lost {
        /// Packet identifier.
        pid: u16,
    },
}

/// The payload of one PES packet: an access unit of video, or one or more frames of audio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Packet identifier.
    pub pid: u16,
    /// What it carries.
    pub kind: StreamKind,
    /// Presentation time in 90 kHz ticks, unwrapped over 33 bits; `None` when the PES has none.
    pub pts: Option<i64>,
    /// Decoding time, likewise; equal to `pts` where the PES has none of its own.
    pub dts: Option<i64>,
    /// The elementary stream's bytes.
    pub data: Vec<u8>,
    /// The adaptation field says that decoding can start here.
    pub random_access: bool,
}

/// An incremental demuxer: bytes in any pieces, events as soon as they are known.
#[derive(Debug, Default)]
pub struct Demuxer {
    /// Bytes that are not yet a whole packet.
    carry: Vec<u8>,
    /// The last bytes were not a packet: the next sync byte must be confirmed by the one after it.
    searching: bool,
    association: psi::Sections,
    map_pid: Option<u16>,
    map: psi::Sections,
    streams: Vec<Stream>,
    clock: Unwrap,
}

#[derive(Debug)]
struct Stream {
    pid: u16,
    kind: StreamKind,
    counter: Option<u8>,
    /// The payload of the last packet, to recognise a repeated packet.
    last: Vec<u8>,
    pes: Assembler,
}

impl Stream {
    fn new(pid: u16, kind: StreamKind) -> Self {
        Self { pid, kind, counter: None, last: Vec::new(), pes: Assembler::default() }
    }
}

impl Demuxer {
    /// A demuxer that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A demuxer whose first time stamp is unwrapped to the value nearest to `clock`'s last, so
    /// that resources read one by one share a timeline.
    pub fn with_clock(clock: Unwrap) -> Self {
        Self { clock, ..Self::default() }
    }

    /// The state of unwrapping time stamps.
    pub const fn clock(&self) -> Unwrap {
        self.clock
    }

    /// Reads `bytes` and appends what they complete to `out`. A PES with a stated length comes out
    /// with its last byte; one of length 0 when the next begins.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        if self.carry.is_empty() {
            let used = self.packets(bytes, out);
            self.carry.extend_from_slice(bytes.get(used..).unwrap_or_default());
        } else {
            let mut buf = core::mem::take(&mut self.carry);
            buf.extend_from_slice(bytes);
            let used = self.packets(&buf, out).min(buf.len());
            buf.drain(..used);
            self.carry = buf;
        }
    }

    /// The end of the stream: emits what is held. The bytes after it are read as a stream that
    /// begins at a packet, with the program and the clock of this one.
    pub fn flush(&mut self, out: &mut Vec<Event>) {
        let carry = core::mem::take(&mut self.carry);
        if let Some(last) = carry.get(..packet::SIZE) {
            self.packet(last, out);
        }
        self.searching = false;
        for stream in &mut self.streams {
            stream.counter = None;
            let progress = stream.pes.finish();
            settle(progress, stream.pid, stream.kind, &mut self.clock, out);
        }
    }

    /// Reads the whole packets in `buf`; returns the number of bytes consumed.
    fn packets(&mut self, buf: &[u8], out: &mut Vec<Event>) -> usize {
        let mut at = 0;
        loop {
            let Some(rest) = buf.get(at..) else { return at };
            if self.searching {
                let Some(sync) = rest.iter().position(|b| *b == packet::SYNC) else {
                    return buf.len();
                };
                at += sync;
                match buf.get(at + packet::SIZE) {
                    None => return at,
                    Some(&packet::SYNC) => self.searching = false,
                    Some(_) => at += 1,
                }
            } else {
                let Some(bytes) = rest.get(..packet::SIZE) else { return at };
                if bytes.first() == Some(&packet::SYNC) {
                    self.packet(bytes, out);
                    at += packet::SIZE;
                } else {
                    self.searching = true;
                }
            }
        }
    }

    fn packet(&mut self, bytes: &[u8], out: &mut Vec<Event>) {
        // A damaged packet shows as a gap in the counter of its stream.
        let Some(packet) = Packet::read(bytes) else { return };
        if let Some(stream) = self.streams.iter_mut().find(|s| s.pid == packet.pid) {
            stream.packet(&packet, &mut self.clock, out);
            return;
        }
        let Some(payload) = packet.payload else { return };
        if packet.pid == 0 {
            if let Some(section) = self.association.push(payload, packet.starts_unit)
                && let Some(pid) = psi::program_map_pid(&section)
                && self.map_pid != Some(pid)
            {
                self.map_pid = Some(pid);
                self.map = psi::Sections::default();
            }
        } else if self.map_pid == Some(packet.pid)
            && let Some(section) = self.map.push(payload, packet.starts_unit)
            && let Some(streams) = psi::streams(&section)
        {
            self.set_streams(&streams, out);
        }
    }

    fn set_streams(&mut self, found: &[(u16, StreamKind)], out: &mut Vec<Event>) {
        let clock = &mut self.clock;
        self.streams.retain_mut(|s| {
            let stays = found.contains(&(s.pid, s.kind));
            if !stays {
                settle(s.pes.finish(), s.pid, s.kind, clock, out);
            }
            stays
        });
        for &(pid, kind) in found {
            if !self.streams.iter().any(|s| s.pid == pid) {
                self.streams.push(Stream::new(pid, kind));
                out.push(Event::Stream { pid, kind });
            }
        }
    }
}

impl Stream {
    fn packet(&mut self, packet: &Packet<'_>, clock: &mut Unwrap, out: &mut Vec<Event>) {
        let Some(payload) = packet.payload else { return };
        // 2.4.3.3: the counter rises with every payload; the same packet may be sent twice.
        let before = self.counter.replace(packet.counter);
        if let Some(before) = before
            && !packet.discontinuity
        {
            if before == packet.counter && payload == self.last {
                return;
            }
            if (before + 1) & 0x0f != packet.counter {
                self.pes.drop_open();
                out.push(Event::Lost { pid: self.pid });
            }
        }
        self.last.clear();
        self.last.extend_from_slice(payload);
        if packet.starts_unit {
            settle(self.pes.start(packet.random_access), self.pid, self.kind, clock, out);
        }
        settle(self.pes.extend(payload), self.pid, self.kind, clock, out);
    }
}

fn settle(
    progress: Progress,
    pid: u16,
    kind: StreamKind,
    clock: &mut Unwrap,
    out: &mut Vec<Event>,
) {
    match progress {
        Progress::Open => {}
        Progress::Broken => out.push(Event::Lost { pid }),
        Progress::Whole(pes) => {
            // The decoding time is the earlier one, so it is unwrapped first.
            let dts = pes.dts.map(|t| clock.unwrap(t));
            let pts = pes.pts.map(|t| clock.unwrap(t));
            let dts = dts.or(pts);
            let random_access = pes.random_access;
            out.push(Event::Unit(Unit { pid, kind, pts, dts, data: pes.data, random_access }));
        }
    }
}
