//! Connections: how many, how fast, until when.
//!
//! Every connection sends each chunk at once (TCP_NODELAY: with Nagle's algorithm a chunk may wait
//! for the acknowledgement of the one before). A client that takes nothing for a while is dropped; so
//! is one that does not finish its request. Over the most connections, of one address or of all, a
//! new one is told to come back.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Sleep;

use crate::app::App;
use crate::error::Error;
use crate::shutdown::Shutdown;

/// What one connection may cost, and all of them.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time: a browser makes six to one host.
    pub connections: usize,
    /// Of these, from one address: nobody shuts out all others.
    pub from_one: usize,
    /// A client that takes no byte for so long is gone.
    pub stalled: Duration,
    /// A connection without a complete request.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            // Much for one household, and not little for a proxy before the server.
            from_one: 256,
            stalled: Duration::from_secs(20),
            idle: Duration::from_secs(60),
        }
    }
}

/// Time for what is being sent when the server ends.
const GOODBYE: Duration = Duration::from_millis(300);

/// Listens on `address`; a port that is taken is an error of its own.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => Error::PortTaken(address),
        _ => Error::Listen { address, source },
    })
}

/// Serves until the shutdown.
pub async fn run(listener: TcpListener, app: Arc<App>, limits: Limits, shutdown: Shutdown) {
    let router = super::router(Arc::clone(&app));
    let places = Arc::new(Semaphore::new(limits.connections));
    let clients = Clients::default();
    let mut connections = JoinSet::new();
    loop {
        let (stream, client) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => (stream, client.ip()),
                Err(e) => {
                    // Out of descriptors, or the client went again: neither ends the server.
                    tracing::debug!("accept: {e}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            Some(_) = connections.join_next() => continue,
            () = shutdown.wait() => break,
        };
        let place = Arc::clone(&places).try_acquire_owned().ok();
        let seat = clients.admit(client, limits.from_one);
        let (Some(place), Some(seat)) = (place, seat) else {
            connections.spawn(refuse(stream));
            continue;
        };
        let (router, shutdown, app) = (router.clone(), shutdown.clone(), Arc::clone(&app));
        connections.spawn(async move {
            app.connections.fetch_add(1, Ordering::Relaxed);
            connection(stream, router, limits, shutdown).await;
            app.connections.fetch_sub(1, Ordering::Relaxed);
            drop((place, seat));
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, router: Router, limits: Limits, shutdown: Shutdown) {
    // Only fails on a connection that is already closed.
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(Patient { stream, limit: limits.stalled, stalled: None });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .serve_connection(io, TowerToHyperService::new(router));
    tokio::pin!(serving);
    tokio::select! {
        ended = serving.as_mut() => {
            if let Err(e) = ended {
                tracing::debug!("connection: {e}");
            }
            return;
        }
        () = shutdown.wait() => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(GOODBYE, serving).await;
}

async fn refuse(mut stream: TcpStream) {
    const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n\
        Access-Control-Allow-Origin: *\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let _ = tokio::time::timeout(Duration::from_secs(1), stream.write_all(FULL)).await;
}

/// How many connections each client has.
#[derive(Clone, Debug, Default)]
struct Clients(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One of a client's connections, until it is dropped.
#[derive(Debug)]
struct Seat {
    clients: Clients,
    client: IpAddr,
}

impl Clients {
    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` when the client has `most` already.
    fn admit(&self, address: IpAddr, most: usize) -> Option<Seat> {
        let client = match address.to_canonical() {
            // A household has a network of addresses (RFC 6177).
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
            v4 => v4,
        };
        let mut clients = self.lock();
        let count = clients.entry(client).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Seat { clients: self.clone(), client })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut clients = self.clients.lock();
        if let Some(count) = clients.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                clients.remove(&self.client);
            }
        }
    }
}

/// A stream that gives up on a peer that takes nothing.
struct Patient {
    stream: TcpStream,
    limit: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn judge<T>(
        &mut self,
        result: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.stalled = None;
            return result;
        }
        let limit = self.limit;
        let timer = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        match timer.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(result, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.judge(result, cx)
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

/// The addresses to type on another device, when `address` listens on all of them.
pub fn pages(address: SocketAddr) -> Vec<String> {
    if !address.ip().is_unspecified() {
        return vec![format!("http://{address}/")];
    }
    let mut found = vec![format!("http://localhost:{}/", address.port())];
    for ip in own_addresses() {
        // A link-local IPv6 address needs a zone, which no browser takes.
        let useful = match ip {
            IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
            IpAddr::V6(v6) => address.is_ipv6() && !v6.is_loopback() && !v6.is_unicast_link_local(),
        };
        if useful {
            found.push(format!("http://{}/", SocketAddr::new(ip, address.port())));
        }
    }
    found
}

fn own_addresses() -> Vec<IpAddr> {
    let Ok(interfaces) = nix::ifaddrs::getifaddrs() else { return Vec::new() };
    interfaces
        .filter_map(|i| {
            let address = i.address?;
            let v4 = address.as_sockaddr_in().map(|a| IpAddr::V4(a.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|a| IpAddr::V6(a.ip())))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_has_no_more_than_its_part_of_the_connections() {
        let clients = Clients::default();
        let admit = |address: &str| clients.admit(address.parse().expect("an address"), 2);
        for (first, second, third, other) in [
            ("10.0.0.1", "10.0.0.1", "::ffff:10.0.0.1", "10.0.0.2"),
            ("2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1"),
        ] {
            let (one, two) = (admit(first), admit(second));
            assert!(one.is_some() && two.is_some());
            assert!(admit(third).is_none());
            assert!(admit(other).is_some());
            drop(two);
            assert!(admit(third).is_some());
        }
        assert!(clients.lock().is_empty());
    }

    #[test]
    fn a_page_on_one_address_has_one_address() {
        let address = SocketAddr::from(([127, 0, 0, 1], 21_500));
        assert_eq!(pages(address), ["http://127.0.0.1:21500/"]);
    }

    #[test]
    fn a_page_on_all_addresses_begins_with_this_machine() {
        let found = pages(SocketAddr::from(([0, 0, 0, 0], 80)));
        assert_eq!(found[0], "http://localhost:80/");
        assert!(found.iter().all(|a| !a.contains("127.0.0.1") && !a.contains("0.0.0.0")));
    }
}
