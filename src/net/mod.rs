//! What a failed request means, and when it is worth another try. Pure: nothing here sends anything.
//!
//! One layer owns each retry: the player's request table asks [`retry::verdict`], nobody else tries
//! again. A 404 at the live edge is not retry's case but the scheduler's.

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
}
