//! Connections: how many, how fast, and for how long.
//!
//! A client that takes nothing for a while is dropped; so is one that does not finish its request.
//! When one client, or all together, have the most connections allowed, one is closed for a new
//! one; [`super::seats`] chooses it. If none may be closed, the new connection is told to come
//! back; so is a held request whose connection is closed.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use nearlive::time::Instant;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::limits::Limits;
use super::reply::busy;
use super::seats::{Admission, Seat, Seats};
use super::stream::{self, Answering, Patient};
use crate::app::App;
use crate::error::Error;
use crate::rarely::Rarely;
use crate::shutdown::Shutdown;

/// Time to finish sending when the server ends.
const GOODBYE: Duration = Duration::from_millis(300);

/// A head that is not complete after this many bytes is answered 431 (RFC 6585, 5). This is checked
/// after each read, which takes up to as much again: a head of less than twice this size may pass.
const LONGEST_HEAD: usize = 64 << 10;

/// Size of the kernel's buffer for a client's requests, which are small.
const RECEIVED: u32 = 32 << 10;

/// Connections that the kernel accepts before the server does.
const BACKLOG: u32 = 1024;

/// How often the log reports connections that were refused, or closed for others.
const CROWDED: Duration = Duration::from_secs(60);

/// Listens on `address`; a port in use has its own error.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    bound(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => Error::PortTaken(address),
        _ => Error::Listen { address, source },
    })
}

fn bound(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restarted server does not wait for the connections of the previous one.
    socket.set_reuseaddr(true)?;
    // Accepted connections inherit this.
    socket.set_recv_buffer_size(RECEIVED)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until the shutdown.
pub async fn run(listener: TcpListener, app: Arc<App>, limits: Limits, shutdown: Shutdown) {
    let limits = Arc::new(limits);
    let seats = Seats::new(Arc::clone(&limits));
    let mut crowd = Crowd::new(Arc::clone(&limits));
    let mut failed = Rarely::new(CROWDED);
    let mut connections = JoinSet::new();
    loop {
        let (stream, client) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => (stream, client.ip()),
                Err(e) => {
                    // Out of descriptors, or the client has left again: neither ends the server.
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
        let admission = seats.admit(client, now);
        crowd.tell(client, &admission, now);
        let seat = match admission {
            Admission::Free(seat)
            | Admission::InPlaceOfIdle(seat)
            | Admission::InPlaceOfBusy(seat, _) => Arc::new(seat),
            Admission::Full => {
                connections.spawn(refuse(stream));
                continue;
            }
        };
        let (app, limits, shutdown) = (Arc::clone(&app), Arc::clone(&limits), shutdown.clone());
        connections.spawn(async move {
            app.connections.fetch_add(1, Ordering::Relaxed);
            connection(stream, &app, (limits, seat), shutdown).await;
            app.connections.fetch_sub(1, Ordering::Relaxed);
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn connection(
    stream: TcpStream,
    app: &App,
    (limits, seat): (Arc<Limits>, Arc<Seat>),
    shutdown: Shutdown,
) {
    // Only fails on a connection that is already closed.
    let _ = stream::prepare(&stream);
    let io = TokioIo::new(Patient::new(stream, limits, app.clock, Arc::clone(&seat)));
    let service = service_fn(|request: http::Request<Incoming>| {
        let answering = Answering::new(Arc::clone(&seat), app.clock);
        let seat = Arc::clone(&seat);
        async move {
            let answer = tokio::select! {
                biased;
                answer = super::answer(app, request) => answer,
                // The request was held.
                () = seat.told_to_leave() => busy(),
            };
            Ok::<_, Infallible>(answering.with(answer))
        }
    });
    let serving = http1::Builder::new()
        // The stream itself limits how long a head may take.
        .header_read_timeout(None)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(io, service);
    tokio::pin!(serving);
    loop {
        tokio::select! {
            ended = serving.as_mut() => {
                if let Err(e) = ended {
                    tracing::debug!("connection: {e}");
                }
                return;
            }
            () = seat.told_to_leave() => {
                if seat.holds() {
                    break;
                }
                return;
            }
            // Without this task nothing would poll the socket again at its deadline.
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

/// Reports crowds, without flooding the log.
struct Crowd {
    limits: Arc<Limits>,
    idle: Rarely,
    busy: Rarely,
    refused: Rarely,
}

impl Crowd {
    fn new(limits: Arc<Limits>) -> Self {
        let [idle, busy, refused] = [(); 3].map(|()| Rarely::new(CROWDED));
        Self { limits, idle, busy, refused }
    }

    /// Notes which seat a connection of `address` got.
    fn tell(&mut self, address: IpAddr, admission: &Admission, now: Instant) {
        if matches!(admission, Admission::Free(_)) {
            return;
        }
        let (client, part) = self.limits.client(address);
        let all = self.limits.connections;
        let limits = format!("[limits] gives {client} {part} connections, all together {all}");
        match admission {
            Admission::Free(_) => {}
            Admission::InPlaceOfIdle(_) => {
                if let Some(n) = self.idle.happened(now) {
                    tracing::info!(
                        "idle connections closed for new ones: {n}, the last for {client} ({limits})"
                    );
                }
            }
            Admission::InPlaceOfBusy(_, loser) => {
                if let Some(n) = self.busy.happened(now) {
                    tracing::warn!(
                        "answers cut off for others: {n}, the last of {loser}, which has the most, for \
                         {client} ({limits})"
                    );
                }
            }
            Admission::Full => {
                if let Some(n) = self.refused.happened(now) {
                    tracing::warn!(
                        "connections refused: {n}, the last from {client} ({limits}; all are in use)"
                    );
                }
            }
        }
    }
}

/// Where the pages are, for who started the server.
pub fn greeting(address: SocketAddr) -> String {
    let mut text = "Open one of these in a browser (Ctrl-C ends the server):\n".to_owned();
    for page in pages(address) {
        text.push_str(&format!("  {page}\n"));
    }
    text
}

/// The addresses to type on another device, if `address` means all interfaces.
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
