//! Bodies of media: chunks that are there, and chunks that come.
//!
//! Chunks are shared with the store, never copied.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::store::Reader;

/// Chunks that are all there.
#[derive(Debug)]
pub(super) struct Whole {
    chunks: VecDeque<Bytes>,
    left: u64,
}

impl Whole {
    pub(super) fn new(chunks: Vec<Bytes>) -> Self {
        let left = length(&chunks);
        Self { chunks: chunks.into(), left }
    }

    /// Only the bytes of `range` of them.
    pub(super) fn part(chunks: Vec<Bytes>, range: Range<u64>) -> Self {
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
}

/// How many bytes `chunks` have.
pub(super) fn length(chunks: &[Bytes]) -> u64 {
    chunks.iter().map(|c| c.len() as u64).sum()
}

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let chunk = self.chunks.pop_front();
        self.left -= chunk.as_ref().map_or(0, |c| c.len() as u64);
        Poll::Ready(chunk.map(|c| Ok(Frame::data(c))))
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

type Next = Pin<Box<dyn Future<Output = (Reader, Option<Vec<Bytes>>)> + Send + Sync>>;

/// A segment that grows while it is read.
pub(super) struct Growing {
    ready: VecDeque<Bytes>,
    next: Option<Next>,
}

impl Growing {
    pub(super) fn new(reader: Reader) -> Self {
        Self { ready: VecDeque::new(), next: Some(wait(reader)) }
    }
}

fn wait(mut reader: Reader) -> Next {
    Box::pin(async move {
        let chunks = reader.next().await;
        (reader, chunks)
    })
}

impl Body for Growing {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            if let Some(chunk) = self.ready.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(chunk))));
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
