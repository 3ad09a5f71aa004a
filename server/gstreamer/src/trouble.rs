//! Why a run ends, in the words that the server reads.

use std::fmt;
use std::io::ErrorKind;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gstreamer as gst;

/// Why a run ends: `error WORD ...`.
///
/// | line | is |
/// |---|---|
/// | `status 401` | the camera answered a request with this status (RFC 2326 7.1.1) |
/// | `refused` | nothing listens on the port |
/// | `unreachable` | there is no route to the host |
/// | `unresolved` | no host has this name |
/// | `silent` | no answer in time |
/// | `not-rtsp` | an answer that is none of RTSP, or the end of the connection before one |
/// | `transport` | the camera offers no transport that was asked for |
/// | `closed` | the camera has ended the stream |
/// | `no-video` | there is no picture in its description |
/// | `too-big 16000 16000` | a picture of this size is not decoded |
/// | `lacks x264enc` | GStreamer has no element of this name |
/// | `failed WORDS` | anything else |
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    Status(u32),
    Refused,
    Unreachable,
    Unresolved,
    Silent,
    NotRtsp,
    Transport,
    Closed,
    NoVideo,
    TooBig(u32, u32),
    Lacks(String),
    Failed(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status {status}"),
            Self::Refused => f.write_str("refused"),
            Self::Unreachable => f.write_str("unreachable"),
            Self::Unresolved => f.write_str("unresolved"),
            Self::Silent => f.write_str("silent"),
            Self::NotRtsp => f.write_str("not-rtsp"),
            Self::Transport => f.write_str("transport"),
            Self::Closed => f.write_str("closed"),
            Self::NoVideo => f.write_str("no-video"),
            Self::TooBig(width, height) => write!(f, "too-big {width} {height}"),
            Self::Lacks(element) => write!(f, "lacks {element}"),
            Self::Failed(words) => write!(f, "failed {words}"),
        }
    }
}

impl Trouble {
    /// Anything without a word of its own, on one line.
    pub(crate) fn failed(what: &impl fmt::Display) -> Self {
        Self::Failed(what.to_string().replace(|c: char| c.is_control(), " "))
    }

    /// GStreamer has no such element.
    pub(crate) fn lacks(element: &str) -> Self {
        Self::Lacks(element.into())
    }

    /// From an error that GStreamer tells; `location`: the camera's; `has_video`: as it describes
    /// itself. GStreamer's debug text is `file(line): function (): element:` and, on lines of their
    /// own, words.
    pub(crate) fn of(error: &gst::message::Error, location: &str, has_video: bool) -> Self {
        let status = error.details().and_then(|d| d.get::<u32>("rtsp-status-code").ok());
        let debug = error.debug().map(|d| d.to_string()).unwrap_or_default();
        let (said, after) = (error.error().to_string(), debug.split_once('\n'));
        match Self::from_words(status, &format!("{said} {debug}")) {
            Some(Self::NoVideo) if has_video => Self::Transport,
            // GStreamer does not say why.
            Some(Self::NotRtsp) if debug.contains("connect") => reach(location),
            Some(trouble) => trouble,
            None => Self::failed(&format!("{said} {}", after.map_or("", |(_, words)| words))),
        }
    }

    /// PURE: from the status of an answer and the words about an error (of rtspsrc in GStreamer 1.14
    /// to 1.28; the results of its connection have one text each, `gst_rtsp_strresult`).
    fn from_words(status: Option<u32>, debug: &str) -> Option<Self> {
        let has = |words: &str| debug.contains(words);
        Some(match status {
            Some(461) => Self::Transport,
            Some(status @ 300..) => Self::Status(status),
            _ if has("No supported stream was found") => Self::NoVideo,
            _ if has("protocols left") || has("Could not setup transport") => Self::Transport,
            _ if has("Timeout") || has("timed out") || has("Could not receive any UDP packets") => {
                Self::Silent
            }
            _ if has("Could not connect to server") || has("Failed to connect") => Self::NotRtsp,
            _ if has("Could not receive message") || has("Could not send message") => Self::NotRtsp,
            _ if has("Received end-of-file") || has("Connection reset") => Self::Closed,
            _ => return None,
        })
    }
}

