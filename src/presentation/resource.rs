//! What can be fetched.

use crate::units::ByteRange;
use alloc::string::String;

/// Something to fetch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resource {
    /// Absolute.
    pub url: String,
    /// The part of it that is meant; all of it when `None`.
    pub range: Option<ByteRange>,
}
