//! A client's socket and its answers, with limits on what the client does.
//!
//! [`Patient`] drops a client that takes nothing, sends nothing, or never finishes its request;
//! [`Attended`] is an answer that tells the client's [`Seat`] when it was taken.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use nearlive::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::body::Body;
use super::limits::Limits;
use super::pace::Pace;
use super::seats::Seat;
use crate::clock::Clock;

/// Size of the kernel's buffer for unsent bytes, per connection. Without it a client that does not
/// read costs megabytes. The window of bytes that are sent and not acknowledged is up to the
/// kernel, so a fast link of long delay is still filled.
const UNSENT: u32 = 32 << 10;

/// Sets up a new connection: each chunk is sent at once (TCP_NODELAY: with Nagle's algorithm it may
/// wait for the acknowledgement of the one before), and few bytes wait in the kernel.
pub(super) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = socket2::SockRef::from(stream);
    #[cfg(target_os = "linux")]
    return socket.set_tcp_notsent_lowat(UNSENT);
    #[cfg(not(target_os = "linux"))]
    return socket.set_send_buffer_size(UNSENT as usize * 8);
}

/// A stream that gives up on a client that no longer reads or sends.
pub(super) struct Patient {
    stream: TcpStream,
    limits: Arc<Limits>,
    clock: Clock,
    seat: Arc<Seat>,
    pace: Pace,
    taking: Timer,
    asking: Timer,
}

impl Patient {
    pub(super) fn new(
        stream: TcpStream,
        limits: Arc<Limits>,
        clock: Clock,
        seat: Arc<Seat>,
    ) -> Self {
        let (taking, asking) = (Timer::default(), Timer::default());
        Self { stream, limits, clock, seat, pace: Pace::Level, taking, asking }
    }

    /// Called after an attempt to write `all` bytes: a client may be behind only for so long.
    fn wrote(
        &mut self,
        result: Poll<io::Result<usize>>,
        all: usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let now = self.clock.now();
        let before = self.pace;
        match &result {
            Poll::Pending => self.pace.waits(now),
            Poll::Ready(Ok(some)) => self.pace.took(*some, all, now),
            Poll::Ready(Err(_)) => return result,
        }
        let level = self.pace == Pace::Level;
        if (before == Pace::Level) != level {
            self.seat.unsent(!level);
        }
        let until = self.seat.until();
        let deadline = self.pace.deadline(self.limits.stalled);
        let deadline = deadline.map(|due| until.map_or(due, |until| due.min(until)));
        let late = self.taking.is_due(deadline, now, cx) || until.is_some_and(|until| until < now);
        if late { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { result }
    }

    /// The time by which a byte must come, if none has.
    fn silent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let until = self.seat.deadline(self.limits.head, self.limits.idle);
        let late = self.asking.is_due(until, self.clock.now(), cx);
        if late { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { Poll::Pending }
    }
}

/// Wakes the task at a time that may change.
#[derive(Default)]
struct Timer(Option<(Instant, Pin<Box<Sleep>>)>);

impl Timer {
    /// Whether `until` has passed; if not, the task is woken then.
    fn is_due(&mut self, until: Option<Instant>, now: Instant, cx: &mut Context<'_>) -> bool {
        let Some(until) = until else {
            self.0 = None;
            return false;
        };
        let left = until.since(now).into();
        let (set, sleep) =
            self.0.get_or_insert_with(|| (until, Box::pin(tokio::time::sleep(left))));
        if *set != until {
            *set = until;
            sleep.set(tokio::time::sleep(left));
        }
        sleep.as_mut().poll(cx).is_ready()
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
        if let Some(bytes) = buffer.filled().get(before..).filter(|b| !b.is_empty()) {
            self.seat.heard(bytes, self.clock.now());
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
        self.wrote(result, bytes.len(), cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        let all = slices.iter().map(|s| s.len()).sum();
        self.wrote(result, all, cx)
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
        seat.answers(clock.now());
        Self { seat, clock }
    }

    /// The answer that has come, watched to its end.
    pub(super) fn with(self, answer: http::Response<Body>) -> http::Response<Attended> {
        self.seat.begins(answer.extensions().get::<Until>().map(|until| until.0));
        answer.map(|body| Attended { body, _answering: self })
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.seat.waits(self.clock.now());
    }
}

/// In an answer's extensions: the time by which it must be taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Until(pub(super) Instant);

/// An answer's body; the request is answered when it has been taken to its end, or dropped.
pub(super) struct Attended {
    body: Body,
    _answering: Answering,
}

impl http_body::Body for Attended {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
