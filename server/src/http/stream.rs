//! A client's socket and its answers, with an eye on what the client does.
//!
//! [`Patient`] gives up on a client that takes nothing, sends nothing, or never comes to the end of
//! its request; [`Attended`] is an answer that tells the client's [`Seat`] when it was taken.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use nearlive::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::seats::Seat;
use super::serve::Limits;
use crate::clock::Clock;

/// A stream that gives up on a peer that has lost interest.
pub(super) struct Patient {
    stream: TcpStream,
    limits: Limits,
    clock: Clock,
    seat: Arc<Seat>,
    stalled: Option<Pin<Box<Sleep>>>,
    due: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl Patient {
    pub(super) fn new(stream: TcpStream, limits: Limits, clock: Clock, seat: Arc<Seat>) -> Self {
        Self { stream, limits, clock, seat, stalled: None, due: None }
    }

    /// A write that has to wait must not wait for long.
    fn wrote<T>(
        &mut self,
        result: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            if self.stalled.take().is_some() {
                self.seat.unsent(false);
            }
            return result;
        }
        let limit = self.limits.stalled;
        let timer = self.stalled.get_or_insert_with(|| {
            self.seat.unsent(true);
            Box::pin(tokio::time::sleep(limit))
        });
        timer.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Nothing has come: until when may that be so?
    fn silent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(until) = self.seat.deadline(self.limits.head, self.limits.idle) else {
            self.due = None;
            return Poll::Pending;
        };
        let left = until.since(self.clock.now());
        let (due, timer) =
            self.due.get_or_insert_with(|| (until, Box::pin(tokio::time::sleep(left))));
        if *due != until {
            *due = until;
            timer.set(tokio::time::sleep(left));
        }
        timer.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if result.is_pending() {
            return self.silent(cx);
        }
        if buffer.filled().len() > before {
            self.seat.heard(self.clock.now());
        }
        result
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(result, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.wrote(result, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// A request that is being answered, until it is dropped.
pub(super) struct Answering {
    seat: Arc<Seat>,
    clock: Clock,
}

impl Answering {
    pub(super) fn new(seat: Arc<Seat>, clock: Clock) -> Self {
        seat.answers();
        Self { seat, clock }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.seat.waits(self.clock.now());
    }
}

/// An answer's body; the request is answered when it has been taken to its end, or dropped.
pub(super) struct Attended {
    body: Body,
    _answering: Answering,
}

impl Attended {
    pub(super) fn new(body: Body, answering: Answering) -> Self {
        Self { body, _answering: answering }
    }
}

impl http_body::Body for Attended {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
