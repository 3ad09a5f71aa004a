//! Bodies of answers: chunks that exist, chunks that are still to come, and files.
//!
//! Chunks are shared with the store, never copied.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::disk::Disk;
use crate::store::Reader;

/// The body of any answer.
pub struct Body(Kind);

enum Kind {
    Whole(Whole),
    Growing(Growing),
    Disk(Disk),
}

impl Body {
    /// These chunks.
    pub(super) fn whole(chunks: Vec<Bytes>) -> Self {
        Self(Kind::Whole(Whole::new(chunks)))
    }

    /// Only the bytes of `range` of these chunks.
    pub(super) fn part(chunks: Vec<Bytes>, range: Range<u64>) -> Self {
        Self(Kind::Whole(Whole::part(chunks, range)))
    }

    /// The chunks of a segment, as they come.
    pub(super) fn growing(reader: Reader) -> Self {
        Self(Kind::Growing(Growing::new(reader)))
    }

    /// Bytes of a file.
    pub(super) fn disk(disk: Disk) -> Self {
        Self(Kind::Disk(disk))
    }
}

impl Default for Body {
    /// Nothing.
    fn default() -> Self {
        Self::whole(Vec::new())
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::whole(vec![bytes.into()])
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    /// The bytes that were promised are no longer there: the connection ends.
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let chunk = match &mut self.0 {
            Kind::Whole(whole) => Poll::Ready(whole.next().map(Ok)),
            Kind::Growing(growing) => growing.poll_next(cx).map(|chunk| chunk.map(Ok)),
            Kind::Disk(disk) => disk.poll_next(cx),
        };
        chunk.map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(whole) => whole.chunks.is_empty(),
            Kind::Growing(_) => false,
            Kind::Disk(disk) => disk.left() == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(whole) => SizeHint::with_exact(whole.left),
            Kind::Growing(_) => SizeHint::default(),
            Kind::Disk(disk) => SizeHint::with_exact(disk.left()),
        }
    }
}

/// Chunks that all exist.
struct Whole {
    chunks: VecDeque<Bytes>,
    left: u64,
}

impl Whole {
    fn new(chunks: Vec<Bytes>) -> Self {
        let left = length(&chunks);
        Self { chunks: chunks.into(), left }
    }

    fn part(chunks: Vec<Bytes>, range: Range<u64>) -> Self {
        let mut start = 0;
        let mut kept = Vec::new();
        for chunk in chunks {
            let end = start + chunk.len() as u64;
            let from = range.start.clamp(start, end) - start;
            let to = range.end.clamp(start, end) - start;
            if from < to {
                kept.push(chunk.slice(from as usize..to as usize));
            }
            start = end;
        }
        Self::new(kept)
    }

    fn next(&mut self) -> Option<Bytes> {
        let chunk = self.chunks.pop_front()?;
        self.left -= chunk.len() as u64;
        Some(chunk)
    }
}

/// The number of bytes in `chunks`.
pub(super) fn length(chunks: &[Bytes]) -> u64 {
    chunks.iter().map(|c| c.len() as u64).sum()
}

type Next = Pin<Box<dyn Future<Output = (Reader, Option<Vec<Bytes>>)> + Send + Sync>>;

/// A segment that grows while it is read.
struct Growing {
    ready: VecDeque<Bytes>,
    next: Option<Next>,
}

impl Growing {
    fn new(reader: Reader) -> Self {
        Self { ready: VecDeque::new(), next: Some(wait(reader)) }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Poll::Ready(Some(chunk));
            }
            let Some(next) = self.next.as_mut() else { return Poll::Ready(None) };
            match next.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready((reader, Some(chunks))) => {
                    self.ready.extend(chunks);
                    self.next = Some(wait(reader));
                }
                Poll::Ready((_, None)) => self.next = None,
            }
        }
    }
}

fn wait(mut reader: Reader) -> Next {
    Box::pin(async move {
        let chunks = reader.next().await;
        (reader, chunks)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(range: Range<u64>) -> Vec<u8> {
        let chunks = vec![Bytes::from_static(b"abc"), Bytes::from_static(b"de")];
        Whole::part(chunks, range).chunks.iter().flatten().copied().collect()
    }

    #[test]
    fn a_range_may_begin_and_end_inside_chunks() {
        assert_eq!(part(0..5), b"abcde");
        assert_eq!(part(1..4), b"bcd");
        assert_eq!(part(3..4), b"d");
        assert_eq!(part(2..3), b"c");
    }
}
