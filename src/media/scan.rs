//! Reads a growing resource of either container, which its first bytes tell: what the player has to know
//! of it, in the order of its bytes.

use super::isobmff::scan as mp4;
pub use super::isobmff::scan::{
    Fact, Fragment, Index, IndexEntry, Init, InitTrack, Message, MessageStart, Want,
};
use super::webm::{Reads, scan as webm};
use alloc::vec::Vec;

/// So many bytes tell the container.
const FIRST: usize = 8;

/// The state of reading one resource. The caller loops: it looks at [`want`](Self::want); once the
/// bytes asked for have arrived, it gives exactly those; it skips as many as have arrived.
#[derive(Debug)]
pub struct Scanner {
    kind: Kind,
    /// Bytes of an unfinished [`Want::Need`]; only [`feed`](Self::feed) uses it.
    gathered: Vec<u8>,
}

#[derive(Debug)]
enum Kind {
    /// Nothing was read yet. The tracks that are known.
    New(Vec<InitTrack>),
    Mp4(mp4::Scanner),
    WebM(Reads, webm::Scanner),
}

impl Scanner {
    /// A scanner at the start of a resource. `known` are the tracks of the initialization segment, which
    /// give fragments their times; without them the scanner uses those that the resource has itself.
    pub fn new(known: &[InitTrack]) -> Self {
        Self { kind: Kind::New(known.to_vec()), gathered: Vec::new() }
    }

    /// The tracks that were read last, or those known from the start.
    pub fn tracks(&self) -> &[InitTrack] {
        match &self.kind {
            Kind::New(known) => known,
            Kind::Mp4(mp4) => mp4.tracks(),
            Kind::WebM(_, webm) => webm.tracks(),
        }
    }

    /// Offset of the next byte that it will take or skip.
    pub const fn offset(&self) -> u64 {
        match &self.kind {
            Kind::New(_) => 0,
            Kind::Mp4(mp4) => mp4.offset(),
            Kind::WebM(_, webm) => webm.offset(),
        }
    }

    /// What it wants next.
    pub fn want(&self) -> Want {
        match &self.kind {
            Kind::New(_) => Want::Need(FIRST),
            Kind::Mp4(mp4) => mp4.want(),
            Kind::WebM(_, webm) => webm.want(),
        }
    }

    /// Takes the bytes that [`Want::Need`] asked for. A slice of another length is an error of the
    /// caller and ends the reading.
    pub fn take(&mut self, bytes: &[u8], out: &mut Vec<Fact>) {
        match &mut self.kind {
            Kind::New(known) if let Some(reads) = is_webm(known, bytes) => {
                self.kind = Kind::WebM(reads, webm::Scanner::new(known));
                self.feed(bytes, out);
            }
            Kind::New(known) => {
                let mut mp4 = mp4::Scanner::new(known);
                mp4.take(bytes, out);
                self.kind = Kind::Mp4(mp4);
            }
            Kind::Mp4(mp4) => mp4.take(bytes, out),
            Kind::WebM(_, webm) => webm.take(bytes, out),
        }
    }

    /// `n` bytes (at most those of [`Want::Skip`]) have arrived and are skipped.
    pub fn skip(&mut self, n: u64, out: &mut Vec<Fact>) {
        match &mut self.kind {
            Kind::New(_) => {}
            Kind::Mp4(mp4) => mp4.skip(n, out),
            Kind::WebM(_, webm) => webm.skip(n, out),
        }
    }

    /// For bytes in memory: reads all that is complete and buffers the rest.
    pub fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<Fact>) {
        while !bytes.is_empty() {
            match self.want() {
                Want::Nothing => return,
                Want::Skip(n) => {
                    let now = usize::try_from(n).unwrap_or(usize::MAX).min(bytes.len());
                    self.skip(now as u64, out);
                    bytes = bytes.get(now..).unwrap_or_default();
                }
                Want::Need(n) => {
                    let missing = n.saturating_sub(self.gathered.len()).min(bytes.len());
                    let (now, rest) = bytes.split_at(missing);
                    bytes = rest;
                    if let Kind::WebM(_, webm) = &mut self.kind {
                        // It gathers by itself, and counts what is missing.
                        webm.take(now, out);
                        continue;
                    }
                    if self.gathered.is_empty() && now.len() == n {
                        self.take(now, out);
                        continue;
                    }
                    self.gathered.extend_from_slice(now);
                    if self.gathered.len() == n {
                        let whole = core::mem::take(&mut self.gathered);
                        self.take(&whole, out);
                    }
                }
            }
        }
    }
}

/// `bytes` begin a WebM resource, or its initialization segment was one.
fn is_webm(known: &[InitTrack], bytes: &[u8]) -> Option<Reads> {
    let of_webm = known.first().is_some_and(|track| track.tick_ns > 0);
    Reads::token().filter(|_| of_webm || webm::Scanner::knows(bytes))
}

impl Default for Scanner {
    fn default() -> Self {
        Self::new(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(bytes: &[u8]) -> Vec<Fact> {
        let mut out = Vec::new();
        Scanner::default().feed(bytes, &mut out);
        out
    }

    #[test]
    fn what_is_no_mp4_is_told_at_once() {
        for text in ["<!DOCTYPE html>", "#EXTM3U\n#EXT-X-VERSION:3", "{\"error\":404}"] {
            let got = facts(text.as_bytes());
            assert_eq!(got, [Fact::Damaged { offset: 0, why: "an MP4 box at the start" }]);
        }
    }

    #[test]
    fn a_box_that_is_too_large_to_read_is_refused_before_its_bytes_come() {
        let got = facts(b"\x40\0\0\0moov");
        assert!(matches!(got.as_slice(), [Fact::Damaged { offset: 0, .. }]));
        let got = facts(b"\0\0\0\x08free\0\0\0\x01moof\0\0\x01\0\0\0\0\0");
        assert!(matches!(got.as_slice(), [Fact::Damaged { offset: 8, .. }]));
        let got = facts(b"\0\0\0\x08free\0\0\0\x07free");
        assert!(matches!(got.as_slice(), [Fact::Damaged { offset: 8, .. }]));
    }

    #[test]
    fn a_driver_that_gives_the_wrong_number_of_bytes_ends_the_reading() {
        let mut s = Scanner::default();
        let mut out = Vec::new();
        s.take(b"\0\0\0", &mut out);
        assert!(matches!(out.as_slice(), [Fact::Damaged { .. }]));
        assert_eq!(s.want(), Want::Nothing);
        s.take(b"\0\0\0", &mut out);
        s.skip(10, &mut out);
        assert_eq!(out.len(), 1);
    }

    #[test]
    fn an_mdat_to_the_end_of_the_file_is_skipped_for_ever() {
        let mut s = Scanner::default();
        let mut out = Vec::new();
        s.feed(b"\0\0\0\0mdat", &mut out);
        assert!(matches!(s.want(), Want::Skip(n) if n > 1 << 60));
        s.feed(&[1; 100], &mut out);
        assert!(out.is_empty());
    }
}
