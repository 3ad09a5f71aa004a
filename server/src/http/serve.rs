//! Connections: how many, how fast, until when.
//!
//! Every connection sends each chunk at once (TCP_NODELAY: with Nagle's algorithm a chunk may wait
//! for the acknowledgement of the one before). A client that takes nothing for a while is dropped; so
//! is one that does not finish its request. Over the most connections, of one address or of all, the
//! one that has done nothing for the longest is closed for a new one ([`super::seats`]); where all are
//! being answered, the new one is told to come back.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use nearlive::time::Instant;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::seats::{Admission, Seat, Seats};
use super::stream::{Answering, Attended, Patient};
use crate::app::App;
use crate::error::Error;
use crate::rarely::Rarely;
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
    /// From the start of a connection, or the first byte of another request, to the end of the
    /// request's head.
    pub head: Duration,
    /// From an answer to the next request.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            // Much for one household, and not little for a proxy before the server.
            from_one: 256,
            stalled: Duration::from_secs(20),
            head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
        }
    }
}

/// Time for what is being sent when the server ends.
const GOODBYE: Duration = Duration::from_millis(300);

/// A head that has no end yet when so much of it has come is answered 431 (RFC 6585, 5). It is looked
/// at after each read, which takes up to as much again: one of less than twice this may pass.
const LONGEST_HEAD: usize = 64 << 10;

/// How often the log tells of connections that were refused, or closed for others.
const CROWDED: Duration = Duration::from_secs(60);

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
    let seats = Seats::new(limits.connections, limits.from_one);
    let mut crowd = Crowd::new(limits);
    let mut failed = Rarely::new(CROWDED);
    let mut connections = JoinSet::new();
    loop {
        let (stream, client) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => (stream, client.ip()),
                Err(e) => {
                    // Out of descriptors, or the client went again: neither ends the server.
                    if let Some(n) = failed.happened(app.clock.now()) {
                        tracing::warn!("connections that could not be taken: {n}, the last: {e}");
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            Some(_) = connections.join_next() => continue,
            () = shutdown.wait() => break,
        };
        let now = app.clock.now();
        let seat = match seats.admit(client, now) {
            Admission::Free(seat) => seat,
            Admission::InPlaceOfIdle(seat) => {
                crowd.tell(client, false, now);
                seat
            }
            Admission::Full => {
                crowd.tell(client, true, now);
                connections.spawn(refuse(stream));
                continue;
            }
        };
        let (router, shutdown, app) = (router.clone(), shutdown.clone(), Arc::clone(&app));
        connections.spawn(async move {
            app.connections.fetch_add(1, Ordering::Relaxed);
            connection(stream, router, &app, (limits, Arc::new(seat)), shutdown).await;
            app.connections.fetch_sub(1, Ordering::Relaxed);
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: TcpStream,
    router: Router,
    app: &App,
    (limits, seat): (Limits, Arc<Seat>),
    shutdown: Shutdown,
) {
    // Only fails on a connection that is already closed.
    let _ = stream.set_nodelay(true);
    let clock = app.clock;
    let io = TokioIo::new(Patient::new(stream, limits, clock, Arc::clone(&seat)));
    let router = TowerToHyperService::new(router);
    let service = service_fn(|request: http::Request<Incoming>| {
        let answering = Answering::new(Arc::clone(&seat), clock);
        let answer = router.call(request);
        async move { answer.await.map(|r| r.map(|body| Attended::new(body, answering))) }
    });
    let serving = http1::Builder::new()
        // The stream itself knows how long a head may take.
        .header_read_timeout(None)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(io, service);
    tokio::pin!(serving);
    let mut leaving = false;
    loop {
        tokio::select! {
            ended = serving.as_mut() => {
                if let Err(e) = ended {
                    tracing::debug!("connection: {e}");
                }
                return;
            }
            () = seat.told_to_leave(), if !leaving => {
                // A request may have come just now: then it is the last.
                if seat.is_idle() {
                    return;
                }
                leaving = true;
                serving.as_mut().graceful_shutdown();
            }
            // Nobody else would look at the socket again, and so at the time that it has.
            () = seat.rested() => {}
            () = shutdown.wait() => break,
        }
    }
    serving.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(GOODBYE, serving).await;
}

async fn refuse(mut stream: TcpStream) {
    const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n\
        Access-Control-Allow-Origin: *\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let _ = tokio::time::timeout(Duration::from_secs(1), stream.write_all(FULL)).await;
}

/// Tells of crowds, without flooding the log.
struct Crowd {
    limits: Limits,
    closed: Rarely,
    refused: Rarely,
}

impl Crowd {
    fn new(limits: Limits) -> Self {
        Self { limits, closed: Rarely::new(CROWDED), refused: Rarely::new(CROWDED) }
    }

    /// A connection of `client` was refused, or got the place of one that did nothing.
    fn tell(&mut self, client: IpAddr, refused: bool, now: Instant) {
        let Limits { connections, from_one, .. } = self.limits;
        let client = client.to_canonical();
        let limits = format!("at most {from_one} from one address, {connections} in all");
        if refused {
            if let Some(n) = self.refused.happened(now) {
                tracing::warn!(
                    "connections refused: {n}, the last from {client} ({limits}; all are in use)"
                );
            }
        } else if let Some(n) = self.closed.happened(now) {
            tracing::info!(
                "idle connections closed for new ones: {n}, the last for {client} ({limits})"
            );
        }
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
