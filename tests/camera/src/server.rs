//! The camera as a whole: starting, the listening socket, commands, and ending.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::task::{AbortHandle, JoinSet};

use crate::fault::{Fault, Faults};
use crate::source::Source;
use crate::{CameraConfig, capture, rtsp};

/// The encoder's first frame is out within this, also on a busy machine.
const FIRST_FRAME: Duration = Duration::from_secs(20);
/// Bytes that wait in the kernel for a client that does not read.
const SEND_BUFFER: u32 = 256 << 10;
/// Between attempts to get a port back that was closed by a fault.
const REBIND: Duration = Duration::from_millis(100);

/// Why a camera did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The address cannot be listened on.
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// ffmpeg could not be started.
    NoFfmpeg {
        /// What was tried.
        program: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// ffmpeg ended before its first frame.
    Encoder {
        /// What it said.
        said: String,
    },
    /// ffmpeg runs but gave no frame in 20 seconds.
    NoFrame,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, error } => {
                write!(f, "cannot listen on {address}: {error}; choose another address or port")
            }
            Self::NoFfmpeg { program, error } => write!(
                f,
                "cannot start {}: {error}; install ffmpeg or name the one to use",
                program.display()
            ),
            Self::Encoder { said } => write!(f, "ffmpeg cannot encode for the camera: {said}"),
            Self::NoFrame => write!(f, "ffmpeg gave no frame in {} s", FIRST_FRAME.as_secs()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen { error, .. } | Self::NoFfmpeg { error, .. } => Some(error),
            Self::Encoder { .. } | Self::NoFrame => None,
        }
    }
}

/// A running camera; ends with its ffmpeg and all connections when dropped.
pub struct Camera {
    config: CameraConfig,
    address: SocketAddr,
    source: Arc<Source>,
    tasks: Vec<AbortHandle>,
    capture: Option<thread::JoinHandle<Result<(), Error>>>,
}

/// Switches faults of a camera on and off.
#[derive(Clone)]
pub struct Control(Arc<Source>);

impl Control {
    /// Lets a fault begin.
    pub fn set(&self, fault: Fault) {
        self.0.faults.send_modify(|faults| faults.set(fault));
    }

    /// Ends all faults that last.
    pub fn clear(&self) {
        self.0.faults.send_modify(Faults::clear);
    }
}

impl Camera {
    /// Starts a camera; it has a first frame and listens when this returns. Must be called in a
    /// tokio runtime with time and network.
    pub async fn start(config: CameraConfig) -> Result<Self, Error> {
        let listen_error = |error| Error::Listen { address: config.listen, error };
        let listener = listen(config.listen).map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
        let source = Arc::new(Source::new(config.clock_ppm));
        let capture = capture::start(config.clone(), Arc::clone(&source));
        let mut camera =
            Self { config, address, source, tasks: Vec::new(), capture: Some(capture) };
        camera.first_frame().await?;
        let host = rtsp::Host {
            config: camera.config.clone(),
            source: Arc::clone(&camera.source),
            nonce: format!("{:016x}", random()),
            // RTP time starts anywhere (RFC 3550 5.1), for each track on its own.
            offsets: [random() as u32, random() as u32],
        };
        let accept = tokio::spawn(accept(listener, address, Arc::new(host)));
        camera.tasks.push(accept.abort_handle());
        if let Some(law) = camera.config.audio {
            let sound = tokio::spawn(capture::sound(law, Arc::clone(&camera.source)));
            camera.tasks.push(sound.abort_handle());
        }
        Ok(camera)
    }

    async fn first_frame(&mut self) -> Result<(), Error> {
        let mut sets = self.source.parameter_sets.subscribe();
        let deadline = tokio::time::Instant::now() + FIRST_FRAME;
        loop {
            if !sets.borrow_and_update().sps.is_empty() {
                return Ok(());
            }
            // Looks after the thread as well: one that failed sends nothing.
            let _ = tokio::time::timeout(Duration::from_millis(50), sets.changed()).await;
            if let Some(ended) = self.capture.take_if(|thread| thread.is_finished()) {
                return match ended.join() {
                    Ok(Err(error)) => Err(error),
                    _ => Err(Error::NoFrame),
                };
            }
            if tokio::time::Instant::now() > deadline {
                return Err(Error::NoFrame);
            }
        }
    }

    /// Where it listens; the port is known even if 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The stream's address with user and password, both percent-encoded.
    pub fn url(&self) -> String {
        self.url_with(percent_encoded)
    }

    /// The stream's address as people write it: user and password as they are, even if they hold
    /// `@`, `!`, `:` or `%`.
    pub fn url_as_typed(&self) -> String {
        self.url_with(str::to_owned)
    }

    /// The stream's address without user and password.
    pub fn url_without_password(&self) -> String {
        format!("rtsp://{}/{}", self.reachable(), self.config.path)
    }

    fn url_with(&self, write: fn(&str) -> String) -> String {
        let login = self.config.auth.credentials();
        let login = login.map(|(u, p)| format!("{}:{}@", write(u), write(p))).unwrap_or_default();
        format!("rtsp://{login}{}/{}", self.reachable(), self.config.path)
    }

    /// The address to connect to: of all addresses of this machine, the loopback one.
    fn reachable(&self) -> SocketAddr {
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        SocketAddr::new(ip, self.address.port())
    }

    /// A handle for faults, which may outlive the camera.
    pub fn control(&self) -> Control {
        Control(Arc::clone(&self.source))
    }

    /// Ends the camera and waits until its encoder and thread are gone.
    pub async fn stop(mut self) {
        self.end();
        if let Some(thread) = self.capture.take() {
            let _ = tokio::task::spawn_blocking(|| thread.join()).await;
        }
    }

    fn end(&self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        self.source.stop();
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.end();
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A port that a fault closed must be had again at once, old connections or not.
    socket.set_reuseaddr(true)?;
    // As little as a camera has (connections inherit it): a client that does not read is noticed
    // before it is half a minute behind.
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(address)?;
    socket.listen(64)
}

/// Takes connections; closes and opens the port as faults want it.
async fn accept(listener: TcpListener, address: SocketAddr, host: Arc<rtsp::Host>) {
    let mut faults = host.source.faults.subscribe();
    let mut connections = JoinSet::new();
    let mut listener = Some(listener);
    loop {
        let closed = faults.borrow_and_update().closed();
        if closed {
            listener = None;
        } else if listener.is_none() {
            listener = listen(address).ok();
        }
        tokio::select! {
            changed = faults.changed() => if changed.is_err() { return },
            connection = accept_one(listener.as_ref()), if listener.is_some() => {
                if let Ok(stream) = connection {
                    connections.spawn(rtsp::serve(Arc::clone(&host), stream));
                }
            }
            // Someone else took the port meanwhile: try again until it is free.
            () = tokio::time::sleep(REBIND), if listener.is_none() && !closed => (),
            _ = connections.join_next(), if !connections.is_empty() => (),
        }
    }
}

async fn accept_one(listener: Option<&TcpListener>) -> io::Result<tokio::net::TcpStream> {
    match listener {
        Some(listener) => Ok(listener.accept().await?.0),
        None => std::future::pending().await,
    }
}

/// Random enough for nonces, sequence numbers and sources of a test camera.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(0)
}

/// Everything but RFC 3986's unreserved characters as %XX.
fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_characters_in_passwords_are_escaped() {
        assert_eq!(percent_encoded("Ab@2018!:%/é~"), "Ab%402018%21%3A%25%2F%C3%A9~");
    }
}