/// How long a second look at the camera may take.
const LOOK: Duration = Duration::from_secs(5);

/// Looks why there is no connection.
fn reach(location: &str) -> Trouble {
    let place = location.split_once("://").map_or(location, |(_, rest)| rest);
    let place = place.split('/').next().unwrap_or(place);
    let usual = if location.starts_with("rtsps") { 322 } else { 554 };
    let resolved = match place.to_socket_addrs() {
        Err(e) if e.kind() == ErrorKind::InvalidInput => {
            (place.trim_matches(['[', ']']), usual).to_socket_addrs()
        }
        resolved => resolved,
    };
    let Ok(addresses) = resolved else { return Trouble::Unresolved };
    let mut last = Trouble::Unresolved;
    for address in addresses {
        last = match TcpStream::connect_timeout(&address, LOOK) {
            Ok(_) => return Trouble::NotRtsp,
            Err(e) => of_system(e.kind()),
        };
    }
    last
}

fn of_system(kind: ErrorKind) -> Trouble {
    match kind {
        ErrorKind::ConnectionRefused => Trouble::Refused,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            Trouble::Unreachable
        }
        ErrorKind::TimedOut => Trouble::Silent,
        _ => Trouble::NotRtsp,
    }
}

/// Where any part of a run says that it ends; the first one counts.
#[derive(Clone)]
pub(crate) struct End {
    say: Sender<Option<Trouble>>,
    heard: Arc<Mutex<Receiver<Option<Trouble>>>>,
}

impl Default for End {
    fn default() -> Self {
        let (say, heard) = channel();
        Self { say, heard: Arc::new(Mutex::new(heard)) }
    }
}

impl End {
    /// The run ends: `None` by a signal.
    pub(crate) fn because(&self, trouble: Option<Trouble>) {
        let _ = self.say.send(trouble);
    }

    /// Waits for the first reason.
    pub(crate) fn wait(&self) -> Option<Trouble> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).recv().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_of_rtspsrc_has_its_word() {
        for (status, debug, word) in [
            (Some(401), "Unauthorized (401)", "status 401"),
            (Some(404), "Not Found (404)", "status 404"),
            (Some(461), "Unsupported transport", "transport"),
            (
                None,
                "Could not receive message. (Timeout while waiting for server response)",
                "silent",
            ),
            (None, "Could not receive message. (Parse error)", "not-rtsp"),
            (None, "Could not connect to server. (Generic error)", "not-rtsp"),
            (None, "Could not receive any UDP packets for 5.0000 seconds", "silent"),
            (None, "No supported stream was found. You might need to install", "no-video"),
        ] {
            assert_eq!(Trouble::from_words(status, debug).unwrap().to_string(), word);
        }
        assert_eq!(Trouble::from_words(None, "no words for it"), None);
    }

    #[test]
    fn what_is_told_is_one_line() {
        assert_eq!(Trouble::failed(&"a\nb").to_string(), "failed a b");
    }

    #[test]
    fn why_there_is_no_connection_is_looked_at_again() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap();
        assert_eq!(reach(&format!("rtsp://{place}/live")), Trouble::NotRtsp);
        drop(listener);
        // A port that nobody listens at, and that nobody else can take meanwhile.
        let held = nix_free_port();
        assert_eq!(reach(&format!("rtsp://{}/live", held.1)), Trouble::Refused);
        assert_eq!(reach("rtsp://no.such.host.invalid/live"), Trouble::Unresolved);
    }

    /// A UDP socket keeps nobody from its TCP port, but the system gives a port to nobody twice.
    fn nix_free_port() -> (std::net::UdpSocket, std::net::SocketAddr) {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        (socket, address)
    }
}
