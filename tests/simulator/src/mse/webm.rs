//! The segment parser for WebM: elements of EBML instead of boxes; as the other one, independent of `nearlive::media`.
//!
//! Source: RFC 8794 (EBML), RFC 9559 (Matroska) and the MSE byte stream format for WebM.

use super::frame::{Frame, Init, Parsed};
use crate::payload::{Payload, count};

const EBML: u32 = 0x1A45_DFA3;
const SEGMENT: u32 = 0x1853_8067;
const TRACKS: u32 = 0x1654_AE6B;
const TRACK_ENTRY: u32 = 0xAE;
const CODEC_ID: u32 = 0x86;
const DEFAULT_DURATION: u32 = 0x23_E383;
const CLUSTER: u32 = 0x1F43_B675;
const TIMESTAMP: u32 = 0xE7;
const SIMPLE_BLOCK: u32 = 0xA3;

/// The first byte of a WebM file.
pub(super) const FIRST: u8 = 0x1A;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Header,
    /// Inside an element that is read whole.
    Whole(u32, u64),
    /// Inside a frame: so many bytes are left.
    Frame(u64),
    /// Inside something else.
    Other(u64),
}

/// The parser.
#[derive(Clone, Debug, Default)]
pub(super) struct Reader {
    state: State,
    head: Vec<u8>,
    /// How long a frame lasts, microseconds; `None` before an initialization segment.
    lasts: Option<i64>,
    /// The time of the cluster that is read, milliseconds.
    cluster: Option<i64>,
    frame: Option<Frame>,
}

impl Reader {
    pub(super) fn reset(&mut self) {
        *self = Self { lasts: self.lasts, ..Self::default() };
    }

    pub(super) fn mid_element(&self) -> bool {
        self.state != State::Header || !self.head.is_empty()
    }

    pub(super) fn mid_frame(&self) -> bool {
        self.frame.is_some()
    }

    pub(super) fn feed(&mut self, mut data: Payload, out: &mut Vec<Parsed>) -> Result<(), String> {
        while !data.is_empty() {
            match self.state {
                State::Header => {
                    data.read(1, &mut self.head);
                    if let Some((id, size)) = header(&self.head) {
                        self.head.clear();
                        self.enter(id, size)?;
                    }
                }
                State::Whole(id, size) => {
                    let missing = size - count(self.head.len());
                    data.read(usize::try_from(missing).unwrap_or(0), &mut self.head);
                    if count(self.head.len()) == size {
                        let whole = std::mem::take(&mut self.head);
                        self.state = State::Header;
                        self.whole(id, &whole, out)?;
                    }
                }
                State::Frame(left) | State::Other(left) => {
                    let left = left - data.take(left).len();
                    let frame = matches!(self.state, State::Frame(_));
                    self.state = if frame { State::Frame(left) } else { State::Other(left) };
                }
            }
            if matches!(self.state, State::Frame(0) | State::Other(0)) {
                self.state = State::Header;
                out.extend(self.frame.take().map(Parsed::Frame));
            }
        }
        Ok(())
    }

    /// The header of an element is complete.
    fn enter(&mut self, id: u32, size: Option<u64>) -> Result<(), String> {
        self.state = match (id, size) {
            (EBML, Some(n)) => State::Other(n),
            (SEGMENT, _) => State::Header,
            (CLUSTER, _) => {
                self.lasts.ok_or("a cluster before an initialization segment")?;
                self.cluster = Some(0);
                State::Header
            }
            (TRACKS | TIMESTAMP, Some(n)) => State::Whole(id, n),
            (SIMPLE_BLOCK, Some(n)) if n > 4 && self.cluster.is_some() => {
                // Its head, then the frame.
                self.frame = Some(Frame { decode: 0, start: 0, end: 0, sync: false, bytes: n - 4 });
                State::Whole(id, 4)
            }
            // SeekHead, Void, Info, Cues, Tags.
            (0x114D_9B74 | 0xEC | 0x1549_A966 | 0x1C53_BB6B | 0x1254_C367, Some(n)) => {
                self.cluster = None;
                State::Other(n)
            }
            _ => return Err(format!("no element of WebM may stand here: {id:x}")),
        };
        Ok(())
    }

    fn whole(&mut self, id: u32, body: &[u8], out: &mut Vec<Parsed>) -> Result<(), String> {
        match (id, body) {
            (TRACKS, _) => {
                let entry = child(body, TRACK_ENTRY).ok_or("no track")?;
                let codec = match child(entry, CODEC_ID) {
                    Some(b"V_VP9") => "vp9",
                    Some(b"A_OPUS") => "opus",
                    _ => return Err("a codec that is not known".into()),
                };
                let lasts = child(entry, DEFAULT_DURATION).map(number).unwrap_or_default();
                self.lasts = i64::try_from(lasts / 1000).ok();
                let init = Init { codec: codec.to_owned(), timescale: 1000, ..Init::default() };
                out.push(Parsed::Init(init));
            }
            (TIMESTAMP, _) => self.cluster = i64::try_from(number(body)).ok(),
            (_, [_, high, low, flags]) => {
                let (cluster, lasts) =
                    self.cluster.zip(self.lasts).ok_or("a block of no cluster")?;
                let start = (cluster + i64::from(i16::from_be_bytes([*high, *low]))) * 1000;
                if let Some(frame) = &mut self.frame {
                    (frame.decode, frame.start, frame.end) = (start, start, start + lasts);
                    frame.sync = flags & 0x80 != 0;
                    self.state = State::Frame(frame.bytes);
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, byte| (n << 8) | u64::from(*byte))
}

/// Identifier and size (`None`: unknown), if all of their bytes are there.
fn header(bytes: &[u8]) -> Option<(u32, Option<u64>)> {
    let length = |at: usize| Some(bytes.get(at)?.leading_zeros() as usize + 1);
    let id = length(0)?;
    let size = bytes.get(id..id + length(id)?)?;
    let most = (1u64 << (7 * size.len())) - 1;
    let n = number(size) & most;
    Some((u32::try_from(number(bytes.get(..id)?)).ok()?, (n != most).then_some(n)))
}

/// The content of the first element with this identifier.
fn child(mut body: &[u8], wanted: u32) -> Option<&[u8]> {
    loop {
        let length =
            (2..=12).find(|n| body.get(..*n).is_some_and(|head| header(head).is_some()))?;
        let (id, size) = header(body.get(..length)?)?;
        let end = length + usize::try_from(size?).ok()?;
        let content = body.get(length..end)?;
        if id == wanted {
            return Some(content);
        }
        body = body.get(end..)?;
    }
}
