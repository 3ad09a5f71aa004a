//! The folder of a ladder: what may be in it, and how a file gets into it.
//!
//! A file is written under another name, read and checked, sent to the disk, and only then given
//! its own: what has its name is whole. [`RECORD`] says for which film and with which settings the
//! folder was begun; the locked folder itself keeps two runs apart.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::problem::Problem;
use super::source::Fingerprint;

/// The file that says what the folder is for.
pub(super) const RECORD: &str = ".nearlive-encode.json";

/// What the folder is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The film.
    pub(super) film: Fingerprint,
    /// Each file, with ffmpeg's arguments for it.
    pub(super) files: Vec<(String, Vec<String>)>,
}

/// A folder that this run has for itself.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Locked as long as it is open.
    handle: File,
}

impl Folder {
    /// Refuses a path that can be no folder beside the film.
    pub(super) fn check(path: &Path, film: &Path) -> Result<(), Problem> {
        if !path.is_file() {
            return Ok(());
        }
        let same = path.canonicalize().ok().zip(film.canonicalize().ok());
        Err(match same.is_some_and(|(a, b)| a == b) {
            true => Problem::SamePlace(path.to_owned()),
            false => Problem::NoFolder(path.to_owned()),
        })
    }

    /// Makes the folder if it is not there, and locks it.
    pub(super) fn open(path: &Path) -> Result<Self, Problem> {
        let unwritable = |source| Problem::Unwritable { folder: path.to_owned(), source };
        fs::create_dir_all(path).map_err(unwritable)?;
        let handle = File::open(path).map_err(unwritable)?;
        match handle.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), handle }),
            Err(fs::TryLockError::WouldBlock) => Err(Problem::InUse(path.to_owned())),
            // Some network disks lock nothing.
            Err(fs::TryLockError::Error(_)) => Ok(Self { path: path.to_owned(), handle }),
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The name under which a file is written.
    pub(super) fn draft(&self, name: &str) -> PathBuf {
        self.path.join(format!(".{name}.part"))
    }

    /// Whether a file is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.file(name).is_file()
    }

    /// Begins the work of `record`, or goes on with it. `film` is named in errors.
    pub(super) fn begin(&self, record: &Record, film: &Path) -> Result<(), Problem> {
        let unwritable = |source| self.unwritable(source);
        match fs::read(self.file(RECORD)) {
            Ok(bytes) => self.agrees(&bytes, record, film)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                if let Some(found) = self.anything().map_err(unwritable)? {
                    return Err(Problem::Taken { folder: self.path.clone(), found });
                }
                let text = serde_json::to_string_pretty(record).map_err(io::Error::other);
                let text = text.map_err(unwritable)?;
                self.put(RECORD, text.as_bytes())?;
            }
            Err(e) => return Err(unwritable(e)),
        }
        for (name, _) in &record.files {
            self.drop_draft(name);
        }
        Ok(())
    }

    fn agrees(&self, bytes: &[u8], record: &Record, film: &Path) -> Result<(), Problem> {
        let begun = serde_json::from_slice::<Record>(bytes).ok();
        match begun {
            Some(begun) if begun.film != record.film => {
                Err(Problem::FilmChanged { film: film.to_owned(), folder: self.path.clone() })
            }
            Some(begun) if begun.files == record.files => Ok(()),
            _ => Err(Problem::OtherLadder(self.path.clone())),
        }
    }

    /// The name of something in it, except the beginning of a record.
    fn anything(&self) -> io::Result<Option<String>> {
        let draft = self.draft(RECORD);
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.path() != draft {
                return Ok(Some(entry.file_name().to_string_lossy().into_owned()));
            }
        }
        Ok(None)
    }

    /// Writes a small file.
    pub(super) fn put(&self, name: &str, content: &[u8]) -> Result<(), Problem> {
        let draft = self.draft(name);
        let written = File::create(&draft).and_then(|mut f| f.write_all(content));
        let done = written.map_err(|e| self.unwritable(e)).and_then(|()| self.publish(name));
        if done.is_err() {
            self.drop_draft(name);
        }
        done
    }

    /// Gives a file that is whole its own name.
    pub(super) fn publish(&self, name: &str) -> Result<(), Problem> {
        let draft = self.draft(name);
        let publish = || {
            File::open(&draft)?.sync_all()?;
            fs::rename(&draft, self.file(name))?;
            // The name itself.
            self.handle.sync_all()
        };
        publish().map_err(|e| self.unwritable(e))
    }

    /// Removes what was written of a file.
    pub(super) fn drop_draft(&self, name: &str) {
        let _ = fs::remove_file(self.draft(name));
    }

    fn unwritable(&self, source: io::Error) -> Problem {
        let folder = self.path.clone();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Problem::NoRoom(folder),
            io::ErrorKind::FileTooLarge => Problem::TooLong(folder),
            _ => Problem::Unwritable { folder, source },
        }
    }
}
