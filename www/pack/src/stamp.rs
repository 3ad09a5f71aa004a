//! Remembers what the last run packed, so that a run with the same inputs ends at once.

use anyhow::{Context, Result};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

/// A digest of all inputs of a run.
pub(crate) struct Stamp(DefaultHasher);

impl Stamp {
    pub(crate) fn new() -> Self {
        Self(DefaultHasher::new())
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        text.hash(&mut self.0);
        self
    }

    pub(crate) fn file(&mut self, path: &Path) -> Result<&mut Self> {
        let bytes =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        bytes.hash(&mut self.0);
        Ok(self)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        bytes.hash(&mut self.0);
        self
    }

    /// Whether the last run, recorded at `path`, had the same inputs.
    pub(crate) fn matches(&self, path: &Path) -> bool {
        std::fs::read_to_string(path).is_ok_and(|it| it == self.digest())
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, self.digest())
            .with_context(|| format!("cannot write {}", path.display()))
    }

    fn digest(&self) -> String {
        format!("{:016x}", self.0.finish())
    }
}
