//! A fingerprint of all outputs of a player in a run, to compare before and after the player is
//! taken apart. It is taken if `NEARLIVE_FINGERPRINTS` names a folder; there each test has a file
//! with one line per run.

use nearlive::player::Output;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::PathBuf;

/// Gathers the outputs of one run.
#[derive(Debug)]
pub(crate) struct Fingerprint {
    folder: PathBuf,
    seed: u64,
    hasher: DefaultHasher,
    drains: u64,
}

impl Fingerprint {
    /// `None`: no fingerprint is wanted.
    pub(crate) fn begin(seed: u64) -> Option<Self> {
        let folder = PathBuf::from(std::env::var_os("NEARLIVE_FINGERPRINTS")?);
        Some(Self { folder, seed, hasher: DefaultHasher::new(), drains: 0 })
    }

    /// Adds the outputs to one input, in any order: `outputs`, and the `wait` after them.
    pub(crate) fn drained(&mut self, now: u64, outputs: &[Output], wait: &Output) {
        let mut texts: Vec<String> = outputs.iter().map(|it| format!("{it:?}")).collect();
        texts.sort_unstable();
        (now, texts, format!("{wait:?}")).hash(&mut self.hasher);
        self.drains += 1;
    }
}

impl Drop for Fingerprint {
    fn drop(&mut self) {
        let binary = std::env::current_exe().ok();
        let binary = binary.as_deref().and_then(|it| it.file_stem()).unwrap_or_default();
        // Cargo adds a hash of its own after the name.
        let binary = binary
            .to_string_lossy()
            .rsplit_once('-')
            .map_or_else(String::new, |it| it.0.to_string());
        let thread = std::thread::current();
        let test = thread.name().unwrap_or("unknown").replace("::", ".");
        let line = format!("{} {} {:016x}\n", self.seed, self.drains, self.hasher.finish());
        let path = self.folder.join(format!("{binary}.{test}"));
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
        if let Err(error) = written {
            eprintln!("the fingerprint was not written: {error}");
        }
    }
}
