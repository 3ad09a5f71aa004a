//! What a failed request means, and when it is worth another try. Pure: nothing here sends anything.
//!
//! All that is asked for again, when and where, is decided here: [`retry`] for every request,
//! [`missing`] for segments of a film that are refused, [`mirrors`] for what is to be had at several
//! addresses. A 404 at the live edge is not retry's case but the scheduler's.

pub mod mirrors;
pub mod missing;
pub mod prng;
pub mod retry;

use alloc::string::String;

/// Why a request brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No answer, or it broke off; the browser's words.
    Unreachable(String),
    /// An error status.
    Status(u16),
    /// No byte for too long.
    Timeout,
    /// More bytes than anything of its kind has.
    TooLarge,
    /// All of a file where a part of it was asked for.
    NoRange,
    /// A web page in place of what was asked for, with a good status: the network wants a login (a
    /// captive portal), or a proxy says that the server is in trouble.
    Page,
    /// It came whole, and is not what it should be.
    Unreadable,
}

impl Failure {
    /// The server says that there is no such thing (RFC 9110 15.5.5, 15.5.11).
    pub const fn is_absence(&self) -> bool {
        matches!(self, Self::Status(404 | 410))
    }
}
