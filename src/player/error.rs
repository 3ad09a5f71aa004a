//! Errors as the page is told them: a number, a sentence that says what to do, a URL.

use crate::net::Failure;
pub(super) use crate::presentation::url::redact as shown;
use alloc::format;
use alloc::string::String;
use serde::Serialize;

/// Where the fault lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// The network, or a server's refusal.
    Network,
    /// A manifest that cannot be used.
    Manifest,
    /// Media that cannot be read or decoded.
    Media,
    /// This browser cannot do it.
    Browser,
    /// The page used the player wrongly.
    Usage,
}

/// The public numbers. They never change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// 1001: a request got no answer (offline, refused, CORS, DNS).
    Unreachable = 1001,
    /// 1002: an answer with an error status.
    Status = 1002,
    /// 1003: no byte came for too long.
    Timeout = 1003,
    /// 2001: the manifest is not what it should be.
    BadManifest = 2001,
    /// 2002: the manifest uses something that this player cannot do yet.
    NotYet = 2002,
    /// 2003: the manifest holds nothing that can be played.
    NothingToPlay = 2003,
    /// 2004: segments are not there when the manifest says; playing goes by what the server has.
    Untimely = 2004,
    /// 3001: a segment could not be read.
    BadSegment = 3001,
    /// 3002: the browser's decoder gave up.
    Decode = 3002,
    /// 3003: the browser has no room for more media.
    Quota = 3003,
    /// 4001: the browser cannot play any of the codecs.
    UnsupportedCodec = 4001,
    /// 4002: the browser has no MediaSource or no WebAssembly.
    UnsupportedBrowser = 4002,
    /// 5001: a call with arguments that make no sense.
    BadCall = 5001,
}

impl Code {
    /// Its category.
    pub const fn category(self) -> Category {
        match self {
            Self::Unreachable | Self::Status | Self::Timeout => Category::Network,
            Self::BadManifest | Self::NotYet | Self::NothingToPlay | Self::Untimely => {
                Category::Manifest
            }
            Self::BadSegment | Self::Decode | Self::Quota => Category::Media,
            Self::UnsupportedCodec | Self::UnsupportedBrowser => Category::Browser,
            Self::BadCall => Category::Usage,
        }
    }
}

/// One error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Its number.
    pub code: Code,
    /// Playback has ended because of it, and will not go on by itself.
    pub fatal: bool,
    /// For a person: what, where, what to do.
    pub message: String,
    /// What was being fetched, if anything (user info removed).
    pub url: Option<String>,
    /// For a developer.
    pub detail: String,
}

impl Error {
    /// A request for `what` failed.
    pub(super) fn of_request(failure: &Failure, url: &str, what: &str) -> Self {
        let (code, message, detail) = match failure {
            Failure::Unreachable(text) => (
                Code::Unreachable,
                format!(
                    "The server cannot be reached for {what}; check the network, the address, and \
                     that the server allows this page (CORS)."
                ),
                text.clone(),
            ),
            Failure::Timeout => (
                Code::Timeout,
                format!("The server does not answer for {what}; check that it runs."),
                String::new(),
            ),
            Failure::TooLarge => (
                Code::BadManifest,
                format!("The answer for {what} is far too large; check the address."),
                String::new(),
            ),
            Failure::NoRange => (
                Code::Status,
                format!(
                    "The server sends the whole file where a part of it is asked for {what}; let it \
                     answer byte ranges (206)."
                ),
                String::new(),
            ),
            Failure::Page => (
                Code::Unreachable,
                format!(
                    "A web page came in place of {what}; sign in to the network if it asks for \
                     that, or check the server."
                ),
                String::new(),
            ),
            Failure::Unreadable => (
                Code::BadSegment,
                format!("What came for {what} is not what it should be; check the encoder."),
                String::new(),
            ),
            Failure::Status(status) => (Code::Status, status_words(*status, what), String::new()),
        };
        Self { code, fatal: false, message, url: Some(shown(url)), detail }
    }

    /// The same error with the server's own explanation as its message.
    pub(super) fn with_reason(mut self, reason: Option<&str>) -> Self {
        if let Some(reason) = reason {
            self.detail = core::mem::replace(
                &mut self.message,
                format!("The server says: {}.", reason.trim_end_matches('.')),
            );
        }
        self
    }
}

fn status_words(status: u16, what: &str) -> String {
    let help = match status {
        401 | 403 => "access is refused; sign in again or check the address's token",
        404 | 410 => "it is not there; check the address",
        408 | 425 | 429 => "the server has too much to do; it is asked again later",
        503 => "it has nothing to send yet, or is overloaded; it is asked again",
        500..=599 => "the server is in trouble; it is asked again",
        _ => "check the address",
    };
    format!("The server answered {status} for {what}: {help}.")
}
