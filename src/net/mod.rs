//! Decides what a failed request means, and when it is retried. PURE: nothing here sends anything.
//!
//! All decisions about retries are here: [`retry`] for every request, [`missing`] for refused
//! segments of a film, [`mirrors`] for resources with several addresses. The one exception is a 404
//! at the live edge: the segment may only be late, which [`crate::live::lateness`] deals with.

pub mod mirrors;
pub mod missing;
pub mod prng;
pub mod retry;

use alloc::string::String;

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No answer, or it broke off; the browser's words.
    Unreachable(String),
    /// An error status.
    Status(u16),
    /// No byte arrived for too long.
    Timeout,
    /// More bytes than any resource of this kind has.
    TooLarge,
    /// The whole file arrived where a byte range was asked for.
    NoRange,
    /// A web page arrived with a good status: the network wants a login (a captive portal), or a
    /// proxy reports that the server has failed.
    Page,
    /// The answer is complete, but its content is not what it should be.
    Unreadable,
}

impl Failure {
    /// The server says that the resource does not exist (RFC 9110 15.5.5, 15.5.11).
    pub const fn is_absence(&self) -> bool {
        matches!(self, Self::Status(404 | 410))
    }
}
