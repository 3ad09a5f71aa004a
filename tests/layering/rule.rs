//! What can be found, and how it is told.

use std::fmt;

/// The rules, by what they are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// Files that know each other in a circle.
    Circle,
    /// Methods of a type away from it.
    Home,
    /// Which module may name which.
    Layer,
    /// A long file.
    LongFile,
    /// A long function.
    LongFunction,
}

/// Something that is against a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) rule: Rule,
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) says: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.says)
    }
}
